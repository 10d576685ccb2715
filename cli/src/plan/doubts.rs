//! What may be wrong with a farm that a handle takes as it is.

use std::collections::{BTreeMap, BTreeSet};

use mysqlfabric::topology::{Mode, ShardingType, Status};

use crate::farm::{Farm, Group, Server, State, Table};
use crate::output::{address, percent};

use super::ring::Ring;

/// Something to look at.
#[derive(Debug, PartialEq, Eq)]
pub struct Doubt {
    pub about: String,
    pub doubt: String,
}

/// How many times the share of another group one may have of a HASH table.
const UNEVEN: f64 = 1.5;

/// All doubts, in the order of groups and tables.
pub fn doubts(farm: &Farm) -> Vec<Doubt> {
    let mut found = Found(Vec::new());
    servers_in_two_groups(farm, &mut found);
    for group in &farm.groups {
        self::group(farm, group, &mut found);
    }
    for table in &farm.tables {
        self::table(table, &mut found);
    }
    for held in &farm.held {
        let name = format!("table {}.{}", held.schema, held.table);
        found.of(name, format!("keys from '{}' on are held, and refused", held.lower_bound));
    }
    different_maps(farm, &mut found);
    found.0
}

struct Found(Vec<Doubt>);

impl Found {
    fn of(&mut self, about: String, doubt: impl Into<String>) {
        self.0.push(Doubt { about, doubt: doubt.into() });
    }
}

fn servers_in_two_groups(farm: &Farm, found: &mut Found) {
    let mut groups: BTreeMap<String, BTreeSet<&str>> = BTreeMap::new();
    for group in &farm.groups {
        for Server { host, port, .. } in &group.servers {
            let of = groups.entry(address(&host.to_ascii_lowercase(), *port)).or_default();
            of.insert(&group.id);
        }
    }
    for (server, of) in groups.iter().filter(|(_, of)| of.len() > 1) {
        let names: Vec<&str> = of.iter().copied().collect();
        found.of(
            format!("server {server}"),
            format!("it is in {} groups: {}", of.len(), names.join(", ")),
        );
    }
}

fn group(farm: &Farm, group: &Group, found: &mut Found) {
    let about = || format!("group {}", group.id);
    let is_used = farm.tables.iter().any(|table| {
        table.global_group == group.id || table.shards.iter().any(|shard| shard.group == group.id)
    });
    // A farm without tables is asked for groups alone.
    if !is_used && !farm.tables.is_empty() {
        found.of(about(), "no table has a shard in it, and none its global group");
    }
    if group.servers.is_empty() {
        found.of(about(), "it has no servers");
        return;
    }
    let hosts: BTreeSet<String> =
        group.servers.iter().map(|server| server.host.to_ascii_lowercase()).collect();
    if hosts.len() == 1 && group.servers.len() > 1 {
        let host = group.servers.iter().map(|server| server.host.as_str()).next();
        found.of(about(), format!("all of its servers are on {}", host.unwrap_or_default()));
    }
    let zones = group.servers.iter().filter(|server| server.zone.is_some()).count();
    if zones > 0 && zones < group.servers.len() {
        found.of(about(), format!("{zones} of its {} servers have a zone", group.servers.len()));
    }
    if group.discover.is_some() {
        return;
    }
    for server in &group.servers {
        if let Some(uuid) = server.uuid.as_deref().filter(|uuid| !is_uuid(uuid)) {
            let of = address(&server.host, server.port);
            found.of(
                about(),
                format!("{of} has '{uuid}', which is no UUID: SELECT @@server_uuid there says it"),
            );
        }
    }
    let with =
        |status: Status| group.servers.iter().filter(move |server| server.status == status as i32);
    match with(Status::Primary).count() {
        0 => found.of(about(), "it has no PRIMARY, and nobody takes its writes"),
        1 => {
            let writes = [Mode::WriteOnly as i32, Mode::ReadWrite as i32];
            if with(Status::Primary).any(|server| !writes.contains(&server.mode)) {
                found.of(about(), "its PRIMARY is not in mode READ_WRITE, and takes no writes");
            }
        }
        count => found.of(about(), format!("it has {count} PRIMARY servers, and neither is used")),
    }
    if with(Status::Secondary).next().is_none() {
        found.of(
            about(),
            "it has no SECONDARY: reads go to the primary, and nobody can take its place",
        );
    }
    for server in with(Status::Faulty).chain(with(Status::Spare)) {
        let of = address(&server.host, server.port);
        let status = crate::farm::status_name(server.status);
        found.of(about(), format!("{of} is {status}, and serves nobody"));
    }
}

