//! The topology in use: one writer at a time replaces it, any number of threads read it.

use std::cell::{Cell, Ref};
use std::sync::atomic;

use crate::sync::{Arc, ArcSwap, AtomicU64, Guard, Mutex, Ordering, rank};
use crate::thread_cache::{CachedSnapshot, SLOTS, ThreadCache};
use crate::topology::Topology;

/// A snapshot that a thread has cached, borrowed for one lookup, and its epoch.
pub type BorrowedSnapshot<'l> = (Ref<'l, Arc<Topology>>, u64);

/// The newest topology, and how threads find out that theirs is not it any more.
///
/// A thread keeps the snapshot it used last, and a read is one comparison of epochs. So threads
/// share nothing that is written, but a thread that stops looking up keeps its last snapshot
/// until it ends or looks up again; snapshots share their unchanged parts.
pub struct SnapshotCell {
    newest: ArcSwap<Topology>,
    /// The number of the newest topology. No two topologies of the process ever have the same
    /// one, whatever handle they belong to.
    epoch: AtomicU64,
    /// Which of the slots that each thread has is this handle's.
    slot: HandleSlot,
    /// Replaced topologies that some thread may still use. They are kept so that no lookup is
    /// the one that has to take a large topology apart.
    replaced: Mutex<Vec<Arc<Topology>>, { rank::REPLACED }>,
}

/// In the place of the epoch while another topology takes the place of the newest: that of none.
const PUBLISHING: u64 = u64::MAX;

fn next_epoch() -> u64 {
    static EPOCHS: atomic::AtomicU64 = atomic::AtomicU64::new(1);
    EPOCHS.fetch_add(1, Ordering::Relaxed)
}

/// How many handles have each of the slots in which threads keep snapshots.
static HANDLES: [atomic::AtomicU32; SLOTS] = [const { atomic::AtomicU32::new(0) }; SLOTS];

/// The number of the slot that a handle has. No other handle has it, as long as there are not
/// more handles than slots. Handles that share one evict each other's snapshots.
struct HandleSlot(usize);

impl HandleSlot {
    fn emptiest() -> Self {
        loop {
            let counts = HANDLES.iter().map(|count| count.load(Ordering::Relaxed));
            let Some((slot, count)) = counts.enumerate().min_by_key(|(_, count)| *count) else {
                return Self(0);
            };
            let taken = HANDLES.get(slot).map(|handles| {
                let (before, after) = (count, count.saturating_add(1));
                handles.compare_exchange(before, after, Ordering::Relaxed, Ordering::Relaxed)
            });
            if taken.is_some_and(|taken| taken.is_ok()) {
                return Self(slot);
            }
        }
    }
}

impl Drop for HandleSlot {
    fn drop(&mut self) {
        if let Some(handles) = HANDLES.get(self.0) {
            handles.fetch_sub(1, Ordering::Relaxed);
        }
    }
}

impl Default for SnapshotCell {
    fn default() -> Self {
        Self {
            newest: ArcSwap::default(),
            epoch: AtomicU64::new(next_epoch()),
            slot: HandleSlot::emptiest(),
            replaced: Mutex::default(),
        }
    }
}

impl SnapshotCell {
    /// Makes `next` the topology that lookups see. What nobody uses any more is the caller's to
    /// drop, under no lock: it takes its time.
    #[must_use = "freeing a topology takes its time: drop it where no lock is held"]
    pub fn publish(&self, next: Arc<Topology>) -> Vec<Arc<Topology>> {
        // Neither the last epoch nor the next one meanwhile: it could be that of two topologies.
        // By exchanges, so that who sees the next one sees what was behind the last one, too.
        self.epoch.swap(PUBLISHING, Ordering::AcqRel);
        let before = self.newest.swap(next);
        // Behind the topology: who sees the epoch sees the topology, too.
        self.epoch.swap(next_epoch(), Ordering::AcqRel);
        let mut replaced = self.replaced.lock();
        replaced.push(before);
        unused(&mut replaced)
    }

    /// Lets go of the topologies that nobody uses any more. Under no lock.
    pub fn tidy(&self) {
        let unused = unused(&mut self.replaced.lock());
        drop(unused);
    }

    /// The newest topology, for as long as the caller keeps it. For work that takes its time.
    pub fn load(&self) -> Guard<Arc<Topology>> {
        self.newest.load()
    }

