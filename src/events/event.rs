//! What can happen to a handle that its service may want to hear of.

/// The kinds of events; the numbers are the C API's.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(i32)]
pub enum Kind {
    Ready = 1,
    TopologyChanged = 2,
    PrimaryChanged = 3,
    ServerQuarantined = 4,
    ServerBack = 5,
    FabricLost = 6,
    FabricBack = 7,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Event {
    pub kind: Kind,
    /// Of the topology in use when it happened.
    pub generation: u64,
    /// On the handle's clock.
    pub at: u64,
    /// Empty where the event is not about a group.
    pub group: String,
    /// Empty where the event is not about a server, or the group has no primary.
    pub server: String,
}

/// An event on its way to a consumer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Delivery {
    pub event: Event,
    /// How many events this consumer missed since the last one it got.
    pub lost_before: u64,
    /// Milliseconds since it happened.
    pub age: u64,
}
