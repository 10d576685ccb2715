//! MySQL Fabric as a source: its nodes are asked over XML-RPC for both, shard maps and servers.
//!
//! [`FabricSource`] answers through the nodes' [`pool`](super::pool): `fetch` has the questions about
//! maps and groups, `contact` that which nodes there are, `locate` and `control` what only Fabric
//! can. Below it is one node, from the wire up: [`http`] carries requests and replies, [`auth`] proves who asks,
//! [`xmlrpc`] writes calls and reads replies; [`envelope`] and [`tabulate`] take the wrapping off,
//! [`stream`] as it arrives, [`rows`] and [`nodes`] give types, and [`commands`] has the calls.

pub mod auth;
#[cfg(test)]
mod both_ways;
pub mod commands;
mod contact;
mod control;
pub mod envelope;
pub mod fault;
mod fetch;
pub mod http;
mod locate;
pub mod mysql_rpc;
pub mod nodes;
pub mod protocol;
mod reporter;
pub mod rows;
pub mod state_store;
pub mod stream;
pub mod tabulate;
mod unreadable_tables;
pub mod xmlrpc;

use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use std::time::Duration;

use arc_swap::ArcSwap;

use crate::base::error::{Code, Error, Result};
use crate::base::fork::PerProcess;
use crate::config::{Config, Node};
use crate::observe::metrics::Traffic;

use super::node_state::NodeState;
use super::pool::NodePool;
use super::{
    Ask, Control, GroupAnswers, GroupSource, Locator, MapAnswers, MapSource, Source, Wanted,
};

use self::reporter::Reporter;
use self::unreadable_tables::UnreadableTables;

pub use self::commands::{Commands, ResultSets};
pub use self::envelope::Generation;
pub use self::http::{Client, is_usable};
pub use self::mysql_rpc::MysqlRpc;
pub use self::nodes::NodesReply;
pub use self::protocol::Protocol;
pub use self::rows::{Collect, Dump, FromRow, Row};
pub use self::state_store::StateStore;
pub use super::command::{ResultSet, Value};

/// How long Fabric may take from the end of its time to live, for which it keeps the primary of a
/// shard that it splits or moves read-only, to the new shard map. The most that was seen is 1.2 s.
const COMMITS_AFTER: Duration = Duration::from_secs(4);

/// The Fabric nodes of a handle.
pub struct FabricSource<P> {
    config: Arc<Config>,
    client: PerProcess<P>,
    pool: NodePool,
    /// When it was asked last which nodes there are.
    nodes_asked: AtomicU64,
    /// What Fabric calls itself.
    uuid: ArcSwap<String>,
    unreadable_tables: UnreadableTables,
    reporter: Reporter,
}

impl<P: Protocol> FabricSource<P> {
    /// No I/O.
    pub fn new(config: &Arc<Config>, traffic: &Arc<Traffic>) -> Self {
        let (for_client, traffic) = (Arc::clone(config), Arc::clone(traffic));
        Self {
            config: Arc::clone(config),
            client: PerProcess::new(move || {
                P::counted(Arc::clone(&for_client), Arc::clone(&traffic))
            }),
            pool: NodePool::new(config, "Fabric node", "Fabric's answer", no_nodes),
            nodes_asked: AtomicU64::new(0),
            uuid: ArcSwap::default(),
            unreadable_tables: UnreadableTables::default(),
            reporter: Reporter::default(),
        }
    }

    fn client(&self) -> &P {
        self.client.get()
    }

    /// Notes what an answer says of Fabric itself.
    fn answered_by(&self, uuid: &str) {
        if **self.uuid.load() != uuid {
            self.uuid.store(Arc::new(uuid.to_owned()));
        }
    }
}

/// How long an answer is good. 0 is what a server says that was told none.
fn interval(ttl_seconds: u64) -> Duration {
    Duration::from_secs(ttl_seconds)
}

fn no_nodes() -> Error {
    Error::new(
        Code::NotSeeded,
        "no Fabric node is known; name one with fabric_options_add_node or fabric_seed",
    )
}

impl<P: Protocol> Source for FabricSource<P> {
    fn name(&self) -> String {
        "Fabric".into()
    }

    fn unsupported(&self) -> Error {
        Error::new(Code::Fabric, "Fabric cannot do this")
    }

    fn connect(&self, ask: &Ask<'_>) -> Result<Option<Duration>> {
        let reply = self.ask_for_nodes(ask)?;
        self.answered_by(&reply.uuid);
        Ok(Some(interval(reply.ttl_seconds)))
    }

    fn maintain(&self, ask: &Ask<'_>) {
        self.ask_for_nodes_again(ask);
    }

    fn interrupt(&self) {
        self.pool.callers().interrupt();
    }

    fn cancel(&self) {
        self.client().cancel();
    }

    fn identity(&self) -> String {
        String::clone(&self.uuid.load())
    }

    fn nodes(&self) -> Vec<NodeState> {
        self.pool.states()
    }

    fn last_node(&self) -> Option<Node> {
        self.pool.last_node()
    }

    fn add_node(&self, node: &Node) -> Result<()> {
        self.pool.configure(node);
        Ok(())
    }

    fn remember_nodes(&self, nodes: &[Node]) {
        self.pool.remember(nodes);
    }

    fn control(&self) -> Result<&dyn Control> {
        Ok(self)
    }
}

impl<P: Protocol> MapSource for FabricSource<P> {
    fn maps(&self, wanted: &Wanted<'_>, ask: &Ask<'_>) -> Result<MapAnswers> {
        self.fetch_maps(wanted, ask)
    }

    fn longest_move(&self, interval: Option<Duration>) -> Duration {
        interval.unwrap_or_default().saturating_add(COMMITS_AFTER)
    }

    fn locator(&self) -> Result<&dyn Locator> {
        Ok(self)
    }
}

impl<P: Protocol> GroupSource for FabricSource<P> {
    fn groups(&self, wanted: &Wanted<'_>, ask: &Ask<'_>) -> Result<GroupAnswers> {
        self.fetch_groups(wanted, ask)
    }
}
