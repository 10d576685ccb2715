//! A topology is published, then it is told: nobody who waits may miss it, and nobody who was
//! told may see an older one.

use std::time::Duration;

use loom::sync::Arc;
use loom::sync::atomic::{AtomicU64, Ordering};
use loom::thread;
use model::snapshot_cell::SnapshotCell;
use model::thread_cache::ThreadCache;
use model::topology::Topology;
use model::waiters::Waiters;

/// As Refresher has them.
#[derive(Default)]
struct Farm {
    current: SnapshotCell,
    waiters: Waiters,
}

impl Farm {
    /// The order of `Refresher::publish`.
    fn publish(&self, generation: u64) {
        drop(self.current.publish(Arc::new(Topology { generation })));
        self.waiters.notify();
    }

    /// A lookup. Whoever sees an epoch must see the topology it was given to, or a newer one.
    fn generation(&self, cache: &ThreadCache) -> u64 {
        let found = self.current.cached(cache).or_else(|| self.current.acquire(cache, || true));
        found.expect("nothing is borrowed").0.generation
    }

    /// The order of `Router::wait`: the number is asked for before looking.
    fn wait_for(&self, wanted: u64) {
        let (cache, _present) = (ThreadCache::default(), self.waiters.enter());
        let mut before = 0;
        loop {
            let seen = self.waiters.published();
            let generation = self.generation(&cache);
            assert!(generation >= before, "a thread goes back in time");
            assert!(generation >= seen, "what was told is not to be seen");
            if generation >= wanted {
                return;
            }
            before = generation;
            self.waiters.wait(seen, Duration::MAX, || false);
        }
    }
}

/// Up to `interruptions` of a thread that could go on. Bugs that need more are rare, and the
/// number of orders soon grows beyond what a test may take.
fn in_every_order(interruptions: usize, test: impl Fn() + Sync + Send + 'static) {
    let mut builder = loom::model::Builder::new();
    builder.preemption_bound = builder.preemption_bound.or(Some(interruptions));
    builder.check(test);
}

#[test]
fn waiters_miss_nothing() {
    in_every_order(3, || {
        let farm = Arc::new(Farm::default());
        let waiters: Vec<_> = (0..2)
            .map(|_| {
                let farm = Arc::clone(&farm);
                thread::spawn(move || farm.wait_for(1))
            })
            .collect();
        farm.publish(1);
        waiters.into_iter().for_each(|waiter| waiter.join().expect("no panic"));
        assert!(!farm.waiters.are_there(), "nobody is left");
    });
}

#[test]
fn a_waiter_waits_on_until_what_it_wants_is_there() {
    in_every_order(4, || {
        let farm = Arc::new(Farm::default());
        let waiter = {
            let farm = Arc::clone(&farm);
            thread::spawn(move || farm.wait_for(2))
        };
        farm.publish(1);
        farm.publish(2);
        waiter.join().expect("no panic");
    });
}

/// Who is interrupted leaves, whenever that happens, and whatever is published meanwhile.
#[test]
fn an_interrupt_ends_a_wait() {
    in_every_order(3, || {
        let (farm, interrupts) = (Arc::new(Farm::default()), Arc::new(AtomicU64::new(0)));
        let waiter = {
            let (farm, interrupts) = (Arc::clone(&farm), Arc::clone(&interrupts));
            thread::spawn(move || {
                let is_over = || interrupts.load(Ordering::Relaxed) > 0;
                while !is_over() {
                    let seen = farm.waiters.published();
                    farm.waiters.wait(seen, Duration::MAX, is_over);
                }
            })
        };
        farm.publish(1);
        // The order of `Refresher::interrupt`.
        interrupts.fetch_add(1, Ordering::Relaxed);
        farm.waiters.wake();
        waiter.join().expect("no panic");
    });
}

/// Whoever looks without a word between threads sees some generation, and never an older one
/// after it; two lookups with one epoch see one topology.
#[test]
fn looking_never_goes_back() {
    in_every_order(3, || {
        let farm = Arc::new(Farm::default());
        let looker = {
            let farm = Arc::clone(&farm);
            thread::spawn(move || {
                let cache = ThreadCache::default();
                let look = || {
                    let found = farm.current.cached(&cache);
                    let found = found.or_else(|| farm.current.acquire(&cache, || true));
                    let (topology, epoch) = found.expect("a snapshot");
                    (topology.generation, epoch)
                };
                let (first, first_epoch) = look();
                let (second, second_epoch) = look();
                assert!(second >= first);
                assert!(first_epoch != second_epoch || first_epoch == 0 || first == second);
            })
        };
        drop(farm.current.publish(Arc::new(Topology { generation: 1 })));
        drop(farm.current.publish(Arc::new(Topology { generation: 2 })));
        looker.join().expect("no panic");
    });
}

/// The order in which a refresh ends: nobody keeps anything fresh, and then all are told so. Once
/// that is over, no thread has a snapshot cached that it thinks is kept fresh, whenever it asked.
#[test]
fn what_nobody_keeps_fresh_is_not_cached() {
    in_every_order(2, || {
        let (farm, kept) = (Arc::new(Farm::default()), Arc::new(AtomicU64::new(1)));
        let keeper = {
            let (farm, kept) = (Arc::clone(&farm), Arc::clone(&kept));
            thread::spawn(move || {
                kept.store(0, Ordering::Relaxed);
                farm.current.invalidate_caches();
            })
        };
        let cache = ThreadCache::default();
        let is_kept = || kept.load(Ordering::Relaxed) == 1;
        drop(farm.current.acquire(&cache, is_kept).expect("a snapshot"));
        keeper.join().expect("no panic");
        assert!(farm.current.cached(&cache).is_none());
        drop(farm.current.acquire(&cache, is_kept).expect("a snapshot"));
        assert!(farm.current.cached(&cache).is_none());
    });
}

/// The check can fail: told before it is published, a topology may be missed for good.
#[test]
#[should_panic(expected = "what was told is not to be seen")]
fn telling_first_is_found_out() {
    in_every_order(4, || {
        let farm = Arc::new(Farm::default());
        let waiter = {
            let farm = Arc::clone(&farm);
            thread::spawn(move || farm.wait_for(1))
        };
        farm.waiters.notify();
        drop(farm.current.publish(Arc::new(Topology { generation: 1 })));
        waiter.join().expect("no panic");
    });
}

#[test]
fn no_epoch_is_of_two_topologies() {
    for invalidates in [false, true] {
        in_every_order(2, move || {
            let cell = Arc::new(SnapshotCell::default());
            let look = |cell: &SnapshotCell| {
                let cache = ThreadCache::default();
                let (topology, epoch) = cell.acquire(&cache, || true).expect("nothing is borrowed");
                (epoch, topology.generation)
            };
            let other = {
                let cell = Arc::clone(&cell);
                thread::spawn(move || {
                    if invalidates {
                        cell.invalidate_caches();
                    }
                    look(&cell)
                })
            };
            let before = look(&cell);
            drop(cell.publish(Arc::new(Topology { generation: 1 })));
            let after = look(&cell);
            let other = other.join().expect("no panic");
            let is_same = |one: (u64, u64)| one.0 != other.0 || one.0 == 0 || one.1 == other.1;
            assert!(is_same(before) && is_same(after), "whose epoch is it?");
            assert_eq!(after.1, 1);
        });
    }
}
