//! The time of day, for what outlives a process.

use std::time::Duration;

/// Tells a handle's own times, which are milliseconds on a clock that begins with the handle, as
/// seconds since 1970, and the other way round.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct WallClock {
    /// When the handle's clock was at 0, in milliseconds since 1970.
    zero: i64,
}

impl WallClock {
    /// How many milliseconds, as a rule, lie at most between the readings of two clocks.
    pub(crate) const JITTER: i64 = 5;

    /// The time is `since_1970` when the handle's clock is at `now`.
    pub fn new(since_1970: Duration, now: u64) -> Self {
        let signed = |time: u64| i64::try_from(time).unwrap_or(i64::MAX);
        let wall = i64::try_from(since_1970.as_millis()).unwrap_or(i64::MAX);
        Self { zero: wall.saturating_sub(signed(now)) }
    }

    /// When the handle's clock was at 0, in milliseconds since 1970.
    pub fn zero(self) -> i64 {
        self.zero
    }

    pub fn of_zero(zero: i64) -> Self {
        Self { zero }
    }

    /// A time of the handle's in whole seconds since 1970.
    pub fn seconds(self, at: i64) -> u64 {
        u64::try_from(at.saturating_add(self.zero)).unwrap_or_default() / 1000
    }

    /// As [`Self::seconds`], but a time that came from whole seconds goes back to the same, although the
    /// two clocks are never read at once.
    pub fn same_seconds(self, at: i64) -> u64 {
        self.seconds(at.saturating_add(Self::JITTER))
    }

    /// The time of the handle's that is `seconds` since 1970; below 0 before it was made.
    pub fn at(self, seconds: u64) -> i64 {
        let wall = i64::try_from(seconds).unwrap_or(i64::MAX).saturating_mul(1000);
        wall.saturating_sub(self.zero)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whole_seconds_come_back_as_they_were() {
        let wall = WallClock::new(Duration::from_millis(1_700_000_000_250), 1_250);
        assert_eq!(wall.at(1_700_000_000), 1_000);
        assert_eq!(wall.at(1_699_999_000), -999_000);
        for seconds in [0, 1, 1_600_000_000, 1_700_000_000] {
            assert_eq!(wall.seconds(wall.at(seconds)), seconds);
        }
        let a_moment_later = WallClock::new(Duration::from_millis(1_700_000_000_250), 1_251);
        assert_eq!(a_moment_later.seconds(wall.at(1_700_000_000)), 1_699_999_999);
        assert_eq!(a_moment_later.same_seconds(wall.at(1_700_000_000)), 1_700_000_000);
        assert_eq!(wall.seconds(1_999), 1_700_000_000, "no time to come");
        assert_eq!(wall.at(u64::MAX), i64::MAX - 1_699_999_999_000);
        assert_eq!(wall.seconds(i64::MIN), 0);
    }
}
