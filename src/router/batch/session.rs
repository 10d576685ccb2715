//! One pass over the keys of a batch, in one topology.

use super::super::errors;
use super::super::freshness::GroupByGroup;
use super::super::lookup::Checked;
use super::super::resolve::Scope;
use super::super::resolve::{LookupView, Miss, Query, ShardKey, Target, unserved};
use super::slots::{Slot, Slots};
use crate::base::error::{Error, Result};
use crate::topology::balance::Cursors;
use crate::topology::{Chosen, GroupId, Key, KeyError, Table, Wanted};

/// How many keys are done at a time, without an allocation.
pub const CHUNK: usize = 64;

/// A request for many keys.
#[derive(Clone, Copy)]
pub struct Batch<'a> {
    pub tables: &'a [&'a [u8]],
    pub scope: Scope,
    pub wanted: Wanted,
    /// What of a server does not fit where it is to go. Its group then fails.
    pub fits: fn(&Chosen<'_>) -> Result<()>,
}

/// The next keys of a batch, up to [`CHUNK`].
#[derive(Clone, Copy)]
pub enum Keys<'k> {
    Integers(&'k [i64]),
    Any(&'k [Key<'k>]),
}

/// What came of a batch.
#[derive(Debug, Default)]
pub struct Outcome {
    /// How many servers the list has.
    pub servers: u32,
    /// How many keys have none.
    pub failed: usize,
    /// The first of them, and why.
    pub first: Option<(usize, Error)>,
}

type Placed = std::result::Result<GroupId, KeyError>;

/// One pass over the keys. It takes them in their order.
pub struct Session<'t, 'b> {
    view: LookupView<'t, GroupByGroup<'t>>,
    batch: &'b Batch<'b>,
    cursors: &'b Cursors,
    /// The first of the tables.
    table: &'t Table,
    slots: Slots,
    /// The servers that the last keys were the first of.
    met: [Option<Chosen<'t>>; CHUNK],
    met_count: usize,
    /// The groups without a server, and why.
    refused: Vec<(GroupId, Error)>,
    /// How many keys are done.
    done: usize,
    outcome: Outcome,
}

impl<'t, 'b> Session<'t, 'b> {
    pub(super) fn begin(
        view: Checked<'t>,
        batch: &'b Batch<'b>,
        cursors: &'b Cursors,
    ) -> std::result::Result<Self, Miss> {
        let mut table = None;
        let usable = |name: &&[u8]| view.usable(name, view.table_named(name)?);
        view.for_all(batch.tables.iter().map(usable), |next| {
            table.get_or_insert(next);
            Ok(())
        })?;
        let LookupView { topology, epoch, compat, last_hit, freshness } = view;
        Ok(Self {
            view: LookupView {
                topology,
                epoch,
                compat,
                last_hit,
                freshness: GroupByGroup(freshness),
            },
            batch,
            cursors,
            table: table.ok_or(Miss::NoTable)?,
            slots: Slots::new(),
            met: [None; CHUNK],
            met_count: 0,
            refused: Vec::new(),
            done: 0,
            outcome: Outcome::default(),
        })
    }

    pub(super) fn outcome(self) -> Outcome {
        self.outcome
    }

    /// Finds the servers of the next keys. `wrong` says of each what the caller finds wrong with it,
    /// or is empty if nothing is.
    pub fn resolve(&mut self, keys: Keys<'_>, wrong: &[Option<Miss>], slots: &mut [Slot; CHUNK]) {
        self.met_count = 0;
        let is_plain = wrong.is_empty() && self.batch.tables.len() == 1;
        match keys {
            Keys::Integers(keys)
                if is_plain
                    && self.batch.scope == Scope::Local
                    && self.table.map.is_of_integers() =>
            {
                self.resolve_integers(keys, slots);
            }
            Keys::Integers(integers) => {
                let mut keys = [Key::Integer(0); CHUNK];
                for (key, integer) in keys.iter_mut().zip(integers) {
                    *key = Key::Integer(*integer);
                }
                let keys = keys.get(..integers.len()).unwrap_or_default();
                self.resolve_any(keys, is_plain, wrong, slots);
            }
            Keys::Any(keys) => self.resolve_any(keys, is_plain, wrong, slots),
        }
    }

