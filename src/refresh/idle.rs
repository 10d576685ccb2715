//! Whether anybody uses a handle: one that nobody uses asks less and less.

use std::time::Duration;

/// When the handle was used last, as far as the background refresh has noticed.
#[derive(Debug)]
pub struct Idle {
    lookups: u64,
    used: u64,
}

impl Idle {
    pub fn since(now: u64) -> Self {
        Self { lookups: 0, used: now }
    }

    /// Somebody uses the handle.
    pub fn is_over(&mut self, now: u64) {
        self.used = now;
    }

    /// The pause before the next refresh, `pause` if the handle is in use. The longer nobody uses
    /// it, the longer.
    pub fn pause(&mut self, lookups: u64, now: u64, after: Duration, pause: Duration) -> Duration {
        if std::mem::replace(&mut self.lookups, lookups) != lookups {
            self.used = now;
        }
        let unused = Duration::from_millis(now.saturating_sub(self.used));
        match after.is_zero() || unused < after {
            true => pause,
            false => pause.max(unused / 2),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_grow_once_nobody_looks_anything_up() {
        let (second, minute) = (Duration::from_secs(1), Duration::from_secs(60));
        let mut idle = Idle::since(0);
        assert_eq!(idle.pause(5, 1_000, minute, second), second);
        assert_eq!(idle.pause(5, 60_999, minute, second), second);
        assert_eq!(idle.pause(5, 61_000, minute, second), minute / 2);
        assert_eq!(idle.pause(5, 121_000, minute, second), minute);
        assert_eq!(idle.pause(6, 181_000, minute, second), second, "it is in use again");
        assert_eq!(idle.pause(6, 1_000_000_000, Duration::ZERO, second), second, "never");
        idle.is_over(1_000_000_000);
        assert_eq!(idle.pause(6, 1_000_000_000, minute, second), second);
    }
}
