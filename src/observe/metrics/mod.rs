//! What a handle counts. Nothing here waits for anybody: not for a lock, not for the network.

mod striped;
mod traffic;

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use arc_swap::ArcSwapOption;

use crate::base::error::{Code, Error};
use crate::base::thread;

pub use self::striped::Striped;
pub use self::traffic::{Metered, Traffic};

/// Who had a refresh done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum By {
    Background,
    Caller,
}

/// The last refresh that failed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LastError {
    pub code: Code,
    pub message: String,
    /// On the handle's clock.
    pub at: u64,
}

/// The counters of one handle. A forked child goes on from its parent's numbers.
#[derive(Debug)]
pub struct Metrics {
    pub lookups: Striped,
    pub traffic: Arc<Traffic>,
    background: AtomicU64,
    callers: AtomicU64,
    failed: AtomicU64,
    /// The threads of the process that could not be had before there was this handle.
    refused_before: u64,
    last_error: ArcSwapOption<LastError>,
}

impl Default for Metrics {
    fn default() -> Self {
        Self {
            lookups: Striped::default(),
            traffic: Arc::default(),
            background: AtomicU64::new(0),
            callers: AtomicU64::new(0),
            failed: AtomicU64::new(0),
            refused_before: thread::refused(),
            last_error: ArcSwapOption::default(),
        }
    }
}

impl Metrics {
    /// Counts one refresh and what came of it.
    pub fn refreshed(&self, by: By, failure: Option<&Error>, now: u64) {
        let counter = match by {
            By::Background => &self.background,
            By::Caller => &self.callers,
        };
        counter.fetch_add(1, Ordering::Relaxed);
        if let Some(Error { code, message }) = failure {
            let last = LastError { code: *code, message: message.clone(), at: now };
            self.last_error.store(Some(Arc::new(last)));
            // Behind the counter above, so that nobody sees more failures than refreshes.
            self.failed.fetch_add(1, Ordering::Release);
        }
    }

    /// Threads that the process has wanted for the library since there is this handle, and that
    /// the system did not give.
    pub fn refused_threads(&self) -> u64 {
        thread::refused() - self.refused_before
    }

    pub fn refreshes(&self) -> Refreshes {
        let failed = self.failed.load(Ordering::Acquire);
        Refreshes {
            background: self.background.load(Ordering::Relaxed),
            callers: self.callers.load(Ordering::Relaxed),
            failed,
        }
    }

    pub fn last_error(&self) -> Option<Arc<LastError>> {
        self.last_error.load_full()
    }
}

/// How often the topology was asked for, and how often in vain.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Refreshes {
    pub background: u64,
    pub callers: u64,
    pub failed: u64,
}

/// A handle's numbers at one time, as near to one time as can be had without stopping anybody.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Numbers {
    pub lookups: u64,
    pub refused: u64,
    pub refreshes: Refreshes,
    pub requests: u64,
    pub bytes_received: u64,
    pub bytes_inflated: u64,
    pub generation: u64,
    /// Milliseconds; `None` before the source answered.
    pub age: Option<u64>,
    pub last_error: Option<Arc<LastError>>,
    /// Milliseconds.
    pub last_error_age: Option<u64>,
    pub nodes_known: usize,
    pub nodes_up: usize,
    pub servers_quarantined: usize,
    pub events_lost: u64,
    pub refused_threads: u64,
}
