//! The refresh in the background: lookups never wait for it, and it never gives up.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use fabricd::{Fault, FaultKind, Server};
use mysqlfabric::base::error::Code;
use mysqlfabric::config::Config;
use mysqlfabric::router::Router;
use mysqlfabric::topology::Key;

use crate::cache::promote;
use crate::support::*;

/// A time to live that ends many times during a test.
fn busy(servers: &[&Server]) -> Config {
    Config {
        background_refresh: true,
        refresh_share_percent: 100,
        ttl_min: Duration::ZERO,
        ttl_max: Duration::from_millis(60),
        ..config(servers)
    }
}

fn dumps(server: &Server) -> usize {
    methods(server).iter().filter(|method| *method == "dump.servers").count()
}

#[test]
fn what_is_used_stays_fresh_without_a_lookup() {
    let server = sample();
    let router = Router::new(busy(&[&server]));
    group_of(&router, "employees.salaries", Key::Integer(1)).expect("a group");
    let generation = router.generation();
    promote(&server, "shard1", 33612);
    eventually("a new generation", || router.generation() > generation);
    assert_eq!(router.generation(), generation + 1);
    assert_eq!(primary_of(&router, "shard1").expect("a primary"), 33612);

    // Two requests a refresh: all tables in one, all groups in the other.
    server.clear_requests();
    eventually("three refreshes", || dumps(&server) >= 3);
    let asked = methods(&server);
    let tables = asked.iter().filter(|method| *method == "dump.sharding_information").count();
    assert!(tables.abs_diff(dumps(&server)) <= 1, "{asked:?}");
    assert_eq!(asked.len(), tables + asked.iter().filter(|m| *m == "dump.servers").count());
    assert_eq!(router.generation(), generation + 1, "unchanged content publishes nothing");
}

#[test]
fn a_handle_that_was_never_used_asks_nothing() {
    let server = sample();
    let router = Router::new(busy(&[&server]));
    std::thread::sleep(Duration::from_millis(150));
    assert!(server.requests().is_empty());
    drop(router);
}

#[test]
fn no_lookup_waits_however_fabric_behaves() {
    let server = sample();
    let router = Router::new(busy(&[&server]));
    group_of(&router, "employees.salaries", Key::Integer(1)).expect("a group");
    let done = AtomicBool::new(false);
    let slowest = std::thread::scope(|scope| {
        let lookups: Vec<_> = (0..4)
            .map(|_| {
                scope.spawn(|| {
                    let mut slowest = Duration::ZERO;
                    while !done.load(Ordering::Relaxed) {
                        let begun = Instant::now();
                        group_of(&router, "employees.salaries", Key::Integer(1)).expect("a group");
                        slowest = slowest.max(begun.elapsed());
                    }
                    slowest
                })
            })
            .collect();
        for fault in [
            FaultKind::Delay(Duration::from_millis(50)),
            FaultKind::Hang,
            FaultKind::Close,
            FaultKind::Garbage,
            FaultKind::None,
        ] {
            server.set_fault(Fault::always(fault));
            std::thread::sleep(Duration::from_millis(300));
        }
        done.store(true, Ordering::Relaxed);
        lookups.into_iter().map(|thread| thread.join().expect("lookups")).max()
    });
    // The request timeout is 5 s: a lookup that waited for Fabric would have waited for that.
    let slowest = slowest.expect("four threads");
    assert!(slowest < Duration::from_secs(1), "{slowest:?}");
}

#[test]
fn freeing_a_handle_does_not_wait_for_a_hanging_node() {
    let server = sample();
    let router = Router::new(busy(&[&server]));
    primary_of(&router, "shard1").expect("a primary");
    server.set_fault(Fault::always(FaultKind::Hang));
    let hit = server.faults_applied();
    eventually("a request that hangs", || server.faults_applied() > hit);
    let begun = Instant::now();
    drop(router);
    // The deadline of the request is 5 s away.
    assert!(begun.elapsed() < Duration::from_secs(2), "{:?}", begun.elapsed());
}

#[test]
fn an_age_limit_is_kept_and_lifted() {
    let mut server = sample();
    let address = server.addr().to_string();
    for background in [true, false] {
        let mut config = busy(&[&server]);
        config.background_refresh = background;
        config.max_stale = Some(Duration::from_millis(300));
        let router = Router::new(config);
        primary_of(&router, "shard1").expect("a primary");
        server.stop();
        eventually("a refusal", || primary_of(&router, "shard1").is_err());
        assert_eq!(code(primary_of(&router, "shard1")), Code::Stale);
        assert!(router.age().expect("an age") > 300);
        let options = fabricd::Options { listen: address.clone(), ..Default::default() };
        server = Server::start(options).expect("fabricd starts again");
        eventually("an answer", || primary_of(&router, "shard1").is_ok());
    }
}

#[test]
fn a_slow_farm_is_refreshed_less_often() {
    let server = sample();
    let mut config = busy(&[&server]);
    config.refresh_share_percent = 10;
    let router = Router::new(config);
    primary_of(&router, "shard1").expect("a primary");
    server.set_fault(Fault::always(FaultKind::Delay(Duration::from_millis(50))));
    // A tenth of the time is at most two requests of 50 ms in a second.
    eventually("a slow refresh", || dumps(&server) >= 2);
    server.clear_requests();
    std::thread::sleep(Duration::from_secs(2));
    let asked = dumps(&server);
    assert!((1..=6).contains(&asked), "{asked} refreshes in 2 s");
}

#[test]
fn the_whole_farm_stays_whole() {
    let server = sample();
    let router = Router::new(busy(&[&server]));
    router.seed(None).expect("seeded");
    let generation = router.generation();
    let mapping = server.farm().mappings[0].id;
    server.farm().add_table(mapping, "employees.titles", "emp_no").expect("a new table");
    eventually("the new table", || router.generation() > generation);
    server.set_fault(Fault::always(FaultKind::Hang));
    let group = group_of(&router, "employees.titles", Key::Integer(10_021));
    assert_eq!(group.expect("known already"), "shard2");
}

#[test]
fn tables_that_vanish_and_come_back_are_noticed() {
    let server = sample();
    let router = Router::new(busy(&[&server]));
    group_of(&router, "employees.salaries", Key::Integer(1)).expect("a group");
    let taken: Vec<_> = std::mem::take(&mut server.farm().mappings);
    eventually("the table is gone", || {
        group_of(&router, "employees.salaries", Key::Integer(1))
            .is_err_and(|error| error.code == Code::UnknownTable)
    });
    server.farm().mappings = taken;
    eventually("the table is back", || {
        group_of(&router, "employees.salaries", Key::Integer(1)).is_ok()
    });
}
