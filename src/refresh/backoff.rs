//! How long to leave a Fabric alone that does not answer.

use std::time::Duration;

use super::jitter;

const FIRST: Duration = Duration::from_millis(250);
const LONGEST: Duration = Duration::from_secs(10);

/// Exponential with full jitter: any time up to a limit that doubles with every failure. So the
/// handles of a fleet that lost Fabric together do not come back together.
#[derive(Debug, Default)]
pub struct Backoff {
    failures: u32,
}

impl Backoff {
    pub fn succeeded(&mut self) {
        self.failures = 0;
    }

    /// The pause before the next try.
    pub fn failed(&mut self) -> Duration {
        let limit = FIRST.saturating_mul(1 << self.failures.min(16)).min(LONGEST);
        self.failures = self.failures.saturating_add(1);
        jitter(limit, (0.0, 1.0)).max(Duration::from_millis(10))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn grows_to_a_limit_and_begins_anew() {
        let mut backoff = Backoff::default();
        let mut longest = Duration::ZERO;
        for failure in 0..200u32 {
            let limit = FIRST.saturating_mul(1 << failure.min(16)).min(LONGEST);
            let pause = backoff.failed();
            assert!(pause <= limit, "{failure}: {pause:?}");
            longest = longest.max(pause);
        }
        assert!(longest > LONGEST / 2, "{longest:?} after two hundred tries");
        backoff.succeeded();
        assert!(backoff.failed() <= FIRST);
    }
}
