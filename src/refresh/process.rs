//! What must not outlive a fork: locks a vanished thread may hold, and per-node state.

use std::mem;
use std::process;
use std::sync::Arc;

use arc_swap::ArcSwap;

struct Owned<T> {
    process: u32,
    value: T,
}

/// A value that a forked child makes anew on first use.
///
/// The child's copy may hold a lock that nobody will ever release, so it is forgotten rather
/// than dropped. Asking costs a system call: never done on a warm lookup.
pub struct PerProcess<T> {
    current: ArcSwap<Owned<T>>,
    make: Box<dyn Fn() -> T + Send + Sync>,
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
