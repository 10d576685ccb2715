//! What a thread keeps for itself, so that its lookups share no written memory with others: the
//! snapshots it used last, its cursors among secondaries, and its stripe of the counters.
//!
//! Everything is in one value, because in a shared library each thread-local costs a call to
//! find it.

use std::cell::{Cell, RefCell};
use std::mem::{self, ManuallyDrop};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use crate::base::thread;
use crate::topology::Topology;
use crate::topology::balance::Cursors;

/// How many snapshots a thread keeps. One that uses more handles than this in turn looks a
/// snapshot up anew each time.
pub(crate) const SLOTS: usize = 8;

/// A snapshot and the epoch under which it was published.
#[derive(Debug, Default)]
pub struct CachedSnapshot {
    pub epoch: u64,
    pub topology: Option<Arc<Topology>>,
}

/// Where a thread keeps the snapshot of a handle, or of the handles that share the slot.
#[derive(Debug, Default)]
pub struct Slot {
    /// The epoch of the snapshot, if all that it knows counts as fresh, and else 0. Beside the
    /// snapshot, because a lookup may have that borrowed while its thread forks.
    pub fresh_epoch: Cell<u64>,
    pub snapshot: RefCell<CachedSnapshot>,
}

impl Slot {
    const fn new() -> Self {
        let none = CachedSnapshot { epoch: 0, topology: None };
        Self { fresh_epoch: Cell::new(0), snapshot: RefCell::new(none) }
    }
}

/// One thread's own.
pub struct ThreadCache {
    /// Whether the thread is in a call from C, other than a lookup that the cache answers.
    pub in_call: Cell<bool>,
    stripe: Cell<u8>,
    pub cursors: Cursors,
    /// For each slot, the position of the table that was looked up last.
    pub last_hits: [Cell<u32>; SLOTS],
    pub slots: [Slot; SLOTS],
}

impl ThreadCache {
    pub const fn new() -> Self {
        Self {
            in_call: Cell::new(false),
            stripe: Cell::new(NO_STRIPE),
            cursors: Cursors::new(),
            last_hits: [const { Cell::new(0) }; SLOTS],
            slots: [const { Slot::new() }; SLOTS],
        }
    }

    /// Runs `use_it` with the calling thread's cache, which is emptied when the thread ends. A
    /// thread whose cache was emptied already gets another one for this call.
    #[inline]
    pub fn with<R>(use_it: impl FnOnce(&Self) -> R) -> R {
        let is_registered = AT_EXIT.try_with(|_| ()).is_ok();
        if is_registered { Self::with_unregistered(use_it) } else { Self::with_new(use_it) }
    }

    /// As `with`, but the cache need not be emptied when the thread ends: `use_it` must neither
    /// put a snapshot into it nor take a stripe. Costs only the finding of the cache.
    #[inline(always)]
    pub fn with_unregistered<R>(use_it: impl FnOnce(&Self) -> R) -> R {
        CACHE.with(|cache| use_it(cache))
    }

    #[cold]
    #[inline(never)]
    fn with_new<R>(use_it: impl FnOnce(&Self) -> R) -> R {
        use_it(&Self::new())
    }

    /// The thread's stripe of the counters, the same for every handle. No other thread has it
    /// while this one lives, unless it is `STRIPES`: then none was free.
    #[inline]
    pub fn stripe(&self) -> usize {
        if self.stripe.get() == NO_STRIPE { self.take_stripe() } else { self.stripe_or_shared() }
    }

    /// As `stripe`, for a thread that took one before. A thread without one gets a number that is
    /// none of a stripe.
    #[inline(always)]
    pub fn stripe_or_shared(&self) -> usize {
        usize::from(self.stripe.get())
    }

    /// Whether the thread is in the library: one of its own threads, in a call, or in a lookup
    /// that has a cached snapshot borrowed.
    pub fn is_in_library(&self) -> bool {
        let is_borrowed = |slot: &Slot| slot.snapshot.try_borrow_mut().is_err();
        self.in_call.get() || thread::is_own() || self.slots.iter().any(is_borrowed)
    }

