//! How many bounds are not above a key, in a time that hardly grows with their number.
//!
//! Bounds of every type are reduced to 64 bits that are ordered as they are, and 64 more where
//! those do not tell two bounds apart. A table over the top bits of the span of the first ones, or of
//! their logarithms where they are badly skewed, says between which two positions to look, and the few
//! that are left are compared with at once. Nearly always this takes no branch that depends on the
//! key. `benches/search` compares it with the alternatives.

use super::buckets::Buckets;

/// So many bounds are found faster without the table, by comparing with each of them.
const FEW: usize = 16;

/// So many bounds from one slot of the table are compared with all at once: no branch depends on
/// how many there are in a slot, which differs from key to key.
const WINDOW: usize = 4;

/// Bounds in ascending order, none twice.
#[derive(Debug)]
pub struct BoundIndex {
    /// The first 64 bits of each bound.
    highs: Box<[u64]>,
    /// The others, or nothing if the first are all.
    lows: Box<[u64]>,
    /// For each slot of the span from the second bound to the last, the number of bounds in
    /// lower slots; one more for the end. The first bound is left out of the span: it is often
    /// the least value there is, and would stretch the span over nothing.
    starts: Box<[u32]>,
    least: u64,
    buckets: Buckets,
    prefix: CommonPrefix,
}

/// What all bounds but perhaps the first begin with: it is cut off, or texts like "user00012345"
/// would differ in their last bits only.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
struct CommonPrefix {
    /// How many bits; 0 for integers, and as a rule for digests.
    bits: u32,
    /// These, and zeros.
    value: u128,
    /// The first bound, which may begin otherwise; a zero stands in its place.
    first: u128,
}

/// How the keys of lookups are distributed, for which the buckets are made.
enum Keys {
    /// As many keys in each shard, however far its bounds are apart.
    AsBounds,
    Even,
}

impl PartialEq for BoundIndex {
    fn eq(&self, other: &Self) -> bool {
        self.highs == other.highs && self.lows == other.lows && self.prefix == other.prefix
    }
}

impl Eq for BoundIndex {}

impl BoundIndex {
    /// Of bounds that are sorted, without repetitions, and fewer than 2^32.
    pub fn of_integers(bounds: impl ExactSizeIterator<Item = i64>) -> Self {
        Self::new(bounds.map(high_of_integer).collect(), Box::default(), Keys::AsBounds)
    }

    /// As `of_integers`, of bounds of 128 bits.
    pub fn of_wide(
        bounds: impl ExactSizeIterator<Item = u128> + DoubleEndedIterator + Clone,
    ) -> Self {
        Self::wide_for(bounds, Keys::AsBounds)
    }

    /// As `of_wide`, for keys that are spread evenly however the bounds are, as digests are.
    pub fn of_digests(
        bounds: impl ExactSizeIterator<Item = u128> + DoubleEndedIterator + Clone,
    ) -> Self {
        Self::wide_for(bounds, Keys::Even)
    }

    fn wide_for(
        bounds: impl ExactSizeIterator<Item = u128> + DoubleEndedIterator + Clone,
        keys: Keys,
    ) -> Self {
        let prefix = CommonPrefix::of(bounds.clone());
        let cut = |(at, bound): (usize, u128)| match prefix.bits {
            0 => bound,
            _ if at == 0 => 0,
            bits => bound << bits,
        };
        let cut = bounds.enumerate().map(cut);
        let highs = cut.clone().map(|bound| (bound >> 64) as u64).collect();
        let lows = cut.map(|bound| bound as u64).collect();
        Self { prefix, ..Self::new(highs, lows, keys) }
    }

    fn new(highs: Box<[u64]>, lows: Box<[u64]>, keys: Keys) -> Self {
        let prefix = CommonPrefix::default();
        let buckets = Buckets::default();
        let none = Self { highs, lows, starts: Box::default(), least: 0, buckets, prefix };
        if none.highs.len() <= FEW {
            return none;
        }
        let least = none.highs.get(1).copied().unwrap_or_default();
        let distances = none.highs.iter().skip(1).map(|high| high - least);
        let most = distances.clone().next_back().unwrap_or_default();
        let buckets = match keys {
            Keys::AsBounds => Buckets::of(distances.clone()),
            Keys::Even => Buckets::even(distances.len(), most),
        };
        let slots = buckets.slot(most) + 1;
        let mut starts = vec![0u32; slots + 1];
        for distance in distances {
            if let Some(count) = starts.get_mut(buckets.slot(distance) + 1) {
                *count += 1;
            }
        }
        let mut sum = 1;
        for start in &mut starts {
            sum += *start;
            *start = sum;
        }
        Self { starts: starts.into(), least, buckets, ..none }
    }

    pub fn len(&self) -> usize {
        self.highs.len()
    }

    pub fn is_empty(&self) -> bool {
        self.highs.is_empty()
    }

