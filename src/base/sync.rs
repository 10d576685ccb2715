//! The only locks and conditions of the library.
//!
//! A forked child makes each of them anew, with what is under it ([`PerProcess`]): nobody waits
//! for a thread that the fork left behind. And each has a rank, which says in what order a thread
//! may take several: debug builds assert it, so that no two threads can wait for each other.
//!
//! Under a lock nothing is done that may take long or come back here: no callback, no joining of
//! a thread, no freeing of a topology. Debug builds assert that, too, by [`assert_none_is_held`].

use std::ops::{Deref, DerefMut};
use std::sync::{self, PoisonError};
use std::time::Duration;

use super::fork::PerProcess;
pub use super::rank;

/// A lock with a rank, and what is under it, which a forked child makes anew.
///
/// A thread that panics under it poisons nothing: nothing that is kept under a lock of this
/// library is worth less than the handle it would take down.
pub struct Mutex<T, const RANK: u8> {
    inner: PerProcess<sync::Mutex<T>>,
}

impl<T: Default + 'static, const RANK: u8> Default for Mutex<T, RANK> {
    fn default() -> Self {
        Self::new(T::default)
    }
}

impl<T, const RANK: u8> Mutex<T, RANK> {
    /// What is under it is what `make` makes, in each process.
    pub fn new(make: impl Fn() -> T + Send + Sync + 'static) -> Self {
        Self { inner: PerProcess::new(move || sync::Mutex::new(make())) }
    }

    pub fn lock(&self) -> MutexGuard<'_, T> {
        let order = Order::take(RANK);
        let guard = self.inner.get().lock().unwrap_or_else(PoisonError::into_inner);
        MutexGuard { guard, order }
    }
}

/// A lock that is held. No `Drop` of its own: it is free before it counts as free.
pub struct MutexGuard<'a, T> {
    guard: sync::MutexGuard<'a, T>,
    order: Order,
}

impl<T> Deref for MutexGuard<'_, T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.guard
    }
}

impl<T> DerefMut for MutexGuard<'_, T> {
    fn deref_mut(&mut self) -> &mut T {
        &mut self.guard
    }
}

/// What a thread waits for under a lock.
#[derive(Default)]
pub struct Condvar {
    inner: PerProcess<sync::Condvar>,
}

impl Condvar {
    pub fn notify_one(&self) {
        self.inner.get().notify_one();
    }

    pub fn notify_all(&self) {
        self.inner.get().notify_all();
    }

    /// Waits until somebody notifies, or for no reason.
    pub fn wait<'a, T>(&self, guard: MutexGuard<'a, T>) -> MutexGuard<'a, T> {
        let MutexGuard { guard, order } = guard;
        let guard = self.inner.get().wait(guard).unwrap_or_else(PoisonError::into_inner);
        MutexGuard { guard, order }
    }

    /// As `wait`, for `most` at most.
    pub fn wait_timeout<'a, T>(
        &self,
        guard: MutexGuard<'a, T>,
        most: Duration,
    ) -> MutexGuard<'a, T> {
        let MutexGuard { guard, order } = guard;
        let woken = self.inner.get().wait_timeout(guard, most);
        MutexGuard { guard: woken.unwrap_or_else(PoisonError::into_inner).0, order }
    }

    /// Waits while `condition` holds, for `most` at most.
    pub fn wait_timeout_while<'a, T>(
        &self,
        guard: MutexGuard<'a, T>,
        most: Duration,
        condition: impl FnMut(&mut T) -> bool,
    ) -> MutexGuard<'a, T> {
        let MutexGuard { guard, order } = guard;
        let woken = self.inner.get().wait_timeout_while(guard, most, condition);
        MutexGuard { guard: woken.unwrap_or_else(PoisonError::into_inner).0, order }
    }
}

/// To be called where something begins that must not run under a lock: a callback, a join, the
/// freeing of something large. Debug builds assert it, and others do nothing.
#[inline]
pub fn assert_none_is_held() {
    #[cfg(debug_assertions)]
    order::assert_none_is_held();
}

#[cfg(debug_assertions)]
use order::Order;

#[cfg(debug_assertions)]
mod order {
    use std::cell::Cell;

    thread_local! {
        /// One bit for each rank of which the thread holds a lock.
        static HELD: Cell<u64> = const { Cell::new(0) };
    }

    /// The place of a lock among those that a thread holds.
    pub struct Order(u64);

    impl Order {
        pub fn take(rank: u8) -> Self {
            let bit = 1 << rank;
            let held = HELD.get();
            assert!(held < bit, "a lock of rank {rank} is taken under those of the bits {held:#b}");
            HELD.set(held | bit);
            Self(bit)
        }
    }

    impl Drop for Order {
        fn drop(&mut self) {
            HELD.set(HELD.get() & !self.0);
        }
    }

    pub fn assert_none_is_held() {
        let held = HELD.get();
        assert!(held == 0, "this must not run under a lock, and those of the bits {held:#b} are");
    }
}

/// Nothing, in a build that asserts nothing.
#[cfg(not(debug_assertions))]
struct Order;

#[cfg(not(debug_assertions))]
impl Order {
    #[inline]
    fn take(_rank: u8) -> Self {
        Self
    }
}

#[cfg(test)]
mod tests {
    use std::panic::{AssertUnwindSafe, catch_unwind};

    use super::*;

    type First = Mutex<u32, 1>;
    type Second = Mutex<u32, 2>;

    #[test]
    fn locks_are_taken_in_the_order_of_their_ranks() {
        let (first, second) = (First::default(), Second::default());
        let outer = first.lock();
        *second.lock() += 1;
        assert_eq!(*second.lock(), 1, "one after the other");
        drop(outer);
        assert_none_is_held();
    }

    #[cfg(debug_assertions)]
    #[test]
    fn another_order_is_noticed_before_anybody_waits() {
        let (first, second) = (First::default(), Second::default());
        let wrong = |take: &dyn Fn()| catch_unwind(AssertUnwindSafe(take)).is_err();
        assert!(wrong(&|| {
            let _outer = second.lock();
            let _inner = first.lock();
        }));
        // The same rank twice is a lock that waits for itself, or for one of another handle.
        assert!(wrong(&|| {
            let other = First::default();
            let _outer = first.lock();
            let _inner = other.lock();
        }));
        assert!(wrong(&|| {
            let _held = first.lock();
            assert_none_is_held();
        }));
        // What was noticed left nothing held.
        drop((first.lock(), second.lock()));
        assert_none_is_held();
    }

    #[test]
    fn a_condition_gives_the_lock_back() {
        let (lock, changed) = (First::default(), Condvar::default());
        std::thread::scope(|scope| {
            let waiter = scope.spawn(|| {
                let long = Duration::from_secs(600);
                *changed.wait_timeout_while(lock.lock(), long, |value| *value == 0)
            });
            *lock.lock() = 7;
            changed.notify_all();
            assert_eq!(waiter.join().unwrap(), 7);
        });
        let past = changed.wait_timeout_while(lock.lock(), Duration::ZERO, |value| *value == 7);
        assert_eq!(*past, 7);
    }

    #[test]
    fn a_panic_under_a_lock_poisons_nothing() {
        let lock = First::default();
        let panicked = catch_unwind(AssertUnwindSafe(|| {
            *lock.lock() = 3;
            let _held = lock.lock();
            panic!("on purpose");
        }));
        assert!(panicked.is_err());
        assert_eq!(*lock.lock(), 3);
    }
}
