//! What the times in files are on the handle's clock.
//!
//! The time of day may be set while a process runs, or between two. Nothing is taken for younger, and
//! no hold for over, because it was.

use std::sync::atomic::{AtomicI64, Ordering};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use crate::base::boot_clock::BootTime;
use crate::base::clock::{Clock, signed};
use crate::base::wall_clock::WallClock;
use crate::topology::{Shard, Times};

use super::document::Document;

/// Times of two clocks that differ by no more, in milliseconds, are the same: files have whole seconds.
const SAME: i64 = 3_000;

/// The seconds since 1970 of what was confirmed nobody knows when.
pub(crate) const UNKNOWN_AGE: u64 = 0;

/// The time of day as the handle's clock has it: the same for as long as nobody sets it, or a file
/// that is read again would seem to say something else.
#[derive(Debug)]
pub struct SteadyWallClock {
    wall: AtomicI64,
}

impl SteadyWallClock {
    pub fn new(wall: WallClock) -> Self {
        Self { wall: AtomicI64::new(wall.zero()) }
    }

    /// Follows the time of day if it was set; by how many milliseconds, then.
    pub fn follow(&self, current: WallClock) -> (WallClock, i64) {
        let before = WallClock::of_zero(self.wall.load(Ordering::Relaxed));
        let by = current.zero().saturating_sub(before.zero());
        if by.saturating_abs() <= SAME {
            return (before, 0);
        }
        self.wall.store(current.zero(), Ordering::Relaxed);
        (current, by)
    }
}

/// What tells one writing of a file from another.
pub type Stamp = (Option<u64>, Option<BootTime>);

pub fn since_1970() -> Duration {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default()
}

/// How many milliseconds ago a time in seconds since 1970 was, by the time of day; nothing for a time to
/// come.
pub fn past(seconds: u64) -> Option<u64> {
    let past = since_1970().checked_sub(Duration::from_secs(seconds))?;
    Some(u64::try_from(past.as_millis()).unwrap_or(u64::MAX))
}

/// When the file was saved that was read last, on the handle's clock, and which writing that was.
pub type SavedWhen = Option<(Stamp, i64)>;

/// The times of one handle's file. `now` is on the handle's clock, which began when this was made.
#[derive(Debug)]
pub struct FileTimes {
    wall: SteadyWallClock,
}

impl Default for FileTimes {
    fn default() -> Self {
        Self { wall: SteadyWallClock::new(WallClock::new(since_1970(), Clock::default().now())) }
    }
}

impl FileTimes {
    /// The time of day as the handle's clock has it, and by how many milliseconds it was set since that
    /// was asked last.
    pub fn wall(&self, now: u64) -> (WallClock, i64) {
        self.wall.follow(WallClock::new(since_1970(), now))
    }

    /// Since when a shard is missing of which a file says that it is so since `seconds` since 1970.
    ///
    /// Of a file that the library wrote, what was held until it was saved counts, and then the time since:
    /// the clock may have been set before or after.
    pub fn missing_when(
        &self,
        saved: &mut SavedWhen,
        document: &Document,
        seconds: u64,
        now: u64,
    ) -> i64 {
        let by_day = self.wall(now).0.at(seconds);
        if document.written_by.is_none() {
            // A time to come is a clock that was wrong.
            return by_day.min(signed(now));
        }
        let held = document.saved_at.unwrap_or_default().saturating_sub(seconds);
        let held = signed(held).saturating_mul(1000);
        let counted = saved_when(saved, document, now).saturating_sub(held);
        let is_same = by_day.saturating_add(SAME) >= counted;
        if is_same { by_day.min(signed(now)) } else { counted.min(signed(now)) }
    }

    /// The shard that is missing since a time in seconds since 1970, unless that was before `over`.
    pub fn missing_since(
        &self,
        saved: &mut SavedWhen,
        document: &Document,
        seconds: Option<u64>,
        now: u64,
        over: i64,
    ) -> Option<Shard> {
        let since = seconds.map(|seconds| self.missing_when(saved, document, seconds, now));
        let is_over = since.is_some_and(|since| since <= over);
        (!is_over).then(|| Shard::missing(since.unwrap_or(Shard::NO_TIME)))
    }
}

/// When something was confirmed, by the seconds since 1970 of a file. A time to come tells nothing.
pub fn confirmed_when(seconds: Option<u64>, now: u64) -> i64 {
    let Some(seconds) = seconds.filter(|seconds| *seconds != UNKNOWN_AGE) else {
        return Times::UNKNOWN;
    };
    past(seconds).map_or(Times::UNKNOWN, |past| signed(now).saturating_sub(signed(past)))
}

/// When a file was saved that the library wrote, at the latest. The time between then and now
/// counts as far as both the time of day and the clock of the machine say so.
fn saved_when(saved: &mut SavedWhen, document: &Document, now: u64) -> i64 {
    let then = document.boot_time();
    let stamp = (document.saved_at, then.clone());
    if let Some((of, at)) = saved
        && *of == stamp
    {
        return *at;
    }
    let by_day = document.saved_at.and_then(past);
    let by_machine = then.and_then(|then| BootTime::now()?.since(&then));
    let past = by_day.zip(by_machine).map_or(0, |(day, machine)| day.min(machine));
    let at = signed(now).saturating_sub(signed(past));
    *saved = Some((stamp, at));
    at
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_wall_is_followed_when_it_was_set_and_not_when_it_creeps() {
        let wall = |ms: i64| WallClock::of_zero(1_700_000_000_000 + ms);
        let followed = SteadyWallClock::new(wall(0));
        assert_eq!(followed.follow(wall(900)), (wall(0), 0));
        assert_eq!(followed.follow(wall(-SAME)), (wall(0), 0));
        let day = 86_400_000;
        assert_eq!(followed.follow(wall(-day)), (wall(-day), -day));
        assert_eq!(followed.follow(wall(-day + 1)), (wall(-day), 0));
        assert_eq!(followed.follow(wall(0)), (wall(0), day));
    }
}
