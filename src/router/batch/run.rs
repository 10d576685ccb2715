//! One pass over the keys of a batch.

use std::mem;

use super::super::look::{self, Look, Trust};
use super::super::{Request, Scope, choose_or_refuse, refusal};
use super::slots::{self, Slots};
use super::{Batch, CHUNK, Keys, Outcome, Take};
use crate::base::error::{Code, Error, Result};
use crate::local::Local;
use crate::refresh::flight::Wish;
use crate::topology::{Compat, GroupId, Key, KeyError, Table, Topology};

/// Places of groups from here on are refused.
const REFUSED: u32 = 1 << 31;

type Found = std::result::Result<GroupId, KeyError>;

/// One pass over all keys, in one topology.
pub(super) struct Run<'r, 't, K: ?Sized, T> {
    topology: &'t Topology,
    trust: Trust<'r>,
    batch: &'r Batch<'r, K>,
    compat: Compat,
    local: &'r Local,
    take: &'r mut T,
    slots: Slots,
    /// What is missing or old.
    wish: Wish,
    missing: bool,
    /// Whether nothing is missing or old of the groups of the keys that are done now.
    at_hand: bool,
    /// Why a table that is past its time cannot be used.
    old_refusal: Option<Error>,
    /// The groups without a server, and why.
    refused: Vec<(GroupId, Error)>,
    outcome: Outcome,
}

impl<'r, 't, K: Keys + ?Sized, T: Take> Run<'r, 't, K, T> {
    pub(super) fn new(
        topology: &'t Topology,
        trust: Trust<'r>,
        batch: &'r Batch<'r, K>,
        compat: Compat,
        local: &'r Local,
        take: &'r mut T,
    ) -> Self {
        Self {
            topology,
            trust,
            batch,
            compat,
            local,
            take,
            slots: Slots::new(),
            wish: Wish::default(),
            missing: false,
            at_hand: false,
            old_refusal: None,
            refused: Vec::new(),
            outcome: Outcome::default(),
        }
    }

    pub(super) fn all(&mut self) -> Result<Look<Outcome>> {
        let [first, others @ ..] = self.batch.tables else {
            return Err(Error::new(Code::Argument, "no table is named; name at least one"));
        };
        let first = self.table(first)?;
        for name in others {
            self.table(name)?;
        }
        if let Some(error) = self.old_refusal.take().filter(|_| !self.missing) {
            return Ok(Look::OldRefusal(mem::take(&mut self.wish), error));
        }
        if let Some(first) = first.filter(|_| !self.missing) {
            match self.batch.keys.integers() {
                Some(keys) if self.is_plain(first, others) => self.integers(first, keys),
                _ => self.chunks(first, others)?,
            }
        }
        let (wish, outcome) = (mem::take(&mut self.wish), mem::take(&mut self.outcome));
        Ok(match (self.missing, wish.is_empty()) {
            (true, _) => Look::Missing(wish),
            (false, true) => Look::Found(outcome),
            (false, false) => Look::Old(wish, outcome),
        })
    }

