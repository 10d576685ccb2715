//! Past the time to live: one caller renews, the others go on; and Fabric may be gone.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use fabricd::{Fault, FaultKind};
use mysqlfabric::router::Router;
use mysqlfabric::topology::Key;

use crate::support::*;

fn short_lived(server: &fabricd::Server) -> Router {
    let mut config = config(&[server]);
    (config.ttl_min, config.ttl_max) = (Duration::ZERO, Duration::from_millis(50));
    config.request_timeout = Duration::from_secs(2);
    Router::new(config)
}

#[test]
fn one_caller_renews_while_the_others_use_the_old_answer() {
    let server = sample();
    let router = short_lived(&server);
    group_of(&router, "employees.salaries", Key::Integer(1)).expect("a group");
    std::thread::sleep(Duration::from_millis(60));
    server.clear_requests();
    server.set_fault(Fault::always(FaultKind::Hang));

    let renewing = AtomicBool::new(true);
    let answers = AtomicUsize::new(0);
    std::thread::scope(|scope| {
        for _ in 0..8 {
            scope.spawn(|| {
                let mut slow = false;
                while renewing.load(Ordering::Relaxed) && !slow {
                    let begun = Instant::now();
                    group_of(&router, "employees.salaries", Key::Integer(1)).expect("a group");
                    answers.fetch_add(1, Ordering::Relaxed);
                    // Half the request's timeout tells the one who waits from those who do not.
                    slow = begun.elapsed() > Duration::from_secs(1);
                }
                if slow {
                    renewing.store(false, Ordering::Relaxed);
                }
            });
        }
    });
    assert!(answers.load(Ordering::Relaxed) > 1_000, "the others did not wait");
    assert!(router.age().expect("an age") >= 1_000, "the age says that nobody answered");
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
    assert!(server.reports().is_empty(), "too many connections is load, not death");
    router.report_failure(&uuid, 2003);
    router.report_failure(&uuid, 1234);
    let reports = server.reports();
    assert_eq!(reports.len(), 2, "{reports:?}");
    assert_eq!(reports[0].command, "report_failure");
    assert_eq!(reports[0].server_uuid, uuid);
    assert_ne!(primary_of(&router, "shard1").expect("the new primary"), port);
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
    assert!(heard.says("was not reported"), "{:?}", heard.messages());
    router.report_failure("aa9b1821-e706-11f1-b000-02fc00000001", 2003);
    assert_eq!(server.reports().last().expect("a report").command, "report_error");
    assert_eq!(primary_of(&router, "shard1").expect("one complaint changes nothing"), 33611);
}
