//! Names that come and go: what is gone takes no memory, and what took its place is not taken for
//! it.

use std::cell::Cell;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;
use std::fs;
use std::path::PathBuf;
use std::sync::{Arc, Mutex};

use mysqlfabric::config::Config;
use mysqlfabric::observe::log::Log;
use mysqlfabric::refresh::health::servers::ServerHealth;
use mysqlfabric::refresh::update::{Asked, Update};
use mysqlfabric::router::Router;
use mysqlfabric::topology::{
    Server, ServerRow, ShardRow, TableState, TablesBuilder, Topology, Wanted,
};
use proptest::prelude::*;

/// A farm in a model too simple to be wrong.
#[derive(Debug, Clone, Default)]
struct Farm {
    /// By table: the group of each shard. Each table has a name of its own for its column, so that
    /// it is another one every time.
    tables: BTreeMap<u8, BTreeSet<u16>>,
    groups: BTreeSet<u16>,
}

/// Some of many groups: enough of them that most are gone most of the time.
fn farm() -> impl Strategy<Value = Farm> {
    let groups = || prop::collection::btree_set(0u16..400, 0..120);
    let shards = prop::collection::btree_set(0u16..400, 1..20);
    let tables = prop::collection::btree_map(0u8..4, shards, 0..4);
    (tables, groups()).prop_map(|(tables, groups)| Farm { tables, groups })
}

fn group(number: u16) -> String {
    format!("group{number}")
}

impl Farm {
    fn listing(&self) -> TablesBuilder {
        let mut listing = TablesBuilder::default();
        for (table, shards) in &self.tables {
            for (at, number) in shards.iter().enumerate() {
                listing.push(&ShardRow {
                    schema: "db".into(),
                    table: format!("t{table}").into(),
                    column: "c".into(),
                    lower_bound: at.to_string().into(),
                    shard_id: at as i64 + 1,
                    type_name: "RANGE".into(),
                    group: group(*number).into(),
                    global_group: "global".into(),
                    read_only: false,
                });
            }
        }
        listing
    }

    fn rows(&self) -> Vec<ServerRow> {
        let row = |number: &u16| ServerRow {
            group: group(*number),
            server: Server {
                uuid: format!("uuid of {}", group(*number)),
                host: "h".into(),
                port: 3306,
                mode: 3,
                status: 3,
                weight: 1.0,
                zone: None,
            },
        };
        self.groups.iter().map(row).collect()
    }

    /// Whether a topology says of every group what the farm says.
    fn is(&self, topology: &Topology) {
        for number in 0..400 {
            let id = topology.group_number(group(number).as_bytes());
            let servers = id.and_then(|id| topology.group(id)).map(|entry| entry.value.servers());
            let uuid = servers.and_then(|servers| servers.first()).map(|server| &*server.uuid);
            let expected = format!("uuid of {}", group(number));
            let expected = self.groups.contains(&number).then_some(&*expected);
            assert_eq!(uuid, expected, "{}", group(number));
            assert!(id.is_none_or(|id| topology.group_name(id) == group(number)));
        }
        assert_eq!(topology.tables.len(), self.tables.len());
        for (table, shards) in &self.tables {
            let entry = topology.tables.get(format!("db.t{table}").as_bytes()).expect("the table");
            let TableState::Known(known) = &entry.value else { panic!("a map") };
            let named = known.map.shards().map(|shard| topology.group_name(shard.group).to_owned());
            let expected = shards.iter().map(|number| group(*number));
            assert!(named.eq(expected), "t{table}");
            assert_eq!(topology.group_name(known.global_group), "global");
        }
    }
}

/// The topology that follows one when the farm is like this, and whose writes are held then.
fn next(before: &Arc<Topology>, seen: &mut ServerHealth, farm: &Farm) -> Arc<Topology> {
    let log = Log::default();
    let mut update = Update::new(before, seen, &log, 0, false, 1);
    update.tables(&Asked::Everything, farm.listing(), &[], 2);
    update.groups(&Asked::Everything, farm.rows(), &[], 2);
    update.finish().map_or_else(|| Arc::clone(before), Arc::new)
}

/// What the process has in memory is one test's at a time.
static ALONE: Mutex<()> = Mutex::new(());

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]
    #[test]
    fn no_group_is_taken_for_the_one_that_had_its_number(
        farms in prop::collection::vec(farm(), 1..20),
    ) {
        let _alone = ALONE.lock();
        let (mut topology, mut seen) = (Arc::<Topology>::default(), ServerHealth::default());
        let mut kept = Vec::new();
        for farm in farms {
            topology = next(&topology, &mut seen, &farm);
            farm.is(&topology);
            kept.push((farm, Arc::clone(&topology)));
        }
        // Old snapshots are what they were.
        for (farm, topology) in kept {
            farm.is(&topology);
        }
    }
}

