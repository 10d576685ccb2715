//! The shards of a table: sorted lower bounds, and the group that holds what begins at each.

mod bounds;
mod find;
mod map;
mod range;
mod shard;

pub use self::map::ShardMap;
pub use self::range::ShardPositions;
pub use self::shard::{Compat, HeldKey, MapError, Shard, ShardingType};
