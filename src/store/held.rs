//! The shards that are not listed, as a file has them: written one at a time, and read into maps.

use std::collections::BTreeMap;

use serde::{Serialize, Serializer};

use crate::base::wall_clock::WallClock;
use crate::topology::builder::ShardMapBuilder;
use crate::topology::builder::full_name;
use crate::topology::shard_map::MapError;
use crate::topology::{GroupId, Shard, ShardMap, ShardingType};

use super::document::{Document, HeldShard, Table};
use super::tables::Either;

/// Looks like a list of [`HeldShard`].
pub struct HeldShards<'a> {
    pub maps: Vec<Unlisted<'a>>,
    /// The time on the handle's clock, and how that goes. Without it no times are written.
    pub times: Option<(i64, WallClock)>,
    /// What another process has there, behind the handle's own.
    pub foreign: Vec<HeldShard>,
}

/// A map some of whose shards the file does not list.
pub struct Unlisted<'a> {
    pub schema: &'a str,
    pub table: &'a str,
    pub map: &'a ShardMap,
    /// Whether it lists none of them: what was listed until now is missing since now.
    pub whole: bool,
}

#[derive(Serialize)]
struct Held<'a> {
    schema: &'a str,
    table: &'a str,
    #[serde(rename = "type")]
    type_name: &'a str,
    lower_bound: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    since: Option<u64>,
}

impl Serialize for HeldShards<'_> {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        let since = |shard: Shard| {
            let (now, wall) = self.times?;
            let since = shard.missing_since().unwrap_or(now);
            (since != Shard::NO_TIME).then(|| wall.same_seconds(since))
        };
        let own = self.maps.iter().flat_map(|Unlisted { schema, table, map, whole }| {
            let shards = map.shards().enumerate();
            let shards = shards.filter(|(_, shard)| *whole || shard.group == GroupId::NOWHERE);
            shards.map(move |(at, shard)| Held {
                schema,
                table,
                type_name: map.kind().name(),
                lower_bound: map.bound_text(at),
                since: since(shard),
            })
        });
        to.collect_seq(own.map(Either::Own).chain(self.foreign.iter().map(Either::Foreign)))
    }
}

/// The bounds of a list by table and type of bounds, each with the shard that `shard` makes of its
/// entry and the entry's place, if it makes one. Says which entry is wrong, and how.
pub fn maps(
    list: &[HeldShard],
    mut shard: impl FnMut(usize, &HeldShard) -> Option<Shard>,
) -> Result<Vec<(String, ShardMap)>, String> {
    let mut drafts: BTreeMap<(String, i32), ShardMapBuilder> = BTreeMap::new();
    for (at, held) in list.iter().enumerate() {
        let HeldShard { schema, table, type_name, lower_bound, .. } = held;
        let kind = ShardingType::parse(type_name).ok_or_else(|| {
            format!("held_shards[{at}].type: the sharding type '{type_name}' is not known")
        })?;
        if let Some(shard) = shard(at, held) {
            let key = (full_name(schema, table), kind.class() as i32);
            let draft = drafts.entry(key).or_insert_with(|| ShardMapBuilder::new(kind));
            draft.push(&lower_bound.text, shard);
            if draft.is_refused() {
                let bound = &lower_bound.text;
                return Err(format!(
                    "held_shards[{at}].lower_bound: '{bound}' is none of type {type_name}"
                ));
            }
        }
    }
    let place = |shard: GroupId| format!("held_shards[{}]", shard.0);
    let map = |((name, _), draft): ((String, i32), ShardMapBuilder)| {
        let map = draft.map(|group| group, place).map_err(|error| match error {
            MapError::Ambiguous(bound, first, second) => {
                format!("{second}.lower_bound: '{bound}' of table '{name}' is at {first}, too")
            }
            error => format!("held_shards, '{name}': {error}"),
        });
        Ok((name, map?))
    };
    drafts.into_iter().map(map).collect()
}

/// The bounds that the tables list. Nobody asks for the groups.
pub fn bounds_of_tables(document: &Document) -> impl Iterator<Item = (String, ShardMap)> {
    document.tables.iter().filter_map(bounds_of_table)
}

/// The bounds that a table lists.
pub fn bounds_of_table(table: &Table) -> Option<(String, ShardMap)> {
    let mut draft = ShardMapBuilder::new(ShardingType::parse(&table.type_name)?);
    for shard in &table.shards {
        draft.push(&shard.lower_bound.text, Shard::listed(shard.id, GroupId::NOWHERE));
    }
    let map = draft.map(|group| group, |_| String::new()).ok()?;
    Some((full_name(&table.schema, &table.table), map))
}

/// Looks for bounds that are on the list twice, or in the table's own list, too. `tables` are those of
/// the document, by their full names.
pub fn check(document: &Document, tables: &BTreeMap<String, ShardMap>) -> Result<(), String> {
    let numbered = |at: usize, _: &HeldShard| {
        Some(Shard::listed(0, GroupId(u32::try_from(at).unwrap_or(u32::MAX))))
    };
    for (name, map) in maps(&document.held_shards, numbered)? {
        let shared = tables.get(&name).and_then(|table| map.first_shared(table));
        if let Some(shared) = shared {
            let at = shared.group.0;
            let bound = document.held_shards.get(at as usize).map(|held| &held.lower_bound.text);
            return Err(format!(
                "held_shards[{at}].lower_bound: table '{name}' lists '{}' among its shards; a shard \
                 that is listed is not held",
                bound.map_or("", String::as_str)
            ));
        }
    }
    Ok(())
}
