//! From rows to tables: bounds are read at once into what they are compared by, names are kept once.

mod lower_bounds;
pub mod shard_map;
pub mod table;
pub mod tables;

pub use self::lower_bounds::{LowerBound, LowerBounds};
pub use self::shard_map::ShardMapBuilder;
pub use self::table::TableBuilder;
pub use self::tables::{ListedGroups, ListedTable, TablesBuilder, full_name};
