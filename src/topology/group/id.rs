//! Which group is meant.

/// A group's number in a snapshot. A group keeps it through the snapshots that follow, until it is
/// forgotten: then another group may get it, so only a name says for longer which group is meant.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct GroupId(pub u32);

impl GroupId {
    /// The group of a shard that the source stopped listing: nobody knows where its keys are.
    pub const NOWHERE: Self = Self(u32::MAX);

    /// What a shard's group has more in its number while the shard is read-only. No group has a number
    /// as high, so that a lookup finds none there: only then it asks why, and what is found goes no
    /// longer way.
    const READ_ONLY: u32 = 1 << 31;

    /// The group of a shard that takes no writes at the moment.
    pub fn read_only(self) -> Self {
        Self(self.0 | Self::READ_ONLY)
    }

    /// Whether it is the group of a shard that takes no writes at the moment.
    pub fn is_read_only(self) -> bool {
        self != Self::NOWHERE && self.0 & Self::READ_ONLY != 0
    }

    /// The group, whatever the state of the shard.
    pub fn base(self) -> Self {
        if self.is_read_only() { Self(self.0 & !Self::READ_ONLY) } else { self }
    }

    /// The group of what lies in two shards, if both are in one: read-only if either of them is.
    pub fn joined(self, other: Self) -> Option<Self> {
        (self.base() == other.base()).then_some(Self(self.0 | other.0))
    }
}
