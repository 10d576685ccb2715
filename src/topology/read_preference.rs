//! Which servers of a group reads go to.

/// Which servers of a group reads go to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[repr(i32)]
pub enum ReadPreference {
    /// The secondaries, and the primary where none of them is in use.
    #[default]
    Secondary = 1,
    /// The secondaries, and nobody where there is none.
    SecondaryOnly = 2,
    /// The primary, and the secondaries where it is not in use.
    Primary = 3,
    /// All of them.
    Nearest = 4,
}
