//! One call to one node: authentication, HTTP status, and the value that came back.

use std::sync::Arc;

use crate::base::error::{Code, Error, Result};
use crate::base::text::excerpt;
use crate::config::{Config, Credentials, Node};
use crate::net::off_runtime::off_runtime;
use crate::observe::log::Level;
use crate::observe::metrics::Traffic;
use crate::source::attempt::Attempt;
use crate::source::fabric::auth::{Auth, Nonces};
use crate::source::fabric::fault::fault;
use crate::source::fabric::http::exchange::Http;
use crate::source::fabric::http::sniff::{Body, sniff};
use crate::source::fabric::http::status_line::status;
use crate::source::fabric::http::transport::{Reply, Times, Transport, TransportError};
use crate::source::fabric::xmlrpc::{Response, Value, method_call, read_response_within};

/// Talks to the nodes of one farm. Any number of threads may use it at once.
pub struct Client {
    config: Arc<Config>,
    transport: Arc<dyn Transport>,
    auth: Arc<Auth>,
    attempt: Option<Attempt>,
}

/// Reads the body of an answer.
type Read200<'a, T> = &'a (dyn Fn(Body) -> Result<T> + Sync);

/// What one request led to.
enum Outcome<T> {
    Answer(T),
    /// 401, with the challenge.
    Challenge(String),
    /// Credentials were sent and not taken, or there was no whole answer.
    Denied(Denial),
}

/// How a node does not let in whom it was told of.
#[derive(Clone)]
enum Denial {
    /// It said so.
    Refused(&'static str),
    /// It closed the connection: a real node does that for a wrong password, with a head that no
    /// blank line ends, and without a word when its store is down.
    Closed(String),
}

impl Denial {
    fn how(&self) -> &str {
        match self {
            Denial::Refused(how) => how,
            Denial::Closed(_) => "closed the connection",
        }
    }
}

impl Client {
    /// Does no I/O.
    pub fn new(config: Arc<Config>) -> Self {
        Self::counted(config, Arc::default())
    }

    /// As `new`, with a share in the counters of what goes over the wire.
    pub fn counted(config: Arc<Config>, traffic: Arc<Traffic>) -> Self {
        let transport = Arc::new(Http::new(&config, traffic));
        Self::with_transport(config, transport)
    }

    pub fn with_transport(config: Arc<Config>, transport: Arc<dyn Transport>) -> Self {
        Self { config, transport, auth: Arc::default(), attempt: None }
    }

    /// The same client, whose requests all belong to `attempt`.
    pub fn within(&self, attempt: &Attempt) -> Self {
        Self {
            config: Arc::clone(&self.config),
            transport: Arc::clone(&self.transport),
            auth: Arc::clone(&self.auth),
            attempt: Some(attempt.clone()),
        }
    }

    /// Cuts off what is on the wire and refuses what comes later: the handle is being freed.
    pub fn cancel(&self) {
        self.transport.cancel();
    }

    pub fn config(&self) -> &Config {
        &self.config
    }

    /// Calls `method` and gives its value; a fault becomes `Code::Fabric` with the server's text.
    pub fn call(&self, node: &Node, method: &str, params: &[Value]) -> Result<Value> {
        match self.request(node, method, params)? {
            Response::Value(value) => Ok(value),
            Response::Fault { text, .. } => Err(fault(node, method, &text)),
        }
    }

    /// Calls `method` and leaves a fault to be told from a value by the caller. All requests it
    /// takes together end within the request timeout.
    pub fn request(&self, node: &Node, method: &str, params: &[Value]) -> Result<Response> {
        let most = self.config.max_reply_bytes;
        self.request_as(node, method, params, &|body| read_response_within(body, most))
    }

    /// As `request`, but what is made of the body of an answer is for `read` to say.
    pub fn request_as<T: Send>(
        &self,
        node: &Node,
        method: &str,
        params: &[Value],
        read: Read200<'_, T>,
    ) -> Result<T> {
        let body = method_call(method, params)?;
        let attempt = self.attempt.clone().unwrap_or_default();
        let most = self.config.request_timeout;
        let left = attempt.left(most);
        let mut times = Times::starting_now(self.config.connect_timeout, left);
        // Messages name the option's time, not what the first steps have left of it.
        if left > most - most / 10 {
            times.total = most;
        }
        let ask = |authorization: Option<&str>| {
            off_runtime(|| {
                let reply =
                    self.transport.post(node, authorization, body.as_bytes(), times, &attempt);
                self.look(node, method, authorization.is_some(), reply, read)
            })
        };
        let credentials = self.config.credentials.as_ref();
        let (opening, nonces) = match self.auth.opening(credentials, node)? {
            Some((header, nonces)) => (Some(header), Some(nonces)),
            None => (None, None),
        };
        let mut outcome = ask(opening.as_deref())?;
        // A nonce of ours that is challenged, or denied where a fresh one is not, means that
        // the node checks nonces; one of the node's own that is denied means the opposite.
        let mut next = nonces.map_or(Nonces::Ours, |_| Nonces::Theirs);
        let mut denied = None;
        if let (Outcome::Denied(denial), Some(used)) = (&outcome, nonces) {
            let how = denial.how();
            self.log(format_args!("{} {how}; trying a new challenge", node));
            next = if used == Nonces::Ours { Nonces::Theirs } else { Nonces::Ours };
            denied = Some(how.to_owned());
            self.auth.forget(node);
            outcome = ask(None)?;
        }
        if let Outcome::Challenge(challenge) = &outcome {
            let credentials = credentials.ok_or_else(|| needs_credentials(node))?;
            let header = self.auth.answer(credentials, node, challenge, next)?;
            outcome = ask(Some(&header))?;
        }
        match outcome {
            Outcome::Answer(answer) => Ok(answer),
            Outcome::Challenge(_) => {
                Err(self.not_let_in(node, denied.as_deref().unwrap_or("answered 401")))
            }
            Outcome::Denied(Denial::Refused(how)) => Err(self.not_let_in(node, how)),
            Outcome::Denied(Denial::Closed(message)) => {
                self.auth.forget(node);
                Err(match self.look_closer(node, next, times, &attempt) {
                    Some(400) => self.not_let_in(node, "answered 400"),
                    // Nothing speaks against the password.
                    _ => TransportError::Incomplete(message).into_error(),
                })
            }
        }
    }

