//! Counting on the warm path: no two busy threads write one cache line.

use std::sync::atomic::{AtomicU64, Ordering};

use crate::thread_cache::STRIPES;

/// Two lines: processors fetch neighbours in pairs.
#[derive(Debug)]
#[repr(align(128))]
struct Stripe {
    answered: AtomicU64,
    refused: AtomicU64,
}

impl Stripe {
    const fn new() -> Self {
        Self { answered: AtomicU64::new(0), refused: AtomicU64::new(0) }
    }

    #[inline(always)]
    fn counter(&self, answered: bool) -> &AtomicU64 {
        if answered { &self.answered } else { &self.refused }
    }
}

/// Counts what came of the lookups of all threads.
#[derive(Debug)]
pub struct Striped {
    /// One for each stripe that a thread can have.
    own: Box<[Stripe; STRIPES]>,
    /// For the threads that have none.
    others: Stripe,
}

impl Default for Striped {
    fn default() -> Self {
        Self { own: Box::new([const { Stripe::new() }; STRIPES]), others: Stripe::new() }
    }
}

impl Striped {
    /// No lock, no allocation, no system call. `stripe` is the calling thread's.
    #[inline(always)]
    pub fn count(&self, stripe: usize, answered: bool) {
        self.add(stripe, answered, 1);
    }

    /// Counts that many of each at once.
    pub fn count_many(&self, stripe: usize, answered: usize, refused: usize) {
        self.add(stripe, true, answered as u64);
        self.add(stripe, false, refused as u64);
    }

    #[inline(always)]
    fn add(&self, stripe: usize, answered: bool, more: u64) {
        match self.own.get(stripe) {
            Some(stripe) => {
                // Nobody else writes it, and a locked instruction would hold up the stores and
                // loads of the lookups around it.
                let counter = stripe.counter(answered);
                let sum = counter.load(Ordering::Relaxed).wrapping_add(more);
                counter.store(sum, Ordering::Relaxed);
            }
            None => {
                self.others.counter(answered).fetch_add(more, Ordering::Relaxed);
            }
        }
    }

    /// What all threads counted so far: answered, and refused.
    pub fn totals(&self) -> (u64, u64) {
        self.own.iter().chain([&self.others]).fold((0, 0), |(answered, refused), stripe| {
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
    use crate::thread_cache::ThreadCache;

    #[test]
    fn nothing_is_lost_between_threads() {
        let counter = Striped::default();
        // More threads than stripes, and twice, so that stripes change hands.
        for _ in 0..2 {
            thread::scope(|scope| {
                for _ in 0..STRIPES + 5 {
                    scope.spawn(|| {
                        ThreadCache::with(|cache| {
                            (0..1000).for_each(|i| counter.count(cache.stripe(), i % 10 != 0));
                        });
                    });
                }
            });
        }
        let threads = 2 * (STRIPES as u64 + 5);
        assert_eq!(counter.totals(), (threads * 900, threads * 100));
    }
}
