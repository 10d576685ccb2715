//! The one answer to "which server?": from a query and a snapshot to the server, or to what is
//! missing or wrong. Every lookup goes through it: by name, by prepared tables, of a group, of many
//! keys, waiting or not.
//!
//! It is inlined into the calls from C. What it returns fits registers, and is no [`Error`]:
//! [`super::errors`] makes the sentence from a [`Miss`].
//!
//! [`Error`]: crate::base::error::Error

use std::cell::Cell;

use crate::topology::balance::Cursors;
use crate::topology::{
    Chosen, Compat, Entry, Group, GroupId, Key, KeyError, Table, TableState, Topology, Wanted,
};

use super::prepared::{PreparedTable, PreparedTables};

/// A lookup, its arguments read.
#[derive(Debug, Clone, Copy)]
pub struct Query<'a> {
    pub target: Target<'a>,
    pub wanted: Wanted,
}

/// What a server is looked for of.
#[derive(Debug, Clone, Copy)]
pub enum Target<'a> {
    /// A table by its name.
    Table(&'a [u8], ShardKey<'a>),
    /// A table that was opened.
    Prepared(&'a PreparedTable, ShardKey<'a>),
    /// Tables by their names, all of which must lie in one group.
    Tables(&'a [&'a [u8]], ShardKey<'a>),
    /// As `Tables`, of tables that were opened.
    AllPrepared(&'a PreparedTables, ShardKey<'a>),
    /// A group by its name.
    Group(&'a [u8]),
}

impl<'a> Target<'a> {
    pub fn tables(names: &'a [&'a [u8]], key: ShardKey<'a>) -> Self {
        match names {
            [name] => Self::Table(name, key),
            names => Self::Tables(names, key),
        }
    }

    pub fn prepared(tables: &'a PreparedTables, key: ShardKey<'a>) -> Self {
        match tables.only() {
            Some(table) => Self::Prepared(table, key),
            None => Self::AllPrepared(tables, key),
        }
    }
}

/// What tells the group of a table.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ShardKey<'a> {
    /// The group of the shard that holds the key.
    Key(Key<'a>),
    /// The mapping's global group, which needs no key.
    Global,
    /// The group of a shard, but no key was given.
    Missing,
}

/// Where a table's data is looked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(i32)]
pub enum Scope {
    /// The shard of a key.
    Local = 11,
    /// The mapping's global group; needs no key.
    Global = 12,
}

impl Scope {
    /// What tells the group of a table, with this key or none.
    #[inline(always)]
    pub fn shard_key(self, key: Option<Key<'_>>) -> ShardKey<'_> {
        match (self, key) {
            (Self::Local, Some(key)) => ShardKey::Key(key),
            (Self::Local, None) => ShardKey::Missing,
            (Self::Global, _) => ShardKey::Global,
        }
    }
}

/// What is missing for an answer, or wrong with the question.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Miss {
    /// No table is named.
    NoTable,
    /// The name of a table is not of the form `db.table`.
    TableName,
    /// The name of a table is not UTF-8.
    TableUtf8,
    /// The topology does not have a table.
    UnknownTable,
    /// The topology does not have a group.
    UnknownGroup,
    /// A table or a group is known, but must not be used before it was fetched anew.
    Expired,
    /// A group was confirmed longer ago than the options allow.
    TooOld(GroupId),
    /// The rows of a table make no shard map.
    Unusable,
    /// A table needs a key, and none was given.
    KeyMissing,
    /// A key of a batch is NULL.
    KeyNull,
    /// A key of a batch is longer than any may be.
    KeyTooLong,
    /// A table has no shard for the key.
    Key(KeyError),
    /// The source stopped listing the shard that holds the key.
    ShardVanished,
    /// The tables lie in different groups.
    DifferentShards,
    /// No server of a group serves the request.
    NoServer(GroupId),
    /// Writes to a group are held.
    WriteHeld(GroupId),
    /// The shard, which is in this group, takes no writes at the moment.
    ShardReadOnly(GroupId),
}

/// What a query came to in the snapshot of an epoch.
#[derive(Debug, Clone, Copy)]
pub struct Seen {
    pub epoch: u64,
    pub miss: Miss,
}

/// What of a snapshot a lookup may use. It is asked about each part that the lookup goes by.
pub trait Freshness: Copy {
    fn table(self, name: &[u8], entry: &Entry<TableState>) -> Result<(), Miss>;

