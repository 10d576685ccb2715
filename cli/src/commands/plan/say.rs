//! What a plan is said as: tables for people, JSON, SQL, or the part of a topology file.

use std::io;

use serde::Serialize;
use serde_json::json;

use crate::args::PlanCommon;
use crate::commands::Run;
use crate::exit::{Exit, Failure, Result};
use crate::farm::{
    State, Table, expect_shards, insert_shards, insert_table, of_table, table_of,
    update_global_group,
};
use crate::output::{Row, or_dash, percent, rows_as_table, to_value};
use crate::plan::quoted;

use super::Made;

/// A shard of the plan.
#[derive(Debug, Serialize)]
struct Planned {
    lower_bound: String,
    group: String,
    /// Which part of the keys it gets, where it is known.
    share: Option<f64>,
}

impl Row for Planned {
    const HEAD: &'static [&'static str] = &["LOWER BOUND", "GROUP", "SHARE"];

    fn cells(&self) -> Vec<String> {
        let share = or_dash(self.share.map(percent));
        vec![quoted(&self.lower_bound), self.group.clone(), share]
    }
}

/// What a group gets.
#[derive(Debug, Serialize)]
pub struct OfGroup {
    pub group: String,
    pub shards: usize,
    pub share: Option<f64>,
    /// What it had by the old plan.
    pub old_share: Option<f64>,
}

impl Row for OfGroup {
    const HEAD: &'static [&'static str] = &["GROUP", "SHARDS", "SHARE", "OLD SHARE"];

    fn cells(&self) -> Vec<String> {
        vec![
            self.group.clone(),
            self.shards.to_string(),
            or_dash(self.share.map(percent)),
            or_dash(self.old_share.map(percent)),
        ]
    }
}

/// Says it as the options want it.
pub fn say(run: &Run, args: &PlanCommon, made: &Made) -> Result<()> {
    let Made { table, old, shares, groups, moves } = made;
    if args.file {
        if let Some(shard) = table.shards.iter().find(|shard| shard.state == State::Disabled) {
            return Err(Failure::new(
                Exit::Refused,
                format!(
                    "the shard from {} is DISABLED, which a topology file says beside its table, in held_shards; write \
                     into a file that has it by --into",
                    quoted(&shard.lower_bound)
                ),
            ));
        }
        let mut text = serde_json::to_string_pretty(&table_of(table)).map_err(io::Error::from)?;
        text.push('\n');
        return run.out.text(&text);
    }
    if args.sql {
        return run.out.text(&sql(table, old.as_ref()));
    }
    let planned: Vec<Planned> = table
        .shards
        .iter()
        .zip(shares)
        .map(|(shard, share)| Planned {
            lower_bound: shard.lower_bound.clone(),
            group: shard.group.clone(),
            share: *share,
        })
        .collect();
    let moved: Option<f64> = moves.as_ref().and_then(|moves| moves.iter().map(|of| of.share).sum());
    if run.out.json {
        return run.out.object([
            ("table", json!(table.full_name())),
            ("type", json!(table.kind.name())),
            ("shards", to_value(&planned)?),
            ("groups", to_value(groups)?),
            ("moves", to_value(moves)?),
            ("moved_share", json!(moved)),
        ]);
    }
    let mut text = rows_as_table(&planned) + "\n" + &rows_as_table(groups);
    match moves {
        None => {}
        Some(moves) if moves.is_empty() => text += "\nno key moves\n",
        Some(moves) => {
            let moved =
                moved.map_or_else(String::new, |moved| format!(": {} of them", percent(moved)));
            text += &format!("\nkeys that move{moved}\n{}", rows_as_table(moves));
        }
    }
    run.out.text(&text)
}

/// What makes the table's rows, in one transaction that fails unless the rows are those of the old plan.
fn sql(table: &Table, old: Option<&Table>) -> String {
    let mut statements =
        vec!["START TRANSACTION".to_owned(), "UPDATE version SET number = number + 1".to_owned()];
    match old {
        Some(old) => {
            statements.extend(expect_shards(old));
            if table.global_group != old.global_group {
                statements.push(update_global_group(table));
            }
            statements.push(format!("DELETE FROM shards WHERE {}", of_table(table)));
        }
        None => statements.push(insert_table(table)),
    }
    statements.extend(insert_shards(table, false));
    statements.push("COMMIT".to_owned());
    statements.iter().map(|statement| format!("{statement};\n")).collect()
}
