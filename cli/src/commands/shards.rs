//! `shards`: the shards of a table.

use mysqlfabric::router::Router;
use mysqlfabric::topology::{GroupId, ShardingType};
use serde::Serialize;

use crate::args::Shards;
use crate::exit::{Exit, Result};
use crate::farm::{Shard, State, Table};
use crate::output::{Row, or_dash, percent};
use crate::plan::quoted;
use crate::plan::ring::Ring;

use super::Run;
use super::known_table::table;

#[derive(Debug, Serialize)]
pub struct ShardRow {
    /// Nothing of a shard that is held: the source lists it no more.
    pub id: Option<i64>,
    pub lower_bound: String,
    /// Nothing where nobody knows.
    pub group: Option<String>,
    pub state: &'static str,
    /// Which part of the keys it has; of HASH alone it is known.
    pub share: Option<f64>,
}

impl Row for ShardRow {
    const HEAD: &'static [&'static str] = &["ID", "LOWER BOUND", "GROUP", "STATE", "SHARE"];

    fn cells(&self) -> Vec<String> {
        vec![
            or_dash(self.id),
            quoted(&self.lower_bound),
            or_dash(self.group.as_deref()),
            self.state.to_owned(),
            or_dash(self.share.map(percent)),
        ]
    }
}

pub fn run(run: &Run, args: &Shards) -> Result<Exit> {
    let router = run.load()?;
    run.repeat(args.repeat, || {
        let (table, held) = (table(&router, &args.table)?, held(&router, &args.table)?);
        run.out.list("shards", &of(&table, held))?;
        Ok(Exit::Done)
    })
}

/// The shards of a table that are held, as DISABLED ones are: their bounds and, where they are known, groups.
fn held(router: &Router, name: &str) -> Result<Vec<Shard>> {
    Ok(router.table(name, |topology, known| {
        let shards = known.map.shards().enumerate().filter(|(_, shard)| shard.is_kept());
        let held = shards.map(|(at, shard)| Shard {
            id: 0,
            lower_bound: known.map.bound_text(at),
            group: match shard.group.base() {
                GroupId::NOWHERE => String::new(),
                group => topology.group_name(group).to_owned(),
            },
            state: State::Disabled,
        });
        Ok(held.collect())
    })?)
}

/// The shards of a table in the order of their bounds, with those that are held: their keys are no others'.
fn of(table: &Table, held: Vec<Shard>) -> Vec<ShardRow> {
    let mut table = table.clone();
    table.shards.extend(held);
    let table = table.sorted();
    let ring = Ring::of(&table).filter(|_| table.kind == ShardingType::Hash);
    let rows = table.shards.iter().map(|shard| ShardRow {
        id: (shard.state != State::Disabled).then_some(shard.id),
        lower_bound: shard.lower_bound.clone(),
        group: Some(shard.group.clone()).filter(|group| !group.is_empty()),
        state: match shard.state {
            State::Disabled => "HELD",
            state => state.name(),
        },
        share: ring.as_ref().and_then(|ring| ring.share_from(&shard.lower_bound)),
    });
    rows.collect()
}
