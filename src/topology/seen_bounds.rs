//! The bounds that a table once had and that no map of it in use holds.

use std::sync::Arc;

use super::shard_map::{Shard, ShardMap};

/// What a table of one bound was measured to take, about.
const TABLE_SIZE: usize = 1024;

/// Of a table that is listed no more, or with another type, or in rows that make no map: a map for
/// each type it had, in which every shard is missing. When the table is listed again, bounds of
/// its that are not are kept: see [`ShardMap::keeping`].
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct SeenBounds(Vec<Arc<ShardMap>>);

impl SeenBounds {
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// How many bounds there are.
    pub fn len(&self) -> usize {
        self.0.iter().map(|map| map.len()).sum()
    }

    /// What it takes with the name of its table, in bytes, within a factor of two or so.
    pub fn size(&self, name: &[u8]) -> usize {
        Self::table_size(name) + self.maps().map(ShardMap::missing_size).sum::<usize>()
    }

    /// What a table takes besides its bounds, as [`Self::size`].
    pub fn table_size(name: &[u8]) -> usize {
        TABLE_SIZE + name.len()
    }

    pub fn maps(&self) -> impl Iterator<Item = &ShardMap> {
        self.0.iter().map(|map| &**map)
    }

    /// The bounds of the type that `map` is of.
    pub fn of_type(&self, map: &ShardMap) -> Option<&ShardMap> {
        self.maps().find(|seen| seen.is_comparable(map))
    }

    /// Adds the bounds of a map that was in use until `now`.
    pub fn add(&mut self, map: &ShardMap, now: i64) {
        let before = self.of_type(map).and_then(|seen| seen.all_missing(now));
        if let Some(seen) = map.all_missing(now) {
            let seen = match before {
                Some(before) => seen.keeping(&before, now),
                None => seen,
            };
            self.remove(map);
            self.0.push(Arc::new(seen));
        }
    }

    /// Forgets the bounds of the type that `map` is of.
    pub fn remove(&mut self, map: &ShardMap) {
        self.0.retain(|seen| !seen.is_comparable(map));
    }

    /// What is left of it without the shards that `goes` says of; nothing if all is.
    pub fn without(&self, goes: impl Fn(Shard) -> bool) -> Option<Self> {
        if self.maps().all(|map| map.without_missing(&goes).is_none()) {
            return None;
        }
        let rest = |map: &Arc<ShardMap>| match map.without_missing(&goes) {
            None => Some(Arc::clone(map)),
            Some(rest) => rest.map(Arc::new),
        };
        Some(Self(self.0.iter().filter_map(rest).collect()))
    }
}
