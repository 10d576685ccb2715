//! What a server is asked for, by what its group is.

use crate::source::discovery::spec::Kind;

/// What a server is asked for, beside who it is and whether it takes writes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Questions {
    /// Its view of Group Replication.
    pub group: bool,
    /// The metadata of InnoDB Cluster.
    pub metadata: bool,
    /// From whom it replicates, if it is no member of a group.
    pub replication: bool,
}

impl Questions {
    pub fn of(kind: Kind) -> Self {
        match kind {
            Kind::Auto | Kind::InnodbCluster | Kind::ClusterSet => {
                Self { group: true, metadata: true, replication: true }
            }
            Kind::GroupReplication => Self { group: true, metadata: false, replication: false },
            Kind::ReplicaSet => Self { group: false, metadata: true, replication: true },
            Kind::Replication => Self { group: false, metadata: false, replication: true },
        }
    }

    /// For a server of two groups.
    pub fn and(self, other: Self) -> Self {
        Self {
            group: self.group || other.group,
            metadata: self.metadata || other.metadata,
            replication: self.replication || other.replication,
        }
    }

    /// Whether what answers these answers those.
    pub fn cover(self, those: Self) -> bool {
        self.and(those) == self
    }
}
