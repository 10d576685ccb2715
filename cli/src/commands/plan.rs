//! `plan`: shards of a table, what each gets, and what moves.

mod into;
mod say;

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};

use mysqlfabric::topology::ShardingType;

use crate::args::{Plan, PlanCommon, PlanHash, PlanRange, RangeType};
use crate::exit::{Exit, Failure, Result};
use crate::farm::{Farm, Interval, Shard, State, Table};
use crate::input::lines;
use crate::output::warn;
use crate::plan::assign::assign;
use crate::plan::range::{Range, by_sample};
use crate::plan::ring::Ring;
use crate::plan::{Move, even};

use self::into::IntoFile;
use self::say::{OfGroup, say};
use super::Run;
use super::export::farm;

/// A plan that is made.
struct Made {
    table: Table,
    /// What it is made from.
    old: Option<Table>,
    /// Of each shard, where it is known.
    shares: Vec<Option<f64>>,
    groups: Vec<OfGroup>,
    /// Nothing where there is no old plan.
    moves: Option<Vec<Move>>,
}

pub fn run(run: &Run, args: &Plan) -> Result<Exit> {
    let (Plan::Hash(PlanHash { common }) | Plan::Range(PlanRange { common, .. })) = args;
    let into = common.into.as_deref().map(IntoFile::read).transpose()?;
    let made = match args {
        Plan::Hash(args) => hash(run, args, into.as_ref())?,
        Plan::Range(args) => range(run, args, into.as_ref())?,
    };
    let idle: Vec<&str> = made
        .groups
        .iter()
        .filter(|of| of.shards == 0 && common.groups.contains(&of.group))
        .map(|of| of.group.as_str())
        .collect();
    if !idle.is_empty() {
        warn(&format!("no shard is left for {}; give more by --shards", idle.join(", ")));
    }
    if let Some(into) = &into {
        into.write(&made.table, run.settings.timeout)?;
    }
    let is_moving = made.moves.as_ref().is_some_and(|moves| !moves.is_empty());
    if is_moving && (common.sql || into.is_some()) {
        let before = if common.sql { "is run" } else { "is used" };
        warn(&format!(
            "keys move: their rows have to be in their new groups before this {before} \
             (docs/RESHARDING.md moves a shard)"
        ));
    }
    say(run, common, &made)?;
    Ok(Exit::Done)
}

fn hash(run: &Run, args: &PlanHash, into: Option<&IntoFile<'_>>) -> Result<Made> {
    let old = old(run, &args.common, into, ShardingType::Hash)?;
    let mut table = blank(&args.common, ShardingType::Hash, even::ring(args.common.shards), &old)?;
    let groups = groups(&args.common)?;
    let assigned = {
        let new = Ring::of(&table);
        let old = old.as_ref().and_then(Ring::of);
        assign(table.shards.len(), groups.len(), |at| {
            let (Some(new), Some(old), Some(shard)) = (&new, &old, table.shards.get(at)) else {
                return Vec::new();
            };
            let parts = new.parts_in(&shard.lower_bound, old);
            let number = |name: &str| groups.iter().position(|group| group == name);
            parts.into_iter().filter_map(|(name, part)| Some((number(name)?, part))).collect()
        })
    };
    give(&mut table, &groups, &assigned);
    keep_states(&mut table, old.as_ref())?;
    let no_shards = || Failure::new(Exit::Internal, "the plan has no shards");
    let (shares, of_groups, moves) = {
        let new = Ring::of(&table).ok_or_else(no_shards)?;
        let old_ring = old.as_ref().and_then(Ring::of);
        let shares = table.shards.iter().map(|shard| new.share_from(&shard.lower_bound)).collect();
        let old_shares = old_ring.as_ref().map(Ring::shares);
        let of_groups = of_groups(&table, &groups, Some(&new.shares()), old_shares.as_ref());
        (shares, of_groups, old_ring.map(|old| old.moves(&new)))
    };
    Ok(Made { table, old, shares, groups: of_groups, moves })
}

