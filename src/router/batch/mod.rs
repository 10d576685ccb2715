//! The servers of many keys at once: for each key the index of its server in a short list, which
//! has one server of each group that is met.

mod run;
mod slots;

use std::cell::RefCell;

use self::run::Run;
use super::look::{Terms, Trust};
use super::{Router, Scope};
use crate::base::error::{Code, Error, Result};
use crate::local::Local;
use crate::topology::{Chosen, Key, Topology, Wanted};

/// How many keys are done at a time, without an allocation.
pub(crate) const CHUNK: usize = 64;

/// The keys of a batch.
pub trait Keys {
    fn len(&self) -> usize;

    fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// All keys, if they are integers.
    fn integers(&self) -> Option<&[i64]> {
        None
    }

    /// The key at this position, or what is wrong with it.
    fn get(&self, at: usize) -> std::result::Result<Key<'_>, Code>;

    /// The keys from `start` on, as far as there are some, or what is wrong with them; whether
    /// anything is.
    #[inline]
    fn fill<'k>(
        &'k self,
        start: usize,
        keys: &mut [Key<'k>; CHUNK],
        wrong: &mut [Option<Code>; CHUNK],
    ) -> bool {
        let mut any = false;
        for ((at, key), wrong) in (start..self.len()).zip(keys).zip(wrong) {
            match self.get(at) {
                Ok(given) => *key = given,
                Err(code) => {
                    *wrong = Some(code);
                    any = true;
                }
            }
        }
        any
    }
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
#[derive(Debug, Default)]
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
            Run::new(topology, trust, batch, self.compat, local, &mut **take.borrow_mut()).all()
        };
        let outcome = self.look(Terms::of(batch.wanted), find, |_, outcome| Ok(outcome));
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
