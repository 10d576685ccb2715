//! `dump.*`: the commands connectors live on.

use super::{Answer, Args, Failure, Outcome, ResultSet};
use crate::farm::{FAULTY, Farm, Mapping, Server, State};
use crate::like;
use crate::state::Shared;
use crate::value::Value;

type Row = Vec<Value>;

pub fn run(shared: &Shared, command: &str, args: &Args<'_>) -> Outcome {
    // One lock for the whole dump: a change is in it as a whole or not at all.
    let farm = shared.farm();
    if command == "fabric_nodes" {
        return fabric_nodes(shared, &farm, args.get(0));
    }
    let list = match args.get(1) {
        Value::Nil => String::new(),
        Value::Str(list) => list.clone(),
        _ => return Err(Failure::Type("expected string or buffer".to_owned())),
    };
    if shared.store_down() {
        return Err(store_down(&farm, &list).into());
    }
    let mut rows = Vec::new();
    for piece in like::pieces(&list) {
        rows.extend(match command {
            "servers" => servers(&farm, piece),
            "sharding_information" => sharding_information(&farm, piece),
            "shard_tables" => shard_tables(&farm, piece),
            "shard_maps" => shard_maps(&farm, piece),
            _ => shard_index(&farm, piece),
        });
    }
    if command == "sharding_information" || command == "shard_tables" {
        unreadable(&farm, &list)?;
    }
    let mut set = ResultSet::new(names(command), rows);
    extras(&farm, command, &list, &mut set);
    Ok(set.into())
}

fn names(command: &str) -> &'static [&'static str] {
    match command {
        "servers" => &["server_uuid", "group_id", "host", "port", "mode", "status", "weight"],
        "sharding_information" => &[
            "schema_name",
            "table_name",
            "column_name",
            "lower_bound",
            "shard_id",
            "type_name",
            "group_id",
            "global_group",
        ],
        "shard_tables" => &["schema_name", "table_name", "column_name", "mapping_id"],
        "shard_maps" => &["mapping_id", "type_name", "global_group_id"],
        _ => &["lower_bound", "mapping_id", "shard_id", "group_id"],
    }
}

fn fabric_nodes(shared: &Shared, farm: &Farm, protocol: &Value) -> Outcome {
    let own = (shared.addr.ip().to_string(), i64::from(shared.addr.port()));
    let own_mysql = shared.mysql_addr.map_or(own.1 + 1, |addr| i64::from(addr.port()));
    let mut nodes: Vec<(String, i64, i64)> = farm
        .nodes
        .iter()
        .map(|n| {
            let port = if n.port == 0 { own.1 } else { n.port };
            let mysql = if port == own.1 { own_mysql } else { port + 1 };
            (n.host.clone(), port, n.mysql_port.unwrap_or(mysql))
        })
        .collect();
    if nodes.is_empty() {
        nodes.push((own.0, own.1, own_mysql));
    }
    let xmlrpc = nodes.iter().map(|n| vec![Value::from(&*n.0), n.1.into()]);
    let mysql = nodes.iter().map(|n| vec![Value::from(&*n.0), n.2.into()]);
    let rows: Vec<Row> = match protocol {
        Value::Nil => mysql.chain(xmlrpc).collect(),
        Value::Str(p) if p == "protocol.xmlrpc" => xmlrpc.collect(),
        Value::Str(p) if p == "protocol.mysql" => mysql.collect(),
        other => return Err(format!("Protocol ({}) is not supported.", other.text()).into()),
    };
    let mut set = ResultSet::new(&["host", "port"], rows);
    extras(farm, "fabric_nodes", "", &mut set);
    Ok(set.into())
}

fn servers(farm: &Farm, pattern: &str) -> Vec<Row> {
    let mut found: Vec<(&str, &Server)> = farm
        .groups
        .iter()
        .filter(|g| like::contains(&g.id, pattern))
        .flat_map(|g| g.servers.iter().map(|s| (&*g.id, s)))
        .filter(|(_, s)| s.status != FAULTY)
        .collect();
    // The collation orders groups without case; the address is compared as text.
    found.sort_by_key(|(g, s)| {
        (g.chars().map(like::fold).collect::<String>(), s.address(), s.uuid.clone())
    });
    let row = |(group, s): (&str, &Server)| {
        vec![
            s.uuid.as_str().into(),
            group.into(),
            s.host.as_str().into(),
            s.port.into(),
            s.mode.into(),
            s.status.into(),
            s.weight.into(),
        ]
    };
    found.into_iter().map(row).collect()
}

