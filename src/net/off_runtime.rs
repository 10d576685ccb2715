//! A place to block in for callers that have an event loop of their own.

use std::thread;

use tokio::runtime::Handle;

use crate::base::error::{Code, Error, Result};
use crate::base::panicked::Panic;
use crate::base::raised::{self, Signal};
use crate::base::thread::start_in;

/// Does `work` here, or on a thread of its own where this one runs an event loop: a service that
/// is asynchronous itself calls from within its own runtime, where ours may not block. Nothing
/// of the thread outlives the call. No SIGPIPE of a connection that breaks leaves it either way.
pub fn off_runtime<T: Send>(work: impl FnOnce() -> Result<T> + Send) -> Result<T> {
    let work = || raised::without(Signal::SIGPIPE, work);
    // A thread that is ending may have no place left in which a runtime could be entered.
    if Handle::try_current().is_err_and(|none| none.is_missing_context()) {
        return work();
    }
    thread::scope(|scope| {
        let thread = start_in(scope, "fabric-exchange", work).map_err(|error| {
            let message = format!("no thread can be had for a request: {error}");
            Error::new(Code::System, message)
        })?;
        match thread.join() {
            Ok(outcome) => outcome,
            Err(payload) => Err(Panic(payload).error("a request")),
        }
    })
}
