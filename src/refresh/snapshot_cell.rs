//! The topology in use: one writer at a time replaces it, any number of threads read it.

use std::cell::{Cell, Ref};
use std::sync::atomic;

use crate::local::{LEASES, Lease, Local};
use crate::sync::{Arc, ArcSwap, AtomicU64, Guard, Mutex, Ordering, rank};
use crate::topology::Topology;

/// A snapshot in the hands of a thread, and its stamp.
pub type Held<'l> = (Ref<'l, Arc<Topology>>, u64);

/// The newest topology, and how threads find out that theirs is not it any more.
///
/// A thread keeps the snapshot it used last, and a read is one comparison of stamps. So threads
/// share nothing that is written, but a thread that stops looking up keeps its last snapshot
/// until it ends or looks up again; snapshots share their unchanged parts.
pub struct SnapshotCell {
    newest: ArcSwap<Topology>,
    /// Of the newest topology, in the whole process: no two topologies ever have the same one,
    /// whatever handle they belong to.
    stamp: AtomicU64,
    /// Which of the places that each thread has is this handle's.
    place: Taken,
    /// Replaced topologies that some thread may still use. They are kept so that no lookup is
    /// the one that has to take a large topology apart.
    replaced: Mutex<Vec<Arc<Topology>>, { rank::REPLACED }>,
}

fn next_stamp() -> u64 {
    static STAMPS: atomic::AtomicU64 = atomic::AtomicU64::new(1);
    STAMPS.fetch_add(1, Ordering::Relaxed)
}

/// How many handles have each of the places in which threads keep snapshots.
static HANDLES: [atomic::AtomicU32; LEASES] = [const { atomic::AtomicU32::new(0) }; LEASES];

/// A place that a handle has: nobody else's, as long as there are not more handles than places.
/// Handles that share one take turns, and each that comes looks its snapshot up anew.
struct Taken(usize);

impl Taken {
    fn emptiest() -> Self {
        loop {
            let counts = HANDLES.iter().map(|count| count.load(Ordering::Relaxed));
            let Some((place, count)) = counts.enumerate().min_by_key(|(_, count)| *count) else {
                return Self(0);
            };
            let taken = HANDLES.get(place).map(|handles| {
                let (before, after) = (count, count.saturating_add(1));
                handles.compare_exchange(before, after, Ordering::Relaxed, Ordering::Relaxed)
            });
            if taken.is_some_and(|taken| taken.is_ok()) {
                return Self(place);
            }
        }
    }
}

impl Drop for Taken {
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
            stamp: AtomicU64::new(next_stamp()),
            place: Taken::emptiest(),
            replaced: Mutex::default(),
        }
    }
}

impl SnapshotCell {
    /// Makes `next` the topology that lookups see. What nobody uses any more is the caller's to
    /// drop, under no lock: it takes its time.
    #[must_use = "freeing a topology takes its time: drop it where no lock is held"]
    pub fn publish(&self, next: Arc<Topology>) -> Vec<Arc<Topology>> {
        let before = self.newest.swap(next);
        // Behind the topology: who sees the stamp sees the topology, too.
        self.stamp.store(next_stamp(), Ordering::Release);
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

    /// Which of a thread's leases is this handle's.
    #[inline(always)]
    fn place(&self) -> usize {
        self.place.0
    }

    /// Where the thread of `local` found the table that it looked up last.
    #[inline(always)]
    pub fn last_table<'l>(&self, local: &'l Local) -> &'l Cell<u32> {
        let [first, ..] = &local.guesses;
        local.guesses.get(self.place()).unwrap_or(first)
    }

    /// Has every lookup ask anew whether what is known is kept fresh.
    pub fn invalidate_caches(&self) {
        self.stamp.store(next_stamp(), Ordering::Release);
    }

    /// The newest topology, and its stamp, if the thread that `local` belongs to has it, and all
    /// that it knows counts as fresh.
    #[inline(always)]
    pub fn cached<'l>(&self, local: &'l Local) -> Option<Held<'l>> {
        let stamp = self.stamp.load(Ordering::Acquire);
        let place = local.places.get(self.place())?;
        if place.fresh.get() == stamp { held(place.lease.try_borrow().ok()?) } else { None }
    }

    /// The newest topology, and its stamp, in the hands of the thread that `local` belongs to,
    /// which has it at hand from now on if all that it knows counts as fresh until further notice.
    /// For lookups: no lock, no count that threads share, and no waiting for anybody who
    /// publishes. Nothing while the thread holds one of this handle's already.
    #[inline]
    pub fn acquire<'l>(
        &self,
        local: &'l Local,
        is_fresh: impl FnOnce() -> bool,
    ) -> Option<Held<'l>> {
        let stamp = self.stamp.load(Ordering::Acquire);
        let place = local.places.get(self.place())?;
        // Asked behind the stamp, which changes with the answer.
        let fresh = if is_fresh() { stamp } else { 0 };
        let mut lease = place.lease.try_borrow().ok()?;
        if (lease.stamp, place.fresh.get()) != (stamp, fresh) {
            drop(lease);
            let topology = Some(self.newest.load_full());
            *place.lease.try_borrow_mut().ok()? = Lease { stamp, topology };
            place.fresh.set(fresh);
            lease = place.lease.try_borrow().ok()?;
        }
        held(lease)
    }
}

/// Takes those out that only the list still has: nobody can come to a topology anew that is not
/// the newest.
fn unused(replaced: &mut Vec<Arc<Topology>>) -> Vec<Arc<Topology>> {
    replaced.extract_if(.., |topology| Arc::strong_count(topology) == 1).collect()
}

#[inline(always)]
fn held(lease: Ref<'_, Lease>) -> Option<Held<'_>> {
    let stamp = lease.stamp;
    Some((Ref::filter_map(lease, |lease| lease.topology.as_ref()).ok()?, stamp))
}
