//! The servers of many keys at once: for each key the index of its server in a short list, which
//! has one server of each group that is met.

mod session;
mod slots;

use super::Router;
use super::lookup::{Checked, Terms};
use super::resolve::{Miss, Query, ShardKey, Target};
use crate::base::error::Result;
use crate::thread_cache::ThreadCache;

pub use self::session::{Batch, CHUNK, Keys, Outcome, Session};
pub use self::slots::Slot;

impl Router {
    /// Has `pass` resolve all `count` keys, one chunk after the other, in one state of the farm: and
    /// again from the first, where something had to be fetched. A key alone fails for what is wrong
    /// with it, and the keys of a group for what is wrong with that.
    pub fn servers_of_keys(
        &self,
        cache: &ThreadCache,
        batch: &Batch<'_>,
        count: usize,
        mut pass: impl FnMut(&mut Session<'_, '_>),
    ) -> Result<Outcome> {
        let target = Target::tables(batch.tables, ShardKey::Missing);
        let query = Query { target, wanted: batch.wanted };
        let find = |view: Checked<'_>| -> std::result::Result<Outcome, Miss> {
            let mut session = Session::begin(view, batch, &cache.cursors)?;
            pass(&mut session);
            Ok(session.outcome())
        };
        let terms = Terms { by_key: true, ..Terms::of(batch.wanted) };
        let outcome = self.look(terms, &query, find, |_, outcome| Ok(outcome));
        let outcome = outcome.map_err(|error| self.explained(error));
        let lookups = &self.metrics.lookups;
        match &outcome {
            Ok(Outcome { failed, .. }) => {
                lookups.count_many(cache.stripe(), count - failed, *failed);
            }
            Err(_) => lookups.count(cache.stripe(), false),
        }
        outcome
    }
}
