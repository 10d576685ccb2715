//! Bounds and held shards in files: what one process has seen, the next one knows.

use std::fs;
use std::path::Path;
use std::sync::Mutex;
use std::sync::mpsc::{self, Receiver};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use fabricd::{Farm, Fault, FaultKind, Server, State};
use md5::{Digest, Md5};
use mysqlfabric::base::error::Code;
use mysqlfabric::config::Config;
use mysqlfabric::observe::events::{Delivery, Event, Kind, Listener};
use mysqlfabric::router::Router;
use mysqlfabric::store::document::{Document, HeldShard};
use mysqlfabric::store::parse::{Author, parse};
use mysqlfabric::topology::Key;

use crate::disk::{Place, dead, keeping, routing_from};
use crate::feedback::shard_of;
use crate::support::*;

const SALARIES: &str = "employees.salaries";

fn place(router: &Router, key: i64) -> Result<String, Code> {
    group_of(router, SALARIES, Key::Integer(key)).map_err(|error| error.code)
}

fn set_state(server: &Server, bound: &str, state: State) {
    let shard = shard_of(server, SALARIES, bound);
    server.farm().set_shard_state(shard, state).expect("set");
}

/// A process that looked at the farm, kept what it saw, and ended.
fn seen(config: &Config) {
    Router::new(config.clone()).seed(None).expect("seeded");
}

fn document(path: &Path) -> Document {
    parse(&fs::read(path).expect("a snapshot"), Author::Library).expect("intact")
}

fn held(path: &Path) -> Vec<String> {
    let held = document(path).held_shards.into_iter();
    let held = held.filter(|held| (&*held.schema, &*held.table) == ("employees", "salaries"));
    held.map(|held| held.lower_bound.text).collect()
}

/// A snapshot that says something else than it said.
fn change(path: &Path, change: impl FnOnce(&mut Document)) {
    let mut changed = document(path);
    change(&mut changed);
    let mut bytes = Vec::new();
    changed.write(&mut bytes).expect("written");
    fs::write(path, bytes).expect("written");
}

fn seconds_ago(seconds: u64) -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).expect("after 1970").as_secs() - seconds
}

/// All three bounds are in the file, and Fabric lists the first one alone.
fn file_and_less(at: &Place) -> (Server, Config) {
    let server = sample();
    let config = keeping(&[&server], &at.file());
    seen(&config);
    ["10001", "20001"].iter().for_each(|bound| set_state(&server, bound, State::Disabled));
    (server, config)
}

#[test]
fn a_bound_in_the_snapshot_is_a_bound_that_was_seen() {
    let at = Place::new();
    let (server, config) = file_and_less(&at);
    for start in 1..=3 {
        let router = Router::new(config.clone());
        assert_eq!(place(&router, 5).expect("the shard that is listed"), "shard1");
        for key in [15_000, 25_000] {
            assert_eq!(place(&router, key), Err(Code::ShardUnavailable), "start {start}, {key}");
        }
        assert_eq!(held(&at.file()), ["10001", "20001"], "start {start}");
    }
    let since = document(&at.file()).held_shards.first().expect("one").since.expect("a time");
    assert!((seconds_ago(60)..=seconds_ago(0) + 1).contains(&since), "{since}");
    // It says so as well while Fabric is down, and to who routes from the file alone.
    for offline in [dead(config.clone()), routing_from(&at.file())] {
        let router = Router::new(offline);
        assert_eq!(place(&router, 5).expect("the shard that is listed"), "shard1");
        assert_eq!(place(&router, 15_000), Err(Code::ShardUnavailable));
        assert_eq!(place(&router, 25_000), Err(Code::ShardUnavailable));
    }
    set_state(&server, "10001", State::Enabled);
    let router = Router::new(config);
    assert_eq!(place(&router, 15_000).expect("it is back"), "shard2");
    assert_eq!(place(&router, 25_000), Err(Code::ShardUnavailable));
    assert_eq!(held(&at.file()), ["20001"]);
}

#[test]
fn a_lookup_by_table_and_one_of_the_whole_farm_remember_the_same() {
    let at = Place::new();
    let (_server, config) = file_and_less(&at);
    let router = Router::new(config);
    router.seed(None).expect("seeded");
    assert_eq!(place(&router, 15_000), Err(Code::ShardUnavailable));
}

