//! The structures that are compared.

use std::hint::select_unpredictable;

/// A bound: ordered, and with the 64 bits that lead its order.
pub trait Bound: Copy + Ord {
    fn top(self) -> u64;
    fn from_unit(unit: f64, noise: u128) -> Self;
    /// The same key, in a way that needs `answer` first. An answer is always below 2^40.
    fn after(self, answer: usize) -> Self;
}

impl Bound for i64 {
    fn top(self) -> u64 {
        (self as u64) ^ (1 << 63)
    }
    fn from_unit(unit: f64, noise: u128) -> Self {
        (unit * 4e18) as i64 + (noise % 1000) as i64
    }
    fn after(self, answer: usize) -> Self {
        self + (answer >> 40) as i64
    }
}

impl Bound for u128 {
    fn top(self) -> u64 {
        (self >> 64) as u64
    }
    fn from_unit(unit: f64, noise: u128) -> Self {
        let top = (unit * (u64::MAX as f64)) as u64;
        (u128::from(top) << 64) | (noise >> 64)
    }
    fn after(self, answer: usize) -> Self {
        self + (answer >> 40) as u128
    }
}

/// How many bounds are not above the key.
pub trait Search<B: Bound> {
    fn rank(&self, key: B) -> usize;
}

pub struct Std<B>(pub Vec<B>);

impl<B: Bound> Search<B> for Std<B> {
    #[inline]
    fn rank(&self, key: B) -> usize {
        self.0.partition_point(|bound| *bound <= key)
    }
}

#[inline]
fn branchless<T: Copy + Ord>(bounds: &[T], key: T) -> usize {
    let mut base = 0;
    let mut left = bounds.len();
    while left > 1 {
        let half = left / 2;
        base = select_unpredictable(bounds[base + half] <= key, base + half, base);
        left -= half;
    }
    base + usize::from(bounds.get(base).is_some_and(|bound| *bound <= key))
}

pub struct Branchless<B>(pub Vec<B>);

impl<B: Bound> Search<B> for Branchless<B> {
    #[inline]
    fn rank(&self, key: B) -> usize {
        branchless(&self.0, key)
    }
}

pub struct Linear<B>(pub Vec<B>);

impl<B: Bound> Search<B> for Linear<B> {
    #[inline]
    fn rank(&self, key: B) -> usize {
        self.0.iter().map(|bound| usize::from(*bound <= key)).sum()
    }
}

/// Breadth first: the tree's levels one after another, so that the hot ones share lines.
pub struct Eytzinger<B> {
    tree: Vec<B>,
    ranks: Vec<u32>,
}

impl<B: Bound> Eytzinger<B> {
    pub fn new(bounds: &[B]) -> Self {
        let size = bounds.len() + 1;
        let mut new = Self { tree: vec![bounds[0]; size], ranks: vec![bounds.len() as u32; size] };
        let mut next = 0;
        new.fill(bounds, 1, &mut next);
        new
    }

    fn fill(&mut self, bounds: &[B], node: usize, next: &mut usize) {
        if node < self.tree.len() {
            self.fill(bounds, 2 * node, next);
            self.tree[node] = bounds[*next];
            self.ranks[node] = *next as u32;
            *next += 1;
            self.fill(bounds, 2 * node + 1, next);
        }
    }
}

impl<B: Bound> Search<B> for Eytzinger<B> {
    #[inline]
    fn rank(&self, key: B) -> usize {
        let mut node = 1;
        while let Some(bound) = self.tree.get(node) {
            node = 2 * node + usize::from(*bound <= key);
        }
        // The last turn to the left was at the least bound above the key.
        let left = node >> (node.trailing_ones() + 1);
        self.ranks[left] as usize
    }
}

/// Where in the bounds to look, by the leading bits of the key's distance from the least bound.
struct Radix {
    least: u64,
    shift: u32,
    starts: Vec<u32>,
}

