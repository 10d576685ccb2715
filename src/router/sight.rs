//! The way of nearly every lookup: all is known, fresh and clear. Whatever else there is to say,
//! [`super::look`] says it.
//!
//! Everything here is inlined into the calls from C. It is written without closures and results,
//! which compilers move through memory.

use std::cell::{Cell, Ref};
use std::sync::Arc;

use crate::local::Local;
use crate::refresh::age::ANY_AGE;
use crate::refresh::current::Held;
use crate::topology::{Chosen, Compat, Entry, GroupId, Key, Table, TableState, Topology, Wanted};

use super::{Place, Router};

/// The newest snapshot, held for one lookup, and what of it counts as fresh.
pub struct Sight<'l> {
    topology: Ref<'l, Arc<Topology>>,
    stamp: u64,
    now: u64,
    oldest: i64,
    compat: &'l Compat,
    guess: &'l Cell<u32>,
}

/// What is to be seen in a [`Sight`].
#[derive(Clone, Copy)]
pub struct View<'s> {
    pub topology: &'s Topology,
    pub stamp: u64,
    /// 0 if a background refresh keeps everything fresh.
    pub now: u64,
    /// What was confirmed before this is too old.
    pub oldest: i64,
    pub compat: &'s Compat,
    /// Where the thread found the table that it looked up last.
    pub guess: &'s Cell<u32>,
}

impl Sight<'_> {
    #[inline(always)]
    pub fn view(&self) -> View<'_> {
        let Self { topology, stamp, now, oldest, compat, guess } = self;
        View { topology, stamp: *stamp, now: *now, oldest: *oldest, compat, guess }
    }
}

/// How a lookup comes by what it sees: [`Router::at_hand`] or [`Router::sight`].
pub trait See: for<'l> FnOnce(&'l Router, &'l Local) -> Option<Sight<'l>> {}

impl<S: for<'l> FnOnce(&'l Router, &'l Local) -> Option<Sight<'l>>> See for S {}

impl Router {
    /// What the thread of `local` has at hand, if that is the newest, and a background refresh
    /// keeps it fresh.
    #[inline(always)]
    pub fn at_hand<'l>(&'l self, local: &'l Local) -> Option<Sight<'l>> {
        Some(self.seen(self.refresher.current().at_hand(local)?, 0, ANY_AGE, local))
    }

    /// What the thread of `local` sees. It has it at
    /// hand then, unless the next lookup has to read the clock again: without a background
    /// refresh, or with a limit to the age.
    ///
    /// No lock, no allocation, no system call.
    pub fn sight<'l>(&'l self, local: &'l Local) -> Option<Sight<'l>> {
        let is_fresh = !self.limits_age && self.refresher.refreshes_itself();
        let (now, oldest) = if is_fresh { (0, ANY_AGE) } else { self.now_otherwise() };
        // Whoever has a snapshot at hand has a place, too.
        local.place();
        let is_fresh = || is_fresh && self.refresher.refreshes_itself();
        Some(self.seen(self.refresher.current().lease(local, is_fresh)?, now, oldest, local))
    }

    #[inline(always)]
    fn seen<'l>(
        &'l self,
        (topology, stamp): Held<'l>,
        now: u64,
        oldest: i64,
        local: &'l Local,
    ) -> Sight<'l> {
        let guess = self.refresher.current().guess(local);
        Sight { topology, stamp, now, oldest, compat: &self.compat, guess }
    }

    /// Counts a lookup that was answered.
    #[inline(always)]
    pub fn count(&self, local: &Local) {
        self.refresher.metrics().lookups.count(local.place_at_hand(), true);
    }

    #[cold]
    #[inline(never)]
    fn now_otherwise(&self) -> (u64, i64) {
        // A forked child finds no refresh of its own and starts one. What it has inherited
        // serves at once.
        let kept = self.refresher.refreshes_itself() || self.refresher.keep_refreshed();
        let oldest = self.refresher.oldest_allowed();
        if kept {
            return (0, oldest);
        }
        let now = self.refresher.clock().now();
        self.refresher.settle_at(now);
        (now, oldest)
    }
}

/// What tells the group of a table. An integer is the key of a shard; what holds other keys, too,
/// is compiled apart from it, since most keys are integers and need not carry the rest along.
pub trait Locate: Copy {
    fn group_in(self, table: &Table, compat: &Compat) -> Option<GroupId>;
}

impl Locate for i64 {
    // A shard that vanished is nowhere, and no group has that number.
    #[inline(always)]
    fn group_in(self, table: &Table, compat: &Compat) -> Option<GroupId> {
        table.map.group_of_integer(self, compat)
    }
}

impl Locate for Place<'_> {
    #[inline(always)]
    fn group_in(self, table: &Table, compat: &Compat) -> Option<GroupId> {
        match self {
            Place::Global => Some(table.global_group),
            Place::Shard(Key::Integer(key)) => table.map.group_of_integer(key, compat),
            Place::Shard(Key::Text(key)) => table.map.group_of_text(key, compat),
            Place::Shard(Key::Unsigned(key)) => table.map.group_of_unsigned(key, compat),
        }
    }
}

impl<'s> View<'s> {
    /// The group of tables by their names; nothing if one of them is none. Apart from the rest:
    /// hardly anybody joins.
    #[cold]
    #[inline(never)]
    pub fn group_of_names<'n>(
        self,
        mut tables: impl Iterator<Item = Option<&'n [u8]>>,
        place: impl Locate,
    ) -> Option<GroupId> {
        let group = self.group_of_name(tables.next()??, place)?;
        let is_there = |table: Option<&[u8]>| self.group_of_name(table?, place);
        tables.all(|table| is_there(table) == Some(group)).then_some(group)
    }

    /// The group of a table by its name.
    #[inline(always)]
    pub fn group_of_name(self, table: &[u8], place: impl Locate) -> Option<GroupId> {
        self.group_of(self.topology.tables.get_guessed(table, self.guess)?, place)
    }

    /// The group of a table.
    #[inline(always)]
    pub fn group_of(self, entry: &Entry<TableState>, place: impl Locate) -> Option<GroupId> {
        let TableState::Known(table) = &entry.value else { return None };
        if !self.takes(entry) {
            return None;
        }
        place.group_in(table, self.compat)
    }

    #[inline(always)]
    fn takes<E>(self, entry: &Entry<E>) -> bool {
        entry.is_fresh(self.now) && (self.oldest == ANY_AGE || entry.confirmed() >= self.oldest)
    }

    /// The server of a group, for the thread of `local`.
    #[inline(always)]
    pub fn server(self, group: GroupId, wanted: Wanted, local: &Local) -> Option<Chosen<'s>> {
        let turn = self.topology.turn(group, &local.turns);
        let entry = self.topology.group(group)?;
        if !self.takes(entry) {
            return None;
        }
        entry.value.choose(wanted, turn)
    }
}
