//! What can happen to a handle that its service may want to hear of.

use std::ffi::CStr;

use crate::base::error::Code;

/// The kinds of events; the numbers are the C API's.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[repr(i32)]
pub enum Kind {
    #[default]
    Ready = 1,
    TopologyChanged = 2,
    PrimaryChanged = 3,
    ServerQuarantined = 4,
    ServerBack = 5,
    FabricLost = 6,
    FabricBack = 7,
    Fetched = 8,
    WritesHeld = 9,
    WritesReleased = 10,
    ShardHeld = 11,
    ShardReleased = 12,
}

impl Kind {
    /// Every kind, in the order of the numbers.
    pub const ALL: &[Self] = &[
        Self::Ready,
        Self::TopologyChanged,
        Self::PrimaryChanged,
        Self::ServerQuarantined,
        Self::ServerBack,
        Self::FabricLost,
        Self::FabricBack,
        Self::Fetched,
        Self::WritesHeld,
        Self::WritesReleased,
        Self::ShardHeld,
        Self::ShardReleased,
    ];

    /// The kind of a number, if it is one.
    pub fn from_number(number: i32) -> Option<Self> {
        Self::ALL.iter().copied().find(|kind| *kind as i32 == number)
    }

    /// The name of the kind's constant in the C API, without FABRIC_EVENT_.
    pub fn name(self) -> &'static CStr {
        match self {
            Self::Ready => c"READY",
            Self::TopologyChanged => c"TOPOLOGY_CHANGED",
            Self::PrimaryChanged => c"PRIMARY_CHANGED",
            Self::ServerQuarantined => c"SERVER_QUARANTINED",
            Self::ServerBack => c"SERVER_BACK",
            Self::FabricLost => c"FABRIC_LOST",
            Self::FabricBack => c"FABRIC_BACK",
            Self::Fetched => c"FETCHED",
            Self::WritesHeld => c"WRITES_HELD",
            Self::WritesReleased => c"WRITES_RELEASED",
            Self::ShardHeld => c"SHARD_HELD",
            Self::ShardReleased => c"SHARD_RELEASED",
        }
    }
}

#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Event {
    pub kind: Kind,
    /// Why a fetch failed, where the event tells of the end of one.
    pub failure: Option<Code>,
    /// Of the topology in use when it happened.
    pub generation: u64,
    /// On the handle's clock.
    pub at: u64,
    /// Empty where the event is not about a group.
    pub group: String,
    /// Empty where the event is not about a server, or the group has no primary.
    pub server: String,
    /// `schema.table`; empty where the event is not about a table.
    pub table: String,
    /// How many shards of the table are held then.
    pub held_shards: usize,
}

/// The topic of events that overtake each other: the newest event of a topic says how things are, and
/// a consumer that falls far behind may miss the ones before.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Topic {
    Readiness,
    Topology,
    Primary,
    Server,
    Fabric,
    Fetch,
    /// Whether a group's writes are held.
    Writes,
    /// How many of a table's shards are held.
    Shards,
}

impl Topic {
    /// Whether nobody needs the events before the newest, however much room there is.
    pub(super) fn newest_says_all(self) -> bool {
        matches!(self, Self::Topology | Self::Fetch)
    }

    /// Whether one topology can bring so many events of the topic that others would be lost for want of
    /// room.
    pub(super) fn is_many(self) -> bool {
        matches!(self, Self::Shards)
    }
}

impl Event {
    /// The topic, and the group, server or table that it is about.
    pub(super) fn topic(&self) -> (Topic, &str) {
        match self.kind {
            Kind::Ready => (Topic::Readiness, ""),
            Kind::TopologyChanged => (Topic::Topology, ""),
            Kind::PrimaryChanged => (Topic::Primary, &self.group),
            Kind::ServerQuarantined | Kind::ServerBack => (Topic::Server, &self.server),
            Kind::FabricLost | Kind::FabricBack => (Topic::Fabric, ""),
            Kind::Fetched => (Topic::Fetch, ""),
            Kind::WritesHeld | Kind::WritesReleased => (Topic::Writes, &self.group),
            Kind::ShardHeld | Kind::ShardReleased => (Topic::Shards, &self.table),
        }
    }
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
