//! The farm as it stands in the tables of sql/mysqlfabric.sql, row by row: also what no lookup sees.

use std::collections::BTreeMap;

use mysqlfabric::config::{DiscoveryKind, Node};
use mysqlfabric::mysql::ResultSet;
use mysqlfabric::mysql::result_set::Row;
use mysqlfabric::topology::ShardingType;

use crate::exit::{Exit, Failure, Result};

use super::document::asked;
use super::{Farm, Group, Server, Shard, State, Table};

/// The farm of four result sets, whose columns are in the order of these statements.
pub const GROUPS: &str = "SELECT group_id, discover FROM groups_ ORDER BY group_id";
pub const SERVERS: [&str; 2] = [
    "SELECT group_id, host, port, server_uuid, mode, status, weight FROM servers \
     ORDER BY group_id, host, port",
    "SELECT group_id, host, port, server_uuid, mode, status, weight, zone FROM servers \
     ORDER BY group_id, host, port",
];
pub const TABLES: &str = "SELECT schema_name, table_name, column_name, type, global_group FROM tables \
                          ORDER BY schema_name, table_name";
pub const SHARDS: &str = "SELECT schema_name, table_name, shard_id, lower_bound, group_id, state \
                          FROM shards ORDER BY schema_name, table_name, lower_bound";

/// Reads the farm; `rows` has the answer to a statement.
///
/// # Errors
/// A row makes no sense: it is named.
pub fn of_tables(zones: bool, mut rows: impl FnMut(&str) -> Result<ResultSet>) -> Result<Farm> {
    let (groups, servers) = (rows(GROUPS)?, rows(SERVERS[usize::from(zones)])?);
    let (tables, shards) = (rows(TABLES)?, rows(SHARDS)?);
    let mut farm = Farm::default();
    for row in groups.rows() {
        let id = text(row, 0)?;
        let discover = match row.get(1) {
            None => None,
            Some(_) => Some(known(row, 1, "discover", DiscoveryKind::from_name)?),
        };
        farm.groups.push(Group { id, discover, servers: Vec::new() });
    }
    let at: BTreeMap<String, usize> =
        farm.groups.iter().enumerate().map(|(at, group)| (group.id.clone(), at)).collect();
    for row in servers.rows() {
        let group = at.get(&text(row, 0)?).and_then(|at| farm.groups.get_mut(*at));
        let group = group.ok_or_else(|| strange(row, "its group is not in table groups_"))?;
        group.servers.push(server(row)?);
    }
    for row in tables.rows() {
        farm.tables.push(Table {
            schema: text(row, 0)?,
            name: text(row, 1)?,
            column: text(row, 2)?,
            kind: known(row, 3, "type", ShardingType::parse)?,
            global_group: text(row, 4)?,
            shards: Vec::new(),
        });
    }
    let at: BTreeMap<(String, String), usize> = farm
        .tables
        .iter()
        .enumerate()
        .map(|(at, table)| ((table.schema.clone(), table.name.clone()), at))
        .collect();
    for row in shards.rows() {
        let name = (text(row, 0)?, text(row, 1)?);
        let table = at.get(&name).and_then(|at| farm.tables.get_mut(*at));
        let table = table.ok_or_else(|| strange(row, "its table is not in table tables"))?;
        table.shards.push(Shard {
            id: number(row, 2, "shard_id")?,
            lower_bound: text(row, 3)?,
            group: text(row, 4)?,
            state: known(row, 5, "state", |name| {
                [State::Enabled, State::ReadOnly, State::Disabled]
                    .into_iter()
                    .find(|state| state.name() == name)
            })?,
        });
    }
    Ok(farm)
}

fn server(row: Row<'_>) -> Result<Server> {
    let position = |names: [&'static str; 4]| {
        move |name: &str| names.iter().position(|known| *known == name).map(|at| at as i32)
    };
    let optional = |column| row.get(column).map(|_| text(row, column)).transpose();
    Ok(Server {
        uuid: optional(3)?,
        mode: known(
            row,
            4,
            "mode",
            position(["OFFLINE", "READ_ONLY", "WRITE_ONLY", "READ_WRITE"]),
        )?,
        status: known(row, 5, "status", position(["FAULTY", "SPARE", "SECONDARY", "PRIMARY"]))?,
        weight: number(row, 6, "weight")?,
        zone: optional(7)?,
        ..asked(Node { host: text(row, 1)?, port: number(row, 2, "port")? })
    })
}

/// A cell that is not NULL.
fn text(row: Row<'_>, column: usize) -> Result<String> {
    let cell = row.get(column).ok_or_else(|| strange(row, "a column is NULL"))?;
    let text = std::str::from_utf8(cell).map_err(|_| strange(row, "a text is not UTF-8"))?;
    Ok(text.to_owned())
}

fn number<T: std::str::FromStr>(row: Row<'_>, column: usize, name: &str) -> Result<T> {
    text(row, column)?.parse().map_err(|_| strange(row, &format!("{name} is no such number")))
}

fn known<T>(
    row: Row<'_>,
    column: usize,
    name: &str,
    parse: impl Fn(&str) -> Option<T>,
) -> Result<T> {
    parse(&text(row, column)?).ok_or_else(|| strange(row, &format!("{name} is not known")))
}

/// A failure that names the row by its first cells.
fn strange(row: Row<'_>, why: &str) -> Failure {
    let cell = |at| match row.get(at) {
        Some(cell) => String::from_utf8_lossy(cell).into_owned(),
        None => "NULL".to_owned(),
    };
    let cells: Vec<String> = (0..5).map(cell).collect();
    Failure::new(Exit::Answer, format!("the row ({}, ...) makes no sense: {why}", cells.join(", ")))
}
