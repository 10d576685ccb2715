//! A sharded table: its column, its shard map and its global group.

use super::group::GroupId;
use super::shard_map::{MapError, Shard, ShardMap, ShardingType};

/// A sharded table, as the rows of `dump.sharding_information` describe it.
#[derive(Debug, PartialEq, Eq)]
pub struct Table {
    pub column: String,
    /// Where updates of all shards and unsharded data live.
    pub global_group: GroupId,
    pub map: ShardMap,
}

/// One row of the dump, its group names already numbered.
#[derive(Debug, Clone, Copy)]
pub struct TableRow<'a> {
    pub column: &'a str,
    pub type_name: &'a str,
    pub lower_bound: &'a str,
    pub global_group: GroupId,
    pub shard: Shard,
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
    pub fn new(
        rows: &[TableRow<'_>],
        group_name: impl Fn(GroupId) -> String,
    ) -> Result<Self, TableError> {
        let first = rows.first().ok_or(MapError::NoShards)?;
        for row in rows {
            let agree = |what, a: &str, b: &str| {
                let contradiction = || TableError::Contradiction(what, a.into(), b.into());
                if a == b { Ok(()) } else { Err(contradiction()) }
            };
            agree("sharding type", first.type_name, row.type_name)?;
            agree("sharding column", first.column, row.column)?;
            if first.global_group != row.global_group {
                let names = (group_name(first.global_group), group_name(row.global_group));
                agree("global group", &names.0, &names.1)?;
            }
        }
        let kind = ShardingType::parse(first.type_name)
            .ok_or_else(|| TableError::UnknownType(first.type_name.to_owned()))?;
        let bounds = rows.iter().map(|row| (row.lower_bound, row.shard));
        let map = ShardMap::new(kind, bounds, group_name)?;
        Ok(Self { column: first.column.to_owned(), global_group: first.global_group, map })
    }

    /// Every group the table's data lives in, the global one among them, each once.
    pub fn groups(&self) -> Vec<GroupId> {
        let mut groups: Vec<GroupId> = self.map.shards().map(|shard| shard.group).collect();
        groups.push(self.global_group);
        groups.sort_unstable();
        groups.dedup();
        groups.retain(|group| *group != GroupId::NOWHERE);
        groups
    }

    /// The lower bounds of the shards that nobody knows the whereabouts of.
    pub fn vanished(&self) -> Vec<String> {
        let shards = self.map.shards().enumerate();
        let vanished = shards.filter(|(_, shard)| shard.group == GroupId::NOWHERE);
        vanished.map(|(at, _)| self.map.bound_text(at)).collect()
    }

    /// As it was, with another map.
    pub fn with_map(&self, map: ShardMap) -> Self {
        Self { column: self.column.clone(), global_group: self.global_group, map }
    }
}