    fn group(self, topology: &Topology, group: GroupId, entry: &Entry<Group>) -> Result<(), Miss>;

    /// What is to be said of a table that is not there.
    #[inline(always)]
    fn unknown_table(self, _name: &[u8]) -> Miss {
        Miss::UnknownTable
    }

    /// What is to be said of a group whose name is not there.
    #[inline(always)]
    fn unknown_group(self, _name: &[u8]) -> Miss {
        Miss::UnknownGroup
    }

    /// What is to be said of a group that a table names and that was never fetched.
    #[inline(always)]
    fn unfetched_group(self, _topology: &Topology, _group: GroupId) -> Miss {
        Miss::Expired
    }

    /// Whether a join of several tables goes on after this miss of the one asked about last, to
    /// find out what else is to be fetched.
    #[inline(always)]
    fn looks_on(self, _miss: Miss) -> bool {
        false
    }
}

/// All that the background refresh keeps fresh, which is everything but what was reset since.
#[derive(Debug, Clone, Copy)]
pub struct KeptFresh;

impl Freshness for KeptFresh {
    #[inline(always)]
    fn table(self, _: &[u8], entry: &Entry<TableState>) -> Result<(), Miss> {
        if entry.is_distrusted() { Err(Miss::Expired) } else { Ok(()) }
    }

    #[inline(always)]
    fn group(self, _: &Topology, _: GroupId, entry: &Entry<Group>) -> Result<(), Miss> {
        if entry.is_distrusted() { Err(Miss::Expired) } else { Ok(()) }
    }
}

/// A snapshot as one lookup sees it.
#[derive(Debug, Clone, Copy)]
pub struct LookupView<'s, F> {
    pub topology: &'s Topology,
    /// The number of the snapshot's publication; 0 if nothing is to be remembered of it.
    pub(super) epoch: u64,
    pub(super) compat: Compat,
    /// The position of the table that was looked up last, which is tried first.
    pub(super) last_hit: &'s Cell<u32>,
    pub(super) freshness: F,
}

impl<'s, F: Freshness> LookupView<'s, F> {
    /// The server for a query.
    #[inline(always)]
    pub fn resolve(self, query: &Query<'_>, cursors: &Cursors) -> Result<Chosen<'s>, Miss> {
        let group = self.group_of(query.target)?;
        let cursor = self.topology.cursor(group, cursors);
        let entry = self.group_entry(group)?;
        entry.value.choose(query.wanted, cursor).ok_or_else(|| unserved(group, entry, query.wanted))
    }

    /// The group that serves a query, which may be one that was never fetched.
    #[inline(always)]
    pub(super) fn group_of(self, target: Target<'_>) -> Result<GroupId, Miss> {
        match target {
            Target::Table(name, key) => self.group_in(name, self.table_named(name)?, key),
            Target::Prepared(table, key) => {
                self.group_in(table.name(), self.table_prepared(table)?, key)
            }
            Target::Tables(names, key) => {
                self.join(names.iter().map(|name| (*name, self.table_named(name))), key)
            }
            Target::AllPrepared(tables, key) => self
                .join(tables.iter().map(|table| (table.name(), self.table_prepared(table))), key),
            Target::Group(name) => match self.topology.group_number(name) {
                Some(group) => Ok(group),
                None => Err(self.freshness.unknown_group(name)),
            },
        }
    }

    /// What is to be said of a query's name that the topology does not have. Nothing where it has
    /// several.
    #[cold]
    pub(super) fn unknown(self, target: Target<'_>) -> Option<Miss> {
        match target {
            Target::Table(name, _) => Some(self.freshness.unknown_table(name)),
            Target::Prepared(table, _) => Some(self.freshness.unknown_table(table.name())),
            Target::Group(name) => Some(self.freshness.unknown_group(name)),
            Target::Tables(..) | Target::AllPrepared(..) => None,
        }
    }

    #[inline(always)]
    pub(super) fn table_named(self, name: &[u8]) -> Result<&'s Entry<TableState>, Miss> {
        match self.topology.tables.get_last_hit_first(name, self.last_hit) {
            Some(entry) => Ok(entry),
            None => Err(self.freshness.unknown_table(name)),
        }
    }

