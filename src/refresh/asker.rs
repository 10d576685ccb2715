//! The handle, as the sources see it while it asks them.

use std::sync::atomic::Ordering;
use std::time::Duration;

use crate::base::error::Error;
use crate::source::{Ask, Asker, RetryPolicy};

use super::bound::interrupted;
use super::{ProcessState, Refresher};

/// What a source is given with a question.
pub(super) struct Asking<'r> {
    refresher: &'r Refresher,
    process: &'r ProcessState,
}

impl Asking<'_> {
    pub fn ask(&self, retry: RetryPolicy) -> Ask<'_> {
        Ask { retry, asker: self }
    }
}

impl Asker for Asking<'_> {
    fn now(&self) -> u64 {
        self.refresher.clock.now()
    }

    fn is_stopping(&self) -> bool {
        self.refresher.is_stopping()
    }

    fn is_interrupted(&self, caller: u64) -> bool {
        self.refresher.is_left(Some(caller))
    }

    fn interrupted(&self, what: &str) -> Error {
        interrupted(what)
    }

    fn pause(&self, pause: Duration, caller: Option<u64>) -> bool {
        self.process.single_flight.pause(pause, || self.refresher.is_left(caller))
    }

    fn node_answered(&self, background: bool, work: Duration) {
        if background {
            self.process.work.add(work);
        } else {
            self.refresher.worker.source_answered();
        }
    }

    fn source_answered(&self) {
        self.refresher.last_answer.store(self.now(), Ordering::Relaxed);
        self.refresher.answers.fetch_add(1, Ordering::Relaxed);
    }
}

impl Refresher {
    pub(super) fn asking<'r>(&'r self, process: &'r ProcessState) -> Asking<'r> {
        Asking { refresher: self, process }
    }

    /// Whether the service has interrupted the call of a caller who asks in its own thread, and whose
    /// call began when there had been so many interrupts.
    pub(super) fn is_left(&self, caller: Option<u64>) -> bool {
        caller.is_some_and(|before| self.interrupts.load(Ordering::Relaxed) != before)
    }
}