    /// The servers that no keys before the last ones had, and the index of the first.
    pub fn met(&self) -> (u32, impl Iterator<Item = Chosen<'t>>) {
        let first = self.outcome.servers - self.met_count as u32;
        (first, self.met.iter().take(self.met_count).copied().flatten())
    }

    #[inline(never)]
    fn resolve_integers(&mut self, keys: &[i64], slots: &mut [Slot; CHUNK]) {
        let mut placed = [Err(KeyError::BelowLowest); CHUNK];
        for (key, placed) in keys.iter().zip(&mut placed) {
            *placed = self.table.map.find_group(Key::Integer(*key), self.view.compat);
        }
        let placed = placed.get(..keys.len()).unwrap_or_default();
        self.answer_all(placed, |at| keys.get(at).copied().map(Key::Integer), slots);
    }

    #[inline(never)]
    fn resolve_any(
        &mut self,
        keys: &[Key<'_>],
        is_plain: bool,
        wrong: &[Option<Miss>],
        slots: &mut [Slot; CHUNK],
    ) {
        let mut placed = [Err(KeyError::BelowLowest); CHUNK];
        self.place(self.table, keys, &mut placed);
        if is_plain {
            let placed = placed.get(..keys.len()).unwrap_or_default();
            self.answer_all(placed, |at| keys.get(at).copied(), slots);
        } else {
            self.join(keys, &placed, wrong, slots);
        }
    }

    /// The group of each key in one table.
    #[inline]
    fn place(&self, table: &Table, keys: &[Key<'_>], placed: &mut [Placed; CHUNK]) {
        match self.batch.scope {
            Scope::Global => *placed = [Ok(table.global_group); CHUNK],
            Scope::Local => table.map.find_groups(keys, self.view.compat, placed),
        }
    }

    #[inline(always)]
    fn answer_all<'k>(
        &mut self,
        placed: &[Placed],
        key: impl Fn(usize) -> Option<Key<'k>>,
        slots: &mut [Slot; CHUNK],
    ) {
        self.read_ahead(placed.iter().filter_map(|placed| placed.ok()));
        for (at, (placed, slot)) in placed.iter().zip(slots).enumerate() {
            *slot = match *placed {
                Ok(group) => self.answer(group, || key(at)),
                Err(error) => self.fail(Miss::Key(error), key(at)),
            };
            self.done += 1;
        }
    }

    /// The rest of `resolve_any`, where it is not only the group of one table that counts.
    #[inline(never)]
    fn join(
        &mut self,
        keys: &[Key<'_>],
        placed: &[Placed; CHUNK],
        wrong: &[Option<Miss>],
        slots: &mut [Slot; CHUNK],
    ) {
        let somewhere = |placed: Placed| match placed {
            Ok(GroupId::NOWHERE) => Err(Miss::ShardVanished),
            placed => placed.map_err(Miss::Key),
        };
        let mut agreed = placed.map(somewhere);
        for name in self.batch.tables.iter().skip(1) {
            let mut other = [Err(KeyError::BelowLowest); CHUNK];
            if let Ok(table) = errors::known_table(self.view.topology, name) {
                self.place(table, keys, &mut other);
            }
            for (agreed, other) in agreed.iter_mut().zip(other) {
                *agreed = match (*agreed, somewhere(other)) {
                    (Ok(first), Ok(other)) => first.joined(other).ok_or(Miss::DifferentShards),
                    (Ok(_), Err(miss)) => Err(miss),
                    _ => *agreed,
                };
            }
        }
        self.read_ahead(agreed.iter().filter_map(|agreed| agreed.ok()));
        let wrong = wrong.iter().copied().chain(std::iter::repeat(None));
        for (((key, agreed), wrong), slot) in keys.iter().zip(agreed).zip(wrong).zip(slots) {
            *slot = match wrong.map_or(agreed, Err) {
                Ok(group) => self.answer(group, || Some(*key)),
                Err(miss) => self.fail(miss, Some(*key)),
            };
            self.done += 1;
        }
    }

    /// Has the processor read the groups of the next keys side by side, and not one after the other
    /// once more is done with each.
    #[inline(always)]
    fn read_ahead(&self, groups: impl Iterator<Item = GroupId>) {
        let topology = self.view.topology;
        let expired =
            groups.filter(|group| topology.group(*group).is_none_or(|entry| entry.is_distrusted()));
        std::hint::black_box(expired.count());
    }

    #[inline(always)]
    fn answer<'k>(&mut self, group: GroupId, key: impl FnOnce() -> Option<Key<'k>>) -> Slot {
        let slot = match self.slots.get(group) {
            Some(slot) => slot,
            None => self.meet(group),
        };
        if slot.is_failed() {
            self.fail_of_group(group, key());
        }
        slot
    }

    /// Chooses the server of a group that no key had before.
    #[inline(never)]
    fn meet(&mut self, group: GroupId) -> Slot {
        if group.is_read_only() && self.batch.wanted != Wanted::Primary {
            return self.meet_read_only(group);
        }
        let slot = match self.serve(group) {
            Ok(chosen) => {
                if let Some(met) = self.met.get_mut(self.met_count) {
                    *met = Some(chosen);
                }
                self.met_count += 1;
                self.outcome.servers += 1;
                Slot::of(self.outcome.servers - 1)
            }
            Err(error) => {
                let slot = Slot::failed(error.code);
                self.refused.push((group, error));
                slot
            }
        };
        self.slots.insert(group, slot);
        slot
    }

    /// Reads of a read-only shard go where those of its group's other shards go.
    #[cold]
    fn meet_read_only(&mut self, group: GroupId) -> Slot {
        let base = group.base();
        let slot = match self.slots.get(base) {
            Some(slot) => slot,
            None => self.meet(base),
        };
        let refused = self.refused.iter().find(|(refused, _)| *refused == base);
        if let Some((_, error)) = refused.cloned() {
            self.refused.push((group, error));
        }
        self.slots.insert(group, slot);
        slot
    }

    fn serve(&self, group: GroupId) -> Result<Chosen<'t>> {
        let (topology, wanted) = (self.view.topology, self.batch.wanted);
        let chosen = self.view.group_entry_for(group, wanted).and_then(|entry| {
            let chosen = entry.value.choose(wanted, topology.cursor(group, self.cursors));
            chosen.ok_or_else(|| unserved(group, entry, wanted))
        });
        match chosen {
            Ok(chosen) => (self.batch.fits)(&chosen).map(|()| chosen),
            Err(Miss::TooOld(group)) => Err(self.view.freshness.0.too_old(topology, group)),
            Err(miss) => match self.view.freshness.0.failure(topology, group) {
                Some(error) if miss == Miss::Expired => Err(error.clone()),
                _ => Err(self.error_of(miss, None)),
            },
        }
    }

