//! How long to leave a node, or a whole source, alone that does not answer.

use std::time::Duration;

use crate::base::random::jitter;

const FIRST: Duration = Duration::from_millis(250);
const LEAST: Duration = Duration::from_millis(10);

/// Exponential with full jitter: any time up to a bound that doubles with every failure. So the
/// handles of a fleet that lost their source together do not come back together.
#[derive(Debug, Clone, Copy)]
pub struct Backoff {
    failures: u32,
    limit: Duration,
}

impl Backoff {
    /// No pause is longer than `limit`.
    pub fn new(limit: Duration) -> Self {
        Self { failures: 0, limit }
    }

    pub fn succeeded(&mut self) {
        self.failures = 0;
    }

    /// The pause before the next try.
    pub fn failed(&mut self) -> Duration {
        let bound = FIRST.saturating_mul(1 << self.failures.min(16)).min(self.limit);
        self.failures = self.failures.saturating_add(1);
        jitter(bound, (0.0, 1.0)).max(LEAST)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn grows_to_a_limit_and_begins_anew() {
        for limit in [Duration::from_secs(10), Duration::from_millis(300)] {
            let mut backoff = Backoff::new(limit);
            let mut longest = Duration::ZERO;
            for failure in 0..200u32 {
                let bound = FIRST.saturating_mul(1 << failure.min(16)).min(limit);
                let pause = backoff.failed();
                assert!(pause <= bound, "{failure}: {pause:?}");
                longest = longest.max(pause);
            }
            assert!(longest > limit / 2, "{longest:?} after two hundred tries");
            backoff.succeeded();
            assert!(backoff.failed() <= FIRST);
        }
    }
}
