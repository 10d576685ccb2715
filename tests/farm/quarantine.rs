//! A server that was reported dead: who may try it, and what proves that it is back.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant};

use fabricd::Server;
use mysqlfabric::config::Config;
use mysqlfabric::observe::events::{Delivery, Kind, Listener};
use mysqlfabric::router::Router;
use mysqlfabric::topology::Wanted;

use crate::cache::promote;
use crate::support::*;

const PRIMARY: &str = "aa9b1821-e706-11f1-b000-02fc00000001";
const SECONDARY: &str = "aab422d7-e706-11f1-b000-02fc00000001";

const FAULTY: i64 = 0;
const AS_SECONDARY: i64 = 2;

/// A handle that refreshes all the time: Fabric goes on listing what it lists.
fn watching(server: &Server, quarantine: Duration) -> Config {
    Config {
        background_refresh: true,
        refresh_share_percent: 100,
        ttl_min: Duration::ZERO,
        ttl_max: Duration::from_millis(20),
        quarantine,
        ..config(&[server])
    }
}

fn wait_for_writer(router: &Router) -> u16 {
    let most = Duration::from_secs(60);
    let waited = router.group_server_wait("shard1", Wanted::Primary, most, |_, s| Ok(s.port));
    waited.expect("a primary")
}

/// Eight threads that write, and wait where they must: a dead server is found dead by whoever
/// gets it, and reported. What was handed out of the dead one, and how much of that at a time.
struct Writers {
    handed_out: AtomicUsize,
    at_a_time: AtomicUsize,
    most_at_a_time: AtomicUsize,
}

impl Writers {
    fn run(router: &Router, dead: (u16, &str), dies_in: Duration, then: impl FnOnce()) -> Self {
        let seen = Self {
            handed_out: AtomicUsize::new(0),
            at_a_time: AtomicUsize::new(0),
            most_at_a_time: AtomicUsize::new(0),
        };
        thread::scope(|scope| {
            for _ in 0..8 {
                scope.spawn(|| {
                    while wait_for_writer(router) == dead.0 {
                        seen.handed_out.fetch_add(1, Ordering::Relaxed);
                        let now = seen.at_a_time.fetch_add(1, Ordering::Relaxed) + 1;
                        seen.most_at_a_time.fetch_max(now, Ordering::Relaxed);
                        thread::sleep(dies_in);
                        seen.at_a_time.fetch_sub(1, Ordering::Relaxed);
                        router.report_result(dead.1, 2003);
                    }
                });
            }
            then();
        });
        seen
    }
}

#[test]
fn one_of_eight_waiting_writers_at_a_time_tries_a_dead_primary_that_is_still_listed() {
    let server = sample();
    let router = Router::new(watching(&server, Duration::from_secs(1)));
    assert_eq!(primary_of(&router, "shard1").expect("a primary"), 33611);
    router.report_result(PRIMARY, 2003);
    // A refused connection, some milliseconds away.
    let seen = Writers::run(&router, (33611, PRIMARY), Duration::from_millis(20), || {
        thread::sleep(Duration::from_secs(4));
        promote(&server, "shard1", 33612);
    });
    let (handed_out, most) = (seen.handed_out.into_inner(), seen.most_at_a_time.into_inner());
    println!("the dead primary was handed out {handed_out} times, to {most} at a time");
    assert_eq!(most, 1, "of {handed_out}");
    // After 1 and 3 s.
    assert!((1..=4).contains(&handed_out), "{handed_out}");
}

/// An idle connection that the server closed gives 2006, too. Nobody here tells that all is well.
#[test]
fn a_false_alarm_does_not_bar_a_live_primary_for_long() {
    let server = sample();
    let router = Router::new(watching(&server, Duration::from_millis(200)));
    assert_eq!(primary_of(&router, "shard1").expect("a primary"), 33611);
    router.report_result(PRIMARY, 2006);
    let begun = Instant::now();
    thread::scope(|scope| {
        for _ in 0..8 {
            scope.spawn(|| assert_eq!(wait_for_writer(&router), 33611));
        }
    });
    let took = begun.elapsed();
    assert!(took >= Duration::from_millis(200), "{took:?}");
    assert!(took < Duration::from_secs(20), "{took:?}");
}

