//! The tables of a topology as a file has them, made one shard at a time while they are written.

use serde::{Serialize, Serializer};

use crate::topology::{self, GroupId, Topology};

/// Looks like a list of [`super::document::Table`].
pub struct Tables<'a> {
    pub topology: &'a Topology,
    pub tables: Vec<KnownTable<'a>>,
}

/// Fabric numbers its shards from 1 on. This one has its group from Fabric, but not its number.
const NO_NUMBER: i64 = 0;

/// A table, and the two parts of its name.
pub struct KnownTable<'a> {
    pub schema: &'a str,
    pub table: &'a str,
    pub known: &'a topology::Table,
}

#[derive(Serialize)]
struct Table<'a> {
    schema: &'a str,
    table: &'a str,
    column: &'a str,
    #[serde(rename = "type")]
    type_name: &'a str,
    global_group: &'a str,
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
}

impl Serialize for Tables<'_> {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        let topology = self.topology;
        to.collect_seq(self.tables.iter().map(|KnownTable { schema, table, known }| Table {
            schema,
            table,
            column: &known.column,
            type_name: known.map.kind().name(),
            global_group: topology.group_name(known.global_group),
            shards: Shards { topology, map: &known.map },
        }))
    }
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
        }))
    }
}
