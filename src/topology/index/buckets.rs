//! Which slot of a table a number falls into, such that hardly any slot has many.

/// Slots for the distances of sorted numbers from the least of them.
#[derive(Debug, Clone, Copy, Default)]
pub struct Buckets {
    /// Linear buckets: how many low bits of a distance are shifted out. Log-linear buckets: how many
    /// bits behind the highest set bit count (the mantissa).
    bits: u32,
    /// Whether buckets are log-linear: as many from any distance to its double. Bounds that are powers
    /// of evenly spread numbers fill them evenly.
    is_log_linear: bool,
}

impl Buckets {
    /// Linear buckets for `count` distances, for keys that are spread evenly up to `most`. There are at
    /// most twice as many slots as distances.
    pub fn even(count: usize, most: u64) -> Self {
        let slots = slots_for(count);
        let bits = (0..64).find(|bits| most >> bits < slots).unwrap_or(63);
        Self { bits, is_log_linear: false }
    }

    /// Buckets for these distances, in ascending order, for keys of which as many lie between any two.
    /// There are at most twice as many slots as distances.
    pub fn of(distances: impl ExactSizeIterator<Item = u64> + Clone) -> Self {
        let most = distances.clone().last().unwrap_or_default();
        let width = u64::BITS - most.leading_zeros();
        let slots = slots_for(distances.len());
        let even = Self::even(distances.len(), most);
        let fits = |bits: &u32| u64::from(width + 1 - bits) << bits <= slots;
        let crowds = |buckets: Self| buckets.crowds(distances.clone());
        match (0..width.min(32)).rev().find(fits).map(|bits| Self { bits, is_log_linear: true }) {
            Some(log_linear) if crowds(log_linear) < crowds(even) / 2 => log_linear,
            _ => even,
        }
    }

    #[inline(always)]
    pub fn slot(self, distance: u64) -> usize {
        if self.is_log_linear {
            // The bits that count are the first one and those behind it.
            let rest = (distance | 1 << self.bits).ilog2() - self.bits;
            ((rest as usize) << self.bits) + (distance >> rest) as usize
        } else {
            (distance >> self.bits) as usize
        }
    }

    /// The sum, over all distances, of how many share its slot: less is better.
    fn crowds(self, distances: impl Iterator<Item = u64>) -> u64 {
        let (mut sum, mut slot, mut here) = (0, 0, 0);
        for distance in distances {
            let at = self.slot(distance);
            if at != slot {
                sum += here * here;
                (slot, here) = (at, 0);
            }
            here += 1;
        }
        sum + here * here
    }
}

fn slots_for(count: usize) -> u64 {
    2 << count.max(1).ilog2()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn is_log_linear(distance: impl Fn(u64) -> u64) -> bool {
        let distances: Vec<u64> = (0..1000).map(distance).collect();
        Buckets::of(distances.iter().copied()).is_log_linear
    }

    #[test]
    fn log_linear_buckets_are_for_steep_numbers() {
        assert!(!is_log_linear(|i| i));
        assert!(!is_log_linear(|i| i << 40));
        assert!(is_log_linear(|i| i * i * i * i * i * i));
        assert!(is_log_linear(|i| 1 << (i / 16)));
    }

    proptest! {
        #[test]
        fn slots_ascend_and_are_not_many(
            mut distances in proptest::collection::vec((any::<u64>(), 0u32..64), 1..300),
            log_linear in any::<bool>(),
        ) {
            let mut distances: Vec<u64> = distances.drain(..).map(|(d, s)| d >> s).collect();
            distances.sort_unstable();
            if log_linear {
                distances.iter_mut().for_each(|distance| *distance = (*distance >> 32).pow(2));
            }
            let buckets = Buckets::of(distances.iter().copied());
            let slots: Vec<usize> = distances.iter().map(|distance| buckets.slot(*distance)).collect();
            prop_assert!(slots.is_sorted());
            prop_assert!(slots.last() < Some(&(2 * distances.len().next_power_of_two())));
        }

        #[test]
        fn log_linear_buckets_have_no_gap(bits in 0u32..8, distance in 0u64..1 << 40) {
            let buckets = Buckets { bits, is_log_linear: true };
            let step = buckets.slot(distance + 1) - buckets.slot(distance);
            prop_assert!(step <= 1);
        }
    }
}