    pub fn integer(&self, at: usize) -> Option<i64> {
        self.highs.get(at).map(|high| integer_of_high(*high))
    }

    pub fn wide(&self, at: usize) -> Option<u128> {
        let cut = u128::from(*self.highs.get(at)?) << 64 | u128::from(*self.lows.get(at)?);
        Some(match self.prefix {
            CommonPrefix { bits: 0, .. } => cut,
            CommonPrefix { first, .. } if at == 0 => first,
            CommonPrefix { bits, value, .. } => value | cut >> bits,
        })
    }

    /// The number of integers that are not above `key`.
    #[inline(always)]
    pub fn not_above_integer(&self, key: i64) -> usize {
        self.highs_not_above(high_of_integer(key), |_| ())
    }

    /// As `not_above_integer`, and `prefetch` is told of a position close to the answer before any bound
    /// is read, so that what lies there in another list can be asked for meanwhile. Nothing is told
    /// where bounds are few.
    #[inline(always)]
    pub fn not_above_integer_prefetching(&self, key: i64, prefetch: impl FnOnce(usize)) -> usize {
        self.highs_not_above(high_of_integer(key), prefetch)
    }

    /// The number of bounds of 128 bits that are not above `key`.
    #[inline(always)]
    pub fn not_above_wide(&self, key: u128) -> usize {
        self.not_above_wide_prefetching(key, |_| ())
    }

    /// As `not_above_integer_prefetching`, of bounds of 128 bits.
    #[inline(always)]
    pub fn not_above_wide_prefetching(&self, key: u128, prefetch: impl FnOnce(usize)) -> usize {
        if self.prefix.bits == 0 {
            self.rest_not_above(key, prefetch)
        } else {
            self.not_above_with_prefix(key)
        }
    }

    #[inline(never)]
    fn not_above_with_prefix(&self, key: u128) -> usize {
        let CommonPrefix { bits, value, first } = self.prefix;
        if key < first {
            0
        } else if key < value {
            1
        } else if (key ^ value).leading_zeros() < bits {
            self.len()
        } else {
            self.rest_not_above(key << bits, |_| ())
        }
    }

    #[inline(always)]
    fn rest_not_above(&self, key: u128, prefetch: impl FnOnce(usize)) -> usize {
        let (high, low) = ((key >> 64) as u64, key as u64);
        let mut count = self.highs_not_above(high, prefetch);
        // Bounds with the same first half are rare but for texts with a common prefix.
        if self.highs.get(count.wrapping_sub(1)) == Some(&high) {
            count = self.lows_not_above(count, high, low);
        }
        count
    }

    /// Of the first `count` bounds, those that are not above the key, when the last has its high word.
    #[inline(never)]
    fn lows_not_above(&self, count: usize, high: u64, low: u64) -> usize {
        let highs = self.highs.get(..count).unwrap_or_default();
        let begin = highs.partition_point(|other| *other < high);
        let lows = self.lows.get(begin..count).unwrap_or_default();
        begin + lows.partition_point(|other| *other <= low)
    }

    #[inline(always)]
    fn highs_not_above(&self, key: u64, prefetch: impl FnOnce(usize)) -> usize {
        if self.starts.is_empty() {
            let (windows, rest) = self.highs.as_chunks::<WINDOW>();
            let mut not_above = 0;
            for window in windows {
                not_above += count(window, key);
            }
            not_above + count(rest, key)
        } else if key < self.least {
            usize::from(self.highs.first().is_some_and(|first| *first <= key))
        } else {
            self.of_bucket_not_above(key, prefetch)
        }
    }

    #[inline(always)]
    fn of_bucket_not_above(&self, key: u64, prefetch: impl FnOnce(usize)) -> usize {
        let slot = self.buckets.slot(key - self.least);
        let Some([start, end]) = self.starts.get(slot..).and_then(<[u32]>::first_chunk) else {
            return self.highs.len();
        };
        let (start, end) = (*start as usize, *end as usize);
        // A window may begin before its slot, and go on behind it: what is before is not above
        // the key, and what is behind is.
        prefetch(start);
        let begin = start.min(self.highs.len().saturating_sub(WINDOW));
        match self.highs.get(begin..).and_then(<[u64]>::first_chunk::<WINDOW>) {
            Some(window) if end - start <= WINDOW => begin + count(window, key),
            _ => self.between_not_above(start, end, key),
        }
    }

    /// Binary search, for slots that have many bounds in spite of the buckets.
    #[inline(never)]
    fn between_not_above(&self, start: usize, end: usize, key: u64) -> usize {
        let within = self.highs.get(start..end).unwrap_or_default();
        start + within.partition_point(|high| *high <= key)
    }

    pub fn position_of_integer(&self, key: i64) -> Option<usize> {
        let at = self.not_above_integer(key).checked_sub(1)?;
        (self.integer(at)? == key).then_some(at)
    }

    pub fn position_of_wide(&self, key: u128) -> Option<usize> {
        let at = self.not_above_wide(key).checked_sub(1)?;
        (self.wide(at)? == key).then_some(at)
    }
}

