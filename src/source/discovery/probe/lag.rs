//! How far a member of a group is behind in applying what others wrote. It says how many transactions
//! wait and how many it has applied; of how long they have waited it says nothing.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

/// At two looks a second, a minute. Whoever is further behind is too far.
const LOOKS: usize = 120;

/// What was received at earlier looks: what is applied by now is everything up to the newest of them
/// that had received no more than that.
#[derive(Debug, Default)]
pub struct Lag {
    /// When, and how many transactions had been received then, oldest first.
    received: VecDeque<(Instant, u64)>,
    applied: u64,
}

impl Lag {
    /// A look: the lag is no more than this; nothing if that is not known yet, or is too long.
    pub fn seen(&mut self, now: Instant, waiting: u64, applied: u64) -> Option<Duration> {
        // It counts anew when it joins anew.
        if applied < self.applied {
            self.received.clear();
        }
        self.applied = applied;
        if self.received.len() == LOOKS {
            self.received.pop_front();
        }
        self.received.push_back((now, applied.saturating_add(waiting)));
        let caught_up = self.received.iter().rev().find(|(_, received)| *received <= applied);
        caught_up.map(|(at, _)| now.saturating_duration_since(*at))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_received_is_applied_some_time_later() {
        let begun = Instant::now();
        let mut lag = Lag::default();
        let mut seen = |second: u64, waiting, applied| {
            lag.seen(begun + Duration::from_secs(second), waiting, applied)
        };
        let seconds = |seconds| Some(Duration::from_secs(seconds));
        assert_eq!(seen(0, 5, 10), None, "nobody knows how old they are");
        assert_eq!(seen(1, 7, 15), seconds(1), "those that waited a second ago are applied");
        assert_eq!(seen(2, 9, 16), seconds(2));
        assert_eq!(seen(3, 2, 30), seconds(1));
        assert_eq!(seen(4, 0, 40), seconds(0));
        assert_eq!(seen(5, 3, 1), None, "it has joined anew");
        assert_eq!(seen(6, 0, 4), seconds(0));
    }

    #[test]
    fn a_lag_beyond_all_looks_is_not_known() {
        let begun = Instant::now();
        let mut lag = Lag::default();
        for second in 0..1000u64 {
            let now = begun + Duration::from_secs(second);
            let seen = lag.seen(now, 1000 * second, 1);
            assert_eq!(seen.is_some(), second < LOOKS as u64, "{second}");
        }
        assert!(lag.received.len() <= LOOKS);
    }
}