fn range(run: &Run, args: &PlanRange, into: Option<&IntoFile<'_>>) -> Result<Made> {
    let common = &args.common;
    let kind = match args.kind {
        RangeType::Range => ShardingType::Range,
        RangeType::Integer => ShardingType::RangeInteger,
        RangeType::String => ShardingType::RangeString,
        RangeType::Datetime => ShardingType::RangeDatetime,
    };
    let old = old(run, common, into, kind)?;
    let keys = args.keys.as_deref().map(lines).transpose()?.unwrap_or_default();
    let bounds = match (&args.low, &args.high) {
        (Some(low), Some(high)) => even::range(kind, low, high, common.shards),
        (low, None) if args.keys.is_some() => {
            let lowest = low.as_deref().unwrap_or(match kind {
                ShardingType::RangeString => "",
                ShardingType::RangeDatetime => "0000-00-00 00:00:00",
                _ => "-9223372036854775808",
            });
            by_sample(kind, &keys, lowest, common.shards)
        }
        _ => {
            Err("give --low and --high for even bounds, or --keys for those of sampled keys".into())
        }
    };
    let mut table = blank(common, kind, bounds.map_err(Failure::usage)?, &old)?;
    let groups = groups(common)?;
    let told = |why: String| Failure::usage(why);
    let old_range = old.as_ref().map(Range::of).transpose().map_err(told)?;
    let held = held(&table, old_range.as_ref(), &groups, &keys).map_err(told)?;
    let assigned =
        assign(table.shards.len(), groups.len(), |at| held.get(at).cloned().unwrap_or_default());
    give(&mut table, &groups, &assigned);
    keep_states(&mut table, old.as_ref())?;
    let (shares, of_groups, moves) = {
        let new = Range::of(&table).map_err(told)?;
        let shares: Vec<Option<f64>> = match keys.is_empty() {
            true => {
                let each = 1.0 / table.shards.len() as f64;
                vec![Some(each); table.shards.len()]
            }
            false => {
                let counts = new.counts(&keys).map_err(told)?;
                counts.iter().map(|count| Some(*count as f64 / keys.len() as f64)).collect()
            }
        };
        let mut of_new: BTreeMap<String, f64> = BTreeMap::new();
        for (shard, share) in table.shards.iter().zip(&shares) {
            *of_new.entry(shard.group.clone()).or_default() += share.unwrap_or_default();
        }
        let of_old = old_range.as_ref().filter(|_| !keys.is_empty());
        let of_old = of_old.map(|old| old.shares(&keys)).transpose().map_err(told)?;
        let of_groups = of_groups(&table, &groups, Some(&of_new), of_old.as_ref());
        let moves = old_range.as_ref().map(|old| old.moves(&new, &keys)).transpose();
        (shares, of_groups, moves.map_err(told)?)
    };
    expect_shards_for_all(moves.as_deref().unwrap_or_default())?;
    Ok(Made { table, old, shares, groups: of_groups, moves })
}

/// # Errors
/// Keys that have a shard would have none any more.
fn expect_shards_for_all(moves: &[Move]) -> Result<()> {
    let Some(lost) = moves.iter().find(|of| of.new_group.is_none()) else { return Ok(()) };
    let bound = |bound: &Option<String>| bound.clone().unwrap_or_default();
    Err(Failure::usage(format!(
        "keys from '{}' to below '{}' are in group {} now, and would have no shard; begin with --low '{0}'",
        bound(&lost.from),
        bound(&lost.until),
        lost.old_group.as_deref().unwrap_or_default()
    )))
}

/// Which part of each new shard each group has: of the sampled keys, else the group of its first key has
/// it.
fn held(
    table: &Table,
    old: Option<&Range<'_>>,
    groups: &[String],
    keys: &[String],
) -> std::result::Result<Vec<Vec<(usize, f64)>>, String> {
    let Some(old) = old else { return Ok(Vec::new()) };
    let number = |name: &str| groups.iter().position(|group| group == name);
    if keys.is_empty() {
        let of_first = table.shards.iter().map(|shard| {
            let group = old.group_of(&shard.lower_bound)?.and_then(number);
            Ok(group.map(|group| (group, 1.0)).into_iter().collect())
        });
        return of_first.collect();
    }
    let new = Range::of(table)?;
    let mut counts: Vec<BTreeMap<usize, f64>> = vec![BTreeMap::new(); table.shards.len()];
    for key in keys {
        let (at, group) = (new.position(key)?, old.group_of(key)?.and_then(number));
        if let (Some(counts), Some(group)) = (at.and_then(|at| counts.get_mut(at)), group) {
            *counts.entry(group).or_default() += 1.0;
        }
    }
    Ok(counts.into_iter().map(|counts| counts.into_iter().collect()).collect())
}

/// The table as it is now, if the options say where it stands.
fn old(
    run: &Run,
    args: &PlanCommon,
    into: Option<&IntoFile<'_>>,
    kind: ShardingType,
) -> Result<Option<Table>> {
    let farm: Cow<'_, Farm> = match (&args.old, args.current, into) {
        (Some(path), ..) => Cow::Owned(crate::farm::read(path)?),
        (None, true, _) => Cow::Owned(farm(run, run.settings.url()?)?),
        (None, false, Some(into)) if into.farm.table(args.table()).is_some() => {
            Cow::Borrowed(&into.farm)
        }
        (None, false, _) => return Ok(None),
    };
    let table = farm.table(args.table()).cloned().ok_or_else(|| {
        let known: Vec<String> = farm.tables.iter().map(Table::full_name).collect();
        Failure::new(
            Exit::Unknown,
            format!("the old plan has no table '{}', but: {}", args.table(), known.join(", ")),
        )
    })?;
    if let Some(held) = farm
        .held
        .iter()
        .find(|held| (held.schema.as_str(), held.table.as_str()) == (&*table.schema, &*table.name))
    {
        return Err(Failure::new(
            Exit::Refused,
            format!(
                "the shard of {} from '{}' is held, and where its rows are is not known; plan when it is \
                 listed again",
                args.table(),
                held.lower_bound
            ),
        ));
    }
    if table.kind.class() != kind.class() {
        return Err(Failure::usage(format!(
            "table {} is of type {} in the old plan, and {} is planned: every key may move",
            args.table(),
            table.kind.name(),
            kind.name()
        )));
    }
    Ok(Some(table))
}

