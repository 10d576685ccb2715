//! From a topology to a document, and from a document to the rows a topology is made of.

use std::collections::BTreeSet;

use crate::base::wall_clock::WallClock;
use crate::topology::{self, ServerRow, Shard, ShardMap, TableState, TablesBuilder, Topology};

use super::document::{Document, FORMAT, Group, Table, VERSION};
use super::foreign_entries::ForeignEntries;
use super::held::{self, HeldShards, Unlisted};
use super::tables::{self, KnownTable, Tables};

/// What a file says of a table one of whose groups is not known at the moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum WithoutGroup {
    /// Nothing but its bounds: whoever reads the file asks the source for the table.
    LeftOut,
    /// All of it, and that the group has no servers: whoever reads the file asks nobody.
    Empty,
}

/// What is known of the farm, in the order of the names, so that equal farms make equal files.
pub fn document(
    topology: &Topology,
    without: WithoutGroup,
) -> Document<Tables<'_>, HeldShards<'_>> {
    let mut groups: Vec<Group> = topology
        .groups()
        .filter_map(|(_, name, entry)| {
            let servers = entry?.value.servers().iter().cloned().map(Into::into).collect();
            Some(Group { id: name.to_owned(), confirmed_at: None, servers, discover: None })
        })
        .collect();
    let mut unknown = BTreeSet::new();
    let mut tables: Vec<KnownTable<'_>> = Vec::new();
    let mut maps: Vec<Unlisted<'_>> = Vec::new();
    for (name, entry, known) in topology.maps() {
        let Some((schema, table)) = parts(name) else { continue };
        let missing = known.groups().into_iter().filter(|id| topology.group(*id).is_none());
        let has_groups = match without {
            WithoutGroup::LeftOut => missing.count() == 0,
            WithoutGroup::Empty => {
                unknown.extend(missing);
                true
            }
        };
        if has_groups {
            let confirmed = entry.confirmed();
            tables.push(KnownTable { schema, table, known, confirmed });
        }
        if !has_groups || known.map.missing() > 0 {
            maps.push(Unlisted { schema, table, map: &known.map, whole: !has_groups });
        }
    }
    let unknown = unknown.into_iter().map(|id| topology.group_name(id));
    groups.extend(unknown.map(|name| Group {
        id: name.to_owned(),
        confirmed_at: None,
        servers: Vec::new(),
        discover: None,
    }));
    groups.sort_by(|a, b| a.id.cmp(&b.id));
    tables.sort_by(|a, b| (&a.schema, &a.table).cmp(&(&b.schema, &b.table)));
    for (name, seen) in topology.seen_bounds.iter() {
        let Some((schema, table)) = parts(name) else { continue };
        let known = topology.tables.get(name).and_then(|entry| match &entry.value {
            TableState::Known(known) => Some(&known.map),
            TableState::Unusable(_) => None,
        });
        let seen =
            seen.value.maps().filter(|map| !known.is_some_and(|known| known.is_comparable(map)));
        maps.extend(seen.map(|map| Unlisted { schema, table, map, whole: true }));
    }
    maps.sort_by_key(|of| (of.schema, of.table, of.map.kind() as i32));
    Document {
        format: FORMAT.to_owned(),
        version: VERSION,
        written_by: Some(concat!("libmysqlfabric ", env!("CARGO_PKG_VERSION")).to_owned()),
        saved_at: None,
        boot_id: None,
        uptime_ms: None,
        generation: None,
        ttl_ms: None,
        fabric_nodes: Vec::new(),
        tables: Tables { topology, tables, times: None, foreign: Vec::new() },
        held_shards: HeldShards { maps, times: None, foreign: Vec::new() },
        groups,
    }
}

/// Says of the tables and groups when they were confirmed, where that was before the rest.
pub fn tell_times(
    document: &mut Document<Tables<'_>, HeldShards<'_>>,
    saved_at: u64,
    wall: WallClock,
) {
    let topology = document.tables.topology;
    document.tables.times = Some((saved_at, wall));
    for group in &mut document.groups {
        let number = topology.group_number(group.id.as_bytes());
        let confirmed = number.and_then(|id| topology.group(id)).map(|entry| entry.confirmed());
        group.confirmed_at = confirmed.and_then(|at| tables::confirmed_at(at, (saved_at, wall)));
    }
}