/// What the table is while the second process looks at it; the third finds it listed with one bound.
fn outlives_a_process(what: &str, meanwhile: impl FnOnce(&mut Farm)) {
    let at = Place::new();
    let server = sample();
    let config = keeping(&[&server], &at.file());
    seen(&config);
    let before = server.farm().clone();
    meanwhile(&mut server.farm());
    let router = Router::new(config.clone());
    let _ = router.seed(None);
    assert!(place(&router, 15_000).is_err(), "{what}");
    drop(router);
    let bounds = held(&at.file());
    for bound in ["1", "10001", "20001"] {
        assert!(bounds.contains(&bound.to_owned()), "{what}: {bounds:?}");
    }

    *server.farm() = before;
    ["10001", "20001"].iter().for_each(|bound| set_state(&server, bound, State::Disabled));
    let router = Router::new(config);
    assert_eq!(place(&router, 5).expect("the shard that is listed"), "shard1", "{what}");
    assert_eq!(place(&router, 15_000), Err(Code::ShardUnavailable), "{what}");
    assert_eq!(place(&router, 25_000), Err(Code::ShardUnavailable), "{what}");
}

fn mapping(farm: &mut Farm) -> &mut fabricd::Mapping {
    let mine =
        |mapping: &&mut fabricd::Mapping| mapping.tables.iter().any(|t| t.name() == SALARIES);
    farm.mappings.iter_mut().find(mine).expect("the mapping")
}

#[test]
fn bounds_outlive_a_process_that_found_the_table_gone_or_unusable() {
    outlives_a_process("no table", |farm| mapping(farm).tables.clear());
    outlives_a_process("a bound that is none", |farm| {
        mapping(farm).shards[0].lower_bound = "one".into();
    });
    outlives_a_process("dates", |farm| {
        let mapping = mapping(farm);
        mapping.type_name = "RANGE_DATETIME".into();
        mapping.shards.iter_mut().for_each(|shard| shard.lower_bound = "2010-01-01".into());
        mapping.shards.truncate(1);
    });
}

#[test]
fn bounds_outlive_a_process_that_never_knew_their_groups() {
    let at = Place::new();
    let server = sample();
    let config = keeping(&[&server], &at.file());
    let refused = FaultKind::Error("no servers".into());
    server.set_fault(Fault::always(refused).on("dump.servers"));
    let router = Router::new(config.clone());
    place(&router, 15_000).expect_err("no group is known");
    drop(router);
    assert!(document(&at.file()).tables.is_empty());
    server.clear_fault();
    ["10001", "20001"].iter().for_each(|bound| set_state(&server, bound, State::Disabled));
    let router = Router::new(config);
    assert_eq!(place(&router, 5).expect("the shard that is listed"), "shard1");
    assert_eq!(place(&router, 15_000), Err(Code::ShardUnavailable));
}

fn salaries(bound: &str, since: Option<u64>) -> HeldShard {
    HeldShard {
        schema: "employees".into(),
        table: "salaries".into(),
        type_name: "RANGE".into(),
        lower_bound: bound.to_owned().into(),
        id: None,
        group: None,
        since,
    }
}

/// Says of the file's held shards that they are held since then.
fn held_since(path: &Path, since: u64) {
    change(path, |document| {
        assert!(!document.held_shards.is_empty());
        document.held_shards.iter_mut().for_each(|held| held.since = Some(since));
    });
}

#[test]
fn the_time_of_a_hold_goes_on_while_no_process_runs() {
    let at = Place::new();
    let (_server, config) = file_and_less(&at);
    seen(&config);
    let hour = 3600;
    let starts = |config: &Config| {
        [config.clone(), dead(config.clone()), Config { nodes: Vec::new(), ..routing(config, &at) }]
    };
    let place_of = |config: Config| place(&Router::new(config), 15_000);
    held_since(&at.file(), seconds_ago(hour));
    let kept = fs::read(at.file()).expect("the file");
    let short = Config { vanished_hold: Duration::from_secs(hour / 2), ..config.clone() };
    let long = Config { vanished_hold: Duration::from_secs(hour * 2), ..config.clone() };
    let endless = Config { vanished_hold: Duration::MAX, ..config.clone() };
    let never = Config { vanished_hold: Duration::ZERO, ..config };
    for (hold, holds) in [(short, false), (long, true), (endless, true), (never, false)] {
        for start in starts(&hold) {
            fs::write(at.file(), &kept).expect("written");
            let expected = if holds { Err(Code::ShardUnavailable) } else { Ok("shard1".into()) };
            assert_eq!(place_of(start), expected, "{:?}", hold.vanished_hold);
        }
    }
}

