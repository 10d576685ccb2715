//! A shard map with its groups, as topology files and MySQL tables have it.

mod diff;
mod document;
mod edit;
mod file;
mod from_router;
mod rows;
mod sql;
mod write;

use mysqlfabric::config::DiscoveryKind;
use mysqlfabric::topology::ShardingType;

pub use self::diff::{Change, changes};
pub use self::document::{farm_of, named, read, read_text};
pub use self::edit::{is_sealed, with_table};
pub use self::file::{expect_file, lock_file, write_file};
pub use self::from_router::of_router;
pub use self::rows::of_tables;
pub use self::sql::{
    expect_shards, insert_shards, insert_table, of_table, statements, update_global_group,
};
pub use self::write::{file_of, table_of};

/// A farm. The order of its parts says nothing, but for that of servers.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Farm {
    pub tables: Vec<Table>,
    pub groups: Vec<Group>,
    /// Bounds of shards that are out of use: their tables, types and bounds. Where their rows are is not
    /// known; of others it is, and they are DISABLED shards of their tables.
    pub held: Vec<Held>,
}

#[derive(Debug, Clone, PartialEq)]
pub struct Table {
    pub schema: String,
    pub name: String,
    pub column: String,
    pub kind: ShardingType,
    pub global_group: String,
    pub shards: Vec<Shard>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Shard {
    pub id: i64,
    pub lower_bound: String,
    pub group: String,
    pub state: State,
}

/// What may be done with the keys of a shard.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum State {
    Enabled,
    ReadOnly,
    Disabled,
}

impl State {
    pub fn name(self) -> &'static str {
        match self {
            Self::Enabled => "ENABLED",
            Self::ReadOnly => "READ_ONLY",
            Self::Disabled => "DISABLED",
        }
    }
}

#[derive(Debug, Clone, PartialEq)]
pub struct Group {
    pub id: String,
    /// How its servers are found, by asking those that are listed; nothing if they are as listed.
    pub discover: Option<DiscoveryKind>,
    pub servers: Vec<Server>,
}

#[derive(Debug, Clone, PartialEq)]
pub struct Server {
    pub host: String,
    pub port: u16,
    /// Not known of one that is only asked.
    pub uuid: Option<String>,
    pub mode: i32,
    pub status: i32,
    pub weight: f64,
    pub zone: Option<String>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Held {
    pub schema: String,
    pub table: String,
    pub kind: String,
    pub lower_bound: String,
}

impl Table {
    pub fn full_name(&self) -> String {
        format!("{}.{}", self.schema, self.name)
    }

    /// With its shards in the order of their bounds.
    pub fn sorted(mut self) -> Self {
        let kind = self.kind;
        self.shards.sort_by_cached_key(|shard| order_of_bound(kind, &shard.lower_bound));
        self
    }
}

/// The keys of a shard, by bounds that are compared as those of its type are.
pub struct Interval<'t> {
    pub shard: &'t Shard,
    pub from: (i64, String),
    /// Where the next one begins; of the highest one of HASH, which goes on at zero, the lowest bound.
    pub until: Option<(i64, String)>,
}

impl Table {
    /// The shards in the order of their bounds.
    pub fn intervals(&self) -> Vec<Interval<'_>> {
        let from = |shard: &Shard| order_of_bound(self.kind, &shard.lower_bound);
        let mut shards: Vec<&Shard> = self.shards.iter().collect();
        shards.sort_by_cached_key(|shard| from(shard));
        let first = shards.first().filter(|_| self.kind == ShardingType::Hash).copied();
        let next = shards.iter().skip(1).copied().map(Some).chain([first]);
        let of = shards.iter().zip(next);
        of.map(|(shard, next)| Interval { shard, from: from(shard), until: next.map(from) })
            .collect()
    }
}

impl Farm {
    pub fn table(&self, full_name: &str) -> Option<&Table> {
        self.tables.iter().find(|table| table.full_name() == full_name)
    }

    pub fn is_empty(&self) -> bool {
        self.tables.is_empty() && self.groups.is_empty()
    }

    /// In the order of names and bounds.
    pub fn sorted(mut self) -> Self {
        self.tables.sort_by_key(Table::full_name);
        self.tables = self.tables.into_iter().map(Table::sorted).collect();
        self.groups.sort_by(|a, b| a.id.cmp(&b.id));
        self
    }
}

/// What bounds of a type are sorted by.
fn order_of_bound(kind: ShardingType, bound: &str) -> (i64, String) {
    match kind {
        ShardingType::Range | ShardingType::RangeInteger => (
            mysqlfabric::topology::integer::bound(bound.as_bytes()).unwrap_or_default(),
            String::new(),
        ),
        ShardingType::Hash => (0, bound.to_ascii_uppercase()),
        ShardingType::RangeDatetime => (
            mysqlfabric::topology::datetime::parse(bound.as_bytes()).unwrap_or_default(),
            String::new(),
        ),
        ShardingType::RangeString => (0, bound.to_owned()),
    }
}

/// The name of a server's mode, or its number.
pub fn mode_name(mode: i32) -> String {
    name(&["OFFLINE", "READ_ONLY", "WRITE_ONLY", "READ_WRITE"], mode)
}

/// The name of a server's status, or its number.
pub fn status_name(status: i32) -> String {
    name(&["FAULTY", "SPARE", "SECONDARY", "PRIMARY"], status)
}

fn name(names: &[&str], number: i32) -> String {
    let name = usize::try_from(number).ok().and_then(|at| names.get(at));
    name.map_or_else(|| number.to_string(), |name| (*name).to_owned())
}
