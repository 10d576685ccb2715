//! `bench`: lookups a second through the library.

use std::hint::black_box;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use mysqlfabric::router::resolve::{Query, ShardKey, Target};
use mysqlfabric::router::{Router, Scope};
use mysqlfabric::thread_cache::ThreadCache;
use mysqlfabric::topology::{Key, ShardingType};
use serde::Serialize;

use crate::args::Bench;
use crate::exit::{Exit, Result};
use crate::farm::Table;
use crate::input::lines;
use crate::output::{Progress, Row};
use crate::settings::seconds;

use super::known_table::table;
use super::{Run, wanted};

/// How many keys are looked up in turn, where none are given.
const KEYS: u64 = 4_096;

/// How often it is looked whether the time is over.
const BATCH: usize = 1_024;

#[derive(Debug, Serialize)]
struct Measured {
    threads: u16,
    keys: usize,
    lookups: u64,
    /// Lookups that were refused, such as for a group without primary.
    refused: u64,
    seconds: f64,
    lookups_per_second: f64,
    /// What a thread takes for one.
    ns_per_lookup: f64,
}

impl Row for Measured {
    const HEAD: &'static [&'static str] =
        &["THREADS", "KEYS", "LOOKUPS", "REFUSED", "PER SECOND", "NS PER LOOKUP"];

    fn cells(&self) -> Vec<String> {
        vec![
            self.threads.to_string(),
            self.keys.to_string(),
            self.lookups.to_string(),
            self.refused.to_string(),
            format!("{:.0}", self.lookups_per_second),
            format!("{:.1}", self.ns_per_lookup),
        ]
    }
}

/// A key as a service would have it: an integer where it is one.
enum Owned {
    Integer(i64),
    Text(String),
}

impl Owned {
    fn of(kind: ShardingType, text: String) -> Self {
        let takes_integers =
            !matches!(kind, ShardingType::RangeString | ShardingType::RangeDatetime);
        let integer = text.parse::<i64>().ok().filter(|_| takes_integers);
        // Others with the same value, such as "+1", have another digest.
        match integer.filter(|integer| integer.to_string() == text) {
            Some(integer) => Self::Integer(integer),
            None => Self::Text(text),
        }
    }

    fn key(&self) -> Key<'_> {
        match self {
            Self::Integer(integer) => Key::Integer(*integer),
            Self::Text(text) => Key::Text(text.as_bytes()),
        }
    }
}

pub fn run(run: &Run, args: &Bench) -> Result<Exit> {
    let lasting = seconds(args.lasting, "--for")?;
    let router = run.load()?;
    let table = table(&router, &args.table)?;
    let keys = keys(&table, args.keys.as_deref())?;
    let wanted = wanted(args.role);
    let name = args.table.as_bytes();
    // A key that the table cannot have is said at once.
    for key in &keys {
        router.shard_server(&[name], Some(key.key()), Scope::Local, wanted, |_, _| Ok(()))?;
    }
    let measured = {
        let _progress = Progress::of("looking up");
        measure(&router, &keys, args.threads, lasting, |key| Query {
            target: Target::Table(name, ShardKey::Key(key)),
            wanted,
        })
    };
    run.out.list("benches", &[measured])?;
    Ok(Exit::Done)
}

fn measure<'k>(
    router: &Router,
    keys: &'k [Owned],
    threads: u16,
    lasting: Duration,
    query: impl Fn(Key<'k>) -> Query<'k> + Sync,
) -> Measured {
    let is_over = AtomicBool::new(false);
    let begun = Instant::now();
    let counts: Vec<(u64, u64)> = thread::scope(|scope| {
        let looking: Vec<_> = (0..threads)
            .map(|number| {
                let (is_over, query) = (&is_over, &query);
                scope.spawn(move || look(router, keys, usize::from(number), is_over, query))
            })
            .collect();
        thread::sleep(lasting);
        is_over.store(true, Ordering::Relaxed);
        looking.into_iter().filter_map(|thread| thread.join().ok()).collect()
    });
    let seconds = begun.elapsed().as_secs_f64();
    let sum = |of: fn(&(u64, u64)) -> u64| counts.iter().map(of).sum::<u64>();
    let (lookups, refused) = (sum(|count| count.0), sum(|count| count.1));
    Measured {
        threads,
        keys: keys.len(),
        lookups,
        refused,
        seconds,
        lookups_per_second: lookups as f64 / seconds,
        ns_per_lookup: seconds * 1e9 * f64::from(threads) / lookups.max(1) as f64,
    }
}

/// Looks the keys up in turn, as a call from C does: from the snapshot that the thread has cached, and
/// else in any other way. How many were answered or refused, and of these how many were refused.
fn look<'k>(
    router: &Router,
    keys: &'k [Owned],
    number: usize,
    is_over: &AtomicBool,
    query: &(impl Fn(Key<'k>) -> Query<'k> + Sync),
) -> (u64, u64) {
    ThreadCache::with(|cache| {
        let (mut lookups, mut refused) = (0, 0);
        let mut keys = keys.iter().cycle().skip(number * 97 % keys.len().max(1));
        while !is_over.load(Ordering::Relaxed) {
            for key in keys.by_ref().take(BATCH) {
                let query = query(key.key());
                let cached = router.cached(cache);
                let is_answered = cached.is_some_and(|cached| {
                    let chosen = cached.view().resolve(&query, &cache.cursors);
                    chosen.is_ok_and(|chosen| black_box(chosen.image()).is_some())
                });
                if is_answered {
                    router.count(cache);
                } else {
                    let answer = router.server(cache, &query, None, |chosen| {
                        black_box(chosen.image());
                        Ok(())
                    });
                    refused += u64::from(answer.is_err());
                }
                lookups += 1;
            }
        }
        (lookups, refused)
    })
}

fn keys(table: &Table, file: Option<&Path>) -> Result<Vec<Owned>> {
    let texts: Vec<String> = match (file, table.kind) {
        (Some(path), _) => lines(path)?,
        // Spread by a step that shares no factor with a power of two.
        (None, ShardingType::Hash) => {
            (0..KEYS).map(|at| (at.wrapping_mul(0x9E37_79B9_7F4A_7C15) >> 1).to_string()).collect()
        }
        (None, _) => table.shards.iter().map(|shard| shard.lower_bound.clone()).collect(),
    };
    Ok(texts.into_iter().map(|text| Owned::of(table.kind, text)).collect())
}