    #[inline(always)]
    fn table_prepared(self, table: &PreparedTable) -> Result<&'s Entry<TableState>, Miss> {
        let at = table.position(self.topology, self.epoch);
        match at.and_then(|at| self.topology.tables.at(at)) {
            Some(entry) => Ok(entry),
            None => Err(self.freshness.unknown_table(table.name())),
        }
    }

    /// A table that can be used.
    #[inline(always)]
    pub(super) fn usable(
        self,
        name: &[u8],
        entry: &'s Entry<TableState>,
    ) -> Result<&'s Table, Miss> {
        self.freshness.table(name, entry)?;
        match &entry.value {
            TableState::Known(table) => Ok(table),
            TableState::Unusable(_) => Err(Miss::Unusable),
        }
    }

    /// The group of a key in one table: [`GroupId::NOWHERE`] if its shard vanished.
    #[inline(always)]
    fn group_in(
        self,
        name: &[u8],
        entry: &'s Entry<TableState>,
        key: ShardKey<'_>,
    ) -> Result<GroupId, Miss> {
        let table = self.usable(name, entry)?;
        match key {
            ShardKey::Key(key) => table.map.find_group(key, self.compat).map_err(Miss::Key),
            ShardKey::Global => Ok(table.global_group),
            ShardKey::Missing => Err(Miss::KeyMissing),
        }
    }

    /// The group that all of several tables lie in.
    #[cold]
    #[inline(never)]
    fn join<'n>(
        self,
        tables: impl Iterator<Item = (&'n [u8], Result<&'s Entry<TableState>, Miss>)>,
        key: ShardKey<'_>,
    ) -> Result<GroupId, Miss> {
        let group_in = |(name, entry): (&[u8], Result<&'s Entry<TableState>, Miss>)| {
            self.group_in(name, entry?, key)
        };
        let mut agreed: Option<GroupId> = None;
        self.for_all(tables.map(group_in), |group| match group {
            GroupId::NOWHERE => Err(Miss::ShardVanished),
            group => {
                let joined = agreed.unwrap_or(group).joined(group);
                agreed = Some(joined.ok_or(Miss::DifferentShards)?);
                Ok(())
            }
        })?;
        agreed.ok_or(Miss::NoTable)
    }

    /// Takes all parts that are there, and tells of the first miss that ends a join, or else of the
    /// first.
    pub(super) fn for_all<T>(
        self,
        parts: impl Iterator<Item = Result<T, Miss>>,
        mut take: impl FnMut(T) -> Result<(), Miss>,
    ) -> Result<(), Miss> {
        let mut first = Ok(());
        for part in parts {
            let Err(miss) = part.and_then(&mut take) else { continue };
            if !self.freshness.looks_on(miss) {
                return Err(miss);
            }
            first = first.and(Err(miss));
        }
        first
    }

    /// The entry of a group, if the lookup may use it. That of a read-only shard is missing, as if it had
    /// never been fetched: what is not served at once goes by [`Self::group_entry_for`].
    #[inline(always)]
    fn group_entry(self, group: GroupId) -> Result<&'s Entry<Group>, Miss> {
        let Some(entry) = self.topology.group(group) else {
            return Err(absent(self.freshness, self.topology, group));
        };
        self.freshness.group(self.topology, group, entry)?;
        Ok(entry)
    }

    /// The same for any shard's group, if the shard takes what is wanted.
    #[inline]
    pub(super) fn group_entry_for(
        self,
        group: GroupId,
        wanted: Wanted,
    ) -> Result<&'s Entry<Group>, Miss> {
        let base = group.base();
        let entry = self.group_entry(base)?;
        match base != group && wanted == Wanted::Primary {
            true => Err(Miss::ShardReadOnly(base)),
            false => Ok(entry),
        }
    }
}

// What is cold gets parts of a view, and not the view, which need not be in memory then.

/// What is to be said of a group that the topology does not have.
#[cold]
fn absent<F: Freshness>(freshness: F, topology: &Topology, group: GroupId) -> Miss {
    match group {
        GroupId::NOWHERE => Miss::ShardVanished,
        _ => freshness.unfetched_group(topology, group),
    }
}

/// Why no server of a group serves.
#[cold]
pub(super) fn unserved(id: GroupId, entry: &Entry<Group>, wanted: Wanted) -> Miss {
    let group = &entry.value;
    match wanted == Wanted::Primary && group.is_held() && !group.servers().is_empty() {
        true => Miss::WriteHeld(id),
        false => Miss::NoServer(id),
    }
}
