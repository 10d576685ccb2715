//! What is too old for a lookup: each table and each group that it uses, by itself.

use std::cell::RefCell;

use crate::base::error::{Code, Error, Result};
use crate::refresh::Refresher;
use crate::refresh::age::ANY_AGE;
use crate::refresh::flight::Wish;
use crate::topology::Entry;

use super::look::Look;

/// What one look at the topology may use, and what it met that is older.
pub(super) struct Ages<'r> {
    refresher: &'r Refresher,
    oldest: i64,
    too_old: RefCell<Option<Error>>,
}

impl<'r> Ages<'r> {
    pub fn of(refresher: &'r Refresher) -> Self {
        Self { refresher, oldest: refresher.oldest_allowed(), too_old: RefCell::default() }
    }

    #[inline]
    pub fn allow<E>(&self, entry: &Entry<E>) -> bool {
        self.oldest == ANY_AGE || entry.confirmed() >= self.oldest
    }

    /// Why what was confirmed then cannot be used, if it is too old.
    pub fn refusal(&self, what: &Wish, confirmed: i64) -> Option<Error> {
        (confirmed < self.oldest).then(|| self.refresher.too_old(what, confirmed))
    }

    /// Notes that the look met `what`, which was confirmed then. The first that is too old counts.
    pub fn note(&self, what: &Wish, confirmed: i64) {
        if let Some(refusal) = self.refusal(what, confirmed) {
            self.too_old.borrow_mut().get_or_insert(refusal);
        }
    }

    /// Whether something was too old.
    pub fn is_too_old(&self) -> bool {
        self.too_old.borrow().is_some()
    }

    /// Refuses if something was too old.
    pub fn refuse(&self) -> Result<()> {
        match self.too_old.take() {
            Some(error) => Err(error),
            None => Ok(()),
        }
    }

    /// What a look came to, unless something it went by was too old. What is to be fetched is
    /// judged afterwards.
    pub fn judge<F>(&self, outcome: Result<Look<F>>) -> Result<Look<F>> {
        let is_of_the_call = |error: &Error| {
            matches!(error.code, Code::Argument | Code::TableName | Code::InvalidUtf8)
        };
        match &outcome {
            Ok(Look::Found(_)) => self.refuse()?,
            Err(error) if !is_of_the_call(error) => self.refuse()?,
            _ => {}
        }
        outcome
    }
}