/// The table with these bounds, whose shards have no groups yet.
fn blank(
    args: &PlanCommon,
    kind: ShardingType,
    bounds: Vec<String>,
    old: &Option<Table>,
) -> Result<Table> {
    let (schema, name) = match args.table().split_once('.') {
        Some((schema, name)) if !schema.is_empty() && !name.is_empty() && !name.contains('.') => {
            (schema, name)
        }
        _ => {
            return Err(Failure::usage(format!(
                "--table '{}' is not of the form schema.table",
                args.table()
            )));
        }
    };
    let groups = groups(args)?;
    // Numbers are not used again.
    let used = old.iter().flat_map(|old| &old.shards).map(|shard| shard.id).max();
    let first = used.unwrap_or_default().saturating_add(1);
    let shards = bounds.into_iter().zip(first..).map(|(lower_bound, id)| Shard {
        id,
        lower_bound,
        group: String::new(),
        state: State::Enabled,
    });
    Ok(Table {
        schema: schema.to_owned(),
        name: name.to_owned(),
        column: column(args, old.as_ref())?,
        // Of one class: RANGE stays RANGE where RANGE_INTEGER is planned.
        kind: old.as_ref().map_or(kind, |old| old.kind),
        global_group: match (&args.global, old) {
            (Some(group), _) => group.clone(),
            (None, Some(old)) => old.global_group.clone(),
            (None, None) => groups.first().cloned().unwrap_or_default(),
        },
        shards: shards.collect(),
    })
}

/// The column of the old plan, else that of the options.
///
/// # Errors
/// The two differ: by another column every key may be another one.
fn column(args: &PlanCommon, old: Option<&Table>) -> Result<String> {
    match (&args.column, old) {
        (Some(column), Some(old)) if *column != old.column => Err(Failure::usage(format!(
            "--column '{column}': table {} is sharded by '{}' in the old plan; leave --column out, or plan \
             without the old plan",
            old.full_name(),
            old.column
        ))),
        (_, Some(old)) => Ok(old.column.clone()),
        (column, None) => Ok(column.clone().unwrap_or_else(|| "id".to_owned())),
    }
}

fn groups(args: &PlanCommon) -> Result<Vec<String>> {
    let mut seen = BTreeSet::new();
    for group in &args.groups {
        if group.trim().is_empty() || !seen.insert(group) {
            return Err(Failure::usage(format!("--groups: '{group}' is empty or named twice")));
        }
        if group.trim() != group {
            return Err(Failure::usage(format!(
                "--groups: '{group}' begins or ends with a blank; give names with commas between, and no blanks"
            )));
        }
    }
    Ok(args.groups.clone())
}

fn give(table: &mut Table, groups: &[String], assigned: &[usize]) {
    for (shard, group) in table.shards.iter_mut().zip(assigned) {
        shard.group = groups.get(*group).cloned().unwrap_or_default();
    }
}

/// Gives each shard that the plan leaves as it is the state that it has.
///
/// # Errors
/// One that is held would change: who holds it, such as a move under way, relies on it.
fn keep_states(table: &mut Table, old: Option<&Table>) -> Result<()> {
    let Some(old) = old else { return Ok(()) };
    let before = old.intervals();
    let held = before.iter().filter(|of| of.shard.state != State::Enabled);
    let mut kept = Vec::new();
    let after = table.intervals();
    for of in held {
        let same = |new: &Interval<'_>| {
            (&new.from, &new.until, &new.shard.group) == (&of.from, &of.until, &of.shard.group)
        };
        let at = after.iter().find(|new| same(new)).ok_or_else(|| {
            Failure::new(
                Exit::Refused,
                format!(
                    "shard {} of {} is {}, and the plan would change it; plan when it is ENABLED again",
                    of.shard.id,
                    old.full_name(),
                    of.shard.state.name()
                ),
            )
        })?;
        kept.push((at.shard.id, of.shard.state));
    }
    for shard in &mut table.shards {
        let state = kept.iter().find(|(id, _)| *id == shard.id).map(|(_, state)| *state);
        shard.state = state.unwrap_or(State::Enabled);
    }
    Ok(())
}

type Shares = BTreeMap<String, f64>;

/// The groups of both plans.
fn of_groups(
    table: &Table,
    groups: &[String],
    new: Option<&Shares>,
    old: Option<&Shares>,
) -> Vec<OfGroup> {
    let before = old.into_iter().flat_map(|old| old.keys()).filter(|name| !groups.contains(name));
    let share = |shares: Option<&Shares>, name: &str| {
        shares.map(|shares| shares.get(name).copied().unwrap_or_default())
    };
    let of = groups.iter().chain(before).map(|name| OfGroup {
        group: name.clone(),
        shards: table.shards.iter().filter(|shard| shard.group == *name).count(),
        share: share(new, name),
        old_share: share(old, name),
    });
    of.collect()
}
