//! What the values of a topology file must fulfil together.

use std::collections::{BTreeMap, HashSet};

use crate::topology::builder::{TableBuilder, full_name};
use crate::topology::group::MAX_SERVERS;
use crate::topology::shard_map::MapError;
use crate::topology::{Shard, ShardMap, Topology};

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
    let name = |id| named.group_name(id).to_owned();
    let mut rows = table.rows().zip(shards);
    let Some((first, shard)) = rows.next() else { return Err(MapError::NoShards.to_string()) };
    let mut builder = TableBuilder::new(&first, global_group, shard);
    rows.for_each(|(row, shard)| builder.push(&row, global_group, shard, name));
    let table = builder.table(|group| group, name).map_err(|error| error.to_string())?;
    Ok(table.map)
}
