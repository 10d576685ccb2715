//! What a fork leaves behind, and how a child makes it anew.
//!
//! A child has the memory of its parent as it was at one moment, and of its threads only the one
//! that forked. What another thread was changing stays half changed, and a lock that it held is
//! held for ever. So a child uses nothing of what threads change under a lock: it makes its own,
//! and leaves its parent's alone.

use std::mem;
use std::process;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use once_cell::race::OnceBox;

/// Counts the forks between the process that loaded the library and this one.
static GENERATION: AtomicU64 = AtomicU64::new(0);

/// The fork generation of this process: one load, so that a warm lookup may ask.
#[inline]
pub fn generation() -> u64 {
    GENERATION.load(Ordering::Relaxed)
}

/// To be called in a forked child, before anything else of the library. It only adds to an
/// atomic, which is all that a child of many threads may do before it returns from fork().
pub fn forked() {
    GENERATION.fetch_add(1, Ordering::Relaxed);
}

/// Which process somebody belongs to.
///
/// The number tells children that were made without the C library's fork(), and the generation
/// those that have the number of their parent, each in a namespace of its own. To ask costs a
/// system call: never done on a warm lookup.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Process {
    generation: u64,
    number: u32,
}

impl Process {
    pub fn this() -> Self {
        Self { generation: generation(), number: process::id() }
    }
}

/// A value that each process has for itself: a forked child makes it anew at its first use.
///
/// Who uses it waits for nobody, so a fork cannot come at a bad moment. The value of another
/// process is never looked at again, and never dropped: its threads and sockets are not the
/// child's, and it may be half changed.
pub struct PerProcess<T> {
    first: One<T>,
    make: Box<dyn Fn() -> T + Send + Sync>,
}

/// The value of one process, and those of its children.
struct One<T> {
    process: Process,
    value: Arc<T>,
    next: OnceBox<One<T>>,
}

impl<T: Default + 'static> Default for PerProcess<T> {
    fn default() -> Self {
        Self::new(T::default)
    }
}

impl<T> PerProcess<T> {
    pub fn new(make: impl Fn() -> T + Send + Sync + 'static) -> Self {
        Self { first: One::new(Process::this(), make()), make: Box::new(make) }
    }

    /// This process's.
    pub fn get(&self) -> &T {
        let this = Process::this();
        let mut one = &self.first;
        // As many steps as there are forks between the process that made the first and this one.
        while one.process != this {
            one = one.next.get_or_init(|| Box::new(One::new(this, (self.make)())));
        }
        &one.value
    }

    pub fn with<R>(&self, use_it: impl FnOnce(&T) -> R) -> R {
        use_it(self.get())
    }
}

impl<T> One<T> {
    fn new(process: Process, value: T) -> Self {
        Self { process, value: Arc::new(value), next: OnceBox::new() }
    }
}

impl<T> Drop for One<T> {
    fn drop(&mut self) {
        if self.process != Process::this() {
            // Held by one more, for ever.
            mem::forget(Arc::clone(&self.value));
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::AtomicUsize;

    use super::*;

    /// What a test sees of a value: how many were made, and how many dropped.
    #[derive(Default)]
    struct Counts {
        made: AtomicUsize,
        dropped: AtomicUsize,
    }

    struct Counted(Arc<Counts>, usize);

    impl Counted {
        fn new(counts: &Arc<Counts>) -> Self {
            Self(Arc::clone(counts), counts.made.fetch_add(1, Ordering::Relaxed))
        }
    }

    impl Drop for Counted {
        fn drop(&mut self) {
            self.0.dropped.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// A value as it is after a fork: its first one belongs to another process.
    fn after_a_fork(counts: &Arc<Counts>) -> PerProcess<Counted> {
        let counts = Arc::clone(counts);
        let mut value = PerProcess::new(move || Counted::new(&counts));
        value.first.process.number ^= 1;
        value
    }

    #[test]
    fn a_value_is_made_once_in_each_process() {
        let counts = Arc::<Counts>::default();
        let inherited = after_a_fork(&counts);
        let numbers: Vec<usize> = (0..3).map(|_| inherited.get().1).collect();
        assert_eq!(numbers, [1, 1, 1], "made anew, and once");
        drop(inherited);
        let dropped = counts.dropped.load(Ordering::Relaxed);
        assert_eq!(dropped, 1, "the parent's is left alone, the child's is not");
    }

    #[test]
    fn what_a_child_never_used_is_left_alone() {
        let counts = Arc::<Counts>::default();
        drop(after_a_fork(&counts));
        assert_eq!(counts.made.load(Ordering::Relaxed), 1);
        assert_eq!(counts.dropped.load(Ordering::Relaxed), 0);
    }

    #[test]
    fn a_process_that_never_forks_drops_what_it_has() {
        let counts = Arc::<Counts>::default();
        let shared = Arc::clone(&counts);
        drop(PerProcess::new(move || Counted::new(&shared)));
        assert_eq!(counts.dropped.load(Ordering::Relaxed), 1);
    }

    #[test]
    fn threads_that_come_at_once_get_the_same() {
        let counts = Arc::<Counts>::default();
        let inherited = after_a_fork(&counts);
        let places: Vec<usize> = std::thread::scope(|scope| {
            let ask = || std::ptr::from_ref(inherited.get()) as usize;
            let threads: Vec<_> = (0..8).map(|_| scope.spawn(ask)).collect();
            threads.into_iter().map(|thread| thread.join().unwrap()).collect()
        });
        assert!(places.iter().all(|place| *place == places[0]));
    }
}
