//! A sharded table: its column, its shard map and its global group.

use super::group::GroupId;
use super::shard_map::{MapError, ShardMap};

/// A sharded table, as its [`ShardRow`](super::ShardRow)s describe it.
#[derive(Debug, PartialEq, Eq)]
pub struct Table {
    pub column: String,
    /// Where updates of all shards and unsharded data live.
    pub global_group: GroupId,
    pub map: ShardMap,
}

/// Why the rows of a table cannot be used. Such a table disables itself alone.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TableError {
    #[error("its sharding type '{0}' is not known")]
    UnknownType(String),
    #[error("it is listed with two different {0}s, '{1}' and '{2}'")]
    Contradiction(&'static str, String, String),
    #[error("one of its rows is unusable: {0}")]
    Row(String),
    #[error("{0}")]
    Map(#[from] MapError),
}

impl Table {
    /// Every group the table's data lives in, the global one among them, each once.
    pub fn groups(&self) -> Vec<GroupId> {
        let mut groups: Vec<GroupId> = self.map.shards().map(|shard| shard.group.base()).collect();
        groups.push(self.global_group);
        groups.sort_unstable();
        groups.dedup();
        groups.retain(|group| *group != GroupId::NOWHERE);
        groups
    }

    /// The lower bounds of the shards that nobody knows the whereabouts of.
    pub fn vanished(&self) -> Vec<String> {
        if self.map.missing() == 0 {
            return Vec::new();
        }
        let shards = self.map.shards().enumerate();
        let vanished = shards.filter(|(_, shard)| shard.group == GroupId::NOWHERE);
        vanished.map(|(at, _)| self.map.bound_text(at)).collect()
    }

    /// As it was, with another map.
    pub fn with_map(&self, map: ShardMap) -> Self {
        Self { column: self.column.clone(), global_group: self.global_group, map }
    }
}
