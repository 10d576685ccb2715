//! Tables that are looked up often: their names are looked for once in each snapshot.

use std::slice;
use std::sync::atomic::{AtomicU64, Ordering};

use crate::topology::Topology;

/// Tables of one handle, by name. They need not exist for ever: what became of one is said by
/// the lookup that finds it changed.
#[derive(Debug)]
pub struct PreparedTables {
    tables: Box<[PreparedTable]>,
}

/// One of them.
#[derive(Debug)]
pub struct PreparedTable {
    name: Box<[u8]>,
    /// The table's position in the snapshot of an epoch: one word, so that threads which find it
    /// out at the same time need not agree on who writes it.
    place: AtomicU64,
}

const POSITION_BITS: u32 = 24;
const POSITION_MASK: u64 = (1 << POSITION_BITS) - 1;

/// The position of a table that was not looked for yet: no snapshot has this epoch.
const UNKNOWN: u64 = u64::MAX;

impl PreparedTables {
    pub(super) fn new(names: &[&str]) -> Self {
        let table = |name: &&str| PreparedTable {
            name: name.as_bytes().into(),
            place: AtomicU64::new(UNKNOWN),
        };
        Self { tables: names.iter().map(table).collect() }
    }

    /// The only one, if there are not several.
    #[inline(always)]
    pub fn only(&self) -> Option<&PreparedTable> {
        match &*self.tables {
            [table] => Some(table),
            _ => None,
        }
    }

    /// Hands the names to `ask`, in the order they were given in. Nothing is allocated for one.
    pub fn with_names<R>(&self, ask: impl FnOnce(&[&[u8]]) -> R) -> R {
        match self.only() {
            Some(table) => ask(&[table.name()]),
            None => ask(&self.iter().map(PreparedTable::name).collect::<Vec<_>>()),
        }
    }

    /// In the order they were given in.
    pub(super) fn iter(&self) -> slice::Iter<'_, PreparedTable> {
        self.tables.iter()
    }
}

impl PreparedTable {
    pub(super) fn name(&self) -> &[u8] {
        &self.name
    }

    /// The table's position in the snapshot of an epoch; epoch 0 is that of none which is
    /// remembered.
    #[inline(always)]
    pub(super) fn position(&self, topology: &Topology, epoch: u64) -> Option<usize> {
        let place = self.place.load(Ordering::Relaxed);
        let is_known = place ^ epoch << POSITION_BITS <= POSITION_MASK;
        if is_known { Some((place & POSITION_MASK) as usize) } else { self.find(topology, epoch) }
    }

    #[cold]
    #[inline(never)]
    fn find(&self, topology: &Topology, epoch: u64) -> Option<usize> {
        let at = topology.tables.position(&self.name)?;
        if epoch != 0 && at as u64 <= POSITION_MASK {
            self.place.store(epoch << POSITION_BITS | at as u64, Ordering::Relaxed);
        }
        Some(at)
    }
}
