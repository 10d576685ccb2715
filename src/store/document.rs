//! The format of a topology file.

use std::io::{self, Write};

use serde::{Deserialize, Serialize};

use crate::base::boot_clock::BootTime;
use crate::topology::ShardRow;

use super::checksum;
use super::fields;

pub use super::fields::{Bound, ShardState};
pub use super::group::{Group, Server};

pub(super) const FORMAT: &str = "libmysqlfabric topology";
/// What is written.
pub(super) const VERSION: u64 = 1;
/// What is read, too: groups may be discovered.
pub(super) const DISCOVERY_VERSION: u64 = 2;

/// A whole file. Members it does not know are left alone: later versions may have more.
///
/// The tables and the held shards may be written from anything that looks like them, and need not be
/// there at once.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Document<Tables = Vec<Table>, Held = Vec<HeldShard>> {
    pub format: String,
    pub version: u64,
    /// Who wrote the file, if no person did: then it carries a checksum.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub written_by: Option<String>,
    /// When the source last confirmed the content, in seconds since 1970.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub saved_at: Option<u64>,
    /// The machine's boot and how long that had lasted at `saved_at`, if the system tells.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub boot_id: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub uptime_ms: Option<u64>,
    /// The generation the topology had in the handle that wrote it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub generation: Option<u64>,
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "fields::ttl")]
    pub ttl_ms: Option<u64>,
    #[serde(default)]
    pub fabric_nodes: Vec<FabricNode>,
    pub tables: Tables,
    #[serde(default)]
    pub held_shards: Held,
    pub groups: Vec<Group>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FabricNode {
    #[serde(deserialize_with = "fields::name")]
    pub host: String,
    #[serde(deserialize_with = "fields::port")]
    pub port: u16,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Table {
    #[serde(deserialize_with = "fields::part")]
    pub schema: String,
    #[serde(deserialize_with = "fields::part")]
    pub table: String,
    #[serde(deserialize_with = "fields::text")]
    pub column: String,
    #[serde(rename = "type", deserialize_with = "fields::name")]
    pub type_name: String,
    #[serde(deserialize_with = "fields::name")]
    pub global_group: String,
    /// When the source confirmed the table, if that is not `saved_at`; 0 if nobody knows.
    #[serde(
        default,
        skip_serializing_if = "Option::is_none",
        deserialize_with = "fields::seconds"
    )]
    pub confirmed_at: Option<u64>,
    pub shards: Vec<Shard>,
}

impl Table {
    pub fn rows(&self) -> impl Iterator<Item = ShardRow<'_>> {
        self.shards.iter().map(|shard| ShardRow {
            schema: self.schema.as_str().into(),
            table: self.table.as_str().into(),
            column: self.column.as_str().into(),
            lower_bound: shard.lower_bound.text.as_str().into(),
            shard_id: shard.id,
            type_name: self.type_name.as_str().into(),
            group: shard.group.as_str().into(),
            global_group: self.global_group.as_str().into(),
            read_only: shard.state == ShardState::ReadOnly,
        })
    }
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Shard {
    pub id: i64,
    pub lower_bound: Bound,
    #[serde(deserialize_with = "fields::name")]
    pub group: String,
    #[serde(
        default,
        skip_serializing_if = "ShardState::is_enabled",
        deserialize_with = "fields::shard_state"
    )]
    pub state: ShardState,
}

/// A lower bound that was seen and that no table of the file lists: the keys from it on are in no
/// shard that is listed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct HeldShard {
    #[serde(deserialize_with = "fields::part")]
    pub schema: String,
    #[serde(deserialize_with = "fields::part")]
    pub table: String,
    #[serde(rename = "type", deserialize_with = "fields::name")]
    pub type_name: String,
    pub lower_bound: Bound,
    /// Its number and its group, where they are known: for people, and for who imports the file.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub id: Option<i64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub group: Option<String>,
    /// Since when it is not listed, in seconds since 1970. Without it its hold has no end.
    #[serde(
        default,
        skip_serializing_if = "Option::is_none",
        deserialize_with = "fields::seconds"
    )]
    pub since: Option<u64>,
}

impl<Tables, Held> Document<Tables, Held> {
    /// The time of `saved_at` on the machine's clock.
    pub fn boot_time(&self) -> Option<BootTime> {
        Some(BootTime { boot_id: self.boot_id.clone()?, uptime_ms: self.uptime_ms? })
    }
}

impl<Tables: Serialize, Held: Serialize> Document<Tables, Held> {
    /// Equal for equal tables, held shards and groups.
    pub fn content(&self) -> String {
        checksum::of_json(&(&self.tables, &self.held_shards, &self.groups))
    }

    /// Writes a file, sealed with a checksum.
    pub fn write(&self, to: impl Write) -> io::Result<()> {
        checksum::seal(to, self)
    }
}
