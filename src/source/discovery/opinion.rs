//! What one server says when it is asked: of itself, and of those around it. It is one server's
//! opinion, and may be wrong; the rules decide what to make of several.

use std::time::Duration;

use crate::config::Node;

/// What came back from one server that was asked.
#[derive(Debug, Clone, PartialEq)]
pub struct Reply {
    /// The address it was asked at.
    pub node: Node,
    pub outcome: Outcome,
}

#[derive(Debug, Clone, PartialEq)]
pub enum Outcome {
    /// Nothing came back yet, and there is time left.
    Pending,
    Opinion(Box<Opinion>),
    /// No answer in time, or no connection: it may be dead, frozen, or cut off from us.
    Silent(String),
    /// It is there and lets nobody in, or not us: a refused password, offline mode, too many
    /// connections. `auth`: to try again soon could lock the account.
    Refused {
        why: String,
        auth: bool,
    },
    /// It answers, and nothing can be made of it: it is no MySQL server, or a grant is missing. `why`
    /// has the remedy, such as the GRANT statement.
    Unusable {
        why: String,
    },
}

/// What a server says.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Opinion {
    /// `@@server_uuid`. MariaDB has none: it is made of `@@server_uid`, or else of address and
    /// `@@server_id`, and is the same as long as the server is.
    pub uuid: String,
    pub version: String,
    pub is_mariadb: bool,
    pub read_only: bool,
    /// `None` where there is no such variable: MySQL 5.6, MariaDB.
    pub super_read_only: Option<bool>,
    pub offline_mode: bool,
    /// What it says of the group that it is or was in; `None` if it is in none.
    pub group: Option<GroupView>,
    /// Its copy of InnoDB Cluster's metadata; `None` if there is no such schema.
    pub metadata: Option<Metadata>,
    /// From whom it replicates, channels of Group Replication apart.
    pub channels: Vec<Channel>,
    /// What it could not be asked for want of a grant, with the statement that grants it.
    pub not_granted: Vec<String>,
    /// Whether a grant is missing to look at its group, or at its metadata: what is not said of it may be so.
    pub group_denied: bool,
    pub metadata_denied: bool,
}

impl Opinion {
    /// Whether clients may write there, as it says itself. Users with SUPER may write in spite of
    /// `read_only`; routed clients should not.
    pub fn is_writable(&self) -> bool {
        !self.read_only && !self.super_read_only.unwrap_or(false) && !self.offline_mode
    }

    /// Whether what it does not say of groups is not so, rather than not for this account to know.
    pub fn tells_of_groups(&self) -> bool {
        self.group.is_some() || !self.group_denied
    }

    /// The variables by which it takes no writes, as they stand in a message: "super_read_only is ON".
    pub fn refuses_by(&self) -> String {
        let on = [
            ("super_read_only", self.super_read_only == Some(true)),
            // The other one sets it, too.
            ("read_only", self.read_only && self.super_read_only != Some(true)),
            ("offline_mode", self.offline_mode),
        ];
        let on: Vec<&str> = on.iter().filter(|(_, is_on)| *is_on).map(|(name, _)| *name).collect();
        match on.as_slice() {
            [one] => format!("{one} is ON"),
            all => format!("{} are ON", all.join(" and ")),
        }
    }

    /// As `tells_of_groups`, of metadata.
    pub fn tells_of_metadata(&self) -> bool {
        self.metadata.is_some() || !self.metadata_denied
    }

    /// Whether it is in a group by its own word, and so replicates from nobody in particular.
    pub fn is_member(&self) -> bool {
        let is_in = |view: &GroupView| {
            let own = view.members.iter().find(|member| member.uuid == self.uuid);
            own.is_some_and(|own| {
                matches!(own.state, MemberState::Online | MemberState::Recovering)
            })
        };
        self.group.as_ref().is_some_and(is_in)
    }
}