impl Radix {
    fn new(tops: impl ExactSizeIterator<Item = u64> + Clone, per_entry: usize) -> Self {
        let count = tops.len();
        let (least, most) = (tops.clone().next().unwrap(), tops.clone().last().unwrap());
        let bits = (count / per_entry).max(1).next_power_of_two().trailing_zeros();
        let shift = (u64::BITS - (most - least).leading_zeros()).saturating_sub(bits).min(63);
        let last = ((most - least) >> shift) as usize;
        let mut starts = vec![0; last + 3];
        for top in tops {
            starts[((top - least) >> shift) as usize + 1] += 1;
        }
        for at in 1..starts.len() {
            starts[at] += starts[at - 1];
        }
        Self { least, shift, starts }
    }

    #[inline]
    fn range(&self, top: u64) -> (usize, usize) {
        let Some(distance) = top.checked_sub(self.least) else { return (0, 0) };
        // The entry before the last is empty: it is for all keys above every bound.
        let at = ((distance >> self.shift) as usize).min(self.starts.len() - 2);
        (self.starts[at] as usize, self.starts[at + 1] as usize)
    }
}

#[derive(Clone, Copy)]
enum Inside {
    PartitionPoint,
    Branchless,
    /// With four bounds at once, if there are no more.
    Window,
}

pub struct RadixThen<B> {
    radix: Radix,
    bounds: Vec<B>,
}

impl<B: Bound> RadixThen<B> {
    pub fn new(bounds: &[B], per_entry: usize) -> Self {
        let radix = Radix::new(bounds.iter().map(|bound| bound.top()), per_entry);
        Self { radix, bounds: bounds.to_vec() }
    }

    #[inline]
    fn rank(&self, key: B, inside: Inside) -> usize {
        let (start, end) = self.radix.range(key.top());
        let within = &self.bounds[start..end];
        start.wrapping_add(match inside {
            Inside::PartitionPoint => within.partition_point(|bound| *bound <= key),
            Inside::Branchless => branchless(within, key),
            Inside::Window => self.window(start, within, key),
        })
    }
}

impl<B: Bound> RadixThen<B> {
    #[inline]
    fn window(&self, start: usize, within: &[B], key: B) -> usize {
        let begin = start.min(self.bounds.len().saturating_sub(4));
        match self.bounds[begin..].first_chunk::<4>() {
            Some([a, b, c, d]) if within.len() <= 4 => {
                let count = usize::from(*a <= key)
                    + usize::from(*b <= key)
                    + usize::from(*c <= key)
                    + usize::from(*d <= key);
                (begin + count).wrapping_sub(start)
            }
            _ => within.partition_point(|bound| *bound <= key),
        }
    }
}

pub struct RadixStd<B>(pub RadixThen<B>);
pub struct RadixBranchless<B>(pub RadixThen<B>);
pub struct RadixWindow<B>(pub RadixThen<B>);

impl<B: Bound> Search<B> for RadixStd<B> {
    #[inline]
    fn rank(&self, key: B) -> usize {
        self.0.rank(key, Inside::PartitionPoint)
    }
}

impl<B: Bound> Search<B> for RadixBranchless<B> {
    #[inline]
    fn rank(&self, key: B) -> usize {
        self.0.rank(key, Inside::Branchless)
    }
}

impl<B: Bound> Search<B> for RadixWindow<B> {
    #[inline]
    fn rank(&self, key: B) -> usize {
        self.0.rank(key, Inside::Window)
    }
}

/// The leading halves alone, and the whole bounds only where those are equal.
pub struct Tops<B> {
    radix: Option<Radix>,
    tops: Vec<u64>,
    bounds: Vec<B>,
}

impl<B: Bound> Tops<B> {
    pub fn new(bounds: &[B], radix: bool) -> Self {
        let tops: Vec<u64> = bounds.iter().map(|bound| bound.top()).collect();
        let radix = radix.then(|| Radix::new(tops.iter().copied(), 1));
        Self { radix, tops, bounds: bounds.to_vec() }
    }
}

impl<B: Bound> Search<B> for Tops<B> {
    #[inline]
    fn rank(&self, key: B) -> usize {
        let top = key.top();
        let mut rank = match &self.radix {
            None => self.tops.partition_point(|bound| *bound <= top),
            Some(radix) => {
                let (start, end) = radix.range(top);
                start + self.tops[start..end].partition_point(|bound| *bound <= top)
            }
        };
        while rank > 0 && self.tops[rank - 1] == top && self.bounds[rank - 1] > key {
            rank -= 1;
        }
        rank
    }
}
