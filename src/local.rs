//! What a thread keeps for itself, so that its lookups share no written memory with others:
//! the snapshots it used last, its cursors among secondaries, and its place among the counters.
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

/// A thread that uses more handles than this in turn looks up a snapshot anew each time.
pub(crate) const LEASES: usize = 8;

/// A snapshot and the stamp under which it was published.
#[derive(Debug, Default)]
pub struct Lease {
    pub stamp: u64,
    pub topology: Option<Arc<Topology>>,
}

/// Where a thread keeps what it has of the handles that share the place.
#[derive(Debug, Default)]
pub struct Place {
    /// The stamp of the lease, if all that its snapshot knows counts as fresh, and else 0. Not in
    /// the lease: a child may be forked by who holds that.
    pub fresh: Cell<u64>,
    pub lease: RefCell<Lease>,
}

impl Place {
    const fn new() -> Self {
        Self { fresh: Cell::new(0), lease: RefCell::new(Lease { stamp: 0, topology: None }) }
    }
}

/// One thread's own.
pub struct Local {
    /// Whether the thread is inside a call from C, but for those that are quick.
    pub inside: Cell<bool>,
    place: Cell<u8>,
    pub cursors: Cursors,
    /// For each lease, where the table was that was looked up last.
    pub guesses: [Cell<u32>; LEASES],
    pub places: [Place; LEASES],
}

impl Local {
    pub const fn new() -> Self {
        Self {
            inside: Cell::new(false),
            place: Cell::new(NOWHERE),
            cursors: Cursors::new(),
            guesses: [const { Cell::new(0) }; LEASES],
            places: [const { Place::new() }; LEASES],
        }
    }

    /// Runs `use_it` with the calling thread's own. A thread that is ending may have given it up
    /// already, and gets one for this call.
    #[inline]
    pub fn with<R>(use_it: impl FnOnce(&Self) -> R) -> R {
        if END.try_with(|_| ()).is_ok() { Self::at_hand(use_it) } else { Self::with_new(use_it) }
    }

    /// As `with`, but `use_it` must put nothing there that would have to be given up. It costs
    /// nothing but to find it.
    #[inline(always)]
    pub fn at_hand<R>(use_it: impl FnOnce(&Self) -> R) -> R {
        LOCAL.with(|local| use_it(local))
    }

    #[cold]
    #[inline(never)]
    fn with_new<R>(use_it: impl FnOnce(&Self) -> R) -> R {
        use_it(&Self::new())
    }

    /// The thread's place among all of the process, the same for every handle. Nobody else has
    /// it while the thread lives, unless it is `PLACES`: then there were no more.
    #[inline]
    pub fn place(&self) -> usize {
        if self.place.get() == NOWHERE { self.take_place() } else { self.place_at_hand() }
    }

    /// As `place`, for a thread that has asked before; until then it shares one with others.
    #[inline(always)]
    pub fn place_at_hand(&self) -> usize {
        usize::from(self.place.get())
    }

    /// Whether the thread is inside the library: one of its own, in a call, or in a lookup that
    /// holds a lease.
    pub fn is_inside(&self) -> bool {
        let is_held = |place: &Place| place.lease.try_borrow_mut().is_err();
        self.inside.get() || thread::is_own() || self.places.iter().any(is_held)
    }

    /// Gives up what others could use.
    fn give_up(&self) {
        for place in &self.places {
            place.fresh.set(0);
            // One that is held belongs to a lookup further down in this very thread.
            let lease = place.lease.try_borrow_mut().map(|mut lease| mem::take(&mut *lease));
            drop(lease);
        }
        TAKEN.fetch_and(!bit(self.place.replace(NOWHERE)), Ordering::Release);
    }

    #[cold]
    fn take_place(&self) -> usize {
        let lowest_free = |taken: u64| (taken != u64::MAX).then(|| taken | (taken + 1));
        // Acquires what the place's last holder wrote there.
        let taken = TAKEN.fetch_update(Ordering::Acquire, Ordering::Relaxed, lowest_free);
        let place = taken.map_or(PLACES, |before| before.trailing_ones() as usize);
        self.place.set(place as u8);
        place
    }
}

thread_local! {
    /// Without a destructor of its own, which would have to be asked after at each use.
    static LOCAL: ManuallyDrop<Local> = const { ManuallyDrop::new(Local::new()) };
    static END: End = const { End };
}

/// Gives up what the thread has when it ends.
struct End;

impl Drop for End {
    fn drop(&mut self) {
        Local::at_hand(Local::give_up);
    }
}

/// One bit for each place that a thread has.
static TAKEN: AtomicU64 = AtomicU64::new(0);

/// How many threads can have a place of their own.
pub(crate) const PLACES: usize = u64::BITS as usize;

const NOWHERE: u8 = u8::MAX;

/// The thread's bit, if it has one.
fn bit(place: u8) -> u64 {
    1u64.checked_shl(u32::from(place)).unwrap_or(0)
}

/// To be called by who is about to fork: sees that the thread has what [`forked`] changes. The
/// system gives a thread its memory for a shared library at the first use, and a child of many
/// threads may not ask for any.
pub fn before_fork() {
    Local::at_hand(|local| {
        std::hint::black_box(local);
    });
}

/// In a forked child only the calling thread lives: the places of the others are free, and nobody
/// keeps anything fresh. Allocates nothing and waits for nobody.
pub fn forked() {
    Local::at_hand(|local| {
        TAKEN.store(bit(local.place.get()), Ordering::Relaxed);
        local.places.iter().for_each(|place| place.fresh.set(0));
    });
}

impl Drop for Local {
    fn drop(&mut self) {
        self.give_up();
    }
}

impl Default for Local {
    fn default() -> Self {
        Self::new()
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn threads_have_places_of_their_own_and_give_them_back() {
        // Other tests have places, too, and so none of these is told to be free.
        let few: Vec<Local> = (0..9).map(|_| Local::new()).collect();
        let places: Vec<usize> = few.iter().map(Local::place).collect();
        assert!(few.iter().map(Local::place).eq(places.iter().copied()), "it stays");
        let own: Vec<usize> = places.into_iter().filter(|place| *place < PLACES).collect();
        assert_eq!(own.iter().collect::<BTreeSet<_>>().len(), own.len());

        let more: Vec<Local> = (0..PLACES).map(|_| Local::new()).collect();
        let shared = |all: &[Local]| all.iter().filter(|local| local.place() == PLACES).count();
        assert!(shared(&more) > 0, "who finds no place shares the last one");
        drop(more);
        drop(few);
        let again: Vec<Local> = (0..PLACES).map(|_| Local::new()).collect();
        assert!(shared(&again) < PLACES, "the places are free again");
    }
}
