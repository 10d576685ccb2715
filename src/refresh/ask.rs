//! Questions to the Fabric nodes: whom, in which order, and what is learned of them by the way.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use crate::base::error::{Code, Error, Result};
use crate::base::text::excerpt;
use crate::config::Node;
use crate::observe::log::Level;
use crate::source::Subject;
use crate::source::endpoints::MAX_NODES;
use crate::source::fabric::{Client, NodesReply, is_usable};
use crate::source::race::{HeadStart, Won, ask_all, race};

use super::bound::interrupted;
use super::nodes::{Rounds, may_pass, more_telling, spares_node};
use super::{Refresher, Workshop};
use crate::base::clock::millis;

/// How long the nodes are waited for that are asked, by the way, which nodes there are.
const TO_TELL: Duration = Duration::from_secs(1);

impl Refresher {
    /// Tries `ask` on the nodes until one answers, in rounds. In each the next node is asked, too,
    /// when one has been silent for a while; whoever answers first has the others cut off. One
    /// request timeout is the bound for all nodes of a round together.
    pub(super) fn on_nodes<T: Send>(
        &self,
        shop: &Workshop,
        rounds: Rounds,
        subject: Subject,
        ask: impl Fn(&Client, &Node) -> Result<T> + Sync,
    ) -> Result<T> {
        let mut failure: Option<Error> = None;
        let is_left = || self.is_left(rounds.interrupts);
        for round in 0..rounds.count.max(1) {
            if round > 0
                && (rounds.is_over_in(rounds.pause) || shop.flights.pause(rounds.pause, is_left))
            {
                break;
            }
            let mut passing = false;
            let (nodes, usually) = {
                let endpoints = shop.nodes.lock();
                (endpoints.in_turn(self.clock.now()), endpoints.usually(subject))
            };
            let (until, head_start) = self.bounds(rounds, nodes.len(), usually);
            let ask = |node: &Node, attempt: &_| {
                let _present = self.present(shop, rounds.interrupts, attempt)?;
                ask(&shop.client.within(attempt), node)
            };
            let failed = |node: &Node, error: Option<Error>| {
                // What was cut off because nobody waits says nothing of the node.
                if is_left() {
                    return;
                }
                self.node_failed(shop, node, error.as_ref());
                let Some(error) = error else { return };
                passing |= may_pass(&error);
                failure = Some(match failure.take() {
                    None => error,
                    Some(earlier) => more_telling(earlier, error),
                });
            };
            if let Some(won) = race(&nodes, head_start, until, ask, failed) {
                self.node_answered(shop, rounds, subject, &nodes, &won);
                return Ok(won.answer);
            }
            if is_left() {
                return Err(interrupted("Fabric's answer"));
            }
            if !passing || self.is_stopping() {
                break;
            }
        }
        Err(failure.unwrap_or_else(no_nodes))
    }

    fn bounds(
        &self,
        rounds: Rounds,
        nodes: usize,
        usually: Duration,
    ) -> (Option<Instant>, HeadStart) {
        if !rounds.together {
            return (rounds.until, HeadStart::NONE);
        }
        let now = Instant::now();
        let of_round = now.checked_add(self.config.request_timeout);
        let until = [rounds.until, of_round].into_iter().flatten().min();
        let bound = until.map_or(self.config.request_timeout, |until| until - now);
        (until, HeadStart::of(nodes, bound, usually))
    }

    fn node_failed(&self, shop: &Workshop, node: &Node, error: Option<&Error>) {
        // What was cut off because the handle is being freed says nothing of the node.
        if self.is_stopping() {
            return;
        }
        let Node { host, port } = node;
        match error {
            Some(error) => {
                let message = format_args!("Fabric node {host}:{port}: {error}");
                self.config.log.write(Level::Info, message);
            }
            None => self.config.log.write(
                Level::Info,
                format_args!("Fabric node {host}:{port} was silent, and another one answered"),
            ),
        }
        if !error.is_some_and(spares_node) {
            shop.nodes.lock().failed(node, self.clock.now());
        }
    }

    fn node_answered<T>(
        &self,
        shop: &Workshop,
        rounds: Rounds,
        subject: Subject,
        nodes: &[Node],
        won: &Won<T>,
    ) {
        let Some(node) = nodes.get(won.node) else { return };
        let work = {
            let mut endpoints = shop.nodes.lock();
            endpoints.took(subject, won.took);
            endpoints.answered(node, won.attempt.waits(), self.clock.now())
        };
        if rounds.background {
            shop.work.add(work + won.elsewhere);
        } else {
            self.worker.source_answered();
        }
    }