#[test]
fn good_news_of_the_trial_lets_everybody_in() {
    let server = sample();
    let mut config = watching(&server, Duration::from_secs(300));
    config.events = Listener::default();
    let router = Router::new(config);
    assert_eq!(primary_of(&router, "shard1").expect("a primary"), 33611);
    router.report_result(PRIMARY, 2006);
    thread::scope(|scope| {
        let waiting: Vec<_> = (0..8).map(|_| scope.spawn(|| wait_for_writer(&router))).collect();
        thread::sleep(Duration::from_millis(50));
        router.report_result(PRIMARY, 0);
        for waiter in waiting {
            assert_eq!(waiter.join().expect("a waiter"), 33611);
        }
    });
}

/// What a handle told of servers, with the time.
#[derive(Clone, Default)]
struct Told(Arc<Mutex<Vec<(Kind, String)>>>);

impl Told {
    fn listener(&self) -> Listener {
        let told = Arc::clone(&self.0);
        Listener::new(move |delivery: &Delivery| {
            let event = &delivery.event;
            if matches!(event.kind, Kind::ServerQuarantined | Kind::ServerBack) {
                told.lock().expect("unpoisoned").push((event.kind, event.server.clone()));
            }
        })
    }

    fn all(&self) -> Vec<(Kind, String)> {
        self.0.lock().expect("unpoisoned").clone()
    }

    fn count(&self, kind: Kind) -> usize {
        self.all().iter().filter(|(told, _)| *told == kind).count()
    }
}

/// Failovers as Fabric makes them: the dead primary stays listed for a while, is FAULTY then, and
/// is repaired some day. Readers and writers go on meanwhile, and tell of failures alone.
#[test]
fn no_dead_server_is_told_to_be_back() {
    let server = sample();
    let told = Told::default();
    let config = watching(&server, Duration::from_millis(50));
    let router = Router::new(Config { events: told.listener(), ..config });
    let servers = [(33611, PRIMARY), (33612, SECONDARY)];
    primary_of(&router, "shard1").expect("a primary");
    for round in 0..6 {
        let (dead, other) = (servers[round % 2], servers[(round + 1) % 2]);
        let reports = told.count(Kind::ServerQuarantined);
        router.report_result(dead.1, 2013);
        eventually("the quarantine", || told.count(Kind::ServerQuarantined) > reports);
        // Long enough for some trials, and for what was told on base after two quarantines.
        Writers::run(&router, (dead.0, dead.1), Duration::from_millis(5), || {
            thread::sleep(Duration::from_millis(400));
            promote(&server, "shard1", other.0);
        });
        server.farm().set_status(dead.1, FAULTY).expect("faulty");
        eventually("it is unlisted", || {
            router
                .group_servers("shard1", true, |_, servers| {
                    Ok(servers.iter().all(|listed| listed.uuid != dead.1))
                })
                .expect("servers")
        });
        // Time goes by, and proves nothing.
        thread::sleep(Duration::from_millis(300));
        assert_eq!(told.count(Kind::ServerBack), round, "{:?}", told.all());
        server.farm().set_status(dead.1, AS_SECONDARY).expect("repaired");
        eventually("it is back", || told.count(Kind::ServerBack) == round + 1);
        assert_eq!(told.all().last(), Some(&(Kind::ServerBack, dead.1.to_owned())));
    }
    assert!(told.count(Kind::ServerQuarantined) >= 6, "{:?}", told.all());
}

/// A trial without bad news brings a secondary back to use, and tells nothing.
#[test]
fn a_quiet_trial_restores_use_and_tells_nothing() {
    let server = sample();
    let told = Told::default();
    let config = watching(&server, Duration::from_millis(50));
    let router = Router::new(Config { events: told.listener(), ..config });
    let read = || {
        let port = router.group_server("shard1", Wanted::Reader, |_, server| Ok(server.port));
        port.expect("a reader")
    };
    read();
    router.report_result(SECONDARY, 2003);
    eventually("it has its turns again", || (0..20).filter(|_| read() == 33612).count() > 4);
    assert_eq!(told.count(Kind::ServerBack), 0, "{:?}", told.all());
    router.report_result(SECONDARY, 0);
    eventually("a good report proves it", || told.count(Kind::ServerBack) == 1);
    router.report_result(SECONDARY, 0);
    router.report_result(SECONDARY, 2003);
    eventually("it is away again", || told.count(Kind::ServerQuarantined) == 2);
    assert_eq!(told.count(Kind::ServerBack), 1);
}
