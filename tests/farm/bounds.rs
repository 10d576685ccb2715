//! Every call has a bound, whatever Fabric does.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use fabricd::{Fault, FaultKind, Server, State};
use mysqlfabric::base::error::Code;
use mysqlfabric::config::Config;
use mysqlfabric::observe::events::Kind;
use mysqlfabric::router::{Router, Scope};
use mysqlfabric::topology::{Key, Wanted};

use crate::cache::promote;
use crate::feedback::shard_of;
use crate::support::*;

/// Well above what a call may take, and well below what one request takes that hangs.
const SOON: Duration = Duration::from_secs(5);

/// A Fabric that hangs for longer than any call in here may take.
fn patient(server: &Server) -> Config {
    Config { request_timeout: Duration::from_secs(60), ..config(&[server]) }
}

fn hang(server: &Server) {
    server.set_fault(Fault::always(FaultKind::Hang));
}

fn wait(router: &Router, table: &str, most: u64) -> mysqlfabric::base::error::Result<u16> {
    let (key, most) = (Some(Key::Integer(1)), Duration::from_millis(most));
    let tables = [table.as_bytes()];
    router.shard_server_wait(&tables, key, Scope::Local, Wanted::Primary, most, |_, s| Ok(s.port))
}

#[test]
fn a_hanging_fabric_takes_no_more_than_the_call_may() {
    let server = sample();
    hang(&server);
    for background_refresh in [true, false] {
        let lookup_timeout = Duration::from_millis(300);
        let config = Config { background_refresh, lookup_timeout, ..patient(&server) };
        let router = Router::new(config);
        let begun = Instant::now();
        assert_eq!(code(wait(&router, "employees.salaries", 0)), Code::WouldBlock);
        let refused = group_of(&router, "employees.salaries", Key::Integer(1));
        let error = refused.expect_err("nobody answers");
        assert_eq!(error.code, Code::Timeout);
        assert!(error.message.contains("'employees.salaries'"), "{}", error.message);
        assert_eq!(code(wait(&router, "employees.salaries", 400)), Code::Timeout);
        assert_eq!(code(primary_of(&router, "shard1")), Code::Timeout);
        assert_eq!(code(router.fabric_nodes()), Code::Timeout);
        assert_eq!(code(router.open(&["employees.salaries", "employees.titles"])), Code::Timeout);
        drop(router);
        assert!(begun.elapsed() < SOON, "{:?}", begun.elapsed());
    }
}

#[test]
fn who_may_not_wait_is_told_when_it_was_fetched() {
    let server = sample();
    let (lookup_timeout, background_refresh) = (Duration::ZERO, false);
    let router = Router::new(Config { lookup_timeout, background_refresh, ..patient(&server) });
    router.event_fd().expect("a descriptor");
    assert_eq!(code(primary_of(&router, "shard1")), Code::WouldBlock);
    let mut status = None;
    eventually("the end of the fetch", || match router.next_event() {
        Ok(delivery) if delivery.event.kind == Kind::Fetched => {
            status = Some(delivery.event.failure);
            true
        }
        _ => false,
    });
    assert_eq!(status, Some(None));
    assert_eq!(primary_of(&router, "shard1").expect("fetched"), 33611);

    // From memory: what there is, refusals among it.
    server.farm().demote("shard1").expect("no primary");
    router.group_servers("shard1", true, |_, _| Ok(())).expect("known");
    router.reset_cache(None);
    assert_eq!(code(primary_of(&router, "shard1")), Code::WouldBlock, "a reset asks first");
    eventually("the new state", || {
        primary_of(&router, "shard1").is_err_and(|e| e.code == Code::NoServer)
    });
}

#[test]
fn a_farm_that_was_loaded_whole_knows_what_it_does_not_have() {
    let server = sample();
    for background_refresh in [true, false] {
        server.clear_fault();
        let mut config = Config { background_refresh, ..patient(&server) };
        (config.ttl_min, config.ttl_max) = (Duration::ZERO, Duration::from_millis(20));
        let router = Router::new(config);
        router.seed(None).expect("seeded");
        hang(&server);
        let begun = Instant::now();
        for i in 0..20 {
            let table = format!("employees.misspelt{}", i % 2);
            assert_eq!(code(group_of(&router, &table, Key::Integer(1))), Code::UnknownTable);
            assert_eq!(code(wait(&router, &table, 60_000)), Code::UnknownTable);
            assert_eq!(code(primary_of(&router, "nosuch")), Code::UnknownGroup);
            std::thread::sleep(Duration::from_millis(20));
        }
        assert!(begun.elapsed() < SOON, "{:?}", begun.elapsed());
    }
}

