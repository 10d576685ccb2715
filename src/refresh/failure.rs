//! Why a caller has nothing to go on from, and how grave that is in the log.

use crate::base::error::{Code, Error};
use crate::observe::log::Level;

use super::single_flight::Ticket;

/// What a caller asked for could not be had.
pub struct Failure {
    pub error: Error,
    /// Whether the caller's own deadline was over, and not a time of the library's.
    pub at_deadline: bool,
    /// The caller's part in the fetch that it waited for.
    pub ticket: Option<Ticket>,
}

/// What became of a caller's request.
pub type Obtained = std::result::Result<(), Failure>;

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        Self { error, at_deadline: false, ticket: None }
    }
}

impl Failure {
    /// The level for the log, where it is to be told. What a caller has ended itself, or would not wait
    /// for, is no error; and of those who waited for one fetch only the first tells what became of it.
    pub fn level(&self) -> Level {
        let by_caller =
            matches!(self.error.code, Code::WouldBlock | Code::Interrupted) || self.at_deadline;
        match by_caller || self.ticket.as_ref().is_some_and(|ticket| !ticket.tells_first()) {
            true => Level::Debug,
            false => Level::Error,
        }
    }
}
