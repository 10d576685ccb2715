//! Counting on the warm path: no two busy threads write one cache line.

use std::cell::Cell;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};

/// Threads beyond this number share stripes, which costs time and no count.
const STRIPES: usize = 16;

/// Two lines: processors fetch neighbours in pairs.
#[derive(Debug, Default)]
#[repr(align(128))]
struct Stripe {
    answered: AtomicU64,
    refused: AtomicU64,
}

/// Counts what came of the lookups of all threads.
#[derive(Debug, Default)]
pub struct Striped {
    stripes: [Stripe; STRIPES],
}

impl Striped {
    /// No lock, no allocation, no system call.
    #[inline]
    pub fn count(&self, answered: bool) {
        // The slot is always one of the stripes; `get` only spares the check a panic.
        if let Some(stripe) = self.stripes.get(slot()) {
            let counter = if answered { &stripe.answered } else { &stripe.refused };
            counter.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// What all threads counted so far: answered, and refused.
    pub fn totals(&self) -> (u64, u64) {
        self.stripes.iter().fold((0, 0), |(answered, refused), stripe| {
            (
                answered.wrapping_add(stripe.answered.load(Ordering::Relaxed)),
                refused.wrapping_add(stripe.refused.load(Ordering::Relaxed)),
            )
        })
    }
}

/// The stripe of the calling thread, the same for every handle. Threads take them in turn, so
/// that the first sixteen have one each.
#[inline]
fn slot() -> usize {
    const NONE: usize = usize::MAX;
    static NEXT: AtomicUsize = AtomicUsize::new(0);
    thread_local! {
        // A constant without a destructor: reading it registers and allocates nothing.
        static SLOT: Cell<usize> = const { Cell::new(NONE) };
    }
    match SLOT.get() {
        NONE => {
            let slot = NEXT.fetch_add(1, Ordering::Relaxed) % STRIPES;
            SLOT.set(slot);
            slot
        }
        slot => slot,
    }
}

#[cfg(test)]
mod tests {
    use std::thread;

    use super::*;

    #[test]
    fn nothing_is_lost_between_threads() {
        let counter = Striped::default();
        thread::scope(|scope| {
            // More threads than stripes: some share one.
            for _ in 0..STRIPES + 5 {
                scope.spawn(|| (0..10_000).for_each(|i| counter.count(i % 10 != 0)));
            }
        });
        let threads = STRIPES as u64 + 5;
        assert_eq!(counter.totals(), (threads * 9_000, threads * 1_000));
    }
}
