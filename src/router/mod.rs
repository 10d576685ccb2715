//! What a handle is: the current topology, the way to a newer one, and the choice of a server.

pub mod batch;
mod choose;
mod errors;
pub mod explain;
mod freshness;
pub mod inventory;
mod lookup;
mod names;
pub mod prepared;
mod range;
pub mod report;
pub mod resolve;
mod servers;
#[cfg(test)]
mod testing;
mod wait;

use std::cell::{Cell, Ref};
use std::os::fd::RawFd;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use self::freshness::{Basis, InTime};
pub use self::resolve::Scope;
use self::resolve::{Freshness, KeptFresh, LookupView, Miss, Seen};
use crate::base::error::{Code, Error, Result};
use crate::config::{Config, Node};
use crate::observe::events::Delivery;
use crate::observe::metrics::{Metrics, Numbers};
use crate::refresh::Refresher;
use crate::refresh::bound::Bound;
use crate::refresh::failure::Failure;
use crate::refresh::single_flight::FetchRequest;
use crate::refresh::snapshot_cell::{BorrowedSnapshot, SnapshotCell};
pub use crate::source::{ResultSet, Sources, Value};
use crate::thread_cache::ThreadCache;
use crate::topology::{Chosen, Compat, Server, Topology};

/// The newest snapshot in the hands of a thread, and what of it lookups may use.
pub struct Snapshot<'l, F> {
    topology: Ref<'l, Arc<Topology>>,
    epoch: u64,
    compat: Compat,
    last_hit: &'l Cell<u32>,
    freshness: F,
}

impl<F: Freshness> Snapshot<'_, F> {
    #[inline(always)]
    pub fn view(&self) -> LookupView<'_, F> {
        let Self { topology, epoch, compat, last_hit, freshness } = self;
        let (epoch, compat, freshness) = (*epoch, *compat, *freshness);
        LookupView { topology, epoch, compat, last_hit, freshness }
    }
}

