//! The handle's clock: milliseconds since the handle was made, never 0.

use std::time::{Duration, Instant};

/// Monotonic. 0 is left free because an entry's freshness uses it for "distrusted".
#[derive(Debug, Clone, Copy)]
pub struct Clock {
    born: Instant,
}

impl Default for Clock {
    fn default() -> Self {
        Self { born: Instant::now() }
    }
}

impl Clock {
    #[inline]
    pub fn now(&self) -> u64 {
        1 + millis(self.born.elapsed())
    }
}

/// A time or a span as a signed number: times before the handle was made are negative.
pub fn signed(millis: u64) -> i64 {
    i64::try_from(millis).unwrap_or(i64::MAX)
}

/// A duration in whole milliseconds, the longest ones cut to what 64 bits hold.
pub fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}
