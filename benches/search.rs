//! Which search for the shard of a key: the same question to several structures, on even and on
//! badly skewed bounds, from 4 to 1,000,000 shards. Prints a table.
//!
//! "thr" is the time of one of many independent questions, "lat" that of a chain in which each
//! question needs the answer before it. All structures take turns in every repeat, so that a
//! neighbour's noise hits all of them; the figures are the least and the median of the repeats.
//!
//! All of it is safe code, bounds checks included, as the library's own is.

use std::hint::{black_box, select_unpredictable};
use std::time::Instant;

const REPEATS: usize = 25;
/// Too many for a branch predictor to learn by heart.
const KEYS: usize = 1 << 16;
const ASKED: usize = 1 << 14;
const SIZES: [usize; 6] = [4, 16, 64, 1_000, 100_000, 1_000_000];

/// A bound: ordered, and with the 64 bits that lead its order.
trait Bound: Copy + Ord {
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
trait Search<B: Bound> {
    fn rank(&self, key: B) -> usize;
}

struct Std<B>(Vec<B>);

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

struct Branchless<B>(Vec<B>);

impl<B: Bound> Search<B> for Branchless<B> {
    #[inline]
    fn rank(&self, key: B) -> usize {
        branchless(&self.0, key)
    }
}

struct Linear<B>(Vec<B>);

impl<B: Bound> Search<B> for Linear<B> {
    #[inline]
    fn rank(&self, key: B) -> usize {
        self.0.iter().map(|bound| usize::from(*bound <= key)).sum()
    }
}

/// Breadth first: the tree's levels one after another, so that the hot ones share lines.
struct Eytzinger<B> {
    tree: Vec<B>,
    ranks: Vec<u32>,
}

impl<B: Bound> Eytzinger<B> {
    fn new(bounds: &[B]) -> Self {
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
    Std,
    Branchless,
    Scan,
}

struct RadixThen<B> {
    radix: Radix,
    bounds: Vec<B>,
}

impl<B: Bound> RadixThen<B> {
    fn new(bounds: &[B], per_entry: usize) -> Self {
        let radix = Radix::new(bounds.iter().map(|bound| bound.top()), per_entry);
        Self { radix, bounds: bounds.to_vec() }
    }

    #[inline]
    fn rank(&self, key: B, inside: Inside) -> usize {
        let (start, end) = self.radix.range(key.top());
        let within = &self.bounds[start..end];
        start
            + match inside {
                Inside::Std => within.partition_point(|bound| *bound <= key),
                Inside::Branchless => branchless(within, key),
                Inside::Scan if within.len() <= 8 => {
                    within.iter().take_while(|bound| **bound <= key).count()
                }
                Inside::Scan => branchless(within, key),
            }
    }
}

struct RadixStd<B>(RadixThen<B>);
struct RadixBranchless<B>(RadixThen<B>);
struct RadixScan<B>(RadixThen<B>);

impl<B: Bound> Search<B> for RadixStd<B> {
    #[inline]
    fn rank(&self, key: B) -> usize {
        self.0.rank(key, Inside::Std)
    }
}

impl<B: Bound> Search<B> for RadixBranchless<B> {
    #[inline]
    fn rank(&self, key: B) -> usize {
        self.0.rank(key, Inside::Branchless)
    }
}

impl<B: Bound> Search<B> for RadixScan<B> {
    #[inline]
    fn rank(&self, key: B) -> usize {
        self.0.rank(key, Inside::Scan)
    }
}

/// The leading halves alone, and the whole bounds only where those are equal.
struct Tops<B> {
    radix: Option<Radix>,
    tops: Vec<u64>,
    bounds: Vec<B>,
}

impl<B: Bound> Tops<B> {
    fn new(bounds: &[B], radix: bool) -> Self {
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

struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }
    fn unit(&mut self) -> f64 {
        (self.next() >> 11) as f64 / (1u64 << 53) as f64
    }
    fn wide(&mut self) -> u128 {
        (u128::from(self.next()) << 64) | u128::from(self.next())
    }
}

fn bounds<B: Bound>(count: usize, power: i32, random: &mut Random) -> Vec<B> {
    let mut bounds = Vec::new();
    while bounds.len() < count {
        let missing = count - bounds.len();
        bounds.extend((0..missing).map(|_| B::from_unit(random.unit().powi(power), random.wide())));
        bounds.sort();
        bounds.dedup();
    }
    bounds
}

/// Nanoseconds per question: independent, and in a chain.
struct Times {
    throughput: Vec<f64>,
    latency: Vec<f64>,
}

trait Measured<B> {
    fn check(&self, keys: &[B], ranks: &[usize]) -> bool;
    fn measure(&self, keys: [&[B]; 3], times: &mut Times);
}

impl<B: Bound, S: Search<B>> Measured<B> for S {
    fn check(&self, keys: &[B], ranks: &[usize]) -> bool {
        keys.iter().zip(ranks).all(|(key, rank)| self.rank(*key) == *rank)
    }

