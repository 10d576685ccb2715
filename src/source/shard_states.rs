//! Shard maps in the making, of a source that says of each shard which state it is in.

use std::collections::BTreeMap;

use crate::base::text::excerpt;
use crate::topology::builder::{ShardMapBuilder, full_name};
use crate::topology::{Owner, RejectedRow, Shard, ShardMap, ShardRow, ShardingType, TablesBuilder};

use super::Maps;
use super::cells::Read;

/// Shards that have come in so far: listed are those that serve, held the bounds of the others.
#[derive(Default)]
pub struct ShardsByState {
    tables: TablesBuilder,
    held: BTreeMap<(String, i32), ShardMapBuilder>,
    rejected: Vec<RejectedRow>,
}

impl ShardsByState {
    /// Takes in a shard.
    ///
    /// # Errors
    /// Its state is none, or the type of its table.
    pub fn push(&mut self, mut row: ShardRow<'_>, state: &str) -> Read<()> {
        match state {
            "ENABLED" => {
                self.tables.push(&row);
                Ok(())
            }
            "READ_ONLY" => {
                row.read_only = true;
                self.tables.push(&row);
                Ok(())
            }
            "DISABLED" => self.hold(&row),
            other => Err(format!("state \"{}\" is not known", excerpt(other, 40))),
        }
    }

    fn hold(&mut self, row: &ShardRow<'_>) -> Read<()> {
        let kind = ShardingType::parse(&row.type_name)
            .ok_or_else(|| format!("type {} is not known", excerpt(&row.type_name, 40)))?;
        let key = (full_name(&row.schema, &row.table), kind.class() as i32);
        let bounds = self.held.entry(key).or_insert_with(|| ShardMapBuilder::new(kind));
        bounds.push(&row.lower_bound, Shard::missing(Shard::NO_TIME));
        Ok(())
    }

    /// Sets a row aside.
    pub fn reject(&mut self, owner: Option<Owner>, reason: String) {
        self.rejected.push(RejectedRow { owner, reason });
    }

    /// The maps, and what nobody can use.
    pub fn finish(mut self) -> (Maps, Vec<RejectedRow>) {
        let mut maps: Vec<(String, ShardMap)> = Vec::new();
        for ((name, _), bounds) in std::mem::take(&mut self.held) {
            match bounds.map(|group| group, |_| "a shard that is not enabled".to_owned()) {
                Ok(map) => maps.push((name, map)),
                Err(error) => {
                    let owner = name.split_once('.').map(|(schema, table)| Owner::Table {
                        schema: schema.to_owned(),
                        table: table.to_owned(),
                    });
                    self.reject(owner, error.to_string());
                }
            }
        }
        (Maps { tables: self.tables, held: Some(maps) }, self.rejected)
    }
}
