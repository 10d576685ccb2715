//! Counting on the warm path: no two busy threads write one cache line.

use std::sync::atomic::{AtomicU64, Ordering};

use crate::local::PLACES;

/// Two lines: processors fetch neighbours in pairs.
#[derive(Debug, Default)]
#[repr(align(128))]
struct Stripe {
    answered: AtomicU64,
    refused: AtomicU64,
}

/// Counts what came of the lookups of all threads.
#[derive(Debug)]
pub struct Striped {
    /// One for each place a thread can have, and one for all others.
    stripes: Box<[Stripe]>,
}

impl Default for Striped {
    fn default() -> Self {
        Self { stripes: (0..=PLACES).map(|_| Stripe::default()).collect() }
    }
}

impl Striped {
    /// No lock, no allocation, no system call. `place` is the calling thread's.
    #[inline]
    pub fn count(&self, place: usize, answered: bool) {
        self.add(place, answered, 1);
    }

    /// Counts that many of each at once.
    pub fn count_many(&self, place: usize, answered: usize, refused: usize) {
        self.add(place, true, answered as u64);
        self.add(place, false, refused as u64);
    }

    #[inline]
    fn add(&self, place: usize, answered: bool, more: u64) {
        // There is a stripe for every place; `get` only spares the check a panic.
        if let Some(stripe) = self.stripes.get(place) {
            let counter = if answered { &stripe.answered } else { &stripe.refused };
            if place < PLACES {
                // Nobody else writes it, and a locked instruction would hold up the stores and
                // loads of the lookups around it.
                let sum = counter.load(Ordering::Relaxed).wrapping_add(more);
                counter.store(sum, Ordering::Relaxed);
            } else {
                counter.fetch_add(more, Ordering::Relaxed);
            }
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

#[cfg(test)]
mod tests {
    use std::thread;

    use super::*;
    use crate::local::Local;

    #[test]
    fn nothing_is_lost_between_threads() {
        let counter = Striped::default();
        // More threads than places, and twice, so that places change hands.
        for _ in 0..2 {
            thread::scope(|scope| {
                for _ in 0..PLACES + 5 {
                    scope.spawn(|| {
                        Local::with(|local| {
                            (0..1000).for_each(|i| counter.count(local.place(), i % 10 != 0));
                        });
                    });
                }
            });
        }
        let threads = 2 * (PLACES as u64 + 5);
        assert_eq!(counter.totals(), (threads * 900, threads * 100));
    }
}
