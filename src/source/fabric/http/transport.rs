//! The contract between a call and the wire under it.

use std::io::{self, Read};
use std::time::{Duration, Instant};

use crate::base::error::{Code, Error};
use crate::config::Node;
use crate::source::attempt::Attempt;

/// Carries one request to a node and its reply back. All of the library's network I/O to
/// Fabric goes through here.
///
/// Nothing outlives the exchange: a real node serves five connections at a time and is
/// stalled for everybody by idle ones, and a forked child must not inherit any.
pub trait Transport: Send + Sync {
    fn post(
        &self,
        node: &Node,
        authorization: Option<&str>,
        body: &[u8],
        times: Times,
        attempt: &Attempt,
    ) -> Result<Reply, TransportError>;

    /// As `post`, but gives no more than the first line of the reply, empty if there is none: it
    /// may be all that comes before the connection is closed.
    fn status_line(
        &self,
        _node: &Node,
        _authorization: &str,
        _body: &[u8],
        _times: Times,
        _attempt: &Attempt,
    ) -> Result<String, Error> {
        Ok(String::new())
    }

    /// Cuts off what is on the wire and refuses what comes later: the handle is being freed.
    fn cancel(&self) {}
}

/// How long an exchange may take.
#[derive(Debug, Clone, Copy)]
pub struct Times {
    /// For resolving the name, connecting and the TLS handshake.
    pub connect: Duration,
    /// The instant at which everything must be over, the last byte of the body included.
    pub deadline: Instant,
    /// What the deadline was made from, for messages.
    pub total: Duration,
}

impl Times {
    pub fn starting_now(connect: Duration, total: Duration) -> Self {
        let now = Instant::now();
        // An absurdly long timeout is as good as a day.
        let deadline = now.checked_add(total).unwrap_or(now + Duration::from_secs(86_400));
        Self { connect, deadline, total }
    }
}

/// The head of a reply, and its body to be read as it comes: inflated, and cut off with an
/// error at the size limit.
pub struct Reply {
    pub status: u16,
    /// What the status line says after the number. Fabric puts the reason of a 403 there.
    pub reason: String,
    pub www_authenticate: Option<String>,
    pub body: Box<dyn Read>,
}

/// Why there is no reply, or only a part of one.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum TransportError {
    /// The node closed the connection before the message was whole. With credentials sent that
    /// is how a real node says no, so it is told apart.
    #[error("{0}")]
    Incomplete(String),
    #[error(transparent)]
    Failed(#[from] Error),
}

impl TransportError {
    /// The error for a caller that has no use for the difference.
    pub fn into_error(self) -> Error {
        match self {
            TransportError::Incomplete(message) => Error::new(Code::Protocol, message),
            TransportError::Failed(error) => error,
        }
    }

    /// As the error of a body's `read`.
    pub fn into_io(self) -> io::Error {
        io::Error::other(self)
    }

    /// Back from the error of a body's `read`.
    pub fn of_read(error: &io::Error) -> Error {
        match error.get_ref().and_then(|inner| inner.downcast_ref::<TransportError>()) {
            Some(inner) => inner.clone().into_error(),
            None => Error::new(Code::Protocol, format!("the reply cannot be read: {error}")),
        }
    }
}
