//! The shards that an interval of keys touches.

use std::cmp::Ordering;
use std::ops::Range;

use super::super::integer::Ordinal;
use super::super::key::{Key, KeyError};
use super::super::{datetime, integer, text};
use super::bounds::Bounds;
use super::map::ShardMap;
use super::shard::Compat;

/// The positions of the shards that keys of an interval may lie in, and of one more if keys below
/// the lowest bound have a shard.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ShardPositions {
    pub positions: Range<usize>,
    pub below_lowest: Option<usize>,
}

impl ShardPositions {
    const NOTHING: Self = Self { positions: 0..0, below_lowest: None };

    /// In ascending order, none twice.
    pub fn iter(&self) -> impl Iterator<Item = usize> {
        let more = self.below_lowest.filter(|at| !self.positions.contains(at));
        self.positions.clone().chain(more)
    }
}

impl ShardMap {
    /// The shards that hold keys from `low` to `high`, both of them included; `None` is no limit.
    /// HASH scatters every interval over all shards.
    /// A key that is wrong for the table comes back with the reason.
    pub fn touched<'k>(
        &self,
        low: Option<Key<'k>>,
        high: Option<Key<'k>>,
        compat: Compat,
    ) -> Result<ShardPositions, (Key<'k>, KeyError)> {
        if matches!(self.bounds, Bounds::Hash(_)) {
            return Ok(ShardPositions { positions: 0..self.len(), below_lowest: None });
        }
        // Both are looked at first: a wrong one is wrong whatever the other says.
        let within = |key| self.within(key).map_err(|error| (key, error));
        let first = low.map(within).transpose()?;
        let last = high.map(within).transpose()?;
        if let (Some(low), Some(high)) = (low, high)
            && self.order(low, high).map_err(|error| (low, error))? == Ordering::Greater
        {
            return Ok(ShardPositions::NOTHING);
        }
        let lowest = first.flatten();
        let end = match last {
            None => self.len(),
            Some(at) => at.map_or(0, |at| at + 1),
        };
        let below_lowest = match lowest {
            Some(_) => None,
            None => self.below_lowest(compat).ok(),
        };
        Ok(ShardPositions { positions: lowest.unwrap_or(0)..end, below_lowest })
    }

    /// The position of the shard that holds a key, if the key is not below them all.
    fn within(&self, key: Key<'_>) -> Result<Option<usize>, KeyError> {
        match self.find_position(key, Compat::Server) {
            Ok(at) => Ok(Some(at)),
            Err(KeyError::BelowLowest) => Ok(None),
            Err(error) => Err(error),
        }
    }

    fn order(&self, a: Key<'_>, b: Key<'_>) -> Result<Ordering, KeyError> {
        Ok(match self.bounds {
            Bounds::Integer(_) => integer_of(a)?.cmp(&integer_of(b)?),
            Bounds::DateTime(_) => {
                datetime::parse(text_of(a)?)?.cmp(&datetime::parse(text_of(b)?)?)
            }
            Bounds::Text(_) | Bounds::LongText(_) => text::compare(text_of(a)?, text_of(b)?),
            Bounds::Hash(_) => Ordering::Equal,
        })
    }
}

fn integer_of(key: Key<'_>) -> Result<Ordinal<'_>, KeyError> {
    match key {
        Key::Integer(value) => Ok(Ordinal::Short(value.into())),
        Key::Unsigned(value) => Ok(Ordinal::Short(value.into())),
        Key::Text(text) => integer::ordinal(text),
    }
}

fn text_of(key: Key<'_>) -> Result<&[u8], KeyError> {
    match key {
        Key::Integer(_) | Key::Unsigned(_) => Err(KeyError::WantsText),
        Key::Text(text) => Ok(text),
    }
}