    pub fn load_full(&self) -> Arc<Topology> {
        self.newest.load_full()
    }

    /// Which of a thread's slots is this handle's.
    #[inline(always)]
    fn slot(&self) -> usize {
        self.slot.0
    }

    /// The position of the table that the thread of `cache` looked up last.
    #[inline(always)]
    pub fn last_hit<'l>(&self, cache: &'l ThreadCache) -> &'l Cell<u32> {
        let [first, ..] = &cache.last_hits;
        cache.last_hits.get(self.slot()).unwrap_or(first)
    }

    /// Has the next lookup of every thread ask anew whether what the snapshot knows counts as
    /// fresh: gives the snapshot another epoch, which no thread has cached.
    pub fn invalidate_caches(&self) {
        // One that is being published gets another epoch anyway.
        let next = |epoch| Some(if epoch == PUBLISHING { PUBLISHING } else { next_epoch() });
        let _ = self.epoch.fetch_update(Ordering::AcqRel, Ordering::Acquire, next);
    }

    /// The newest topology and its epoch, if the thread of `cache` has it cached, and all that it
    /// knows counts as fresh.
    #[inline(always)]
    pub fn cached<'l>(&self, cache: &'l ThreadCache) -> Option<BorrowedSnapshot<'l>> {
        let epoch = self.epoch.load(Ordering::Acquire);
        let slot = cache.slots.get(self.slot())?;
        if slot.fresh_epoch.get() == epoch {
            with_epoch(slot.snapshot.try_borrow().ok()?)
        } else {
            None
        }
    }

    /// As `cached`, whether what it knows counts as fresh or not.
    #[inline]
    pub fn cached_of_any_age<'l>(&self, cache: &'l ThreadCache) -> Option<BorrowedSnapshot<'l>> {
        let snapshot = cache.slots.get(self.slot())?.snapshot.try_borrow().ok()?;
        if snapshot.epoch == self.epoch.load(Ordering::Acquire) {
            with_epoch(snapshot)
        } else {
            None
        }
    }

    /// The newest topology and its epoch, cached by the thread of `cache`. From now on `cached`
    /// finds it, if all that it knows counts as fresh until further notice. For lookups: no lock,
    /// no count that threads share, and no waiting for anybody who publishes. The epoch is 0, and
    /// nothing cached, of a topology that is just being published. None while the thread has a
    /// snapshot of this slot borrowed and would have to replace it.
    #[inline]
    pub fn acquire<'l>(
        &self,
        cache: &'l ThreadCache,
        is_fresh: impl FnOnce() -> bool,
    ) -> Option<BorrowedSnapshot<'l>> {
        let epoch = self.epoch.load(Ordering::Acquire);
        let slot = cache.slots.get(self.slot())?;
        // Asked after the epoch was read, which changes with the answer.
        let fresh_epoch = if is_fresh() { epoch } else { 0 };
        let mut snapshot = slot.snapshot.try_borrow().ok()?;
        if (snapshot.epoch, slot.fresh_epoch.get()) != (epoch, fresh_epoch) {
            drop(snapshot);
            let topology = Some(self.newest.load_full());
            // It may be one that was published since: then nobody knows its epoch yet.
            let is_its_own = epoch != PUBLISHING && self.epoch.load(Ordering::Acquire) == epoch;
            let (epoch, fresh_epoch) = if is_its_own { (epoch, fresh_epoch) } else { (0, 0) };
            *slot.snapshot.try_borrow_mut().ok()? = CachedSnapshot { epoch, topology };
            slot.fresh_epoch.set(fresh_epoch);
            snapshot = slot.snapshot.try_borrow().ok()?;
        }
        with_epoch(snapshot)
    }
}

/// Takes those topologies out that only the list still has. Nobody can get one anew: only the
/// newest is given out.
fn unused(replaced: &mut Vec<Arc<Topology>>) -> Vec<Arc<Topology>> {
    replaced.extract_if(.., |topology| Arc::strong_count(topology) == 1).collect()
}

#[inline(always)]
fn with_epoch(snapshot: Ref<'_, CachedSnapshot>) -> Option<BorrowedSnapshot<'_>> {
    let epoch = snapshot.epoch;
    Some((Ref::filter_map(snapshot, |snapshot| snapshot.topology.as_ref()).ok()?, epoch))
}