/// The groups of a table's shards in a topology, and the servers of a group.
fn said(topology: &Topology, table: u8) -> Option<Vec<String>> {
    let entry = topology.tables.get(format!("db.t{table}").as_bytes())?;
    let TableState::Known(known) = &entry.value else { panic!("a map") };
    let groups = known.map.shards().map(|shard| topology.group_name(shard.group).to_owned());
    Some(groups.collect())
}

fn served(topology: &Topology, number: u16) -> Vec<String> {
    let id = topology.group_number(group(number).as_bytes());
    let entry = id.and_then(|id| topology.group(id));
    let servers = entry.map(|entry| entry.value.servers()).unwrap_or_default();
    servers.iter().map(|server| server.uuid.clone()).collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]
    #[test]
    fn what_has_left_off_is_in_part_as_before_and_in_part_new(
        farms in (farm(), farm()),
        steps in 0usize..300,
    ) {
        let _alone = ALONE.lock();
        let mut seen = ServerHealth::default();
        let before = next(&Arc::default(), &mut seen, &farms.0);
        let whole = next(&before, &mut seen.clone(), &farms.1);
        let asked = Cell::new(0);
        let stops = || asked.replace(asked.get() + 1) >= steps;
        let log = Log::default();
        let mut update = Update::new(&before, &mut seen, &log, 0, false, 1).until(&stops);
        update.tables(&Asked::Everything, farms.1.listing(), &[], 2);
        update.groups(&Asked::Everything, farms.1.rows(), &[], 2);
        let has_stopped = update.has_stopped();
        assert_eq!(has_stopped, asked.get() > steps);
        let part = update.finish().map_or_else(|| Arc::clone(&before), Arc::new);
        if !has_stopped {
            farms.1.is(&part);
        }
        for table in 0..4 {
            let now = said(&part, table);
            assert!(now == said(&before, table) || now == said(&whole, table), "t{table}: {now:?}");
        }
        for number in 0..400 {
            let now = served(&part, number);
            assert!(now == served(&before, number) || now == served(&whole, number), "{number}");
        }
    }
}

#[test]
fn groups_that_are_gone_have_no_number() {
    let _alone = ALONE.lock();
    let (mut topology, mut seen) = (Arc::<Topology>::default(), ServerHealth::default());
    for round in 0..100u16 {
        let groups = (0..100).map(|at| round * 100 + at).collect::<BTreeSet<u16>>();
        let shards = groups.iter().copied().take(10).collect();
        let farm = Farm { tables: BTreeMap::from([(1, shards)]), groups };
        topology = next(&topology, &mut seen, &farm);
        assert!(topology.groups().count() <= 201 + 32, "round {round}");
        let numbers = topology.groups().map(|(id, ..)| id.0).max();
        assert!(numbers <= Some(300), "{numbers:?} in round {round}");
    }
    let gone = Farm::default();
    topology = next(
        &next(&topology, &mut seen, &gone),
        &mut seen,
        &Farm { groups: BTreeSet::from([1]), ..gone },
    );
    assert_eq!(topology.groups().map(|(_, name, _)| name).collect::<Vec<_>>(), ["group1"]);
}

/// What the process has in memory, in KiB.
fn resident() -> u64 {
    let status = fs::read_to_string("/proc/self/status").expect("procfs");
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).expect("VmRSS");
    line.trim().trim_end_matches("kB").trim().parse().expect("a number")
}

struct Scratch(PathBuf);

impl Drop for Scratch {
    fn drop(&mut self) {
        let _ = fs::remove_file(&self.0);
    }
}

/// A thousand groups and a hundred tables, each with names nobody had before.
fn renamed(round: usize) -> String {
    let mut groups = String::new();
    for at in 0..1_000 {
        let number = round * 1_000 + at;
        let comma = if at == 0 { "" } else { "," };
        let _ = write!(
            groups,
            r#"{comma}{{"id": "a_group_with_a_name_{number}", "servers": [{{"uuid": "u{number}",
            "host": "h", "port": {}, "mode": "READ_WRITE", "status": "PRIMARY", "weight": 1}}]}}"#,
            1 + number % 60_000,
        );
    }
    let table = |at: usize| {
        let number = round * 1_000 + at;
        format!(
            r#"{{"schema": "db", "table": "t{number}", "column": "c", "type": "RANGE",
            "global_group": "a_group_with_a_name_{number}", "shards":
            [{{"id": {at}, "lower_bound": 1, "group": "a_group_with_a_name_{number}"}}]}}"#
        )
    };
    let tables: Vec<String> = (0..100).map(table).collect();
    format!(
        r#"{{"format": "libmysqlfabric topology", "version": 1, "tables": [{}], "groups": [{groups}]}}"#,
        tables.join(","),
    )
}