#[test]
fn a_hold_for_ever_lasts_for_ever_and_a_time_to_come_is_now() {
    let at = Place::new();
    let (_server, config) = file_and_less(&at);
    seen(&config);
    let endless = Config { vanished_hold: Duration::MAX, ..config.clone() };
    let brief = Config { vanished_hold: Duration::from_secs(60), ..config };
    let (never, always) = (i64::MAX as u64, 0);
    for (since, hold) in [(always, &endless), (never, &endless), (never, &brief)] {
        held_since(&at.file(), since);
        for start in [hold.clone(), dead(hold.clone()), routing(hold, &at)] {
            let router = Router::new(start);
            for _ in 0..3 {
                assert_eq!(place(&router, 15_000), Err(Code::ShardUnavailable), "{since}");
                let _ = router.prefetch(&[]);
            }
        }
        // What was written again in between has the time still, or now.
        let written = document(&at.file()).held_shards.first().expect("a shard").since;
        assert!(written.expect("a time") <= since.max(seconds_ago(0) + 1), "{written:?}");
    }
}

/// The clock was wrong before, or is now: what was held until the file was saved counts, and the time
/// since as far as the machine's own clock says so, too.
#[test]
fn a_hold_does_not_end_by_a_clock_that_was_set() {
    let at = Place::new();
    let (_server, config) = file_and_less(&at);
    seen(&config);
    let kept = document(&at.file());
    let past = kept.uptime_ms.map(|uptime| (uptime / 2_000).min(3600));
    let starts = |hold: u64| {
        let config = Config { vanished_hold: Duration::from_secs(hold), ..config.clone() };
        [config.clone(), dead(config.clone()), routing(&config, &at)]
    };
    let check = |what: &str, hold: u64, holds: bool, changed: &dyn Fn(&mut Document)| {
        for start in starts(hold) {
            let mut written = kept.clone();
            changed(&mut written);
            written.write(fs::File::create(at.file()).expect("a file")).expect("written");
            let router = Router::new(start);
            for _ in 0..3 {
                let expected =
                    if holds { Err(Code::ShardUnavailable) } else { Ok("shard1".into()) };
                assert_eq!(place(&router, 15_000), expected, "{what}");
                let _ = router.seed(None);
            }
        }
    };
    let earlier = |document: &mut Document, seconds: u64| {
        *document.saved_at.as_mut().expect("a time") -= seconds;
        let held = document.held_shards.iter_mut();
        held.for_each(|held| *held.since.as_mut().expect("a time") -= seconds);
    };
    const YEAR: u64 = 365 * 86_400;
    check("a year behind until then", 600, true, &|document| earlier(document, YEAR));
    check("no time by then", 600, true, &|document| {
        document.saved_at = None;
        document.held_shards.iter_mut().for_each(|held| held.since = Some(seconds_ago(YEAR)));
    });
    let Some(past) = past.filter(|past| *past > 60) else { return };
    let by_machine = |document: &mut Document| {
        earlier(document, past);
        *document.uptime_ms.as_mut().expect("a time") -= past * 1000;
    };
    check("both clocks", past / 2, false, &by_machine);
    check("both clocks, not as long", past * 2, true, &by_machine);
    check("another boot", past / 2, true, &|document| {
        by_machine(document);
        document.boot_id = Some("another".into());
    });
    check("the machine alone", past / 2, true, &|document| {
        *document.uptime_ms.as_mut().expect("a time") -= past * 1000;
    });
}

fn other(router: &Router, table: &str) {
    let _ = group_of(router, table, Key::Integer(5));
    let known =
        router.table(table, |topology, _| Ok(topology.tables.get(table.as_bytes()).is_some()));
    assert!(known.expect("a table"), "{table}");
}

fn tables(path: &Path) -> Vec<String> {
    let tables = document(path).tables.into_iter();
    tables.map(|table| format!("{}.{}", table.schema, table.table)).collect()
}

