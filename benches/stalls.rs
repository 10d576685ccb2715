//! How long lookups take while Fabric is slow, hangs, dies and comes back, beside a run in which
//! nothing is refreshed at all: `cargo bench --bench stalls`, or with SECONDS=60 for the long run.
//!
//! Eight threads look up as fast as they can. The machine's own noise is in both tables, so only
//! their difference says anything.

use std::env;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use fabricd::{Fault, FaultKind, Options, Server};
use mysqlfabric::config::{Config, Credentials, Node};
use mysqlfabric::router::{Router, Scope};
use mysqlfabric::topology::{Key, Wanted};
use zeroize::Zeroizing;

const THREADS: usize = 8;

/// Counts durations in buckets of about 1.6 % width.
#[derive(Clone)]
struct Histogram {
    buckets: Vec<u64>,
    longest: u64,
}

const SUB_BITS: u32 = 6;

impl Histogram {
    fn new() -> Self {
        Self { buckets: vec![0; 64 << SUB_BITS], longest: 0 }
    }

    fn add(&mut self, nanos: u64) {
        self.longest = self.longest.max(nanos);
        let value = nanos.max(1 << SUB_BITS);
        let shift = value.ilog2() - SUB_BITS;
        let bucket = ((shift as usize) << SUB_BITS) + (value >> shift) as usize;
        self.buckets[bucket.min((64 << SUB_BITS) - 1)] += 1;
    }

    fn merge(&mut self, other: &Self) {
        self.longest = self.longest.max(other.longest);
        for (own, others) in self.buckets.iter_mut().zip(&other.buckets) {
            *own += others;
        }
    }

    fn count(&self) -> u64 {
        self.buckets.iter().sum()
    }

    /// The lower edge of the bucket in which the share of all values is reached.
    fn percentile(&self, share: f64) -> u64 {
        let rank = (self.count() as f64 * share).ceil() as u64;
        let mut seen = 0;
        for (bucket, count) in self.buckets.iter().enumerate() {
            seen += count;
            if seen >= rank {
                let shift = (bucket >> SUB_BITS).saturating_sub(1);
                let mantissa = bucket - (shift << SUB_BITS);
                return (mantissa as u64) << shift;
            }
        }
        self.longest
    }
}

fn handle(server: &Server, refreshed: bool) -> Router {
    Router::new(Config {
        nodes: vec![Node { host: "127.0.0.1".into(), port: server.port() }],
        credentials: Some(Credentials {
            user: "admin".into(),
            password: Zeroizing::new("secret".into()),
        }),
        background_refresh: refreshed,
        ttl_min: if refreshed { Duration::ZERO } else { Duration::from_secs(86_400) },
        ..Config::default()
    })
}

fn lookup(router: &Router, key: i64) -> bool {
    let tables: [&[u8]; 1] = [b"employees.salaries"];
    let key = Some(Key::Integer(key));
    router.shard_server(&tables, key, Scope::Local, Wanted::Primary, |_, s| Ok(s.port)).is_ok()
}

/// Lookups of eight threads until `scene` is over: how long they took, and how many failed.
fn measure(router: &Router, scene: impl FnOnce()) -> (Histogram, u64) {
    let done = AtomicBool::new(false);
    thread::scope(|scope| {
        let threads: Vec<_> = (0..THREADS)
            .map(|at| {
                let done = &done;
                scope.spawn(move || {
                    let (mut histogram, mut failed) = (Histogram::new(), 0);
                    let mut key = at as i64;
                    while !done.load(Ordering::Relaxed) {
                        key = key % 30_000 + 7;
                        let begun = Instant::now();
                        let found = lookup(router, key);
                        histogram.add(begun.elapsed().as_nanos() as u64);
                        failed += u64::from(!found);
                    }
                    (histogram, failed)
                })
            })
            .collect();
        scene();
        done.store(true, Ordering::Relaxed);
        let mut all = (Histogram::new(), 0);
        for thread in threads {
            let (histogram, failed) = thread.join().expect("a thread");
            all.0.merge(&histogram);
            all.1 += failed;
        }
        all
    })
}

fn show(name: &str, (histogram, failed): &(Histogram, u64)) {
    let at = |share| histogram.percentile(share) as f64 / 1000.0;
    println!(
        "| {name} | {} | {failed} | {:.2} | {:.2} | {:.2} | {:.1} | {:.0} |",
        histogram.count(),
        at(0.5),
        at(0.99),
        at(0.999),
        at(0.9999),
        histogram.longest as f64 / 1000.0
    );
}

fn main() {
    let seconds = env::var("SECONDS").ok().and_then(|text| text.parse().ok()).unwrap_or(12);
    let scene = Duration::from_secs(seconds) / 4;
    let mut server = Server::start(Options::default()).expect("fabricd");
    let address = server.addr().to_string();

    println!("8 threads, microseconds, {} s each, time to live 1 s\n", scene.as_secs_f64());
    println!("| Fabric | lookups | failed | p50 | p99 | p99.9 | p99.99 | longest |");
    println!("|---|---|---|---|---|---|---|---|");
    let still = handle(&server, false);
    assert!(lookup(&still, 1));
    show("never asked again", &measure(&still, || thread::sleep(scene)));

    let refreshed = handle(&server, true);
    assert!(lookup(&refreshed, 1));
    server.set_fault(Fault::always(FaultKind::Delay(Duration::from_millis(50))));
    show("answers in 50 ms", &measure(&refreshed, || thread::sleep(scene)));
    server.set_fault(Fault::always(FaultKind::Hang));
    show("hangs", &measure(&refreshed, || thread::sleep(scene)));
    server.stop();
    show("is dead", &measure(&refreshed, || thread::sleep(scene)));
    let options = Options { listen: address, ..Options::default() };
    let _back = Server::start(options).expect("fabricd again");
    show("is back", &measure(&refreshed, || thread::sleep(scene)));
    show("never asked again", &measure(&still, || thread::sleep(scene)));
}
