//! What the rules make of the opinions about a group.

use std::sync::Arc;

use crate::config::Node;

/// Whether the replies so far suffice.
#[derive(Debug, Clone, PartialEq)]
pub enum Judgement {
    /// What is still pending may change it, and so may these, which have not been asked in this round:
    /// they are to be asked now, and to be among the replies from here on. Nothing pending and nobody
    /// to ask is never undecided.
    Undecided {
        ask: Vec<Node>,
    },
    Decided(Verdict),
    /// Nobody says anything of use: what is known of the group stays as it is, for this reason.
    Keep {
        why: String,
    },
}

/// Who is in a group, and who takes its writes.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Verdict {
    /// What its metadata calls it: the name of a cluster, a ReplicaSet or a ClusterSet.
    pub name: Option<String>,
    /// Those that may serve, the primary among them.
    pub servers: Vec<Placed>,
    /// Why there is no primary, as it stands in the message of a lookup.
    pub reason: Option<Arc<str>>,
    /// Whether this will not last: there is no primary, and soon may be one.
    pub ask_again_soon: bool,
    /// Whom to ask in the next round. Where too few of them answer, the judgement of that round has
    /// the seeds asked as well.
    pub members: Vec<Node>,
    /// Why something is not as it could be, for the log; the same text is told once.
    pub warnings: Vec<String>,
}

/// A server of a group.
#[derive(Debug, Clone, PartialEq)]
pub struct Placed {
    pub uuid: String,
    pub node: Node,
    pub role: Role,
    /// `None`: what the group's specification says, or 1.
    pub weight: Option<f64>,
    /// Whether it has said so itself in this round.
    pub is_heard: bool,
    /// `None`: what the group's specification says, or nowhere.
    pub zone: Option<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Role {
    /// Takes writes.
    Primary,
    /// Takes reads.
    Secondary,
}
