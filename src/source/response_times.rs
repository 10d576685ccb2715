//! How long answers take, by what is asked: a farm that takes its time for a large dump answers
//! small questions at once.

use std::collections::BTreeMap;
use std::time::Duration;

/// What a node is asked about, as far as it tells how long the answer may take.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Subject {
    Nodes,
    Tables(Size),
    Groups(Size),
    Key,
    Report,
}

/// How much is asked for at once.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Size(u32);

impl Size {
    pub(crate) const ALL: Self = Self(u32::MAX);

    /// Of so many names. Some more take no longer to speak of, twice as many may.
    pub fn of(names: usize) -> Self {
        Self(names.max(1).ilog2())
    }
}

/// The longest answers of late.
#[derive(Debug, Clone, Default)]
pub struct ResponseTimes(BTreeMap<Subject, Duration>);

impl ResponseTimes {
    pub fn took(&mut self, subject: Subject, time: Duration) {
        let times = self.0.entry(subject).or_default();
        *times = time.max(times.mul_f64(0.75));
    }

    /// How long an answer may well take; zero if nobody knows.
    pub fn time(&self, subject: Subject) -> Duration {
        self.0.get(&subject).copied().unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quick_answers_to_small_questions_say_nothing_of_large_ones() {
        let mut times = ResponseTimes::default();
        let (second, all) = (Duration::from_secs(1), Subject::Tables(Size::ALL));
        assert_eq!(times.time(all), Duration::ZERO);
        times.took(all, 8 * second);
        for _ in 0..100 {
            times.took(Subject::Tables(Size::of(1)), second / 100);
        }
        assert_eq!(times.time(all), 8 * second);
        times.took(all, second);
        assert_eq!(times.time(all), 6 * second);
        assert_eq!(Size::of(0), Size::of(1));
        assert_eq!(Size::of(40), Size::of(60));
        assert!(Size::of(2) < Size::of(4) && Size::of(64) < Size::ALL);
    }
}