#[test]
fn what_is_asked_for_behind_the_callers_back_is_found() {
    let server = sample();
    let router = Router::new(patient(&server));
    router.seed(None).expect("seeded");
    assert_eq!(code(primary_of(&router, "late")), Code::UnknownGroup);
    {
        let mut farm = server.farm();
        let shard1 = farm.groups.iter().find(|group| group.id == "shard1");
        let mut late = shard1.expect("the group").clone();
        late.id = "late".to_owned();
        farm.groups.push(late);
    }
    router.reset_cache(Some("late"));
    eventually("the new group", || primary_of(&router, "late").is_ok());
}

#[test]
fn an_interrupt_ends_the_waits_of_those_who_wait_and_no_others() {
    let server = sample();
    let router = Router::new(patient(&server));
    primary_of(&router, "shard1").expect("a primary");
    server.farm().demote("shard2").expect("no primary");
    primary_of(&router, "shard2").expect_err("no primary");
    hang(&server);
    let done = AtomicBool::new(false);
    let begun = Instant::now();
    let (router, minute) = (&router, Duration::from_secs(60));
    let group = |name| router.group_server_wait(name, Wanted::Primary, minute, |_, _| Ok(()));
    std::thread::scope(|scope| {
        let waits = [
            scope.spawn(|| code(group("shard2"))),
            scope.spawn(|| code(group("shard3"))),
            scope.spawn(|| code(wait(router, "employees.salaries", 60_000))),
            scope.spawn(|| code(router.seed(None))),
            scope.spawn(|| code(router.prefetch(&["employees.salaries"]))),
            scope.spawn(|| code(router.execute("manage", "ping", &[]))),
        ];
        // Nobody can see whether the others wait already.
        scope.spawn(|| {
            while !done.load(Ordering::Relaxed) {
                router.interrupt();
                std::thread::sleep(Duration::from_millis(5));
            }
        });
        let codes = waits.map(|wait| wait.join().expect("an answer"));
        done.store(true, Ordering::Relaxed);
        assert_eq!(codes, [Code::Interrupted; 6]);
    });
    assert!(begun.elapsed() < SOON, "{:?}", begun.elapsed());
    // Those who come later wait as ever.
    server.clear_fault();
    let again = Instant::now();
    assert_eq!(
        code(router.group_server_wait(
            "shard2",
            Wanted::Primary,
            Duration::from_millis(300),
            |_, _| Ok(()),
        )),
        Code::NoServer
    );
    assert!(again.elapsed() >= Duration::from_millis(300));
}

#[test]
fn a_fetch_that_hangs_holds_up_nobody_else_for_long() {
    let server = sample();
    let mut config = patient(&server);
    config.lookup_timeout = Duration::from_secs(30);
    let router = Router::new(config);
    primary_of(&router, "shard1").expect("a primary");
    // A node is asked once more when it is silent: that hangs, too.
    server.set_fault(Fault { count: 2, ..Fault::always(FaultKind::Hang) });
    std::thread::scope(|scope| {
        let stuck = scope.spawn(|| code(primary_of(&router, "shard2")));
        eventually("two requests that hang", || server.faults_applied() == 2);
        let begun = Instant::now();
        group_of(&router, "employees.salaries", Key::Integer(1)).expect("fetched beside it");
        assert!(begun.elapsed() < Duration::from_secs(20), "{:?}", begun.elapsed());
        router.interrupt();
        stuck.join().expect("an answer");
    });
}

#[test]
fn a_handle_that_nobody_uses_asks_less_and_less() {
    let server = sample();
    let mut config = Config {
        background_refresh: true,
        refresh_share_percent: 100,
        idle_after: Duration::from_millis(300),
        ..config(&[&server])
    };
    (config.ttl_min, config.ttl_max) = (Duration::ZERO, Duration::from_millis(50));
    let router = Router::new(config);
    assert_eq!(primary_of(&router, "shard1").expect("a primary"), 33611);
    let dumps = || methods(&server).iter().filter(|method| *method == "dump.servers").count();
    let refreshes_in_use = || {
        server.clear_requests();
        eventually("forty refreshes", || {
            primary_of(&router, "shard1").expect("a primary");
            dumps() >= 40
        });
    };
    refreshes_in_use();
    std::thread::sleep(Duration::from_millis(600));
    server.clear_requests();
    std::thread::sleep(Duration::from_secs(2));
    // Each pause is half as long as the handle has been unused, so these are 5 at most; in use
    // there would be some 60.
    let idle = dumps();
    assert!(idle <= 8, "{idle} in two seconds");

    // The first one after the pause knows what happened meanwhile, unless it is answered from a
    // refresh that has just been.
    promote(&server, "shard1", 33612);
    std::thread::sleep(Duration::from_millis(300));
    assert_eq!(primary_of(&router, "shard1").expect("a primary"), 33612);
    refreshes_in_use();
}

