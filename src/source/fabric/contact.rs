//! Which Fabric nodes there are: asked of the nodes themselves.

use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use crate::base::clock::millis;
use crate::base::error::Result;
use crate::base::text::excerpt;
use crate::config::Node;
use crate::observe::log::Level;
use crate::source::endpoints::MAX_NODES;
use crate::source::{Ask, Subject};

use super::{FabricSource, NodesReply, Protocol, is_usable};

/// How long the nodes are waited for that are asked, by the way, which nodes there are.
const TO_TELL: Duration = Duration::from_secs(1);

impl<P: Protocol> FabricSource<P> {
    /// Which nodes there are, from the first one that answers.
    pub(super) fn ask_for_nodes(&self, ask: &Ask<'_>) -> Result<NodesReply> {
        self.nodes_asked.store(ask.asker.now(), Ordering::Relaxed);
        let (node, reply) = self.pool.ask(ask, Subject::Nodes, |node, attempt| {
            Ok((node.clone(), self.client().within(attempt).fabric_nodes(node)?))
        })?;
        self.learn(&node, &reply);
        Ok(reply)
    }

    /// Asks again which nodes there are, if that was long ago: all that name others or ought to,
    /// or, where a caller may be waiting for it, the one that has just answered.
    pub(super) fn ask_for_nodes_again(&self, ask: &Ask<'_>) {
        let now = ask.asker.now();
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
        let nodes = match ask.retry.background {
            true => self.pool.telling(now),
            false => self.pool.in_turn(now).into_iter().take(1).collect(),
        };
        let bound = Instant::now() + TO_TELL.min(self.config.request_timeout);
        let until = ask.retry.until.map_or(bound, |until| until.min(bound));
        let replies = self.pool.ask_each(ask, &nodes, until, |node, attempt| {
            self.client().within(attempt).fabric_nodes(node)
        });
        replies.iter().for_each(|(node, reply)| self.learn(node, reply));
    }

    fn learn(&self, by: &Node, reply: &NodesReply) {
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
        let left_out = self.pool.learn(by, &usable);
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
}
