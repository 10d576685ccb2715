//! What a group is that is to be discovered: whom to ask, and of what kind it is.

use std::collections::BTreeMap;

use super::node::Node;

/// What a group is, as far as its servers do not have to be asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum DiscoveryKind {
    /// Whatever the servers say they are.
    Auto,
    /// MySQL Group Replication, with no metadata around it.
    GroupReplication,
    /// A group with the metadata of an InnoDB Cluster.
    InnodbCluster,
    /// Plain replication with the metadata of an InnoDB ReplicaSet.
    ReplicaSet,
    /// Several InnoDB Clusters, one of which takes writes.
    ClusterSet,
    /// Plain replication, with no metadata around it.
    Replication,
}

impl DiscoveryKind {
    pub(crate) const ALL: [Self; 6] = [
        Self::Auto,
        Self::GroupReplication,
        Self::InnodbCluster,
        Self::ReplicaSet,
        Self::ClusterSet,
        Self::Replication,
    ];

    /// What topology files, tables and messages call it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Auto => "auto",
            Self::GroupReplication => "group_replication",
            Self::InnodbCluster => "innodb_cluster",
            Self::ReplicaSet => "replicaset",
            Self::ClusterSet => "clusterset",
            Self::Replication => "replication",
        }
    }

    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.name() == name)
    }
}

/// A group that is to be discovered.
#[derive(Debug, Clone, PartialEq)]
pub struct GroupSpec {
    pub kind: DiscoveryKind,
    /// Whom to ask as long as nobody has named other members, and ever again when those do not
    /// answer. Never empty.
    pub seeds: Vec<Node>,
    /// The weights of servers, by address. Whoever is not in it weighs what the server's own tags say,
    /// or 1.
    pub weights: BTreeMap<Node, f64>,
    /// The zones of servers, by address. Whoever is not in it stands where the server's own tags say.
    pub zones: BTreeMap<Node, String>,
}

impl GroupSpec {
    /// A group of which nothing is said but whom to ask.
    pub fn new(kind: DiscoveryKind, seeds: Vec<Node>) -> Self {
        Self { kind, seeds, weights: BTreeMap::new(), zones: BTreeMap::new() }
    }
}
