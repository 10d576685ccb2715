//! What the values of a topology file must fulfil together.

use std::collections::{BTreeMap, HashSet};

use crate::topology::build::full_name;
use crate::topology::group::MAX_SERVERS;
use crate::topology::{Shard, ShardMap, Table, TableRow, Topology};

use super::document::{self, Document, Group};
use super::held;

/// Says which member is wrong, and how.
pub fn whole(document: &Document) -> Result<(), String> {
    groups(&document.groups)?;
    // Only the names of the groups matter here.
    let mut named = Topology::default();
    for group in &document.groups {
        named.number_group(&group.id);
    }
    let mut tables = HashSet::new();
    let held = document.held_shards.iter();
    let holds: HashSet<_> = held.map(|h| (h.schema.as_str(), h.table.as_str())).collect();
    let mut maps = BTreeMap::new();
    for (at, table) in document.tables.iter().enumerate() {
        let place = format!("tables[{at}], '{}.{}'", table.schema, table.table);
        if !tables.insert((table.schema.as_str(), table.table.as_str())) {
            return Err(format!("{place}: the table is listed twice"));
        }
        let map = self::table(table, &named).map_err(|reason| format!("{place}: {reason}"))?;
        if holds.contains(&(table.schema.as_str(), table.table.as_str())) {
            maps.insert(full_name(&table.schema, &table.table), map);
        }
    }
    held::check(document, &maps)
}

fn groups(groups: &[Group]) -> Result<(), String> {
    let mut known = HashSet::new();
    for (at, group) in groups.iter().enumerate() {
        if !known.insert(group.id.as_str()) {
            return Err(format!("groups[{at}].id: group '{}' is listed twice", group.id));
        }
        if group.servers.len() > MAX_SERVERS {
            let count = group.servers.len();
            return Err(format!(
                "groups[{at}].servers: group '{}' lists {count} servers, and {MAX_SERVERS} is the \
                 most; see that it is meant",
                group.id
            ));
        }
    }
    Ok(())
}

fn table(table: &document::Table, named: &Topology) -> Result<ShardMap, String> {
    let group = |member: &str, name: &str| {
        named
            .group_number(name.as_bytes())
            .ok_or_else(|| format!("{member}: group '{name}' is not listed in groups; add it"))
    };
    let global_group = group("global_group", &table.global_group)?;
    let row = |(at, shard): (usize, &'_ document::Shard)| {
        group(&format!("shards[{at}].group"), &shard.group)
            .map(|group| Shard::listed(shard.id, group))
    };
    let shards: Vec<Shard> = table.shards.iter().enumerate().map(row).collect::<Result<_, _>>()?;
    let rows = table.shards.iter().zip(shards).map(|(from, shard)| TableRow {
        column: &table.column,
        type_name: &table.type_name,
        lower_bound: &from.lower_bound.text,
        global_group,
        shard,
    });
    let rows: Vec<TableRow<'_>> = rows.collect();
    match Table::new(&rows, |id| named.group_name(id).to_owned()) {
        Ok(table) => Ok(table.map),
        Err(error) => Err(error.to_string()),
    }
}
