//! Which search for the shard of a key: the same question to several structures, on even and on
//! badly skewed bounds, from 4 to 1,000,000 shards: `cargo bench --bench search`. Prints a table
//! of nanoseconds: one of many independent questions / one of a chain, in which each needs the
//! answer before it. Bold is what is within 15 % of the best.
//!
//! All structures take turns in every repeat, so that a neighbour's noise hits all of them; the
//! figures are the least of the repeats.
//!
//! All of it is safe code, bounds checks included, as the library's own is.

mod random;
mod structures;

use std::hint::black_box;
use std::time::Instant;

use random::Random;
use structures::{
    Bound, Branchless, Eytzinger, Linear, RadixBranchless, RadixStd, RadixThen, RadixWindow,
    Search, Std, Tops,
};

const REPEATS: usize = 25;
/// Too many for a branch predictor to learn by heart.
const KEYS: usize = 1 << 16;
const ASKED: usize = 1 << 14;
const SIZES: [usize; 6] = [4, 16, 64, 1_000, 100_000, 1_000_000];

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

const STRUCTURES: [&str; 10] = [
    "linear count",
    "partition_point",
    "branchless",
    "Eytzinger",
    "radix n, partition_point",
    "radix n, branchless",
    "radix n, four at once",
    "radix n/4, partition_point",
    "leading half, partition_point",
    "leading half, radix n, partition_point",
];

/// In the order of STRUCTURES; None where it makes no sense.
fn build<B: Bound + 'static>(bounds: &[B]) -> [Option<Box<dyn Measured<B>>>; STRUCTURES.len()] {
    fn some<B>(search: impl Measured<B> + 'static) -> Option<Box<dyn Measured<B>>> {
        Some(Box::new(search))
    }
    let wide = size_of::<B>() > size_of::<u64>();
    [
        (bounds.len() <= 64).then(|| Box::new(Linear(bounds.to_vec())) as _),
        some(Std(bounds.to_vec())),
        some(Branchless(bounds.to_vec())),
        some(Eytzinger::new(bounds)),
        some(RadixStd(RadixThen::new(bounds, 1))),
        some(RadixBranchless(RadixThen::new(bounds, 1))),
        some(RadixWindow(RadixThen::new(bounds, 1))),
        some(RadixStd(RadixThen::new(bounds, 4))),
        wide.then(|| Box::new(Tops::new(bounds, false)) as _),
        wide.then(|| Box::new(Tops::new(bounds, true)) as _),
    ]
}

/// How bounds are spread, and what is asked for.
#[derive(Clone, Copy, PartialEq)]
enum Shape {
    /// Bounds and keys spread evenly.
    Even,
    /// Bounds are the eighth power of a random number; keys are spread evenly.
    Skewed,
    /// The same bounds, and every shard asked for as often.
    SkewedHot,
}

fn keys<B: Bound>(bounds: &[B], shape: Shape, random: &mut Random) -> Vec<B> {
    let mut key = || match shape {
        Shape::SkewedHot => bounds[random.next() as usize % bounds.len()].after(1 << 40),
        _ => B::from_unit(random.unit(), random.wide()),
    };
    (0..KEYS).map(|_| key()).collect()
}

fn compare<B: Bound + 'static>(kind: &str, count: usize, shape: Shape) {
    let mut random = Random(count as u64);
    let bounds: Vec<B> = bounds(count, if shape == Shape::Even { 1 } else { 8 }, &mut random);
    let keys = keys(&bounds, shape, &mut random);
    let ranks: Vec<usize> =
        keys.iter().map(|key| bounds.partition_point(|bound| bound <= key)).collect();
    let all = build(&bounds);
    for (search, name) in all.iter().zip(STRUCTURES) {
        assert!(search.as_ref().is_none_or(|it| it.check(&keys, &ranks)), "{name} is wrong");
    }
    let mut times =
        [const { Times { throughput: Vec::new(), latency: Vec::new() } }; STRUCTURES.len()];
    for repeat in 0..REPEATS {
        // Three parts of the keys: what one left in the caches must not help the next.
        let part = |at: usize| &keys[(repeat + at) % (KEYS / ASKED) * ASKED..][..ASKED];
        for (search, times) in all.iter().zip(&mut times) {
            if let Some(search) = search {
                search.measure([part(0), part(1), part(2)], times);
            }
        }
    }
    let least = |times: &[f64]| times.iter().copied().fold(f64::INFINITY, f64::min);
    let best = least(&times.iter().map(|times| least(&times.throughput)).collect::<Vec<_>>());
    let cell = |times: &Times| {
        let (throughput, latency) = (least(&times.throughput), least(&times.latency));
        if throughput.is_infinite() {
            String::new()
        } else if throughput <= 1.15 * best {
            format!("**{throughput:.1}** / {latency:.1}")
        } else {
            format!("{throughput:.1} / {latency:.1}")
        }
    };
    let shape = match shape {
        Shape::Even => "even",
        Shape::Skewed => "skewed",
        Shape::SkewedHot => "skewed, by shard",
    };
    let cells: Vec<String> = times.iter().map(cell).collect();
    println!("| {kind} | {count} | {shape} | {} |", cells.join(" | "));
}

fn main() {
    println!("| bounds | shards | spread | {} |", STRUCTURES.join(" | "));
    println!("|---|---|---|{}", "---|".repeat(STRUCTURES.len()));
    for count in SIZES {
        for shape in [Shape::Even, Shape::Skewed, Shape::SkewedHot] {
            compare::<i64>("64 bits", count, shape);
            compare::<u128>("128 bits", count, shape);
        }
    }
    println!();
}
