//! For how long the keys of shards are held that the source stopped listing.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use crate::base::clock::{millis, signed};
use crate::topology::{Shard, Topology};

/// When the holds of missing shards end.
#[derive(Debug)]
pub struct MissingHolds {
    /// How long one lasts, in milliseconds; the longest lasts for ever.
    lasts: u64,
    /// When the first one ends, in milliseconds on the handle's clock; 0 = none does.
    first_end: AtomicU64,
}

impl MissingHolds {
    pub fn new(lasts: Duration) -> Self {
        Self { lasts: millis(lasts), first_end: AtomicU64::new(0) }
    }

    /// What went missing at this time or before has been held long enough `now`.
    pub fn over_at(&self, now: u64) -> i64 {
        signed(now).saturating_sub(signed(self.lasts))
    }

    /// How long the hold of a shard that is missing `since` lasts yet; the longest time if for ever.
    pub fn left(&self, since: i64, now: u64) -> Duration {
        if since == Shard::NO_TIME || self.lasts == u64::MAX {
            return Duration::MAX;
        }
        let end = since.saturating_add_unsigned(self.lasts);
        Duration::from_millis(end.saturating_sub_unsigned(now).max(0).unsigned_abs())
    }

    /// Takes in the newest topology; true if the first hold ends at another time than before.
    /// Whoever publishes it does, under the same lock.
    pub fn note(&self, topology: &Topology) -> bool {
        let since = topology.missing_first().filter(|_| self.lasts != u64::MAX);
        let end = since.map(|since| since.saturating_add_unsigned(self.lasts).max(1));
        let end = end.map_or(0, i64::unsigned_abs);
        self.first_end.swap(end, Ordering::Relaxed) != end
    }

    /// How long until the first hold ends.
    #[inline]
    pub fn ends_in(&self, now: u64) -> Option<Duration> {
        match self.first_end.load(Ordering::Relaxed) {
            0 => None,
            end => Some(Duration::from_millis(end.saturating_sub(now))),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::missing_shards::tests::with_a_missing_shard;
    use super::*;

    #[test]
    fn holds_end_in_time_or_never() {
        let publisher = with_a_missing_shard();
        let topology = publisher.known.topology.load_full();
        let since = topology.missing_first().expect("a time").unsigned_abs();
        let holds = MissingHolds::new(Duration::from_millis(500));
        assert_eq!(holds.ends_in(since), None);
        assert!(holds.note(&topology) && !holds.note(&topology), "told once");
        assert_eq!(holds.ends_in(since + 400), Some(Duration::from_millis(100)));
        assert_eq!(holds.ends_in(since + 900), Some(Duration::ZERO));
        assert_eq!(holds.over_at(since + 500), since as i64);
        let forever = MissingHolds::new(Duration::MAX);
        assert!(!forever.note(&topology));
        assert_eq!(forever.ends_in(u64::MAX), None);
        assert!(forever.over_at(since) < 0);
        assert!(holds.note(&Topology::default()));
        assert_eq!(holds.ends_in(u64::MAX), None);
    }
}