    fn measure(&self, [warming, keys, chained]: [&[B]; 3], times: &mut Times) {
        let this = black_box(self);
        black_box(warming.iter().map(|key| this.rank(*key)).sum::<usize>());
        let begin = Instant::now();
        black_box(keys.iter().map(|key| this.rank(*key)).sum::<usize>());
        times.throughput.push(begin.elapsed().as_nanos() as f64 / keys.len() as f64);
        let begin = Instant::now();
        black_box(chained.iter().fold(0, |answer, key| this.rank(key.after(answer))));
        times.latency.push(begin.elapsed().as_nanos() as f64 / chained.len() as f64);
    }
}

fn least_and_median(times: &mut [f64]) -> (f64, f64) {
    times.sort_by(f64::total_cmp);
    (times[0], times[times.len() / 2])
}

fn compare<B: Bound + 'static>(kind: &str, count: usize, power: i32, hot: bool) {
    let mut random = Random(count as u64 + power as u64);
    let bounds: Vec<B> = bounds(count, power, &mut random);
    let keys: Vec<B> = (0..KEYS)
        .map(|_| {
            if hot {
                // Every shard is asked for as often: keys are just above its bound.
                bounds[random.next() as usize % count].after(1 << 40)
            } else {
                B::from_unit(random.unit(), random.wide())
            }
        })
        .collect();
    let mut all: Vec<(&str, Box<dyn Measured<B>>)> = vec![
        ("partition_point", Box::new(Std(bounds.clone()))),
        ("branchless", Box::new(Branchless(bounds.clone()))),
        ("Eytzinger", Box::new(Eytzinger::new(&bounds))),
        ("radix, partition_point", Box::new(RadixStd(RadixThen::new(&bounds, 1)))),
        ("radix, branchless", Box::new(RadixBranchless(RadixThen::new(&bounds, 1)))),
        ("radix, scan to 8", Box::new(RadixScan(RadixThen::new(&bounds, 1)))),
        ("radix n/4, partition_point", Box::new(RadixStd(RadixThen::new(&bounds, 4)))),
    ];
    if count <= 16 {
        all.push(("linear count", Box::new(Linear(bounds.clone()))));
    }
    if size_of::<B>() > 8 {
        all.push(("leading 64 bits, partition_point", Box::new(Tops::new(&bounds, false))));
        all.push(("leading 64 bits, radix, p._point", Box::new(Tops::new(&bounds, true))));
    }
    let ranks: Vec<usize> =
        keys.iter().map(|key| bounds.partition_point(|bound| bound <= key)).collect();
    let mut times: Vec<Times> = Vec::new();
    for (name, search) in &all {
        assert!(search.check(&keys, &ranks), "{name} is wrong");
        times.push(Times { throughput: Vec::new(), latency: Vec::new() });
    }
    for repeat in 0..REPEATS {
        // Three parts of the keys: what one left in the caches must not help the next.
        let part = |at: usize| &keys[(repeat + at) % (KEYS / ASKED) * ASKED..][..ASKED];
        for ((_, search), times) in all.iter().zip(&mut times) {
            search.measure([part(0), part(1), part(2)], times);
        }
    }
    let shape = if power == 1 { "even" } else { "u^8" };
    let asked = if hot { "by shard" } else { "uniform" };
    let rows: Vec<_> = times
        .iter_mut()
        .map(|t| (least_and_median(&mut t.throughput), least_and_median(&mut t.latency)))
        .collect();
    let best = |of: &dyn Fn(&((f64, f64), (f64, f64))) -> f64| {
        rows.iter().map(of).fold(f64::INFINITY, f64::min)
    };
    let (best_throughput, best_latency) = (best(&|row| row.0.0), best(&|row| row.1.0));
    for ((name, _), (throughput, latency)) in all.iter().zip(&rows) {
        println!(
            "| {kind} | {count} | {shape} | {asked} | {name} | {:.1} / {:.1} | {:.1} / {:.1} | {:.2} | {:.2} |",
            throughput.0,
            throughput.1,
            latency.0,
            latency.1,
            throughput.0 / best_throughput,
            latency.0 / best_latency,
        );
    }
}

fn main() {
    println!(
        "| bounds | shards | shape | keys | search | thr min / med ns | lat min / med ns | thr / best | lat / best |"
    );
    println!("|---|---|---|---|---|---|---|---|---|");
    for count in SIZES {
        for (power, hot) in [(1, false), (8, false), (8, true)] {
            compare::<i64>("i64", count, power, hot);
            compare::<u128>("u128", count, power, hot);
        }
    }
}
