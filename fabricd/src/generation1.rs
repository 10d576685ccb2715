//! MySQL Fabric 1.4: the same answers in older clothes.

use crate::commands::ResultSet;
use crate::farm::Farm;
use crate::pydict;
use crate::value::Value;

/// The answer of a command that succeeded.
pub fn answer(farm: &Farm, method: &str, sets: Vec<ResultSet>) -> Value {
    if let Some(dump) = method.strip_prefix("dump.") {
        return dumped(farm, dump, sets);
    }
    if method == "manage.ping" {
        return true.into();
    }
    if method.starts_with("threat.") || is_procedure(&sets) {
        return procedure(sets);
    }
    Value::Array(vec![true.into(), "".into(), value(method, sets)])
}

/// The answer of a command that failed: not ok, and a traceback.
pub fn error(method: &str, text: &str) -> Value {
    let traceback = format!("Traceback (most recent call last):\n  in {method}\nError: {text}\n");
    if method.starts_with("threat.") {
        // Errors of procedures hide in the last step.
        let step = step(Value::Int(1), &"".into(), &Value::Double(0.0), traceback.as_str());
        return Value::Array(vec![
            crate::clock::uuid().into(),
            Value::Array(vec![step]),
            false.into(),
        ]);
    }
    Value::Array(vec![false.into(), traceback.into(), "".into()])
}

/// UUID 0, version 0, TTL and bare rows, some of their numbers as text.
fn dumped(farm: &Farm, dump: &str, sets: Vec<ResultSet>) -> Value {
    let mut rows: Vec<Vec<Value>> = sets.into_iter().flat_map(|s| s.rows).collect();
    if dump == "fabric_nodes" {
        // Both protocols are in there, this one second; generation 1 knows only this one.
        let half = rows.len() / 2;
        let addresses = rows[half..]
            .iter()
            .map(|r| Value::Str(r.iter().map(Value::text).collect::<Vec<_>>().join(":")));
        let addresses = Value::Array(addresses.collect());
        return Value::Array(vec![Value::Int(0), Value::Int(0), farm.ttl.into(), addresses]);
    }
    let as_text: &[usize] = match dump {
        "servers" | "shard_tables" => &[3],
        "sharding_information" => &[4],
        "shard_maps" => &[0],
        _ => &[1, 2],
    };
    for row in &mut rows {
        for &column in as_text {
            if let Some(cell) = row.get_mut(column) {
                *cell = cell.text().into();
            }
        }
    }
    let rows = Value::Array(rows.into_iter().map(Value::Array).collect());
    Value::Array(vec![Value::Int(0), Value::Int(0), farm.ttl.into(), rows])
}

fn value(method: &str, sets: Vec<ResultSet>) -> Value {
    let Some(set) = sets.into_iter().next() else {
        return true.into();
    };
    let rows = set.rows;
    // The order of members is that of a Python dictionary with these keys.
    let structs = |rows: Vec<Vec<Value>>, order: &[(usize, &str)]| {
        let rows = rows.into_iter().map(|row| {
            Value::Struct(order.iter().map(|(i, n)| ((*n).to_owned(), row[*i].clone())).collect())
        });
        rows.collect::<Vec<_>>()
    };
    match method {
        "group.lookup_groups" => {
            let rows = rows.into_iter().map(|mut row| {
                if row[3] == Value::from("None") {
                    row[3] = "".into();
                }
                row
            });
            let order =
                [(0, "group_id"), (1, "description"), (3, "master_uuid"), (2, "failure_detector")];
            Value::Array(structs(rows.collect(), &order))
        }
        "group.lookup_servers" => {
            let order =
                [(2, "status"), (4, "weight"), (3, "mode"), (0, "server_uuid"), (1, "address")];
            Value::Array(structs(rows, &order))
        }
        "group.health" => health(rows),
        "sharding.lookup_servers" => {
            let row = |row: Vec<Value>| {
                let primary = row[2] == Value::from("PRIMARY");
                Value::Array(vec![row[0].clone(), row[1].clone(), primary.into()])
            };
            Value::Array(rows.into_iter().map(row).collect())
        }
        "sharding.lookup_table" | "sharding.list_tables" => {
            let order = [
                (0, "shard_mapping_id"),
                (1, "type_name"),
                (2, "table_name"),
                (3, "global_group"),
                (4, "column_name"),
            ];
            let mut tables = structs(rows, &order);
            if method == "sharding.lookup_table" && !tables.is_empty() {
                return tables.swap_remove(0);
            }
            Value::Array(tables)
        }
        _ => Value::Array(rows.into_iter().map(Value::Array).collect()),
    }
}

fn health(rows: Vec<Vec<Value>>) -> Value {
    let servers = rows.into_iter().map(|row| {
        let state = vec![
            ("status".to_owned(), row[2].clone()),
            ("is_alive".to_owned(), row[1].clone()),
            ("threads".to_owned(), Value::Struct(Vec::new())),
        ];
        (row[0].text(), Value::Struct(state))
    });
    Value::Struct(pydict::ordered(servers.collect()))
}

fn is_procedure(sets: &[ResultSet]) -> bool {
    sets.len() == 2 && sets[1].names.first().is_some_and(|n| n == "state")
        || sets.len() == 1 && sets[0].names == ["uuid"]
}

/// UUID, steps, result; only the UUID if nobody waits for the rest.
fn procedure(sets: Vec<ResultSet>) -> Value {
    let uuid = sets.first().and_then(|s| s.rows.first()).and_then(|r| r.first());
    let uuid = uuid.cloned().unwrap_or_else(|| "".into());
    let Some(steps) = sets.get(1) else {
        return uuid;
    };
    let steps = steps.rows.iter().map(|row| step(row[0].clone(), &row[3], &row[2], ""));
    Value::Array(vec![uuid, Value::Array(steps.collect()), true.into()])
}

fn step(state: Value, description: &Value, when: &Value, diagnosis: &str) -> Value {
    let success = if diagnosis.is_empty() { 2 } else { 1 };
    Value::Struct(vec![
        ("state".to_owned(), state),
        ("success".to_owned(), Value::Int(success)),
        ("when".to_owned(), when.clone()),
        ("description".to_owned(), description.clone()),
        ("diagnosis".to_owned(), diagnosis.into()),
    ])
}
