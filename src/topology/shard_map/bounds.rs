//! The lower bounds of a table, by what they are compared by.

use std::cmp::Ordering;

use crate::topology::index::bounds::BoundIndex;
use crate::topology::index::long_text::LongTexts;
use crate::topology::text;

type Bytes = Box<[u8]>;

/// What a bound takes with its shard's group and number: up to 16 bytes, 4 and 8.
pub(super) const BOUND_SIZE: usize = 32;

#[derive(Debug, PartialEq, Eq)]
pub enum Bounds {
    Integer(BoundIndex),
    DateTime(BoundIndex),
    Hash(BoundIndex),
    /// Strings as long as Fabric stores them, at most: see [`text::head`].
    Text(BoundIndex),
    /// With longer ones among them, which a topology file may hold.
    LongText(LongTexts),
}

impl Bounds {
    /// The position of the bound of `others` at `at`, which are of the same type.
    pub fn position(&self, others: &Self, at: usize) -> Option<usize> {
        match (self, others) {
            (Self::Integer(own), Self::Integer(others))
            | (Self::DateTime(own), Self::DateTime(others)) => {
                own.position_of_integer(others.integer(at)?)
            }
            (Self::Hash(own), Self::Hash(others)) | (Self::Text(own), Self::Text(others)) => {
                own.position_of_wide(others.wide(at)?)
            }
            (Self::Text(own), Self::LongText(others)) => {
                own.position_of_wide(text::packed(others.get(at)?)?)
            }
            (Self::LongText(own), others) => {
                let bound = others.text(at)?;
                own.position(&bound)
            }
            _ => None,
        }
    }

    pub fn has_all(&self, others: &Self) -> bool {
        self == others || (0..others.len()).all(|at| self.position(others, at).is_some())
    }

    /// The order of two bounds that are of the same type.
    pub fn compare(&self, at: usize, others: &Self, other: usize) -> Ordering {
        match (self, others) {
            (Self::Integer(own), Self::Integer(others))
            | (Self::DateTime(own), Self::DateTime(others)) => {
                own.integer(at).cmp(&others.integer(other))
            }
            (Self::Hash(own), Self::Hash(others)) | (Self::Text(own), Self::Text(others)) => {
                own.wide(at).cmp(&others.wide(other))
            }
            _ => {
                let (own, others) = (self.text(at), others.text(other));
                text::compare(&own.unwrap_or_default(), &others.unwrap_or_default())
            }
        }
    }

    pub fn text(&self, at: usize) -> Option<Bytes> {
        match self {
            Self::Text(bounds) => bounds.wide(at).map(text::unpacked),
            Self::LongText(bounds) => bounds.get(at).map(Into::into),
            _ => None,
        }
    }

    /// What a bound and its shard take in bytes, about.
    pub fn size(&self, at: usize) -> usize {
        match self {
            Self::LongText(bounds) => BOUND_SIZE + bounds.get(at).map_or(0, <[u8]>::len),
            _ => BOUND_SIZE,
        }
    }

    pub fn len(&self) -> usize {
        match self {
            Self::Integer(bounds)
            | Self::DateTime(bounds)
            | Self::Hash(bounds)
            | Self::Text(bounds) => bounds.len(),
            Self::LongText(bounds) => bounds.len(),
        }
    }
}
