//! What a service reports is routed around at once.

use std::time::{Duration, Instant};

use fabricd::{Fault, FaultKind, Server};
use mysqlfabric::base::error::Code;
use mysqlfabric::config::{Config, ReportErrors};
use mysqlfabric::router::{Router, Scope};
use mysqlfabric::topology::{Key, Wanted};

use crate::cache::promote;
use crate::support::*;

const PRIMARY: &str = "aa9b1821-e706-11f1-b000-02fc00000001";
const SECONDARY: &str = "aab422d7-e706-11f1-b000-02fc00000001";
const OTHER_SECONDARY: &str = "aacdbf69-e706-11f1-b000-02fc00000001";

fn careful(server: &Server, background: bool) -> Config {
    Config {
        background_refresh: background,
        quarantine: Duration::from_secs(300),
        write_hold: Duration::from_secs(300),
        ..config(&[server])
    }
}

fn readers(router: &Router) -> Vec<u16> {
    let read = |_| {
        let port = router.group_server("shard1", Wanted::Reader, |_, server| Ok(server.port));
        port.expect("a reader")
    };
    let mut ports: Vec<u16> = (0..50).map(read).collect();
    ports.sort_unstable();
    ports.dedup();
    ports
}

#[test]
fn reads_leave_out_what_cannot_be_reached_and_take_it_back() {
    for background in [false, true] {
        let server = sample();
        let router = Router::new(careful(&server, background));
        assert_eq!(readers(&router), [33612, 33613]);
        router.report_result(SECONDARY, 1040);
        assert_eq!(readers(&router), [33612, 33613], "load is not death");
        router.report_result(SECONDARY, 2003);
        assert_eq!(readers(&router), [33613], "background refresh: {background}");
        router.report_result(OTHER_SECONDARY, 2013);
        assert_eq!(readers(&router), [33611], "the primary reads for want of a secondary");
        router.report_result(PRIMARY, 2006);
        assert_eq!(readers(&router), [33612, 33613], "the last ones standing serve");
        assert_eq!(primary_of(&router, "shard1").expect("a primary"), 33611, "there is no other");
        router.report_result(SECONDARY, 0);
        assert_eq!(readers(&router), [33612]);
        router.report_result("00000000-0000-0000-0000-000000000000", 2003);
        assert_eq!(readers(&router), [33612], "a server nobody knows changes nothing");
    }
}

#[test]
fn a_quarantine_ends_by_itself() {
    let server = sample();
    let mut config = careful(&server, true);
    config.quarantine = Duration::from_millis(100);
    let router = Router::new(config);
    assert_eq!(readers(&router), [33612, 33613]);
    router.report_result(SECONDARY, 2003);
    eventually("both read again", || readers(&router) == [33612, 33613]);
}

#[test]
fn after_its_quarantine_a_server_is_tried_by_one_request() {
    const BOTH: [u16; 2] = [33612, 33613];
    let server = sample();
    let mut config = careful(&server, true);
    // Long enough that no trial ends by itself while the test looks on.
    config.quarantine = Duration::from_secs(2);
    let router = Router::new(config);
    readers(&router);
    router.report_result(SECONDARY, 2003);
    let read = || router.group_server("shard1", Wanted::Reader, |_, s| Ok(s.port)).expect("one");
    eventually("it is tried", || read() == 33612);
    assert_eq!(readers(&router), [33613], "by nobody else");
    router.report_result(SECONDARY, 2003);
    assert_eq!(readers(&router), [33613]);
    eventually("it is tried again", || read() == 33612);
    assert_eq!(readers(&router), [33613]);
    router.report_result(SECONDARY, 0);
    assert_eq!(readers(&router), BOTH, "it answered");
}

#[test]
fn a_quarantine_outlives_a_refresh() {
    let server = sample();
    let mut config = careful(&server, true);
    (config.ttl_min, config.ttl_max) = (Duration::ZERO, Duration::from_millis(30));
    config.refresh_share_percent = 100;
    let router = Router::new(config);
    readers(&router);
    router.report_result(SECONDARY, 2003);
    server.clear_requests();
    eventually("three refreshes", || methods(&server).len() >= 6);
    assert_eq!(readers(&router), [33613]);
}

#[test]
fn a_read_only_primary_holds_writes_until_there_is_another() {
    for background in [false, true] {
        let server = sample();
        let router = Router::new(careful(&server, background));
        assert_eq!(primary_of(&router, "shard1").expect("a primary"), 33611);
        router.report_result(SECONDARY, 1290);
        assert_eq!(primary_of(&router, "shard1").expect("secondaries are read-only"), 33611);

        router.report_result(PRIMARY, 1290);
        assert_eq!(code(primary_of(&router, "shard1")), Code::WriteHeld);
        assert_eq!(readers(&router), [33612, 33613], "reads go on");
        assert_eq!(primary_of(&router, "shard2").expect("other groups go on"), 33621);

        promote(&server, "shard1", 33612);
        router.reset_cache(Some("shard1"));
        assert_eq!(primary_of(&router, "shard1").expect("the new primary"), 33612);
    }
}

