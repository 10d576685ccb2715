//! Which Fabric node to ask: the configured ones and those learned from them.

use std::time::Duration;

use crate::config::Node;
use crate::error::{Code, Error};

/// A farm has a handful of Fabric nodes; a list beyond this is a mistake, not a farm.
const MAX_NODES: usize = 64;

/// The nodes in the order they were named, and the one that answered last.
#[derive(Debug, Default)]
pub struct Nodes {
    known: Vec<Node>,
    preferred: Option<Node>,
}

impl Nodes {
    pub fn new(configured: &[Node]) -> Self {
        let mut nodes = Self::default();
        nodes.learn(configured);
        nodes
    }

    /// Adds nodes that are not known yet.
    pub fn learn(&mut self, nodes: &[Node]) {
        for node in nodes {
            if self.known.len() < MAX_NODES && !self.known.contains(node) {
                self.known.push(node.clone());
            }
        }
    }

    pub fn known(&self) -> &[Node] {
        &self.known
    }

    /// The node that answered last comes first: a dead one costs nothing once another is known.
    pub fn prefer(&mut self, node: &Node) {
        if self.preferred.as_ref() != Some(node) {
            self.preferred = Some(node.clone());
        }
    }

    /// Every node once, the preferred one first.
    pub fn in_turn(&self) -> Vec<Node> {
        let others = self.known.iter().filter(|node| Some(*node) != self.preferred.as_ref());
        self.preferred.iter().chain(others).cloned().collect()
    }
}

/// How often all nodes are tried, and the pause in between.
#[derive(Debug, Clone, Copy)]
pub struct Rounds {
    pub count: u32,
    pub pause: Duration,
}

impl Rounds {
    pub const ONCE: Self = Self { count: 1, pause: Duration::ZERO };
}

/// Whether trying again later may help. A refused password stays refused.
pub fn may_pass(error: &Error) -> bool {
    matches!(error.code, Code::Unreachable | Code::Timeout | Code::Protocol)
}

/// Of the failures of several nodes the one that tells the caller most: what a node said
/// counts more than that another one said nothing.
pub fn more_telling(first: Error, second: Error) -> Error {
    let weight = |error: &Error| match error.code {
        Code::Unreachable => 0,
        Code::Timeout => 1,
        Code::Protocol => 2,
        _ => 3,
    };
    if weight(&second) > weight(&first) { second } else { first }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn node(host: &str) -> Node {
        Node { host: host.into(), port: 32274 }
    }

    #[test]
    fn the_last_good_node_is_asked_first() {
        let mut nodes = Nodes::new(&[node("a"), node("b")]);
        nodes.learn(&[node("b"), node("c")]);
        nodes.prefer(&node("c"));
        assert_eq!(nodes.in_turn(), [node("c"), node("a"), node("b")]);
        nodes.prefer(&node("a"));
        assert_eq!(nodes.in_turn(), [node("a"), node("b"), node("c")]);
    }

    #[test]
    fn a_refusal_outweighs_silence() {
        let silent = Error::new(Code::Unreachable, "a");
        let refusal = Error::new(Code::Auth, "b");
        assert_eq!(more_telling(silent.clone(), refusal.clone()).code, Code::Auth);
        assert_eq!(more_telling(refusal, silent).code, Code::Auth);
    }
}
