//! loom's types under the names of the library's `sync`, and models of what loom lacks.

use std::ops::Deref;
use std::sync::PoisonError;
use std::time::Duration;

pub use loom::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
pub use loom::sync::{Arc, MutexGuard};

pub use crate::base::rank;

/// A lock, without what a fork and a debug build make of it.
pub struct Mutex<T, const RANK: u8>(loom::sync::Mutex<T>);

impl<T: Default, const RANK: u8> Default for Mutex<T, RANK> {
    fn default() -> Self {
        Self(loom::sync::Mutex::new(T::default()))
    }
}

impl<T, const RANK: u8> Mutex<T, RANK> {
    pub fn lock(&self) -> MutexGuard<'_, T> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Whoever waits with a deadline waits for ever: then loom reports a lost wake-up, where a
/// deadline would only make it slow.
#[derive(Default)]
pub struct Condvar(loom::sync::Condvar);

impl Condvar {
    pub fn wait<'a, T>(&self, guard: MutexGuard<'a, T>) -> MutexGuard<'a, T> {
        self.0.wait(guard).unwrap_or_else(PoisonError::into_inner)
    }

    pub fn wait_while<'a, T>(
        &self,
        mut guard: MutexGuard<'a, T>,
        mut condition: impl FnMut(&mut T) -> bool,
    ) -> MutexGuard<'a, T> {
        while condition(&mut guard) {
            guard = self.wait(guard);
        }
        guard
    }

    pub fn wait_timeout_while<'a, T>(
        &self,
        guard: MutexGuard<'a, T>,
        most: Duration,
        condition: impl FnMut(&mut T) -> bool,
    ) -> MutexGuard<'a, T> {
        match most {
            // Who does not wait looks once.
            Duration::ZERO => guard,
            _ => self.wait_while(guard, condition),
        }
    }

    pub fn notify_all(&self) {
        self.0.notify_all();
    }
}

/// The value, and a flag that loom watches: who sees the flag sees the value.
pub struct OnceCell<T> {
    value: once_cell::sync::OnceCell<T>,
    is_set: loom::sync::atomic::AtomicBool,
}

impl<T> Default for OnceCell<T> {
    fn default() -> Self {
        Self { value: once_cell::sync::OnceCell::new(), is_set: Default::default() }
    }
}

impl<T> OnceCell<T> {
    pub fn get(&self) -> Option<&T> {
        if self.is_set.load(Ordering::Acquire) { self.value.get() } else { None }
    }

    pub fn set(&self, value: T) -> Result<(), T> {
        self.value.set(value)?;
        self.is_set.store(true, Ordering::Release);
        Ok(())
    }

    pub fn get_or_init(&self, make: impl FnOnce() -> T) -> &T {
        let value = self.value.get_or_init(make);
        self.is_set.store(true, Ordering::Release);
        value
    }
}

/// The number of the current value, exchanged with the orderings that arc-swap promises; every
/// value there ever was stays, so what is not modelled is when values are freed.
pub struct ArcSwap<T> {
    /// Twice counted, because the inner count is one of loom's: a step, at which another thread
    /// may come in, and so not to be taken under a lock that loom does not know.
    values: std::sync::Mutex<Vec<std::sync::Arc<Arc<T>>>>,
    current: AtomicUsize,
}

impl<T: Default> Default for ArcSwap<T> {
    fn default() -> Self {
        let values = std::sync::Mutex::new(vec![Default::default()]);
        Self { values, current: AtomicUsize::new(0) }
    }
}

impl<T> ArcSwap<T> {
    fn value(&self, number: usize) -> Arc<T> {
        let values = self.values.lock().unwrap_or_else(PoisonError::into_inner);
        let value = std::sync::Arc::clone(&values[number]);
        drop(values);
        Arc::clone(&value)
    }

    pub fn swap(&self, next: Arc<T>) -> Arc<T> {
        let number = {
            let mut values = self.values.lock().unwrap_or_else(PoisonError::into_inner);
            values.push(std::sync::Arc::new(next));
            values.len() - 1
        };
        let before = self.current.swap(number, Ordering::AcqRel);
        self.value(before)
    }

    pub fn load_full(&self) -> Arc<T> {
        self.value(self.current.load(Ordering::Acquire))
    }

    pub fn load(&self) -> Guard<Arc<T>> {
        Guard(self.load_full())
    }
}

pub struct Guard<T>(T);

impl<T> Deref for Guard<T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.0
    }
}
