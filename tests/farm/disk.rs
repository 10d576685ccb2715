//! Snapshots on disk and topology files: a start without Fabric, and no trust in damage.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant, SystemTime};

use fabricd::{Fault, FaultKind, Options, Server};
use mysqlfabric::base::error::Code;
use mysqlfabric::config::{Config, Node};
use mysqlfabric::router::{Router, Scope};
use mysqlfabric::store::document::{Document, Table};
use mysqlfabric::store::parse::{Author, parse};
use mysqlfabric::topology::{Key, TableState, Wanted};

use crate::cache::promote;
use crate::support::*;

/// A directory of one test's own.
pub struct Place(PathBuf);

impl Place {
    pub fn new() -> Self {
        let path = std::env::temp_dir().join(format!("fabric-disk-{}", uuid::Uuid::new_v4()));
        fs::create_dir(&path).expect("a directory");
        Self(path)
    }

    pub fn file(&self) -> PathBuf {
        self.0.join("topology.json")
    }

    fn names(&self) -> Vec<String> {
        let entries = fs::read_dir(&self.0).expect("a directory");
        entries.map(|e| e.expect("an entry").file_name().into_string().expect("UTF-8")).collect()
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

pub fn keeping(servers: &[&Server], path: &Path) -> Config {
    Config { snapshot_file: Some(path.to_owned()), ..config(servers) }
}

fn fresh(config: Config) -> Config {
    Config { ttl_min: Duration::ZERO, ttl_max: Duration::from_millis(50), ..config }
}

/// Nobody listens here.
pub fn dead(config: Config) -> Config {
    Config { nodes: vec![Node { host: "127.0.0.1".into(), port: 1 }], ..config }
}

pub fn routing_from(path: &Path) -> Config {
    Config { topology_file: Some(path.to_owned()), nodes: Vec::new(), ..config(&[]) }
}

/// The snapshot of the whole sample farm.
fn saved(place: &Place) -> String {
    let server = sample();
    Router::new(keeping(&[&server], &place.file())).seed(None).expect("seeded");
    fs::read_to_string(place.file()).expect("a snapshot")
}

/// Where every table of the farm sends many keys.
fn routes(router: &Router) -> Vec<String> {
    let mut routes = Vec::new();
    let mut tables = Vec::new();
    router
        .table("employees.salaries", |topology, _| {
            for (name, entry) in topology.tables.iter() {
                if matches!(entry.value, TableState::Known(_)) {
                    tables.push(String::from_utf8(name.to_vec()).expect("UTF-8"));
                }
            }
            Ok(())
        })
        .expect("a table");
    tables.sort();
    for table in tables {
        for number in (-50..50).map(|n: i64| n * 431) {
            routes.push(format!(
                "{table} {number} {:?}",
                choice(router, &table, Key::Integer(number))
            ));
            let text = format!("{}{number}", (b'A' + (number.unsigned_abs() % 58) as u8) as char);
            let key = Key::Text(text.as_bytes());
            routes.push(format!("{table} {text} {:?}", choice(router, &table, key)));
            let day = format!("{:04}-06-15", 1000 + number.unsigned_abs() % 2000);
            let key = Key::Text(day.as_bytes());
            routes.push(format!("{table} {day} {:?}", choice(router, &table, key)));
        }
    }
    routes
}

fn choice(router: &Router, table: &str, key: Key<'_>) -> Result<Choice, (Code, String)> {
    ask(router, table, key, mysqlfabric::topology::Wanted::Primary)
        .map_err(|error| (error.code, error.message))
}

#[test]
fn a_start_without_fabric_routes_the_same() {
    let place = Place::new();
    let server = sample();
    let router = Router::new(keeping(&[&server], &place.file()));
    router.seed(None).expect("seeded");
    let mode = fs::metadata(place.file()).expect("a snapshot").permissions().mode();
    assert_eq!(mode & 0o7777, 0o600);
    assert_eq!(place.names(), ["topology.json"]);

    let heard = Heard::default();
    let offline =
        Router::new(Config { log: heard.log(), ..dead(keeping(&[&server], &place.file())) });
    offline.seed(None).expect("seeded from the snapshot");
    assert!(heard.says("routing from snapshot file"), "{:?}", heard.messages());
    assert_eq!(routes(&offline), routes(&router));
    assert!(routes(&router).len() > 1000);
    let nodes = offline.fabric_nodes().expect("nodes");
    assert!(nodes.len() > 1 && nodes.ends_with(&router.fabric_nodes().expect("nodes")[..1]));

    let by_hand = Router::new(routing_from(&place.file()));
    group_of(&by_hand, "employees.salaries", Key::Integer(1)).expect("a group");
    assert_eq!(routes(&by_hand), routes(&router));
}

#[test]
fn a_start_does_not_wait_for_all_attempts() {
    let place = Place::new();
    saved(&place);
    let config = dead(keeping(&[], &place.file()));
    let router = Router::new(Config {
        connect_attempts: 100,
        connect_delay: Duration::from_secs(60),
        ..config
    });
    let begun = Instant::now();
    group_of(&router, "employees.salaries", Key::Integer(1)).expect("from the snapshot");
    assert!(begun.elapsed() < Duration::from_secs(10), "{:?}", begun.elapsed());
}

#[test]
fn fabric_takes_over_when_it_is_back() {
    let place = Place::new();
    let mut server = sample();
    let address = server.addr().to_string();
    let busy = |server: &Server| Config {
        background_refresh: true,
        refresh_share_percent: 100,
        ..fresh(keeping(&[server], &place.file()))
    };
    Router::new(busy(&server)).seed(None).expect("seeded");
    let age = |text: String| parse(text.as_bytes(), Author::Library).expect("a snapshot").saved_at;
    let first = fs::read_to_string(place.file()).expect("written before the handle was gone");
    assert!(age(first.clone()).is_some());
    server.stop();

    let router = Router::new(busy(&server));
    assert_eq!(primary_of(&router, "shard1").expect("from the snapshot"), 33611);
    let generation = router.generation();
    let server = Server::start(Options { listen: address, ..Options::default() }).expect("fabricd");
    promote(&server, "shard1", 33612);
    eventually("the new primary", || primary_of(&router, "shard1").expect("one") == 33612);
    assert!(router.generation() > generation);
    eventually("the new snapshot", || {
        fs::read_to_string(place.file()).expect("a snapshot") != first
    });
    assert_eq!(place.names(), ["topology.json"]);
}

#[test]
fn an_old_snapshot_has_its_age() {
    let place = Place::new();
    let mut document = parse(saved(&place).as_bytes(), Author::Library).expect("a snapshot");
    *document.saved_at.as_mut().expect("a time") -= 1000;
    document.write(fs::File::create(place.file()).expect("a file")).expect("written");
    let config = dead(keeping(&[], &place.file()));
    let router = Router::new(config.clone());
    primary_of(&router, "shard1").expect("from the snapshot");
    let age = router.age().expect("an age");
    // Times in a file are whole seconds, of two readings of the clock.
    assert!((999_000..1_100_000).contains(&age), "{age}");
    let strict = Router::new(Config { max_stale: Some(Duration::from_secs(900)), ..config });
    assert_eq!(code(primary_of(&strict, "shard1")), Code::Stale);
}

#[test]
fn what_the_snapshot_does_not_know_stays_a_failure_of_the_network() {
    let place = Place::new();
    saved(&place);
    let router = Router::new(dead(keeping(&[], &place.file())));
    assert_eq!(code(group_of(&router, "no.such", Key::Integer(1))), Code::Unreachable);
    group_of(&router, "employees.salaries", Key::Integer(1)).expect("from the snapshot");
    assert_eq!(code(group_of(&router, "no.such", Key::Integer(1))), Code::Unreachable);
    assert_eq!(code(router.prefetch(&["no.such"])), Code::Unreachable);
}

#[test]
fn one_lookup_does_not_forget_the_rest() {
    let place = Place::new();
    let whole = parse(saved(&place).as_bytes(), Author::Library).expect("a snapshot");
    let server = sample();
    promote(&server, "shard1", 33612);
    let router = Router::new(keeping(&[&server], &place.file()));
    group_of(&router, "shop.orders", Key::Integer(1)).ok();
    let after = fs::read(place.file()).expect("a snapshot");
    let after = parse(&after, Author::Library).expect("a snapshot");
    assert_ne!(after.groups, whole.groups, "it is new");
    // A second may end between the questions of one fetch: then the file says so of the tables.
    let timeless = |mut tables: Vec<Table>| {
        tables.iter_mut().for_each(|table| table.confirmed_at = None);
        tables
    };
    assert_eq!(timeless(after.tables), timeless(whole.tables));
}

#[test]
fn no_damage_is_trusted_in_part() {
    let place = Place::new();
    let intact = saved(&place);
    let mut refused = 0;
    for end in (0..intact.len() - 1).step_by(50) {
        refused += usize::from(parse(&intact.as_bytes()[..end], Author::Anybody).is_err());
        assert!(parse(&intact.as_bytes()[..end], Author::Library).is_err(), "cut at {end}");
    }
    assert_eq!(refused, (0..intact.len() - 1).step_by(50).count());
    for position in 0..intact.len() {
        let mut bytes = intact.clone().into_bytes();
        bytes[position] ^= 1 << (position % 8);
        assert!(parse(&bytes, Author::Library).is_err(), "flipped at {position}");
        assert!(parse(&bytes, Author::Anybody).is_err(), "flipped at {position}");
    }
    for garbage in ["", " ", "{}", "[]", "null", "{\"farm\": 1}", &intact.repeat(2)] {
        assert!(parse(garbage.as_bytes(), Author::Anybody).is_err(), "{garbage:.20}");
    }
}

#[test]
fn a_damaged_snapshot_is_named_in_the_error() {
    let place = Place::new();
    let intact = saved(&place);
    let heard = Heard::default();
    let config = Config { log: heard.log(), ..dead(keeping(&[], &place.file())) };
    fs::write(place.file(), intact.replace("33611", "33612")).expect("written");
    let error = primary_of(&Router::new(config.clone()), "shard1").expect_err("it is damaged");
    assert_eq!(error.code, Code::Unreachable);
    assert!(
        error.message.contains("topology.json") && error.message.contains("checksum"),
        "{error}"
    );
    assert!(heard.says("checksum"), "{:?}", heard.messages());

    // Also for who does not wait until Fabric has failed.
    let server = sample();
    server.set_fault(fabricd::Fault::always(fabricd::FaultKind::Hang));
    let hanging = Config {
        lookup_timeout: Duration::from_millis(300),
        request_timeout: Duration::from_secs(60),
        ..keeping(&[&server], &place.file())
    };
    let error = primary_of(&Router::new(hanging), "shard1").expect_err("it is damaged");
    assert_eq!(error.code, Code::Timeout);
    assert!(
        error.message.contains("topology.json") && error.message.contains("checksum"),
        "{error}"
    );

    fs::remove_file(place.file()).expect("removed");
    fs::create_dir(place.file()).expect("a directory");
    let error = primary_of(&Router::new(config.clone()), "shard1").expect_err("a directory");
    assert!(error.message.contains("no regular file"), "{error}");
    fs::remove_dir(place.file()).expect("removed");
    let error = primary_of(&Router::new(config), "shard1").expect_err("nothing");
    assert!(error.message.contains("no snapshot file"), "{error}");
}

#[test]
fn a_file_that_cannot_be_written_hurts_nobody() {
    let server = sample();
    let heard = Heard::default();
    for background_refresh in [false, true] {
        let config = keeping(&[&server], Path::new("/proc/nowhere/topology.json"));
        let router = Router::new(Config { background_refresh, log: heard.log(), ..config });
        group_of(&router, "employees.salaries", Key::Integer(1)).expect("a group");
        drop(router);
        let complaints = heard.messages().iter().filter(|m| m.contains("is not written")).count();
        assert_eq!(complaints, 1 + usize::from(background_refresh), "{:?}", heard.messages());
    }
}

#[test]
fn readers_never_see_a_part() {
    let place = Place::new();
    let server = sample();
    let router = Router::new(Config {
        background_refresh: true,
        refresh_share_percent: 100,
        ..fresh(keeping(&[&server], &place.file()))
    });
    router.seed(None).expect("seeded");
    eventually("a snapshot", || place.file().exists());
    let done = AtomicBool::new(false);
    std::thread::scope(|scope| {
        let reader = scope.spawn(|| {
            let mut contents = std::collections::BTreeSet::new();
            while !done.load(Ordering::Relaxed) {
                let bytes = fs::read(place.file()).expect("always there");
                contents.insert(parse(&bytes, Author::Library).expect("always whole").content());
            }
            contents.len()
        });
        for turn in 0..8 {
            let port = 33611 + turn % 2;
            promote(&server, "shard1", port);
            eventually("the change", || primary_of(&router, "shard1").expect("one") == port);
            std::thread::sleep(Duration::from_millis(50));
        }
        done.store(true, Ordering::Relaxed);
        assert!(reader.join().expect("a reader") >= 2);
    });
}

const EXAMPLE: &str = include_str!("../data/topology.json");

#[test]
fn the_documented_example_is_the_tested_one() {
    let text = include_str!("../../docs/TOPOLOGY_FILE.md");
    let example = text.split("```json\n").nth(1).and_then(|rest| rest.split("```").next());
    assert_eq!(example, Some(EXAMPLE));
    parse(EXAMPLE.as_bytes(), Author::Anybody).expect("the example is right");
    assert!(parse(EXAMPLE.as_bytes(), Author::Library).is_err(), "a person wrote it");
}

#[test]
fn a_topology_file_needs_no_fabric() {
    let place = Place::new();
    fs::write(place.file(), EXAMPLE).expect("written");
    let router = Router::new(routing_from(&place.file()));
    assert_eq!(
        group_of(&router, "employees.salaries", Key::Integer(10_021)).expect("it"),
        "shard2"
    );
    assert_eq!(group_of(&router, "shop.customers", Key::Text(b"Mia")).expect("it"), "shard2");
    assert_eq!(primary_of(&router, "global").expect("it"), 3306);
    assert_eq!(code(group_of(&router, "no.such", Key::Integer(1))), Code::UnknownTable);
    assert_eq!(code(primary_of(&router, "nosuch")), Code::UnknownGroup);
    assert_eq!(code(router.execute("manage", "ping", &[])), Code::NotSeeded);
    let node = Node { host: "127.0.0.1".into(), port: 1 };
    assert_eq!(code(router.seed(Some(node))), Code::Argument);
    router.seed(None).expect("read");
    router.prefetch(&["shop.orders"]).expect("known");
    assert!(router.fabric_nodes().expect("none").is_empty());
    assert!(router.age().expect("an age") < 10_000);
    router.reset_cache(None);
    assert_eq!(group_of(&router, "employees.salaries", Key::Integer(1)).expect("it"), "shard1");
}

#[test]
fn a_changed_topology_file_is_read_again() {
    for background_refresh in [false, true] {
        let place = Place::new();
        fs::write(place.file(), EXAMPLE).expect("written");
        let heard = Heard::default();
        let router = Router::new(Config {
            background_refresh,
            refresh_share_percent: 100,
            log: heard.log(),
            ..fresh(routing_from(&place.file()))
        });
        let group = || group_of(&router, "employees.salaries", Key::Integer(10_021));
        assert_eq!(group().expect("a group"), "shard2");
        let replace = |text: &str| {
            fs::write(place.0.join("new"), text).expect("written");
            fs::rename(place.0.join("new"), place.file()).expect("renamed");
        };
        replace(&EXAMPLE.replace("10021", "10022"));
        eventually("the new bound", || group().expect("a group") == "shard1");
        let generation = router.generation();

        replace(&EXAMPLE.replace("\"port\": 3306", "\"port\": 70000"));
        eventually("a complaint", || {
            assert_eq!(group().expect("a group"), "shard1");
            heard.says("the old topology stays in use")
        });
        assert!(heard.says("groups[0].servers[0].port"), "{:?}", heard.messages());
        assert_eq!(code(router.seed(None)), Code::File);
        assert_eq!(router.generation(), generation);

        replace(EXAMPLE);
        eventually("the old bound", || group().expect("a group") == "shard2");
        replace(&EXAMPLE.replace("\"salaries\"", "\"wages\""));
        eventually("the table is gone", || group().is_err_and(|e| e.code == Code::UnknownTable));
        group_of(&router, "employees.wages", Key::Integer(1)).expect("the new table");
        fs::remove_file(place.file()).expect("removed");
        eventually("a complaint", || heard.says("cannot be read") || group().is_ok());
        group_of(&router, "employees.wages", Key::Integer(1)).expect("it stays");
        replace(EXAMPLE);
        eventually("it is back", || group().is_ok());
    }
}

#[test]
fn a_bad_topology_file_is_refused_with_the_place() {
    let place = Place::new();
    let refused = |text: &str, says: &str| {
        fs::write(place.file(), text).expect("written");
        let router = Router::new(routing_from(&place.file()));
        let error = primary_of(&router, "global").expect_err(says);
        assert_eq!(error.code, Code::File, "{error}");
        assert!(error.message.contains("topology.json") && error.message.contains(says), "{error}");
        fs::write(place.file(), EXAMPLE).expect("written");
        primary_of(&router, "global").expect("it is right now");
    };
    refused("", "empty");
    refused("{\"shards\": 3}", "no topology file");
    refused(&EXAMPLE[..EXAMPLE.len() / 2], "line");
    refused(&format!("{EXAMPLE}x"), "trailing characters");
    for (from, to, says) in [
        ("\"version\": 1", "\"version\": 3", "version 3"),
        ("\"type\": \"HASH\"", "\"type\": \"LIST\"", "'LIST'"),
        ("\"M\"", "7.5", "tables[1].shards[1].lower_bound"),
        ("10021,", "\"ten\",", "'ten'"),
        ("10021,", "1,", "two shards"),
        ("\"group\": \"shard2\"", "\"group\": \"shardz\"", "'shardz' is not listed"),
        ("\"id\": \"shard2\"", "\"id\": \"shard1\"", "listed twice"),
        ("\"table\": \"orders\"", "\"table\": \"customers\"", "listed twice"),
        ("\"weight\": 0.5", "\"weight\": 0", "groups[1].servers[1].weight"),
        ("\"weight\": 0.5", "\"weight\": \"heavy\"", "groups[1].servers[1].weight"),
        ("\"mode\": \"READ_ONLY\"", "\"mode\": \"READ\"", "READ_ONLY, WRITE_ONLY"),
        ("\"port\": 3307,", "", "missing field `port`"),
        ("\"ttl_ms\": 5000", "\"ttl_ms\": 0", "ttl_ms"),
        ("\"ttl_ms\": 5000", "\"version\": 1", "duplicate field `version`"),
        ("\"schema\": \"web\"", "\"schema\": \"w.b\"", "without a dot"),
        ("\"column\": \"id\"", "\"column\": \"id\\u0000\"", "NUL"),
        ("\"ttl_ms\": 5000", "\"written_by\": \"me\"", "checksum is missing"),
    ] {
        if EXAMPLE.contains(from) {
            refused(&EXAMPLE.replace(from, to), says);
        }
    }
    for (from, to, says) in [
        ("\"ttl_ms\": 5000", "\"ttl_sm\": 5000", "ttl_sm: there is no such member, but ttl_ms is"),
        ("\"ttl_ms\": 5000", "\"ttlms\": 5000", "but ttl_ms is one"),
        ("\"ttl_ms\": 5000", "\"saved-at\": 5000", "but saved_at is one"),
        ("\"ttl_ms\": 5000", "\"fabric_node\": []", "but fabric_nodes is one"),
        ("\"ttl_ms\": 5000", "\"checksums\": \"\"", "but checksum is one"),
        ("\"ttl_ms\": 5000", "\"writen_by\": \"me\"", "but written_by is one"),
        ("\"weight\": 0.5", "\"weihgt\": 0.5", "groups[1].servers[1].weihgt: there is no such"),
        ("\"weight\": 0.5", "\"weight\": 0.5, \"modes\": 1", "servers[1].modes: there is no such"),
        ("\"id\": 7,", "\"id\": 7, \"groups\": 7,", "tables[3].shards[0].groups: there is no such"),
        (
            "\"column\": \"id\"",
            "\"column\": \"id\", \"tpye\": 1",
            "tables[3].tpye: there is no such",
        ),
        (
            "\"id\": \"global\"",
            "\"id\": \"global\", \"Servers\": []",
            "groups[0].Servers: there is",
        ),
        ("\"M\"", "17", "tables[1], 'shop.customers': shards[1].lower_bound: 17 is a number"),
        ("\"1970-01-01\"", "19700101", "tables[2], 'shop.orders': shards[0].lower_bound: 19700101"),
        (
            "\"id\": 2",
            "\"id\": 1",
            "'employees.salaries': shards[1].id: shards[0] has the number 1",
        ),
        ("000000000012\"", "000000000011\"", "groups[1], 'shard1': servers[1].uuid: server"),
        ("000000000021\"", "000000000011\"", "groups[2], 'shard2': servers[0].uuid: server"),
        ("000000000021\"", "000000000011\"", "is in group 'shard1', too"),
        ("db12.example.com", "DB11.example.com", "groups[1], 'shard1': servers[1].host: another"),
        ("\"SECONDARY\"", "\"PRIMARY\"", "groups[1], 'shard1': servers[1].mode: server"),
        (
            "\"mode\": 1, \"status\": 2",
            "\"mode\": 3, \"status\": 3",
            "groups[2], 'shard2': servers[1].status",
        ),
        ("\"mode\": 3, \"status\": 3", "\"mode\": 1, \"status\": 3", "cannot be READ_ONLY"),
        ("db1.example.com", &"h".repeat(256), "groups[0], 'global': servers[0].host: 'hhh"),
        ("db1.example.com", &"h".repeat(256), "has 256 bytes, and 255 is the most"),
        ("db1.example.com", "db1:3306", "'db1:3306' is neither a name nor an address"),
        ("\"column\": \"id\"", &format!("\"column\": \"{}\"", "c".repeat(200)), "199 is the most"),
        (
            "\"ttl_ms\": 5000",
            &format!("\"fabric_nodes\": [{{\"host\": \"{}\", \"port\": 1}}]", "n".repeat(256)),
            "fabric_nodes[0].host",
        ),
    ] {
        assert!(EXAMPLE.contains(from), "{from}");
        refused(&EXAMPLE.replace(from, to), says);
    }
    let router = Router::new(routing_from(&place.0.join("none.json")));
    assert_eq!(code(primary_of(&router, "global")), Code::File);
    let router = Router::new(routing_from(&place.0));
    assert_eq!(code(primary_of(&router, "global")), Code::File);
}

/// What is a mistake where a person wrote it is what Fabric said where the library did.
#[test]
fn a_snapshot_may_hold_whatever_a_dump_may() {
    let place = Place::new();
    let change = |change: fn(&mut Document)| {
        let mut document = parse(EXAMPLE.as_bytes(), Author::Anybody).expect("right");
        change(&mut document);
        let mut by_hand = Vec::new();
        document.write(&mut by_hand).expect("written");
        let why = parse(&by_hand, Author::Anybody).expect_err("a person's mistake");
        document.written_by = Some("libmysqlfabric".into());
        let mut snapshot = Vec::new();
        document.write(&mut snapshot).expect("written");
        for author in [Author::Library, Author::Anybody] {
            let read =
                parse(&snapshot, author).unwrap_or_else(|refusal| panic!("{refusal}; {why}"));
            assert_eq!(read.groups, document.groups);
        }
        fs::write(place.file(), &snapshot).expect("written");
        let router = Router::new(dead(keeping(&[], &place.file())));
        router.table("web.sessions", |_, _| Ok(())).expect("from the snapshot");
        let router = Router::new(routing_from(&place.file()));
        router.table("web.sessions", |_, _| Ok(())).expect("from the file");
    };
    change(|document| {
        document.groups[1].servers[1].uuid = document.groups[1].servers[0].uuid.clone()
    });
    change(|document| {
        document.groups[2].servers[1].uuid = document.groups[1].servers[0].uuid.clone()
    });
    change(|document| {
        document.groups[1].servers[1].host = document.groups[1].servers[0].host.clone()
    });
    change(|document| document.groups[2].servers[1].status = 3);
    change(|document| {
        document.groups[2].servers[1].status = 3;
        document.groups[2].servers[1].mode = 3;
    });
    change(|document| document.groups[1].servers[0].mode = 1);
    change(|document| document.tables[0].shards[1].id = document.tables[0].shards[0].id);
    change(|document| document.groups[1].servers[2].host = "h".repeat(300));
    change(|document| document.tables[0].column = "c".repeat(300));
}

/// A later version may have them.
#[test]
fn other_members_are_left_alone() {
    for member in ["\"comment\": \"a\"", "\"mod\": 1", "\"note\": {\"tpye\": 1}", "\"racks\": [1]"]
    {
        for from in ["\"version\": 1", "\"weight\": 0.5", "\"column\": \"id\"", "\"id\": 7"] {
            let text = EXAMPLE.replace(from, &format!("{member}, {from}"));
            assert_ne!(text, EXAMPLE);
            parse(text.as_bytes(), Author::Anybody).unwrap_or_else(|why| panic!("{member}: {why}"));
        }
    }
}

/// Looking for what is twice takes a time that grows with the file: the ratio tells, not the time.
#[test]
fn a_large_file_takes_no_longer_than_its_size_says() {
    let time = |servers: usize| {
        let server = |at: usize| {
            format!(
                "{{\"uuid\": \"u{at}\", \"host\": \"h{at}\", \"port\": 1, \"mode\": 1, \"status\": 2, \"weight\": 1}}"
            )
        };
        let list: Vec<String> = (0..servers).map(server).collect();
        let shard =
            |at: usize| format!("{{\"id\": {at}, \"lower_bound\": {at}, \"group\": \"g\"}}");
        let shards: Vec<String> = (0..servers).map(shard).collect();
        let text = format!(
            "{{\"format\": \"libmysqlfabric topology\", \"version\": 1, \"tables\": [{{\"schema\": \"s\", \"table\": \"t\", \
             \"column\": \"c\", \"type\": \"RANGE\", \"global_group\": \"g\", \"shards\": [{}]}}], \
             \"groups\": [{{\"id\": \"g\", \"servers\": [{}]}}]}}",
            shards.join(","),
            list.join(",")
        );
        let once = || {
            let begun = Instant::now();
            parse(text.as_bytes(), Author::Anybody).expect("right");
            begun.elapsed()
        };
        (0..3).map(|_| once()).min().expect("a time")
    };
    let (few, many) = (time(2_000), time(60_000));
    // 30 times as much; a look at each pair would take 900 times as long.
    assert!(many < few * 200, "{few:?} {many:?}");
}

#[test]
fn a_byte_order_mark_is_skipped() {
    let place = Place::new();
    fs::write(place.file(), format!("\u{feff}{EXAMPLE}")).expect("written");
    assert_eq!(primary_of(&Router::new(routing_from(&place.file())), "global").expect("it"), 3306);
    fs::write(place.file(), format!("\u{feff}{}", saved(&place))).expect("written");
    let router = Router::new(dead(keeping(&[], &place.file())));
    primary_of(&router, "shard1").expect("from the snapshot");
    assert!(parse("\u{feff}\u{feff}{}".as_bytes(), Author::Anybody).is_err(), "one is enough");
}

#[test]
fn a_snapshot_from_the_future_is_of_unknown_age() {
    let place = Place::new();
    let mut document = parse(saved(&place).as_bytes(), Author::Library).expect("a snapshot");
    for saved_at in [document.saved_at.map(|time| time + 5_000), Some(u64::MAX), None] {
        document.saved_at = saved_at;
        document.write(fs::File::create(place.file()).expect("a file")).expect("written");
        let heard = Heard::default();
        let config = Config { log: heard.log(), ..dead(keeping(&[], &place.file())) };
        let router = Router::new(config.clone());
        primary_of(&router, "shard1").expect("from the snapshot");
        assert_eq!(router.age(), None);
        assert!(heard.says("of unknown age"), "{:?}", heard.messages());
        let strict = Router::new(Config { max_stale: Some(Duration::from_secs(86_400)), ..config });
        let error = primary_of(&strict, "shard1").expect_err("nobody knows how old it is");
        assert_eq!(error.code, Code::Stale);
        assert!(error.message.contains("unknown age"), "{error}");
    }
    // What Fabric says itself has an age again.
    let server = sample();
    let config = keeping(&[&server], &place.file());
    let strict = Router::new(Config { max_stale: Some(Duration::from_secs(86_400)), ..config });
    primary_of(&strict, "shard1").expect("from Fabric");
    assert!(strict.age().is_some());
}

/// Fabric answers no more about one table: a file that is written for the sake of the others does not
/// make it young again.
#[test]
fn what_was_confirmed_before_the_rest_is_as_old_in_the_next_process() {
    let place = Place::new();
    let server = sample();
    let config = keeping(&[&server], &place.file());
    let router = Router::new(config.clone());
    let read = || parse(&fs::read(place.file()).expect("a snapshot"), Author::Library).expect("it");
    let orders = |document: &Document| {
        let orders = document.tables.iter().find(|table| table.table == "orders");
        orders.expect("the table").confirmed_at
    };
    router.prefetch(&["shop.orders", "employees.salaries"]).expect("fetched");
    assert_eq!(orders(&read()), None, "as old as the rest");
    server.farm().broken_tables.push("shop.orders".into());
    std::thread::sleep(Duration::from_millis(2_100));
    promote(&server, "shard1", 33612);
    let _ = router.prefetch(&["shop.orders", "employees.salaries"]);
    router.reset_cache(Some("shard1"));
    assert_eq!(primary_of(&router, "shard1").expect("news, which is written"), 33612);
    let mut document = read();
    let (saved_at, confirmed_at) = (document.saved_at.expect("a time"), orders(&document));
    assert!(confirmed_at.expect("a time of its own") + 2 <= saved_at, "{confirmed_at:?}");
    let others = document.tables.iter().filter(|table| table.table != "orders");
    // A second may end between the questions of one fetch.
    let is_young = |at: u64| at + 1 >= saved_at;
    assert!(others.into_iter().all(|table| table.confirmed_at.is_none_or(is_young)));

    let key = Key::Integer(1);
    let day = Duration::from_secs(86_400);
    for (confirmed_at, age) in [(saved_at - 1000, Some(1000)), (saved_at + 5_000, None), (0, None)]
    {
        for table in document.tables.iter_mut().filter(|table| table.table == "orders") {
            table.confirmed_at = Some(confirmed_at);
        }
        document.write(fs::File::create(place.file()).expect("a file")).expect("written");
        for (is_down, start) in [(true, dead(config.clone())), (false, config.clone())] {
            let limit = age.map_or(day, |age| Duration::from_secs(age - 100));
            let strict = Router::new(Config { max_stale: Some(limit), ..start.clone() });
            group_of(&strict, "employees.salaries", key).expect("young enough");
            assert_eq!(code(group_of(&strict, "shop.orders", key)), Code::Stale, "{age:?}");
            let router = Router::new(start);
            group_of(&router, "employees.salaries", key).expect("a group");
            group_of(&router, "shop.orders", key).expect("from the file");
            let known = router.age().map(|age| age / 1000);
            assert!(
                known.zip(age).map_or(known == age, |(a, b)| (b..b + 60).contains(&a)),
                "{known:?}"
            );
            // Nor does a process that could not have it either.
            let written = orders(&read()).expect("a time of its own");
            assert!(is_down || written <= confirmed_at.min(saved_at), "{written}");
        }
    }
}

#[test]
fn what_a_killed_writer_left_is_taken_away() {
    let place = Place::new();
    let left = place.0.join(format!(".topology.json.{}-{}.tmp", 4_000_000, "0".repeat(32)));
    let file = fs::File::create(&left).expect("a file");
    file.set_modified(SystemTime::now() - Duration::from_secs(3_600)).expect("a time");
    drop(file);
    saved(&place);
    assert_eq!(place.names(), ["topology.json"]);
}

/// A Fabric that hangs for longer than anything may take that a snapshot can answer.
fn hanging(place: &Place) -> (Server, Config) {
    saved(place);
    let server = sample();
    server.set_fault(Fault::always(FaultKind::Hang));
    let config = Config {
        request_timeout: Duration::from_secs(120),
        connect_attempts: 1,
        ..keeping(&[&server], &place.file())
    };
    (server, config)
}

#[test]
fn who_may_not_wait_gets_the_snapshot_in_time_while_fabric_hangs() {
    for wanted in [Wanted::Reader, Wanted::Primary] {
        let place = Place::new();
        let (_server, config) = hanging(&place);
        let router = Router::new(Config { lookup_timeout: Duration::ZERO, ..config });
        let look = || ask(&router, "employees.salaries", Key::Integer(5), wanted);
        let begun = Instant::now();
        assert_eq!(code(look()), Code::WouldBlock, "Fabric is asked first");
        eventually("the snapshot's answer", || match look() {
            Ok(choice) => choice.group == "shard1",
            Err(error) => {
                assert_eq!(error.code, Code::WouldBlock);
                false
            }
        });
        let took = begun.elapsed();
        println!("{wanted:?} with no time, while Fabric hangs: {took:?}");
        let least = if wanted == Wanted::Primary { 2_400 } else { 900 };
        assert!(took >= Duration::from_millis(least), "Fabric has its time: {took:?}");
        assert_eq!(code(primary_of(&router, "no.such")), Code::WouldBlock);
    }
}

#[test]
fn a_read_from_the_snapshot_does_not_have_a_write_go_on_from_it_too_early() {
    let place = Place::new();
    let (_server, config) = hanging(&place);
    let router = Router::new(config);
    let (key, table) = (Key::Integer(5), "employees.salaries");
    let wait = |wanted, most| {
        let (tables, key) = ([table.as_bytes()], Some(key));
        router.shard_server_wait(&tables, key, Scope::Local, wanted, most, |_, s| Ok(s.port))
    };
    let begun = Instant::now();
    wait(Wanted::Reader, Duration::from_secs(100)).expect("a reader of the snapshot");
    let write = wait(Wanted::Primary, Duration::ZERO);
    if begun.elapsed() < Duration::from_millis(2_400) {
        assert_eq!(code(write), Code::WouldBlock);
    }
    eventually("a primary", || wait(Wanted::Primary, Duration::ZERO).is_ok());
}

#[test]
fn a_seed_goes_on_from_the_snapshot_while_fabric_hangs() {
    let place = Place::new();
    let (server, config) = hanging(&place);
    let timed = |what: &str, work: &dyn Fn(&Router)| {
        let heard = Heard::default();
        let router = Router::new(Config { log: heard.log(), ..config.clone() });
        let begun = Instant::now();
        work(&router);
        println!("{what} while Fabric hangs: {:?}", begun.elapsed());
        assert!(begun.elapsed() < Duration::from_secs(20), "{what}: {:?}", begun.elapsed());
        assert!(heard.says("routing from snapshot file"), "{:?}", heard.messages());
        assert!(router.age().is_some(), "the snapshot's");
    };
    timed("seed", &|router| router.seed(None).expect("from the snapshot"));
    timed("prefetch of all", &|router| router.prefetch(&[]).expect("from the snapshot"));
    timed("prefetch", &|router| {
        router.prefetch(&["employees.salaries"]).expect("from the snapshot");
    });
    timed("nodes", &|router| _ = router.fabric_nodes().expect("from the snapshot"));
    // What is not in it is Fabric's to tell, and the fetch that a seed began goes on.
    let router = Router::new(Config { request_timeout: Duration::from_secs(4), ..config });
    assert_eq!(code(router.prefetch(&["no.such"])), Code::Timeout);
    let router = Router::new(keeping(&[&server], &place.file()));
    router.seed(None).expect("from the snapshot");
    promote(&server, "shard1", 33612);
    server.clear_fault();
    eventually("Fabric's word", || primary_of(&router, "shard1").expect("a primary") == 33612);
}
