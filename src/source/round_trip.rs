//! How far away a node is, told from how soon its answers begin.
//!
//! Half of a far node's answer is the way. A handle that counted the way as work would ask a far
//! node less often than a near one, though neither has more to do for it.

use std::time::Duration;

use crate::source::FirstByteTimes;

/// Answers are compared with the quickest of this time, and of as long before: a way that becomes
/// longer is noticed then.
const WINDOW: u64 = 90_000;

/// The way to one node, there and back.
///
/// The quickest answer of late stands for it: it is the way, and next to nothing of the node's own
/// doing, since some of what a node is asked is always trifling: for a challenge, or which nodes
/// there are.
#[derive(Debug, Clone, Copy, Default)]
pub struct RoundTrip {
    this: Option<Duration>,
    before: Option<Duration>,
    /// When `this` began, in milliseconds.
    since: u64,
}

impl RoundTrip {
    /// Takes in how long the answers of one attempt were waited for, and tells how much of it the
    /// node itself has needed. `now` is in milliseconds.
    pub fn work_in(&mut self, waits: FirstByteTimes, now: u64) -> Duration {
        if now.saturating_sub(self.since) > WINDOW {
            *self = Self { this: None, before: self.this, since: now };
        }
        let Some(quickest) = waits.quickest else { return Duration::ZERO };
        let this = self.this.map_or(quickest, |known| known.min(quickest));
        self.this = Some(this);
        let round_trip = self.before.map_or(this, |before| before.min(this));
        waits.total.saturating_sub(round_trip.saturating_mul(waits.answers))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn waits(millis: &[u64]) -> FirstByteTimes {
        let quickest = millis.iter().min().map(|least| Duration::from_millis(*least));
        let total = Duration::from_millis(millis.iter().sum());
        FirstByteTimes { answers: millis.len() as u32, total, quickest }
    }

    #[test]
    fn the_way_is_no_work() {
        let mut round_trip = RoundTrip::default();
        let mut work = |millis: &[u64], now| round_trip.work_in(waits(millis), now).as_millis();
        assert_eq!(work(&[201, 203], 1), 2);
        assert_eq!(work(&[202], 2), 1);
        assert_eq!(work(&[1200], 3), 999, "what takes long takes the node long");
        assert_eq!(work(&[], 4), 0);
        assert_eq!(work(&[200], 5), 0);
        // The way has become longer.
        assert_eq!(work(&[300], WINDOW + 2), 100);
        assert_eq!(work(&[302], 2 * WINDOW + 4), 2);
    }
}