    #[cold]
    fn fail_of_group(&mut self, group: GroupId, key: Option<Key<'_>>) {
        let refused = self.refused.iter().find(|(refused, _)| *refused == group);
        let Some((_, error)) = refused else {
            self.fail(Miss::ShardVanished, key);
            return;
        };
        if self.is_first() {
            self.outcome.first = Some((self.done, error.clone()));
        }
        self.outcome.failed += 1;
    }

    #[cold]
    fn fail(&mut self, miss: Miss, key: Option<Key<'_>>) -> Slot {
        self.outcome.failed += 1;
        if self.is_first() {
            self.outcome.first = Some((self.done, self.error_of(miss, key)));
        }
        Slot::failed(miss.code())
    }

    /// Whether the next failure is the first whose reason counts: before a fetch none does, and
    /// afterwards they are looked for again.
    fn is_first(&self) -> bool {
        self.outcome.first.is_none() && !self.view.freshness.0.is_missing()
    }

    /// Why a key has no server, as a lookup of it alone would say.
    fn error_of(&self, miss: Miss, key: Option<Key<'_>>) -> Error {
        let key = match (self.batch.scope, key) {
            (Scope::Local, Some(key)) => ShardKey::Key(key),
            _ => ShardKey::Global,
        };
        let target = Target::tables(self.batch.tables, key);
        let query = Query { target, wanted: self.batch.wanted };
        errors::error_of(self.view, &query, miss)
    }
}