/// A long life of renames: MYSQLFABRIC_SOAK_ROUNDS has it take longer.
#[test]
fn a_farm_that_renames_everything_takes_no_more_memory() {
    let _alone = ALONE.lock();
    let rounds = std::env::var("MYSQLFABRIC_SOAK_ROUNDS").ok().and_then(|text| text.parse().ok());
    let rounds: usize = rounds.unwrap_or(150);
    let path = std::env::temp_dir().join(format!("mysqlfabric-renames-{}", std::process::id()));
    let scratch = Scratch(path);
    let config = Config {
        topology_file: Some(scratch.0.clone()),
        background_refresh: false,
        ..Config::default()
    };
    let router = Router::new(config);
    let mut settled = 0;
    for round in 0..rounds {
        fs::write(&scratch.0, renamed(round)).expect("written");
        router.seed(None).expect("read");
        let group = format!("a_group_with_a_name_{}", round * 1_000 + 7);
        let port = router.group_server(&group, Wanted::Primary, |_, server| Ok(server.port));
        assert_eq!(port, Ok((1 + (round * 1_000 + 7) % 60_000) as u16));
        if round == 20 {
            settled = resident();
        }
    }
    let grown = resident().saturating_sub(settled);
    assert!(grown < 24 << 10, "{grown} KiB more after {rounds} rounds than {settled} KiB after 20");
}

/// Tables of one shard, each of them listed in one dump and never again.
fn short_lived(name: impl Fn(usize) -> String, tables: usize) -> TablesBuilder {
    let mut listing = TablesBuilder::default();
    for at in 0..tables {
        listing.push(&ShardRow {
            schema: "db".into(),
            table: name(at).into(),
            column: "c".into(),
            lower_bound: "1".into(),
            shard_id: 1,
            type_name: "RANGE".into(),
            group: "g".into(),
            global_group: "g".into(),
            read_only: false,
        });
    }
    listing
}

/// How many tables are remembered, and of how much memory, after each of many dumps of other names.
fn remembered(dumps: usize, tables: usize, name: impl Fn(usize) -> String, heard: &Log) -> usize {
    let (mut topology, mut seen) = (Arc::<Topology>::default(), ServerHealth::default());
    let mut most = 0;
    for dump in 0..dumps {
        let mut update = Update::new(&topology, &mut seen, heard, 0, true, dump as u64 + 1);
        let listing = short_lived(|at| name(dump * tables + at), tables);
        update.tables(&Asked::Everything, listing, &[], 9);
        topology = Arc::new(update.finish().expect("another topology"));
        let last = name((dump.max(1) - 1) * tables);
        let last = format!("db.{last}");
        assert!(
            dump == 0 || topology.seen_bounds.get(last.as_bytes()).is_some(),
            "the newest stay"
        );
        most = most.max(topology.seen_bounds.len());
    }
    most
}

#[test]
fn tables_that_vanish_time_and_again_are_not_all_remembered() {
    let _alone = ALONE.lock();
    let lines = Arc::new(Mutex::new(Vec::new()));
    let told = Arc::clone(&lines);
    let log = Log::new(mysqlfabric::observe::log::Level::Warning, move |_, line| {
        told.lock().expect("unpoisoned").push(line.to_owned());
    });
    let before = resident();
    let most = remembered(16, 5_000, |at| format!("t{at}"), &log);
    assert!((25_000..40_000).contains(&most), "{most} of 80,000 tables are remembered");
    let grown = resident().saturating_sub(before);
    assert!(grown < 200 << 10, "{grown} KiB");
    let lines = lines.lock().expect("unpoisoned");
    let forgotten = lines.iter().filter(|line| line.contains("are forgotten")).count();
    assert_eq!(forgotten, 1, "{lines:?}");
    // Names count as well.
    let long = "x".repeat(20_000);
    let most = remembered(20, 100, |at| format!("{long}{at}"), &Log::default());
    assert!((1_000..1_800).contains(&most), "{most} long names of 2,000 are remembered");
}

/// A farm that is empty for one dump is remembered as a whole, however large it is, and coming back
/// takes a time that grows with it and no faster: the ratio tells, not the time.
#[test]
fn what_one_dump_stops_listing_is_remembered_whole() {
    let _alone = ALONE.lock();
    let (log, mut seen) = (Log::default(), ServerHealth::default());
    let mut time = |tables: usize| {
        let mut topology = Arc::<Topology>::default();
        let begun = std::time::Instant::now();
        for (now, listed) in [(1, tables), (2, 0), (3, tables)] {
            let mut update = Update::new(&topology, &mut seen, &log, 0, true, now);
            let listing = short_lived(|at| format!("t{at}"), listed);
            update.tables(&Asked::Everything, listing, &[], 9);
            topology = Arc::new(update.finish().expect("another topology"));
            assert_eq!(topology.seen_bounds.len(), tables - listed);
        }
        begun.elapsed()
    };
    let small = (0..3).map(|_| time(4_000)).min().expect("a time");
    let large = time(64_000);
    assert!(large < 80 * small, "{large:?} for 64,000 tables, {small:?} for 4,000");
}
