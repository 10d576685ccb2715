//! `shards`: the shards of a table.

use mysqlfabric::topology::ShardingType;
use serde::Serialize;

use crate::args::Shards;
use crate::exit::{Exit, Result};
use crate::farm::Table;
use crate::output::{Row, or_dash, percent};
use crate::plan::quoted;
use crate::plan::ring::Ring;

use super::Run;
use super::known_table::table;

#[derive(Debug, Serialize)]
pub struct ShardRow {
    pub id: i64,
    pub lower_bound: String,
    pub group: String,
    pub state: &'static str,
    /// Which part of the keys it has; of HASH alone it is known.
    pub share: Option<f64>,
}

impl Row for ShardRow {
    const HEAD: &'static [&'static str] = &["ID", "LOWER BOUND", "GROUP", "STATE", "SHARE"];

    fn cells(&self) -> Vec<String> {
        vec![
            self.id.to_string(),
            quoted(&self.lower_bound),
            self.group.clone(),
            self.state.to_owned(),
            or_dash(self.share.map(percent)),
        ]
    }
}

pub fn run(run: &Run, args: &Shards) -> Result<Exit> {
    let router = run.load()?;
    run.repeat(args.repeat, || {
        run.out.list("shards", &of(&table(&router, &args.table)?))?;
        Ok(Exit::Done)
    })
}

/// The shards of a table, in its order.
pub fn of(table: &Table) -> Vec<ShardRow> {
    let ring = Ring::of(table).filter(|_| table.kind == ShardingType::Hash);
    let rows = table.shards.iter().map(|shard| ShardRow {
        id: shard.id,
        lower_bound: shard.lower_bound.clone(),
        group: shard.group.clone(),
        state: shard.state.name(),
        share: ring.as_ref().and_then(|ring| ring.share_from(&shard.lower_bound)),
    });
    rows.collect()
}
