//! What a server and a client can do: the bits that they tell each other.

/// As [`Self::MULTI_RESULTS`] and so on; a set of bits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Capabilities(pub u32);

impl Capabilities {
    pub(crate) const LONG_PASSWORD: Self = Self(1);
    pub(crate) const LONG_FLAG: Self = Self(1 << 2);
    pub(crate) const CONNECT_WITH_DB: Self = Self(1 << 3);
    pub(crate) const PROTOCOL_41: Self = Self(1 << 9);
    pub(crate) const SSL: Self = Self(1 << 11);
    /// The password's hash is made with 20 bytes of scramble.
    pub(crate) const SECURE_CONNECTION: Self = Self(1 << 15);
    pub(crate) const MULTI_RESULTS: Self = Self(1 << 17);
    pub(crate) const PLUGIN_AUTH: Self = Self(1 << 19);

    /// What this client can do, and must have: nothing that it does not ask for is answered by a
    /// server in its right mind.
    pub(crate) const REQUIRED: Self = Self(Self::PROTOCOL_41.0 | Self::SECURE_CONNECTION.0);

    pub const fn with(self, others: Self) -> Self {
        Self(self.0 | others.0)
    }

    pub const fn has(self, others: Self) -> bool {
        self.0 & others.0 == others.0
    }

    /// Those that both have.
    pub const fn both(self, other: Self) -> Self {
        Self(self.0 & other.0)
    }
}
