//! A sharding key as the caller gives it, and why one may be refused.

/// A sharding key. Text is UTF-8 and serves strings and date-times alike; whether it is UTF-8
/// is checked where a sharding type reads it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Key<'a> {
    Integer(i64),
    /// An unsigned integer, as columns of type BIGINT UNSIGNED have them, which go further.
    Unsigned(u64),
    Text(&'a [u8]),
}

/// Why a key has no shard. As large as a group's number, so that a result of either comes in two
/// registers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u32)]
pub enum KeyError {
    /// The sharding type takes no integers.
    WantsText,
    /// A key of a RANGE table that is not a plain decimal integer.
    NotInteger,
    NotDateTime,
    NotUtf8,
    /// Below the lowest bound of a RANGE type: no shard holds it.
    BelowLowest,
}
