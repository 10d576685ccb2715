//! The rows of a shard map in the making.

use crate::topology::group::GroupId;

/// One shard that begins at a bound. At most 32 bytes: a million of them are held at once.
#[derive(Debug)]
pub struct LowerBound<B> {
    pub bound: B,
    pub id: i64,
    pub group: GroupId,
    /// Its place among the rows: of two that say the same the first one counts.
    pub(super) row: u32,
}

const _: () =
    assert!(size_of::<LowerBound<u128>>() <= 32 && size_of::<LowerBound<Box<[u8]>>>() <= 32);

/// Rows by what their bounds are read as.
#[derive(Debug)]
pub enum LowerBounds {
    /// Integers, and dates and times.
    Integer(Vec<LowerBound<i64>>),
    /// Digests, and texts as long as Fabric stores them.
    Wide(Vec<LowerBound<u128>>),
    LongText(Vec<LowerBound<Box<[u8]>>>),
}
