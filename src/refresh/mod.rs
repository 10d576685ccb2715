//! When to ask the sources, and what becomes of their answers.
//!
//! Every change of the topology goes through here: callers share one fetch, beside the one in the
//! background, and whole snapshots go out, the newest questions' answers on top.

pub mod absent;
pub mod age;
mod asker;
pub mod bound;
mod duty_cycle;
mod execute;
mod fetch;
pub mod fetcher;
pub mod health;
mod idle;
mod intervals;
mod order;
mod publisher;
mod reporting;
mod schedule;
pub mod single_flight;
pub mod snapshot;
pub mod snapshot_cell;
pub mod update;
mod waiters;
mod watch;
mod worker;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicI64, AtomicU64, Ordering};

use crate::base::clock::{Clock, signed};
use crate::base::error::{Error, Result};
use crate::base::fork::PerProcess;
use crate::base::sync::{Mutex, rank};
use crate::base::thread::Threads;
use crate::config::{Config, Node};
use crate::observe::events::Events;
use crate::observe::log::Level;
use crate::observe::metrics::Metrics;
use crate::source::{self, Sources};
use crate::topology::{Times, Topology};

use self::absent::AbsentNames;
use self::duty_cycle::Work;
use self::health::Health;
use self::health::missing_shards::MissingShards;
use self::health::reports::Reports;
use self::intervals::Intervals;
use self::order::Order;
use self::publisher::Publisher;
use self::single_flight::{FetchRequest, SingleFlight};
use self::snapshot::SnapshotState;
use self::snapshot_cell::SnapshotCell;
use self::waiters::Waiters;
use self::worker::Worker;

/// Everything that takes a lock. A forked child makes it anew.
struct ProcessState {
    /// What the background refresh has cost the nodes since it was asked last.
    work: Work,
    single_flight: SingleFlight,
    fetchers: Threads,
    tables_order: Order,
    groups_order: Order,
    disk: Mutex<snapshot::Seen, { rank::DISK }>,
}

/// The current topology of a handle and the way to a newer one.
pub struct Refresher {
    config: Arc<Config>,
    clock: Clock,
    publisher: Arc<Publisher>,
    /// Shared with who reads it.
    topology: Arc<SnapshotCell>,
    health: Health,
    missing_shards: MissingShards,
    reports: Reports,
    process: PerProcess<ProcessState>,
    sources: Sources,
    intervals: Intervals,
    /// When the source last answered a dump; 0 = never.
    last_answer: AtomicU64,
    /// The version of the last answer that was taken in whole; 0 = none was.
    version: AtomicU64,
    /// Counts the dumps that the source answered.
    answers: AtomicU64,
    seeded: AtomicU64,
    /// Whether the whole farm was ever asked for: then the background refresh does so too.
    whole: AtomicBool,
    /// Whether all that there is was known since the cache was reset last: then an unknown name is
    /// answered at once.
    knows_all: AtomicBool,
    /// When the whole farm was last listed.
    whole_confirmed: AtomicI64,
    /// Whether a caller has left a fetch that is not over since, because it took too long.
    hangs: AtomicBool,
    worker: Arc<Worker>,
    waiters: Arc<Waiters>,
    /// Shared with who looks up.
    metrics: Arc<Metrics>,
    events: Arc<Events>,
    disk: SnapshotState,
    /// When a waiting caller may ask the source again, without a background refresh.
    next_poll: AtomicU64,
    /// Counts the interrupts: who waits leaves when there is one more than when its call began.
    interrupts: AtomicU64,
    /// When a fetch failed last; 0 = the last one did not.
    last_failure: AtomicU64,
    /// Counts the resets of the cache: what was asked for before one is no answer to it.
    resets: AtomicU64,
    absent_tables: Arc<AbsentNames>,
    absent_groups: Arc<AbsentNames>,
}

impl Refresher {
    /// With the sources that the options want. No I/O.
    pub fn new(config: Arc<Config>) -> Self {
        let metrics = Metrics::default();
        let sources = source::of(&config, &metrics.traffic);
        Self::with_sources(config, sources, metrics)
    }

