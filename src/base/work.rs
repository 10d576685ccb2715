//! How much a thread has done.

use std::time::Duration;

use nix::time::{ClockId, clock_gettime};

/// The processor time that the calling thread has used so far. Waiting is not in it.
pub fn of_thread() -> Duration {
    clock_gettime(ClockId::CLOCK_THREAD_CPUTIME_ID).map_or(Duration::ZERO, Duration::from)
}
