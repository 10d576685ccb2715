//! Why a group has no primary.

/// The words stand in the message of a lookup, behind "group 'g' has no primary that takes writes at
/// the moment".
#[derive(Debug, Clone)]
pub(super) struct NoPrimary {
    pub why: String,
    /// Whether there may be one in a moment.
    pub soon: bool,
}

impl NoPrimary {
    pub fn now(why: String) -> Self {
        Self { why, soon: true }
    }

    /// Somebody has to do something about it.
    pub fn lasting(why: String) -> Self {
        Self { why, soon: false }
    }
}
