//! What a handle consists of beside the router: the parts of the refresh, and how they are wired.

use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering;
use std::sync::{Arc, Weak};
use std::time::Duration;

use crate::base::clock::Clock;
use crate::base::thread::Threads;
use crate::config::{Config, Node};
use crate::observe::metrics::{Metrics, Numbers};
use crate::source::{self, AskAgain, NodeState, Sources};
use crate::topology::Topology;

use super::age::{AgeLimit, since};
use super::answered::Answered;
use super::asker::Asking;
use super::bound::Interrupts;
use super::commands::Commands;
use super::duty_cycle::Work;
use super::failure::Obtained;
use super::fetch::Fetch;
use super::fetcher::Fetcher;
use super::health::Health;
use super::health::probes::Probes;
use super::health::state::HealthNumbers;
use super::known::Known;
use super::publisher::Publisher;
use super::reporting::Reporting;
use super::schedule::BackgroundRefresh;
use super::single_flight::{FetchRequest, SingleFlight};
use super::snapshot::SnapshotFile;
use super::trouble::Trouble;
use super::watch::WatchedFetch;

/// The current topology of a handle and the way to a newer one.
pub struct Refresher {
    sources: Arc<Sources>,
    /// What is known, and how it becomes another one.
    pub publisher: Arc<Publisher>,
    /// What the sources have answered so far.
    pub answered: Arc<Answered>,
    /// What services tell of their servers, and when that ends.
    pub health: Arc<Health>,
    pub file: Arc<SnapshotFile>,
    pub background: Arc<BackgroundRefresh>,
    /// Who fetches for callers.
    pub fetcher: Arc<Fetcher>,
    pub commands: Arc<Commands>,
    pub reporting: Arc<Reporting>,
    pub age_limit: AgeLimit,
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
        let (clock, sources, metrics) = (Clock::default(), Arc::new(sources), Arc::new(metrics));
        let keeps_missing = !sources.maps.lists_every_shard();
        let publisher = Arc::new(Publisher::new(Arc::clone(&config), clock, keeps_missing));
        let answered = Arc::new(Answered::new(config.ttl_min, config.ttl_max));
        let probes = sources.prober.clone().map(|prober| {
            Arc::new(Probes::new(Arc::clone(&config), Arc::clone(&publisher), prober))
        });
        let health = Arc::new(Health::new(Arc::clone(&config), Arc::clone(&publisher), probes));
        let ask_again: Weak<dyn AskAgain> = Arc::downgrade(&health) as _;
        sources.iter().for_each(|source| source.attach(Weak::clone(&ask_again)));
        let (interrupts, single_flight) =
            (Arc::<Interrupts>::default(), Arc::<SingleFlight>::default());
        let work = Arc::<Work>::default();
        let asking = Arc::new(Asking::new(
            Arc::clone(&publisher),
            Arc::clone(&answered),
            Arc::clone(&interrupts),
            Arc::clone(&single_flight),
            Arc::clone(&work),
        ));
        let file = Arc::new(SnapshotFile::new(
            Arc::clone(&config),
            Arc::clone(&publisher),
            Arc::clone(&answered),
            Arc::clone(&sources),
        ));
        let fetches = Arc::new(WatchedFetch {
            config: Arc::clone(&config),
            fetch: Fetch::new(
                Arc::clone(&sources),
                Arc::clone(&asking),
                Arc::clone(&publisher),
                Arc::clone(&answered),
                config.log.clone(),
            ),
            asking: Arc::clone(&asking),
            answered: Arc::clone(&answered),
            publisher: Arc::clone(&publisher),
            health: Arc::clone(&health),
            file: Arc::clone(&file),
            metrics: Arc::clone(&metrics),
            trouble: Trouble::default(),
        });
        let background = Arc::new(BackgroundRefresh {
            config: Arc::clone(&config),
            sources: Arc::clone(&sources),
            publisher: Arc::clone(&publisher),
            answered: Arc::clone(&answered),
            fetches: Arc::clone(&fetches),
            health: Arc::clone(&health),
            file: Arc::clone(&file),
            metrics: Arc::clone(&metrics),
            work,
            threads: Threads::default(),
        });
        let fetcher = Arc::new(Fetcher {
            config: Arc::clone(&config),
            sources: Arc::clone(&sources),
            publisher: Arc::clone(&publisher),
            answered: Arc::clone(&answered),
            fetches,
            background: Arc::clone(&background),
            file: Arc::clone(&file),
            metrics,
            single_flight,
            interrupts: Arc::clone(&interrupts),
            threads: Threads::default(),
            next_poll: AtomicU64::new(0),
        });
        let commands = Arc::new(Commands::new(
            Arc::clone(&config),
            Arc::clone(&sources),
            Arc::clone(&asking),
            Arc::clone(&publisher),
            interrupts,
        ));
        let age_limit = AgeLimit::new(config.max_stale, clock, Arc::clone(&sources));
        let reporting = Arc::new(Reporting::new(
            config,
            Arc::clone(&sources),
            asking,
            Arc::clone(&publisher),
            Arc::clone(&health),
        ));
        Self {
            sources,
            publisher,
            answered,
            health,
            file,
            background,
            fetcher,
            commands,
            reporting,
            age_limit,
        }
    }

    pub fn clock(&self) -> &Clock {
        &self.publisher.clock
    }

    /// What is known.
    pub fn known(&self) -> &Known {
        &self.publisher.known
    }

    /// The newest published topology.
    pub fn topology(&self) -> arc_swap::Guard<Arc<Topology>> {
        self.known().topology.load()
    }

    pub fn metrics(&self) -> &Arc<Metrics> {
        &self.fetcher.metrics
    }

    /// What the source calls itself; empty if it does not, or has not answered.
    pub fn identity(&self) -> String {
        self.sources.identity()
    }

    /// What messages call the source.
    pub fn source_name(&self) -> String {
        self.sources.name()
    }

    /// Which node of a source answered last, if its nodes answer alone.
    pub fn last_node(&self) -> Option<Node> {
        self.sources.last_node()
    }

    /// What services have seen of the servers, as it was told last.
    pub fn server_health(&self) -> arc_swap::Guard<Arc<HealthNumbers>> {
        self.publisher.health.numbers()
    }

    /// For how long the writes of a group are held yet, if they are.
    pub fn writes_held_for(&self, group: &str, now: u64) -> Option<Duration> {
        self.publisher.health.numbers().held_for(group, now)
    }

    /// How long the hold of a shard that is missing `since` lasts yet; the longest time if for ever.
    pub fn shard_held_for(&self, since: i64, now: u64) -> Duration {
        self.publisher.missing.left(since, now)
    }

    /// The nodes of the sources known so far, in the order they became known.
    pub fn nodes(&self) -> Vec<Node> {
        self.sources.nodes().into_iter().map(|state| state.node).collect()
    }

    /// Whom the sources ask, servers of groups among them, in the order they became known.
    pub fn asked(&self) -> Vec<NodeState> {
        self.sources.asked()
    }

    /// Whether the source has shard maps at all.
    pub fn has_maps(&self) -> bool {
        self.sources.maps.has_maps()
    }

    /// Whether lookups may leave freshness to the background refresh.
    #[inline]
    pub fn refreshes_itself(&self) -> bool {
        self.publisher.worker.keeps_fresh()
    }

    /// Ends what runs in the background, cutting off what is on the wire.
    pub fn stop(&self) {
        let Publisher { events, .. } = &*self.publisher;
        self.publisher.stop();
        events.close();
        self.sources.iter().for_each(|source| source.cancel());
        self.fetcher.close();
        // A callback may use the handle to its end, so what it may use goes after it.
        events.end();
        self.background.stop();
        self.health.stop();
        self.fetcher.stop();
        self.commands.stop();
        self.reporting.stop();
        events.release();
    }

    /// Ends the waits of those who wait now.
    pub fn interrupt(&self) {
        self.fetcher.interrupts.interrupt();
        // Behind it: who is woken sees it.
        self.sources.iter().for_each(|source| source.interrupt());
        self.fetcher.wake();
    }

    /// Has a group, or all there is, fetched anew before it is used again, by whoever needs it first.
    /// The old answer stays for the case that the source cannot be reached.
    pub fn distrust(&self, group: Option<&str>) {
        // Nothing may be published in between, or it would count as newer than the reset.
        self.sources.iter().for_each(|source| source.reset());
        let _publishing = self.publisher.health.lock();
        self.answered.reset();
        if group.is_none() {
            self.file.reset();
        }
        self.known().distrust(group);
    }

    /// Asks a node named by the caller, or the configured ones, and loads the whole farm.
    pub fn seed(&self, given: Option<Node>) -> Obtained {
        if let Some(node) = given {
            self.sources.first(|source| source.add_node(&node))?;
        }
        self.answered.connected.set(false);
        let bound = self.fetcher.fetch_bound();
        self.fetcher.obtain_or_snapshot(&FetchRequest::everything(), &bound)
    }

    /// Takes in what a service saw of a server: 0 if all was well, or a MySQL errno.
    pub fn observe(&self, server_uuid: &str, errno: i32) {
        let interval = &self.answered.intervals.maps;
        let longest_move = || self.sources.maps.longest_move(interval.said());
        self.health.observe(server_uuid, errno, longest_move);
    }

    /// The time to live that the handle works with, in milliseconds; `None` before the first answer.
    pub fn ttl(&self) -> Option<u64> {
        let intervals = &self.answered.intervals;
        let is_known = intervals.said().is_some() || self.file.state.serves();
        is_known.then(|| intervals.shorter())
    }

    /// Milliseconds since the source confirmed what of the tables and groups
    /// it lists was confirmed longest ago; of a farm without any since it last answered. `None`
    /// where nobody knows.
    ///
    /// Looks at every table and group.
    pub fn age(&self) -> Option<u64> {
        match self.topology().oldest() {
            None => self.background.since_answer(),
            Some(confirmed) => since(confirmed, self.clock().now()),
        }
    }

    /// What a service may see of the handle.
    pub fn numbers(&self) -> Numbers {
        let metrics = self.metrics();
        let (lookups, refused) = metrics.lookups.totals();
        let refreshes = metrics.refreshes();
        let last_error = metrics.last_error();
        let (now, nodes) = (self.clock().now(), self.sources.nodes());
        Numbers {
            lookups,
            refused,
            refreshes,
            requests: metrics.traffic.requests.load(Ordering::Relaxed),
            bytes_received: metrics.traffic.received.load(Ordering::Relaxed),
            bytes_inflated: metrics.traffic.inflated.load(Ordering::Relaxed),
            generation: self.topology().generation,
            age: self.age(),
            last_error_age: last_error.as_ref().map(|last| now.saturating_sub(last.at)),
            last_error,
            nodes_known: nodes.len(),
            nodes_up: nodes.iter().filter(|state| state.silence.is_none()).count(),
            servers_quarantined: self.publisher.health.numbers().quarantined(),
            events_lost: self.publisher.events.lost(),
            refused_threads: metrics.refused_threads(),
        }
    }
}
