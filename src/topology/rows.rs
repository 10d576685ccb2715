//! What a source says of a farm, row by row, whatever it speaks: shards of tables, servers of groups,
//! and rows that nobody can use.

use std::borrow::Cow;

use super::server::Server;

/// One shard of a table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ShardRow<'a> {
    pub schema: Cow<'a, str>,
    pub table: Cow<'a, str>,
    pub column: Cow<'a, str>,
    /// As the administrator typed it, or 32 hexadecimal digits for HASH; may be empty.
    pub lower_bound: Cow<'a, str>,
    pub shard_id: i64,
    /// The sharding type, such as "RANGE".
    pub type_name: Cow<'a, str>,
    pub group: Cow<'a, str>,
    /// Where updates of all shards and unsharded data live.
    pub global_group: Cow<'a, str>,
    /// Whether the shard takes no writes at the moment.
    pub read_only: bool,
}

impl ShardRow<'_> {
    /// The same row, which borrows nothing.
    pub fn into_owned(self) -> ShardRow<'static> {
        fn own(text: Cow<'_, str>) -> Cow<'static, str> {
            text.into_owned().into()
        }
        ShardRow {
            schema: own(self.schema),
            table: own(self.table),
            column: own(self.column),
            lower_bound: own(self.lower_bound),
            shard_id: self.shard_id,
            type_name: own(self.type_name),
            group: own(self.group),
            global_group: own(self.global_group),
            read_only: self.read_only,
        }
    }
}

/// One server of a group.
#[derive(Debug, Clone, PartialEq)]
pub struct ServerRow {
    pub group: String,
    pub server: Server,
}

/// A row set aside, which nobody can use.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RejectedRow {
    /// What it belonged to, if that much could be read: the group of a server, the table of a
    /// shard. What is said of that group or table without this row is incomplete.
    pub owner: Option<Owner>,
    pub reason: String,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Owner {
    Group(String),
    Table { schema: String, table: String },
}
