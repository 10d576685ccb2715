//! What must not outlive a fork: locks a vanished thread may hold, threads, per-node state.

use std::mem;
use std::process;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use arc_swap::ArcSwap;

use crate::local;

/// Counts the forks between the process that loaded the library and this one.
static GENERATION: AtomicU64 = AtomicU64::new(0);

/// The fork generation of this process: one load, so that a warm lookup may ask.
#[inline]
pub fn generation() -> u64 {
    GENERATION.load(Ordering::Relaxed)
}

/// To be called in a forked child, before anything else of the library.
pub fn forked() {
    GENERATION.fetch_add(1, Ordering::Relaxed);
    local::forked();
}

struct Owned<T> {
    process: u32,
    value: T,
}

/// A value that a forked child makes anew on first use.
///
/// The child's copy may hold a lock that nobody will ever release, so it is forgotten rather
/// than dropped. Asking costs a system call, which also finds children that were made without
/// the C library's fork: never done on a warm lookup.
pub struct PerProcess<T> {
    current: ArcSwap<Owned<T>>,
    make: Box<dyn Fn() -> T + Send + Sync>,
}

impl<T: Default + 'static> Default for PerProcess<T> {
    fn default() -> Self {
        Self::new(T::default)
    }
}

impl<T> PerProcess<T> {
    pub fn new(make: impl Fn() -> T + Send + Sync + 'static) -> Self {
        let value = make();
        let owned = Owned { process: process::id(), value };
        Self { current: ArcSwap::from_pointee(owned), make: Box::new(make) }
    }

    pub fn with<R>(&self, use_it: impl FnOnce(&T) -> R) -> R {
        let mut current = self.current.load_full();
        if current.process != process::id() {
            let fresh = Arc::new(Owned { process: process::id(), value: (self.make)() });
            let previous = self.current.compare_and_swap(&current, Arc::clone(&fresh));
            if Arc::ptr_eq(&previous, &current) {
                mem::forget(current);
                current = fresh;
            } else {
                current = Arc::clone(&previous);
            }
        }
        use_it(&current.value)
    }
}

impl<T> Drop for PerProcess<T> {
    fn drop(&mut self) {
        // A child that frees what it inherited must not run the destructors of its parent's
        // threads and sockets.
        let current = self.current.load_full();
        if current.process != process::id() {
            mem::forget(current);
        }
    }
}
