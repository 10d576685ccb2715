//! What a handle is: the current topology, the way to a newer one, and the choice of a server.

mod look;
mod names;
mod refusal;
mod report;
mod wait;

use std::os::fd::RawFd;
use std::sync::Arc;

use self::look::Trust;
use crate::config::{Config, Node};
use crate::error::{Error, Result};
use crate::events::Delivery;
use crate::fabric::{ResultSets, Value};
use crate::log::Level;
use crate::metrics::Numbers;
use crate::refresh::flight::Wish;
use crate::refresh::{Facts, Refresher};
use crate::topology::{Compat, Key, Server, Table, Topology, Wanted};

/// Where a table's data is looked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(i32)]
pub enum Scope {
    /// The shard of a key.
    Local = 1,
    /// The mapping's global group; needs no key.
    Global = 2,
}

/// A farm, as one service sees it. Any number of threads may use it at once.
pub struct Router {
    config: Arc<Config>,
    refresher: Arc<Refresher>,
    compat: Compat,
}

impl Router {
    /// No I/O.
    pub fn new(config: Config) -> Self {
        let compat =
            if config.compat_connector_python { Compat::ConnectorPython } else { Compat::Server };
        let config = Arc::new(config);
        Self { refresher: Arc::new(Refresher::new(Arc::clone(&config))), config, compat }
    }

    pub fn config(&self) -> &Config {
        &self.config
    }

    /// What Fabric said of itself in its last answer.
    pub fn facts(&self) -> Facts {
        self.refresher.facts()
    }

    /// The time to live the handle works with, in milliseconds; `None` before the first answer.
    pub fn ttl(&self) -> Option<u64> {
        let seconds = self.facts().ttl;
        let known = seconds.is_some() || self.refresher.serves_from_disk();
        known.then(|| self.refresher.time_to_live(seconds))
    }

    /// Milliseconds since Fabric last answered; `None` if it never did.
    pub fn age(&self) -> Option<u64> {
        self.refresher.age()
    }

    pub fn generation(&self) -> u64 {
        self.refresher.topology().generation
    }

    /// Asks `node`, or the configured ones, for the Fabric nodes and loads the whole farm.
    pub fn seed(&self, node: Option<Node>) -> Result<()> {
        self.refresher.seed(node).map_err(|error| self.failed(error))?;
        self.refresher.keep_refreshed();
        Ok(())
    }

    /// Hands the server for a request on sharded tables to `take`, with its group's name.
    ///
    /// On a fresh topology this reads one snapshot and the clock, and nothing else.
    #[inline]
    pub fn shard_server<T>(
        &self,
        tables: &[&[u8]],
        key: Option<Key<'_>>,
        scope: Scope,
        wanted: Wanted,
        take: impl FnOnce(&str, &Server) -> Result<T>,
    ) -> Result<T> {
        let request = look::Request { tables, key, scope, compat: self.compat };
        let find = |topology: &Topology, trust: Trust<'_>| {
            look::group_of_request(topology, &request, trust)
        };
        self.counted(self.look(find, |topology, group| {
            let name = topology.group_name(group);
            let servers = topology.group(group).map(|entry| &entry.value);
            let server = servers.and_then(|servers| servers.choose(wanted));
            take(name, server.ok_or_else(|| refusal::no_server(name, wanted, servers))?)
        }))
    }

    /// Hands the server for a request on a group to `take`.
    pub fn group_server<T>(
        &self,
        group: &str,
        wanted: Wanted,
        take: impl FnOnce(&str, &Server) -> Result<T>,
    ) -> Result<T> {
        self.counted(self.look(look::group_named(group), |topology, id| {
            let servers = topology.group(id).map(|entry| &entry.value);
            let server = servers.and_then(|servers| servers.choose(wanted));
            take(group, server.ok_or_else(|| refusal::no_server(group, wanted, servers))?)
        }))
    }

    /// Hands all servers of a group to `take`, in Fabric's order.
    pub fn group_servers<T>(
        &self,
        group: &str,
        use_cache: bool,
        take: impl FnOnce(&str, &[Server]) -> Result<T>,
    ) -> Result<T> {
        if !use_cache && let Err(error) = self.obtain(Wish::group(group)) {
            return self.counted(Err(error));
        }
        self.counted(self.look(look::group_named(group), |topology, id| {
            let servers = topology.group(id).map_or(&[][..], |entry| entry.value.servers());
            if servers.is_empty() {
                Err(refusal::unknown_group(group))
            } else {
                take(group, servers)
            }
        }))
    }

    /// Hands the description of a table to `take`.
    pub fn table<T>(
        &self,
        name: &str,
        take: impl FnOnce(&Topology, &Table) -> Result<T>,
    ) -> Result<T> {
        self.counted(self.look(look::table_named(name), |topology, ()| {
            take(topology, look::known_table(topology, name.as_bytes())?)
        }))
    }

    /// Fetches the shard maps of these tables and the groups they need; of all if none is named.
    pub fn prefetch(&self, tables: &[&str]) -> Result<()> {
        if tables.is_empty() {
            return self.obtain(Wish::everything());
        }
        let mut wish = Wish::default();
        for name in tables {
            wish.merge(Wish::table(names::full_name(name.as_bytes())?));
        }
        self.obtain(wish)?;
        let topology = self.refresher.topology();
        tables.iter().try_for_each(|name| look::known_table(&topology, name.as_bytes()).map(drop))
    }

    /// The Fabric nodes, asked for if nobody did yet.
    pub fn fabric_nodes(&self) -> Result<Vec<Node>> {
        if !self.refresher.is_seeded() {
            self.obtain(Wish::default())?;
        }
        Ok(self.refresher.nodes())
    }

    /// Makes the next lookup ask Fabric first: of one group, or of everything.
    ///
    /// A group nobody has looked up yet is asked for anyway.
    pub fn reset_cache(&self, group: Option<&str>) {
        self.refresher.distrust(group);
    }

    /// Runs any Fabric command.
    pub fn execute(&self, group: &str, command: &str, args: &[Value]) -> Result<ResultSets> {
        self.refresher.execute(group, command, args)
    }

    /// The handle's numbers. Takes a lock for the nodes, which nobody holds for long.
    pub fn metrics(&self) -> Numbers {
        self.refresher.numbers()
    }

    /// A descriptor that is readable while events wait for `next_event`.
    pub fn event_fd(&self) -> Result<RawFd> {
        self.refresher.events().fd()
    }

    /// The next event of those collected since the first call of `event_fd`.
    pub fn next_event(&self) -> Result<Delivery> {
        self.refresher.events().next(self.refresher.clock())
    }

    /// Counts a lookup that ended like this.
    #[inline]
    fn counted<T>(&self, outcome: Result<T>) -> Result<T> {
        self.refresher.metrics().lookups.count(outcome.is_ok());
        outcome
    }

    fn obtain(&self, wish: Wish) -> Result<()> {
        self.refresher.obtain(wish).map_err(|error| self.failed(error))?;
        self.refresher.keep_refreshed();
        Ok(())
    }

    /// A failure that a caller is about to see.
    fn failed(&self, error: Error) -> Error {
        self.config.log.write(Level::Error, format_args!("{error}"));
        error
    }
}

impl Drop for Router {
    /// Cuts off what the background refresh has on the wire, and waits for its thread alone.
    fn drop(&mut self) {
        self.refresher.stop();
    }
}
