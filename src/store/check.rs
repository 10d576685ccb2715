//! What the values of a topology file must fulfil together.

use std::collections::{BTreeMap, HashSet};

use crate::topology::TablesBuilder;
use crate::topology::builder::full_name;
use crate::topology::group::MAX_SERVERS;

use super::document::{self, DISCOVERY_VERSION, Document};
use super::held;

/// Says which member is wrong, and how; or gives the tables of the file, whose rows are known to make
/// some.
pub fn whole(document: &Document) -> Result<TablesBuilder, String> {
    groups(document)?;
    let named: HashSet<&str> = document.groups.iter().map(|group| group.id.as_str()).collect();
    let mut names = HashSet::new();
    let held = document.held_shards.iter();
    let holds: HashSet<_> = held.map(|h| (h.schema.as_str(), h.table.as_str())).collect();
    let (mut tables, mut maps) = (TablesBuilder::default(), BTreeMap::new());
    for (at, table) in document.tables.iter().enumerate() {
        let place = format!("tables[{at}], '{}.{}'", table.schema, table.table);
        if !names.insert((table.schema.as_str(), table.table.as_str())) {
            return Err(format!("{place}: the table is listed twice"));
        }
        self::table(table, &named, &mut tables).map_err(|reason| format!("{place}: {reason}"))?;
        if holds.contains(&(table.schema.as_str(), table.table.as_str())) {
            maps.extend(held::bounds_of_table(table));
        }
    }
    held::check(document, &maps)?;
    Ok(tables)
}

fn groups(document: &Document) -> Result<(), String> {
    let mut known = HashSet::new();
    for (at, group) in document.groups.iter().enumerate() {
        if group.discover.is_some() && document.version < DISCOVERY_VERSION {
            return Err(format!(
                "groups[{at}].discover: group '{}' is to be discovered, which is of version \
                 {DISCOVERY_VERSION}; write \"version\": {DISCOVERY_VERSION}",
                group.id
            ));
        }
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

fn table(
    table: &document::Table,
    named: &HashSet<&str>,
    tables: &mut TablesBuilder,
) -> Result<(), String> {
    let listed = |member: &str, name: &str| match named.contains(name) {
        true => Ok(()),
        false => Err(format!("{member}: group '{name}' is not listed in groups; add it")),
    };
    listed("global_group", &table.global_group)?;
    let strange = table.shards.iter().position(|shard| !named.contains(shard.group.as_str()));
    if let Some((at, shard)) = strange.and_then(|at| Some((at, table.shards.get(at)?))) {
        listed(&format!("shards[{at}].group"), &shard.group)?;
    }
    table.rows().for_each(|row| tables.push(&row));
    tables.check(&full_name(&table.schema, &table.table)).map_err(|error| error.to_string())
}