/// Has the file keep what another process has there.
pub fn keep(document: &mut Document<Tables<'_>, HeldShards<'_>>, foreign: ForeignEntries) {
    document.tables.foreign = foreign.tables;
    document.held_shards.foreign = foreign.held_shards;
    let topology = document.tables.topology;
    let is_own = |group: &Group| {
        let number = topology.group_number(group.id.as_bytes());
        number.is_some_and(|number| topology.group(number).is_some())
    };
    document.groups.retain(is_own);
    document.groups.extend(foreign.groups);
}

fn parts(name: &[u8]) -> Option<(&str, &str)> {
    std::str::from_utf8(name).ok()?.split_once('.')
}

/// The bounds of the tables, and of the held shards those that have not been missing for too long: by
/// table and type, so that a dump which lists less of them is known to do so. `missing` gives the shard of
/// one that is missing since a time in seconds, if it is still to be held.
pub fn seen_bounds(
    document: &Document,
    mut missing: impl FnMut(Option<u64>) -> Option<Shard>,
) -> Vec<(String, ShardMap)> {
    let mut seen = held_bounds(document, &mut missing);
    seen.extend(held::bounds_of_tables(document));
    seen
}

/// Of [`seen_bounds`] those of the held shards.
pub fn held_bounds(
    document: &Document,
    mut missing: impl FnMut(Option<u64>) -> Option<Shard>,
) -> Vec<(String, ShardMap)> {
    held::maps(&document.held_shards, |_, held| missing(held.since)).unwrap_or_default()
}

/// The tables as rows of their shards.
pub fn tables(document: &Document) -> TablesBuilder {
    let mut tables = TablesBuilder::default();
    document.tables.iter().flat_map(Table::rows).for_each(|row| tables.push(&row));
    tables
}

/// The groups as rows of their servers.
pub fn server_rows(document: &Document) -> Vec<ServerRow> {
    let of_group = |group: &Group| {
        let Group { id, servers, .. } = group.clone();
        let row = move |server| ServerRow { group: id.clone(), server };
        servers.into_iter().map(topology::Server::from).map(row)
    };
    document.groups.iter().flat_map(of_group).collect()
}

#[cfg(test)]
mod tests {
    use proptest::collection::{btree_map, vec};
    use proptest::prelude::*;

    use super::*;
    use crate::observe::log::Log;
    use crate::refresh::health::servers::ServerHealth;
    use crate::refresh::update::{Asked, Update};
    use crate::store::document::{HeldShard, Server, Shard, ShardState};
    use crate::store::parse::{Author, parse};
    use crate::topology::Shard as InMap;

    /// As seconds and milliseconds since the handle was made, in 1970.
    fn wall() -> (i64, WallClock) {
        (1, WallClock::new(Default::default(), 0))
    }

    fn topology(document: &Document) -> Topology {
        let (nothing, log) = (Topology::default(), Log::default());
        let mut nobody = ServerHealth::default();
        let mut update = Update::new(&nothing, &mut nobody, &log, 0, false, 1);
        let since = |since: u64| InMap::missing(wall().1.at(since));
        let held = held_bounds(document, |s| Some(s.map_or(InMap::missing(InMap::NO_TIME), since)));
        held.iter().for_each(|(name, map)| update.remember(name, map));
        update.tables(&Asked::Everything, super::tables(document), &[], 9);
        update.groups(&Asked::Everything, server_rows(document), &[], 9);
        update.finish().unwrap_or_default()
    }

    fn sealed(document: &Document<impl serde::Serialize, impl serde::Serialize>) -> Vec<u8> {
        let mut bytes = Vec::new();
        document.write(&mut bytes).unwrap();
        bytes
    }

    fn any_server() -> impl Strategy<Value = Server> {
        let address = ("[a-z\u{e9}\"\\\\]{1,8}", 1u16..);
        let zone = proptest::option::of("[a-z\u{e9}\"-]{1,9}");
        (address, -1i32..6, -1i32..6, 1e-9f64..1e9, zone).prop_map(
            |((host, port), mode, status, weight, zone)| Server {
                uuid: String::new(),
                host,
                port,
                mode,
                status,
                weight,
                zone,
            },
        )
    }

    /// Whether a shard is held, and since when.
    fn any_hold() -> impl Strategy<Value = (bool, Option<u64>)> {
        (any::<bool>(), proptest::option::of(0u64..1 << 40))
    }

