//! The rows of a dump of shards on their way into the tables of a topology.

use crate::source::fabric::{Collect, Owner, Row, ShardCells};
use crate::topology::{Listed, Listing};

impl Collect for Listing {
    const COLUMNS: &'static [&'static str] = ShardCells::COLUMNS;

    fn take(&mut self, row: &Row<'_>) -> Result<(), String> {
        let cells = ShardCells::read(row)?;
        self.push(&Listed {
            schema: &cells.schema,
            table: &cells.table,
            column: &cells.column,
            lower_bound: &cells.lower_bound,
            shard_id: cells.shard_id,
            type_name: &cells.type_name,
            group: &cells.group,
            global_group: &cells.global_group,
        });
        Ok(())
    }

    fn owner(row: &Row<'_>) -> Option<Owner> {
        ShardCells::owner(row)
    }
}
