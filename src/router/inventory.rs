//! What a handle knows of the farm, for whoever wants to see all of it. No I/O.

use crate::base::error::Result;
use crate::refresh::age::since;
use crate::topology::{Group, GroupId, TableState, Topology};

use super::Router;

/// A group that has been fetched.
pub struct KnownGroup<'t> {
    pub name: &'t str,
    pub group: &'t Group,
    /// How long ago it was confirmed, in milliseconds; `None` where nobody knows.
    pub age: Option<u64>,
    /// How many shards of all tables lie in it.
    pub shards: u64,
}

impl Router {
    /// Hands each table to `take` that the source lists, and whose name is not longer, in the order of
    /// their names.
    pub fn tables<T>(
        &self,
        longest: usize,
        take: impl Fn(&Topology, &str, &TableState) -> Result<T>,
    ) -> Result<Vec<T>> {
        let topology = self.refresher.topology();
        let mut tables: Vec<(&[u8], &TableState)> =
            topology.tables.iter().map(|(name, entry)| (name, &entry.value)).collect();
        tables.retain(|(name, _)| name.len() <= longest);
        tables.sort_unstable_by_key(|(name, _)| *name);
        let named = |(name, state): (&[u8], &TableState)| {
            take(&topology, &String::from_utf8_lossy(name), state)
        };
        tables.into_iter().map(named).collect()
    }

    /// Hands each group to `take` that has been fetched, in the order of their names. One without servers
    /// is among them only if the source says why it has none.
    pub fn groups<T>(&self, take: impl Fn(KnownGroup<'_>) -> Result<T>) -> Result<Vec<T>> {
        let topology = self.refresher.topology();
        let now = self.refresher.clock().now();
        let shards = shards_of_groups(&topology);
        let known = topology.groups().filter_map(|(id, name, entry)| {
            let (group, confirmed) = entry.map(|entry| (&entry.value, entry.confirmed()))?;
            let is_listed = !group.servers().is_empty() || group.reason().is_some();
            let shards = shards.get(id.0 as usize).copied().unwrap_or_default();
            is_listed.then(|| KnownGroup { name, group, age: since(confirmed, now), shards })
        });
        let mut known: Vec<KnownGroup<'_>> = known.collect();
        known.sort_unstable_by_key(|group| group.name);
        known.into_iter().map(take).collect()
    }
}

/// By number: how many shards of all tables lie in the group.
fn shards_of_groups(topology: &Topology) -> Vec<u64> {
    let mut shards: Vec<u64> = Vec::new();
    for (_, _, table) in topology.maps() {
        let groups = table.map.shards().map(|shard| shard.group);
        for group in groups.filter(|group| *group != GroupId::NOWHERE) {
            let at = group.base().0 as usize;
            if shards.len() <= at {
                shards.resize(at + 1, 0);
            }
            if let Some(count) = shards.get_mut(at) {
                *count += 1;
            }
        }
    }
    shards
}
