//! `sharding.*`.

use super::{Args, Failure, Outcome, ResultSet, group, procedure};
use crate::farm::{Mapping, State, Table};
use crate::lookup;
use crate::state::Shared;
use crate::value::Value;

const TABLE_NAMES: [&str; 5] =
    ["mapping_id", "type_name", "table_name", "global_group", "column_name"];

pub fn run(shared: &Shared, command: &str, args: &Args<'_>) -> Outcome {
    match command {
        "lookup_servers" => lookup_servers(shared, args),
        "lookup_table" => lookup_table(shared, args),
        "list_definitions" => list_definitions(shared),
        "list_tables" => list_tables(shared, args),
        "add_shard" => add_shard(shared, args),
        "enable_shard" => {
            shared.farm().set_shard_state(args.int(0)?, State::Enabled)?;
            procedure::done(&["_enable_shard"], args.flag(1, true))
        }
        "disable_shard" => {
            shared.farm().set_shard_state(args.int(0)?, State::Disabled)?;
            procedure::done(&["_disable_shard"], args.flag(1, true))
        }
        "remove_shard" => {
            shared.farm().remove_shard(args.int(0)?)?;
            procedure::done(&["_remove_shard"], args.flag(1, true))
        }
        "move_shard" => {
            shared.farm().move_shard(args.int(0)?, &args.text(1))?;
            procedure::done(&["_setup_resharding_switch"], args.flag(3, true))
        }
        _ => {
            let bound = args.given(2).map(Value::text).unwrap_or_default();
            shared.farm().split_shard(args.int(0)?, &bound, &args.text(1))?;
            procedure::done(&["_setup_resharding_switch"], args.flag(4, true))
        }
    }
}

fn lookup_servers(shared: &Shared, args: &Args<'_>) -> Outcome {
    let farm = shared.farm();
    let name = args.text(0);
    let hint = args.given(2).map_or_else(|| "LOCAL".to_owned(), Value::text).to_uppercase();
    let group = match hint.as_str() {
        // Here the first parameter is the number of a mapping, and the key goes unread.
        "GLOBAL" => {
            let mapping = farm.mappings.iter().find(|m| m.id.to_string() == name);
            &mapping.ok_or("list index out of range")?.global_group
        }
        "LOCAL" => {
            let mapping =
                farm.mapping_of(&name).ok_or_else(|| format!("Table name {name} not found"))?;
            let bug = farm.version.starts_with("1.5.");
            &lookup::shard(mapping, args.get(1), bug)?.group
        }
        _ => return Err("Unknown lookup hint".into()),
    };
    Ok(group::servers_of(farm.group(group)).into())
}

fn table_row(mapping: &Mapping, table: &Table) -> Vec<Value> {
    vec![
        mapping.id.into(),
        mapping.type_name.as_str().into(),
        table.name().into(),
        mapping.global_group.as_str().into(),
        table.column.as_str().into(),
    ]
}

fn lookup_table(shared: &Shared, args: &Args<'_>) -> Outcome {
    let farm = shared.farm();
    let name = args.text(0);
    let found = farm
        .mapping_of(&name)
        .and_then(|m| m.tables.iter().find(|t| t.name() == name).map(|t| table_row(m, t)));
    let row = found.unwrap_or_else(|| vec![Value::from(""); TABLE_NAMES.len()]);
    Ok(ResultSet::new(&TABLE_NAMES, vec![row]).into())
}

fn list_definitions(shared: &Shared) -> Outcome {
    let row = |m: &Mapping| {
        vec![m.id.into(), m.type_name.as_str().into(), m.global_group.as_str().into()]
    };
    let rows = shared.farm().mappings.iter().map(row).collect();
    Ok(ResultSet::new(&["mapping_id", "type_name", "global_group_id"], rows).into())
}

fn list_tables(shared: &Shared, args: &Args<'_>) -> Outcome {
    let wanted = args.text(0);
    let farm = shared.farm();
    let mut rows = Vec::new();
    for mapping in farm.mappings.iter().filter(|m| m.type_name.eq_ignore_ascii_case(&wanted)) {
        let mut tables: Vec<&Table> = mapping.tables.iter().collect();
        tables.sort_by_key(|t| t.name());
        rows.extend(tables.into_iter().map(|t| table_row(mapping, t)));
    }
    Ok(ResultSet::new(&TABLE_NAMES, rows).into())
}

/// `group/bound,group/bound`, or for HASH only groups.
fn add_shard(shared: &Shared, args: &Args<'_>) -> Outcome {
    let mapping = args.int(0)?;
    let state = match args.given(2).map(Value::text).as_deref() {
        None | Some("DISABLED") => State::Disabled,
        Some("ENABLED") => State::Enabled,
        Some(other) => return Err(Failure::Command(format!("Invalid Shard State {other}"))),
    };
    let list = args.text(1);
    let mut farm = shared.farm();
    for piece in list.split(',') {
        let piece: String = piece.chars().filter(|c| !c.is_whitespace()).collect();
        let (group, bound) = piece.split_once('/').unwrap_or((&piece, ""));
        farm.add_shard(mapping, bound, group, state)?;
    }
    drop(farm);
    procedure::done(&["_add_shard"], args.flag(3, true))
}
