//! The nodes a handle may ask: those it was told to, and those that they name.

use std::collections::BTreeSet;
use std::net::IpAddr;
use std::time::Duration;

use crate::config::Node;
use crate::source::FirstByteTimes;

use super::backoff::Backoff;
use super::node_state::{NodeState, Silence};
use super::response_times::{ResponseTimes, Subject};
use super::round_trip::RoundTrip;

/// A farm has a handful of nodes; a longer list is a mistake or worse. Nodes that the service
/// itself names are no matter of this limit.
pub(crate) const MAX_NODES: usize = 64;

/// A node under whichever of its names, host and port.
type Key = (String, u16);

/// A node, and how it has been doing.
#[derive(Debug, Clone)]
struct Known {
    node: Node,
    key: Key,
    /// Named by the service, or else by other nodes only.
    configured: bool,
    /// Known from a file, and no node of the service's has told since which there are.
    remembered: bool,
    /// The others that it named when it was asked last.
    names: Vec<Key>,
    backoff: Backoff,
    /// On the handle's clock; 0 = it may be asked.
    rests_until: u64,
    silence: Option<Silence>,
    round_trip: RoundTrip,
}

/// The nodes in the order they became known, and the one that answered last.
///
/// A node that the service did not name is kept for as long as somebody who counts names it: a
/// node of the service's, or one that is kept so itself. What it says of itself does not count.
#[derive(Debug, Clone)]
pub struct Endpoints {
    known: Vec<Known>,
    preferred: Option<Key>,
    /// Who answered last.
    answered: Option<Node>,
    /// The longest that a node is left alone after a failure.
    limit: Duration,
    response_times: ResponseTimes,
}

impl Endpoints {
    pub fn new(configured: &[Node], limit: Duration) -> Self {
        let mut endpoints = Self {
            known: Vec::new(),
            preferred: None,
            answered: None,
            limit,
            response_times: ResponseTimes::default(),
        };
        configured.iter().for_each(|node| endpoints.configure(node));
        endpoints
    }

    /// Adds a node that the service names.
    pub fn configure(&mut self, node: &Node) {
        match self.find(node) {
            Some(known) => known.configured = true,
            None => self.add(node.clone(), true),
        }
    }

    /// Adds nodes that were known when a file was written. They count until a node of the service's
    /// tells which nodes there are.
    pub fn remember(&mut self, nodes: &[Node]) {
        for node in nodes {
            if self.find(node).is_none() && self.known.len() < MAX_NODES {
                self.add(node.clone(), false);
            }
            if let Some(known) = self.find(node) {
                known.remembered = true;
            }
        }
    }

    /// Takes in which nodes `by` names, all of them, and drops those that nobody names any more.
    /// Gives how many there was no room for.
    pub fn learn(&mut self, by: &Node, named: &[Node]) -> usize {
        let own = key(by);
        let mut seen = BTreeSet::from([own]);
        let (mut names, mut left_out) = (Vec::new(), 0);
        for node in named {
            let name = key(node);
            if !seen.insert(name.clone()) {
                continue;
            }
            if self.find(node).is_none() {
                if self.known.len() >= MAX_NODES {
                    left_out += 1;
                    continue;
                }
                self.add(node.clone(), false);
            }
            names.push(name);
        }
        let mut is_configured = false;
        if let Some(known) = self.find(by) {
            known.names = names;
            is_configured = known.configured;
        }
        if is_configured {
            self.known.iter_mut().for_each(|known| known.remembered = false);
        }
        self.forget_unnamed();
        left_out
    }

    fn add(&mut self, node: Node, configured: bool) {
        self.known.push(Known {
            key: key(&node),
            node,
            configured,
            remembered: false,
            names: Vec::new(),
            backoff: Backoff::new(self.limit),
            rests_until: 0,
            silence: None,
            round_trip: RoundTrip::default(),
        });
    }

    fn forget_unnamed(&mut self) {
        let mut kept: BTreeSet<Key> = BTreeSet::new();
        let own = self.known.iter().filter(|known| known.configured || known.remembered);
        let mut next: Vec<Key> = own.map(|known| known.key.clone()).collect();
        while let Some(key) = next.pop() {
            if let Some(known) = self.known.iter().find(|known| known.key == key)
                && kept.insert(key)
            {
                next.extend(known.names.iter().cloned());
            }
        }
        self.known.retain(|known| kept.contains(&known.key));
        if self.preferred.as_ref().is_some_and(|preferred| !kept.contains(preferred)) {
            self.preferred = None;
        }
    }

    /// As nodes of the source, with how they did. Those that nobody asked yet did well.
    pub fn states(&self) -> Vec<NodeState> {
        let state = |known: &Known| NodeState {
            node: known.node.clone(),
            is_source: true,
            group: None,
            silence: known.silence.clone(),
        };
        self.known.iter().map(state).collect()
    }