/// Whether a text is of the form of a UUID.
fn is_uuid(text: &str) -> bool {
    let parts: Vec<&str> = text.split('-').collect();
    let lengths: Vec<usize> = parts.iter().map(|part| part.len()).collect();
    let is_hex = |part: &&str| part.bytes().all(|byte| byte.is_ascii_hexdigit());
    lengths == [8, 4, 4, 4, 12] && parts.iter().all(is_hex)
}

fn table(table: &Table, found: &mut Found) {
    let about = || format!("table {}", table.full_name());
    for (state, does) in [
        (State::ReadOnly, "writes of its keys are held"),
        (State::Disabled, "its keys are refused"),
    ] {
        for shard in table.shards.iter().filter(|shard| shard.state == state) {
            found.of(about(), format!("shard {} is {}: {does}", shard.id, state.name()));
        }
    }
    match table.kind {
        ShardingType::Hash => uneven(table, found),
        ShardingType::Range | ShardingType::RangeInteger | ShardingType::RangeDatetime => {
            lowest(table, found);
        }
        ShardingType::RangeString => {
            if !table.shards.iter().any(|shard| shard.lower_bound.is_empty()) {
                lowest(table, found);
            }
        }
    }
    let mut ids = BTreeSet::new();
    for shard in table.shards.iter().filter(|shard| !ids.insert(shard.id)) {
        found.of(about(), format!("two of its shards have the number {}", shard.id));
    }
}

/// Shares of groups that are far from each other.
fn uneven(table: &Table, found: &mut Found) {
    let Some(ring) = Ring::of(table) else { return };
    let shares = ring.shares();
    let least = shares.iter().min_by(|a, b| a.1.total_cmp(b.1));
    let most = shares.iter().max_by(|a, b| a.1.total_cmp(b.1));
    if let (Some((low, least)), Some((high, most))) = (least, most)
        && most / least > UNEVEN
    {
        found.of(
            format!("table {}", table.full_name()),
            format!(
                "group {high} has {} of its keys, and group {low} {}",
                percent(*most),
                percent(*least)
            ),
        );
    }
}

/// Keys without a shard. All of them being above a bound may be meant.
fn lowest(table: &Table, found: &mut Found) {
    let Ok(range) = super::range::Range::of(table) else { return };
    let bounds = range.bounds();
    let Some(lowest) = bounds.first() else { return };
    let is_integer = matches!(table.kind, ShardingType::Range | ShardingType::RangeInteger);
    // Numbers that a server gives begin with 1.
    let is_usual = is_integer && lowest.parse::<i64>().is_ok_and(|lowest| lowest <= 1);
    if !is_usual {
        found.of(
            format!("table {}", table.full_name()),
            format!("keys below its lowest bound, {}, have no shard", super::quoted(lowest)),
        );
    }
}

/// Tables that look as if they were to be joined, and lie apart.
fn different_maps(farm: &Farm, found: &mut Found) {
    let mut first: BTreeMap<(&str, &str), &Table> = BTreeMap::new();
    for table in &farm.tables {
        let other = *first.entry((&table.schema, &table.column)).or_insert(table);
        let map = |table: &Table| {
            let mut map: Vec<(String, String)> = table
                .shards
                .iter()
                .map(|shard| (shard.lower_bound.clone(), shard.group.clone()))
                .collect();
            map.sort();
            (table.kind, map)
        };
        if map(table) != map(other) {
            found.of(
                format!("table {}", table.full_name()),
                format!(
                    "it is sharded by {}, as {} is, and by another map: their rows of one key may be in \
                     two groups",
                    table.column,
                    other.full_name()
                ),
            );
        }
    }
}

#[cfg(test)]
mod tests {
    use mysqlfabric::config::DiscoveryKind;

    use super::super::testing::table;
    use super::*;
    use crate::farm::Held;

    fn server(host: &str, status: Status) -> Server {
        let mode = match status {
            Status::Primary => Mode::ReadWrite,
            _ => Mode::ReadOnly,
        };
        Server {
            host: host.into(),
            port: 3306,
            uuid: Some(format!("00000000-0000-0000-0000-{:0>12}", host.len())),
            mode: mode as i32,
            status: status as i32,
            weight: 1.0,
            zone: None,
        }
    }

