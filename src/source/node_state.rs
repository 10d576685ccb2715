//! How the nodes of a source, and the servers that it asks of groups, did when they were asked last.

use crate::config::Node;

/// A node, or a server that is asked of its group.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NodeState {
    pub node: Node,
    /// Whether the source itself is asked of it, and not only one group.
    pub is_source: bool,
    /// The group that a server is asked of.
    pub group: Option<String>,
    /// Nothing if it answered when it was asked last.
    pub silence: Option<Silence>,
}

/// That a node does not answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Silence {
    /// Since when, on the handle's clock, in milliseconds.
    pub since: u64,
    /// What became of the last question.
    pub why: String,
}
