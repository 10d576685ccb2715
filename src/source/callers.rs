//! Questions that callers ask in their own threads, where no other can be had: an interrupt ends them,
//! or the callers would wait on.

use crate::base::error::Result;
use crate::base::sync::{Mutex, rank};

use super::{Ask, Attempt};

/// Those that are under way.
#[derive(Default)]
pub struct CallersQuestions {
    attempts: Mutex<Vec<Attempt>, { rank::PRESENT }>,
}

/// A question while it is under way.
pub struct QuestionGuard<'s> {
    questions: &'s CallersQuestions,
    attempt: &'s Attempt,
}

impl Drop for QuestionGuard<'_> {
    fn drop(&mut self) {
        let mut attempts = self.questions.attempts.lock();
        if let Some(place) = attempts.iter().position(|other| other.is(self.attempt)) {
            attempts.swap_remove(place);
        }
    }
}

impl CallersQuestions {
    /// Cuts all of them off.
    pub fn interrupt(&self) {
        let attempts = self.attempts.lock().clone();
        attempts.iter().for_each(Attempt::cancel);
    }

    /// Lists a question of a caller who asks in its own thread; nothing for those of other threads.
    ///
    /// # Errors
    /// The service has interrupted the call since it began: there is no answer to `what`.
    pub fn begin<'s>(
        &'s self,
        ask: &Ask<'_>,
        attempt: &'s Attempt,
        what: &str,
    ) -> Result<Option<QuestionGuard<'s>>> {
        if ask.retry.caller.is_none() {
            return Ok(None);
        }
        self.attempts.lock().push(attempt.clone());
        let under_way = QuestionGuard { questions: self, attempt };
        // Behind it: who interrupts counts first, and then looks at the list.
        match ask.is_interrupted() {
            true => Err(ask.asker.interrupted(what)),
            false => Ok(Some(under_way)),
        }
    }
}
