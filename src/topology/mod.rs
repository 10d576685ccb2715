//! What the farm looks like, and who owns a key. Pure: no I/O, clock, lock or FFI.
//!
//! A [`Topology`] is built whole, never changed, and replaced by the next one. Its parts are
//! shared between snapshots as long as they stay the same.

pub mod balance;
pub mod builder;
pub mod choice;
pub mod datetime;
pub mod group;
pub mod hash;
pub mod health_overlay;
pub mod index;
pub mod integer;
pub mod key;
pub mod limits;
pub mod md5;
pub mod read_preference;
pub mod readers;
pub mod rows;
pub mod seen_bounds;
pub mod server;
pub mod server_image;
pub mod shard_map;
pub mod snapshot;
pub mod table;
pub mod text;
pub mod why;

pub use builder::TablesBuilder;
pub use choice::Choice;
pub use group::{Chosen, Group, GroupId, Wanted};
pub use health_overlay::{HealthOverlay, Probe, Reachability};
pub use key::{Key, KeyError};
pub use read_preference::ReadPreference;
pub use rows::{Owner, RejectedRow, ServerRow, ShardRow};
pub use seen_bounds::SeenBounds;
pub use server::{Mode, Server, Status};
pub use server_image::ServerImage;
pub use shard_map::{Compat, HeldKey, Shard, ShardMap, ShardPositions, ShardingType};
pub use snapshot::{Entry, TableState, Times, Topology};
pub use table::{Table, TableError};
pub use why::Why;
