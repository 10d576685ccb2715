//! `tables`: the sharded tables.

use mysqlfabric::topology::TableState;
use serde::Serialize;

use crate::args::Repeat;
use crate::c_names::translated;
use crate::exit::{Exit, Result};
use crate::output::{Row, or_dash};

use super::Run;

#[derive(Debug, Serialize)]
pub struct TableRow {
    pub table: String,
    /// Nothing where it cannot be used.
    pub r#type: Option<&'static str>,
    pub column: Option<String>,
    pub global_group: Option<String>,
    pub shards: usize,
    /// Bounds that were seen and are not listed any more.
    pub held: usize,
    /// Shards whose keys take no writes.
    pub read_only: usize,
    /// Why it cannot be used.
    pub problem: Option<String>,
}

impl Row for TableRow {
    const HEAD: &'static [&'static str] =
        &["TABLE", "TYPE", "COLUMN", "GLOBAL GROUP", "SHARDS", "HELD", "PROBLEM"];

    fn cells(&self) -> Vec<String> {
        vec![
            self.table.clone(),
            or_dash(self.r#type),
            or_dash(self.column.as_deref()),
            or_dash(self.global_group.as_deref()),
            self.shards.to_string(),
            self.held.to_string(),
            or_dash(self.problem.as_deref()),
        ]
    }
}

pub fn run(run: &Run, repeat: Repeat) -> Result<Exit> {
    run.look(repeat, |router, _| {
        run.out.list("tables", &of(router)?)?;
        Ok(Exit::Done)
    })
}

/// The tables that a router knows.
pub fn of(router: &mysqlfabric::router::Router) -> Result<Vec<TableRow>> {
    Ok(router.tables(usize::MAX, |topology, name, state| {
        let row = TableRow {
            table: name.to_owned(),
            r#type: None,
            column: None,
            global_group: None,
            shards: 0,
            held: 0,
            read_only: 0,
            problem: None,
        };
        Ok(match state {
            TableState::Known(known) => TableRow {
                r#type: Some(known.map.kind().name()),
                column: Some(known.column.clone()),
                global_group: Some(topology.group_name(known.global_group).to_owned()),
                shards: known.map.shards().filter(|shard| !shard.is_kept()).count(),
                held: known.map.held(),
                read_only: known
                    .map
                    .shards()
                    .filter(|shard| !shard.is_kept() && shard.group.is_read_only())
                    .count(),
                ..row
            },
            TableState::Unusable(error) => {
                TableRow { problem: Some(translated(&error.to_string())), ..row }
            }
        })
    })?)
}
