//! Questions to Fabric that callers ask in their own threads, where no other can be had: an interrupt
//! ends them, or the callers would wait on.

use std::sync::atomic::Ordering;

use crate::base::error::Result;
use crate::base::sync::{Mutex, rank};
use crate::source::Attempt;

use super::bound::interrupted;
use super::{Refresher, Workshop};

/// Those that are under way.
#[derive(Default)]
pub struct Present {
    attempts: Mutex<Vec<Attempt>, { rank::PRESENT }>,
}

impl Present {
    /// Cuts all of them off.
    pub fn interrupt(&self) {
        let attempts = self.attempts.lock().clone();
        attempts.iter().for_each(Attempt::cancel);
    }
}

/// A question while it is under way.
pub(super) struct Listed<'s> {
    present: &'s Present,
    attempt: &'s Attempt,
}

impl Drop for Listed<'_> {
    fn drop(&mut self) {
        let mut attempts = self.present.attempts.lock();
        if let Some(place) = attempts.iter().position(|other| other.is(self.attempt)) {
            attempts.swap_remove(place);
        }
    }
}

impl Refresher {
    /// Lists a question of a caller who asks in its own thread, and whose call began when there had
    /// been so many `interrupts`; nothing for those of other threads.
    ///
    /// # Errors
    /// The service has interrupted since.
    pub(super) fn present<'s>(
        &self,
        shop: &'s Workshop,
        interrupts: Option<u64>,
        attempt: &'s Attempt,
    ) -> Result<Option<Listed<'s>>> {
        if interrupts.is_none() {
            return Ok(None);
        }
        let present = &shop.present;
        present.attempts.lock().push(attempt.clone());
        let listed = Listed { present, attempt };
        // Behind it: who interrupts counts first, and then looks at the list.
        match self.is_left(interrupts) {
            true => Err(interrupted("Fabric's answer")),
            false => Ok(Some(listed)),
        }
    }

    /// Whether the service has interrupted the call of a caller who asks in its own thread.
    pub(super) fn is_left(&self, interrupts: Option<u64>) -> bool {
        interrupts.is_some_and(|before| self.interrupts.load(Ordering::Relaxed) != before)
    }
}
