//! One table while its rows come in.

use super::shard_map::ShardMapBuilder;
use crate::topology::group::GroupId;
use crate::topology::rows::ShardRow;
use crate::topology::shard_map::{Shard, ShardingType};
use crate::topology::table::{Table, TableError};

/// A table whose rows are still coming in.
#[derive(Debug)]
pub struct TableBuilder {
    column: Box<str>,
    type_name: Box<str>,
    global_group: GroupId,
    map: Result<ShardMapBuilder, TableError>,
}

impl TableBuilder {
    /// Begins with the first row, whose groups have these numbers.
    pub fn new(first: &ShardRow<'_>, global_group: GroupId, shard: Shard) -> Self {
        let kind = ShardingType::parse(&first.type_name);
        let map = kind.map(ShardMapBuilder::new);
        let mut new = Self {
            column: (*first.column).into(),
            type_name: (*first.type_name).into(),
            global_group,
            map: map.ok_or_else(|| TableError::UnknownType(first.type_name.to_string())),
        };
        new.take(first, shard);
        new
    }

    pub fn global_group(&self) -> GroupId {
        self.global_group
    }

    /// Takes in another row of the table.
    pub fn push(
        &mut self,
        row: &ShardRow<'_>,
        global_group: GroupId,
        shard: Shard,
        group_name: impl Fn(GroupId) -> String,
    ) {
        if matches!(self.map, Err(TableError::Contradiction(..))) {
            return;
        }
        match self.agrees(row, global_group, group_name) {
            Ok(()) => self.take(row, shard),
            Err(error) => self.map = Err(error),
        }
    }

    fn take(&mut self, row: &ShardRow<'_>, shard: Shard) {
        if let Ok(map) = &mut self.map {
            map.push(&row.lower_bound, shard);
        }
    }

    fn agrees(
        &self,
        row: &ShardRow<'_>,
        global_group: GroupId,
        group_name: impl Fn(GroupId) -> String,
    ) -> Result<(), TableError> {
        let agree = |what, a: &str, b: &str| {
            let contradiction = || TableError::Contradiction(what, a.into(), b.into());
            if a == b { Ok(()) } else { Err(contradiction()) }
        };
        agree("sharding type", &self.type_name, &row.type_name)?;
        agree("sharding column", &self.column, &row.column)?;
        if self.global_group == global_group {
            return Ok(());
        }
        agree("global group", &group_name(self.global_group), &group_name(global_group))
    }

    /// Says why the rows make no table, if they do not.
    pub fn check(&mut self, group_name: impl Fn(GroupId) -> String) -> Result<(), TableError> {
        match &mut self.map {
            Ok(map) => Ok(map.settle(group_name)?),
            Err(error) => Err(error.clone()),
        }
    }

    /// The table of the rows. Groups keep the numbers they had in the rows until `number`
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
