//! What a file that a person wrote must fulfil beyond what every file must: mistakes that are refused
//! there. A snapshot holds what its source said, whatever that is, and is not checked here.
//!
//! Everything takes a time that grows with the file and no faster.

use std::collections::hash_map::Entry;
use std::collections::{HashMap, HashSet};
use std::fmt;

use crate::base::text::excerpt;
use crate::config::Node;
use crate::topology::limits::{
    LONGEST_BOUND, LONGEST_COLUMN, LONGEST_GROUP, LONGEST_HOST, LONGEST_UUID,
};
use crate::topology::{Mode, ShardingType, Status};

use super::document::{Bound, Document, Group, HeldShard, Server, Table};

/// Says which member is wrong, and how.
pub fn check(document: &Document) -> Result<(), String> {
    for (at, node) in document.fabric_nodes.iter().enumerate() {
        host(format_args!("fabric_nodes[{at}].host"), &node.host)?;
    }
    let mut homes = HashMap::new();
    for (at, group) in document.groups.iter().enumerate() {
        self::group(at, group, &mut homes)?;
    }
    for (at, table) in document.tables.iter().enumerate() {
        self::table(table)
            .map_err(|why| format!("tables[{at}], '{}.{}': {why}", table.schema, table.table))?;
    }
    let tables = document.tables.iter();
    let types: HashMap<_, _> = tables.map(|t| ((&*t.schema, &*t.table), &*t.type_name)).collect();
    for (at, held) in document.held_shards.iter().enumerate() {
        let known = types.get(&(&*held.schema, &*held.table)).copied();
        self::held(held, known).map_err(|why| format!("held_shards[{at}].{why}"))?;
    }
    Ok(())
}

fn fits(place: fmt::Arguments<'_>, name: &str, most: usize) -> Result<(), String> {
    let length = name.len();
    if length <= most {
        return Ok(());
    }
    let shown = excerpt(name, 40);
    Err(format!("{place}: '{shown}' has {length} bytes, and {most} is the most; shorten it"))
}

fn host(place: fmt::Arguments<'_>, host: &str) -> Result<(), String> {
    fits(place, host, LONGEST_HOST)?;
    match Node::new(host, 0) {
        Some(_) => Ok(()),
        None => Err(format!(
            "{place}: '{}' is neither a name nor an address; give one alone, and its port as port",
            excerpt(host, 80)
        )),
    }
}

/// `homes`: the group of each server so far, by UUID.
fn group<'d>(
    at: usize,
    group: &'d Group,
    homes: &mut HashMap<&'d str, &'d str>,
) -> Result<(), String> {
    let mut addresses = HashSet::new();
    let mut primary: Option<&Server> = None;
    fits(format_args!("groups[{at}].id"), &group.id, LONGEST_GROUP)?;
    for (server_at, server) in group.servers.iter().enumerate() {
        let place = format_args!("groups[{at}], '{}': servers[{server_at}]", group.id);
        let Server { uuid, host, port, .. } = server;
        fits(format_args!("{place}.uuid"), uuid, LONGEST_UUID)?;
        self::host(format_args!("{place}.host"), host)?;
        match homes.entry(uuid) {
            Entry::Vacant(home) => {
                home.insert(&group.id);
            }
            Entry::Occupied(home) if *home.get() == group.id => {
                return Err(format!("{place}.uuid: server '{uuid}' is listed twice"));
            }
            Entry::Occupied(home) => {
                return Err(format!(
                    "{place}.uuid: server '{uuid}' is in group '{}', too; a server is in one group",
                    home.get()
                ));
            }
        }
        if !addresses.insert((host.to_ascii_lowercase(), *port)) {
            return Err(format!("{place}.host: another server of the group is at '{host}:{port}'"));
        }
        if server.status != Status::Primary as i32 {
            continue;
        }
        if server.mode == Mode::ReadOnly as i32 {
            return Err(format!(
                "{place}.mode: server '{uuid}' is the PRIMARY and cannot be READ_ONLY; it is \
                 READ_WRITE"
            ));
        }
        if let Some(first) = primary.replace(server) {
            return Err(format!(
                "{place}.status: server '{uuid}' is a PRIMARY, and so is '{}'; a group has one",
                first.uuid
            ));
        }
    }
    Ok(())
}

/// `table` is the type of the table of this name, if there is one.
fn held(held: &HeldShard, table: Option<&str>) -> Result<(), String> {
    let class = |name: &str| ShardingType::parse(name).map(ShardingType::class);
    let HeldShard { schema, table: name, type_name, .. } = held;
    match table {
        None => {
            Err(format!("table: table '{schema}.{name}' is not listed in tables; correct the name"))
        }
        Some(of_table) if class(of_table) != class(type_name) => Err(format!(
            "type: it is {type_name}, and table '{schema}.{name}' is of type {of_table}; give it that"
        )),
        Some(_) => bound(&held.lower_bound, type_name),
    }
}

fn bound(bound: &Bound, type_name: &str) -> Result<(), String> {
    fits(format_args!("lower_bound"), &bound.text, LONGEST_BOUND)?;
    let takes_texts = matches!(type_name, "RANGE_STRING" | "RANGE_DATETIME");
    if !takes_texts || !bound.is_integer {
        return Ok(());
    }
    Err(format!(
        "lower_bound: {} is a number, and bounds of {type_name} are texts; write it in quotation \
         marks",
        bound.text
    ))
}

fn table(table: &Table) -> Result<(), String> {
    let mut ids = HashMap::new();
    fits(format_args!("column"), &table.column, LONGEST_COLUMN)?;
    for (at, shard) in table.shards.iter().enumerate() {
        if let Some(first) = ids.insert(shard.id, at) {
            return Err(format!(
                "shards[{at}].id: shards[{first}] has the number {}, too; each has its own",
                shard.id
            ));
        }
        bound(&shard.lower_bound, &table.type_name).map_err(|why| format!("shards[{at}].{why}"))?;
    }
    Ok(())
}
