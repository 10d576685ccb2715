//! What the sources have answered so far: when, how much of the farm, and since which reset.

use std::sync::atomic::{AtomicBool, AtomicI64, AtomicU64, Ordering};
use std::time::Duration;

use crate::topology::Times;

use super::intervals::Intervals;

/// Whether there is somebody to ask: of the source of maps, and of that of groups.
#[derive(Debug, Default)]
pub struct Connected {
    maps: AtomicBool,
    groups: AtomicBool,
}

impl Connected {
    /// Whether any source has somebody to ask.
    pub fn any(&self) -> bool {
        self.maps() || self.groups()
    }

    pub fn maps(&self) -> bool {
        self.maps.load(Ordering::Acquire)
    }

    pub fn groups(&self) -> bool {
        self.groups.load(Ordering::Acquire)
    }

    pub fn set_maps(&self) {
        self.maps.store(true, Ordering::Release);
    }

    pub fn set_groups(&self) {
        self.groups.store(true, Ordering::Release);
    }

    /// Notes whether both have somebody to ask; if not, they are to look for it again.
    pub fn set(&self, connected: bool) {
        self.maps.store(connected, Ordering::Release);
        self.groups.store(connected, Ordering::Release);
    }
}

/// What came back so far.
#[derive(Debug)]
pub struct Answered {
    pub intervals: Intervals,
    pub connected: Connected,
    /// When a source last answered; 0 = never.
    last: AtomicU64,
    /// Counts the answers.
    count: AtomicU64,
    /// The version of the last answer that was taken in whole; 0 = none was.
    version: AtomicU64,
    /// Whether the whole farm was ever asked for: then the background refresh does so too.
    whole: AtomicBool,
    /// When all tables were last listed, since the cache was reset last.
    tables_listed: AtomicI64,
    /// As `tables_listed`, of all groups.
    groups_listed: AtomicI64,
    /// Counts the resets of the cache: what was asked for before one is no answer to it.
    resets: AtomicU64,
}

impl Answered {
    /// Of sources that have answered nothing yet, and whose intervals are within these bounds.
    pub fn new(least: Duration, most: Duration) -> Self {
        Self {
            intervals: Intervals::within(least, most),
            connected: Connected::default(),
            last: AtomicU64::new(0),
            count: AtomicU64::new(0),
            version: AtomicU64::new(0),
            whole: AtomicBool::new(false),
            tables_listed: AtomicI64::new(Times::UNKNOWN),
            groups_listed: AtomicI64::new(Times::UNKNOWN),
            resets: AtomicU64::new(0),
        }
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

    /// All tables were listed as they were then, by an answer that was asked for after so many resets.
    pub fn listed_tables(&self, then: i64, resets: u64) {
        if resets == self.resets() {
            self.tables_listed.store(then, Ordering::Relaxed);
        }
    }

    /// As `listed_tables`, of all groups.
    pub fn listed_groups(&self, then: i64, resets: u64) {
        if resets == self.resets() {
            self.groups_listed.store(then, Ordering::Relaxed);
        }
    }

    /// Whether all that there is was known since the cache was reset last: then a name that is not
    /// known can be taken for one that does not exist.
    pub fn knows_all(&self) -> bool {
        self.whole_confirmed() != Times::UNKNOWN
    }

    /// When the whole farm was last listed, as far as names that are not known are judged by it.
    pub fn whole_confirmed(&self) -> i64 {
        let [tables, groups] = [&self.tables_listed, &self.groups_listed];
        tables.load(Ordering::Relaxed).min(groups.load(Ordering::Relaxed))
    }

    /// How often the cache was reset.
    pub fn resets(&self) -> u64 {
        self.resets.load(Ordering::Relaxed)
    }

    /// The cache is reset: what was asked for before this is no answer any more. Under the
    /// publisher's lock.
    pub fn reset(&self) {
        self.resets.fetch_add(1, Ordering::Relaxed);
        self.tables_listed.store(Times::UNKNOWN, Ordering::Relaxed);
        self.groups_listed.store(Times::UNKNOWN, Ordering::Relaxed);
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
        assert!(!answered.knows_all());
        assert_eq!(answered.whole_confirmed(), Times::UNKNOWN);
        answered.listed_tables(7, answered.resets());
        assert!(!answered.knows_all(), "the groups are missing");
        answered.listed_groups(9, answered.resets());
        assert!(answered.knows_all());
        assert_eq!(answered.whole_confirmed(), 7, "the older one counts");
        let before = answered.resets();
        answered.reset();
        assert_eq!(answered.whole_confirmed(), Times::UNKNOWN);
        answered.listed_groups(10, answered.resets());
        answered.listed_tables(10, before);
        assert!(!answered.knows_all(), "it was asked for before the reset");
        answered.listed_tables(11, answered.resets());
        assert_eq!(answered.whole_confirmed(), 10);
    }

    #[test]
    fn each_source_is_connected_by_itself() {
        let connected = Connected::default();
        assert!(!connected.any());
        connected.set_groups();
        assert!(connected.any() && connected.groups() && !connected.maps());
        connected.set(false);
        assert!(!connected.any());
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
