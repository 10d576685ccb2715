//! What many tables, groups, shards and handles cost, from a Fabric node over HTTP:
//! `cargo bench --bench many`, or with PART=10 for a tenth of everything.
//!
//! Every row is there at a tenth of its size, too: what is super-linear costs more for each one
//! in the larger farm. Times contain the node's sending, whose replies are ready beforehand.

mod farm;
mod memory;

use std::path::PathBuf;
use std::time::{Duration, Instant};

use farm::{Change, Node, Size};
use mysqlfabric::config::{self, Config};
use mysqlfabric::router::Router;

const REFRESHES: usize = 5;

fn config(node: &Node) -> Config {
    Config {
        nodes: vec![config::Node { host: "127.0.0.1".into(), port: node.port }],
        request_timeout: Duration::from_secs(120),
        max_reply_bytes: 1 << 30,
        ttl_min: Duration::from_secs(3600),
        background_refresh: false,
        ..Config::default()
    }
}

/// The median time of a refresh.
fn refresh(router: &Router, before: impl Fn(usize)) -> Duration {
    let mut times: Vec<Duration> = (0..REFRESHES)
        .map(|round| {
            before(round);
            let start = Instant::now();
            router.seed(None).expect("refreshed");
            start.elapsed()
        })
        .collect();
    times.sort();
    times[REFRESHES / 2]
}

fn mib(bytes: usize) -> f64 {
    bytes as f64 / f64::from(1 << 20)
}

/// One line: a farm of `count` of something, and what each of them costs.
fn farm(what: &str, count: usize, size: Size, zipped: bool) {
    let node = Node::start(size, zipped);
    let config = config(&node);
    let base = memory::now();
    let router = Router::new(config);
    let mut first = Duration::ZERO;
    let peak = memory::most(|| {
        let start = Instant::now();
        router.seed(None).expect("seeded");
        first = start.elapsed();
    });
    let kept = memory::now() - base;
    let above = peak.saturating_sub(base + kept);
    let generation = router.generation();
    let same = refresh(&router, |_| {});
    assert_eq!(router.generation(), generation, "nothing changed, so nothing is published");
    let changed = |change: Change| {
        let time = refresh(&router, |round| {
            let change = if round % 2 == 0 { change } else { Change::Nothing };
            node.change(size, change, zipped);
        });
        time.as_secs_f64() * 1e6 / count as f64
    };
    let (shard, primary) = (changed(Change::Shard), changed(Change::Primary));
    assert!(router.generation() > generation, "changes are published");
    let each = |time: Duration| time.as_secs_f64() * 1e6 / count as f64;
    println!(
        "| {what} | {count} | {:.0} | {:.2} | {:.1} | {:.2} | {shard:.2} | {primary:.2} |",
        kept as f64 / count as f64,
        each(first),
        mib(above),
        each(same),
    );
}

/// Shards that are listed no more, and their end.
fn vanished(count: usize) {
    let size = Size { tables: 1, shards_each: count, groups: 100 };
    let node = Node::start(size, false);
    let hold = Duration::from_millis(1);
    let router = Router::new(Config { vanished_hold: hold, ..config(&node) });
    router.seed(None).expect("seeded");
    node.change(size, Change::Fewer, false);
    let mut lost = Duration::ZERO;
    let peak = memory::most(|| {
        let start = Instant::now();
        router.seed(None).expect("refreshed");
        lost = start.elapsed();
    });
    let above = mib(peak - memory::now());
    std::thread::sleep(hold * 2);
    let start = Instant::now();
    router.seed(None).expect("refreshed");
    let over = start.elapsed();
    let each = |time: Duration| time.as_secs_f64() * 1e6 / (count / 10) as f64;
    let (lost, over) = (each(lost), each(over));
    println!("| {} | {lost:.2} | {above:.1} | {over:.2} |", count / 10);
}

