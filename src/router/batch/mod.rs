//! The servers of many keys at once: for each key the index of its server in a short list, which
//! has one server of each group that is met.

mod slots;

use std::cell::RefCell;

use self::slots::{Place, Slots};
use super::look::{self, Look, Trust};
use super::{Request, Router, Scope, choose_or_refuse, refusal};
use crate::error::{Code, Error, Result};
use crate::local::Local;
use crate::refresh::flight::Wish;
use crate::topology::{Chosen, Compat, GroupId, Key, KeyError, Table, Topology, Wanted};

/// How many keys are done at a time, without an allocation.
const CHUNK: usize = 64;

/// The keys of a batch.
pub trait Keys {
    fn len(&self) -> usize;

    fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The key at this position, or what is wrong with it.
    fn get(&self, at: usize) -> std::result::Result<Key<'_>, Code>;
}

impl Keys for [Key<'_>] {
    fn len(&self) -> usize {
        self.len()
    }

    #[inline]
    fn get(&self, at: usize) -> std::result::Result<Key<'_>, Code> {
        self.get(at).copied().ok_or(Code::Argument)
    }
}

/// A request for many keys.
pub struct Batch<'a, K: ?Sized> {
    pub tables: &'a [&'a [u8]],
    pub keys: &'a K,
    pub scope: Scope,
    pub wanted: Wanted,
}

/// Where the answers go. All of it may be told again from the start, while Fabric is asked.
pub trait Take {
    /// The server at an index of the list; the indexes come in turn.
    fn server(&mut self, index: u32, chosen: Chosen<'_>) -> Result<()>;

    /// The index of a key's server, or why the key has none.
    fn key(&mut self, at: usize, server: std::result::Result<u32, Code>);
}

/// What came of a batch.
#[derive(Debug)]
pub struct Outcome {
    /// How many servers the list has.
    pub servers: u32,
    /// How many keys have none.
    pub failed: usize,
    /// The first of them, and why.
    pub first: Option<(usize, Error)>,
}

impl Router {
    /// Tells `take` the server of each key. A key alone fails for what is wrong with it, and the
    /// keys of a group for what is wrong with that.
    pub fn choose_many<K: Keys + ?Sized>(
        &self,
        local: &Local,
        batch: &Batch<'_, K>,
        take: &mut impl Take,
    ) -> Result<Outcome> {
        let take = RefCell::new(take);
        let find = |topology: &Topology, trust: Trust<'_>| {
            let run = Run {
                topology,
                trust,
                batch,
                compat: self.compat,
                local,
                take: &mut **take.borrow_mut(),
                slots: Slots::new(),
                wish: Wish::default(),
                missing: false,
                refused: Vec::new(),
                outcome: Outcome { servers: 0, failed: 0, first: None },
            };
            run.all()
        };
        let outcome = self.look(find, |_, outcome| Ok(outcome));
        let lookups = &self.refresher.metrics().lookups;
        match &outcome {
            Ok(Outcome { failed, .. }) => {
                lookups.count_many(local.place(), batch.keys.len() - failed, *failed);
            }
            Err(_) => lookups.count(local.place(), false),
        }
        outcome
    }
}

/// One pass over all keys, in one topology.
struct Run<'r, 't, K: ?Sized, T> {
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
    /// The groups without a server.
    refused: Vec<(GroupId, Error)>,
    outcome: Outcome,
}