    /// With these sources, whatever the options say of them. No I/O.
    pub fn with_sources(config: Arc<Config>, sources: Sources, metrics: Metrics) -> Self {
        let clock = Clock::default();
        let keeps_missing = !sources.maps.lists_every_shard();
        let publisher = Arc::new(Publisher::new(Arc::clone(&config), clock, keeps_missing));
        let health = Health::new(Arc::clone(&config), clock, Arc::clone(&publisher));
        let process = PerProcess::new(move || ProcessState {
            work: Work::default(),
            single_flight: SingleFlight::default(),
            fetchers: Threads::default(),
            tables_order: Order::default(),
            groups_order: Order::default(),
            disk: Mutex::default(),
        });
        Self {
            config,
            clock,
            topology: Arc::clone(&publisher.topology),
            health,
            process,
            sources,
            intervals: Intervals::default(),
            last_answer: AtomicU64::new(0),
            version: AtomicU64::new(0),
            answers: AtomicU64::new(0),
            seeded: AtomicU64::new(0),
            whole: AtomicBool::new(false),
            knows_all: AtomicBool::new(false),
            whole_confirmed: AtomicI64::new(Times::UNKNOWN),
            hangs: AtomicBool::new(false),
            worker: Arc::clone(&publisher.worker),
            waiters: Arc::clone(&publisher.waiters),
            metrics: Arc::new(metrics),
            events: Arc::clone(&publisher.events),
            disk: SnapshotState::default(),
            next_poll: AtomicU64::new(0),
            interrupts: AtomicU64::new(0),
            last_failure: AtomicU64::new(0),
            resets: AtomicU64::new(0),
            absent_tables: Arc::clone(&publisher.absent_tables),
            absent_groups: Arc::clone(&publisher.absent_groups),
            missing_shards: MissingShards::default(),
            reports: Reports::default(),
            publisher,
        }
    }

    pub fn clock(&self) -> &Clock {
        &self.clock
    }

    /// The newest published topology.
    pub fn topology(&self) -> arc_swap::Guard<Arc<Topology>> {
        self.topology.load()
    }

    /// Where the topology is published. Lookups read there, and come by nothing else of the refresher.
    pub fn snapshots(&self) -> &Arc<SnapshotCell> {
        &self.topology
    }

    /// The tables that the source does not list.
    pub fn absent_tables(&self) -> &AbsentNames {
        &self.absent_tables
    }

    /// The groups that the source lists no server of, and no table has a part in.
    pub fn absent_groups(&self) -> &AbsentNames {
        &self.absent_groups
    }

    /// What the source calls itself; empty if it does not, or has not answered.
    pub fn identity(&self) -> String {
        let names = self.sources.iter().map(|source| source.identity());
        names.into_iter().find(|name| !name.is_empty()).unwrap_or_default()
    }

    /// The nodes of the sources known so far, in the order they became known.
    pub fn nodes(&self) -> Vec<Node> {
        self.sources.iter().flat_map(|source| source.nodes()).collect()
    }

    /// Whether the whole farm was asked for.
    pub fn is_whole(&self) -> bool {
        self.whole.load(Ordering::Relaxed)
    }

    pub fn is_seeded(&self) -> bool {
        self.seeded.load(Ordering::Acquire) != 0
    }

    /// Whether lookups may leave freshness to the background refresh.
    #[inline]
    pub fn refreshes_itself(&self) -> bool {
        self.worker.keeps_fresh()
    }

    /// Starts the background refresh, if the options want one and it does not run yet; true if
    /// it runs then. Nothing is started before the first fetch, so that a handle which is never
    /// used costs no thread.
    pub fn keep_refreshed(self: &Arc<Self>) -> bool {
        // With a snapshot at hand not before the first fetch is over: until then it alone says
        // what may be used.
        let has_begun = match self.config.snapshot_file {
            None => self.is_seeded() || self.disk.serves(),
            Some(_) => self.disk.has_begun(),
        };
        if self.config.background_refresh && has_begun {
            self.start_worker();
        }
        self.worker.keeps_fresh()
    }

    /// Ends what runs in the background, cutting off what is on the wire.
    pub fn stop(&self) {
        self.publisher.stop();
        self.events.close();
        self.sources.iter().for_each(|source| source.cancel());
        self.process.with(|process| process.single_flight.close());
        // A callback may use the handle to its end, so what it may use goes after it.
        self.events.end();
        self.worker.stop();
        self.process.with(|process| {
            process.fetchers.end();
        });
        self.reports.stop();
        self.events.release();
    }

    /// Whether the handle is being freed, which cuts off what is on the wire.
    pub(super) fn is_stopping(&self) -> bool {
        self.publisher.is_stopping()
    }

    /// Has `request` fetched anew before it is used again, by whoever needs it first. The old
    /// answer stays for the case that the source cannot be reached.
    pub fn distrust(&self, group: Option<&str>) {
        // Nothing may be published in between, or it would count as newer than the reset.
        self.sources.iter().for_each(|source| source.reset());
        let _publishing = self.publisher.health.lock();
        self.resets.fetch_add(1, Ordering::Relaxed);
        if group.is_none() {
            self.disk.reset.store(signed(self.clock.now()), Ordering::Relaxed);
        }
        self.knows_all.store(false, Ordering::Relaxed);
        self.distrust_known(group);
    }

