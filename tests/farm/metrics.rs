//! The numbers of a handle, in runs whose every request is known.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use fabricd::{Fault, FaultKind};
use mysqlfabric::base::error::Code;
use mysqlfabric::router::{Router, Scope};
use mysqlfabric::topology::{Key, Wanted};

use crate::support::*;

#[test]
fn a_new_handle_has_counted_nothing() {
    let server = sample();
    let numbers = router(&server).metrics();
    assert_eq!((numbers.lookups, numbers.refused, numbers.requests), (0, 0, 0));
    assert_eq!((numbers.bytes_received, numbers.generation), (0, 0));
    assert_eq!((numbers.age, numbers.last_error_age), (None, None));
    assert_eq!((numbers.nodes_known, numbers.nodes_up), (1, 1));
}

#[test]
fn every_number_of_a_scripted_run_is_known() {
    let server = sample();
    let router = router(&server);
    for key in [1, 10_001, 20_001] {
        group_of(&router, "employees.salaries", Key::Integer(key)).expect("a group");
    }
    assert_eq!(
        code(group_of(&router, "employees.salaries", Key::Integer(-1))),
        Code::KeyOutOfRange
    );
    let numbers = router.metrics();
    assert_eq!((numbers.lookups, numbers.refused), (3, 1));
    assert_eq!((numbers.refreshes.callers, numbers.refreshes.background), (1, 0));
    assert_eq!(numbers.requests, methods(&server).len() as u64);
    assert_eq!(numbers.requests, 4, "the challenge, nodes, tables, groups");
    assert!(numbers.bytes_received > 0);
    assert!(numbers.bytes_inflated > 2 * numbers.bytes_received, "{numbers:?}");
    assert_eq!(numbers.generation, router.generation());
    assert!(numbers.age.expect("an age") < 10_000);
    assert_eq!(numbers.last_error, None);

    // What is known costs no request, and what is asked of the cache no refresh.
    primary_of(&router, "shard1").expect("a primary");
    router.group_servers("shard1", true, |_, servers| Ok(servers.len())).expect("servers");
    router.table("employees.salaries", |_, _| Ok(())).expect("a table");
    let later = router.metrics();
    assert_eq!((later.lookups, later.refused), (6, 1));
    assert_eq!((later.requests, later.bytes_received), (4, numbers.bytes_received));
    assert_eq!(later.refreshes, numbers.refreshes);

    server.set_fault(Fault::always(FaultKind::Status(500)));
    assert_eq!(code(router.group_servers("shard1", false, |_, _| Ok(()))), Code::Protocol);
    let failed = router.metrics();
    assert_eq!((failed.lookups, failed.refused), (6, 2));
    assert_eq!((failed.refreshes.callers, failed.refreshes.failed), (2, 1));
    assert_eq!(failed.requests, 6, "two attempts");
    let last = failed.last_error.expect("an error");
    assert_eq!(last.code, Code::Protocol);
    assert!(last.message.contains("500"), "{last:?}");
    assert!(failed.last_error_age.expect("an age") < 10_000);
    assert_eq!((failed.nodes_known, failed.nodes_up), (1, 0));
}

#[test]
fn waiting_lookups_count_once_and_opening_a_table_is_none() {
    let server = sample();
    let router = router(&server);
    let numbers = || (router.metrics().lookups, router.metrics().refused);
    router.open(&["employees.salaries"]).expect("opened");
    router.open(&["no.such"]).expect_err("no table");
    assert_eq!(numbers(), (0, 0));
    let most = Duration::from_millis(300);
    let wait = |group| router.group_server_wait(group, Wanted::Primary, most, |_, s| Ok(s.port));
    wait("shard1").expect("a primary");
    let of_key = |key| {
        let (tables, key) = ([&b"employees.salaries"[..]], Some(Key::Integer(key)));
        let scope = Scope::Local;
        router.shard_server_wait(&tables, key, scope, Wanted::Primary, most, |_, s| Ok(s.port))
    };
    of_key(1).expect("a primary");
    assert_eq!(numbers(), (2, 0));
    of_key(0).expect_err("no shard");
    assert_eq!(numbers(), (2, 1));
    // However often it looked meanwhile.
    server.farm().demote("shard1").expect("no primary");
    router.reset_cache(None);
    wait("shard1").expect_err("no primary");
    assert_eq!(numbers(), (2, 2));
}

#[test]
fn the_background_refresh_counts_for_itself() {
    let server = sample();
    let mut config = config(&[&server]);
    (config.background_refresh, config.refresh_share_percent) = (true, 100);
    (config.ttl_min, config.ttl_max) = (Duration::ZERO, Duration::from_millis(40));
    let router = Router::new(config);
    primary_of(&router, "shard1").expect("a primary");
    eventually("three refreshes", || router.metrics().refreshes.background >= 3);
    assert_eq!(router.metrics().refreshes.callers, 1);
    assert_eq!(router.metrics().lookups, 1);
}

#[test]
fn threads_lose_no_lookup_and_see_numbers_grow() {
    const THREADS: u64 = 8;
    const EACH: u64 = 20_000;
    let server = sample();
    let router = router(&server);
    router.seed(None).expect("seeded");
    let done = AtomicBool::new(false);
    std::thread::scope(|scope| {
        let lookups: Vec<_> = (0..THREADS)
            .map(|_| {
                scope.spawn(|| {
                    for i in 0..EACH {
                        let key = if i % 4 == 0 { -1 } else { 1 };
                        let _ = group_of(&router, "employees.salaries", Key::Integer(key));
                    }
                })
            })
            .collect();
        scope.spawn(|| {
            let (mut answered, mut refused) = (0, 0);
            while !done.load(Ordering::Relaxed) {
                let numbers = router.metrics();
                assert!(numbers.lookups >= answered && numbers.refused >= refused);
                (answered, refused) = (numbers.lookups, numbers.refused);
            }
        });
        lookups.into_iter().for_each(|thread| thread.join().expect("lookups"));
        done.store(true, Ordering::Relaxed);
    });
    let numbers = router.metrics();
    assert_eq!(numbers.lookups, THREADS * EACH * 3 / 4);
    assert_eq!(numbers.refused, THREADS * EACH / 4);
}
