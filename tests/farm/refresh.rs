//! Past the time to live: one caller renews, the others go on; and Fabric may be gone.

use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use fabricd::{Fault, FaultKind};
use mysqlfabric::router::Router;
use mysqlfabric::topology::Key;

use crate::cache::promote;
use crate::support::*;

fn short_lived(server: &fabricd::Server) -> Router {
    let mut config = config(&[server]);
    (config.ttl_min, config.ttl_max) = (Duration::ZERO, Duration::from_millis(50));
    config.request_timeout = Duration::from_secs(30);
    config.lookup_timeout = Duration::from_millis(700);
    Router::new(config)
}

#[test]
fn nobody_waits_for_what_has_just_expired() {
    let server = sample();
    let mut config = config(&[&server]);
    (config.ttl_min, config.ttl_max) = (Duration::ZERO, Duration::from_secs(3));
    let router = Router::new(config);
    server.farm().ttl = 3;
    group_of(&router, "employees.salaries", Key::Integer(1)).expect("a group");
    server.clear_requests();
    server.set_fault(Fault::always(FaultKind::Hang));
    std::thread::sleep(Duration::from_millis(3_100));

    let (answers, slowest) = (AtomicUsize::new(0), Mutex::new(Duration::ZERO));
    std::thread::scope(|scope| {
        for _ in 0..8 {
            scope.spawn(|| {
                let all = Instant::now();
                while all.elapsed() < Duration::from_millis(500) {
                    let begun = Instant::now();
                    group_of(&router, "employees.salaries", Key::Integer(1)).expect("a group");
                    answers.fetch_add(1, Ordering::Relaxed);
                    let mut slowest = slowest.lock().expect("unpoisoned");
                    *slowest = slowest.max(begun.elapsed());
                }
            });
        }
    });
    let slowest = *slowest.lock().expect("unpoisoned");
    assert!(slowest < Duration::from_secs(2), "{slowest:?}, and a request may take 5 s");
    assert!(answers.load(Ordering::Relaxed) > 100);
    eventually("a question behind their backs", || server.faults_applied() > 0);
    assert!(router.age().expect("an age") >= 3_000, "the age says that nobody answered");
}

#[test]
fn what_nobody_asked_for_in_two_times_to_live_is_waited_for_once() {
    let server = sample();
    let router = short_lived(&server);
    assert_eq!(primary_of(&router, "shard1").expect("a primary"), 33611);
    promote(&server, "shard1", 33612);
    std::thread::sleep(Duration::from_millis(200));
    assert_eq!(primary_of(&router, "shard1").expect("a primary"), 33612, "the first one waits");

    // In vain: the old answer serves, and the next ones do not wait.
    server.set_fault(Fault::always(FaultKind::Hang));
    std::thread::sleep(Duration::from_millis(200));
    let begun = Instant::now();
    assert_eq!(primary_of(&router, "shard1").expect("the old answer"), 33612);
    assert!(begun.elapsed() >= Duration::from_millis(600), "{:?}", begun.elapsed());
    let begun = Instant::now();
    for _ in 0..10 {
        std::thread::sleep(Duration::from_millis(150));
        assert_eq!(primary_of(&router, "shard1").expect("the old answer"), 33612);
    }
    assert!(begun.elapsed() < Duration::from_millis(3_500), "{:?}", begun.elapsed());
}

#[test]
fn lookups_go_on_while_fabric_is_gone_and_notice_when_it_is_back() {
    let mut server = sample();
    let address = server.addr().to_string();
    let heard = Heard::default();
    let mut config = config(&[&server]);
    (config.ttl_min, config.ttl_max) = (Duration::ZERO, Duration::from_millis(20));
    config.log = heard.log();
    let router = Router::new(config);
    assert_eq!(primary_of(&router, "shard1").expect("a primary"), 33611);
    server.stop();

    for _ in 0..20 {
        std::thread::sleep(Duration::from_millis(5));
        assert_eq!(primary_of(&router, "shard1").expect("the old answer"), 33611);
    }
    assert!(router.age().expect("an age") >= 100);
    assert!(heard.says("the old one stays in use"), "{:?}", heard.messages());

    let mut farm = fabricd::Farm::sample();
    let group = farm.groups.iter_mut().find(|g| g.id == "shard1").expect("shard1");
    group.servers[0].port = 40_000;
    let options = fabricd::Options { listen: address, ..fabricd::Options::new(farm) };
    let _back = fabricd::Server::start(options).expect("fabricd starts again");
    eventually("the new answer", || primary_of(&router, "shard1").expect("an answer") == 40_000);
}

#[test]
fn a_report_makes_the_group_old() {
    let server = sample();
    let mut config = config(&[&server]);
    config.report_errors = mysqlfabric::config::ReportErrors::Failure;
    config.report_errnos = vec![1234];
    let router = Router::new(config);
    let (uuid, port) = router
        .group_server("shard1", mysqlfabric::topology::Wanted::Primary, |_, s| {
            Ok((s.uuid.clone(), s.port))
        })
        .expect("a primary");
    router.report_failure(&uuid, 1040);
    router.report_failure(&uuid, 1234);
    for _ in 0..10 {
        router.report_failure(&uuid, 2003);
    }
    eventually("a new primary", || primary_of(&router, "shard1").is_ok_and(|now| now != port));
    let reports = server.reports();
    assert_eq!(reports.len(), 1, "one of a server in the window: {reports:?}");
    assert_eq!(reports[0].command, "report_failure");
    assert_eq!(reports[0].server_uuid, uuid);
    assert_eq!(reports[0].error, "MySQL errno 1234", "too many connections is load, not death");
}

#[test]
fn reports_are_off_unless_asked_for_and_hurt_nobody() {
    let server = sample();
    let quiet = router(&server);
    primary_of(&quiet, "shard1").expect("a primary");
    quiet.report_failure("aa9b1821-e706-11f1-b000-02fc00000001", 2003);
    assert!(server.reports().is_empty());

    let heard = Heard::default();
    let mut config = config(&[&server]);
    config.report_errors = mysqlfabric::config::ReportErrors::Error;
    config.log = heard.log();
    let router = Router::new(config);
    router.report_failure("00000000-0000-0000-0000-000000000000", 2003);
    eventually("a refused report", || heard.says("was not reported"));
    router.report_failure("aa9b1821-e706-11f1-b000-02fc00000001", 2003);
    let of_it = |report: &fabricd::Report| report.server_uuid.starts_with("aa9b1821");
    eventually("a report", || server.reports().iter().any(of_it));
    assert!(server.reports().iter().all(|report| report.command == "report_error"));
    assert_eq!(primary_of(&router, "shard1").expect("one complaint changes nothing"), 33611);
}