    /// Drops the cached snapshots and gives the stripe back.
    fn empty(&self) {
        for slot in &self.slots {
            slot.fresh_epoch.set(0);
            // A borrowed one belongs to a lookup further down in this very thread.
            let snapshot = slot.snapshot.try_borrow_mut().map(|mut it| mem::take(&mut *it));
            drop(snapshot);
        }
        TAKEN.fetch_and(!bit(self.stripe.replace(NO_STRIPE)), Ordering::Release);
    }

    #[cold]
    fn take_stripe(&self) -> usize {
        let lowest_free = |taken: u64| (taken != u64::MAX).then(|| taken | (taken + 1));
        // Acquires what the stripe's last holder wrote there.
        let taken = TAKEN.fetch_update(Ordering::Acquire, Ordering::Relaxed, lowest_free);
        let stripe = taken.map_or(STRIPES, |before| before.trailing_ones() as usize);
        self.stripe.set(stripe as u8);
        stripe
    }
}

thread_local! {
    /// `ManuallyDrop`: a thread-local with a destructor checks at each use that it is registered.
    static CACHE: ManuallyDrop<ThreadCache> = const { ManuallyDrop::new(ThreadCache::new()) };
    static AT_EXIT: AtExit = const { AtExit };
}

/// Empties the thread's cache when the thread ends.
struct AtExit;

impl Drop for AtExit {
    fn drop(&mut self) {
        ThreadCache::with_unregistered(ThreadCache::empty);
    }
}

/// One bit for each stripe that a thread has.
static TAKEN: AtomicU64 = AtomicU64::new(0);

/// How many threads can have a stripe of their own.
pub(crate) const STRIPES: usize = u64::BITS as usize;

const NO_STRIPE: u8 = u8::MAX;

/// The stripe's bit, 0 for a thread that has none of its own.
fn bit(stripe: u8) -> u64 {
    1u64.checked_shl(u32::from(stripe)).unwrap_or(0)
}

/// To be called by who is about to fork: sees that the thread has what [`forked`] changes. The
/// system gives a thread its memory for a shared library at the first use, and a child of many
/// threads may not ask for any.
pub fn before_fork() {
    ThreadCache::with_unregistered(|cache| {
        std::hint::black_box(cache);
    });
}

/// To be called in a forked child, where only the calling thread lives: the stripes of the others
/// are free, and nobody keeps anything fresh. Allocates nothing and waits for nobody.
pub fn forked() {
    ThreadCache::with_unregistered(|cache| {
        TAKEN.store(bit(cache.stripe.get()), Ordering::Relaxed);
        cache.slots.iter().for_each(|slot| slot.fresh_epoch.set(0));
    });
}

impl Drop for ThreadCache {
    fn drop(&mut self) {
        self.empty();
    }
}

impl Default for ThreadCache {
    fn default() -> Self {
        Self::new()
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn threads_have_stripes_of_their_own_and_give_them_back() {
        // Other tests have stripes, too, and so none of these is told to be free.
        let few: Vec<ThreadCache> = (0..9).map(|_| ThreadCache::new()).collect();
        let stripes: Vec<usize> = few.iter().map(ThreadCache::stripe).collect();
        assert!(few.iter().map(ThreadCache::stripe).eq(stripes.iter().copied()), "it stays");
        let own: Vec<usize> = stripes.into_iter().filter(|stripe| *stripe < STRIPES).collect();
        assert_eq!(own.iter().collect::<BTreeSet<_>>().len(), own.len());

        let more: Vec<ThreadCache> = (0..STRIPES).map(|_| ThreadCache::new()).collect();
        let shared = |all: &[ThreadCache]| all.iter().filter(|one| one.stripe() == STRIPES).count();
        assert!(shared(&more) > 0, "who finds no stripe shares the last one");
        drop(more);
        drop(few);
        let again: Vec<ThreadCache> = (0..STRIPES).map(|_| ThreadCache::new()).collect();
        assert!(shared(&again) < STRIPES, "the stripes are free again");
    }
}
