//! The event loop of one exchange: it lives in the thread that waits, and ends with the reply.

use std::cell::Cell;
use std::future::poll_fn;
use std::io;
use std::mem;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::pin;
use std::task::Poll;
use std::time::Instant;

use tokio::runtime::{Builder, Runtime};
use tokio::sync::watch;
use tokio::time::timeout_at;

use crate::base::error::{Code, Error};

/// Says that nobody waits any more.
pub type Cancelled = watch::Receiver<bool>;

/// Why there is nothing to wait for any more.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ended {
    /// The deadline came, or nobody waits for the answer.
    Late,
    /// The handle is being freed.
    CutOff,
    /// The loop itself does not work: somebody else in the process closed its descriptors.
    Broken,
}

/// A runtime that is dropped without waiting, so that a name look-up that hangs, or a runtime
/// of the service around us, cannot make trouble.
///
/// It panics when a descriptor of its own is gone, be it while it waits or when somebody is to be
/// woken; and what it was about to do panics once more when it is dropped then, which would end
/// the process. So nothing of a loop that broke is dropped: its memory is lost, and what is left
/// of its descriptors stays open.
pub struct EventLoop {
    runtime: Option<Runtime>,
    /// Of the handle, and of the attempt.
    cancelled: [Cancelled; 2],
    broken: Cell<bool>,
}

impl EventLoop {
    pub fn new(cancelled: [Cancelled; 2]) -> io::Result<Self> {
        let runtime = guarded(|| Builder::new_current_thread().enable_all().build());
        let runtime = runtime.ok_or_else(|| io::Error::other("no event loop"))??;
        Ok(Self { runtime: Some(runtime), cancelled, broken: Cell::new(false) })
    }

    pub fn cancelled(&self) -> [Cancelled; 2] {
        self.cancelled.clone()
    }

    /// Waits for `future` until `deadline`.
    pub fn wait<T>(&self, deadline: Instant, future: impl Future<Output = T>) -> Result<T, Ended> {
        self.wait_unless(self.cancelled.clone(), deadline, future)
    }

    /// As `wait`, for a loop that is kept: of each attempt there is another one who says that nobody
    /// waits.
    pub fn wait_unless<T>(
        &self,
        cancelled: [Cancelled; 2],
        deadline: Instant,
        future: impl Future<Output = T>,
    ) -> Result<T, Ended> {
        let [mut handle, mut attempt] = cancelled;
        // All of it goes inside the loop, where nobody has to be woken for it.
        self.run(async {
            let mut handle = pin!(handle.wait_for(|cancelled| *cancelled));
            let mut attempt = pin!(attempt.wait_for(|cancelled| *cancelled));
            let mut future = pin!(timeout_at(deadline.into(), future));
            poll_fn(|context| {
                if handle.as_mut().poll(context).is_ready() {
                    return Poll::Ready(Err(Ended::CutOff));
                }
                if attempt.as_mut().poll(context).is_ready() {
                    return Poll::Ready(Err(Ended::Late));
                }
                future.as_mut().poll(context).map(|done| done.map_err(|_| Ended::Late))
            })
            .await
        })?
    }

    /// Drops what belongs to the loop, inside it.
    pub fn drop_inside<T>(&self, value: T) {
        // A loop that is broken has leaked it.
        let _ = self.run(async { drop(value) });
    }

    /// Runs `future` to its end, which it must come to by itself; that includes what it owns.
    pub fn run<T>(&self, future: impl Future<Output = T>) -> Result<T, Ended> {
        let mut future = Box::pin(future);
        let done = match &self.runtime {
            Some(runtime) if !self.broken.get() => guarded(|| runtime.block_on(future.as_mut())),
            _ => None,
        };
        done.ok_or_else(|| {
            self.broken.set(true);
            mem::forget(future);
            Ended::Broken
        })
    }
}

impl Drop for EventLoop {
    fn drop(&mut self) {
        let Some(runtime) = self.runtime.take() else { return };
        if self.broken.get() {
            mem::forget(runtime);
        } else {
            guarded(|| runtime.shutdown_background());
        }
    }
}

/// Runs what panics when descriptors are gone; nothing if it did.
pub fn guarded<T>(work: impl FnOnce() -> T) -> Option<T> {
    // What a panic carries is of no use, and may panic when it is dropped.
    catch_unwind(AssertUnwindSafe(work)).map_err(mem::forget).ok()
}

pub fn broken() -> Error {
    Error::new(
        Code::System,
        "the network event loop broke: another part of this process closed descriptors that are \
         the library's, or the system has no random numbers; see that it closes its own alone",
    )
}