    /// A table, if it is at hand.
    fn table(&mut self, name: &[u8]) -> Result<Option<&'t Table>> {
        let (entry, old) = match look::table(self.topology, name, self.trust)? {
            Look::Found(entry) => (entry, false),
            Look::Old(wish, entry) => {
                self.wish.merge(wish);
                (entry, true)
            }
            Look::Missing(wish) => {
                self.wish.merge(wish);
                self.missing = true;
                return Ok(None);
            }
            Look::OldRefusal(wish, error) => {
                self.wish.merge(wish);
                self.old_refusal.get_or_insert(error);
                return Ok(None);
            }
        };
        match look::usable(name, entry) {
            Ok(table) => Ok(Some(table)),
            Err(error) if old => {
                self.old_refusal.get_or_insert(error);
                Ok(None)
            }
            Err(error) => Err(error),
        }
    }

    /// Whether integers need nothing but a search.
    fn is_plain(&self, table: &Table, others: &[&[u8]]) -> bool {
        others.is_empty() && self.batch.scope == Scope::Local && table.map.is_of_integers()
    }

    #[inline(never)]
    fn integers(&mut self, table: &Table, keys: &[i64]) {
        for (start, keys) in (0..).step_by(CHUNK).zip(keys.chunks(CHUNK)) {
            let mut groups = [None; CHUNK];
            for (key, group) in keys.iter().zip(&mut groups) {
                *group = table.map.group_of_integer(*key, &self.compat);
            }
            let groups = groups.get(..keys.len()).unwrap_or_default();
            self.reach_for(groups.iter().copied());
            for (at, group) in (start..).zip(groups) {
                match group {
                    Some(group) => self.answer(at, *group),
                    None => self.unplaced(at, refusal::code_of_key(KeyError::BelowLowest)),
                }
            }
        }
    }

    /// Finds out whether the groups of the next keys are all at hand. A processor reads them side
    /// by side here, and one after the other once more is done with each.
    #[inline(always)]
    fn reach_for(&mut self, mut groups: impl Iterator<Item = Option<GroupId>>) {
        let is_at_hand = |group| look::is_at_hand(self.topology, group, self.trust);
        self.at_hand = groups.all(|group| group.is_some_and(is_at_hand));
    }

    fn chunks(&mut self, table: &Table, others: &[&[u8]]) -> Result<()> {
        let count = self.batch.keys.len();
        for start in (0..count).step_by(CHUNK) {
            self.chunk(table, others, start, CHUNK.min(count - start))?;
        }
        Ok(())
    }

    #[inline(never)]
    fn chunk(
        &mut self,
        table: &Table,
        others: &[&[u8]],
        start: usize,
        length: usize,
    ) -> Result<()> {
        let mut keys = [Key::Integer(0); CHUNK];
        let mut wrong = [None; CHUNK];
        let is_wrong = self.batch.keys.fill(start, &mut keys, &mut wrong);
        let keys = keys.get(..length).unwrap_or_default();
        let mut groups = [Ok(GroupId::NOWHERE); CHUNK];
        self.groups(table, keys, &mut groups);
        if is_wrong || !others.is_empty() {
            return self.chunk_apart(others, start, keys, &groups, &wrong);
        }
        let groups = groups.get(..length).unwrap_or_default();
        self.reach_for(groups.iter().map(|group| group.ok()));
        for (at, group) in (start..).zip(groups) {
            match *group {
                Ok(group) => self.answer(at, group),
                Err(error) => self.unplaced(at, refusal::code_of_key(error)),
            }
        }
        Ok(())
    }

    /// The rest of `chunk`, where it is not only the group of one table that counts.
    #[inline(never)]
    fn chunk_apart(
        &mut self,
        others: &[&[u8]],
        start: usize,
        keys: &[Key<'_>],
        groups: &[Found; CHUNK],
        wrong: &[Option<Code>; CHUNK],
    ) -> Result<()> {
        let code = |found: Found| match found {
            Ok(GroupId::NOWHERE) => Err(Code::ShardUnavailable),
            Ok(group) => Ok(group),
            Err(error) => Err(refusal::code_of_key(error)),
        };
        let mut agreed = groups.map(code);
        for name in others {
            let mut other = [Ok(GroupId::NOWHERE); CHUNK];
            self.groups(look::known_table(self.topology, name)?, keys, &mut other);
            for (agreed, other) in agreed.iter_mut().zip(other) {
                *agreed = match (*agreed, code(other)) {
                    (Ok(first), Ok(other)) if first != other => Err(Code::DifferentShards),
                    (Ok(_), Err(code)) => Err(code),
                    _ => *agreed,
                };
            }
        }
        self.reach_for(agreed.iter().take(keys.len()).map(|agreed| agreed.ok()));
        for ((at, agreed), wrong) in (start..).zip(agreed).zip(wrong).take(keys.len()) {
            match (wrong, agreed) {
                (Some(code), _) => self.fail(at, *code),
                (None, Err(code)) => self.unplaced(at, code),
                (None, Ok(group)) => self.answer(at, group),
            }
        }
        Ok(())
    }

    /// The group of each key in one table.
    #[inline]
    fn groups(&self, table: &Table, keys: &[Key<'_>], groups: &mut [Found; CHUNK]) {
        match self.batch.scope {
            Scope::Global => *groups = [Ok(table.global_group); CHUNK],
            Scope::Local => table.map.find_groups(keys, self.compat, groups),
        }
    }

    #[inline(always)]
    fn answer(&mut self, at: usize, group: GroupId) {
        let place = match self.slots.get(group) {
            Some(place) => place,
            None => self.meet(group),
        };
        if place < REFUSED {
            self.take.key(at, Ok(place));
        } else {
            self.fail_of_group(at, place);
        }
    }

    #[cold]
    fn fail_of_group(&mut self, at: usize, place: u32) {
        if place == slots::NOWHERE {
            return self.unplaced(at, Code::ShardUnavailable);
        }
        let refused = self.refused.get((place - REFUSED) as usize);
        let code = refused.map_or(Code::NoServer, |(_, error)| error.code);
        self.fail(at, code);
    }

    #[cold]
    fn unplaced(&mut self, at: usize, code: Code) {
        self.fail(at, code);
    }

    #[cold]
    fn fail(&mut self, at: usize, code: Code) {
        self.take.key(at, Err(code));
        self.outcome.failed += 1;
        // Before a fetch the reasons do not count, and afterwards they are looked for again.
        if self.outcome.first.is_none() && !self.missing {
            self.outcome.first = Some((at, self.reason(at)));
        }
    }

    /// Chooses the server of a group that no key had before, and tells its place: an index of
    /// the servers, or from `REFUSED` on one of those refused.
    #[inline(never)]
    fn meet(&mut self, group: GroupId) -> u32 {
        if !self.at_hand {
            self.ask_for(group);
        }
        let place = match self.serve(group) {
            Ok(()) => {
                self.outcome.servers += 1;
                self.outcome.servers - 1
            }
            Err(error) => {
                self.refused.push((group, error));
                REFUSED + self.refused.len() as u32 - 1
            }
        };
        self.slots.insert(group, place);
        place
    }

    fn ask_for(&mut self, group: GroupId) {
        match look::group(self.topology, group, self.trust.at_any_age()) {
            Look::Found(_) => {}
            Look::Old(wish, _) | Look::OldRefusal(wish, _) => self.wish.merge(wish),
            Look::Missing(wish) => {
                self.wish.merge(wish);
                self.missing = true;
            }
        }
    }

    fn serve(&mut self, group: GroupId) -> Result<()> {
        let (name, wanted) = (self.topology.group_name(group), self.batch.wanted);
        if let Some(entry) = self.topology.group(group)
            && let Some(error) = self.trust.too_old(entry, || Wish::group(name))
        {
            return Err(error);
        }
        let chosen = choose_or_refuse(self.local, self.topology, group, name, wanted)?;
        self.take.server(self.outcome.servers, chosen)
    }

    /// Why a key has no server, as a lookup of it alone would say.
    fn reason(&self, at: usize) -> Error {
        let key = match self.batch.keys.get(at) {
            Ok(key) => key,
            Err(code) => {
                let why = match code {
                    Code::NullPointer => "it is NULL",
                    _ => "it is longer than any key; see fabric_key_text()",
                };
                return Error::new(code, why);
            }
        };
        let (tables, scope) = (self.batch.tables, self.batch.scope);
        let request = Request { tables, key: Some(key), scope };
        match look::group_of_request(self.topology, &request, self.compat, self.trust.blind()) {
            Ok(Look::Found(group) | Look::Old(_, group)) => {
                let refused = self.refused.iter().find(|(refused, _)| *refused == group);
                match refused {
                    Some((_, error)) => error.clone(),
                    None => {
                        refusal::no_server(self.topology.group_name(group), self.batch.wanted, None)
                    }
                }
            }
            Ok(Look::OldRefusal(_, error)) => error,
            Ok(Look::Missing(_)) => Error::new(Code::NoServer, "its group is not known yet"),
            Err(error) => error,
        }
    }
}