    /// Those who name others or ought to, and do not rest: whom to ask which nodes there are.
    pub fn telling(&self, now: u64) -> Vec<Node> {
        let tells = |known: &&Known| known.configured || !known.names.is_empty();
        let telling = self.known.iter().filter(tells).filter(|known| known.rests_until <= now);
        telling.map(|known| known.node.clone()).collect()
    }

    /// A node has answered. The one that answered last comes first from now on.
    ///
    /// Gives how much of the time the node itself has needed, and not the way to it.
    pub fn answered(&mut self, node: &Node, waits: FirstByteTimes, now: u64) -> Duration {
        let work = self.is_up(node, waits, now);
        self.prefer(node);
        self.answered = Some(node.clone());
        work
    }

    /// Who answered last.
    pub fn last_node(&self) -> Option<Node> {
        self.answered.clone()
    }

    /// As `answered`, without an influence on who comes first.
    pub fn is_up(&mut self, node: &Node, waits: FirstByteTimes, now: u64) -> Duration {
        let Some(known) = self.find(node) else { return Duration::ZERO };
        known.backoff.succeeded();
        known.rests_until = 0;
        known.silence = None;
        known.round_trip.work_in(waits, now)
    }

    /// Notes how long an answer took, the way included.
    pub fn took(&mut self, subject: Subject, time: Duration) {
        self.response_times.took(subject, time);
    }

    /// How long an answer may well take; zero if nobody knows.
    pub fn typical_time(&self, subject: Subject) -> Duration {
        self.response_times.time(subject)
    }

    /// Has a node asked before the others.
    pub fn prefer(&mut self, node: &Node) {
        let key = self.find(node).map(|known| known.key.clone());
        if key.is_some() {
            self.preferred = key;
        }
    }

    /// A node that did not answer comes last for a while, a longer one with every failure.
    pub fn failed(&mut self, node: &Node, now: u64, why: String) {
        if let Some(known) = self.find(node) {
            let pause = u64::try_from(known.backoff.failed().as_millis()).unwrap_or(u64::MAX);
            known.rests_until = now.saturating_add(pause);
            let since = known.silence.take().map_or(now, |silence| silence.since);
            known.silence = Some(Silence { since, why });
        }
    }

    /// Every node once: the preferred one, then the service's, then the others, and only then
    /// those that rest, the one that may be asked soonest before the others.
    pub fn in_turn(&self, now: u64) -> Vec<Node> {
        let mut nodes: Vec<&Known> = self.known.iter().collect();
        nodes.sort_by_key(|known| {
            let rest = if known.rests_until > now { known.rests_until } else { 0 };
            (rest, Some(&known.key) != self.preferred.as_ref(), !known.configured)
        });
        nodes.into_iter().map(|known| known.node.clone()).collect()
    }

    fn find(&mut self, node: &Node) -> Option<&mut Known> {
        let key = key(node);
        self.known.iter_mut().find(|known| known.key == key)
    }
}

