//! Whether the sources have just been asked in vain.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use super::fetch::Fetched;

/// What became of the fetches of a handle lately.
#[derive(Debug, Default)]
pub struct Trouble {
    /// When a question for maps failed last; 0 = the last one did not.
    maps_failed: AtomicU64,
    /// As `maps_failed`, of questions for groups.
    groups_failed: AtomicU64,
    /// Whether a caller has left a fetch that is not over since, because it took too long.
    hangs: AtomicBool,
}

impl Trouble {
    /// A caller has left a fetch, because it took too long.
    pub fn takes_long(&self) {
        self.hangs.store(true, Ordering::Relaxed);
    }

    /// A fetch is over, well or not.
    pub fn is_over(&self) {
        self.hangs.store(false, Ordering::Relaxed);
    }

    /// The sources were asked at `now`. With `in_part` they are there, though not all could be had.
    pub fn asked(&self, fetched: &Fetched, in_part: bool, now: u64) {
        let note = |failed: &AtomicU64, outcome: &Option<_>| {
            if let Some(outcome) = outcome {
                let is_there = in_part || Result::is_ok(outcome);
                failed.store(if is_there { 0 } else { now }, Ordering::Relaxed);
            }
        };
        note(&self.maps_failed, &fetched.maps);
        note(&self.groups_failed, &fetched.groups);
    }

    /// When the last question of a kind failed, if it did.
    pub fn failed(&self) -> Option<u64> {
        let [maps, groups] = [&self.maps_failed, &self.groups_failed];
        let failed = maps.load(Ordering::Relaxed).max(groups.load(Ordering::Relaxed));
        Some(failed).filter(|failed| *failed != 0)
    }

    /// Whether a fetch takes too long for those who have waited for it.
    pub fn hangs(&self) -> bool {
        self.hangs.load(Ordering::Relaxed)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::error::{Code, Error};

    #[test]
    fn the_last_question_of_each_kind_counts() {
        let trouble = Trouble::default();
        let down = || Err(Error::new(Code::Unreachable, "down"));
        trouble.asked(&Fetched::both(down()), false, 3);
        assert_eq!(trouble.failed(), Some(3));
        trouble.asked(&Fetched { groups: Some(Ok(())), ..Fetched::default() }, false, 4);
        assert_eq!(trouble.failed(), Some(3), "the maps are still to be had");
        trouble.asked(&Fetched { maps: Some(down()), ..Fetched::default() }, true, 5);
        assert_eq!(trouble.failed(), None);
        trouble.takes_long();
        assert!(trouble.hangs());
        trouble.is_over();
        assert!(!trouble.hangs());
    }
}
