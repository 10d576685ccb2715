//! What a handle keeps on disk: the snapshot it can start from while no source answers.

mod save;
mod shared;
mod start;

use std::sync::atomic::{AtomicBool, AtomicI64, AtomicU64, Ordering};
use std::sync::{Arc, Weak};
use std::time::Duration;

use crate::base::error::{Code, Result};
use crate::source::RetryPolicy;
use crate::store::document::Document;
use crate::store::read;
use crate::store::times::{FileTimes, SavedWhen};
use crate::topology::{Shard, Topology};

use crate::base::clock::signed;
use crate::refresh::bound::Bound;
use crate::refresh::intervals::Due;
use crate::refresh::single_flight::FetchRequest;
use crate::refresh::{ProcessState, Refresher};

/// How long the first fetch may take before reads go on from a snapshot.
pub(crate) const SNAPSHOT_AFTER: Duration = Duration::from_secs(1);

const UNKNOWN: i64 = i64::MIN;

/// What lookups and getters read.
#[derive(Debug)]
pub struct SnapshotState {
    /// Whether the first fetch is over, or a file is in use in its stead.
    begun: AtomicBool,
    serves: AtomicBool,
    /// Whether a snapshot is in use already although the first fetch is not over.
    early: AtomicBool,
    /// When the first fetch began that has a snapshot in reserve; 0 = there is none.
    kept_since: AtomicU64,
    /// The age of the file's content less the handle's clock.
    age: AtomicI64,
    /// What the times in files are on the handle's clock.
    pub(in crate::refresh) times: FileTimes,
    /// When the service last wanted all maps as they are; 0 = never.
    pub(in crate::refresh) reset: AtomicI64,
}

impl Default for SnapshotState {
    fn default() -> Self {
        Self {
            begun: AtomicBool::new(false),
            serves: AtomicBool::new(false),
            early: AtomicBool::new(false),
            kept_since: AtomicU64::new(0),
            age: AtomicI64::new(UNKNOWN),
            times: FileTimes::default(),
            reset: AtomicI64::new(0),
        }
    }
}

impl SnapshotState {
    /// Whether something read from disk is in use.
    pub fn serves(&self) -> bool {
        self.serves.load(Ordering::Acquire)
    }

    /// Whether the first fetch is over, well or not.
    pub fn has_begun(&self) -> bool {
        self.begun.load(Ordering::Acquire)
    }

    /// Whether lookups go on from a snapshot that the first fetch has not confirmed or replaced.
    pub fn is_early(&self) -> bool {
        self.early.load(Ordering::Acquire) && !self.has_begun()
    }

    pub fn age(&self, now: u64) -> Option<u64> {
        match self.age.load(Ordering::Relaxed) {
            UNKNOWN => None,
            age => Some(now.saturating_add_signed(age)),
        }
    }

    fn set_age(&self, age: Option<u64>, now: u64) {
        let less_now = age.map_or(UNKNOWN, |age| signed(age) - signed(now));
        self.age.store(less_now, Ordering::Relaxed);
    }
}

/// What has been read and written so far.
#[derive(Default)]
pub struct Seen {
    /// The snapshot that an earlier process left, while the first fetch is under way.
    kept: Option<Arc<Document>>,
    /// Whether the bounds in that snapshot are remembered already.
    remembered: bool,
    /// Why an earlier process left none to start from.
    not_kept: Option<String>,
    /// The snapshot file that this handle wrote or read last: it knows all that is in it.
    pub(super) snapshot: Option<read::Signature>,
    /// What the file that was read last has for the time it was saved, and when that was.
    pub(super) saved_when: SavedWhen,
    /// The topology in the snapshot file, as far as it is known to be there.
    saved: Option<Saved>,
}

struct Saved {
    /// Only to see whether it is the current one.
    topology: Weak<Topology>,
    content: String,
    answer: u64,
}

impl Refresher {
    pub fn serves_from_disk(&self) -> bool {
        self.disk.serves()
    }

