//! What a shard map is made of: its type, its shards, and why rows make none.

use crate::topology::group::GroupId;

/// How a table is sharded. RANGE and RANGE_INTEGER are the same thing under two names.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(i32)]
pub enum ShardingType {
    Range = 1,
    RangeInteger = 2,
    RangeString = 3,
    RangeDatetime = 4,
    Hash = 5,
}

impl ShardingType {
    /// Reads the server's `type_name`.
    pub fn parse(name: &str) -> Option<Self> {
        Some(match name {
            "RANGE" => Self::Range,
            "RANGE_INTEGER" => Self::RangeInteger,
            "RANGE_STRING" => Self::RangeString,
            "RANGE_DATETIME" => Self::RangeDatetime,
            "HASH" => Self::Hash,
            _ => return None,
        })
    }

    /// The type that its bounds and keys are of: one of the two names of a type.
    pub fn class(self) -> Self {
        if self == Self::RangeInteger { Self::Range } else { self }
    }

    pub fn name(self) -> &'static str {
        match self {
            Self::Range => "RANGE",
            Self::RangeInteger => "RANGE_INTEGER",
            Self::RangeString => "RANGE_STRING",
            Self::RangeDatetime => "RANGE_DATETIME",
            Self::Hash => "HASH",
        }
    }
}

/// Whose answer is given where the server and Connector/Python differ.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Compat {
    #[default]
    Server,
    /// A RANGE key below the lowest bound goes to the highest shard, and a digest below every
    /// bound goes to the lowest one.
    ConnectorPython,
}

/// A shard of a table: its number at the server and the group that holds it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Shard {
    pub id: i64,
    pub group: GroupId,
}

impl Shard {
    /// The least number of a shard that is listed. What is below it is no shard's number but tells
    /// since when a shard is missing, so that a map of a million shards carries no second list.
    pub(super) const LEAST_ID: i64 = i64::MIN + 2 * Self::MOST_TIME;
    const MOST_TIME: i64 = 1 << 60;

    /// Since when a shard is missing of which nobody said since when. Its hold does not end by time.
    pub const NO_TIME: i64 = Self::MOST_TIME - 1;

    /// A shard that is listed. Fabric's numbers fit 32 bits; a file may name any.
    pub fn listed(id: i64, group: GroupId) -> Self {
        Self { id: id.max(Self::LEAST_ID), group }
    }

    /// A shard that is not listed any more, since this time on the handle's clock, which is below
    /// 0 for what went missing before the handle was made. Nobody knows where its keys are.
    pub fn missing(since: i64) -> Self {
        let since = since.clamp(-Self::MOST_TIME, Self::MOST_TIME - 1);
        Self { id: i64::MIN + Self::MOST_TIME + since, group: GroupId::NOWHERE }
    }

    /// Since when the shard is missing; nothing if it is listed.
    pub fn missing_since(&self) -> Option<i64> {
        (self.id < Self::LEAST_ID).then(|| self.id - i64::MIN - Self::MOST_TIME)
    }

    /// Whether the shard is in the map although the source does not list it.
    pub fn is_kept(&self) -> bool {
        self.id < Self::LEAST_ID
    }
}

/// A key for a question to the server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum HeldKey {
    Integer(i64),
    Text(String),
}

/// Why the rows of a table make no shard map.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum MapError {
    #[error("it has no shards")]
    NoShards,
    #[error("lower bound '{0}' is not one of type {1}")]
    Bound(String, &'static str),
    #[error("lower bound '{0}' belongs to two shards, in groups '{1}' and '{2}'")]
    Ambiguous(String, String, String),
}