    /// The status that a node answers with when it is asked once more, which may be the only part
    /// of the answer that it sends. The question is one that any user may ask, and changes nothing.
    fn look_closer(
        &self,
        node: &Node,
        nonces: Nonces,
        times: Times,
        attempt: &Attempt,
    ) -> Option<u16> {
        let credentials = self.config.credentials.as_ref()?;
        let body = method_call("dump.fabric_nodes", &["protocol.xmlrpc".into()]).ok()?;
        let line = off_runtime(|| {
            let asked = self.transport.post(node, None, body.as_bytes(), times, attempt);
            let reply = asked.map_err(TransportError::into_error)?;
            let challenge = reply.www_authenticate.unwrap_or_default();
            drop(reply.body);
            let header = self.auth.answer(credentials, node, &challenge, nonces)?;
            self.transport.status_line(node, &header, body.as_bytes(), times, attempt)
        });
        self.auth.forget(node);
        match line {
            Ok(line) => {
                self.log(format_args!("{} answered \"{line}\", and no more", node));
                status(&line)
            }
            Err(error) => {
                self.log(format_args!("{} did not answer again: {error}", node));
                None
            }
        }
    }

    fn look<T>(
        &self,
        node: &Node,
        method: &str,
        authorized: bool,
        reply: std::result::Result<Reply, TransportError>,
        read: Read200<'_, T>,
    ) -> Result<Outcome<T>> {
        let reply = match reply {
            Ok(reply) => reply,
            Err(TransportError::Incomplete(message)) if authorized => {
                return Ok(Outcome::Denied(Denial::Closed(message)));
            }
            Err(error) => return Err(error.into_error()),
        };
        match reply.status {
            200 => sniff(reply.body)
                .and_then(read)
                .map(Outcome::Answer)
                .map_err(|error| located(node, method, error)),
            401 => Ok(Outcome::Challenge(reply.www_authenticate.unwrap_or_default())),
            400 if authorized => Ok(Outcome::Denied(Denial::Refused("answered 400"))),
            403 => Err(self.forbidden(node, &reply.reason)),
            status => {
                let message = format!(
                    "{} answers {status} {} to {method}; check that the address is a MySQL \
                     Fabric node's",
                    node,
                    excerpt(&reply.reason, 100)
                );
                Err(Error::new(Code::Protocol, message))
            }
        }
    }

    fn forbidden(&self, node: &Node, reason: &str) -> Error {
        let message = format!(
            "{} forbids it to user \"{}\": {}; give the user a role that may (the role \
             \"connector\" has dump.* and threat.* only)",
            node,
            self.user(),
            excerpt(reason, 100)
        );
        Error::new(Code::Forbidden, message)
    }

    fn not_let_in(&self, node: &Node, how: &str) -> Error {
        self.auth.forget(node);
        let message = format!(
            "{} did not let user \"{}\" in, on a fresh challenge either ({how}): the user or the \
             password is wrong; see fabric_options_set_credentials",
            node,
            self.user()
        );
        Error::new(Code::Auth, message)
    }

    fn user(&self) -> String {
        let user = self.config.credentials.as_ref().map(|Credentials { user, .. }| user.as_str());
        excerpt(user.unwrap_or_default(), 60)
    }

    fn log(&self, message: std::fmt::Arguments<'_>) {
        self.config.log.write(Level::Debug, message);
    }
}

fn needs_credentials(node: &Node) -> Error {
    let message = format!("{} needs a user and a password: fabric_options_set_credentials", node);
    Error::new(Code::Auth, message)
}

fn located(node: &Node, method: &str, error: Error) -> Error {
    let address = node.to_string();
    if error.message.contains(&address) {
        return error;
    }
    Error::new(error.code, format!("{method} at {address}: {}", error.message))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn threads_may_share_it() {
        fn shared<T: Send + Sync>() {}
        shared::<Client>();
    }
}
