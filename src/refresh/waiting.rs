//! Callers that wait for the farm to change.

use std::time::Duration;

use crate::sync::{AtomicUsize, Condvar, Mutex, Ordering, rank};

/// Counts what was published, and wakes those who wait for more.
#[derive(Default)]
pub struct Waiting {
    published: Mutex<u64, { rank::WAITING }>,
    news: Condvar,
    waiters: AtomicUsize,
}

impl Waiting {
    /// A number that grows with every publication: ask for it before looking, wait with it
    /// after.
    pub fn published(&self) -> u64 {
        *self.published.lock()
    }

    /// Whether anybody waits.
    pub fn is_needed(&self) -> bool {
        self.waiters.load(Ordering::Relaxed) > 0
    }

    pub fn tell(&self) {
        *self.published.lock() += 1;
        self.news.notify_all();
    }

    /// Waits until something newer than `seen` is published, for `most` at most, or until
    /// `is_over` says so, which is asked again after each `wake`.
    pub fn wait(&self, seen: u64, most: Duration, is_over: impl Fn() -> bool) {
        let published = self.published.lock();
        let waits = |published: &mut u64| *published == seen && !is_over();
        drop(self.news.wait_timeout_while(published, most, waits));
    }

    /// Has everybody who waits ask again whether the wait is over.
    pub fn wake(&self) {
        drop(self.published.lock());
        self.news.notify_all();
    }

    /// Counts the caller among the waiters for as long as the value lives.
    pub fn enter(&self) -> impl Drop + '_ {
        self.waiters.fetch_add(1, Ordering::Relaxed);
        Present(self)
    }
}

struct Present<'a>(&'a Waiting);

impl Drop for Present<'_> {
    fn drop(&mut self) {
        self.0.waiters.fetch_sub(1, Ordering::Relaxed);
    }
}