#[test]
fn a_new_shard_map_ends_a_hold() {
    let server = sample();
    let router = Router::new(careful(&server, true));
    group_of(&router, "employees.salaries", Key::Integer(5)).expect("a group");
    router.report_result(PRIMARY, 1836);
    assert_eq!(code(primary_of(&router, "shard1")), Code::WriteHeld);
    let shard = shard_of(&server, "employees.salaries", "1");
    server.farm().split_shard(shard, "5000", "shard4").expect("a split");
    router.reset_cache(None);
    assert_eq!(group_of(&router, "employees.salaries", Key::Integer(5)).expect("it"), "shard1");
    assert_eq!(group_of(&router, "employees.salaries", Key::Integer(6000)).expect("it"), "shard4");
}

pub fn shard_of(server: &Server, table: &str, bound: &str) -> i64 {
    let farm = server.farm();
    let mapping = farm.mapping_of(table).expect("the mapping");
    mapping.shards.iter().find(|shard| shard.lower_bound == bound).expect("the shard").id
}

#[test]
fn a_hold_ends_in_time_and_can_be_turned_off() {
    let server = sample();
    server.farm().ttl = 0;
    let mut config = careful(&server, true);
    config.write_hold = Duration::from_millis(200);
    let router = Router::new(config.clone());
    primary_of(&router, "shard1").expect("a primary");
    let begun = Instant::now();
    router.report_result(PRIMARY, 1792);
    assert_eq!(code(primary_of(&router, "shard1")), Code::WriteHeld);
    eventually("the end of the hold", || primary_of(&router, "shard1").is_ok());
    assert!(begun.elapsed() >= Duration::from_millis(200));

    config.write_hold = Duration::ZERO;
    let router = Router::new(config);
    primary_of(&router, "shard1").expect("a primary");
    router.report_result(PRIMARY, 1290);
    assert_eq!(primary_of(&router, "shard1").expect("no hold"), 33611);
}

fn dumps(server: &Server) -> usize {
    methods(server).iter().filter(|method| *method == "dump.servers").count()
}

#[test]
fn waiting_callers_get_the_newer_primary_and_fabric_is_not_stormed() {
    for background in [false, true] {
        let server = sample();
        let router = Router::new(careful(&server, background));
        group_of(&router, "employees.salaries", Key::Integer(5)).expect("a group");
        router.report_result(PRIMARY, 2003);
        server.clear_requests();
        let begun = Instant::now();
        std::thread::scope(|scope| {
            let waiting: Vec<_> = (0..8)
                .map(|_| {
                    scope.spawn(|| {
                        router.shard_server_wait(
                            &[b"employees.salaries"],
                            Some(Key::Integer(5)),
                            Scope::Local,
                            Wanted::Primary,
                            Duration::from_secs(60),
                            |_, server| Ok(server.port),
                        )
                    })
                })
                .collect();
            eventually("six questions", || dumps(&server) >= 6);
            promote(&server, "shard1", 33613);
            let promoted = Instant::now();
            for caller in waiting {
                assert_eq!(caller.join().expect("a caller").expect("a primary"), 33613);
            }
            println!("all there {:?} after the promotion", promoted.elapsed());
        });
        // One each 100 ms, whoever waits. A refresh that load makes slow has another one beside it,
        // and each may be asked for twice; eight callers who ask by themselves would be many more.
        let most = begun.elapsed().as_millis() / 100 * 3 + 6;
        let asked = dumps(&server);
        assert!(asked as u128 <= most, "{asked} dumps in {:?}", begun.elapsed());
    }
}

#[test]
fn waiting_ends_with_the_deadline_or_at_once_if_it_is_no_use() {
    let server = sample();
    let router = Router::new(careful(&server, true));
    primary_of(&router, "shard1").expect("a primary");
    server.farm().demote("shard1").expect("no primary");
    router.reset_cache(None);
    let wait = |group: &str, millis| {
        let most = Duration::from_millis(millis);
        router.group_server_wait(group, Wanted::Primary, most, |_, server| Ok(server.port))
    };
    let begun = Instant::now();
    assert_eq!(code(wait("shard1", 300)), Code::NoServer);
    assert!(begun.elapsed() >= Duration::from_millis(300));
    assert_eq!(code(wait("shard2", 0)), Code::WouldBlock, "nobody asked for it yet");
    assert_eq!(wait("shard2", 30_000).expect("fetched"), 33621);
    assert_eq!(wait("shard2", 0).expect("there already"), 33621);
    let unknown = router.shard_server_wait(
        &[b"no.such"],
        Some(Key::Integer(5)),
        Scope::Local,
        Wanted::Primary,
        Duration::from_secs(300),
        |_, server| Ok(server.port),
    );
    assert_eq!(code(unknown), Code::UnknownTable, "no time makes a table");
}

