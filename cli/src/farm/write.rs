//! Writing topology files for people: no checksum, and so free to be edited.

use std::collections::BTreeMap;

use mysqlfabric::topology::{ShardingType, integer};
use serde::Serialize;

use crate::exit::{Exit, Failure, Result};
use crate::output::address;

use super::{Farm, Group, Held, Server, State, Table, mode_name, status_name};

/// The members of a topology file, in the order in which they are written.
#[derive(Serialize)]
pub struct FileOf<'f> {
    format: &'static str,
    version: u8,
    tables: Vec<TableOf<'f>>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    held_shards: Vec<HeldOf<'f>>,
    groups: Vec<GroupOf<'f>>,
}

#[derive(Serialize)]
pub struct TableOf<'f> {
    schema: &'f str,
    table: &'f str,
    column: &'f str,
    r#type: &'static str,
    global_group: &'f str,
    shards: Vec<ShardOf<'f>>,
}

#[derive(Serialize)]
struct ShardOf<'f> {
    id: i64,
    lower_bound: Bound<'f>,
    group: &'f str,
    #[serde(skip_serializing_if = "Option::is_none")]
    state: Option<&'static str>,
}

#[derive(Serialize)]
struct HeldOf<'f> {
    schema: &'f str,
    table: &'f str,
    r#type: &'f str,
    lower_bound: Bound<'f>,
    #[serde(skip_serializing_if = "Option::is_none")]
    id: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    group: Option<&'f str>,
}

/// Integers as such, whatever their zeros and signs were.
#[derive(Serialize)]
#[serde(untagged)]
enum Bound<'f> {
    Integer(i64),
    Text(&'f str),
}

#[derive(Serialize)]
#[serde(untagged)]
enum GroupOf<'f> {
    Listed {
        id: &'f str,
        servers: Vec<ServerOf<'f>>,
    },
    Discovered {
        id: &'f str,
        discover: &'static str,
        seeds: Vec<String>,
        #[serde(skip_serializing_if = "BTreeMap::is_empty")]
        weights: BTreeMap<String, f64>,
        #[serde(skip_serializing_if = "BTreeMap::is_empty")]
        zones: BTreeMap<String, &'f str>,
    },
}

#[derive(Serialize)]
struct ServerOf<'f> {
    uuid: Option<&'f str>,
    host: &'f str,
    port: u16,
    mode: String,
    status: String,
    weight: f64,
    #[serde(skip_serializing_if = "Option::is_none")]
    zone: Option<&'f str>,
}

/// A topology file. Shards that are DISABLED are in `held_shards`.
///
/// # Errors
/// A table has no shard but DISABLED ones: no file has a table without shards.
pub fn file_of(farm: &Farm) -> Result<FileOf<'_>> {
    let is_out_of_use =
        |table: &&Table| table.shards.iter().all(|shard| shard.state == State::Disabled);
    if let Some(table) = farm.tables.iter().find(is_out_of_use) {
        return Err(Failure::new(
            Exit::File,
            format!(
                "no topology file can have table {}: it has no shard that is not DISABLED, and a table there \
                 has one; make one READ_ONLY, or keep the rows of the tables themselves (mysqldump)",
                table.full_name()
            ),
        ));
    }
    let is_discovered = farm.groups.iter().any(|group| group.discover.is_some());
    let disabled = farm.tables.iter().flat_map(|table| {
        let shards = table.shards.iter().filter(|shard| shard.state == State::Disabled);
        shards.map(|shard| HeldOf {
            schema: &table.schema,
            table: &table.name,
            r#type: table.kind.name(),
            lower_bound: Bound::of(Some(table.kind), &shard.lower_bound),
            id: Some(shard.id),
            group: Some(&shard.group),
        })
    });
    let held = farm.held.iter().map(|Held { schema, table, kind, lower_bound }| HeldOf {
        schema,
        table,
        r#type: kind,
        lower_bound: Bound::of(ShardingType::parse(kind), lower_bound),
        id: None,
        group: None,
    });
    Ok(FileOf {
        format: "libmysqlfabric topology",
        version: if is_discovered { 2 } else { 1 },
        tables: farm.tables.iter().map(table_of).collect(),
        held_shards: held.chain(disabled).collect(),
        groups: farm.groups.iter().map(GroupOf::of).collect(),
    })
}

/// A table as a member of `tables`.
pub fn table_of(table: &Table) -> TableOf<'_> {
    let shards = table.shards.iter().filter(|shard| shard.state != State::Disabled);
    let shards = shards.map(|shard| ShardOf {
        id: shard.id,
        lower_bound: Bound::of(Some(table.kind), &shard.lower_bound),
        group: &shard.group,
        state: (shard.state == State::ReadOnly).then(|| shard.state.name()),
    });
    TableOf {
        schema: &table.schema,
        table: &table.name,
        column: &table.column,
        r#type: table.kind.name(),
        global_group: &table.global_group,
        shards: shards.collect(),
    }
}

impl<'f> Bound<'f> {
    fn of(kind: Option<ShardingType>, text: &'f str) -> Self {
        let is_integer = kind.is_some_and(|kind| kind.class() == ShardingType::Range);
        let integer = integer::bound(text.as_bytes()).filter(|_| is_integer);
        integer.map_or(Self::Text(text), Self::Integer)
    }
}

impl<'f> GroupOf<'f> {
    fn of(Group { id, discover, servers }: &'f Group) -> Self {
        let Some(kind) = discover else {
            return Self::Listed { id, servers: servers.iter().map(ServerOf::of).collect() };
        };
        let of = |server: &Server| address(&server.host, server.port);
        let weights = servers.iter().filter(|server| server.weight != 1.0);
        let zones = servers.iter().filter_map(|server| Some((of(server), server.zone.as_deref()?)));
        Self::Discovered {
            id,
            discover: kind.name(),
            seeds: servers.iter().map(of).collect(),
            weights: weights.map(|server| (of(server), server.weight)).collect(),
            zones: zones.collect(),
        }
    }
}

impl<'f> ServerOf<'f> {
    fn of(server: &'f Server) -> Self {
        Self {
            uuid: server.uuid.as_deref(),
            host: &server.host,
            port: server.port,
            mode: mode_name(server.mode),
            status: status_name(server.status),
            weight: server.weight,
            zone: server.zone.as_deref(),
        }
    }
}
