//! A farm as rows of the tables of sql/mysqlfabric.sql.

use std::fmt::Write;

use super::{Farm, Server, Shard, Table, mode_name, status_name};

/// How many rows one statement inserts at most.
const ROWS: usize = 500;

/// A text in SQL, whatever the mode and character set of the session: what is not plain is given by its
/// bytes.
pub fn literal(text: &str) -> String {
    let is_plain = text.bytes().all(|byte| matches!(byte, b' '..=b'~') && byte != b'\\');
    match is_plain {
        true => format!("'{}'", text.replace('\'', "''")),
        false => {
            let mut hex = String::from("_utf8mb4 X'");
            for byte in text.bytes() {
                let _ = write!(hex, "{byte:02X}");
            }
            hex + "'"
        }
    }
}

fn optional(text: Option<&str>) -> String {
    text.map_or_else(|| "NULL".to_owned(), literal)
}

/// What puts the farm in the place of whatever is in the tables, but for the transaction around it.
/// `zones`: whether the tables have the column.
pub fn statements(farm: &Farm, zones: bool) -> Vec<String> {
    let mut statements: Vec<String> = ["shards", "tables", "servers", "groups_"]
        .map(|table| format!("DELETE FROM {table}"))
        .into();
    let groups = farm.groups.iter().map(|group| {
        let discover = group.discover.map(|kind| kind.name());
        format!("({}, {})", literal(&group.id), optional(discover))
    });
    insert(&mut statements, "groups_ (group_id, discover)", groups);
    let servers = farm.groups.iter().flat_map(|group| {
        group.servers.iter().map(move |server| server_row(&group.id, server, zones))
    });
    let zone = if zones { ", zone" } else { "" };
    let into = format!("servers (host, port, group_id, server_uuid, mode, status, weight{zone})");
    insert(&mut statements, &into, servers);
    for table in &farm.tables {
        statements.push(insert_table(table));
        statements.extend(insert_shards(table, true));
    }
    statements
}

fn server_row(group: &str, server: &Server, zones: bool) -> String {
    let mut row = format!(
        "({}, {}, {}, {}, {}, {}, {}",
        literal(&server.host),
        server.port,
        literal(group),
        optional(server.uuid.as_deref()),
        literal(&mode_name(server.mode)),
        literal(&status_name(server.status)),
        server.weight,
    );
    if zones {
        let _ = write!(row, ", {}", optional(server.zone.as_deref()));
    }
    row + ")"
}

pub fn insert_table(table: &Table) -> String {
    format!(
        "INSERT INTO tables (schema_name, table_name, column_name, type, global_group) VALUES \
         ({}, {}, {}, {}, {})",
        literal(&table.schema),
        literal(&table.name),
        literal(&table.column),
        literal(table.kind.name()),
        literal(&table.global_group)
    )
}

/// Gives a table that is there its global group.
pub fn update_global_group(table: &Table) -> String {
    let group = literal(&table.global_group);
    format!("UPDATE tables SET global_group = {group} WHERE {}", of_table(table))
}

/// The condition of a table's rows.
pub fn of_table(table: &Table) -> String {
    let (schema, name) = (literal(&table.schema), literal(&table.name));
    format!("schema_name = {schema} AND table_name = {name}")
}

/// What fails unless the shards of a table are these, and have these states: by the key of table version,
/// since outside of procedures nothing else fails on a condition in each mode and version.
pub fn expect_shards(table: &Table) -> Vec<String> {
    let fail_unless = |why: &str, count: usize, rows: &str| {
        format!(
            "-- {why}, or this fails (Duplicate entry '1' for key 'PRIMARY'):\n\
             INSERT INTO version SELECT * FROM version WHERE {count} <>\n    \
             (SELECT COUNT(*) FROM shards WHERE {}{rows})",
            of_table(table)
        )
    };
    let rows: Vec<String> = table
        .shards
        .iter()
        .map(|Shard { lower_bound, group, state, .. }| {
            format!("({}, {}, '{}')", literal(lower_bound), literal(group), state.name())
        })
        .collect();
    let mut statements =
        vec![fail_unless("The table has as many shards as the plan began with", rows.len(), "")];
    for rows in rows.chunks(ROWS) {
        let known =
            format!("\n    AND (lower_bound, group_id, state) IN (\n    {})", rows.join(",\n    "));
        statements.push(fail_unless("They are those", rows.len(), &known));
    }
    statements
}

/// The shards of a table, with their numbers or with those that the server gives.
pub fn insert_shards(table: &Table, ids: bool) -> Vec<String> {
    let (schema, name) = (literal(&table.schema), literal(&table.name));
    let rows = table.shards.iter().map(|Shard { id, lower_bound, group, state }| {
        let id = if ids { format!("{id}, ") } else { String::new() };
        let (bound, group) = (literal(lower_bound), literal(group));
        format!("({id}{schema}, {name}, {bound}, {group}, '{}')", state.name())
    });
    let id = if ids { "shard_id, " } else { "" };
    let into = format!("shards ({id}schema_name, table_name, lower_bound, group_id, state)");
    let mut statements = Vec::new();
    insert(&mut statements, &into, rows);
    statements
}

fn insert(statements: &mut Vec<String>, into: &str, rows: impl Iterator<Item = String>) {
    let rows: Vec<String> = rows.collect();
    for rows in rows.chunks(ROWS) {
        statements.push(format!("INSERT INTO {into} VALUES\n    {}", rows.join(",\n    ")));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_stays_what_it_is() {
        assert_eq!(literal("it's"), "'it''s'");
        assert_eq!(literal(""), "''");
        assert_eq!(literal("a\\'b"), "_utf8mb4 X'615C2762'");
        assert_eq!(literal("\u{fc}"), "_utf8mb4 X'C3BC'");
        assert_eq!(literal("a\nb"), "_utf8mb4 X'610A62'");
    }
}