/// A farm, as one service sees it. Any number of threads may use it at once.
pub struct Router {
    /// What warm lookups read, and where they are counted.
    snapshots: Arc<SnapshotCell>,
    metrics: Arc<Metrics>,
    compat: Compat,
    config: Arc<Config>,
    refresher: Arc<Refresher>,
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
        let refresher = Arc::new(refresher);
        Self {
            snapshots: Arc::clone(&refresher.known().topology),
            metrics: Arc::clone(refresher.metrics()),
            refresher,
            config,
            compat,
            limits_age,
        }
    }

    /// What the source calls itself in its answers; empty before the first one.
    pub fn identity(&self) -> String {
        self.refresher.identity()
    }

    /// The time to live the handle works with, in milliseconds; `None` before the first answer.
    pub fn ttl(&self) -> Option<u64> {
        self.refresher.ttl()
    }

    /// See [`Refresher::age`].
    pub fn age(&self) -> Option<u64> {
        self.refresher.age()
    }

    pub fn generation(&self) -> u64 {
        self.refresher.topology().generation
    }

    /// Asks `node`, or the configured ones, for the nodes there are and loads the whole farm.
    pub fn seed(&self, node: Option<Node>) -> Result<()> {
        self.refresher.seed(node).map_err(|failure| self.failed(failure))?;
        self.refresher.background.keep_refreshed();
        Ok(())
    }

    /// The newest snapshot, if the thread of `cache` has it cached, and all of it is kept fresh.
    #[inline(always)]
    pub fn cached<'l>(&'l self, cache: &'l ThreadCache) -> Option<Snapshot<'l, KeptFresh>> {
        let held = self.snapshots.cached(cache)?;
        Some(self.snapshot_of(cache, held, KeptFresh))
    }

    /// As `cached`, of a handle that nobody keeps fresh, or that limits the age of what it uses.
    /// Nothing where more is to be done than to look: a thread to be started, a hold to be ended, or
    /// what is kept fresh again to be cached as such.
    pub fn cached_in_time<'l>(&'l self, cache: &'l ThreadCache) -> Option<Snapshot<'l, InTime>> {
        let held = self.snapshots.cached_of_any_age(cache)?;
        let basis = match self.refresher.refreshes_itself() {
            true if self.limits_age => Basis::Kept,
            true => return None,
            false if self.config.background_refresh => return None,
            false => {
                let now = self.refresher.clock().now();
                if self.refresher.health.ends_in(now) == Some(Duration::ZERO) {
                    return None;
                }
                Basis::Until(now)
            }
        };
        Some(self.snapshot_of(cache, held, InTime::new(&self.refresher, basis)))
    }

    #[inline(always)]
    fn snapshot_of<'l, F>(
        &self,
        cache: &'l ThreadCache,
        (topology, epoch): BorrowedSnapshot<'l>,
        freshness: F,
    ) -> Snapshot<'l, F> {
        let last_hit = self.snapshots.last_hit(cache);
        Snapshot { topology, epoch, compat: self.compat, last_hit, freshness }
    }

    /// What a query came to in the snapshot that the thread of `cache` has cached.
    #[cold]
    #[inline(never)]
    pub fn seen(&self, cache: &ThreadCache, miss: Miss) -> Option<Seen> {
        let (_, epoch) = self.snapshots.cached_of_any_age(cache)?;
        Some(Seen { epoch, miss })
    }

    /// The newest snapshot, if all of it is kept fresh and the age of none of it is limited. The
    /// thread of `cache` has it cached from then on.
    ///
    /// No lock, no allocation, no system call.
    fn snapshot<'l>(&'l self, cache: &'l ThreadCache) -> Option<Snapshot<'l, KeptFresh>> {
        let is_kept = || !self.limits_age && self.refresher.refreshes_itself();
        if !is_kept() {
            return None;
        }
        // Before the snapshot is cached: a warm lookup counts in its stripe without asking for one.
        cache.stripe();
        let held = self.snapshots.acquire(cache, is_kept)?;
        Some(self.snapshot_of(cache, held, KeptFresh))
    }

    /// As `snapshot`, of a handle that nobody keeps fresh, or that limits the age of what it uses.
    fn snapshot_in_time<'l>(&'l self, cache: &'l ThreadCache) -> Option<Snapshot<'l, InTime>> {
        // What has come to its end by now is published first.
        let in_time = InTime::new(&self.refresher, self.basis());
        cache.stripe();
        let held = self.snapshots.acquire(cache, || false)?;
        Some(self.snapshot_of(cache, held, in_time))
    }

    /// A view of a snapshot for one attempt at a lookup.
    fn view<'s, F>(
        &self,
        topology: &'s Topology,
        last_hit: &'s Cell<u32>,
        freshness: F,
    ) -> LookupView<'s, F> {
        LookupView { topology, epoch: 0, compat: self.compat, last_hit, freshness }
    }

    /// Counts a lookup that was answered.
    #[inline(always)]
    pub fn count(&self, cache: &ThreadCache) {
        self.metrics.lookups.count(cache.stripe_or_shared(), true);
    }

    /// Fetches the shard maps of these tables and the groups they need; of all if none is named.
    pub fn prefetch(&self, tables: &[&str]) -> Result<()> {
        if tables.is_empty() {
            let bound = self.refresher.fetcher.fetch_bound();
            return self.obtain_or_snapshot(&FetchRequest::everything(), &bound);
        }
        let mut request = FetchRequest::default();
        for name in tables {
            request.merge(FetchRequest::table(names::full_name(name.as_bytes())?));
        }
        self.obtain_or_snapshot(&request, &self.refresher.fetcher.fetch_bound())?;
        let topology = self.refresher.topology();
        let known = |name: &&str| errors::known_table(&topology, name.as_bytes()).map(drop);
        tables.iter().try_for_each(known).map_err(|error| self.explained(error))
    }

    /// The nodes of the source, asked for if nobody did yet.
    pub fn fabric_nodes(&self) -> Result<Vec<Node>> {
        if !self.refresher.answered.connected.any() {
            self.obtain_or_snapshot(
                &FetchRequest::default(),
                &self.refresher.fetcher.lookup_bound(),
            )?;
        }
        Ok(self.refresher.nodes())
    }

    /// Makes the next lookup ask the source first: of one group, or of everything.
    ///
    /// A group nobody has looked up yet is asked for anyway.
    pub fn reset_cache(&self, group: Option<&str>) {
        self.refresher.distrust(group);
    }

    /// Ends the waits of those who wait now.
    pub fn interrupt(&self) {
        self.refresher.interrupt();
    }

    /// Runs any command of the source.
    pub fn execute(&self, group: &str, command: &str, args: &[Value]) -> Result<Vec<ResultSet>> {
        self.refresher.commands.execute(group, command, args)
    }

    /// Writes what is known to a file.
    ///
    /// # Errors
    /// As [`SnapshotFile::dump`](crate::refresh::snapshot::SnapshotFile::dump).
    pub fn dump(&self, path: &Path) -> Result<()> {
        self.refresher.file.dump(path)
    }

    /// The handle's numbers. Takes a lock for the nodes, which nobody holds for long.
    pub fn metrics(&self) -> Numbers {
        self.refresher.numbers()
    }

    /// A descriptor that is readable while events wait for `next_event`.
    pub fn event_fd(&self) -> Result<RawFd> {
        self.refresher.publisher.events.fd()
    }

    /// The next event of those collected since the first call of `event_fd`.
    pub fn next_event(&self) -> Result<Delivery> {
        self.refresher.publisher.events.next(self.refresher.clock())
    }

    /// Counts a lookup that ended like this.
    #[inline]
    fn counted<T>(&self, cache: &ThreadCache, outcome: Result<T>) -> Result<T> {
        self.metrics.lookups.count(cache.stripe(), outcome.is_ok());
        outcome.map_err(|error| self.explained(error))
    }

    /// The error of a lookup, which may say that not only this name is missing.
    #[cold]
    fn explained(&self, error: Error) -> Error {
        if error.code == Code::UnknownTable && !self.refresher.has_maps() {
            return errors::of_no_maps(error, &self.refresher.source_name());
        }
        let is_unknown = matches!(error.code, Code::UnknownTable | Code::UnknownGroup);
        if is_unknown && self.refresher.topology().is_empty() {
            let source = self.refresher.source_name();
            return errors::of_empty_farm(error, self.refresher.answered.is_whole(), &source);
        }
        if error.code == Code::UnknownGroup && !self.refresher.has_maps() {
            let topology = self.refresher.topology();
            let groups = topology.groups().filter(|(_, _, entry)| entry.is_some());
            let groups: Vec<&str> = groups.map(|(_, name, _)| name).collect();
            return errors::of_other_groups(error, &self.refresher.source_name(), &groups);
        }
        error
    }

    fn obtain(&self, request: FetchRequest, bound: &Bound) -> Result<()> {
        self.refresher.fetcher.obtain(&request, bound).map_err(|failure| self.failed(failure))?;
        self.refresher.background.keep_refreshed();
        Ok(())
    }

    /// As `obtain`, where what a snapshot knows will do while the source does not answer.
    fn obtain_or_snapshot(&self, request: &FetchRequest, bound: &Bound) -> Result<()> {
        self.refresher
            .fetcher
            .obtain_or_snapshot(request, bound)
            .map_err(|failure| self.failed(failure))?;
        self.refresher.background.keep_refreshed();
        Ok(())
    }

    /// A failure that a caller is about to see.
    fn failed(&self, failure: Failure) -> Error {
        self.config.log.write(failure.level(), format_args!("{}", failure.error));
        failure.error
    }
}

