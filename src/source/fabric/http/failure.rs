//! What a failed exchange means, told from the errors under it.

use std::error::Error as StdError;
use std::io::{self, ErrorKind};

use crate::base::error::{Code, Error};
use crate::config::Node;
#[cfg(feature = "tls")]
use crate::net::certificate;
use crate::net::event_loop::{Ended, broken};
use crate::net::peer::Peer;
use crate::net::resolver::NoThread;
use crate::source::fabric::http::transport::{Times, TransportError};

/// A node of Fabric, in messages.
pub const NODE: Peer = Peer { name: "node", tls_option: "fabric_options_set_tls" };

/// What there is to say about any failure of one exchange.
#[derive(Clone)]
pub struct Failure {
    pub node: Node,
    pub secure: bool,
    pub times: Times,
}

impl Failure {
    /// Why the wait for the node ended.
    pub fn ended(&self, ended: Ended) -> Error {
        match ended {
            Ended::Late => self.timeout(),
            Ended::CutOff => self.cut_off(),
            Ended::Broken => broken(),
        }
    }

    /// The total deadline passed.
    pub fn timeout(&self) -> Error {
        let message = format!(
            "{} gave no full answer within {} ms; see fabric_options_set_request_timeout_ms (a \
             node whose backing store is down takes up to 18 s)",
            self.address(),
            self.times.total.as_millis()
        );
        Error::new(Code::Timeout, message)
    }

    /// The handle was freed meanwhile, or before.
    pub fn cut_off(&self) -> Error {
        let message =
            format!("the handle has been freed, and asks nobody any more: {}", self.address());
        Error::new(Code::Unreachable, message)
    }

    pub fn too_large(&self, limit: u64) -> Error {
        let message = format!(
            "the reply of {} is larger than the limit of {limit} bytes; check that the address \
             is a MySQL Fabric node's",
            self.address()
        );
        Error::new(Code::ReplyTooLarge, message)
    }

    pub fn protocol(&self, what: &str) -> TransportError {
        let message = format!(
            "{} {what}; check that the address is a MySQL Fabric node's XML-RPC port",
            self.address()
        );
        Error::new(Code::Protocol, message).into()
    }

    /// Sorts an error of reqwest's by the first cause in it that says something.
    pub fn of(&self, error: &reqwest::Error) -> TransportError {
        let causes = causes(error);
        if error.is_timeout() {
            return self.connect_timeout().into();
        }
        if let Some(no_thread) = causes.iter().find_map(|cause| cause.downcast_ref::<NoThread>()) {
            return Error::new(Code::System, format!("{}: {no_thread}", self.address())).into();
        }
        let mut io_errors = causes.iter().filter_map(|cause| cause.downcast_ref::<io::Error>());
        if let Some(shortage) = io_errors.find(|error| is_shortage(error)) {
            return self.no_descriptor(shortage).into();
        }
        if let Some(error) = tls_failure(&causes, self) {
            return error.into();
        }
        let detail = causes.last().map(|cause| cause.to_string()).unwrap_or_default();
        let cut_off = causes.iter().any(|cause| is_cut_off(*cause));
        if error.is_connect() {
            return match self.secure && cut_off {
                true => self.handshake_cut_off(&detail).into(),
                false => self.unreachable(&detail).into(),
            };
        }
        if cut_off {
            return self.incomplete();
        }
        if causes.iter().any(|cause| is_not_http(*cause)) {
            let hint = if self.secure { "" } else { " (a TLS port needs fabric_options_set_tls)" };
            return self.protocol(&format!("does not answer in HTTP{hint}: {detail}"));
        }
        self.protocol(&format!("breaks off the exchange: {detail}"))
    }

    /// Why there is no socket, or nothing to wait for one with: that is not the node's fault.
    pub fn no_descriptor(&self, error: &io::Error) -> Error {
        let message = format!(
            "{} was not asked, the system has no descriptor left for it: {error}; close some or \
             raise the limit (ulimit -n)",
            self.address()
        );
        Error::new(Code::System, message)
    }

    fn connect_timeout(&self) -> Error {
        let message = format!(
            "{} took no connection within {} ms{}; check the address, that Fabric runs there, and \
             fabric_options_set_connect_timeout_ms",
            self.address(),
            self.times.connect.as_millis(),
            if self.secure { " (a port without TLS may keep silent)" } else { "" }
        );
        Error::new(Code::Timeout, message)
    }

    fn unreachable(&self, detail: &str) -> Error {
        let message = format!(
            "{} cannot be reached: {detail}; check the address and that Fabric runs there",
            self.address()
        );
        Error::new(Code::Unreachable, message)
    }

    fn handshake_cut_off(&self, detail: &str) -> Error {
        let message = format!(
            "{} closed the connection in the TLS handshake: {detail}; check that the port is a \
             TLS port, else do without fabric_options_set_tls",
            self.address()
        );
        Error::new(Code::Tls, message)
    }

    fn incomplete(&self) -> TransportError {
        let hint = match self.secure {
            true => "",
            false => ", or the port expects TLS (see fabric_options_set_tls)",
        };
        let message = format!(
            "{} closed the connection before its answer was whole: it broke down, or its backing \
             store did{hint}",
            self.address()
        );
        TransportError::Incomplete(message)
    }

    #[cfg_attr(not(feature = "tls"), allow(dead_code))]
    fn tls(&self, what: &str) -> Error {
        Error::new(Code::Tls, format!("{} {what}", self.address()))
    }

    fn address(&self) -> String {
        self.node.to_string()
    }
}

type Cause<'a> = &'a (dyn StdError + 'static);

/// The chain of sources. What an `io::Error` wraps is not its source, so that needs a step.
fn causes(error: &reqwest::Error) -> Vec<Cause<'_>> {
    let mut causes: Vec<Cause<'_>> = Vec::new();
    let mut next: Option<Cause<'_>> = Some(error);
    while let Some(cause) = next {
        causes.push(cause);
        let wrapped = cause.downcast_ref::<io::Error>().and_then(io::Error::get_ref);
        next = wrapped.map(|inner| inner as Cause<'_>).or_else(|| cause.source());
    }
    causes
}

/// Whether the process, or the system, has as many descriptors open as it may.
fn is_shortage(error: &io::Error) -> bool {
    matches!(error.raw_os_error(), Some(libc::EMFILE | libc::ENFILE))
}

fn is_cut_off(cause: Cause<'_>) -> bool {
    if let Some(error) = cause.downcast_ref::<hyper::Error>() {
        return error.is_incomplete_message() || error.is_canceled() || error.is_closed();
    }
    cause.downcast_ref::<io::Error>().is_some_and(|error| {
        matches!(
            error.kind(),
            ErrorKind::UnexpectedEof
                | ErrorKind::ConnectionReset
                | ErrorKind::ConnectionAborted
                | ErrorKind::BrokenPipe
        )
    })
}

fn is_not_http(cause: Cause<'_>) -> bool {
    cause.downcast_ref::<hyper::Error>().is_some_and(hyper::Error::is_parse)
}

#[cfg(not(feature = "tls"))]
fn tls_failure(_: &[Cause<'_>], _: &Failure) -> Option<Error> {
    None
}

#[cfg(feature = "tls")]
fn tls_failure(causes: &[Cause<'_>], failure: &Failure) -> Option<Error> {
    let error = causes.iter().find_map(|cause| cause.downcast_ref::<rustls::Error>())?;
    Some(failure.tls(&certificate::session(error, NODE)))
}