impl<'t, K: Keys + ?Sized, T: Take> Run<'_, 't, K, T> {
    fn all(mut self) -> Result<Look<Outcome>> {
        let [first, others @ ..] = self.batch.tables else {
            return Err(Error::new(Code::Argument, "no table is named; name at least one"));
        };
        let first = self.table(first)?;
        for name in others {
            self.table(name)?;
        }
        if let Some(first) = first.filter(|_| !self.missing) {
            let count = self.batch.keys.len();
            for start in (0..count).step_by(CHUNK) {
                self.chunk(first, others, start, CHUNK.min(count - start))?;
            }
            // An answer that is about to be renewed refuses nobody yet.
            self.missing |= self.outcome.failed > 0 && !self.wish.is_empty();
        }
        Ok(match (self.missing, self.wish.is_empty()) {
            (true, _) => Look::Missing(self.wish),
            (false, true) => Look::Found(self.outcome),
            (false, false) => Look::Old(self.wish, self.outcome),
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
        };
        match look::usable(name, entry) {
            Ok(table) => Ok(Some(table)),
            Err(_) if old => {
                self.missing = true;
                Ok(None)
            }
            Err(error) => Err(error),
        }
    }

    fn chunk(
        &mut self,
        table: &Table,
        others: &[&[u8]],
        start: usize,
        length: usize,
    ) -> Result<()> {
        let mut keys = [Key::Integer(0); CHUNK];
        let mut groups = [Err(Code::Argument); CHUNK];
        let mut wrong = [None; CHUNK];
        let given = keys.iter_mut().zip(&mut wrong).take(length).enumerate();
        for (at, (key, wrong)) in given {
            match self.batch.keys.get(start + at) {
                Ok(given) => *key = given,
                Err(code) => *wrong = Some(code),
            }
        }
        let keys = keys.get(..length).unwrap_or_default();
        self.groups(table, keys, &mut groups);
        for name in others {
            let mut other = [Err(Code::Argument); CHUNK];
            self.groups(look::known_table(self.topology, name)?, keys, &mut other);
            for (group, other) in groups.iter_mut().zip(other) {
                *group = match (*group, other) {
                    (Ok(first), Ok(other)) if first != other => Err(Code::DifferentShards),
                    (Ok(_), Err(code)) => Err(code),
                    _ => *group,
                };
            }
        }
        for (at, (group, wrong)) in groups.into_iter().zip(wrong).take(length).enumerate() {
            let place = match (wrong, group) {
                (Some(code), _) | (None, Err(code)) => Err(code),
                (None, Ok(group)) => match self.slots.get(group) {
                    Some(place) => place,
                    None => self.meet(group),
                },
            };
            if place.is_err() {
                self.failed(start + at);
            }
            self.take.key(start + at, place);
        }
        Ok(())
    }

    /// The group of each key in one table.
    fn groups(
        &self,
        table: &Table,
        keys: &[Key<'_>],
        groups: &mut [std::result::Result<GroupId, Code>; CHUNK],
    ) {
        if self.batch.scope == Scope::Global {
            *groups = [Ok(table.global_group); CHUNK];
            return;
        }
        let mut found: [std::result::Result<GroupId, KeyError>; CHUNK] =
            [Ok(GroupId::NOWHERE); CHUNK];
        table.map.find_groups(keys, self.compat, &mut found);
        for (group, found) in groups.iter_mut().zip(found) {
            *group = match found {
                Ok(GroupId::NOWHERE) => Err(Code::ShardUnavailable),
                Ok(group) => Ok(group),
                Err(error) => Err(refusal::code_of_key(error)),
            };
        }
    }

    /// Chooses the server of a group that no key had before.
    #[cold]
    fn meet(&mut self, group: GroupId) -> Place {
        match look::group(self.topology, group, self.trust) {
            Look::Found(_) => {}
            Look::Old(wish, _) => self.wish.merge(wish),
            Look::Missing(wish) => {
                self.wish.merge(wish);
                self.missing = true;
            }
        }
        let place = match self.serve(group) {
            Ok(()) => {
                self.outcome.servers += 1;
                Ok(self.outcome.servers - 1)
            }
            Err(error) => {
                let code = error.code;
                self.refused.push((group, error));
                Err(code)
            }
        };
        self.slots.insert(group, place);
        place
    }

    fn serve(&mut self, group: GroupId) -> Result<()> {
        let (name, wanted) = (self.topology.group_name(group), self.batch.wanted);
        let chosen = choose_or_refuse(self.local, self.topology, group, name, wanted)?;
        self.take.server(self.outcome.servers, chosen)
    }

    #[cold]
    fn failed(&mut self, at: usize) {
        self.outcome.failed += 1;
        // Before a fetch the reasons do not count, and afterwards they are looked for again.
        if self.outcome.first.is_none() && !self.missing {
            self.outcome.first = Some((at, self.reason(at)));
        }
    }

    /// Why a key has no server, as a lookup of it alone would say.
    fn reason(&mut self, at: usize) -> Error {
        let key = match self.batch.keys.get(at) {
            Ok(key) => key,
            Err(code) => return Error::new(code, "it is NULL or longer than memory"),
        };
        let (tables, scope) = (self.batch.tables, self.batch.scope);
        let request = Request { tables, key: Some(key), scope };
        match look::group_of_request(self.topology, &request, self.compat, Trust::BLIND) {
            Ok(Look::Found(group) | Look::Old(_, group)) => {
                let refused = self.refused.iter().find(|(refused, _)| *refused == group);
                match refused {
                    Some((_, error)) => error.clone(),
                    None => {
                        refusal::no_server(self.topology.group_name(group), self.batch.wanted, None)
                    }
                }
            }
            Ok(Look::Missing(_)) => Error::new(Code::NoServer, "its group is not known yet"),
            Err(error) => error,
        }
    }
}