/// The chosen server for those who want all of it.
///
/// # Errors
/// Those of `take`. That the group does not have the server would be a mistake of ours.
pub fn with_parts<T>(
    chosen: Chosen<'_>,
    take: impl FnOnce(&str, &Server) -> Result<T>,
) -> Result<T> {
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

#[cfg(test)]
mod tests {
    use std::time::Instant;

    use super::resolve::{Query, Target};
    use super::*;
    use crate::topology::Wanted;

    /// As a call from C looks up; whether the thread had all that it takes cached as kept fresh.
    fn look(router: &Router, cache: &ThreadCache) -> bool {
        let is_cached = router.cached(cache).is_some();
        if !is_cached && router.cached_in_time(cache).is_none() {
            let query = Query { target: Target::Group(b"global"), wanted: Wanted::Primary };
            router.server(cache, &query, None, |_| Ok(())).expect("a server");
        }
        is_cached
    }

    fn eventually(what: &str, is_so: impl Fn() -> bool) {
        let begun = Instant::now();
        while !is_so() {
            assert!(begun.elapsed() < Duration::from_secs(30), "{what}");
            std::thread::sleep(Duration::from_millis(1));
        }
    }

    #[test]
    fn what_is_kept_fresh_again_is_cached_again() {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/data/topology.json");
        let router = Router::new(Config {
            topology_file: Some(path.into()),
            ttl_max: Duration::from_millis(50),
            idle_after: Duration::from_millis(1),
            refresh_share_percent: 100,
            ..Config::default()
        });
        let cache = ThreadCache::new();
        eventually("it is kept fresh", || look(&router, &cache));
        eventually("nobody uses it", || !router.refresher.refreshes_itself());
        eventually("it is kept fresh again", || look(&router, &cache));
        assert_eq!(router.generation(), 1, "nothing has changed meanwhile");
    }
}
