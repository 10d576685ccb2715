//! What a table's history of dumps and restarts makes of its keys, against a model that is too simple to be
//! wrong: a list of the bounds that were ever seen, and since when each is missing.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use mysqlfabric::base::wall_clock::WallClock;
use mysqlfabric::observe::log::Log;
use mysqlfabric::refresh::health::servers::ServerHealth;
use mysqlfabric::refresh::update::{Asked, Update};
use mysqlfabric::store::convert::{self, WithoutGroup};
use mysqlfabric::store::parse::{Author, parse};
use mysqlfabric::topology::{
    Compat, GroupId, Key, Server, ServerRow, Shard, ShardRow, TableState, TablesBuilder, Topology,
};
use proptest::prelude::*;

const TABLE: &str = "db.t";
/// Files have whole seconds.
const SECOND: u64 = 1000;
/// The option's time, in milliseconds.
const HOLD: u64 = 100 * SECOND;
/// When the first process began, in seconds since 1970.
const BEGUN: u64 = 1_600_000_000;

/// What one dump says of the table.
#[derive(Debug, Clone)]
enum Dump {
    /// Bounds, each with the number of its group.
    Rows(&'static str, BTreeMap<i64, u8>),
    /// Rows that make no map.
    Contradiction(BTreeSet<i64>),
    /// A type nobody knows.
    Strange,
    /// Other tables alone.
    Absent,
    /// No table at all.
    Nothing,
    /// The service has the map taken as it is, next time.
    Reset,
    /// No answer, and time goes by.
    Silence(u64),
    /// Another process goes on from the file that this one leaves, whether it knew the groups or not.
    Restart(bool),
}

fn rows() -> impl Strategy<Value = Dump> {
    let types = prop_oneof![4 => Just("RANGE"), 2 => Just("RANGE_INTEGER"), 1 => Just("HASH")];
    (types, prop::collection::btree_map(0i64..6, 0u8..3, 1..5)).prop_map(|(t, b)| Dump::Rows(t, b))
}

fn dump() -> impl Strategy<Value = Dump> {
    prop_oneof![
        6 => rows(),
        1 => prop::collection::btree_set(0i64..6, 1..4).prop_map(Dump::Contradiction),
        1 => Just(Dump::Strange),
        1 => Just(Dump::Absent),
        1 => Just(Dump::Nothing),
        1 => Just(Dump::Reset),
        2 => (1u64..60).prop_map(|time| Dump::Silence(time * SECOND)),
        2 => any::<bool>().prop_map(Dump::Restart),
    ]
}

/// The bound of a number: digests lie as far apart as the ring allows.
fn bound(kind: &str, number: i64) -> String {
    match kind {
        "HASH" => format!("{number:X}").repeat(32),
        _ => (number * 10).to_string(),
    }
}

fn listing(dump: &Dump) -> TablesBuilder {
    let mut listing = TablesBuilder::default();
    let mut push = |table: &str, kind: &str, bound: &str, group: &str| {
        listing.push(&ShardRow {
            schema: "db".into(),
            table: table.into(),
            column: "c".into(),
            lower_bound: bound.into(),
            shard_id: 1,
            type_name: kind.into(),
            group: group.into(),
            global_group: "all".into(),
            read_only: false,
        });
    };
    if !matches!(dump, Dump::Nothing) {
        push("other", "RANGE", "1", "g0");
    }
    match dump {
        Dump::Rows(kind, bounds) => {
            for (number, group) in bounds {
                push("t", kind, &bound(kind, *number), &format!("g{group}"));
            }
        }
        Dump::Contradiction(bounds) => {
            for number in bounds {
                push("t", "RANGE", &bound("RANGE", *number), "g1");
                push("t", "RANGE", &bound("RANGE", *number), "g2");
            }
        }
        Dump::Strange => push("t", "LIST", "1", "g1"),
        _ => {}
    }
    listing
}

/// What the model knows of one type of bounds: those that were seen, and since when they are
/// missing.
type Seen = BTreeMap<i64, Option<u64>>;

#[derive(Default)]
struct Model {
    integers: Seen,
    digests: Seen,
    /// The last usable map, if it is still in use.
    listed: Option<(&'static str, BTreeMap<i64, u8>)>,
    reset: bool,
}

/// What a process leaves, taken in by one that begins `now`, on the clock of the first one.
fn restarted(topology: &Topology, knows_groups: bool, now: u64) -> Topology {
    let (mut observed, log) = (ServerHealth::default(), Log::default());
    // The servers of groups are none of this test's matter, but tables without them are left out.
    let mut left = topology.clone();
    if knows_groups {
        let mut update = Update::new(topology, &mut observed, &log, 0, true, now);
        let servers = ["g0", "g1", "g2", "all"].map(|group| ServerRow {
            group: group.into(),
            server: Server {
                uuid: group.into(),
                host: "h".into(),
                port: 1,
                mode: 3,
                status: 3,
                weight: 1.0,
                zone: None,
            },
        });
        update.groups(&Asked::Everything, servers.into(), &[], now);
        left = update.finish().unwrap_or(left);
    }
    let mut document = convert::document(&left, WithoutGroup::LeftOut);
    let wall = WallClock::new(Duration::from_secs(BEGUN), 0);
    document.held_shards.times = Some((now as i64, wall));
    let mut file = Vec::new();
    document.write(&mut file).expect("written");
    let document = parse(&file, Author::Library).expect("intact");
    let missing = |since: Option<u64>| {
        let since = wall.at(since.expect("a time"));
        (since + HOLD as i64 > now as i64).then(|| Shard::missing(since))
    };
    let nothing = Topology::default();
    let mut update = Update::new(&nothing, &mut observed, &log, 0, true, now);
    for (table, bounds) in convert::seen_bounds(&document, missing) {
        update.remember(&table, &bounds);
    }
    update.finish().unwrap_or_default()
}

impl Model {
    fn take(&mut self, dump: &Dump, now: u64) {
        if matches!(dump, Dump::Silence(_)) {
            return;
        }
        if matches!(dump, Dump::Reset) {
            self.reset = true;
            return;
        }
        if matches!(dump, Dump::Restart(_)) {
            // Nothing is listed before the next dump. What was listed is missing from now on.
            self.listed = None;
            for missing in self.integers.values_mut().chain(self.digests.values_mut()) {
                missing.get_or_insert(now);
            }
            // A reset is nothing that a file tells of.
            self.reset = false;
            self.forget(now);
            return;
        }
        if std::mem::take(&mut self.reset) {
            (self.integers, self.digests) = (Seen::new(), Seen::new());
        }
        self.listed = match dump {
            Dump::Rows(kind, bounds) => Some((kind, bounds.clone())),
            _ => None,
        };
        let listed = |hash: bool, number: &i64| {
            self.listed.as_ref().is_some_and(|(kind, bounds)| {
                (*kind == "HASH") == hash && bounds.contains_key(number)
            })
        };
        for (hash, seen) in [(false, &mut self.integers), (true, &mut self.digests)] {
            for (number, missing) in seen.iter_mut() {
                *missing = match listed(hash, number) {
                    true => None,
                    false => Some(missing.unwrap_or(now)),
                };
            }
            if let Some((kind, bounds)) = &self.listed
                && (*kind == "HASH") == hash
            {
                seen.extend(bounds.keys().map(|number| (*number, None)));
            }
        }
        self.forget(now);
    }

