//! Tables that are looked up often: their names are looked for once in each snapshot.

use std::sync::atomic::{AtomicU64, Ordering};

use crate::base::error::Result;
use crate::local::Local;
use crate::topology::{Chosen, Entry, GroupId, TableState, Topology, Wanted};

use super::look::Terms;
use super::{Locate, Request, Router, View, look};

/// Tables of one handle, by name. They need not exist for ever: what became of one is said by
/// the lookup that finds it changed.
#[derive(Debug)]
pub struct Tables {
    tables: Box<[Known]>,
}

#[derive(Debug)]
struct Known {
    name: Box<[u8]>,
    /// The table's position in the snapshot with this stamp: one word, so that threads which
    /// find it out at the same time need not agree on who writes it.
    place: AtomicU64,
}

const POSITION_BITS: u32 = 24;
const POSITION_MASK: u64 = (1 << POSITION_BITS) - 1;

impl Known {
    #[inline(always)]
    fn entry<'s>(&self, view: View<'s>) -> Option<&'s Entry<TableState>> {
        let place = self.place.load(Ordering::Relaxed);
        let known = place ^ view.stamp << POSITION_BITS <= POSITION_MASK;
        let at = match known {
            true => (place & POSITION_MASK) as usize,
            false => self.find(view.topology, view.stamp)?,
        };
        view.topology.tables.at(at).map(|entry| &**entry)
    }

    #[cold]
    #[inline(never)]
    fn find(&self, topology: &Topology, stamp: u64) -> Option<usize> {
        let at = topology.tables.position(&self.name)?;
        if at as u64 <= POSITION_MASK {
            self.place.store(stamp << POSITION_BITS | at as u64, Ordering::Relaxed);
        }
        Some(at)
    }
}

impl Tables {
    /// Their names, in the order they were given in.
    pub fn names(&self) -> Vec<&[u8]> {
        self.tables.iter().map(|table| &*table.name).collect()
    }
}

impl Router {
    /// Fetches what is not known of these tables, and refuses those that cannot be used.
    pub fn open(&self, names: &[&str]) -> Result<Tables> {
        let terms = Terms::within(self.refresher.lookup_bound());
        for name in names {
            // Opening is no lookup, and not counted as one.
            let found = self.look(terms, look::table_named(name), |topology, ()| {
                look::known_table(topology, name.as_bytes()).map(drop)
            });
            found.map_err(|error| self.explained(error))?;
        }
        let known = |name: &&str| Known { name: name.as_bytes().into(), place: AtomicU64::new(0) };
        Ok(Tables { tables: names.iter().map(known).collect() })
    }

    /// As `choose`, for tables that were opened.
    pub fn choose_opened<T>(
        &self,
        local: &Local,
        opened: &Tables,
        request: &Request<'_>,
        wanted: Wanted,
        take: impl FnOnce(Chosen<'_>) -> Result<T>,
    ) -> Result<T> {
        let names = opened.names();
        self.choose(local, &Request { tables: &names, ..*request }, wanted, take)
    }
}

impl View<'_> {
    /// The group of tables that were opened.
    #[inline(always)]
    pub fn group_of_opened(self, opened: &Tables, place: impl Locate) -> Option<GroupId> {
        match &*opened.tables {
            [table] => self.group_of(table.entry(self)?, place),
            // A copy, so that the view itself need not be in memory.
            tables => View { ..self }.group_of_all(tables, place),
        }
    }

    #[cold]
    #[inline(never)]
    fn group_of_all(&self, tables: &[Known], place: impl Locate) -> Option<GroupId> {
        let group_of = |table: &Known| self.group_of(table.entry(*self)?, place);
        let group = group_of(tables.first()?)?;
        tables.iter().all(|table| group_of(table) == Some(group)).then_some(group)
    }
}