fn sharding_information(farm: &Farm, pattern: &str) -> Vec<Row> {
    let mut found = Vec::new();
    for mapping in &farm.mappings {
        for table in &mapping.tables {
            let name = table.name();
            if pattern.is_empty() || like::like(&name, pattern) {
                let enabled = mapping.shards.iter().filter(|s| s.state == State::Enabled);
                found.extend(enabled.map(|s| (s, name.clone(), table, mapping)));
            }
        }
    }
    // By shard and table, and so in general not by bound.
    found.sort_by(|(s, name, ..), (t, other, ..)| {
        (s.id, name, &s.lower_bound).cmp(&(t.id, other, &t.lower_bound))
    });
    let row = |(shard, _, table, mapping): (_, _, &crate::farm::Table, &Mapping)| {
        let shard: &crate::farm::Shard = shard;
        vec![
            table.schema.as_str().into(),
            table.table.as_str().into(),
            table.column.as_str().into(),
            shard.lower_bound.as_str().into(),
            shard.id.into(),
            mapping.type_name.as_str().into(),
            shard.group.as_str().into(),
            mapping.global_group.as_str().into(),
        ]
    };
    found.into_iter().map(row).collect()
}

/// Mappings whose number contains the pattern, in order of their number.
fn mappings<'a>(farm: &'a Farm, pattern: &str) -> Vec<&'a Mapping> {
    let mut found: Vec<&Mapping> =
        farm.mappings.iter().filter(|m| like::contains(&m.id.to_string(), pattern)).collect();
    found.sort_by_key(|m| m.id);
    found
}

fn shard_tables(farm: &Farm, pattern: &str) -> Vec<Row> {
    let mut rows = Vec::new();
    for mapping in mappings(farm, pattern) {
        let mut tables: Vec<_> = mapping.tables.iter().collect();
        tables.sort_by_key(|t| t.name());
        rows.extend(tables.into_iter().map(|t| {
            vec![
                t.schema.as_str().into(),
                t.table.as_str().into(),
                t.column.as_str().into(),
                mapping.id.into(),
            ]
        }));
    }
    rows
}

fn shard_maps(farm: &Farm, pattern: &str) -> Vec<Row> {
    let row = |m: &Mapping| {
        vec![m.id.into(), m.type_name.as_str().into(), m.global_group.as_str().into()]
    };
    mappings(farm, pattern).into_iter().map(row).collect()
}

fn shard_index(farm: &Farm, pattern: &str) -> Vec<Row> {
    let mut found: Vec<_> = mappings(farm, pattern)
        .into_iter()
        .flat_map(|m| m.shards.iter().map(move |s| (m.id, s)))
        .filter(|(_, s)| s.state == State::Enabled)
        .collect();
    found.sort_by_key(|(_, s)| s.id);
    let row = |(mapping, s): (i64, &crate::farm::Shard)| {
        vec![s.lower_bound.as_str().into(), mapping.into(), s.id.into(), s.group.as_str().into()]
    };
    found.into_iter().map(row).collect()
}

/// Fails as a real node does at a table whose name it cannot take apart.
fn unreadable(farm: &Farm, list: &str) -> Result<(), Failure> {
    let pieces = like::pieces(list);
    let touches = |piece: &str| {
        let mut broken = farm.broken_tables.iter();
        broken.any(|name| piece.is_empty() || like::like(name, piece))
    };
    match pieces.into_iter().any(touches) {
        true => Err("too many values to unpack".to_owned().into()),
        false => Ok(()),
    }
}

/// Adds what `fabricd.raw_row` left for this dump.
fn extras(farm: &Farm, command: &str, list: &str, set: &mut ResultSet) {
    use serde_json::Value as J;
    let is_joint = list.is_empty() || list.contains(',');
    for extra in farm.extras.iter().filter(|e| e.table == command && (is_joint || !e.jointly)) {
        match &extra.json {
            J::Array(row) => set.rows.push(row.iter().map(Value::from).collect()),
            J::Object(o) => {
                if let Some(names) = o.get("names").and_then(J::as_array) {
                    set.names = names.iter().filter_map(J::as_str).map(str::to_owned).collect();
                }
                if let Some(column) = o.get("column").and_then(J::as_str) {
                    set.names.push(column.to_owned());
                    let value = Value::from(o.get("value").unwrap_or(&J::Null));
                    for row in &mut set.rows {
                        row.push(value.clone());
                    }
                }
            }
            _ => {}
        }
    }
}

/// The error of a node that lost its backing store. Clients see the statement that failed.
fn store_down(farm: &Farm, pattern: &str) -> String {
    format!(
        "Command (SELECT server_uuid, group_id, server_address, mode, status, weight FROM servers \
         WHERE group_id LIKE %s AND group_id IS NOT NULL AND status != %s ORDER BY group_id, \
         server_address, server_uuid, ('%{pattern}%', 'FAULTY')) failed accessing ({}). MySQL \
         Connection not available..",
        farm.store
    )
}

/// For `fabricd.*` commands that answer without rows.
pub fn done() -> Answer {
    Answer::Sets(Vec::new())
}
