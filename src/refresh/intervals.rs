//! After how long to ask again, as the sources say: for shard maps and for servers apart.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use crate::base::clock::millis;

use super::Refresher;

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

/// The intervals of both questions.
#[derive(Debug, Default)]
pub struct Intervals {
    pub maps: Interval,
    pub groups: Interval,
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

impl Refresher {
    /// The interval within the options' bounds, in milliseconds.
    fn bounded(&self, interval: &Interval) -> u64 {
        let said = interval.said().filter(|said| !said.is_zero()).unwrap_or(DEFAULT);
        millis(said.max(self.config.ttl_min).min(self.config.ttl_max)).max(1)
    }

    /// For how long shard maps are good, in milliseconds.
    pub(super) fn maps_interval(&self) -> u64 {
        self.bounded(&self.intervals.maps)
    }

    /// For how long the servers of a group are good, in milliseconds.
    pub(super) fn groups_interval(&self) -> u64 {
        self.bounded(&self.intervals.groups)
    }

    /// The shorter of both intervals: the time to live that the handle works with, in milliseconds.
    pub fn interval(&self) -> u64 {
        self.maps_interval().min(self.groups_interval())
    }

    /// The shorter of both as the sources named them; nothing before the first answer.
    pub fn said_interval(&self) -> Option<Duration> {
        let both = [&self.intervals.maps, &self.intervals.groups].map(Interval::said);
        both.into_iter().flatten().min()
    }

    /// Notes the interval of somebody who speaks for both questions.
    pub(super) fn say_interval(&self, interval: Duration) {
        self.intervals.maps.say(interval);
        self.intervals.groups.say(interval);
    }

    /// Notes the answer of a question, and until when it is good. It counts from the question: the
    /// source may have looked at any time since.
    pub(super) fn answered(&self, interval: &Interval, said: Duration, asked_at: u64) -> u64 {
        interval.answered(said, asked_at);
        asked_at.saturating_add(self.bounded(interval))
    }

    /// What a background refresh has to ask for that begins now: what would be over before the next
    /// one, and both if they are asked at once. Where both have one interval both are due.
    pub(super) fn due(&self) -> Due {
        if self.sources.whole().is_some() {
            return Due::ALL;
        }
        let next = self.clock.now().saturating_add(self.interval());
        let is_due = |interval: &Interval| {
            let asked_at = interval.asked_at.load(Ordering::Relaxed);
            asked_at == 0 || asked_at.saturating_add(self.bounded(interval)) <= next
        };
        let due =
            Due { maps: is_due(&self.intervals.maps), groups: is_due(&self.intervals.groups) };
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
}
