//! One refresh of what a handle knows, beside the thread that sees to it that there is one.

use std::panic::{self, AssertUnwindSafe};
use std::sync::Arc;
use std::time::Duration;

use crate::base::error::{Code, Error, Result};
use crate::base::{self, work};

use super::Refresher;

/// What a refresh came to.
pub struct Refreshed {
    pub outcome: Result<()>,
    /// The processor time that its thread took.
    pub work: Duration,
}

impl Refresher {
    /// Begins a refresh, whose end the thread in the background is told of. It has a thread of its
    /// own, since it waits for Fabric; where none can be had it runs here, and those who look up see
    /// meanwhile to what time ends.
    pub(super) fn begin_refresh(self: &Arc<Self>) {
        let shared = Arc::clone(self);
        let fetches = move || shared.worker.landed(shared.refresh());
        match base::thread::start("fabric-fetch", fetches) {
            Ok(thread) => self.workshop.with(|shop| shop.fetchers.add(thread)),
            Err(error) => {
                self.no_thread("for one refresh in the background", &error);
                self.worker.set_alone(self, true);
                let refreshed = self.refresh();
                self.worker.set_alone(self, false);
                self.worker.landed(refreshed);
            }
        }
    }

    /// A panic is a refresh that failed: the next one may do better.
    fn refresh(&self) -> Refreshed {
        let before = work::of_thread();
        let outcome = panic::catch_unwind(AssertUnwindSafe(|| self.refresh_known()));
        let outcome = outcome.unwrap_or_else(|_| {
            Err(Error::new(Code::Panic, "the background refresh ended in a panic; report it"))
        });
        Refreshed { outcome, work: work::of_thread().saturating_sub(before) }
    }
}
