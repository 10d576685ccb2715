//! The handle, as the sources see it while it asks them.

use std::sync::Arc;
use std::time::Duration;

use crate::base::error::Error;
use crate::source::{Ask, Asker, RetryPolicy};

use super::answered::Answered;
use super::bound::{Interrupts, interrupted};
use super::duty_cycle::Work;
use super::publisher::Publisher;
use super::single_flight::SingleFlight;

/// What a source is given with a question.
pub struct Asking {
    publisher: Arc<Publisher>,
    answered: Arc<Answered>,
    interrupts: Arc<Interrupts>,
    single_flight: Arc<SingleFlight>,
    work: Arc<Work>,
}

impl Asking {
    pub fn new(
        publisher: Arc<Publisher>,
        answered: Arc<Answered>,
        interrupts: Arc<Interrupts>,
        single_flight: Arc<SingleFlight>,
        work: Arc<Work>,
    ) -> Self {
        Self { publisher, answered, interrupts, single_flight, work }
    }

    pub fn ask(&self, retry: RetryPolicy) -> Ask<'_> {
        Ask { retry, asker: self }
    }

    /// Whether there is no use in going on: the handle is being freed, or a caller who asks in its own
    /// thread has no time left, or was interrupted.
    pub fn stops(&self, retry: RetryPolicy) -> bool {
        self.is_stopping() || retry.is_over_here() || self.interrupts.is_left(retry.caller)
    }
}

impl Asker for Asking {
    fn now(&self) -> u64 {
        self.publisher.clock.now()
    }

    fn is_stopping(&self) -> bool {
        self.publisher.is_stopping()
    }

    fn is_interrupted(&self, caller: u64) -> bool {
        self.interrupts.is_left(Some(caller))
    }

    fn interrupted(&self, what: &str) -> Error {
        interrupted(what)
    }

    fn pause(&self, pause: Duration, caller: Option<u64>) -> bool {
        self.single_flight.pause(pause, || self.interrupts.is_left(caller))
    }

    fn node_answered(&self, background: bool, work: Duration) {
        if background {
            self.work.add(work);
        } else {
            self.publisher.worker.source_answered();
        }
    }

    fn source_answered(&self) {
        self.answered.note(self.now());
    }
}
