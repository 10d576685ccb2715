//! The tables of a topology as a file has them, made one shard at a time while they are written.

use serde::{Serialize, Serializer};

use crate::topology::{self, Topology};

/// Looks like a list of [`super::document::Table`].
pub struct Tables<'a> {
    pub topology: &'a Topology,
    pub tables: Vec<KnownTable<'a>>,
}

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
        to.collect_seq(self.map.shards().enumerate().map(|(at, shard)| Shard {
            id: shard.id,
            lower_bound: self.map.bound_text(at),
            group: self.topology.group_name(shard.group),
        }))
    }
}