    fn distrust_known(&self, group: Option<&str>) {
        let topology = self.topology.load();
        let Some(name) = group else {
            topology.tables.iter().for_each(|(_, entry)| entry.distrust());
            topology.seen_bounds.iter().for_each(|(_, entry)| entry.distrust());
            self.absent_tables.renew_all(0);
            self.absent_groups.renew_all(0);
            topology.groups().filter_map(|(_, _, entry)| entry).for_each(|e| e.distrust());
            return;
        };
        let number = topology.group_number(name.as_bytes());
        match number.and_then(|id| topology.group(id)) {
            Some(entry) => entry.distrust(),
            None => self.absent_groups.renew(name, 0),
        }
    }

    /// What messages call the source.
    pub fn source_name(&self) -> String {
        self.sources.name()
    }

    /// After a failed fetch of what is known already: the old answer serves on, and the next
    /// try comes after one more time to live, so that callers do not queue for a dead source.
    pub fn keep_old(&self, request: &FetchRequest, error: &Error) {
        if self.renew_old(request) {
            self.config.log.write_once(
                Level::Warning,
                format_args!(
                    "{} gave no new topology, the old one stays in use: {error}",
                    self.source_name()
                ),
            );
        }
    }

    /// Has what is known of `request` serve for one more time to live; true if something is.
    pub(super) fn renew_old(&self, request: &FetchRequest) -> bool {
        if self.disk.is_early() {
            return false;
        }
        let now = self.clock.now();
        let retry = now.saturating_add(self.maps_interval());
        let topology = self.topology.load();
        let mut any = false;
        for name in &request.tables {
            match topology.tables.get(name.as_bytes()) {
                Some(entry) => {
                    entry.renew(retry);
                    any = true;
                }
                None => self.absent_tables.renew(name, retry),
            }
        }
        let retry = now.saturating_add(self.groups_interval());
        for name in &request.groups {
            let number = topology.group_number(name.as_bytes());
            match number.and_then(|id| topology.group(id)) {
                Some(entry) => {
                    entry.renew(retry);
                    any = true;
                }
                None => self.absent_groups.renew(name, retry),
            }
        }
        any
    }

    /// Whether something that `request` names has been known for so long that a lookup had better
    /// wait for news: longer than two times to live, one of which is over.
    pub fn is_long_over(&self, topology: &Topology, request: &FetchRequest) -> bool {
        let (now, ttl) = (self.clock.now(), self.maps_interval());
        let is_long_over = |expires: u64| expires.saturating_add(ttl) < now;
        let table = |name: &String| match topology.tables.get(name.as_bytes()) {
            Some(entry) => is_long_over(entry.expires()),
            None => {
                let absent = self.absent_tables.get(name.as_bytes());
                absent.is_none_or(|absent| is_long_over(absent.expires()))
            }
        };
        let ttl = self.groups_interval();
        let is_long_over = |expires: u64| expires.saturating_add(ttl) < now;
        let group = |name: &String| {
            let number = topology.group_number(name.as_bytes());
            match number.and_then(|id| topology.group(id)) {
                Some(entry) => is_long_over(entry.expires()),
                None => {
                    let absent = self.absent_groups.get(name.as_bytes());
                    absent.is_none_or(|absent| is_long_over(absent.expires()))
                }
            }
        };
        request.tables.iter().any(table) || request.groups.iter().any(group)
    }

    /// Whether waiting for the source's answer has just been in vain, and nobody knows better yet.
    pub fn is_in_trouble(&self) -> bool {
        let failed = self.last_failure.load(Ordering::Relaxed) != 0;
        self.hangs.load(Ordering::Relaxed)
            || failed && self.process.with(|process| process.single_flight.is_busy())
    }

    /// Whether a name that is not known can be taken for one that does not exist.
    pub fn knows_all(&self) -> bool {
        self.knows_all.load(Ordering::Relaxed)
    }

    /// Asks a node named by the caller, or the configured ones, and loads the whole farm.
    pub fn seed(self: &Arc<Self>, given: Option<Node>) -> Result<()> {
        if let Some(node) = given {
            self.sources.first(|source| source.add_node(&node))?;
        }
        self.seeded.store(0, Ordering::Release);
        self.obtain_or_snapshot(&FetchRequest::everything(), &self.fetch_bound())
    }

    /// Takes in what a service saw of a server: 0 if all was well, or a MySQL errno.
    pub fn observe(&self, server_uuid: &str, errno: i32) {
        let longest_move = || self.sources.maps.longest_move(self.intervals.maps.said());
        self.health.observe(server_uuid, errno, longest_move);
    }

    /// What services tell of their servers, and when that ends.
    pub fn health(&self) -> &Health {
        &self.health
    }
}
