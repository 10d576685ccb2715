//! What callers are told in words, and what handles do not say.

use std::time::Duration;

use fabricd::{Farm, Fault, FaultKind};
use mysqlfabric::base::error::Code;
use mysqlfabric::config::{Config, ReportErrors};
use mysqlfabric::router::Router;
use mysqlfabric::topology::{Key, Wanted};

use crate::support::*;

const PRIMARY: &str = "aa9b1821-e706-11f1-b000-02fc00000001";

/// Nobody misspelt a name of a farm that has none.
#[test]
fn an_empty_farm_says_so() {
    let mut farm = Farm::sample();
    farm.groups.clear();
    farm.mappings.clear();
    let server = start(farm);
    let router = router(&server);
    let table = || group_of(&router, "employees.salaries", Key::Integer(1)).expect_err("no table");
    let group = || primary_of(&router, "shard1").expect_err("no group");
    let wait = || {
        let at_once = Duration::ZERO;
        let waited = router.group_server_wait("shard1", Wanted::Primary, at_once, |_, _| Ok(()));
        waited.expect_err("no group")
    };
    // One name is not the farm.
    for error in [table(), group(), wait()] {
        assert!(error.message.contains("the farm may be empty"), "{error}");
    }
    router.seed(None).expect("an empty farm");
    let opened = router.open(&["employees.salaries"]).expect_err("no table");
    for error in [table(), group(), wait(), opened] {
        assert!(error.message.contains("the farm is empty"), "{error}");
        assert!(!error.message.contains("spelling"), "{error}");
    }

    let server = sample();
    let router = self::router(&server);
    router.seed(None).expect("seeded");
    let error = group_of(&router, "employees.nosuch", Key::Integer(1)).expect_err("no table");
    assert!(error.message.contains("check the spelling"), "{error}");
    assert!(!error.message.contains("empty"), "{error}");
}

/// A report of a server that Fabric does not know is a fault of that command alone.
#[test]
fn a_fault_of_one_command_does_not_mark_the_node_down() {
    let server = sample();
    let heard = Heard::default();
    let mut config = config(&[&server]);
    (config.report_errors, config.report_window) = (ReportErrors::Error, Duration::ZERO);
    config.log = heard.log();
    let router = Router::new(config);
    primary_of(&router, "shard1").expect("a primary");
    router.report_failure("00000000-0000-0000-0000-000000000000", 2003);
    eventually("the fault", || heard.says("was not reported"));
    assert_eq!((router.metrics().nodes_known, router.metrics().nodes_up), (1, 1));

    server.set_fault(Fault::always(FaultKind::Status(403)).on("threat.report_error"));
    router.report_failure(PRIMARY, 2003);
    eventually("the refusal", || heard.says("forbids it"));
    assert_eq!(router.metrics().nodes_up, 1);

    server.set_fault(Fault::always(FaultKind::Close).on("threat.report_error"));
    router.report_failure(PRIMARY, 2003);
    eventually("the node is down", || router.metrics().nodes_up == 0);
}

/// What is cut off when the handle is freed took no time too long, and is nobody's failure.
#[test]
fn freeing_a_handle_logs_no_false_timeout() {
    let server = sample();
    let heard = Heard::default();
    let config = Config {
        background_refresh: true,
        refresh_share_percent: 100,
        ttl_min: Duration::ZERO,
        ttl_max: Duration::from_millis(20),
        request_timeout: Duration::from_secs(300),
        report_errors: ReportErrors::Error,
        log: heard.log(),
        ..config(&[&server])
    };
    let router = Router::new(config);
    primary_of(&router, "shard1").expect("a primary");
    server.set_fault(Fault::always(FaultKind::Hang));
    server.clear_requests();
    router.report_failure(PRIMARY, 2003);
    let asks = |what: &str| server.requests().iter().any(|log| log.method.contains(what));
    eventually("questions that hang", || asks("dump.") && asks("threat."));
    router.close();
    let said = heard.messages();
    let wrong = |message: &&String| {
        ["no full answer", "stays in use", "not reported", "Fabric node"]
            .iter()
            .any(|text| message.contains(text))
    };
    assert_eq!(said.iter().filter(wrong).collect::<Vec<_>>(), Vec::<&String>::new());

    // Whoever asks on knows why there is no answer.
    let error = router.seed(None).expect_err("freed");
    assert!(error.message.contains("freed"), "{error}");
    assert_ne!(error.code, Code::Timeout);
}

#[test]
fn reports_name_the_host_the_process_and_the_handle() {
    let server = sample();
    let mut reporters = Vec::new();
    for count in 1..=2 {
        let mut config = config(&[&server]);
        config.report_errors = ReportErrors::Error;
        let router = Router::new(config);
        router.report_failure(PRIMARY, 2003);
        eventually("the report", || server.reports().len() == count);
        reporters.push(server.reports().remove(count - 1).reporter);
    }
    let output = std::process::Command::new("uname").arg("-n").output().expect("uname");
    let host = String::from_utf8(output.stdout).expect("UTF-8");
    let begin: String = format!("libmysqlfabric-{}", host.trim()).chars().take(40).collect();
    let pid = format!("-{}-", std::process::id());
    for reporter in &reporters {
        assert!(reporter.starts_with(&begin) && reporter.contains(&pid), "{reporter}");
        assert!(reporter.chars().count() <= 64, "{reporter}");
    }
    assert_ne!(reporters[0], reporters[1]);
}

/// Whatever ends a call is named for what it is.
#[test]
fn the_bound_that_ended_a_call_is_named() {
    let server = sample();
    server.set_fault(Fault::always(FaultKind::Hang));
    let router = Router::new(Config {
        lookup_timeout: Duration::from_millis(150),
        request_timeout: Duration::from_millis(250),
        connect_attempts: 1,
        ..config(&[&server])
    });
    let option = "fabric_options_set_lookup_timeout_ms";
    let lookup = primary_of(&router, "shard1").expect_err("it hangs");
    assert_eq!(lookup.code, Code::Timeout);
    assert!(lookup.message.contains("150 ms") && lookup.message.contains(option), "{lookup}");
    let most = Duration::from_millis(180);
    let waited = router.group_server_wait("shard1", Wanted::Primary, most, |_, _| Ok(()));
    let waited = waited.expect_err("it hangs");
    assert!(!waited.message.contains(option), "{waited}");
    if waited.code == Code::Timeout && waited.message.contains("180 ms") {
        assert!(waited.message.contains("deadline"), "{waited}");
    }
    // The request itself may end first.
    let seeded = router.seed(None).expect_err("it hangs");
    assert!(!seeded.message.contains(option), "{seeded}");
}

#[test]
fn nodes_are_several() {
    let server = sample();
    let router = Router::new(Config { lookup_timeout: Duration::ZERO, ..config(&[&server]) });
    let error = router.fabric_nodes().expect_err("nobody has asked");
    assert_eq!(error.code, Code::WouldBlock);
    assert!(error.message.contains("the Fabric nodes are not known yet"), "{error}");
    let error = group_of(&router, "employees.salaries", Key::Integer(1)).expect_err("not known");
    assert!(error.message.contains("table 'employees.salaries' is not known yet"), "{error}");
}
