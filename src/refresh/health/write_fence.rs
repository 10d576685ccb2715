//! Groups whose writes are held, because their primary refused one as read-only.
//!
//! A fence ends with another primary, with a shard map that moved keys of the group, or with its time; and
//! where the servers are asked themselves, once the primary says after the refusal that it takes writes.

use std::collections::BTreeMap;

/// A farm's fences, by group. Times are milliseconds on the handle's clock.
#[derive(Debug, Clone, Default)]
pub struct WriteFences {
    groups: BTreeMap<String, Fence>,
}

#[derive(Debug, Clone)]
struct Fence {
    /// Who refused: the fence is over when somebody else is the primary.
    primary: String,
    /// When it refused first. Later refusals count as little against what it says after that: if a stream
    /// of them did, one session that is read-only would hold everybody's writes.
    raised: u64,
    /// When it refused last.
    refused: u64,
    until: u64,
}

/// A group whose fence has ended, and the primary that had refused.
pub type Ended = (String, String);

impl WriteFences {
    pub fn is_up(&self, group: &str) -> bool {
        self.groups.contains_key(group)
    }

    /// When the fence of a group ends by its time, if it has one.
    pub fn end(&self, group: &str) -> Option<u64> {
        self.groups.get(group).map(|fence| fence.until)
    }

    /// How many groups have one.
    pub fn count(&self) -> usize {
        self.groups.len()
    }

    /// Holds the writes of a group whose primary refused one `now`, for as long as `lasts` from
    /// then on: every refusal tells that the change which it is about is not over. True if they
    /// were not held before.
    pub fn raise(&mut self, group: &str, primary: &str, now: u64, lasts: u64) -> bool {
        let until = now.saturating_add(lasts);
        let before = self.groups.get(group);
        let raised = before.filter(|fence| fence.primary == primary).map_or(now, |f| f.raised);
        let until = before.map_or(until, |fence| fence.until.max(until));
        let fence = Fence { primary: primary.to_owned(), raised, refused: now, until };
        self.groups.insert(group.to_owned(), fence).is_none()
    }

    /// Ends the fence of a group, if it has one.
    pub fn lower(&mut self, group: &str) -> Option<Ended> {
        let (group, fence) = self.groups.remove_entry(group)?;
        Some((group, fence.primary))
    }

    /// The source names `primary` for a group now: another one than the refusing one ends a fence.
    pub fn primary_is(&mut self, group: &str, primary: Option<&str>) -> Option<Ended> {
        let fence = self.groups.get(group)?;
        let is_another = primary.is_some_and(|primary| primary != fence.primary);
        if is_another { self.lower(group) } else { None }
    }

    /// `primary`, which was asked at `asked_at`, says itself that it takes writes: what it refused before
    /// that was one session's matter, or is over.
    pub fn takes_writes(&mut self, group: &str, primary: &str, asked_at: u64) -> Option<Ended> {
        let fence = self.groups.get(group)?;
        let is_refuted = fence.primary == primary && fence.raised < asked_at;
        if is_refuted { self.lower(group) } else { None }
    }

    /// Ends what has lasted long enough.
    pub fn expire(&mut self, now: u64) -> Vec<Ended> {
        let over = self.groups.extract_if(.., |_, fence| fence.until <= now);
        over.map(|(group, fence)| (group, fence.primary)).collect()
    }

    /// When the next one ends.
    pub fn next_end(&self) -> Option<u64> {
        self.groups.values().map(|fence| fence.until).min()
    }

    /// When a primary refused a write last, of those whose groups have a fence.
    pub fn refused_last(&self) -> Option<u64> {
        self.groups.values().map(|fence| fence.refused).max()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ended(primary: &str) -> Ended {
        ("g".to_owned(), primary.to_owned())
    }

    #[test]
    fn a_fence_ends_with_another_primary_a_new_map_or_its_time() {
        let mut fences = WriteFences::default();
        assert!(fences.raise("g", "p", 50, 50));
        assert_eq!(fences.primary_is("g", Some("p")), None);
        assert_eq!(fences.primary_is("g", None), None, "no primary is not another one");
        assert_eq!(fences.primary_is("other", Some("q")), None);
        assert!(fences.is_up("g"));
        assert_eq!(fences.primary_is("g", Some("q")), Some(ended("p")));
        assert!(!fences.is_up("g"));

        assert!(fences.raise("g", "q", 100, 100));
        assert_eq!(fences.lower("g"), Some(ended("q")));
        assert_eq!(fences.lower("g"), None);

        assert!(fences.raise("g", "q", 200, 100));
        assert_eq!(fences.expire(299), []);
        assert_eq!(fences.expire(300), [ended("q")]);
        assert_eq!((fences.count(), fences.next_end(), fences.refused_last()), (0, None, None));
    }

    #[test]
    fn a_fence_ends_when_its_primary_says_later_that_it_takes_writes() {
        let mut fences = WriteFences::default();
        assert!(fences.raise("g", "p", 50, 100));
        assert_eq!(fences.takes_writes("g", "p", 49), None);
        assert_eq!(fences.takes_writes("g", "p", 50), None, "it may have been asked before");
        assert_eq!(fences.takes_writes("g", "q", 51), None, "nobody but itself knows");
        assert_eq!(fences.takes_writes("other", "p", 51), None);
        assert!(!fences.raise("g", "p", 60, 100));
        assert_eq!(fences.takes_writes("g", "p", 51), Some(ended("p")), "whoever goes on refusing");
        assert!(!fences.is_up("g"));
        assert!(fences.raise("g", "p", 70, 100));
        assert_eq!(fences.takes_writes("g", "p", 60), None, "the next refusal begins anew");
        // Another primary that refuses is another matter.
        assert!(!fences.raise("g", "q", 80, 100));
        assert_eq!(fences.takes_writes("g", "q", 75), None);
    }

    #[test]
    fn each_refusal_makes_it_last_longer_and_none_shorter() {
        let mut fences = WriteFences::default();
        assert!(fences.raise("g", "p", 200, 100));
        assert!(!fences.raise("g", "p", 299, 101), "it is no news");
        assert!(!fences.raise("g", "p", 299, 1));
        assert_eq!((fences.next_end(), fences.refused_last()), (Some(400), Some(299)));
        assert!(fences.raise("h", "s", 250, 10));
        assert_eq!((fences.next_end(), fences.refused_last()), (Some(260), Some(299)));
        assert_eq!(fences.expire(399), [("h".to_owned(), "s".to_owned())]);
        assert_eq!(fences.count(), 1);
    }
}