#[test]
fn reports_are_queued_and_the_caller_goes_on() {
    let server = sample();
    let mut config = careful(&server, true);
    config.report_errors = ReportErrors::Failure;
    let router = Router::new(config);
    primary_of(&router, "shard1").expect("a primary");
    let slow = Fault::always(FaultKind::Delay(Duration::from_millis(300)));
    server.set_fault(slow.on("threat.report_failure"));
    let begun = Instant::now();
    for _ in 0..100 {
        router.report_result(PRIMARY, 2013);
        router.report_result(SECONDARY, 2013);
    }
    assert!(begun.elapsed() < Duration::from_millis(300), "{:?}", begun.elapsed());
    eventually("both reports", || server.reports().len() == 2);
    let at_once = Duration::from_secs(60);
    let primary = router.group_server_wait("shard1", Wanted::Primary, at_once, |_, s| Ok(s.port));
    assert_eq!(primary.expect("the one that is left"), 33613);
}

#[test]
fn a_hold_lasts_as_long_as_fabric_keeps_a_primary_read_only() {
    let server = sample();
    server.farm().ttl = 20;
    let mut config = careful(&server, false);
    config.write_hold = Duration::from_millis(20);
    config.ttl_max = Duration::from_millis(20);
    config.ttl_min = Duration::ZERO;
    let router = Router::new(config);
    primary_of(&router, "shard1").expect("a primary");
    router.report_result(PRIMARY, 1290);
    std::thread::sleep(Duration::from_millis(1000));
    assert_eq!(code(primary_of(&router, "shard1")), Code::WriteHeld, "24 s, and not 0.02");
}

/// Whether writes to shard1 are still held after `change` has been fetched.
fn is_held_after(change: impl FnOnce(&Server)) -> bool {
    let server = sample();
    let router = Router::new(careful(&server, false));
    router.seed(None).expect("seeded");
    router.report_result(PRIMARY, 1290);
    assert_eq!(code(primary_of(&router, "shard1")), Code::WriteHeld);
    change(&server);
    router.prefetch(&[]).expect("fetched");
    match primary_of(&router, "shard1") {
        Ok(_) => false,
        Err(error) => error.code == Code::WriteHeld,
    }
}

/// What happens to other tables of the group, and in other parts of the table, says nothing of the
/// change that the primary refused a write for.
#[test]
fn only_a_map_that_moves_the_groups_keys_ends_a_hold() {
    const SALARIES: &str = "employees.salaries";
    let of_group = |server: &Server| -> Vec<String> {
        let farm = server.farm();
        let uses = |m: &&fabricd::Mapping| m.shards.iter().any(|shard| shard.group == "shard1");
        let tables = farm.mappings.iter().filter(uses).flat_map(|mapping| &mapping.tables);
        tables.map(|table| table.name()).filter(|name| name != SALARIES).collect()
    };
    assert!(!of_group(&sample()).is_empty(), "the group has other tables");
    let others = |server: &Server, change: &dyn Fn(&mut fabricd::Mapping)| {
        let mut farm = server.farm();
        let other = |mapping: &&mut fabricd::Mapping| {
            mapping.tables.iter().all(|table| table.name() != SALARIES)
        };
        farm.mappings.iter_mut().filter(other).for_each(change);
    };
    assert!(is_held_after(|server| others(server, &|mapping| mapping.tables.clear())), "absent");
    let strange = |mapping: &mut fabricd::Mapping| mapping.type_name = "LIST".into();
    assert!(is_held_after(|server| others(server, &strange)), "unusable");
    assert!(is_held_after(|server| {
        let shard = shard_of(server, SALARIES, "10001");
        server.farm().split_shard(shard, "15000", "shard4").expect("a split");
    }));
    assert!(is_held_after(|server| {
        let shard = shard_of(server, SALARIES, "1");
        server.farm().set_shard_state(shard, fabricd::State::Disabled).expect("disabled");
    }));
    assert!(!is_held_after(|server| {
        let shard = shard_of(server, SALARIES, "1");
        server.farm().split_shard(shard, "5000", "shard4").expect("a split");
    }));
    assert!(!is_held_after(|server| {
        let shard = shard_of(server, SALARIES, "1");
        server.farm().move_shard(shard, "shard4").expect("a move");
    }));
    assert!(!is_held_after(|server| promote(server, "shard1", 33612)));
}

#[test]
fn of_two_primaries_none_is_one() {
    let server = sample();
    let router = Router::new(careful(&server, false));
    assert_eq!(primary_of(&router, "shard1").expect("a primary"), 33611);
    let set = |status: i64| {
        let mut farm = server.farm();
        let servers = farm.groups.iter_mut().flat_map(|group| &mut group.servers);
        let other = servers.into_iter().find(|server| server.uuid == SECONDARY).expect("it");
        (other.status, other.mode) = (status, if status == fabricd::PRIMARY { 3 } else { 1 });
    };
    set(fabricd::PRIMARY);
    router.prefetch(&[]).expect("fetched");
    let refusal = primary_of(&router, "shard1").expect_err("two primaries");
    assert_eq!(refusal.code, Code::NoServer);
    assert!(refusal.message.contains("several primaries"), "{refusal}");
    assert_eq!(readers(&router), [33613], "a secondary is a secondary");
    set(fabricd::SECONDARY);
    router.prefetch(&[]).expect("fetched");
    assert_eq!(primary_of(&router, "shard1").expect("one again"), 33611);
}
