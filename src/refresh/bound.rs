//! How long a call may wait, whatever it waits for.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use crate::base::c_names::{CONNECT_ATTEMPTS, LOOKUP_TIMEOUT, REQUEST_TIMEOUT};
use crate::base::callback;
use crate::base::error::{Code, Error, Result};

/// What says how long a call may take.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Limit {
    /// The option for lookups.
    Lookup,
    /// What the caller asks for.
    Deadline,
    /// The options for requests and attempts.
    Fetch,
}

impl std::fmt::Display for Limit {
    /// As it stands behind the time it has set.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Lookup => write!(f, "that a lookup may take (see {LOOKUP_TIMEOUT})"),
            Self::Deadline => f.write_str("of the call's deadline"),
            Self::Fetch => {
                write!(f, "that the call may take (see {REQUEST_TIMEOUT} and {CONNECT_ATTEMPTS})")
            }
        }
    }
}

/// The bound of one call: everything it waits for ends within it, or when the service interrupts.
#[derive(Debug, Clone, Copy)]
pub struct Bound {
    most: Duration,
    /// `None` is so far away that no clock tells.
    until: Option<Instant>,
    /// How often the service had interrupted when the call began.
    interrupts: u64,
    limit: Limit,
}

impl Bound {
    /// Begins now.
    pub fn new(most: Duration, interrupts: u64, limit: Limit) -> Self {
        Self { most, until: Instant::now().checked_add(most), interrupts, limit }
    }

    pub fn limit(&self) -> Limit {
        self.limit
    }

    /// All of the time there was.
    pub fn most(&self) -> Duration {
        self.most
    }

    /// Whether the call may wait at all.
    pub fn may_wait(&self) -> bool {
        !self.most.is_zero()
    }

    pub fn until(&self) -> Option<Instant> {
        self.until
    }

    pub fn left(&self) -> Duration {
        match self.until {
            Some(until) => until.saturating_duration_since(Instant::now()),
            None => Duration::MAX,
        }
    }

    pub fn interrupts(&self) -> u64 {
        self.interrupts
    }

    /// The same call, which waits for something until so much of its time is over.
    pub fn up_to(self, part: Duration) -> Self {
        let begun = self.until.and_then(|until| until.checked_sub(self.most));
        let part_until = begun.and_then(|begun| begun.checked_add(part));
        match part < self.most {
            true => Self { until: part_until, ..self },
            false => self,
        }
    }
}

/// Counts the interrupts of a handle: who waits leaves when there is one more than when its call began.
#[derive(Debug, Default)]
pub struct Interrupts(AtomicU64);

impl Interrupts {
    /// The bound of a call that may take so long and begins now. In a callback of the service's
    /// nothing waits.
    pub fn bound(&self, most: Duration, limit: Limit) -> Bound {
        let most = if callback::is_running() { Duration::ZERO } else { most };
        Bound::new(most, self.0.load(Ordering::Relaxed), limit)
    }

    /// Ends the calls that have begun. Who waits is to be woken behind it.
    pub fn interrupt(&self) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }

    /// Whether the service has interrupted the call of this bound.
    pub fn ended(&self, bound: &Bound) -> bool {
        self.is_left(Some(bound.interrupts))
    }

    /// Whether the service has interrupted the call of a caller who asks in its own thread, and whose
    /// call began when there had been so many interrupts.
    pub fn is_left(&self, caller: Option<u64>) -> bool {
        caller.is_some_and(|before| self.0.load(Ordering::Relaxed) != before)
    }

    /// Refuses if the service has interrupted the call of this bound, which waited for `what`.
    pub fn refuse(&self, bound: &Bound, what: &str) -> Result<()> {
        if self.ended(bound) { Err(interrupted(what)) } else { Ok(()) }
    }
}

/// The answer of a call whose wait the service has interrupted.
pub fn interrupted(what: &str) -> Error {
    Error::new(Code::Interrupted, format!("fabric_interrupt ended the wait for {what}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_part_of_a_bound_counts_from_its_beginning() {
        let (second, minute) = (Duration::from_secs(1), Duration::from_secs(60));
        let bound = Bound::new(minute, 0, Limit::Lookup);
        assert!(bound.may_wait() && bound.left() > minute / 2);
        assert!(bound.up_to(second).left() <= second);
        assert_eq!(bound.up_to(second).until(), bound.until().map(|u| u - minute + second));
        assert_eq!(bound.up_to(minute * 2).until(), bound.until());
        assert!(!Bound::new(Duration::ZERO, 0, Limit::Lookup).may_wait());
        assert_eq!(Bound::new(Duration::MAX, 0, Limit::Lookup).left(), Duration::MAX);
    }

    #[test]
    fn an_interrupt_ends_the_calls_that_have_begun() {
        let interrupts = Interrupts::default();
        let before = interrupts.bound(Duration::from_secs(1), Limit::Lookup);
        assert!(interrupts.refuse(&before, "it").is_ok() && !interrupts.is_left(None));
        interrupts.interrupt();
        let after = interrupts.bound(Duration::from_secs(1), Limit::Lookup);
        assert!(interrupts.ended(&before) && !interrupts.ended(&after));
        assert!(interrupts.is_left(Some(before.interrupts())));
        assert_eq!(interrupts.refuse(&before, "it"), Err(interrupted("it")));
    }
}