/// Two processes that use one file and look up tables of their own: neither knew the other's when it
/// began. The shard at 10001 is held by the first one.
fn two_processes(at: &Place) -> (Server, Config, Router, Router) {
    let server = sample();
    let config = keeping(&[&server], &at.file());
    let second = Router::new(config.clone());
    other(&second, "shop.orders");
    let first = Router::new(config.clone());
    assert_eq!(place(&first, 15_000).expect("a shard"), "shard2");
    set_state(&server, "10001", State::Disabled);
    first.prefetch(&[SALARIES]).expect("fetched");
    assert_eq!(place(&first, 15_000), Err(Code::ShardUnavailable));
    (server, config, first, second)
}

#[test]
fn what_another_process_keeps_in_the_file_stays_there() {
    let at = Place::new();
    let (server, config, first, second) = two_processes(&at);
    let before = document(&at.file());
    other(&second, "crm.names");
    let after = document(&at.file());
    assert_eq!(tables(&at.file()), ["crm.names", "shop.orders", SALARIES]);
    assert_eq!(after.held_shards, before.held_shards);
    let groups = |document: &Document| {
        let mut groups: Vec<_> = document.groups.iter().map(|group| group.id.clone()).collect();
        groups.sort();
        groups
    };
    assert!(groups(&before).iter().all(|group| groups(&after).contains(group)));
    drop(first);
    let first = Router::new(config.clone());
    assert_eq!(place(&first, 15_000), Err(Code::ShardUnavailable), "Fabric is up");
    assert_eq!(place(&first, 5).expect("the shard that is listed"), "shard1");
    // What it learns meanwhile stays as well, and is its own again.
    set_state(&server, "10001", State::Enabled);
    first.prefetch(&[SALARIES]).expect("fetched");
    other(&second, "hashdb.users");
    assert!(held(&at.file()).is_empty());
    set_state(&server, "10001", State::Disabled);
    first.prefetch(&[SALARIES]).expect("fetched");
    drop((server, first));
    let first = Router::new(dead(config));
    assert_eq!(place(&first, 15_000), Err(Code::ShardUnavailable), "Fabric is down");
    assert_eq!(place(&first, 5).expect("the shard that is listed"), "shard1");
    other(&first, "hashdb.users");
    drop(second);
}

/// Has the file be so many seconds older.
fn age(path: &Path, seconds: u64) {
    change(path, |document| *document.saved_at.as_mut().expect("a time") -= seconds);
}

#[test]
fn what_fabric_told_is_gone_is_not_kept() {
    for (what, by_name) in [("the farm was listed", false), ("the table was asked for", true)] {
        let at = Place::new();
        let (server, _config, _first, second) = two_processes(&at);
        age(&at.file(), 60);
        mapping(&mut server.farm()).tables.clear();
        if by_name {
            place(&second, 5).expect_err("there is no such table");
        } else {
            second.seed(None).expect("seeded");
        }
        other(&second, "crm.names");
        assert!(!tables(&at.file()).contains(&SALARIES.to_owned()), "{what}");
    }
}

#[test]
fn what_nobody_confirmed_for_a_week_is_not_kept() {
    const DAY: u64 = 86_400;
    for (days, stays) in [(6, true), (8, false)] {
        let at = Place::new();
        let (_server, _config, _first, second) = two_processes(&at);
        age(&at.file(), days * DAY);
        other(&second, "crm.names");
        let file = document(&at.file());
        let is_there = tables(&at.file()).contains(&SALARIES.to_owned());
        assert_eq!(is_there, stays, "{days} days: {:?}", tables(&at.file()));
        let salaries = file.tables.iter().find(|table| table.table == "salaries");
        let confirmed = salaries.map(|table| table.confirmed_at.expect("a time of its own"));
        // Times in a file are whole seconds, of two readings of the clock.
        assert!(confirmed.is_none_or(|at| at <= seconds_ago(days * DAY) + 1), "{confirmed:?}");
        assert!(file.saved_at.expect("a time") >= seconds_ago(60));
    }
}