    /// Fetches what of `request` is due, or does without where a snapshot says enough.
    pub(in crate::refresh) fn provide(
        &self,
        process: &ProcessState,
        request: &FetchRequest,
        due: Due,
        retry: RetryPolicy,
    ) -> Result<()> {
        let outcome = match &self.config.snapshot_file {
            Some(path) if !self.disk.has_begun() => self.fetch_first(process, path, request, retry),
            // Asks for no more than the Fabric nodes, which the snapshot knows as well.
            Some(_) if request.is_empty() && self.disk.serves() => Ok(()),
            _ => self.fetch(process, request, due, retry),
        };
        // Time goes by whether the source answers or not, and a service may fetch without looking up.
        if !self.worker.keeps_fresh() {
            self.health.settle_at(self.clock.now());
        }
        if let Some(path) = &self.config.snapshot_file
            && !self.config.background_refresh
        {
            self.save_in(process, path);
        }
        outcome
    }

    /// Why there is no snapshot to go on from while the first fetch is under way.
    pub(in crate::refresh) fn no_snapshot(&self, process: &ProcessState) -> Option<String> {
        match self.has_snapshot_in_reserve() {
            true => process.disk.lock().not_kept.clone(),
            false => None,
        }
    }

    /// Whether there may be a snapshot to go on from while the first fetch takes long.
    pub fn has_snapshot_in_reserve(&self) -> bool {
        self.config.snapshot_file.is_some() && !self.disk.has_begun()
    }

    /// For how long the first fetch has been under way with a snapshot in reserve.
    pub fn in_reserve_for(&self) -> Duration {
        match self.disk.kept_since.load(Ordering::Relaxed) {
            0 => Duration::ZERO,
            since => Duration::from_millis(self.clock.now().saturating_sub(since)),
        }
    }

    /// As `obtain`, for what is no lookup: once the first fetch has taken a while, a snapshot will
    /// do that knows all of `request`. The fetch goes on.
    pub fn obtain_or_snapshot(
        self: &Arc<Self>,
        request: &FetchRequest,
        bound: &Bound,
    ) -> Result<()> {
        if !self.has_snapshot_in_reserve() {
            return self.obtain(request, bound);
        }
        match self.obtain(request, &bound.up_to(SNAPSHOT_AFTER)) {
            Err(error) if error.code == Code::Timeout => {
                self.serve_early();
                match self.is_from_early_snapshot() && self.covers(request) {
                    true => Ok(()),
                    false if bound.left().is_zero() => Err(error),
                    false => self.obtain(request, bound),
                }
            }
            outcome => outcome,
        }
    }

    /// Whether what is known is the snapshot's, and the first fetch is still under way.
    pub fn is_from_early_snapshot(&self) -> bool {
        self.disk.is_early()
    }

    /// Whether a request can be answered without the source.
    pub(super) fn covers(&self, request: &FetchRequest) -> bool {
        let topology = self.topology.load();
        request.tables.iter().all(|name| topology.tables.get(name.as_bytes()).is_some())
            && request.groups.iter().all(|name| self.knows_group(&topology, name))
    }

    /// Whether there was an answer for a table, be it that there is none.
    pub(in crate::refresh) fn knows_table(&self, topology: &Topology, name: &str) -> bool {
        topology.tables.get(name.as_bytes()).is_some()
            || self.absent_tables.get(name.as_bytes()).is_some()
    }

    pub(in crate::refresh) fn knows_group(&self, topology: &Topology, name: &str) -> bool {
        let number = topology.group_number(name.as_bytes());
        number.and_then(|id| topology.group(id)).is_some()
            || self.absent_groups.get(name.as_bytes()).is_some()
    }

    /// The shard that is missing since a time of the snapshot, if it is to be held for longer.
    fn missing_since(
        &self,
        seen: &mut Seen,
        document: &Document,
        since: Option<u64>,
    ) -> Option<Shard> {
        let (saved, now) = (&mut seen.saved_when, self.clock.now());
        let over = self.publisher.missing.over_at(now);
        self.disk.times.missing_since(saved, document, since, now, over)
    }
}
