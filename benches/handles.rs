//! What one Fabric node sees of a hundred handles: `cargo bench --bench handles`, or with
//! SECONDS=60 for a longer look.
//!
//! Every thread looks up a key each millisecond. The time to live is 1 s, as a server is shipped.

use std::env;
use std::fs;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use fabricd::{Farm, Options, Server};
use mysqlfabric::config::{Config, Credentials, Node};
use mysqlfabric::router::{Router, Scope};
use mysqlfabric::topology::{Key, Wanted};
use zeroize::Zeroizing;

const HANDLES: usize = 100;

fn handle(server: &Server, refreshed: bool) -> Router {
    Router::new(Config {
        nodes: vec![Node { host: "127.0.0.1".into(), port: server.port() }],
        credentials: Some(Credentials {
            user: "admin".into(),
            password: Zeroizing::new("secret".into()),
        }),
        background_refresh: refreshed,
        ..Config::default()
    })
}

fn lookup(router: &Router, key: i64) -> bool {
    let tables: [&[u8]; 1] = [b"employees.salaries"];
    let key = Some(Key::Integer(key));
    router.shard_server(&tables, key, Scope::Local, Wanted::Primary, |_, s| Ok(s.port)).is_ok()
}

/// CPU time of the process's threads of that name, as far as the kernel tells.
fn cpu_of(name: &str) -> Option<Duration> {
    let mut nanos = 0;
    for task in fs::read_dir("/proc/self/task").ok()?.flatten() {
        let read = |file| fs::read_to_string(task.path().join(file)).unwrap_or_default();
        if read("comm").trim_end() == name {
            nanos += read("schedstat").split(' ').next()?.parse::<u64>().ok()?;
        }
    }
    Some(Duration::from_nanos(nanos))
}

fn show(server: &Server, name: &str, threads: usize, refreshed: bool, time: Duration) {
    let routers: Vec<Router> = (0..HANDLES).map(|_| handle(server, refreshed)).collect();
    let (done, lookups, failed) = (AtomicBool::new(false), AtomicU64::new(0), AtomicU64::new(0));
    thread::scope(|scope| {
        for router in routers.iter().flat_map(|router| vec![router; threads]) {
            let (done, lookups, failed) = (&done, &lookups, &failed);
            scope.spawn(move || {
                let mut key = 0;
                while !done.load(Ordering::Relaxed) {
                    key = key % 30_000 + 7;
                    lookups.fetch_add(1, Ordering::Relaxed);
                    failed.fetch_add(u64::from(!lookup(router, key)), Ordering::Relaxed);
                    thread::sleep(Duration::from_millis(1));
                }
            });
        }
        // What every handle asks at first is another matter.
        thread::sleep(Duration::from_secs(3));
        server.clear_requests();
        let (begun, cpu) = (Instant::now(), cpu_of("fabric-refresh"));
        thread::sleep(time);
        let (requests, took) = (server.requests().len(), begun.elapsed().as_secs_f64());
        let spent = cpu_of("fabric-refresh").zip(cpu).map(|(after, before)| after - before);
        let cpu = match spent.filter(|_| refreshed) {
            Some(spent) => format!("{:.2} %", 100.0 * spent.as_secs_f64() / took),
            None => "-".to_owned(),
        };
        let per_second = requests as f64 / took;
        println!(
            "| {name} | {threads} | {per_second:.0} | {:.2} | {} | {cpu} | {:.0} | {} |",
            per_second / HANDLES as f64,
            server.most_open(),
            lookups.load(Ordering::Relaxed) as f64 / (took + 3.0),
            failed.load(Ordering::Relaxed)
        );
        done.store(true, Ordering::Relaxed);
    });
}

fn main() {
    let seconds = env::var("SECONDS").ok().and_then(|text| text.parse().ok()).unwrap_or(10);
    let time = Duration::from_secs(seconds);
    let server = Server::start(Options::new(Farm::sample())).expect("fabricd");
    println!("{HANDLES} handles, time to live 1 s, {seconds} s each\n");
    println!(
        "| refresh | threads a handle | requests/s | requests/s and handle | connections open at \
         most | CPU of all refreshes | lookups/s | failed |"
    );
    println!("|---|---|---|---|---|---|---|---|");
    show(&server, "in the background", 1, true, time);
    show(&server, "in the background", 4, true, time);
    show(&server, "by callers", 1, false, time);
    show(&server, "by callers", 4, false, time);
}