/// A group as one member sees it.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct GroupView {
    pub group_name: String,
    pub single_primary: bool,
    /// `None` while the member is in no view.
    pub view_id: Option<ViewId>,
    pub members: Vec<Member>,
    /// How far it is behind in applying what others wrote: zero where nothing waits. `None` if that is
    /// not known, which counts as too far.
    pub lag: Option<Duration>,
}

/// Orders the views of one group: by its last bootstrap, then by the changes since.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct ViewId {
    pub bootstrap: u64,
    pub changes: u64,
}

impl ViewId {
    /// Reads `17956341815382464:8`.
    pub fn parse(text: &str) -> Option<Self> {
        let (bootstrap, changes) = text.split_once(':')?;
        Some(Self { bootstrap: bootstrap.parse().ok()?, changes: changes.parse().ok()? })
    }
}

#[derive(Debug, Clone, PartialEq)]
pub struct Member {
    pub uuid: String,
    /// The address that it has inside the group.
    pub node: Node,
    pub state: MemberState,
    pub is_primary: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MemberState {
    Online,
    Recovering,
    Offline,
    Error,
    Unreachable,
    /// One that is not known here.
    Other,
}

/// One server's copy of `mysql_innodb_cluster_metadata`.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Metadata {
    /// Of `schema_version`. 0.0.0 while it is upgraded: nothing else is read then.
    pub version: (u32, u32, u32),
    /// The cluster or ReplicaSet that the server is in, as its copy says; `None` if it is in none.
    pub own: Option<Cluster>,
    /// The ClusterSet that this is in.
    pub cluster_set: Option<ClusterSet>,
}

#[derive(Debug, Clone, PartialEq, Default)]
pub struct Cluster {
    pub cluster_id: String,
    pub name: String,
    /// A ReplicaSet, which has no Group Replication.
    pub is_replica_set: bool,
    /// Of Group Replication.
    pub group_name: Option<String>,
    /// Of a ReplicaSet: counts its changes.
    pub view_id: Option<u64>,
    pub instances: Vec<Instance>,
    pub options: RouterOptions,
}

#[derive(Debug, Clone, PartialEq)]
pub struct Instance {
    pub uuid: String,
    /// The address for traffic.
    pub node: Node,
    /// Of a ReplicaSet.
    pub is_primary: bool,
    /// A copy that is no member of the group: for reading alone.
    pub is_read_replica: bool,
    /// Tag `_hidden`: takes nothing new.
    pub is_hidden: bool,
    pub tags: Tags,
}

/// The users' own tags of an instance.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Tags {
    pub weight: Option<f64>,
    pub zone: Option<String>,
}

/// What administrators wrote for MySQL Router, as far as it is about where traffic goes.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct RouterOptions {
    pub read_only_targets: ReadOnlyTargets,
    pub unreachable_quorum_allowed_traffic: QuorumTraffic,
    pub use_replica_primary_as_rw: bool,
    /// Of a ClusterSet: the cluster that is followed; `None` is its primary cluster.
    pub target_cluster: Option<String>,
    /// Of a ClusterSet: whether an invalidated cluster may still be read.
    pub invalidated_accepts_reads: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum ReadOnlyTargets {
    #[default]
    Secondaries,
    ReadReplicas,
    All,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum QuorumTraffic {
    #[default]
    None,
    Read,
    All,
}

#[derive(Debug, Clone, PartialEq, Default)]
pub struct ClusterSet {
    pub id: String,
    pub name: String,
    pub view_id: u64,
    pub clusters: Vec<SetMember>,
    pub options: RouterOptions,
}

#[derive(Debug, Clone, PartialEq, Default)]
pub struct SetMember {
    pub cluster: Cluster,
    /// `None` for one that the newest view does not have.
    pub is_primary: Option<bool>,
    pub is_invalidated: bool,
}

/// From whom a server replicates.
#[derive(Debug, Clone, PartialEq)]
pub struct Channel {
    pub source: Node,
    /// Empty where the server does not tell it.
    pub source_uuid: String,
    /// Whether the receiver has its connection.
    pub receives: bool,
    pub applies: bool,
    /// How far it is behind; `None` if that is not known, which counts as too far.
    pub lag: Option<Duration>,
}