impl CommonPrefix {
    fn of(mut bounds: impl DoubleEndedIterator<Item = u128>) -> Self {
        let (Some(first), Some(second), Some(last)) =
            (bounds.next(), bounds.next(), bounds.next_back())
        else {
            return Self::default();
        };
        // Whole bytes, so that digests hardly ever have any; the first bound does not
        // count.
        let bits = (second ^ last).leading_zeros() / 8 * 8;
        if bits == 0 || bits == u128::BITS {
            return Self::default();
        }
        let rest = u128::BITS - bits;
        Self { bits, value: second >> rest << rest, first }
    }
}

/// How many of a few bounds are not above the key.
#[inline(always)]
fn count(highs: &[u64], key: u64) -> usize {
    let mut not_above = 0;
    for high in highs {
        not_above += usize::from(*high <= key);
    }
    not_above
}

/// Unsigned, in the order of the integers.
#[inline(always)]
fn high_of_integer(value: i64) -> u64 {
    value as u64 ^ 1 << 63
}

fn integer_of_high(high: u64) -> i64 {
    (high ^ 1 << 63) as i64
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn integers_agree(mut bounds: Vec<i64>, keys: &[i64]) {
        bounds.sort_unstable();
        bounds.dedup();
        let sorted = BoundIndex::of_integers(bounds.iter().copied());
        for key in keys.iter().chain(&bounds) {
            let expected = bounds.iter().filter(|bound| *bound <= key).count();
            assert_eq!(sorted.not_above_integer(*key), expected, "{key} in {bounds:?}");
            let position = bounds.iter().position(|bound| bound == key);
            assert_eq!(sorted.position_of_integer(*key), position, "{key} in {bounds:?}");
        }
        assert!((0..bounds.len()).all(|at| sorted.integer(at) == Some(bounds[at])));
        assert!(sorted.starts.len() <= 2 * bounds.len() + 2, "{} slots", sorted.starts.len());
    }

    fn wide_agree(mut bounds: Vec<u128>, keys: &[u128]) {
        bounds.sort_unstable();
        bounds.dedup();
        let sorted = BoundIndex::of_wide(bounds.iter().copied());
        for key in keys.iter().chain(&bounds) {
            let expected = bounds.iter().filter(|bound| *bound <= key).count();
            assert_eq!(sorted.not_above_wide(*key), expected, "{key} in {bounds:?}");
            let position = bounds.iter().position(|bound| bound == key);
            assert_eq!(sorted.position_of_wide(*key), position, "{key} in {bounds:?}");
        }
        assert!((0..bounds.len()).all(|at| sorted.wide(at) == Some(bounds[at])));
        let digests = BoundIndex::of_digests(bounds.iter().copied());
        assert!(digests == sorted);
        assert!(keys.iter().all(|k| digests.not_above_wide(*k) == sorted.not_above_wide(*k)));
    }

    fn integer() -> impl Strategy<Value = i64> {
        prop_oneof![-9i64..9, any::<i64>(), 1_000i64..1_400, Just(i64::MIN), Just(i64::MAX)]
    }

    fn wide() -> impl Strategy<Value = u128> {
        let close = (7u128 << 64)..(7u128 << 64) + 300;
        prop_oneof![0u128..9, any::<u128>(), Just(u128::MAX), (1u128 << 64)..(1u128 << 65), close]
    }

    proptest! {
        #[test]
        fn integers(
            bounds in proptest::collection::vec(integer(), 1..200),
            keys in proptest::collection::vec(integer(), 1..60),
        ) {
            integers_agree(bounds, &keys);
        }

        #[test]
        fn wide_ones(
            bounds in proptest::collection::vec(wide(), 1..200),
            keys in proptest::collection::vec(wide(), 1..60),
        ) {
            wide_agree(bounds, &keys);
        }
    }

    proptest! {
        #[test]
        fn wide_ones_that_begin_alike(
            bits in 0u32..128,
            value in any::<u128>(),
            rests in proptest::collection::vec(any::<u128>(), 1..200),
            first in proptest::option::of(any::<u128>()),
            keys in proptest::collection::vec(any::<u128>(), 1..20),
        ) {
            let begin = |rest: u128| match bits {
                0 => rest,
                bits => value >> (128 - bits) << (128 - bits) | rest >> bits,
            };
            let bounds = rests.iter().map(|rest| begin(*rest)).chain(first).collect();
            let keys: Vec<u128> =
                keys.iter().flat_map(|key| [*key, begin(*key), begin(*key) ^ 1]).collect();
            wide_agree(bounds, &keys);
        }
    }

    #[test]
    fn skewed_bounds_take_no_more_room() {
        let bounds: Vec<i64> = (0..10_000u64).map(|i| (i * i * i * i) as i64).collect();
        integers_agree(bounds, &[-1, 0, 1, 17, i64::MAX, i64::MIN]);
    }
}