/// What a snapshot on disk adds.
fn snapshot(count: usize) {
    let size = Size { tables: 1, shards_each: count, groups: 100 };
    let node = Node::start(size, false);
    let router = Router::new(config(&node));
    let bare = memory::most(|| router.seed(None).expect("seeded")) - memory::now();
    drop(router);
    let path: PathBuf = std::env::temp_dir().join(format!("many-{}.json", std::process::id()));
    let router = Router::new(Config { snapshot_file: Some(path.clone()), ..config(&node) });
    let start = Instant::now();
    let peak = memory::most(|| router.seed(None).expect("seeded")) - memory::now();
    let time = start.elapsed();
    let size = std::fs::metadata(&path).map_or(0, |file| file.len());
    std::fs::remove_file(&path).expect("a snapshot");
    println!(
        "| {count} | {:.0} | {:.2} | {:.1} | {:.1} |",
        size as f64 / count as f64,
        time.as_secs_f64() * 1e6 / count as f64,
        mib(bare),
        mib(peak)
    );
}

fn handles(count: usize) {
    let node = Node::start(Size { tables: 4, shards_each: 4, groups: 4 }, false);
    let base = memory::now();
    let start = Instant::now();
    let routers: Vec<Router> = (0..count)
        .map(|_| {
            let router = Router::new(config(&node));
            router.seed(None).expect("seeded");
            router
        })
        .collect();
    let first = start.elapsed();
    let kept = memory::now() - base;
    let start = Instant::now();
    for router in &routers {
        router.seed(None).expect("refreshed");
    }
    let same = start.elapsed();
    let each = |time: Duration| time.as_secs_f64() * 1e6 / count as f64;
    println!(
        "| handles of small farms | {count} | {:.0} | {:.2} | | {:.2} | | |",
        kept as f64 / count as f64,
        each(first),
        each(same)
    );
}

fn main() {
    let part = std::env::var("PART").ok().and_then(|part| part.parse().ok()).unwrap_or(1);
    println!(
        "Of a Fabric node over HTTP, whose replies are ready beforehand. Memory for each, and how \
         much more than that the first fetch takes; microseconds for each of the first fetch, and \
         of a refresh after no change, with one shard moved, and with one primary changed.\n"
    );
    println!(
        "| farm of many | number | bytes in memory | first fetch | above, MiB | no change | \
         a shard moved | a primary changed |\n|---|---|---|---|---|---|---|---|"
    );
    for count in [100_000 / part, 1_000_000 / part] {
        let size = Size { tables: 1, shards_each: count, groups: 1000 };
        farm("shards", count, size, false);
        farm("shards, gzip", count, size, true);
    }
    for count in [1_000 / part, 10_000 / part] {
        farm(
            "tables of 4 shards",
            count,
            Size { tables: count, shards_each: 4, groups: 10 },
            false,
        );
    }
    for count in [1_000 / part, 10_000 / part] {
        let size = Size { tables: 1, shards_each: count, groups: count };
        farm("groups of 3 servers", count, size, false);
    }
    for count in [1_000 / part, 10_000 / part] {
        let all = Size { tables: count, shards_each: 100, groups: count };
        farm("all of it: shards", all.shards(), all, false);
    }
    [100 / part, 1_000 / part].into_iter().for_each(handles);
    println!(
        "\nOne shard in ten is not listed any more: microseconds for each of the refresh that \
         misses them, and of the one that gives them up.\n\n\
         | shards that vanish | missed | above, MiB | given up |\n|---|---|---|---|"
    );
    [100_000 / part, 1_000_000 / part].into_iter().for_each(vanished);
    println!(
        "\nWith a snapshot on disk.\n\n\
         | shards | bytes in the file | us to fetch and write | above without, MiB | above with, MiB \
         |\n|---|---|---|---|---|"
    );
    [100_000 / part, 1_000_000 / part].into_iter().for_each(snapshot);
}
