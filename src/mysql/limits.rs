//! How much of an answer is taken.

/// What one statement may answer at most, all its result sets together. A server that sends more is
/// cut off: it is another one than was meant, or something is wrong with it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    pub result_sets: usize,
    /// Of one result set.
    pub columns: usize,
    pub rows: usize,
    /// What the rows take in memory.
    pub bytes: usize,
}

impl Limits {
    /// For answers of so many bytes.
    pub fn of(bytes: usize) -> Self {
        Self { result_sets: 64, columns: 1024, rows: usize::MAX, bytes }
    }
}

/// A packet of the login, a definition of a column or an error has no more bytes than this: names of 64
/// characters, a message of 512.
pub(crate) const MAX_SMALL_PACKET: usize = 1 << 16;
