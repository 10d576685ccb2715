//! What the sources have answered so far: when, how much of the farm, and since which reset.

use std::sync::atomic::{AtomicBool, AtomicI64, AtomicU64, Ordering};
use std::time::Duration;

use crate::base::clock::signed;
use crate::topology::Times;

use super::intervals::Intervals;

/// What came back so far.
#[derive(Debug)]
pub struct Answered {
    pub intervals: Intervals,
    /// Whether there is somebody to ask.
    connected: AtomicBool,
    /// When a source last answered; 0 = never.
    last: AtomicU64,
    /// Counts the answers.
    count: AtomicU64,
    /// The version of the last answer that was taken in whole; 0 = none was.
    version: AtomicU64,
    /// Whether the whole farm was ever asked for: then the background refresh does so too.
    whole: AtomicBool,
    /// Whether all that there is was known since the cache was reset last: then an unknown name is
    /// answered at once.
    knows_all: AtomicBool,
    /// When the whole farm was last listed.
    whole_confirmed: AtomicI64,
    /// Counts the resets of the cache: what was asked for before one is no answer to it.
    resets: AtomicU64,
}

impl Answered {
    /// Of sources that have answered nothing yet, and whose intervals are within these bounds.
    pub fn new(least: Duration, most: Duration) -> Self {
        Self {
            intervals: Intervals::within(least, most),
            connected: AtomicBool::new(false),
            last: AtomicU64::new(0),
            count: AtomicU64::new(0),
            version: AtomicU64::new(0),
            whole: AtomicBool::new(false),
            knows_all: AtomicBool::new(false),
            whole_confirmed: AtomicI64::new(Times::UNKNOWN),
            resets: AtomicU64::new(0),
        }
    }

    /// Whether there is somebody to ask.
    pub fn is_connected(&self) -> bool {
        self.connected.load(Ordering::Acquire)
    }

    /// Notes whether there is somebody to ask.
    pub fn set_connected(&self, connected: bool) {
        self.connected.store(connected, Ordering::Release);
    }

    /// A source has answered a question.
    pub fn note(&self, now: u64) {
        self.last.store(now, Ordering::Relaxed);
        self.count.fetch_add(1, Ordering::Relaxed);
    }

    /// When a source last answered.
    pub fn last(&self) -> Option<u64> {
        Some(self.last.load(Ordering::Relaxed)).filter(|last| *last != 0)
    }

    /// How many answers there were.
    pub fn count(&self) -> u64 {
        self.count.load(Ordering::Relaxed)
    }

    /// The version of the answer that is in use; 0 if there is none.
    pub fn version(&self) -> u64 {
        self.version.load(Ordering::Relaxed)
    }

    /// The answer of this version is in use, or with 0 must be had anew.
    pub fn set_version(&self, version: u64) {
        self.version.store(version, Ordering::Relaxed);
    }

    /// Whether the whole farm was asked for.
    pub fn is_whole(&self) -> bool {
        self.whole.load(Ordering::Relaxed)
    }

    /// The whole farm was asked for, and is to be from now on.
    pub fn asked_for_all(&self) {
        self.whole.store(true, Ordering::Relaxed);
    }

    /// The whole farm was listed, by an answer that was asked for at `asked_at`, after so many resets.
    pub fn listed_all(&self, asked_at: u64, resets: u64) {
        self.asked_for_all();
        if resets == self.resets() {
            self.whole_confirmed.store(signed(asked_at), Ordering::Relaxed);
            self.knows_all.store(true, Ordering::Relaxed);
        }
    }

    /// Whether a name that is not known can be taken for one that does not exist.
    pub fn knows_all(&self) -> bool {
        self.knows_all.load(Ordering::Relaxed)
    }

    /// When the whole farm was last listed, as far as names that are not known are judged by it.
    pub fn whole_confirmed(&self) -> i64 {
        let is_known = self.knows_all();
        if is_known { self.whole_confirmed.load(Ordering::Relaxed) } else { Times::UNKNOWN }
    }

    /// How often the cache was reset.
    pub fn resets(&self) -> u64 {
        self.resets.load(Ordering::Relaxed)
    }

    /// The cache is reset: what was asked for before this is no answer any more. Under the
    /// publisher's lock.
    pub fn reset(&self) {
        self.resets.fetch_add(1, Ordering::Relaxed);
        self.knows_all.store(false, Ordering::Relaxed);
    }

    /// Until when an answer is good that would be until then, and was asked for after so many resets.
    pub fn good_until(&self, until: u64, resets: u64) -> u64 {
        if resets == self.resets() { until } else { 0 }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answered() -> Answered {
        Answered::new(Duration::ZERO, Duration::MAX)
    }

    #[test]
    fn a_farm_is_known_whole_until_the_next_reset() {
        let answered = answered();
        assert!(!answered.is_whole() && !answered.knows_all());
        assert_eq!(answered.whole_confirmed(), Times::UNKNOWN);
        answered.listed_all(7, answered.resets());
        assert!(answered.is_whole() && answered.knows_all());
        assert_eq!(answered.whole_confirmed(), 7);
        let before = answered.resets();
        answered.reset();
        assert!(answered.is_whole(), "it goes on being asked for");
        assert_eq!(answered.whole_confirmed(), Times::UNKNOWN);
        answered.listed_all(8, before);
        assert!(!answered.knows_all(), "it was asked for before the reset");
        answered.listed_all(9, answered.resets());
        assert_eq!(answered.whole_confirmed(), 9);
    }

    #[test]
    fn what_was_asked_for_before_a_reset_is_good_for_no_time() {
        let answered = answered();
        let before = answered.resets();
        assert_eq!(answered.good_until(5, before), 5);
        answered.reset();
        assert_eq!(
            (answered.good_until(5, before), answered.good_until(5, answered.resets())),
            (0, 5)
        );
    }

    #[test]
    fn answers_are_counted_and_dated() {
        let answered = answered();
        assert_eq!((answered.last(), answered.count()), (None, 0));
        answered.note(3);
        answered.note(4);
        assert_eq!((answered.last(), answered.count()), (Some(4), 2));
    }
}
