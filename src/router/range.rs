//! The shard of a key, and those that an interval of keys touches.

use super::lookup::Terms;
use super::{Router, errors};
use crate::base::error::Result;
use crate::thread_cache::ThreadCache;
use crate::topology::{GroupId, Key, Shard, Table, Topology};

impl Router {
    /// Hands the shard that holds `key` to `take`.
    pub fn shard<T>(
        &self,
        name: &str,
        key: Option<Key<'_>>,
        take: impl FnOnce(&Topology, &Table, usize, &Shard) -> Result<T>,
    ) -> Result<T> {
        let outcome = self.look_for_table(Terms::default(), name.as_bytes(), |topology, table| {
            let key = key.ok_or_else(|| errors::key_missing(name.as_bytes()))?;
            let at = table
                .map
                .find_position(key, self.compat)
                .map_err(|error| errors::key(name.as_bytes(), table, key, error))?;
            match table.map.shard(at) {
                Some(shard) if shard.group != GroupId::NOWHERE => take(topology, table, at, &shard),
                _ => Err(errors::shard_unavailable(name.as_bytes(), key)),
            }
        });
        ThreadCache::with(|cache| self.counted(cache, outcome))
    }

    /// Hands each shard to `take` that holds keys from `low` to `high`, both of them included;
    /// `None` is no limit.
    pub fn shards_in_range<T>(
        &self,
        name: &str,
        low: Option<Key<'_>>,
        high: Option<Key<'_>>,
        take: impl Fn(&Topology, &Table, usize, &Shard) -> Result<T>,
    ) -> Result<Vec<T>> {
        let outcome = self.look_for_table(Terms::default(), name.as_bytes(), |topology, table| {
            let touched = table
                .map
                .touched(low, high, self.compat)
                .map_err(|(key, error)| errors::key(name.as_bytes(), table, key, error))?;
            let shard = |at: usize| {
                let shard = table.map.shard(at)?;
                Some(match shard.group {
                    GroupId::NOWHERE => {
                        let bound = table.map.bound_text(at);
                        let key = Key::Text(bound.as_bytes());
                        Err(errors::shard_unavailable(name.as_bytes(), key))
                    }
                    _ => take(topology, table, at, &shard),
                })
            };
            touched.iter().filter_map(shard).collect()
        });
        ThreadCache::with(|cache| self.counted(cache, outcome))
    }
}
