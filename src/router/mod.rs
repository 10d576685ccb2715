//! What a handle is: the current topology, the way to a newer one, and the choice of a server.

mod ages;
pub mod batch;
mod look;
mod names;
mod range;
mod refusal;
mod report;
mod sight;
pub mod table;
mod wait;

use std::os::fd::RawFd;
use std::sync::Arc;

use self::look::{Terms, Trust};
pub use self::sight::{Locate, See, Sight, View};
use crate::base::error::{Code, Error, Result};
use crate::config::{Config, Node};
use crate::local::Local;
use crate::observe::events::Delivery;
use crate::observe::log::Level;
use crate::observe::metrics::Metrics;
use crate::observe::metrics::Numbers;
use crate::refresh::Refresher;
use crate::refresh::bound::Bound;
use crate::refresh::flight::Wish;
pub use crate::source::{ResultSet, Sources, Value};
use crate::topology::{Chosen, Compat, GroupId, Key, Server, Table, Topology, Wanted};

/// Where a table's data is looked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(i32)]
pub enum Scope {
    /// The shard of a key.
    Local = 11,
    /// The mapping's global group; needs no key.
    Global = 12,
}

/// A request on sharded tables.
#[derive(Debug, Clone, Copy)]
pub struct Request<'a> {
    pub tables: &'a [&'a [u8]],
    pub key: Option<Key<'a>>,
    pub scope: Scope,
}

/// Where to look: in the shard of a key, or in the global group.
#[derive(Debug, Clone, Copy)]
pub enum Place<'a> {
    Shard(Key<'a>),
    Global,
}

/// A farm, as one service sees it. Any number of threads may use it at once.
pub struct Router {
    config: Arc<Config>,
    refresher: Arc<Refresher>,
    compat: Compat,
    /// Whether the options limit the age of what lookups may use.
    limits_age: bool,
}

impl Router {
    /// With the source that the options want. No I/O.
    pub fn new(config: Config) -> Self {
        let config = Arc::new(config);
        Self::with(Refresher::new(Arc::clone(&config)), config)
    }

    /// With these sources, whatever the options say of them. No I/O.
    pub fn with_sources(config: Config, sources: Sources) -> Self {
        let config = Arc::new(config);
        let refresher = Refresher::with_sources(Arc::clone(&config), sources, Metrics::default());
        Self::with(refresher, config)
    }

    fn with(refresher: Refresher, config: Arc<Config>) -> Self {
        let compat =
            if config.compat_connector_python { Compat::ConnectorPython } else { Compat::Server };
        let limits_age = config.max_stale.is_some();
        Self { refresher: Arc::new(refresher), config, compat, limits_age }
    }

    pub fn config(&self) -> &Config {
        &self.config
    }

    /// What the source calls itself in its answers; empty before the first one.
    pub fn identity(&self) -> String {
        self.refresher.identity()
    }

    /// The time to live the handle works with, in milliseconds; `None` before the first answer.
    pub fn ttl(&self) -> Option<u64> {
        let is_known =
            self.refresher.said_interval().is_some() || self.refresher.serves_from_disk();
        is_known.then(|| self.refresher.interval())
    }

    /// See [`Refresher::age`].
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
    pub fn shard_server<T>(
        &self,
        tables: &[&[u8]],
        key: Option<Key<'_>>,
        scope: Scope,
        wanted: Wanted,
        take: impl FnOnce(&str, &Server) -> Result<T>,
    ) -> Result<T> {
        let request = Request { tables, key, scope };
        Local::with(|local| self.choose(local, &request, wanted, |chosen| apart(chosen, take)))
    }

