//! A sharded table: its column, its shard map and its global group.

use super::draft::Draft;
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
        let mut rows = rows.iter();
        let first = rows.next().ok_or(MapError::NoShards)?;
        let mut draft = TableDraft::new(first);
        rows.for_each(|row| draft.push(row, &group_name));
        draft.table(|group| group, group_name)
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

/// A table whose rows are still coming in.
#[derive(Debug)]
pub struct TableDraft {
    column: Box<str>,
    type_name: Box<str>,
    global_group: GroupId,
    map: Result<Draft, TableError>,
}

impl TableDraft {
    pub fn new(first: &TableRow<'_>) -> Self {
        let kind = ShardingType::parse(first.type_name);
        let map = kind.map(Draft::new);
        let mut new = Self {
            column: first.column.into(),
            type_name: first.type_name.into(),
            global_group: first.global_group,
            map: map.ok_or_else(|| TableError::UnknownType(first.type_name.to_owned())),
        };
        new.take(first);
        new
    }

    pub fn global_group(&self) -> GroupId {
        self.global_group
    }

    /// Takes in another row of the table.
    pub fn push(&mut self, row: &TableRow<'_>, group_name: impl Fn(GroupId) -> String) {
        if matches!(self.map, Err(TableError::Contradiction(..))) {
            return;
        }
        match self.agrees(row, group_name) {
            Ok(()) => self.take(row),
            Err(error) => self.map = Err(error),
        }
    }

    fn take(&mut self, row: &TableRow<'_>) {
        if let Ok(draft) = &mut self.map {
            draft.push(row.lower_bound, row.shard);
        }
    }

    fn agrees(
        &self,
        row: &TableRow<'_>,
        group_name: impl Fn(GroupId) -> String,
    ) -> Result<(), TableError> {
        let agree = |what, a: &str, b: &str| {
            let contradiction = || TableError::Contradiction(what, a.into(), b.into());
            if a == b { Ok(()) } else { Err(contradiction()) }
        };
        agree("sharding type", &self.type_name, row.type_name)?;
        agree("sharding column", &self.column, row.column)?;
        if self.global_group == row.global_group {
            return Ok(());
        }
        agree("global group", &group_name(self.global_group), &group_name(row.global_group))
    }

    /// The table of the rows. Groups keep the numbers they have in the draft until `number`
    /// gives them those of the table.
    pub fn table(
        self,
        number: impl Fn(GroupId) -> GroupId,
        group_name: impl Fn(GroupId) -> String,
    ) -> Result<Table, TableError> {
        let global_group = number(self.global_group);
        let map = self.map?.map(number, group_name)?;
        Ok(Table { column: self.column.into(), global_group, map })
    }
}
