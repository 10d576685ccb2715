//! The number of the topology counts changes of the farm, and nothing else.

use std::time::Duration;

use mysqlfabric::base::error::Code;
use mysqlfabric::config::Config;
use mysqlfabric::observe::events::Kind;
use mysqlfabric::router::Router;
use mysqlfabric::topology::{Key, Wanted};

use crate::cache::promote;
use crate::support::*;

const PRIMARY: &str = "aa9b1821-e706-11f1-b000-02fc00000001";
const SECONDARY: &str = "aab422d7-e706-11f1-b000-02fc00000001";

/// A handle that knows the whole farm, and whose reports end of themselves only later.
fn whole(server: &fabricd::Server) -> Router {
    let later = Duration::from_secs(300);
    let config = Config { quarantine: later, write_hold: later, ..config(&[server]) };
    let router = Router::new(config);
    router.seed(None).expect("seeded");
    router.event_fd().expect("a descriptor");
    router
}

fn kinds(router: &Router) -> Vec<Kind> {
    std::iter::from_fn(|| router.next_event().ok()).map(|delivery| delivery.event.kind).collect()
}

#[test]
fn what_the_service_reports_is_no_change_of_the_farm() {
    let server = sample();
    let router = whole(&server);
    let before = router.generation();
    let reader =
        || router.group_server("shard1", Wanted::Reader, |_, server| Ok(server.uuid.clone()));

    router.report_result(SECONDARY, 2003);
    assert!((0..20).all(|_| reader().expect("a reader") != SECONDARY), "lookups see it at once");
    router.report_result(SECONDARY, 0);
    assert!((0..20).any(|_| reader().expect("a reader") == SECONDARY));
    router.report_result(PRIMARY, 1290);
    assert_eq!(code(primary_of(&router, "shard1")), Code::WriteHeld);
    router.prefetch(&[]).expect("fetched anew");

    assert_eq!(router.generation(), before);
    assert_eq!(kinds(&router), [Kind::ServerQuarantined, Kind::ServerBack, Kind::WritesHeld]);

    promote(&server, "shard1", 33612);
    router.prefetch(&[]).expect("fetched anew");
    assert_eq!(router.generation(), before + 1);
    let changes = [Kind::TopologyChanged, Kind::PrimaryChanged, Kind::WritesReleased];
    assert_eq!(kinds(&router), changes);
}

#[test]
fn names_that_do_not_exist_are_no_change_of_the_farm() {
    let server = sample();
    let router = whole(&server);
    let before = router.generation();
    for i in 0..30 {
        assert_eq!(code(primary_of(&router, &format!("nosuch{i}"))), Code::UnknownGroup);
        let table = format!("no.such{i}");
        assert_eq!(code(group_of(&router, &table, Key::Integer(1))), Code::UnknownTable);
    }
    let asked = server.requests().len();
    assert_eq!(code(primary_of(&router, "nosuch29")), Code::UnknownGroup);
    assert_eq!(code(group_of(&router, "no.such29", Key::Integer(1))), Code::UnknownTable);
    assert_eq!(server.requests().len(), asked, "the answer is remembered");

    router.reset_cache(None);
    assert_eq!(code(group_of(&router, "no.such29", Key::Integer(1))), Code::UnknownTable);
    assert!(server.requests().len() > asked, "until the service has it asked for anew");
    assert_eq!(router.generation(), before);
    assert_eq!(kinds(&router), []);
}

#[test]
fn more_names_than_are_remembered_are_refused_all_the_same() {
    let server = sample();
    let router = whole(&server);
    let (before, published) = (router.generation(), router.metrics().events_lost);
    let names: Vec<String> = (0..2_500).map(|i| format!("no.such{i}")).collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    assert_eq!(code(router.prefetch(&names)), Code::UnknownTable);
    for name in names.iter().step_by(100) {
        assert_eq!(code(group_of(&router, name, Key::Integer(1))), Code::UnknownTable, "{name}");
    }
    assert_eq!((router.generation(), router.metrics().events_lost), (before, published));
}

#[test]
fn a_table_that_is_dropped_and_back_is_two_changes() {
    let server = sample();
    let router = whole(&server);
    let before = router.generation();
    let table = "employees.salaries";
    let kept = server.farm().clone();
    server.farm().mappings.iter_mut().for_each(|m| m.tables.retain(|t| t.name() != table));
    router.prefetch(&[]).expect("fetched anew");
    assert_eq!(code(group_of(&router, table, Key::Integer(1))), Code::UnknownTable);
    assert_eq!(router.generation(), before + 1);
    *server.farm() = kept;
    router.prefetch(&[]).expect("fetched anew");
    group_of(&router, table, Key::Integer(1)).expect("its group");
    assert_eq!(router.generation(), before + 2);
}
