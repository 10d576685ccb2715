//! From a key to its shard: the greatest lower bound that is not above the key.

use std::cmp::Ordering;

use super::group::GroupId;
use super::key::{Key, KeyError};
use super::{datetime, hash, integer, text};

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

type Bound = Box<[u8]>;

#[derive(Debug, PartialEq, Eq)]
enum Bounds {
    Integer(Box<[i64]>),
    Text(Box<[Bound]>),
    DateTime(Box<[i64]>),
    Hash(Box<[u128]>),
}

/// The bounds of a table in ascending order, and the shard that begins at each.
///
/// Never empty: a table without shards has no map.
#[derive(Debug, PartialEq, Eq)]
pub struct ShardMap {
    kind: ShardingType,
    bounds: Bounds,
    shards: Box<[Shard]>,
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

impl ShardMap {
    /// Sorts the rows of one table, which the server lists by shard id and not by bound, and
    /// drops exact repetitions, which overlapping patterns produce.
    pub fn new<'a>(
        kind: ShardingType,
        rows: impl Iterator<Item = (&'a str, Shard)>,
        group_name: impl Fn(GroupId) -> String,
    ) -> Result<Self, MapError> {
        let wrong = |text: &str| MapError::Bound(text.to_owned(), kind.name());
        let describe = Describe { group_name: &group_name };
        let (bounds, shards) = match kind {
            ShardingType::Range | ShardingType::RangeInteger => {
                let read = |t: &str| integer::parse(t.as_bytes()).map_err(|_| wrong(t));
                let (bounds, shards) = sorted(rows, read, i64::cmp, &describe)?;
                (Bounds::Integer(bounds), shards)
            }
            ShardingType::RangeString => {
                let read = |t: &str| Ok(Box::from(t.as_bytes()));
                let (bounds, shards) =
                    sorted(rows, read, |a: &Bound, b| text::compare(a, b), &describe)?;
                (Bounds::Text(bounds), shards)
            }
            ShardingType::RangeDatetime => {
                let read = |t: &str| datetime::parse(t.as_bytes()).map_err(|_| wrong(t));
                let (bounds, shards) = sorted(rows, read, i64::cmp, &describe)?;
                (Bounds::DateTime(bounds), shards)
            }
            ShardingType::Hash => {
                let read = |t: &str| hash::parse(t.as_bytes()).ok_or_else(|| wrong(t));
                let (bounds, shards) = sorted(rows, read, u128::cmp, &describe)?;
                (Bounds::Hash(bounds), shards)
            }
        };
        if shards.is_empty() { Err(MapError::NoShards) } else { Ok(Self { kind, bounds, shards }) }
    }

    pub fn kind(&self) -> ShardingType {
        self.kind
    }

    /// The shards in the order of their bounds.
    pub fn shards(&self) -> &[Shard] {
        &self.shards
    }

    /// A lower bound as text: decimal, 32 upper-case digits, `YYYY-MM-DD hh:mm:ss`, or the
    /// string itself.
    pub fn bound_text(&self, index: usize) -> String {
        match &self.bounds {
            Bounds::Integer(bounds) => bounds.get(index).map(i64::to_string),
            Bounds::Text(bounds) => {
                bounds.get(index).map(|bound| String::from_utf8_lossy(bound).into_owned())
            }
            Bounds::DateTime(bounds) => bounds.get(index).map(|bound| datetime::format(*bound)),
            Bounds::Hash(bounds) => bounds.get(index).map(|bound| hash::format(*bound)),
        }
        .unwrap_or_default()
    }

    /// The shard that holds `key`, as the server's own lookup decides.
    ///
    /// RANGE types have no shard below the lowest bound. HASH is a ring: a digest below every
    /// bound belongs to the highest one.
    #[inline]
    pub fn find(&self, key: Key<'_>, compat: Compat) -> Result<Shard, KeyError> {
        let above = match &self.bounds {
            Bounds::Integer(bounds) => {
                let key = integer::of_key(key)?;
                bounds.partition_point(|bound| *bound <= key)
            }
            Bounds::Hash(bounds) => {
                let key = hash::of_key(key)?;
                bounds.partition_point(|bound| *bound <= key)
            }
            Bounds::DateTime(bounds) => {
                let key = datetime::of_key(key)?;
                bounds.partition_point(|bound| *bound <= key)
            }
            Bounds::Text(bounds) => {
                let key = text::of_key(key)?;
                bounds.partition_point(|bound| text::compare(bound, key) != Ordering::Greater)
            }
        };
        let shard = match above.checked_sub(1) {
            Some(index) => self.shards.get(index),
            None => self.below_lowest(compat),
        };
        shard.copied().ok_or(KeyError::BelowLowest)
    }

    fn below_lowest(&self, compat: Compat) -> Option<&Shard> {
        match (&self.bounds, compat) {
            (Bounds::Hash(_), Compat::Server) => self.shards.last(),
            (Bounds::Hash(_), Compat::ConnectorPython) => self.shards.first(),
            (Bounds::Integer(_), Compat::ConnectorPython) => self.shards.last(),
            _ => None,
        }
    }
}

struct Describe<'a> {
    group_name: &'a dyn Fn(GroupId) -> String,
}

type Sorted<B> = (Box<[B]>, Box<[Shard]>);

fn sorted<'a, B>(
    rows: impl Iterator<Item = (&'a str, Shard)>,
    read: impl Fn(&str) -> Result<B, MapError>,
    order: impl Fn(&B, &B) -> Ordering,
    describe: &Describe<'_>,
) -> Result<Sorted<B>, MapError> {
    let mut read_rows = rows
        .map(|(text, shard)| read(text).map(|bound| (bound, text, shard)))
        .collect::<Result<Vec<_>, _>>()?;
    read_rows.sort_by(|a, b| order(&a.0, &b.0));
    let mut bounds = Vec::with_capacity(read_rows.len());
    let mut shards: Vec<Shard> = Vec::with_capacity(read_rows.len());
    for (bound, text, shard) in read_rows {
        match (bounds.last(), shards.last()) {
            (Some(last), Some(twin)) if order(last, &bound) == Ordering::Equal => {
                if twin.group != shard.group {
                    let names = (describe.group_name)(twin.group);
                    let other = (describe.group_name)(shard.group);
                    return Err(MapError::Ambiguous(text.to_owned(), names, other));
                }
            }
            _ => {
                bounds.push(bound);
                shards.push(shard);
            }
        }
    }
    Ok((bounds.into_boxed_slice(), shards.into_boxed_slice()))
}