/// What the names of one node have in common. `localhost` and the two addresses it means are one
/// host, and so are names that differ in case alone or in a dot at the end.
fn key(node: &Node) -> Key {
    let host = node.host.trim_matches(['[', ']']);
    let host = match host.parse::<IpAddr>().map(|ip| ip.to_canonical()) {
        Ok(ip) if ip == IpAddr::from([127, 0, 0, 1]) => "localhost".to_owned(),
        Ok(IpAddr::V6(ip)) if ip.is_loopback() => "localhost".to_owned(),
        Ok(ip) => ip.to_string(),
        Err(_) => host.trim_end_matches('.').to_ascii_lowercase(),
    };
    (host, node.port)
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIMIT: Duration = Duration::from_secs(10);

    fn node(host: &str) -> Node {
        Node { host: host.into(), port: 32274 }
    }

    fn nodes(hosts: &[&str]) -> Vec<Node> {
        hosts.iter().map(|host| node(host)).collect()
    }

    fn known(endpoints: &Endpoints) -> Vec<Node> {
        endpoints.states().into_iter().map(|state| state.node).collect()
    }

    fn up(endpoints: &Endpoints) -> usize {
        endpoints.states().iter().filter(|state| state.silence.is_none()).count()
    }

    fn answered(endpoints: &mut Endpoints, host: &str) {
        endpoints.answered(&node(host), FirstByteTimes::default(), 1);
    }

    #[test]
    fn the_last_good_node_is_asked_first_and_then_the_services_own() {
        let mut endpoints = Endpoints::new(&nodes(&["a", "b"]), LIMIT);
        assert_eq!(endpoints.learn(&node("b"), &nodes(&["b", "c", "d"])), 0);
        endpoints.configure(&node("e"));
        assert_eq!(endpoints.in_turn(1), nodes(&["a", "b", "e", "c", "d"]));
        answered(&mut endpoints, "d");
        assert_eq!(endpoints.in_turn(1), nodes(&["d", "a", "b", "e", "c"]));
        answered(&mut endpoints, "b");
        assert_eq!(endpoints.in_turn(1), nodes(&["b", "a", "e", "c", "d"]));
        assert_eq!(known(&endpoints), nodes(&["a", "b", "c", "d", "e"]));
    }

    #[test]
    fn a_failed_node_rests_and_comes_back() {
        let mut endpoints = Endpoints::new(&nodes(&["a", "b", "c"]), LIMIT);
        answered(&mut endpoints, "a");
        endpoints.failed(&node("a"), 1000, "refused".into());
        assert_eq!(endpoints.in_turn(1000), nodes(&["b", "c", "a"]));
        assert_eq!(endpoints.in_turn(1_000_000), nodes(&["a", "b", "c"]));
        assert_eq!(up(&endpoints), 2, "time alone makes no node good");
        endpoints.failed(&node("a"), 1500, "silent".into());
        let silence = Silence { since: 1000, why: "silent".into() };
        assert_eq!(endpoints.states()[0].silence, Some(silence), "since it answered last");
        endpoints.failed(&node("b"), 1000, "refused".into());
        endpoints.failed(&node("c"), 1000, "refused".into());
        assert_eq!(up(&endpoints), 0);
        assert_eq!(endpoints.in_turn(1000).len(), 3, "when all rest, all are asked");
        answered(&mut endpoints, "c");
        assert_eq!(endpoints.in_turn(1000).first(), Some(&node("c")));
        assert_eq!(up(&endpoints), 1);
    }

    #[test]
    fn a_node_that_nobody_names_any_more_is_forgotten() {
        let mut endpoints = Endpoints::new(&nodes(&["a"]), LIMIT);
        endpoints.learn(&node("a"), &nodes(&["b", "c"]));
        endpoints.learn(&node("b"), &nodes(&["b", "d"]));
        endpoints.learn(&node("d"), &nodes(&["b"]));
        answered(&mut endpoints, "d");
        assert_eq!(known(&endpoints), nodes(&["a", "b", "c", "d"]));
        assert_eq!(endpoints.telling(1), nodes(&["a", "b", "d"]));
        endpoints.learn(&node("a"), &nodes(&["c"]));
        assert_eq!(known(&endpoints), nodes(&["a", "c"]), "b and d name only one another");
        assert_eq!(endpoints.in_turn(1), nodes(&["a", "c"]));
        // What a forgotten node still had to say does not bring anybody in.
        endpoints.learn(&node("d"), &nodes(&["e"]));
        assert_eq!(known(&endpoints), nodes(&["a", "c"]));
        endpoints.configure(&node("c"));
        endpoints.learn(&node("a"), &[]);
        assert_eq!(known(&endpoints), nodes(&["a", "c"]), "the service has named it since");
    }

    #[test]
    fn a_node_of_a_file_is_kept_until_the_services_own_tell() {
        let mut endpoints = Endpoints::new(&nodes(&["a"]), LIMIT);
        endpoints.remember(&nodes(&["a", "b", "c"]));
        endpoints.learn(&node("b"), &nodes(&["b"]));
        assert_eq!(known(&endpoints), nodes(&["a", "b", "c"]));
        endpoints.learn(&node("a"), &nodes(&["a", "c"]));
        assert_eq!(known(&endpoints), nodes(&["a", "c"]));
    }

    #[test]
    fn names_of_this_host_are_one() {
        let mut endpoints = Endpoints::new(&nodes(&["127.0.0.1"]), LIMIT);
        let same = ["localhost", "LocalHost.", "::1", "[::1]", "::ffff:127.0.0.1", "0:0::1"];
        assert_eq!(endpoints.learn(&node("localhost"), &nodes(&same)), 0);
        same.iter().for_each(|host| endpoints.configure(&node(host)));
        assert_eq!(known(&endpoints), nodes(&["127.0.0.1"]));
        let others = [Node { port: 1, ..node("localhost") }, node("127.0.0.2"), node("::2")];
        endpoints.learn(&node("::1"), &others);
        assert_eq!(known(&endpoints).len(), 4);
    }

    #[test]
    fn there_is_room_for_the_services_own_whatever_others_name() {
        let mut endpoints = Endpoints::new(&nodes(&["a"]), LIMIT);
        let many: Vec<Node> = (0..200_000).map(|i| node(&format!("n{i}"))).collect();
        assert_eq!(endpoints.learn(&node("a"), &many), 200_000 - (MAX_NODES - 1));
        assert_eq!(known(&endpoints).len(), MAX_NODES);
        endpoints.configure(&node("b"));
        assert_eq!(endpoints.in_turn(1)[..2], nodes(&["a", "b"]));
        assert_eq!(endpoints.learn(&node("b"), &nodes(&["n0", "c"])), 1);
        endpoints.learn(&node("a"), &nodes(&["a"]));
        assert_eq!(known(&endpoints), nodes(&["a", "n0", "b"]));
    }
}
