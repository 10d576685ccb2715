//! The way of nearly every lookup: all is known, fresh and clear. Whatever else there is to say,
//! [`super::look`] says it.
//!
//! Everything here is inlined into the calls from C. It is written without closures and results,
//! which compilers move through memory.

use std::cell::Ref;
use std::sync::Arc;

use crate::local::Local;
use crate::topology::{Chosen, Compat, Entry, GroupId, TableState, Topology, Wanted};

use super::{Place, Router};

/// The newest snapshot, held for one lookup, and what of it counts as fresh.
pub struct Sight<'l> {
    topology: Ref<'l, Arc<Topology>>,
    stamp: u64,
    now: u64,
    compat: Compat,
}

/// What is to be seen in a [`Sight`].
#[derive(Clone, Copy)]
pub struct View<'s> {
    pub topology: &'s Topology,
    pub stamp: u64,
    /// 0 if a background refresh keeps everything fresh.
    pub now: u64,
    pub compat: Compat,
}

impl Sight<'_> {
    #[inline(always)]
    pub fn view(&self) -> View<'_> {
        let Self { topology, stamp, now, compat } = self;
        View { topology, stamp: *stamp, now: *now, compat: *compat }
    }
}

impl Router {
    /// What the thread of `local` sees, unless the options ask for more than a look.
    ///
    /// No lock, no allocation, no system call. Without a background refresh the clock is read.
    #[inline(always)]
    pub fn sight<'l>(&self, local: &'l Local) -> Option<Sight<'l>> {
        let now = if self.limits_age || !self.refresher.refreshes_itself() {
            self.now_without_refresh()?
        } else {
            0
        };
        let (topology, stamp) = self.refresher.lease(local)?;
        Some(Sight { topology, stamp, now, compat: self.compat })
    }

    /// Counts a lookup that was answered.
    #[inline(always)]
    pub fn count(&self, local: &Local) {
        self.refresher.metrics().lookups.count(local.place(), true);
    }

    #[cold]
    #[inline(never)]
    fn now_without_refresh(&self) -> Option<u64> {
        if self.limits_age {
            return None;
        }
        // A forked child finds no refresh of its own and starts one. What it has inherited
        // serves at once.
        let kept = self.refresher.keep_refreshed();
        Some(if kept { 0 } else { self.refresher.clock().now() })
    }
}

impl<'s> View<'s> {
    /// The group of tables by their names; nothing if one of them is none.
    #[inline(always)]
    pub fn group_of_names<'n>(
        self,
        mut tables: impl Iterator<Item = Option<&'n [u8]>>,
        place: Place<'_>,
    ) -> Option<GroupId> {
        let group = self.group_of_name(tables.next()??, place)?;
        // Hardly anybody joins, and nobody else is to wait for the loop to be set up.
        match tables.next() {
            None => Some(group),
            Some(second) => self.if_all_in(group, second, tables, place),
        }
    }

    #[cold]
    #[inline(never)]
    fn if_all_in<'n>(
        self,
        group: GroupId,
        second: Option<&'n [u8]>,
        mut more: impl Iterator<Item = Option<&'n [u8]>>,
        place: Place<'_>,
    ) -> Option<GroupId> {
        let is_in = |table: Option<&[u8]>| {
            table.and_then(|table| self.group_of_name(table, place)) == Some(group)
        };
        (is_in(second) && more.all(is_in)).then_some(group)
    }

    #[inline(always)]
    fn group_of_name(self, table: &[u8], place: Place<'_>) -> Option<GroupId> {
        self.group_of(self.topology.tables.get(table)?, place)
    }

    /// The group of a table.
    #[inline(always)]
    pub fn group_of(self, entry: &Entry<TableState>, place: Place<'_>) -> Option<GroupId> {
        let TableState::Known(table) = &entry.value else { return None };
        if !entry.is_fresh(self.now) {
            return None;
        }
        match place {
            Place::Global => Some(table.global_group),
            // A shard that vanished is nowhere, and no group has that number.
            Place::Shard(key) => table.map.group_if_any(key, self.compat),
        }
    }

    /// The server of a group, for the thread of `local`.
    #[inline(always)]
    pub fn server(self, group: GroupId, wanted: Wanted, local: &Local) -> Option<Chosen<'s>> {
        let entry = self.topology.group(group)?;
        if !entry.is_fresh(self.now) {
            return None;
        }
        entry.value.choose(wanted, &local.turns)
    }
}
