//! The topology in use: one writer at a time replaces it, any number of threads read it.

use std::cell::{Cell, Ref};
use std::sync::atomic;

use crate::local::{LEASES, Lease, Local};
use crate::sync::{Arc, ArcSwap, AtomicU64, Guard, Mutex, Ordering, PoisonError};
use crate::topology::Topology;

/// A snapshot in the hands of a thread, and its stamp.
pub type Held<'l> = (Ref<'l, Arc<Topology>>, u64);

/// The newest topology, and how threads find out that theirs is not it any more.
///
/// A thread keeps the snapshot it used last, and a read is one comparison of stamps. So threads
/// share nothing that is written, but a thread that stops looking up keeps its last snapshot
/// until it ends or looks up again; snapshots share their unchanged parts.
pub struct Current {
    newest: ArcSwap<Topology>,
    /// Of the newest topology, in the whole process: no two topologies ever have the same one,
    /// whatever handle they belong to.
    stamp: AtomicU64,
    /// Which handle of the process it is.
    handle: usize,
    /// Replaced topologies that some thread may still use. They are kept so that no lookup is
    /// the one that has to take a large topology apart.
    replaced: Mutex<Vec<Arc<Topology>>>,
}

fn next_stamp() -> u64 {
    static STAMPS: atomic::AtomicU64 = atomic::AtomicU64::new(1);
    STAMPS.fetch_add(1, Ordering::Relaxed)
}

impl Default for Current {
    fn default() -> Self {
        static HANDLES: atomic::AtomicU32 = atomic::AtomicU32::new(0);
        Self {
            newest: ArcSwap::default(),
            stamp: AtomicU64::new(next_stamp()),
            handle: HANDLES.fetch_add(1, Ordering::Relaxed) as usize,
            replaced: Mutex::default(),
        }
    }
}

impl Current {
    /// Makes `next` the topology that lookups see.
    pub fn publish(&self, next: Arc<Topology>) {
        let before = self.newest.swap(next);
        // Behind the topology: who sees the stamp sees the topology, too.
        self.stamp.store(next_stamp(), Ordering::Release);
        let mut replaced = self.replaced.lock().unwrap_or_else(PoisonError::into_inner);
        replaced.push(before);
        // Nobody can come to a topology anew that is not the newest.
        replaced.retain(|topology| Arc::strong_count(topology) > 1);
    }

    /// Lets go of the topologies that nobody uses any more.
    pub fn tidy(&self) {
        let mut replaced = self.replaced.lock().unwrap_or_else(PoisonError::into_inner);
        replaced.retain(|topology| Arc::strong_count(topology) > 1);
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
        self.handle % LEASES
    }

    /// Where the thread of `local` found the table that it looked up last.
    #[inline(always)]
    pub fn guess<'l>(&self, local: &'l Local) -> &'l Cell<u32> {
        let [first, ..] = &local.guesses;
        local.guesses.get(self.place()).unwrap_or(first)
    }

    /// Has every lookup ask anew whether what is known counts as fresh.
    pub fn doubt(&self) {
        self.stamp.store(next_stamp(), Ordering::Release);
    }

    /// The newest topology, and its stamp, if the thread that `local` belongs to has it, and all
    /// that it knows counts as fresh.
    #[inline(always)]
    pub fn at_hand<'l>(&self, local: &'l Local) -> Option<Held<'l>> {
        let stamp = self.stamp.load(Ordering::Acquire);
        let lease = local.leases.get(self.place())?.try_borrow().ok()?;
        if lease.fresh == stamp { held(lease) } else { None }
    }

    /// The newest topology, and its stamp, in the hands of the thread that `local` belongs to,
    /// which has it at hand from now on if all that it knows counts as fresh until further notice.
    /// For lookups: no lock, no count that threads share, and no waiting for anybody who
    /// publishes. Nothing while the thread holds one of this handle's already.
    #[inline]
    pub fn lease<'l>(&self, local: &'l Local, is_fresh: impl FnOnce() -> bool) -> Option<Held<'l>> {
        let stamp = self.stamp.load(Ordering::Acquire);
        let place = local.leases.get(self.place())?;
        // Asked behind the stamp, which changes with the answer.
        let fresh = if is_fresh() { stamp } else { 0 };
        let mut lease = place.try_borrow().ok()?;
        if (lease.stamp, lease.fresh) != (stamp, fresh) {
            drop(lease);
            let topology = Some(self.newest.load_full());
            *place.try_borrow_mut().ok()? = Lease { stamp, fresh, topology };
            lease = place.try_borrow().ok()?;
        }
        held(lease)
    }
}

#[inline(always)]
fn held(lease: Ref<'_, Lease>) -> Option<Held<'_>> {
    let stamp = lease.stamp;
    Some((Ref::filter_map(lease, |lease| lease.topology.as_ref()).ok()?, stamp))
}