    /// Shards with different bounds of one type, in canonical form.
    fn any_shards() -> impl Strategy<Value = (&'static str, Vec<(String, i64)>)> {
        let id = || -(1i64 << 62)..=i64::MAX;
        let integers = btree_map(any::<i64>(), id(), 1..9)
            .prop_map(|map| map.into_iter().map(|(bound, id)| (bound.to_string(), id)).collect());
        let hashes = btree_map(any::<u128>(), id(), 1..9)
            .prop_map(|map| map.into_iter().map(|(b, id)| (format!("{b:032X}"), id)).collect());
        let texts = btree_map("[!-~\u{e9}\u{1f41f}]{0,6}", id(), 1..9)
            .prop_map(|map| map.into_iter().collect());
        let days = btree_map(1000u32..9999, id(), 1..9).prop_map(|map| {
            map.into_iter().map(|(year, id)| (format!("{year}-02-28 23:59:59"), id)).collect()
        });
        let named = |name| move |shards: Vec<(String, i64)>| (name, shards);
        prop_oneof![
            integers.clone().prop_map(named("RANGE")),
            integers.prop_map(named("RANGE_INTEGER")),
            texts.prop_map(named("RANGE_STRING")),
            days.prop_map(named("RANGE_DATETIME")),
            hashes.prop_map(named("HASH")),
        ]
    }

    prop_compose! {
           fn any_document()(
               groups in btree_map("[a-z_% ]{1,5}", vec(any_server(), 1..4), 1..6),
               tables in btree_map(
                   "[a-z_ ]{1,4}",
                   (any_shards(), any::<proptest::sample::Index>(), vec(any_hold(), 10)),
                   0..5,
               ),
           ) -> Document {
               let nothing = Topology::default();
               let Document { format, version, written_by, .. } = super::document(&nothing, WithoutGroup::LeftOut);
               let mut document = Document {
                   format,
                   version,
                   written_by,
                   saved_at: None,
                   boot_id: None,
                   uptime_ms: None,
                   generation: None,
                   ttl_ms: None,
                   fabric_nodes: Vec::new(),
                   tables: Vec::new(),
                   held_shards: Vec::new(),
                   groups: Vec::new(),
               };
               for (id, mut servers) in groups {
                   for (at, server) in servers.iter_mut().enumerate() {
                       server.uuid = format!("{id}-{at}");
                   }
                   document.groups.push(Group { id, confirmed_at: None, servers, discover: None });
               }
               for (name, ((type_name, shards), index, holds)) in tables {
                   let at = index.index(document.groups.len());
                   let group = |shift| document.groups.iter().cycle().nth(at + shift).unwrap().id.clone();
                   let (held, listed): (Vec<_>, Vec<_>) =
                       shards.into_iter().zip(holds).partition(|(_, (is_held, _))| *is_held);
                   document.held_shards.extend(held.into_iter().map(|((lower_bound, _), (_, since))| {
                       HeldShard {
                           schema: "db".into(),
                           table: name.clone(),
                           type_name: type_name.into(),
                           lower_bound: lower_bound.into(),
                           id: None,
    group: None,
    since,
                       }
                   }));
                   if listed.is_empty() {
                       continue;
                   }
                   let shards = listed.into_iter().map(|(shard, _)| shard).enumerate();
                   let shards = shards.map(|(shift, (lower_bound, id))| {
                       let state = ShardState::of(id & 1 == 1);
                       Shard { id, lower_bound: lower_bound.into(), group: group(shift), state }
                   });
                   let table = Table {
                       schema: "db".into(),
                       table: name,
                       column: "c".into(),
                       type_name: type_name.into(),
                       global_group: group(0),
                       confirmed_at: None,
                       shards: shards.collect(),
                   };
                   document.tables.push(table);
               }
               document
           }
       }

    proptest! {
        #[test]
        fn any_farm_comes_back_as_it_was(written in any_document()) {
            let read = parse(&sealed(&written), Author::Library).unwrap();
            prop_assert_eq!(&read, &written);
            let topology = topology(&read);
            let mut again = document(&topology, WithoutGroup::LeftOut);
            let content = again.content();
            again.held_shards.times = Some(wall());
            let mut timeless = written.clone();
            timeless.held_shards.iter_mut().for_each(|held| held.since = None);
            prop_assert_eq!(content, timeless.content());
            prop_assert_eq!(parse(&sealed(&again), Author::Library).unwrap(), written);
        }

        #[test]
        fn any_damage_is_noticed(
            written in any_document(),
            at in any::<proptest::sample::Index>(),
            flip in 1u8..,
        ) {
            let mut bytes = sealed(&written);
            let at = at.index(bytes.len());
            bytes[at] ^= flip;
            if let Ok(read) = parse(&bytes, Author::Library) {
                // One blank for another behind the checksum changes nothing.
                prop_assert_eq!(read, written);
                prop_assert!(bytes[at].is_ascii_whitespace());
            }
        }
    }
}