    /// Which nodes there are, from the first one that answers.
    pub(super) fn ask_for_nodes(&self, shop: &Workshop, rounds: Rounds) -> Result<NodesReply> {
        self.nodes_asked.store(self.clock.now(), Ordering::Relaxed);
        let ask = |client: &Client, node: &Node| Ok((node.clone(), client.fabric_nodes(node)?));
        let (node, reply) = self.on_nodes(shop, rounds, Subject::Nodes, ask)?;
        self.learn(shop, &node, &reply);
        Ok(reply)
    }

    /// Asks again which nodes there are, if that was long ago: all that name others or ought to,
    /// or, where a caller may be waiting for it, the one that has just answered.
    pub(super) fn ask_for_nodes_again(&self, shop: &Workshop, rounds: Rounds) {
        let now = self.clock.now();
        let asked = self.nodes_asked.load(Ordering::Relaxed);
        let is_due = now.saturating_sub(asked) >= millis(self.config.nodes_interval);
        let is_mine = || {
            let claim =
                self.nodes_asked.compare_exchange(asked, now, Ordering::Relaxed, Ordering::Relaxed);
            claim.is_ok()
        };
        if !is_due || !is_mine() {
            return;
        }
        let nodes = match rounds.background {
            true => shop.nodes.lock().telling(now),
            false => shop.nodes.lock().in_turn(now).into_iter().take(1).collect(),
        };
        let bound = Instant::now() + TO_TELL.min(self.config.request_timeout);
        let until = rounds.until.map_or(bound, |until| until.min(bound));
        let ask = |node: &Node, attempt: &_| {
            let _present = self.present(shop, rounds.interrupts, attempt)?;
            let reply = shop.client.within(attempt).fabric_nodes(node)?;
            Ok((reply, attempt.waits()))
        };
        let mut replies = Vec::new();
        ask_all(&nodes, until, ask, |node, outcome| match outcome {
            Ok(reply) => replies.push((node.clone(), reply)),
            Err(_) if self.is_left(rounds.interrupts) => {}
            Err(error) => self.node_failed(shop, node, Some(&error)),
        });
        for (node, (reply, waits)) in replies {
            shop.nodes.lock().is_up(&node, waits, self.clock.now());
            self.learn(shop, &node, &reply);
        }
    }

    fn learn(&self, shop: &Workshop, by: &Node, reply: &NodesReply) {
        let log = &self.config.log;
        let Node { host, port } = by;
        let (usable, unusable): (Vec<Node>, Vec<Node>) =
            reply.nodes.iter().cloned().partition(is_usable);
        let count = unusable.len() + reply.unreadable.len();
        if count > 0 {
            let first = match (unusable.first(), reply.unreadable.first()) {
                (Some(Node { host, port }), _) => format!("\"{}\":{port}", excerpt(host, 80)),
                (None, Some(why)) => excerpt(why, 80),
                (None, None) => String::new(),
            };
            log.write_once(
                Level::Warning,
                format_args!(
                    "Fabric node {host}:{port} names {count} that cannot be asked ({first}); they \
                     are left out (a node names the address in its own [protocol.xmlrpc])"
                ),
            );
        }
        let mut endpoints = shop.nodes.lock();
        let left_out = endpoints.learn(by, &usable);
        self.heritage.store(Arc::new(endpoints.clone()));
        drop(endpoints);
        if left_out > 0 {
            log.write_once(
                Level::Warning,
                format_args!(
                    "Fabric node {host}:{port} names {} Fabric nodes; {left_out} are left out, since \
                     {MAX_NODES} are the most that are kept; name those that matter with \
                     fabric_options_add_node",
                    usable.len()
                ),
            );
        }
    }

    /// Takes in the nodes that a snapshot names.
    pub(super) fn remember(&self, shop: &Workshop, nodes: &[Node]) {
        let mut endpoints = shop.nodes.lock();
        endpoints.remember(nodes);
        self.heritage.store(Arc::new(endpoints.clone()));
    }

    /// Takes in a node that the service names.
    pub(super) fn configure(&self, shop: &Workshop, node: &Node) {
        let mut endpoints = shop.nodes.lock();
        endpoints.configure(node);
        endpoints.prefer(node);
        self.heritage.store(Arc::new(endpoints.clone()));
    }
}

pub(super) fn no_nodes() -> Error {
    Error::new(
        Code::NotSeeded,
        "no Fabric node is known; name one with fabric_options_add_node or fabric_seed",
    )
}
