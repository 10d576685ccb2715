//! How old what is known is: each table and each group by itself.

use std::sync::atomic::Ordering;

use crate::base::c_names::MAX_STALE;
use crate::base::error::{Code, Error};
use crate::topology::Times;

use super::Refresher;
use super::single_flight::FetchRequest;
use crate::base::clock::{millis, signed};

/// The limit of who takes anything, however old.
pub(crate) const ANY_AGE: i64 = i64::MIN;

impl Refresher {
    /// Milliseconds since the source confirmed what of the tables and groups
    /// it lists was confirmed longest ago; of a farm without any since it last answered. `None`
    /// where nobody knows.
    ///
    /// Looks at every table and group.
    pub fn age(&self) -> Option<u64> {
        match self.topology.load().oldest() {
            None => self.since_answer(),
            Some(confirmed) => self.since(confirmed),
        }
    }

    /// Milliseconds since the source last answered a dump, this handle or the one that left the
    /// snapshot; `None` if it never did.
    pub(super) fn since_answer(&self) -> Option<u64> {
        match self.last_answer.load(Ordering::Relaxed) {
            0 => self.disk.age(self.clock.now()),
            then => Some(self.clock.now().saturating_sub(then)),
        }
    }

    fn since(&self, confirmed: i64) -> Option<u64> {
        let age = signed(self.clock.now()).saturating_sub(confirmed).max(0);
        (confirmed != Times::UNKNOWN).then_some(age.unsigned_abs())
    }

    /// What was confirmed before this is older than the options allow.
    pub fn oldest_allowed(&self) -> i64 {
        match self.config.max_stale {
            None => ANY_AGE,
            Some(most) => signed(self.clock.now()) - signed(millis(most)),
        }
    }

    /// When the whole farm was last listed, as far as names that are not known are judged by it.
    pub fn farm_confirmed(&self) -> i64 {
        let is_known = self.knows_all();
        if is_known { self.whole_confirmed.load(Ordering::Relaxed) } else { Times::UNKNOWN }
    }

    /// The refusal to go on from what is older than the options allow.
    #[cold]
    pub fn too_old(&self, what: &FetchRequest, confirmed: i64) -> Error {
        let most = self.config.max_stale.map_or(0, millis);
        let source = self.source_name();
        let message = match self.since(confirmed) {
            Some(age) => format!(
                "what is known of {what} was last confirmed {age} ms ago, and {MAX_STALE} allows \
                 {most} ms; see that {source} can be reached and answers about it, and try again"
            ),
            None => format!(
                "what is known of {what} is from a snapshot file of unknown age, since it is dated \
                 in the future, and {MAX_STALE} allows {most} ms; see that the clock is right and \
                 that {source} can be reached, and try again"
            ),
        };
        Error::new(Code::Stale, message)
    }
}
