//! What a handle keeps on disk: the snapshot it can start from while no source answers.

mod dump;
mod save;
mod shared;
mod start;

use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicI64, AtomicU64, Ordering};
use std::sync::{Arc, Weak};
use std::time::Duration;

use crate::base::clock::signed;
use crate::base::sync::{Mutex, rank};
use crate::config::Config;
use crate::refresh::answered::Answered;
use crate::refresh::publisher::Publisher;
use crate::source::Sources;
use crate::store::document::Document;
use crate::store::read;
use crate::store::times::{FileTimes, SavedWhen};
use crate::topology::{Shard, Topology};

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
    times: FileTimes,
    /// When the service last wanted all maps as they are; 0 = never.
    reset: AtomicI64,
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
    snapshot: Option<read::Signature>,
    /// What the file that was read last has for the time it was saved, and when that was.
    saved_when: SavedWhen,
    /// The topology in the snapshot file, as far as it is known to be there.
    saved: Option<Saved>,
}

struct Saved {
    /// Only to see whether it is the current one.
    topology: Weak<Topology>,
    content: String,
    answer: u64,
}

/// The snapshot file of a handle, if the options want one.
pub struct SnapshotFile {
    config: Arc<Config>,
    publisher: Arc<Publisher>,
    answered: Arc<Answered>,
    sources: Arc<Sources>,
    pub state: SnapshotState,
    seen: Mutex<Seen, { rank::DISK }>,
}

impl SnapshotFile {
    /// No I/O.
    pub fn new(
        config: Arc<Config>,
        publisher: Arc<Publisher>,
        answered: Arc<Answered>,
        sources: Arc<Sources>,
    ) -> Self {
        let (state, seen) = (SnapshotState::default(), Mutex::default());
        Self { config, publisher, answered, sources, state, seen }
    }

    /// Where it is; nothing if the options want none.
    pub fn path(&self) -> Option<&Path> {
        self.config.snapshot_file.as_deref()
    }

    fn now(&self) -> u64 {
        self.publisher.clock.now()
    }

    /// Why there is no snapshot to go on from while the first fetch is under way.
    pub fn missing(&self) -> Option<String> {
        match self.is_in_reserve() {
            true => self.seen.lock().not_kept.clone(),
            false => None,
        }
    }

    /// Whether there may be a snapshot to go on from while the first fetch takes long.
    pub fn is_in_reserve(&self) -> bool {
        self.config.snapshot_file.is_some() && !self.state.has_begun()
    }

    /// For how long the first fetch has been under way with a snapshot in reserve.
    pub fn in_reserve_for(&self) -> Duration {
        match self.state.kept_since.load(Ordering::Relaxed) {
            0 => Duration::ZERO,
            since => Duration::from_millis(self.now().saturating_sub(since)),
        }
    }

    /// The service wants all maps as the sources say them.
    pub fn reset(&self) {
        self.state.reset.store(signed(self.now()), Ordering::Relaxed);
    }

    /// The shard that is missing since a time of the snapshot, if it is to be held for longer.
    fn missing_since(
        &self,
        seen: &mut Seen,
        document: &Document,
        since: Option<u64>,
    ) -> Option<Shard> {
        let (saved, now) = (&mut seen.saved_when, self.now());
        let over = self.publisher.missing.over_at(now);
        self.state.times.missing_since(saved, document, since, now, over)
    }
}