#[test]
fn what_a_reset_ended_does_not_come_back_from_another_process() {
    let at = Place::new();
    let (_server, config, first, second) = two_processes(&at);
    other(&second, "crm.names");
    assert_eq!(held(&at.file()), ["10001"]);
    first.reset_cache(None);
    assert_eq!(place(&first, 15_000).expect("as it is"), "shard1");
    assert!(held(&at.file()).is_empty());
    drop((first, second));
    assert_eq!(place(&Router::new(config), 15_000).expect("as it was"), "shard1");
}

#[test]
fn a_damaged_file_is_replaced_by_what_its_writer_knows() {
    let at = Place::new();
    let (_server, _config, _first, second) = two_processes(&at);
    let text = fs::read_to_string(at.file()).expect("a snapshot");
    fs::write(at.file(), text.replace("10001", "10002")).expect("written");
    other(&second, "crm.names");
    assert_eq!(tables(&at.file()), ["crm.names", "shop.orders"]);
    assert!(held(&at.file()).is_empty());
}

#[test]
fn writers_at_one_time_do_not_lose_one_anothers() {
    let names = [SALARIES, "employees.dept_emp", "shop.orders", "crm.names", "hashdb.users"];
    let server = sample();
    for round in 0..10 {
        let at = Place::new();
        let start = std::sync::Barrier::new(names.len());
        std::thread::scope(|threads| {
            for name in names {
                let router = Router::new(keeping(&[&server], &at.file()));
                let start = &start;
                threads.spawn(move || {
                    start.wait();
                    other(&router, name);
                });
            }
        });
        let mut expected = names.to_vec();
        expected.sort_unstable();
        let mut found = tables(&at.file());
        found.sort();
        assert_eq!(found, expected, "round {round}");
    }
}

fn routing(config: &Config, at: &Place) -> Config {
    Config { vanished_hold: config.vanished_hold, ..routing_from(&at.file()) }
}

#[test]
fn a_hold_ends_in_time_while_fabric_is_down() {
    let at = Place::new();
    let (server, config) = file_and_less(&at);
    seen(&config);
    drop(server);
    for offline in [keeping(&[], &at.file()), routing_from(&at.file())] {
        held_since(&at.file(), seconds_ago(8));
        let router = Router::new(Config {
            vanished_hold: Duration::from_secs(10),
            ttl_max: Duration::from_millis(50),
            ttl_min: Duration::ZERO,
            background_refresh: true,
            ..if offline.topology_file.is_some() { offline } else { dead(offline) }
        });
        assert_eq!(place(&router, 15_000), Err(Code::ShardUnavailable));
        eventually("the end of the hold", || place(&router, 15_000).is_ok());
        assert_eq!(place(&router, 15_000).expect("the shard below"), "shard1");
    }
}

#[test]
fn what_a_reset_ended_does_not_come_back_from_the_file() {
    let at = Place::new();
    let (server, config) = file_and_less(&at);
    let router = Router::new(config.clone());
    assert_eq!(place(&router, 15_000), Err(Code::ShardUnavailable));
    router.reset_cache(None);
    assert_eq!(place(&router, 15_000).expect("as it is"), "shard1");
    assert!(held(&at.file()).is_empty());
    // Nor what it ended of a table that is listed no more.
    ["10001", "20001"].iter().for_each(|bound| set_state(&server, bound, State::Enabled));
    router.prefetch(&[]).expect("fetched");
    let before = server.farm().clone();
    mapping(&mut server.farm()).tables.clear();
    router.prefetch(&[]).expect("fetched");
    assert_eq!(held(&at.file()).len(), 3);
    *server.farm() = before;
    ["10001", "20001"].iter().for_each(|bound| set_state(&server, bound, State::Disabled));
    router.reset_cache(None);
    assert_eq!(place(&router, 15_000).expect("as it is"), "shard1");
    drop(router);
    assert_eq!(place(&Router::new(config), 15_000).expect("as it was"), "shard1");
}

#[test]
fn a_shard_that_the_server_found_is_in_the_snapshot_as_one() {
    let at = Place::new();
    let server = sample();
    let config = keeping(&[&server], &at.file());
    let router = Router::new(config.clone());
    router.seed(None).expect("seeded");
    let shard = shard_of(&server, SALARIES, "20001");
    server.farm().remove_shard(shard).expect("removed");
    router.prefetch(&[]).expect("fetched");
    let group = place(&router, 25_000).expect("the server says where");
    drop(router);
    assert!(held(&at.file()).is_empty());
    assert_eq!(place(&Router::new(dead(config)), 25_000).expect("from the file"), group);
}