const PRIMARY: &str = "aa9b1821-e706-11f1-b000-02fc00000001";
const SECONDARY: &str = "aab422d7-e706-11f1-b000-02fc00000001";

fn is_told(router: &Router, kind: Kind) -> bool {
    std::iter::from_fn(|| router.next_event().ok()).any(|delivery| delivery.event.kind == kind)
}

/// A handle that knows the farm while its Fabric hangs, for longer than anything in here may take,
/// and in the middle of a refresh if it refreshes by itself.
fn knowing_while_it_hangs(server: &Server, config: Config) -> Router {
    server.farm().ttl = 0;
    let background = config.background_refresh;
    let mut config = Config { quarantine: Duration::from_millis(500), ..config };
    config.write_hold = Duration::from_millis(500);
    config.ttl_min = Duration::ZERO;
    config.ttl_max = Duration::from_millis(if background { 50 } else { 3_600_000 });
    let router = Router::new(config);
    router.event_fd().expect("a descriptor");
    router.seed(None).expect("seeded");
    hang(server);
    if background {
        eventually("a refresh that hangs", || server.faults_applied() > 0);
    }
    router
}

#[test]
fn a_hold_ends_in_time_while_a_fetch_hangs() {
    for background_refresh in [true, false] {
        let server = sample();
        let config = Config { background_refresh, ..patient(&server) };
        let router = knowing_while_it_hangs(&server, config);
        let begun = Instant::now();
        router.report_result(PRIMARY, 1290);
        assert_eq!(code(primary_of(&router, "shard1")), Code::WriteHeld);
        assert!(is_told(&router, Kind::WritesHeld));
        if !background_refresh {
            // Then it is those who look up who see that it is over.
            eventually("the end", || primary_of(&router, "shard1").is_ok());
        }
        eventually("an event", || is_told(&router, Kind::WritesReleased));
        println!(
            "4000 ms of a write hold, by background {background_refresh}: {:?}",
            begun.elapsed()
        );
        assert_eq!(primary_of(&router, "shard1").expect("held no longer"), 33611);
    }
}

#[test]
fn the_hold_of_a_vanished_shard_ends_in_time_while_a_fetch_hangs() {
    for background_refresh in [true, false] {
        let server = sample();
        let vanished_hold = Duration::from_secs(2);
        let ttl_max = Duration::from_millis(if background_refresh { 50 } else { 3_600_000 });
        let ttl_min = Duration::ZERO;
        let config =
            Config { background_refresh, vanished_hold, ttl_min, ttl_max, ..patient(&server) };
        let router = Router::new(config);
        router.event_fd().expect("a descriptor");
        router.seed(None).expect("seeded");
        let place = || group_of(&router, "employees.salaries", Key::Integer(15_000));
        let shard = shard_of(&server, "employees.salaries", "10001");
        server.farm().set_shard_state(shard, State::Disabled).expect("disabled");
        match background_refresh {
            true => eventually("a hold", || place().is_err()),
            false => router.prefetch(&[]).expect("fetched"),
        }
        hang(&server);
        assert_eq!(code(place()), Code::ShardUnavailable);
        if !background_refresh {
            // Then it is those who look up who see that it is over.
            eventually("the end", || place().is_ok());
        }
        eventually("an event", || is_told(&router, Kind::ShardReleased));
        assert_eq!(place().expect("the shard below"), "shard1");
    }
}

#[test]
fn a_quarantine_ends_in_time_while_a_fetch_hangs() {
    for background_refresh in [true, false] {
        let server = sample();
        let config = Config { background_refresh, ..patient(&server) };
        let router = knowing_while_it_hangs(&server, config);
        let read = || router.group_server("shard1", Wanted::Reader, |_, s| Ok(s.port));
        let begun = Instant::now();
        router.report_result(SECONDARY, 2003);
        assert_eq!(read().expect("a reader"), 33613);
        eventually("a trial", || read().expect("a reader") == 33612);
        println!("500 ms of quarantine, by background {background_refresh}: {:?}", begun.elapsed());
    }
}
