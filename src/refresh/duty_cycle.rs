//! How much of the time the background refresh may take.

use std::mem;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

/// Adds up what refreshing costs others than the thread that refreshes: the nodes that have to work
/// for it, and the threads that ask them.
#[derive(Debug, Default)]
pub struct Work(AtomicU64);

impl Work {
    pub fn add(&self, more: Duration) {
        self.0.fetch_add(u64::try_from(more.as_micros()).unwrap_or(u64::MAX), Ordering::Relaxed);
    }

    /// All since the last time.
    pub fn take(&self) -> Duration {
        Duration::from_micros(self.0.swap(0, Ordering::Relaxed))
    }
}

/// A farm whose dumps take long is refreshed less often, or its handles would do little else.
#[derive(Debug, Default)]
pub struct DutyCycle {
    before: u64,
}

impl DutyCycle {
    /// The least pause, in milliseconds, after a refresh that was so much `work`, if refreshing may
    /// take `percent` of the time. Waiting is no work: a node far away is asked as often as a near
    /// one. A single slow refresh is an accident, and must not keep the next one away for many times
    /// as long; two in a row are what a refresh costs.
    pub fn pause(&mut self, work: u64, percent: u32) -> u64 {
        let usual = work.min(mem::replace(&mut self.before, work));
        let share = u64::from(percent.clamp(1, 100));
        usual.saturating_mul(100 - share) / share
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_takes_long_is_done_less_often_unless_it_was_an_accident() {
        let mut cycle = DutyCycle::default();
        assert_eq!(cycle.pause(4, 5), 0, "nobody knows yet what is usual");
        assert_eq!(cycle.pause(4, 5), 76);
        assert_eq!(cycle.pause(3000, 5), 76);
        assert_eq!(cycle.pause(5, 5), 95);
        assert_eq!(cycle.pause(3000, 5), 95);
        assert_eq!(cycle.pause(2000, 5), 38_000);
        assert_eq!(cycle.pause(2000, 100), 0);
        assert_eq!(cycle.pause(2000, 0), 198_000, "0 is taken for 1");
        assert_eq!(cycle.pause(u64::MAX, 1), 198_000);
    }
}
