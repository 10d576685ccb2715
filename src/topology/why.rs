//! Why a request gets the server it gets, or none.

/// Why a server serves a request, or what keeps one from being served.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(i32)]
pub enum Why {
    /// It takes the group's writes.
    Primary = 1,
    /// It is its turn among the servers that take reads.
    ByWeight = 2,
    /// It is the only one that takes reads.
    OnlyOne = 3,
    /// As `ByWeight`, among those of the service's own zone.
    OwnZone = 4,
    /// It is the primary, and no secondary is in use.
    NoSecondary = 5,
    /// Nobody knows whether it is back: this request is to find out.
    OnTrial = 6,
    /// All that may serve are left out, and trying is better than refusing.
    LastResort = 7,
    /// It is the primary, which the read preference prefers.
    PreferredPrimary = 8,
    /// It is a secondary, and the primary, which the read preference prefers, is not in use.
    NoPrimary = 9,
    /// Nobody: the primary refused a write.
    WritesHeld = 32,
    /// Nobody: the shard takes no writes by its map.
    ShardReadOnly = 33,
    /// Nobody: the source stopped listing the shard.
    ShardMissing = 34,
}

impl Why {
    pub(crate) const ALL: [Self; 12] = [
        Self::Primary,
        Self::ByWeight,
        Self::OnlyOne,
        Self::OwnZone,
        Self::NoSecondary,
        Self::OnTrial,
        Self::LastResort,
        Self::PreferredPrimary,
        Self::NoPrimary,
        Self::WritesHeld,
        Self::ShardReadOnly,
        Self::ShardMissing,
    ];

    pub fn from_number(number: i32) -> Option<Self> {
        Self::ALL.into_iter().find(|why| *why as i32 == number)
    }
}
