//! The entries of a snapshot file that its next writer does not know: another process of the service
//! has written them, and they are kept.

use std::collections::{BTreeMap, BTreeSet};

use crate::topology::builder::full_name;
use crate::topology::{GroupId, Shard, TableState, Topology};

use super::document::{Document, Group, HeldShard, Table};
use super::held;

/// Which foreign entries the writer keeps.
pub trait MergePolicy {
    /// When a table or group is to be said to have been confirmed, of which the file says this; nothing
    /// if that is too long ago.
    fn confirmed(&self, of: &Document, confirmed_at: Option<u64>) -> Option<u64>;

    /// Whether the source has told the writer since then that it does not list a table.
    fn is_table_gone(&self, name: &str, confirmed_at: u64) -> bool;

    fn is_group_gone(&self, name: &str, confirmed_at: u64) -> bool;

    /// Since when a bound is to be said to be missing, of which the file says this; nothing if nobody
    /// needs to know any more. The writer may know the table of it.
    fn since(&self, held: &HeldShard, is_known: bool) -> Option<Option<u64>>;
}

#[derive(Debug, Default)]
pub struct ForeignEntries {
    pub tables: Vec<Table>,
    pub groups: Vec<Group>,
    pub held_shards: Vec<HeldShard>,
}

/// The foreign entries of a file whose next writer knows `topology`.
pub fn of(
    mut document: Document,
    topology: &Topology,
    policy: &impl MergePolicy,
) -> ForeignEntries {
    let mut foreign = ForeignEntries {
        held_shards: held(&document, topology, policy),
        ..ForeignEntries::default()
    };
    let tables = std::mem::take(&mut document.tables);
    let mut needed = BTreeSet::new();
    for mut table in tables {
        let name = full_name(&table.schema, &table.table);
        if is_known(topology, &name) {
            continue;
        }
        let Some(confirmed) = policy.confirmed(&document, table.confirmed_at) else { continue };
        if policy.is_table_gone(&name, confirmed) {
            continue;
        }
        table.confirmed_at = Some(confirmed);
        needed.extend(table.shards.iter().map(|shard| shard.group.clone()));
        needed.insert(table.global_group.clone());
        foreign.tables.push(table);
    }
    for mut group in std::mem::take(&mut document.groups) {
        let number = topology.group_number(group.id.as_bytes());
        let is_needed = needed.remove(&group.id);
        if number.is_some_and(|number| topology.group(number).is_some()) {
            continue;
        }
        let confirmed = policy.confirmed(&document, group.confirmed_at);
        let is_gone = confirmed.is_some_and(|at| policy.is_group_gone(&group.id, at));
        if !is_needed && (is_gone || confirmed.is_none()) {
            continue;
        }
        if is_gone {
            group.servers.clear();
        }
        group.confirmed_at = confirmed.or(group.confirmed_at).or(document.saved_at);
        foreign.groups.push(group);
    }
    foreign
}

/// Whether the source has told the writer of a table.
fn is_known(topology: &Topology, name: &str) -> bool {
    let name = name.as_bytes();
    topology.tables.get(name).is_some() || topology.seen_bounds.get(name).is_some()
}

/// The held shards of which the writer knows no bound.
fn held(document: &Document, topology: &Topology, policy: &impl MergePolicy) -> Vec<HeldShard> {
    let numbered = |at: usize, _: &HeldShard| {
        Some(Shard::listed(0, GroupId(u32::try_from(at).unwrap_or(u32::MAX))))
    };
    let maps = held::maps(&document.held_shards, numbered).unwrap_or_default();
    let mut more: BTreeMap<usize, HeldShard> = BTreeMap::new();
    for (name, map) in maps {
        let known = topology.tables.get(name.as_bytes()).and_then(|entry| match &entry.value {
            TableState::Known(known) => Some(&known.map),
            TableState::Unusable(_) => None,
        });
        let seen = topology.seen_bounds.get(name.as_bytes());
        let seen = seen.into_iter().flat_map(|seen| seen.value.maps());
        let known: Vec<_> = seen.chain(known).collect();
        let is_known = is_known(topology, &name);
        for (at, shard) in map.shards().enumerate() {
            let place = shard.group.0 as usize;
            let Some(held) = document.held_shards.get(place) else { continue };
            if known.iter().any(|known| known.has_bound(&map, at)) {
                continue;
            }
            if let Some(since) = policy.since(held, is_known) {
                more.insert(place, HeldShard { since, ..held.clone() });
            }
        }
    }
    more.into_values().collect()
}
