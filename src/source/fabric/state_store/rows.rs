//! Rows of the state store, as the rest of the library has them.

use std::collections::BTreeMap;

use crate::base::text::excerpt;
use crate::mysql::ResultSet;
use crate::mysql::result_set::Row;
use crate::source::Maps;
use crate::topology::builder::{ShardMapBuilder, full_name};
use crate::topology::{
    Owner, RejectedRow, Server, ServerRow, Shard, ShardMap, ShardRow, ShardingType, TablesBuilder,
};

/// All shards, those too that dumps hide: table, column, type, global group, number, bound, state and
/// group.
pub const SHARDS: &str = "SELECT t.table_name, t.column_name, m.type_name, m.global_group, \
    r.shard_id, IF(m.type_name = 'HASH', HEX(r.lower_bound), r.lower_bound), s.state, s.group_id \
    FROM shard_tables t JOIN shard_maps m USING (shard_mapping_id) \
    JOIN shard_ranges r USING (shard_mapping_id) JOIN shards s USING (shard_id) \
    ORDER BY t.table_name, r.shard_id";

/// All servers that have a group: UUID, group, address, mode, status and weight.
pub const SERVERS: &str = "SELECT server_uuid, group_id, server_address, mode, status, weight \
    FROM servers WHERE group_id IS NOT NULL ORDER BY group_id, server_address, server_uuid";

type Read<T> = Result<T, String>;

/// The shard maps: listed are the shards that are ENABLED, held the bounds of those that are not.
pub fn maps(set: &ResultSet) -> (Maps, Vec<RejectedRow>) {
    let mut tables = TablesBuilder::default();
    let mut held: BTreeMap<(String, i32), ShardMapBuilder> = BTreeMap::new();
    let mut rejected = Vec::new();
    for row in set.rows() {
        let owner = owner(row);
        let taken = shard_row(row).and_then(|shard| match required(row, 6, "state")? {
            "ENABLED" => {
                tables.push(&shard);
                Ok(())
            }
            "DISABLED" => {
                let kind = ShardingType::parse(&shard.type_name).ok_or_else(|| {
                    format!("type {} is not known", excerpt(&shard.type_name, 40))
                })?;
                let key = (full_name(&shard.schema, &shard.table), kind.class() as i32);
                let bounds = held.entry(key).or_insert_with(|| ShardMapBuilder::new(kind));
                bounds.push(&shard.lower_bound, Shard::missing(Shard::NO_TIME));
                Ok(())
            }
            other => Err(format!("state \"{}\" is not known", excerpt(other, 40))),
        });
        if let Err(reason) = taken {
            rejected.push(RejectedRow { owner, reason });
        }
    }
    let mut maps: Vec<(String, ShardMap)> = Vec::new();
    for ((name, _), bounds) in held {
        let map = bounds.map(|group| group, |_| "a shard that is not enabled".to_owned());
        match map {
            Ok(map) => maps.push((name, map)),
            Err(error) => {
                let owner = name.split_once('.').map(|(schema, table)| Owner::Table {
                    schema: schema.to_owned(),
                    table: table.to_owned(),
                });
                rejected.push(RejectedRow { owner, reason: error.to_string() });
            }
        }
    }
    (Maps { tables, held: Some(maps) }, rejected)
}

/// The servers of all groups.
pub fn servers(set: &ResultSet) -> (Vec<ServerRow>, Vec<RejectedRow>) {
    let (mut rows, mut rejected) = (Vec::new(), Vec::new());
    for row in set.rows() {
        match server_row(row) {
            Ok(row) => rows.push(row),
            Err(reason) => {
                let group = required(row, 1, "group_id").ok();
                let owner = group.map(|group| Owner::Group(group.to_owned()));
                rejected.push(RejectedRow { owner, reason });
            }
        }
    }
    (rows, rejected)
}

fn owner(row: Row<'_>) -> Option<Owner> {
    let (schema, table) = required(row, 0, "table_name").ok()?.split_once('.')?;
    Some(Owner::Table { schema: schema.to_owned(), table: table.to_owned() })
}

fn shard_row<'r>(row: Row<'r>) -> Read<ShardRow<'r>> {
    let name = required(row, 0, "table_name")?;
    let (schema, table) = name
        .split_once('.')
        .ok_or_else(|| format!("table_name \"{}\" has no dot", excerpt(name, 80)))?;
    Ok(ShardRow {
        schema: schema.into(),
        table: table.into(),
        column: text(row, 1, "column_name")?.into(),
        type_name: required(row, 2, "type_name")?.into(),
        global_group: required(row, 3, "global_group")?.into(),
        shard_id: number(row, 4, "shard_id")?,
        lower_bound: text(row, 5, "lower_bound")?.into(),
        group: required(row, 7, "group_id")?.into(),
    })
}

fn server_row(row: Row<'_>) -> Read<ServerRow> {
    let group = required(row, 1, "group_id")?.to_owned();
    let address = required(row, 2, "server_address")?;
    let bad = || format!("server_address \"{}\" is no host:port", excerpt(address, 80));
    let (host, port) = address.rsplit_once(':').ok_or_else(bad)?;
    let port = port.parse().ok().filter(|port| *port != 0).ok_or_else(bad)?;
    let host = host.strip_prefix('[').and_then(|host| host.strip_suffix(']')).unwrap_or(host);
    if host.is_empty() {
        return Err(bad());
    }
    let weight = required(row, 5, "weight")?;
    let weight = weight
        .parse()
        .ok()
        .filter(|weight: &f64| *weight > 0.0 && weight.is_finite())
        .ok_or_else(|| format!("weight {} is not a positive number", excerpt(weight, 40)))?;
    let server = Server {
        uuid: required(row, 0, "server_uuid")?.to_owned(),
        host: host.to_owned(),
        port,
        mode: number(row, 3, "mode")?,
        status: number(row, 4, "status")?,
        weight,
    };
    Ok(ServerRow { group, server })
}

fn text<'r>(row: Row<'r>, column: usize, name: &str) -> Read<&'r str> {
    let bytes = row.get(column).ok_or_else(|| format!("{name} is NULL"))?;
    match std::str::from_utf8(bytes) {
        Ok(text) if !text.contains('\0') => Ok(text),
        _ => Err(format!("{name} is not UTF-8 without NUL")),
    }
}

/// A text with something in it.
fn required<'r>(row: Row<'r>, column: usize, name: &str) -> Read<&'r str> {
    match text(row, column, name)? {
        "" => Err(format!("{name} is empty")),
        text => Ok(text),
    }
}

fn number<T: std::str::FromStr>(row: Row<'_>, column: usize, name: &str) -> Read<T> {
    let digits = text(row, column, name)?;
    digits.parse().map_err(|_| format!("{name} \"{}\" is no number here", excerpt(digits, 40)))
}