/// Time that goes by is no news, and neither is a file that was read again.
#[test]
fn only_news_is_written_and_told() {
    let at = Place::new();
    let (_server, config) = file_and_less(&at);
    let router = Router::new(config);
    assert_eq!(place(&router, 15_000), Err(Code::ShardUnavailable));
    let written = fs::metadata(at.file()).expect("a snapshot").modified().expect("a time");
    for _ in 0..3 {
        router.prefetch(&[]).expect("fetched");
    }
    assert_eq!(fs::metadata(at.file()).expect("it").modified().expect("a time"), written);

    let reader = Router::new(routing_from(&at.file()));
    reader.seed(None).expect("read");
    let generation = reader.generation();
    for _ in 0..3 {
        // As young a file is read each time.
        reader.seed(None).expect("read");
        assert_eq!(place(&reader, 15_000), Err(Code::ShardUnavailable));
    }
    assert_eq!(reader.generation(), generation);
}

const BY_HAND: &str = r#"{
  "format": "libmysqlfabric topology",
  "version": 1,
  "tables": [
    {"schema": "employees", "table": "salaries", "column": "emp_no", "type": "RANGE",
     "global_group": "g", "shards": [{"id": 1, "lower_bound": 1, "group": "g"}]},
    {"schema": "crm", "table": "names", "column": "name", "type": "RANGE_STRING",
     "global_group": "g", "shards": [{"id": 2, "lower_bound": "", "group": "g"}]}
  ],
  "held_shards": [
    {"schema": "employees", "table": "salaries", "type": "RANGE_INTEGER", "lower_bound": 100},
    {"schema": "employees", "table": "salaries", "type": "RANGE", "lower_bound": "200", "since": 7},
    {"schema": "crm", "table": "names", "type": "RANGE_STRING", "lower_bound": "M"}
  ],
  "groups": [
    {"id": "g", "servers": [{"uuid": "u", "host": "db1.example.com", "port": 3306,
      "mode": "READ_WRITE", "status": "PRIMARY", "weight": 1}]}
  ]
}"#;

#[test]
fn a_file_written_by_hand_may_have_shards_held() {
    let at = Place::new();
    fs::write(at.file(), BY_HAND).expect("written");
    let place_of = |router: &Router, table: &str, key: Key<'_>| {
        group_of(router, table, key).map_err(|error| error.code)
    };
    let router = Router::new(routing_from(&at.file()));
    assert_eq!(place(&router, 99).expect("the shard that is listed"), "g");
    // Without a time it has no end; 1970 was long enough ago.
    assert_eq!(place(&router, 150), Err(Code::ShardUnavailable));
    assert_eq!(place(&router, 250), Err(Code::ShardUnavailable), "the shard below is held");
    let name = |name: &'static str| Key::Text(name.as_bytes());
    assert_eq!(place_of(&router, "crm.names", name("L")).expect("a group"), "g");
    assert_eq!(place_of(&router, "crm.names", name("Q")), Err(Code::ShardUnavailable));
    // A file means what it says: what it does not have held any more is held no more.
    let without = BY_HAND.replace(r#""lower_bound": 100}"#, r#""lower_bound": 100, "since": 7}"#);
    fs::write(at.file(), without).expect("written");
    router.seed(None).expect("read");
    assert_eq!(place(&router, 150).expect("the shard below"), "g");
    assert_eq!(place_of(&router, "crm.names", name("Q")), Err(Code::ShardUnavailable));
    let never = Config { vanished_hold: Duration::ZERO, ..routing_from(&at.file()) };
    assert_eq!(place_of(&Router::new(never), "crm.names", name("Q")).expect("a group"), "g");
}

