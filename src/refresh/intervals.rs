//! After how long to ask again, as the sources say: for shard maps and for servers apart.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use crate::base::clock::millis;

/// No source has named an interval yet.
const UNKNOWN: u64 = u64::MAX;

/// The interval that serves where a source names none; Connector/Python has it, too.
const DEFAULT: Duration = Duration::from_secs(60);

/// What the source of one question said last.
#[derive(Debug)]
pub struct Interval {
    /// In milliseconds, as the source said it; 0 = it names none.
    said: AtomicU64,
    /// When the question was asked last that got an answer; 0 = never.
    asked_at: AtomicU64,
}

impl Default for Interval {
    fn default() -> Self {
        Self { said: AtomicU64::new(UNKNOWN), asked_at: AtomicU64::new(0) }
    }
}

impl Interval {
    /// What the source named last; zero if it names none, nothing before its first answer.
    pub fn said(&self) -> Option<Duration> {
        match self.said.load(Ordering::Relaxed) {
            UNKNOWN => None,
            said => Some(Duration::from_millis(said)),
        }
    }

    pub fn say(&self, interval: Duration) {
        self.said.store(millis(interval).min(UNKNOWN - 1), Ordering::Relaxed);
    }

    fn answered(&self, interval: Duration, asked_at: u64) {
        self.say(interval);
        self.asked_at.fetch_max(asked_at, Ordering::Relaxed);
    }
}

/// Milliseconds of each kind: times on the handle's clock, or spans.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct OfEach {
    pub tables: u64,
    pub groups: u64,
}

impl OfEach {
    /// The times that lie these spans behind `now`.
    pub fn from(self, now: u64) -> Self {
        let Self { tables, groups } = self;
        Self { tables: now.saturating_add(tables), groups: now.saturating_add(groups) }
    }
}

/// Which of the two questions a fetch asks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Due {
    pub maps: bool,
    pub groups: bool,
}

impl Due {
    pub(crate) const ALL: Self = Self { maps: true, groups: true };
}

/// The intervals of both questions, and the options' bounds for them.
#[derive(Debug)]
pub struct Intervals {
    pub maps: Interval,
    pub groups: Interval,
    least: Duration,
    most: Duration,
}

impl Intervals {
    /// An interval is never less than `least`, nor more than `most`.
    pub fn within(least: Duration, most: Duration) -> Self {
        Self { maps: Interval::default(), groups: Interval::default(), least, most }
    }

    /// An interval within the bounds, in milliseconds.
    fn bounded(&self, interval: &Interval) -> u64 {
        let said = interval.said().filter(|said| !said.is_zero()).unwrap_or(DEFAULT);
        millis(said.max(self.least).min(self.most)).max(1)
    }

    /// For how long shard maps are good, and the servers of a group.
    pub fn of_each(&self) -> OfEach {
        OfEach { tables: self.bounded(&self.maps), groups: self.bounded(&self.groups) }
    }

    /// The shorter of both intervals: the time to live that the handle works with, in milliseconds.
    pub fn shorter(&self) -> u64 {
        let OfEach { tables, groups } = self.of_each();
        tables.min(groups)
    }

    /// The shorter of both as the sources named them; nothing before the first answer.
    pub fn said(&self) -> Option<Duration> {
        [&self.maps, &self.groups].map(Interval::said).into_iter().flatten().min()
    }

    /// Notes the interval of somebody who speaks for both questions.
    pub fn say(&self, interval: Duration) {
        self.maps.say(interval);
        self.groups.say(interval);
    }

    /// Notes the answer of a question about shard maps, and until when it is good. It counts from the
    /// question: the source may have looked at any time since.
    pub fn maps_answered(&self, said: Duration, asked_at: u64) -> u64 {
        self.answered(&self.maps, said, asked_at)
    }

    /// As `maps_answered`, of a question about groups.
    pub fn groups_answered(&self, said: Duration, asked_at: u64) -> u64 {
        self.answered(&self.groups, said, asked_at)
    }

    fn answered(&self, interval: &Interval, said: Duration, asked_at: u64) -> u64 {
        interval.answered(said, asked_at);
        asked_at.saturating_add(self.bounded(interval))
    }

    /// What a background refresh has to ask for that begins `now`: what would be over before the next
    /// one. Where both have one interval both are due.
    pub fn due(&self, now: u64) -> Due {
        let next = now.saturating_add(self.shorter());
        let is_due = |interval: &Interval| {
            let asked_at = interval.asked_at.load(Ordering::Relaxed);
            asked_at == 0 || asked_at.saturating_add(self.bounded(interval)) <= next
        };
        let due = Due { maps: is_due(&self.maps), groups: is_due(&self.groups) };
        // Somebody had a refresh begin before its time.
        if due.maps || due.groups { due } else { Due::ALL }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_interval_is_what_was_said_last() {
        let interval = Interval::default();
        assert_eq!(interval.said(), None);
        interval.say(Duration::ZERO);
        assert_eq!(interval.said(), Some(Duration::ZERO));
        interval.answered(Duration::MAX, 7);
        interval.answered(Duration::from_secs(3), 5);
        assert_eq!(interval.said(), Some(Duration::from_secs(3)));
        assert_eq!(interval.asked_at.load(Ordering::Relaxed), 7, "the newest question counts");
    }
    #[test]
    fn each_question_is_due_in_its_own_interval() {
        let intervals = Intervals::within(Duration::from_millis(10), Duration::from_secs(1));
        assert_eq!((intervals.said(), intervals.shorter()), (None, 1_000), "the default, bounded");
        assert_eq!(intervals.due(1), Due::ALL, "neither was ever asked");
        assert_eq!(intervals.maps_answered(Duration::from_millis(300), 100), 400);
        assert_eq!(intervals.groups_answered(Duration::from_millis(1), 100), 110, "bounded");
        assert_eq!(intervals.said(), Some(Duration::from_millis(1)));
        assert_eq!(intervals.shorter(), 10);
        assert_eq!(intervals.due(105), Due { maps: false, groups: true });
        assert_eq!(intervals.due(390), Due::ALL);
        intervals.groups_answered(Duration::from_millis(50), 390);
        assert_eq!(intervals.due(391), Due { maps: true, groups: true });
        intervals.maps_answered(Duration::ZERO, 391);
        assert_eq!(intervals.due(391), Due { maps: false, groups: true });
        assert_eq!(intervals.due(200), Due::ALL, "before its time");
    }
}