    /// Hands the server for a request on sharded tables to `take`, whatever it takes to find it.
    pub fn choose<T>(
        &self,
        local: &Local,
        request: &Request<'_>,
        wanted: Wanted,
        take: impl FnOnce(Chosen<'_>) -> Result<T>,
    ) -> Result<T> {
        let place = match (request.scope, request.key) {
            (Scope::Global, _) => Some(Place::Global),
            (Scope::Local, key) => key.map(Place::Shard),
        };
        if let Some(place) = place
            && let Some(sight) = self.sight(local)
        {
            let tables = request.tables.iter().map(|table| Some(*table));
            let view = sight.view();
            let group = view.group_of_names(tables, place);
            if let Some(chosen) = group.and_then(|group| view.server(group, wanted, local)) {
                self.count(local);
                return take(chosen);
            }
        }
        self.choose_slowly(local, request, wanted, take)
    }

    /// As `choose`, for who has found that the quick way leads nowhere.
    #[cold]
    #[inline(never)]
    fn choose_slowly<T>(
        &self,
        local: &Local,
        request: &Request<'_>,
        wanted: Wanted,
        take: impl FnOnce(Chosen<'_>) -> Result<T>,
    ) -> Result<T> {
        let find = |topology: &Topology, trust: Trust<'_>| {
            look::group_of_request(topology, request, self.compat, trust)
        };
        let outcome = self.look(Terms::of(wanted), find, |topology, group| {
            let name = topology.group_name(group);
            choose_or_refuse(local, topology, group, name, wanted).and_then(take)
        });
        self.counted(local, outcome)
    }

    /// Hands the server for a request on a group to `take`.
    pub fn group_server<T>(
        &self,
        group: &str,
        wanted: Wanted,
        take: impl FnOnce(&str, &Server) -> Result<T>,
    ) -> Result<T> {
        Local::with(|local| {
            self.choose_in_group(local, group, wanted, |chosen| apart(chosen, take))
        })
    }

    /// Hands the server for a request on a group to `take`, whatever it takes to find it.
    pub fn choose_in_group<T>(
        &self,
        local: &Local,
        group: &str,
        wanted: Wanted,
        take: impl FnOnce(Chosen<'_>) -> Result<T>,
    ) -> Result<T> {
        if let Some(sight) = self.sight(local)
            && let view = sight.view()
            && let Some(group) = view.topology.group_number(group.as_bytes())
            && let Some(chosen) = view.server(group, wanted, local)
        {
            self.count(local);
            return take(chosen);
        }
        let outcome = self.look(Terms::of(wanted), look::group_named(group), |topology, id| {
            choose_or_refuse(local, topology, id, group, wanted).and_then(take)
        });
        self.counted(local, outcome)
    }

    /// Hands all servers of a group to `take`, in Fabric's order.
    pub fn group_servers<T>(
        &self,
        group: &str,
        use_cache: bool,
        take: impl FnOnce(&str, &[Server]) -> Result<T>,
    ) -> Result<T> {
        let bound = self.refresher.lookup_bound();
        if !use_cache && let Err(error) = self.obtain(Wish::group(group), &bound) {
            return Local::with(|local| self.counted(local, Err(error)));
        }
        let find = look::group_named(group);
        let outcome = self.look(Terms::within(bound), find, |topology, id| {
            let servers = topology.group(id).map_or(&[][..], |entry| entry.value.servers());
            if servers.is_empty() {
                Err(refusal::unknown_group(group))
            } else {
                take(group, servers)
            }
        });
        Local::with(|local| self.counted(local, outcome))
    }

    /// Hands the description of a table to `take`.
    pub fn table<T>(
        &self,
        name: &str,
        take: impl FnOnce(&Topology, &Table) -> Result<T>,
    ) -> Result<T> {
        let outcome = self.look(Terms::default(), look::table_named(name), |topology, ()| {
            take(topology, look::known_table(topology, name.as_bytes())?)
        });
        Local::with(|local| self.counted(local, outcome))
    }

    /// Fetches the shard maps of these tables and the groups they need; of all if none is named.
    pub fn prefetch(&self, tables: &[&str]) -> Result<()> {
        if tables.is_empty() {
            return self.obtain_or_snapshot(&Wish::everything(), &self.refresher.fetch_bound());
        }
        let mut wish = Wish::default();
        for name in tables {
            wish.merge(Wish::table(names::full_name(name.as_bytes())?));
        }
        self.obtain_or_snapshot(&wish, &self.refresher.fetch_bound())?;
        let topology = self.refresher.topology();
        let known = |name: &&str| look::known_table(&topology, name.as_bytes()).map(drop);
        tables.iter().try_for_each(known).map_err(|error| self.explained(error))
    }

    /// The Fabric nodes, asked for if nobody did yet.
    pub fn fabric_nodes(&self) -> Result<Vec<Node>> {
        if !self.refresher.is_seeded() {
            self.obtain_or_snapshot(&Wish::default(), &self.refresher.lookup_bound())?;
        }
        Ok(self.refresher.nodes())
    }

    /// Makes the next lookup ask Fabric first: of one group, or of everything.
    ///
    /// A group nobody has looked up yet is asked for anyway.
    pub fn reset_cache(&self, group: Option<&str>) {
        self.refresher.distrust(group);
    }

    /// Ends the waits of those who wait now.
    pub fn interrupt(&self) {
        self.refresher.interrupt();
    }

    /// Runs any Fabric command.
    pub fn execute(&self, group: &str, command: &str, args: &[Value]) -> Result<Vec<ResultSet>> {
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
    fn counted<T>(&self, local: &Local, outcome: Result<T>) -> Result<T> {
        self.refresher.metrics().lookups.count(local.place(), outcome.is_ok());
        outcome.map_err(|error| self.explained(error))
    }

    /// The error of a lookup, which may say that not only this name is missing.
    #[cold]
    fn explained(&self, error: Error) -> Error {
        let is_unknown = matches!(error.code, Code::UnknownTable | Code::UnknownGroup);
        if is_unknown && self.refresher.topology().is_empty() {
            return refusal::of_empty_farm(error, self.refresher.is_whole());
        }
        error
    }

    fn obtain(&self, wish: Wish, bound: &Bound) -> Result<()> {
        self.refresher.obtain(&wish, bound).map_err(|error| self.failed(error))?;
        self.refresher.keep_refreshed();
        Ok(())
    }

    /// As `obtain`, where what a snapshot knows will do while Fabric does not answer.
    fn obtain_or_snapshot(&self, wish: &Wish, bound: &Bound) -> Result<()> {
        self.refresher.obtain_or_snapshot(wish, bound).map_err(|error| self.failed(error))?;
        self.refresher.keep_refreshed();
        Ok(())
    }

    /// A failure that a caller is about to see.
    fn failed(&self, error: Error) -> Error {
        self.config.log.write(Level::Error, format_args!("{error}"));
        error
    }
}

fn choose_or_refuse<'t>(
    local: &Local,
    topology: &'t Topology,
    id: GroupId,
    name: &str,
    wanted: Wanted,
) -> Result<Chosen<'t>> {
    let servers = topology.group(id).map(|entry| &entry.value);
    let chosen =
        servers.and_then(|servers| servers.choose(wanted, topology.turn(id, &local.turns)));
    chosen.ok_or_else(|| refusal::no_server(name, wanted, servers))
}

/// The chosen server for those who want all of it.
fn apart<T>(chosen: Chosen<'_>, take: impl FnOnce(&str, &Server) -> Result<T>) -> Result<T> {
    match chosen.server() {
        Some(server) => take(chosen.group_name(), server),
        None => Err(Error::new(Code::Panic, "a server was chosen that its group does not have")),
    }
}

impl Router {
    /// Cuts off what the background refresh has on the wire, and waits for its thread alone.
    /// Lookups go on from what is known.
    pub fn close(&self) {
        self.refresher.stop();
    }
}

impl Drop for Router {
    fn drop(&mut self) {
        self.close();
    }
}