#[test]
fn a_list_that_is_wrong_is_refused_with_the_place() {
    let at = Place::new();
    for (from, to, says) in [
        (r#""lower_bound": 100"#, r#""lower_bound": "one""#, "held_shards[0].lower_bound: 'one'"),
        (r#""lower_bound": 100"#, r#""lower_bound": 1"#, "held_shards[0].lower_bound: table"),
        (r#""lower_bound": 100"#, r#""lower_bound": 200"#, "held_shards[1].lower_bound: '200'"),
        (r#""lower_bound": 100"#, r#""lower_bound": 2.5"#, "held_shards[0].lower_bound: invalid"),
        (r#""lower_bound": "M""#, r#""lower_bound": 5"#, "held_shards[2].lower_bound: 5 is a num"),
        (r#""type": "RANGE_INTEGER""#, r#""type": "LIST""#, "held_shards[0].type: the sharding"),
        (r#""type": "RANGE_INTEGER""#, r#""type": "RANGE_STRING""#, "held_shards[0].type: it is"),
        (r#""table": "names", "type""#, r#""table": "name", "type""#, "held_shards[2].table: tab"),
        (r#""since": 7"#, r#""since": -7"#, "held_shards[1].since: invalid value"),
        (r#""since": 7"#, r#""since": "today""#, "held_shards[1].since: invalid value: string"),
        (r#""since": 7"#, r#""sinse": 7"#, "held_shards[1].sinse: there is no such member"),
        (r#""held_shards""#, r#""held_shard""#, "held_shard: there is no such member"),
        (r#""lower_bound": 100}"#, r#""bound": 100}"#, "missing field `lower_bound`"),
        (r#""held_shards""#, r#""heldShards""#, "heldShards: there is no such member"),
        (r#""held_shards""#, r#""Held_Shards""#, "Held_Shards: there is no such member"),
        (r#""held_shards""#, r#""HELD-SHARDS""#, "HELD-SHARDS: there is no such member"),
        (r#""held_shards""#, r#""HeldShard""#, "HeldShard: there is no such member"),
        (r#""held_shards""#, r#""held""#, "held: there is no such member, but held_shards is"),
        (r#""held_shards""#, r#""holds""#, "holds: there is no such member, but held_shards is"),
        (r#""held_shards""#, r#""Held-Bounds""#, "Held-Bounds: there is no such member"),
        (
            r#""column": "name""#,
            r#""heldShards": [], "column": "c""#,
            "tables[1].heldShards: there",
        ),
        (r#"{"id": 2,"#, r#"{"held": true, "id": 2,"#, "tables[1].shards[0].held: there is no"),
        (r#""since": 7"#, r#""SINCE": 7"#, "held_shards[1].SINCE: there is no such member"),
        (r#"{"id": 2,"#, r#"{"ID": 2,"#, "tables[1].shards[0].ID: there is no such member"),
    ] {
        assert!(BY_HAND.contains(from), "{from}");
        fs::write(at.file(), BY_HAND.replace(from, to)).expect("written");
        let error = primary_of(&Router::new(routing_from(&at.file())), "g").expect_err(says);
        assert!(error.code == Code::File && error.message.contains(says), "{says}: {error}");
    }
}

#[test]
fn a_snapshot_whose_list_lies_is_refused_whole() {
    let at = Place::new();
    let (_server, config) = file_and_less(&at);
    seen(&config);
    for (bound, says) in [("1", "lists '1' among its shards"), ("x", "held_shards[4].lower_bound")]
    {
        let kept = fs::read(at.file()).expect("a snapshot");
        change(&at.file(), |document| document.held_shards.push(salaries(bound, Some(1))));
        let error = place_error(&Router::new(dead(config.clone())));
        assert!(error.contains(says), "{error}");
        fs::write(at.file(), kept).expect("written");
    }
    let text = fs::read_to_string(at.file()).expect("a snapshot");
    fs::write(at.file(), text.replace("\"20001\"", "\"30001\"")).expect("written");
    let error = place_error(&Router::new(dead(config)));
    assert!(error.contains("checksum is wrong"), "{error}");
}

fn place_error(router: &Router) -> String {
    group_of(router, SALARIES, Key::Integer(15_000)).expect_err("no snapshot to go on from").message
}

#[test]
fn a_snapshot_without_the_list_is_read() {
    let at = Place::new();
    let (_server, config) = file_and_less(&at);
    let text = fs::read_to_string(at.file()).expect("a snapshot");
    let (body, _) = text.rsplit_once("\"checksum\"").expect("a checksum");
    let body = body.replace("\"held_shards\": [],\n  ", "");
    assert!(!body.contains("held"), "{body}");
    let sum = u128::from_be_bytes(Md5::digest(&body).into());
    fs::write(at.file(), format!("{body}\"checksum\": \"{sum:032x}\"\n}}\n")).expect("written");
    assert_eq!(place(&Router::new(dead(config.clone())), 15_000).expect("as it was"), "shard2");
    assert_eq!(place(&Router::new(config), 15_000), Err(Code::ShardUnavailable));
}

fn listening(config: Config) -> (Router, Receiver<Event>) {
    let (heard, events) = mpsc::channel();
    let heard = Mutex::new(heard);
    let listener = Listener::new(move |delivery: &Delivery| {
        assert_eq!(delivery.lost_before, 0);
        let _ = heard.lock().expect("unpoisoned").send(delivery.event.clone());
    });
    (Router::new(Config { events: listener, ..config }), events)
}

/// The next events but those of any change: kinds, tables, and how many shards are held.
fn told(events: &Receiver<Event>, count: usize) -> Vec<(Kind, String, usize)> {
    let next = std::iter::from_fn(|| events.recv_timeout(Duration::from_secs(30)).ok());
    let next = next.filter(|event| !matches!(event.kind, Kind::Ready | Kind::TopologyChanged));
    next.take(count).map(|event| (event.kind, event.table, event.held_shards)).collect()
}

fn about(kind: Kind, held: usize) -> Vec<(Kind, String, usize)> {
    ["employees.dept_emp", SALARIES].map(|table| (kind, table.to_owned(), held)).into()
}

#[test]
fn holds_are_told_once_for_a_table_and_change() {
    let server = sample();
    let (router, events) = listening(config(&[&server]));
    router.seed(None).expect("seeded");
    let refetch = || {
        // Nothing is told twice: whatever is, comes before the next.
        for _ in 0..3 {
            router.prefetch(&[]).expect("fetched");
        }
    };
    let before = server.farm().clone();
    ["10001", "20001"].iter().for_each(|bound| set_state(&server, bound, State::Disabled));
    refetch();
    assert_eq!(told(&events, 2), about(Kind::ShardHeld, 2));
    // Another one for one of those.
    set_state(&server, "10001", State::Enabled);
    refetch();
    assert_eq!(told(&events, 2), about(Kind::ShardReleased, 1));
    set_state(&server, "10001", State::Disabled);
    set_state(&server, "20001", State::Enabled);
    refetch();
    assert_eq!(told(&events, 2), about(Kind::ShardHeld, 1));
    // Where there is no map nothing of it is held, and its lookups say why.
    mapping(&mut server.farm()).type_name = "LIST".into();
    refetch();
    assert_eq!(told(&events, 2), about(Kind::ShardReleased, 0));
    *server.farm() = before.clone();
    ["10001", "20001"].iter().for_each(|bound| set_state(&server, bound, State::Disabled));
    refetch();
    assert_eq!(told(&events, 2), about(Kind::ShardHeld, 2));
    // By Fabric's word, for which each table is asked about by itself.
    *server.farm() = before;
    refetch();
    assert_eq!(told(&events, 2), about(Kind::ShardReleased, 0));
    let shard = shard_of(&server, SALARIES, "10001");
    set_state(&server, "10001", State::Disabled);
    refetch();
    assert_eq!(told(&events, 2), about(Kind::ShardHeld, 1));
    server.farm().remove_shard(shard).expect("removed");
    eventually("the server's word", || {
        router.prefetch(&[]).expect("fetched");
        let resolved =
            |table| group_of(&router, table, Key::Integer(15_000)).is_ok_and(|g| g == "shard1");
        resolved(SALARIES) && resolved("employees.dept_emp")
    });
    let mut released = told(&events, 2);
    released.sort_by(|a, b| a.1.cmp(&b.1));
    assert_eq!(released, about(Kind::ShardReleased, 0));
    assert!(events.try_iter().all(|event| event.kind == Kind::TopologyChanged));
}

#[test]
fn a_handle_that_begins_with_a_hold_tells_of_it() {
    let at = Place::new();
    let (server, config) = file_and_less(&at);
    for start in [config.clone(), dead(config.clone()), routing_from(&at.file())] {
        let (router, events) = listening(start);
        assert_eq!(place(&router, 15_000), Err(Code::ShardUnavailable));
        assert_eq!(told(&events, 2), about(Kind::ShardHeld, 2));
    }
    drop(server);
}