    fn forget(&mut self, now: u64) {
        for seen in [&mut self.integers, &mut self.digests] {
            seen.retain(|_, missing| missing.is_none_or(|since| since + HOLD > now));
        }
    }

    /// `None`: no shard. `Some(None)`: a shard nobody knows the group of.
    fn group(&self, place: i64) -> Option<Option<u8>> {
        let (kind, bounds) = self.listed.as_ref()?;
        let seen = if *kind == "HASH" { &self.digests } else { &self.integers };
        let mut best = seen.keys().filter(|number| **number <= place).max();
        if best.is_none() && *kind == "HASH" {
            best = seen.keys().max();
        }
        Some(bounds.get(best?).copied())
    }
}

/// A key whose digest is between two numbers' bounds, or below the least.
fn digested(place: i64) -> i64 {
    use md5::{Digest, Md5};
    let begins = |key: &i64| {
        let digest = format!("{:032X}", u128::from_be_bytes(Md5::digest(key.to_string()).into()));
        let next = bound("HASH", place + 1);
        digest >= bound("HASH", place.max(0)) && digest < next
            || place < 0 && digest < "0".repeat(32)
    };
    (0..).find(begins).expect("a key")
}

fn check(topology: &Topology, model: &Model, step: usize) -> Result<(), TestCaseError> {
    let group = |name: GroupId| topology.group_name(name).to_owned();
    let state = topology.tables.get(TABLE.as_bytes()).map(|entry| &entry.value);
    let Some(TableState::Known(table)) = state else {
        prop_assert!(model.listed.is_none(), "step {step}: {state:?}");
        return Ok(());
    };
    let hash = table.map.kind().name() == "HASH";
    for place in (if hash { 0 } else { -1 })..6 {
        let key = if hash { digested(place) } else { place * 10 + 5 };
        let found = table.map.find(Key::Integer(key), Compat::Server).ok();
        let expected = model.group(place);
        let is = found.map(|shard| (shard.group != GroupId::NOWHERE).then(|| group(shard.group)));
        let should = expected.map(|known| known.map(|number| format!("g{number}")));
        prop_assert_eq!(is, should, "step {}, key {}, {:?}", step, key, table.map);
    }
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(3_000))]

    #[test]
    fn no_history_sends_a_key_to_the_shard_below(history in prop::collection::vec(dump(), 1..25)) {
        let mut topology = Arc::new(Topology::default());
        let (mut observed, log) = (ServerHealth::default(), Log::default());
        let (mut model, mut now) = (Model::default(), 0);
        for (step, dump) in history.iter().enumerate() {
            now += SECOND;
            match dump {
                Dump::Restart(knows_groups) => {
                    topology = Arc::new(restarted(&topology, *knows_groups, now));
                }
                Dump::Silence(time) => now += time,
                Dump::Reset => {
                    topology.tables.iter().for_each(|(_, entry)| entry.distrust());
                    topology.seen_bounds.iter().for_each(|(_, seen)| seen.distrust());
                }
                _ => {
                    let mut update = Update::new(&topology, &mut observed, &log, 0, true, now);
                    update.tables(&Asked::Everything, listing(dump), &[], now + 1);
                    update.forget_missing(now as i64 - HOLD as i64);
                    if let Some(next) = update.finish() {
                        topology = Arc::new(next);
                    }
                }
            }
            model.take(dump, now);
            check(&topology, &model, step)?;
        }
    }
}
