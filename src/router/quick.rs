//! The way of nearly every lookup: all is known, fresh and clear. Whatever else there is to say,
//! [`super::look`] says it.

use crate::local::Local;
use crate::topology::{Chosen, Compat, Entry, GroupId, TableState, Topology, Wanted};

use super::Place;

/// What counts as fresh.
#[derive(Debug, Clone, Copy)]
pub(super) enum Freshness {
    /// What the background refresh keeps.
    Kept,
    /// What is fresh at this time.
    Until(u64),
}

impl Freshness {
    #[inline(always)]
    fn covers<T>(self, entry: &Entry<T>) -> bool {
        match self {
            Self::Kept => !entry.is_distrusted(),
            Self::Until(now) => entry.is_fresh(now),
        }
    }
}

/// A lookup in one snapshot. Its answers are there if there is nothing to fetch, to refuse or to
/// wait for.
#[derive(Clone, Copy)]
pub(super) struct Question<'t, 'k> {
    pub topology: &'t Topology,
    pub place: Place<'k>,
    pub compat: Compat,
    pub fresh: Freshness,
}

impl<'t> Question<'t, '_> {
    /// The group of a table.
    #[inline(always)]
    pub fn group(self, table: &[u8]) -> Option<GroupId> {
        self.group_of(self.topology.tables.get(table)?)
    }

    #[inline(always)]
    pub fn group_of(self, entry: &Entry<TableState>) -> Option<GroupId> {
        let TableState::Known(table) = &entry.value else { return None };
        if !self.fresh.covers(entry) {
            return None;
        }
        match self.place {
            Place::Global => Some(table.global_group),
            // A shard that vanished is nowhere, and no group has that number.
            Place::Shard(key) => table.map.find_group(key, self.compat).ok(),
        }
    }

    /// The server of a group.
    #[inline(always)]
    pub fn server(self, group: GroupId, wanted: Wanted, local: &Local) -> Option<Chosen<'t>> {
        let entry = self.topology.group(group)?;
        if !self.fresh.covers(entry) {
            return None;
        }
        entry.value.choose(wanted, &local.turns)
    }
}
