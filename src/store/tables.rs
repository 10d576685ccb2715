//! The tables of a topology as a file has them, made one shard at a time while they are written.

use serde::{Serialize, Serializer};

use crate::base::wall_clock::WallClock;
use crate::topology::{self, GroupId, Topology};

use super::document::{self, ShardState};

/// Looks like a list of [`super::document::Table`].
pub struct Tables<'a> {
    pub topology: &'a Topology,
    pub tables: Vec<KnownTable<'a>>,
    /// `saved_at`, and how the handle's clock goes. Without it no times are written.
    pub times: Option<(u64, WallClock)>,
    /// What another process has there, behind the handle's own.
    pub foreign: Vec<document::Table>,
}

/// When something was confirmed, for a file that was saved when most of it was. What the handle does not
/// know the age of has none in the file either.
pub fn confirmed_at(confirmed: i64, (saved_at, wall): (u64, WallClock)) -> Option<u64> {
    Some(wall.seconds(confirmed)).filter(|confirmed| *confirmed < saved_at)
}

/// Fabric numbers its shards from 1 on. This one has its group from Fabric, but not its number.
const NO_NUMBER: i64 = 0;

/// A table, and the two parts of its name.
pub struct KnownTable<'a> {
    pub schema: &'a str,
    pub table: &'a str,
    pub known: &'a topology::Table,
    /// On the handle's clock.
    pub confirmed: i64,
}

#[derive(Serialize)]
struct Table<'a> {
    schema: &'a str,
    table: &'a str,
    column: &'a str,
    #[serde(rename = "type")]
    type_name: &'a str,
    global_group: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    confirmed_at: Option<u64>,
    shards: Shards<'a>,
}

struct Shards<'a> {
    topology: &'a Topology,
    map: &'a topology::ShardMap,
}

#[derive(Serialize)]
struct Shard<'a> {
    id: i64,
    lower_bound: String,
    group: &'a str,
    #[serde(skip_serializing_if = "ShardState::is_enabled")]
    state: ShardState,
}

impl Serialize for Tables<'_> {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        let topology = self.topology;
        let own = self.tables.iter().map(|KnownTable { schema, table, known, confirmed }| Table {
            schema,
            table,
            column: &known.column,
            type_name: known.map.kind().name(),
            global_group: topology.group_name(known.global_group),
            confirmed_at: self.times.and_then(|times| confirmed_at(*confirmed, times)),
            shards: Shards { topology, map: &known.map },
        });
        to.collect_seq(own.map(Either::Own).chain(self.foreign.iter().map(Either::Foreign)))
    }
}

/// An entry of a list that another process adds to.
#[derive(Serialize)]
#[serde(untagged)]
pub enum Either<Own, Foreign> {
    Own(Own),
    Foreign(Foreign),
}

impl Serialize for Shards<'_> {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        let shards = self.map.shards().enumerate();
        // What is nowhere is on the list of the held shards.
        let shards = shards.filter(|(_, shard)| shard.group != GroupId::NOWHERE);
        to.collect_seq(shards.map(|(at, shard)| Shard {
            id: if shard.is_kept() { NO_NUMBER } else { shard.id },
            lower_bound: self.map.bound_text(at),
            group: self.topology.group_name(shard.group),
            state: ShardState::of(shard.group.is_read_only()),
        }))
    }
}
