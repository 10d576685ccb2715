//! Callers that wait for the farm to change.

use std::time::Duration;

use crate::sync::{Condvar, Mutex, rank};

/// Counts what was published, and wakes those who wait for more.
#[derive(Default)]
pub struct Waiters {
    state: Mutex<State, { rank::WAITING }>,
    news: Condvar,
}

#[derive(Default)]
struct State {
    published: u64,
    waiters: usize,
}

impl Waiters {
    /// A number that grows with every publication: ask for it before looking, wait with it
    /// after.
    pub fn published(&self) -> u64 {
        self.state.lock().published
    }

    /// Whether anybody waits. Takes the lock.
    pub fn are_there(&self) -> bool {
        self.state.lock().waiters > 0
    }

    /// Tells everybody who waits that something was published. Behind the publication.
    pub fn notify(&self) {
        self.state.lock().published += 1;
        self.news.notify_all();
    }

    /// Waits until something newer than `seen` is published, for `most` at most, or until
    /// `is_over` says so, which is asked again after each `wake`.
    pub fn wait(&self, seen: u64, most: Duration, is_over: impl Fn() -> bool) {
        let state = self.state.lock();
        let waits = |state: &mut State| state.published == seen && !is_over();
        drop(self.news.wait_timeout_while(state, most, waits));
    }

    /// Has everybody who waits ask again whether the wait is over.
    pub fn wake(&self) {
        drop(self.state.lock());
        self.news.notify_all();
    }

    /// Counts the caller among the waiters for as long as the value lives.
    pub fn enter(&self) -> impl Drop + '_ {
        self.state.lock().waiters += 1;
        WaitGuard(self)
    }
}

struct WaitGuard<'a>(&'a Waiters);

impl Drop for WaitGuard<'_> {
    fn drop(&mut self) {
        let mut state = self.0.state.lock();
        // A child that was forked meanwhile has counted nobody.
        state.waiters = state.waiters.saturating_sub(1);
    }
}
