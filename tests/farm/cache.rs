//! What is kept, for how long, and what a reset does.

use std::time::Duration;

use fabricd::{Fault, FaultKind};
use mysqlfabric::base::error::Code;
use mysqlfabric::router::Router;
use mysqlfabric::topology::Key;

use crate::support::*;

#[test]
fn the_servers_own_time_to_live_counts() {
    let server = sample();
    let mut config = config(&[&server]);
    config.ttl_min = Duration::ZERO;
    let router = Router::new(config);
    server.farm().ttl = 7;
    router.seed(None).expect("seeded");
    assert_eq!(router.ttl(), Some(7_000));
    server.farm().ttl = 0;
    router.seed(None).expect("seeded");
    assert_eq!(router.ttl(), Some(60_000), "0 means the server was told none");
}

#[test]
fn options_clamp_it() {
    let server = sample();
    for (min, max, effective) in [(5, 10, 5), (0, 3, 3), (0, 60, 4)] {
        let mut config = config(&[&server]);
        (config.ttl_min, config.ttl_max) = (Duration::from_secs(min), Duration::from_secs(max));
        let router = Router::new(config);
        server.farm().ttl = 4;
        router.seed(None).expect("seeded");
        assert_eq!(router.ttl(), Some(effective * 1000));
    }
}

#[test]
fn a_change_is_seen_after_the_time_to_live_and_counted_once() {
    let server = sample();
    let mut config = config(&[&server]);
    (config.ttl_min, config.ttl_max) = (Duration::ZERO, Duration::from_millis(30));
    let router = Router::new(config);
    assert_eq!(primary_of(&router, "shard1").expect("a primary"), 33611);
    let generation = router.generation();
    for _ in 0..10 {
        std::thread::sleep(Duration::from_millis(10));
        primary_of(&router, "shard1").expect("a primary");
    }
    assert_eq!(router.generation(), generation, "the same content publishes nothing");
    let asked = methods(&server);
    assert!(asked.iter().filter(|method| *method == "dump.servers").count() > 1, "{asked:?}");

    promote(&server, "shard1", 33612);
    eventually("the new primary", || primary_of(&router, "shard1").expect("a primary") == 33612);
    assert_eq!(router.generation(), generation + 1);
}

pub fn promote(server: &fabricd::Server, group: &str, port: u16) {
    let mut farm = server.farm();
    let group = farm.groups.iter_mut().find(|g| g.id == group).expect("the group");
    for server in &mut group.servers {
        let primary = server.port == i64::from(port);
        server.status = if primary { fabricd::PRIMARY } else { fabricd::SECONDARY };
        server.mode = if primary { 3 } else { 1 };
    }
}

#[test]
fn a_table_that_is_not_there_is_asked_for_once() {
    let server = sample();
    let router = router(&server);
    for _ in 0..5 {
        assert_eq!(code(group_of(&router, "no.such", Key::Integer(1))), Code::UnknownTable);
        assert_eq!(code(primary_of(&router, "nosuch")), Code::UnknownGroup);
    }
    let asked = methods(&server);
    assert_eq!(asked.iter().filter(|m| *m == "dump.sharding_information").count(), 1);
    assert_eq!(asked.iter().filter(|m| *m == "dump.servers").count(), 1);
}

#[test]
fn invented_names_do_not_pile_up() {
    let server = sample();
    let router = router(&server);
    let names: Vec<String> = (0..3000).map(|i| format!("invented.t{i}")).collect();
    for chunk in names.chunks(500) {
        let names: Vec<&str> = chunk.iter().map(String::as_str).collect();
        assert_eq!(code(router.prefetch(&names)), Code::UnknownTable);
    }
    group_of(&router, "employees.salaries", Key::Integer(1)).expect("known tables stay");
    let _ = router.table("employees.salaries", |topology, _| {
        assert!(topology.tables.len() <= 1_001, "{}", topology.tables.len());
        Ok(())
    });
}

#[test]
fn a_reset_asks_before_it_answers() {
    let server = sample();
    let router = router(&server);
    assert_eq!(primary_of(&router, "shard1").expect("a primary"), 33611);
    group_of(&router, "employees.salaries", Key::Integer(1)).expect("a group");
    promote(&server, "shard1", 33613);
    assert_eq!(primary_of(&router, "shard1").expect("the old answer"), 33611);
    router.reset_cache(Some("shard1"));
    assert_eq!(primary_of(&router, "shard1").expect("the new answer"), 33613);

    promote(&server, "shard1", 33612);
    server.clear_requests();
    router.reset_cache(None);
    assert_eq!(primary_of(&router, "shard1").expect("the newest answer"), 33612);
    group_of(&router, "employees.salaries", Key::Integer(1)).expect("a group");
    assert_eq!(methods(&server), ["dump.servers", "dump.sharding_information"]);
}

#[test]
fn a_reset_that_cannot_be_followed_loses_nothing() {
    let server = sample();
    let router = router(&server);
    assert_eq!(primary_of(&router, "shard1").expect("a primary"), 33611);
    group_of(&router, "employees.salaries", Key::Integer(1)).expect("a group");
    server.set_fault(Fault::always(FaultKind::Close));
    router.reset_cache(None);
    assert_eq!(primary_of(&router, "shard1").expect("the old answer"), 33611);
    group_of(&router, "employees.salaries", Key::Integer(1)).expect("the old map");
}

#[test]
fn use_cache_0_asks_now() {
    let server = sample();
    let router = router(&server);
    let count = |cached| {
        router.group_servers("shard1", cached, |_, servers| Ok(servers.len())).expect("servers")
    };
    assert_eq!(count(true), 3);
    server.farm().groups.iter_mut().find(|g| g.id == "shard1").expect("it").servers.pop();
    assert_eq!(count(true), 3);
    assert_eq!(count(false), 2);
    assert_eq!(count(true), 2);
}

#[test]
fn what_was_asked_for_before_a_reset_is_no_answer_to_it() {
    let server = sample();
    let router = router(&server);
    assert_eq!(primary_of(&router, "shard1").expect("a primary"), 33611);
    let slow = Fault::always(FaultKind::Delay(Duration::from_millis(300)));
    server.set_fault(slow.on("dump.servers"));
    server.clear_requests();
    std::thread::scope(|scope| {
        let asking = scope.spawn(|| router.group_servers("shard1", false, |_, _| Ok(())));
        // The answer is made up before it is delayed or after: either way the question is older.
        eventually("the question", || server.faults_applied() > 0);
        promote(&server, "shard1", 33612);
        router.reset_cache(None);
        asking.join().expect("a caller").expect("an answer");
    });
    assert_eq!(primary_of(&router, "shard1").expect("the new primary"), 33612);
    let asked = methods(&server).iter().filter(|method| *method == "dump.servers").count();
    assert_eq!(asked, 2, "the reset has its own question");
}
