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

impl Shard {
    /// The number of a shard that Fabric stopped listing and whose bound is kept all the same.
    const KEPT: i64 = i64::MIN;

    /// Whether the shard is in the map although Fabric does not list it.
    pub fn is_kept(&self) -> bool {
        self.id == Self::KEPT
    }
}

type Bound = Box<[u8]>;

#[derive(Debug, PartialEq, Eq)]
enum Bounds {
    Integer(Box<[i64]>),
    Text(Box<[Bound]>),
    DateTime(Box<[i64]>),
    Hash(Box<[u128]>),
}

impl Bounds {
    /// Whether the bound at `at` is one of `others`.
    fn is_in(&self, at: usize, others: &Self) -> bool {
        match (self, others) {
            (Self::Integer(own), Self::Integer(others))
            | (Self::DateTime(own), Self::DateTime(others)) => {
                own.get(at).is_some_and(|bound| others.binary_search(bound).is_ok())
            }
            (Self::Hash(own), Self::Hash(others)) => {
                own.get(at).is_some_and(|bound| others.binary_search(bound).is_ok())
            }
            (Self::Text(own), Self::Text(others)) => own.get(at).is_some_and(|bound| {
                others.binary_search_by(|other| text::compare(other, bound)).is_ok()
            }),
            _ => false,
        }
    }

    fn all_in(&self, others: &Self) -> bool {
        if self == others {
            return true;
        }
        (0..self.len()).all(|at| self.is_in(at, others))
    }

    fn len(&self) -> usize {
        match self {
            Self::Integer(bounds) | Self::DateTime(bounds) => bounds.len(),
            Self::Text(bounds) => bounds.len(),
            Self::Hash(bounds) => bounds.len(),
        }
    }
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

/// A key for a question to the server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum HeldKey {
    Integer(i64),
    Text(String),
}

/// Enough to find a key in a shard that holds a hundred-thousandth of the ring.
const MOST_TRIES: i64 = 1 << 20;

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

    /// This map, with every bound of `before` that it lost. A dump leaves out disabled shards,
    /// and without their bounds their keys would fall to the next lower shard. What was kept
    /// already stays as it is, resolved or not; what is newly lost is nowhere for now.
    pub fn keeping(self, before: &Self) -> Self {
        if self.kind != before.kind || before.bounds.all_in(&self.bounds) {
            return self;
        }
        let own = (0..self.shards.len()).map(|at| (self.bound_text(at), self.shards.get(at)));
        let lost = (0..before.shards.len()).filter(|at| !before.bounds.is_in(*at, &self.bounds));
        let kept = lost.filter_map(|at| {
            let shard = before.shards.get(at)?;
            let group = if shard.is_kept() { shard.group } else { GroupId::NOWHERE };
            Some((before.bound_text(at), Shard { id: Shard::KEPT, group }))
        });
        let own = own.filter_map(|(text, shard)| Some((text, *shard?)));
        let rows: Vec<(String, Shard)> = own.chain(kept).collect();
        let rows = rows.iter().map(|(text, shard)| (text.as_str(), *shard));
        // The bounds come out of two maps of this kind, and no two of them are equal.
        Self::new(self.kind, rows, |_| String::new()).unwrap_or(self)
    }

    /// The map in which a kept bound has found its group, or is gone if its keys belong to the
    /// shard below.
    pub fn resolved(&self, bound: &str, group: GroupId) -> Option<Self> {
        let at = (0..self.shards.len()).find(|at| self.bound_text(*at) == bound)?;
        self.shards.get(at).filter(|shard| shard.is_kept())?;
        let below = match at.checked_sub(1) {
            Some(below) => self.shards.get(below),
            None if self.kind == ShardingType::Hash => self.shards.last(),
            None => None,
        };
        let is_below = below.is_some_and(|below| below.group == group && !below.is_kept());
        self.replacing(at, (!is_below).then_some(Shard { id: Shard::KEPT, group }))
    }

    /// The map without a bound that was kept.
    pub fn without_kept(&self, bound: &str) -> Option<Self> {
        let at = (0..self.shards.len()).find(|at| self.bound_text(*at) == bound)?;
        self.shards.get(at).filter(|shard| shard.is_kept())?;
        self.replacing(at, None)
    }

    fn replacing(&self, at: usize, shard: Option<Shard>) -> Option<Self> {
        let rows = (0..self.shards.len()).filter_map(|index| {
            let shard = if index == at { shard } else { self.shards.get(index).copied() };
            Some((self.bound_text(index), shard?))
        });
        let rows: Vec<(String, Shard)> = rows.collect();
        let rows = rows.iter().map(|(text, shard)| (text.as_str(), *shard));
        Self::new(self.kind, rows, |_| String::new()).ok()
    }

    /// A key that the shard at this bound holds, for a question to the server itself. For HASH
    /// one is looked for, which may fail in a very small shard; RANGE_DATETIME has none, since
    /// servers before 1.6 answer such questions wrongly.
    pub fn key_at(&self, bound: &str) -> Option<HeldKey> {
        let at = (0..self.shards.len()).find(|at| self.bound_text(*at) == bound)?;
        match &self.bounds {
            Bounds::Integer(bounds) => bounds.get(at).copied().map(HeldKey::Integer),
            Bounds::Text(_) => Some(HeldKey::Text(bound.to_owned())),
            Bounds::DateTime(_) => None,
            Bounds::Hash(bounds) => {
                let (least, next) = (*bounds.get(at)?, bounds.get(at + 1).copied());
                let within = |digest| least <= digest && next.is_none_or(|next| digest < next);
                (0..MOST_TRIES)
                    .find(|key| hash::of_key(Key::Integer(*key)).is_ok_and(within))
                    .map(HeldKey::Integer)
            }
        }
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
