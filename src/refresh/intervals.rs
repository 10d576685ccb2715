//! After how long to ask again, as the sources say: for shard maps and for servers apart.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use crate::base::clock::millis;
use crate::source::Answer;

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

    /// Notes the answers of a question. The shortest interval says when to ask again.
    pub fn answered<R>(&self, answers: &[Answer<R>]) {
        let said = answers.iter().map(|answer| answer.interval);
        if let Some(shortest) = said.min_by_key(|said| named(*said)) {
            self.say(shortest);
        }
        let asked_at = answers.iter().map(|answer| answer.asked_at).max();
        self.asked_at.fetch_max(asked_at.unwrap_or(0), Ordering::Relaxed);
    }
}

/// An interval as a source says it, which is zero where it names none.
fn named(said: Duration) -> Duration {
    if said.is_zero() { DEFAULT } else { said }
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
        self.within_bounds(interval.said().unwrap_or_default())
    }

    fn within_bounds(&self, said: Duration) -> u64 {
        millis(named(said).max(self.least).min(self.most)).max(1)
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

    /// Until when an answer is good. It counts from the question: the source may have looked at any
    /// time since.
    pub fn until<R>(&self, answer: &Answer<R>) -> u64 {
        answer.asked_at.saturating_add(self.within_bounds(answer.interval))
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
    use crate::source::Content;

    fn answer(interval: Duration, asked_at: u64) -> Answer<()> {
        Answer { asked_at, interval, content: Content::Unchanged { confirmed: 1 } }
    }

    #[test]
    fn an_interval_is_what_was_said_last() {
        let interval = Interval::default();
        assert_eq!(interval.said(), None);
        interval.say(Duration::ZERO);
        assert_eq!(interval.said(), Some(Duration::ZERO));
        interval.answered(&[answer(Duration::MAX, 7)]);
        let (longer, none) = (answer(Duration::from_secs(30), 5), answer(Duration::ZERO, 5));
        interval.answered(&[longer, answer(Duration::from_secs(3), 4), none]);
        assert_eq!(interval.said(), Some(Duration::from_secs(3)));
        assert_eq!(interval.asked_at.load(Ordering::Relaxed), 7, "the newest question counts");
    }
    #[test]
    fn each_question_is_due_in_its_own_interval() {
        let intervals = Intervals::within(Duration::from_millis(10), Duration::from_secs(1));
        assert_eq!((intervals.said(), intervals.shorter()), (None, 1_000), "the default, bounded");
        assert_eq!(intervals.due(1), Due::ALL, "neither was ever asked");
        let of_maps = answer(Duration::from_millis(300), 100);
        intervals.maps.answered(std::slice::from_ref(&of_maps));
        assert_eq!(intervals.until(&of_maps), 400);
        let of_groups = answer(Duration::from_millis(1), 100);
        intervals.groups.answered(std::slice::from_ref(&of_groups));
        assert_eq!(intervals.until(&of_groups), 110, "bounded");
        assert_eq!(intervals.said(), Some(Duration::from_millis(1)));
        assert_eq!(intervals.shorter(), 10);
        assert_eq!(intervals.due(105), Due { maps: false, groups: true });
        assert_eq!(intervals.due(390), Due::ALL);
        intervals.groups.answered(&[answer(Duration::from_millis(50), 390)]);
        assert_eq!(intervals.due(391), Due { maps: true, groups: true });
        intervals.maps.answered(&[answer(Duration::ZERO, 391)]);
        assert_eq!(intervals.due(391), Due { maps: false, groups: true });
        assert_eq!(intervals.due(200), Due::ALL, "before its time");
    }
}
