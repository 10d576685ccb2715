//! Which Fabric node to ask: the configured ones and those learned from them.

use std::time::{Duration, Instant};

use crate::config::Node;
use crate::error::{Code, Error};

use super::backoff::Backoff;
use super::clock::millis;

/// A farm has a handful of Fabric nodes; a list beyond this is a mistake, not a farm.
const MAX_NODES: usize = 64;

/// A node, and how it has been doing.
#[derive(Debug)]
struct Known {
    node: Node,
    backoff: Backoff,
    /// On the handle's clock; 0 = it may be asked.
    rests_until: u64,
}

/// The nodes in the order they were named, and the one that answered last.
#[derive(Debug, Default)]
pub struct Nodes {
    known: Vec<Known>,
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
            if self.known.len() < MAX_NODES && self.find(node).is_none() {
                let node = node.clone();
                self.known.push(Known { node, backoff: Backoff::default(), rests_until: 0 });
            }
        }
    }

    pub fn known(&self) -> Vec<Node> {
        self.known.iter().map(|known| known.node.clone()).collect()
    }

    /// How many did not fail when last asked; those nobody asked yet are among them.
    pub fn up(&self) -> usize {
        self.known.iter().filter(|known| known.rests_until == 0).count()
    }

    /// The node that answered last comes first: a dead one costs nothing once another is known.
    pub fn prefer(&mut self, node: &Node) {
        if let Some(known) = self.find(node) {
            known.backoff.succeeded();
            known.rests_until = 0;
        }
        if self.preferred.as_ref() != Some(node) {
            self.preferred = Some(node.clone());
        }
    }

    /// A node that did not answer comes last for a while, a longer one with every failure.
    pub fn failed(&mut self, node: &Node, now: u64) {
        if let Some(known) = self.find(node) {
            known.rests_until = now.saturating_add(millis(known.backoff.failed()));
        }
    }

    /// Every node once: the preferred one, those that may be asked, and only then those that
    /// rest, the one that may be asked soonest before the others.
    pub fn in_turn(&self, now: u64) -> Vec<Node> {
        let mut nodes: Vec<&Known> = self.known.iter().collect();
        nodes.sort_by_key(|known| {
            let rest = if known.rests_until > now { known.rests_until } else { 0 };
            (rest, Some(&known.node) != self.preferred.as_ref())
        });
        nodes.into_iter().map(|known| known.node.clone()).collect()
    }

    fn find(&mut self, node: &Node) -> Option<&mut Known> {
        self.known.iter_mut().find(|known| known.node == *node)
    }
}

/// How often all nodes are tried, and the pause in between.
#[derive(Debug, Clone, Copy)]
pub struct Rounds {
    pub count: u32,
    pub pause: Duration,
    /// The instant at which all of it must be over.
    pub until: Option<Instant>,
}

impl Rounds {
    pub const ONCE: Self = Self { count: 1, pause: Duration::ZERO, until: None };

    /// Whether there is no time left in so long.
    pub fn is_over_in(&self, pause: Duration) -> bool {
        self.until.is_some_and(|until| until <= Instant::now() + pause)
    }
}

/// Whether trying again later may help. A refused password stays refused.
pub fn may_pass(error: &Error) -> bool {
    matches!(error.code, Code::Unreachable | Code::Timeout | Code::Protocol)
}

/// Whether a failure says nothing against the node: it answered, and refused one command; or it
/// was not even asked, for want of a descriptor or a thread. It may well answer others.
pub fn spares_node(error: &Error) -> bool {
    matches!(error.code, Code::Fabric | Code::Forbidden | Code::System)
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
        assert_eq!(nodes.in_turn(1), [node("c"), node("a"), node("b")]);
        nodes.prefer(&node("a"));
        assert_eq!(nodes.in_turn(1), [node("a"), node("b"), node("c")]);
    }

    #[test]
    fn a_failed_node_rests_and_comes_back() {
        let mut nodes = Nodes::new(&[node("a"), node("b"), node("c")]);
        nodes.prefer(&node("a"));
        nodes.failed(&node("a"), 1000);
        assert_eq!(nodes.in_turn(1000), [node("b"), node("c"), node("a")]);
        assert_eq!(nodes.in_turn(1_000_000), [node("a"), node("b"), node("c")]);
        assert_eq!(nodes.up(), 2, "time alone makes no node good");
        nodes.failed(&node("b"), 1000);
        nodes.failed(&node("c"), 1000);
        assert_eq!(nodes.up(), 0);
        assert_eq!(nodes.in_turn(1000).len(), 3, "when all rest, all are asked");
        nodes.prefer(&node("c"));
        assert_eq!(nodes.in_turn(1000).first(), Some(&node("c")));
        assert_eq!(nodes.up(), 1);
    }

    #[test]
    fn a_refusal_outweighs_silence() {
        let silent = Error::new(Code::Unreachable, "a");
        let refusal = Error::new(Code::Auth, "b");
        assert_eq!(more_telling(silent.clone(), refusal.clone()).code, Code::Auth);
        assert_eq!(more_telling(refusal, silent).code, Code::Auth);
    }
}