    fn group(id: &str, servers: Vec<Server>) -> Group {
        Group { id: id.into(), discover: None, servers }
    }

    fn pair(id: &str) -> Group {
        let named = |at| format!("{id}{at}");
        group(id, vec![server(&named(1), Status::Primary), server(&named(2), Status::Secondary)])
    }

    fn good() -> Farm {
        let half = format!("8{:0<31}", "");
        let tables = vec![
            table("h", ShardingType::Hash, &[(&"0".repeat(32), "a"), (&half, "b")]),
            table("r", ShardingType::Range, &[("1", "a"), ("100", "b")]),
            table("s", ShardingType::RangeString, &[("", "a"), ("m", "b")]),
        ];
        Farm { tables, groups: vec![pair("a"), pair("b")], held: Vec::new() }
    }

    /// The doubts that a change of the good farm brings.
    fn after(change: impl FnOnce(&mut Farm)) -> Vec<String> {
        let mut farm = good();
        change(&mut farm);
        doubts(&farm).into_iter().map(|of| format!("{}: {}", of.about, of.doubt)).collect()
    }

    #[test]
    fn a_good_farm_has_none() {
        assert_eq!(after(|_| ()), [""; 0]);
    }

    #[test]
    fn each_doubt_names_what_it_is_about() {
        type Break = fn(&mut Farm);
        let cases: [(&str, Break); 15] = [
            ("server a1:3306: it is in 2 groups: a, b", |farm| {
                farm.groups[1].servers[1].host = "A1".into();
            }),
            ("group c: no table has a shard in it", |farm| farm.groups.push(pair("c"))),
            ("group b: it has no servers", |farm| farm.groups[1].servers.clear()),
            ("group b: all of its servers are on b1", |farm| {
                farm.groups[1].servers[1] =
                    Server { port: 3307, ..server("b1", Status::Secondary) };
            }),
            ("group b: b1:3306 has 'UUIDB', which is no UUID", |farm| {
                farm.groups[1].servers[0].uuid = Some("UUIDB".into());
            }),
            ("group b: 1 of its 2 servers have a zone", |farm| {
                farm.groups[1].servers[0].zone = Some("z".into());
            }),
            ("group b: it has no PRIMARY", |farm| {
                farm.groups[1].servers[0].status = Status::Secondary as i32;
            }),
            ("group b: its PRIMARY is not in mode READ_WRITE", |farm| {
                farm.groups[1].servers[0].mode = Mode::ReadOnly as i32;
            }),
            ("group b: it has no SECONDARY", |farm| drop(farm.groups[1].servers.pop())),
            ("group b: b3:3306 is SPARE", |farm| {
                farm.groups[1].servers.push(server("b3", Status::Spare));
            }),
            ("table s.r: shard 1 is READ_ONLY", |farm| {
                farm.tables[1].shards[1].state = State::ReadOnly;
            }),
            ("table s.h: group b has 75.000 % of its keys, and group a 25.000 %", |farm| {
                farm.tables[0].shards[1].lower_bound.replace_range(..1, "4");
            }),
            ("table s.r: keys below its lowest bound, 50, have no shard", |farm| {
                farm.tables[1].shards[0].lower_bound = "50".into();
            }),
            ("table s.r: keys from '7' on are held", |farm| {
                let (schema, table) = ("s".into(), "r".into());
                farm.held.push(Held {
                    schema,
                    table,
                    kind: "RANGE".into(),
                    lower_bound: "7".into(),
                });
            }),
            ("table s.s: it is sharded by r, as s.r is, and by another map", |farm| {
                farm.tables[2].column = "r".into();
            }),
        ];
        for (expected, change) in cases {
            let found = after(change);
            assert_eq!(found.len(), 1, "{expected}: {found:?}");
            assert!(found[0].starts_with(expected), "{expected}: {found:?}");
        }
    }

    #[test]
    fn of_a_group_that_is_asked_nobody_says_who_is_primary() {
        let found = after(|farm| {
            farm.groups[1].discover = Some(DiscoveryKind::Auto);
            farm.groups[1].servers[0].status = Status::Secondary as i32;
        });
        assert_eq!(found, [""; 0]);
    }
}
