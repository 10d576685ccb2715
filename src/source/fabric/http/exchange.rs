//! HTTP to a node, by reqwest.
//!
//! Each exchange has a runtime of its own that lives in the calling thread and dies with the
//! reply. `reqwest::blocking` would keep a thread and a pool per client: a forked child
//! inherits such a client without its thread, hangs in it, and aborts when it drops it.

use std::io::{self, Read};
use std::net::Ipv6Addr;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Instant;

use flate2::read::GzDecoder;
use hyper::body::Bytes;
use reqwest::header::{
    ACCEPT_ENCODING, AUTHORIZATION, CONNECTION, CONTENT_ENCODING, CONTENT_TYPE, HeaderMap,
    HeaderValue, WWW_AUTHENTICATE,
};
use reqwest::{Client, Response, Url};
use tokio::sync::watch;

use crate::base::error::{Code, Error};
use crate::base::text::excerpt;
use crate::base::{memory, random};
use crate::config::{Config, Node};
use crate::net::event_loop::{Cancelled, EventLoop, guarded};
use crate::net::tls::{Tls, TlsConfig, Trust};
use crate::observe::metrics::{Metered, Traffic};
use crate::source::attempt::Attempt;
use crate::source::fabric::http::connecting::ReportConnections;
use crate::source::fabric::http::failure::{Failure, NODE};
use crate::source::fabric::http::resolver::Resolver;
use crate::source::fabric::http::status_line::status_line;
use crate::source::fabric::http::transport::{Reply, Times, Transport, TransportError};

const USER_AGENT: &str = concat!("libmysqlfabric/", env!("CARGO_PKG_VERSION"));

/// The transport of a handle: plain HTTP, or HTTPS if there are TLS files.
pub struct Http {
    tls: Tls,
    secure: bool,
    max_reply_bytes: u64,
    cancelled: watch::Sender<bool>,
    traffic: Arc<Traffic>,
}

impl Http {
    /// Does no I/O: the TLS files are read at the first exchange.
    pub fn new(config: &Config, traffic: Arc<Traffic>) -> Self {
        Self {
            tls: tls_of(config),
            secure: config.tls.is_some(),
            max_reply_bytes: config.max_reply_bytes,
            cancelled: watch::Sender::new(false),
            traffic,
        }
    }

    fn runtime(&self, attempt: &Attempt, failure: &Failure) -> Result<EventLoop, Error> {
        let runtime = EventLoop::new([self.cancelled.subscribe(), attempt.cancelled()]);
        let runtime = runtime.map_err(|error| failure.no_descriptor(&error))?;
        self.traffic.requests.fetch_add(1, Ordering::Relaxed);
        attempt.asks();
        Ok(runtime)
    }

    fn request(
        &self,
        node: &Node,
        authorization: Option<&str>,
        body: &[u8],
        times: Times,
        attempt: &Attempt,
    ) -> Result<reqwest::RequestBuilder, Error> {
        let mut headers = HeaderMap::new();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("text/xml"));
        headers.insert(ACCEPT_ENCODING, HeaderValue::from_static("gzip"));
        headers.insert(CONNECTION, HeaderValue::from_static("close"));
        if let Some(authorization) = authorization {
            let mut value = HeaderValue::from_bytes(authorization.as_bytes()).map_err(|_| {
                let message = "the user name cannot be put into an HTTP header; see \
                               fabric_options_set_credentials";
                Error::new(Code::Auth, message)
            })?;
            value.set_sensitive(true);
            headers.insert(AUTHORIZATION, value);
        }
        let client = self.client(times, attempt)?;
        Ok(client.post(url(node, self.secure)?).headers(headers).body(body.to_vec()))
    }

    fn client(&self, times: Times, attempt: &Attempt) -> Result<Client, Error> {
        let builder = Client::builder()
            .user_agent(USER_AGENT)
            .no_proxy()
            .redirect(reqwest::redirect::Policy::none())
            .referer(false)
            .http1_only()
            .pool_max_idle_per_host(0)
            .connect_timeout(times.connect)
            .connector_layer(ReportConnections(attempt.clone()))
            .dns_resolver(Arc::new(Resolver));
        preconfigured(builder, self.tls.config()?).build().map_err(|error| {
            let code = if self.secure { Code::Tls } else { Code::Unreachable };
            Error::new(code, format!("no HTTP client can be had: {error}"))
        })
    }

    fn reply(
        &self,
        response: Response,
        runtime: EventLoop,
        failure: Failure,
    ) -> Result<Reply, TransportError> {
        let body = Body::new(response, runtime, failure.clone());
        let head = self.head(&body, &failure)?;
        let limit = self.max_reply_bytes;
        let watch = body.watch.clone();
        let wire = Metered::new(body, &self.traffic, |traffic| &traffic.received);
        let wire = Limited::new(wire, limit, &failure);
        let body: Box<dyn Read> = match head.zipped {
            true => {
                let plain = Limited::new(GzDecoder::new(wire), limit, &failure);
                Box::new(Watched::new(self.inflated(plain), watch))
            }
            false => Box::new(Watched::new(self.inflated(wire), watch)),
        };
        Ok(Reply {
            status: head.status,
            reason: head.reason,
            www_authenticate: head.www_authenticate,
            body,
        })
    }

    fn head(&self, body: &Body, failure: &Failure) -> Result<Head, TransportError> {
        let Some(response) = &body.response else { return Err(failure.timeout().into()) };
        let status = response.status();
        let reason = response.extensions().get::<hyper::ext::ReasonPhrase>();
        let reason = reason.map(|phrase| String::from_utf8_lossy(phrase.as_bytes()).into_owned());
        let reason = reason.or_else(|| status.canonical_reason().map(str::to_owned));
        let www_authenticate = joined(response.headers());
        let encoding = response.headers().get(CONTENT_ENCODING).map(HeaderValue::as_bytes);
        let zipped = match encoding {
            None => false,
            Some(name) if name.eq_ignore_ascii_case(b"gzip") => true,
            Some(name) if name.eq_ignore_ascii_case(b"identity") => false,
            Some(name) => {
                let name = excerpt(&String::from_utf8_lossy(name), 40);
                return Err(failure.protocol(&format!("encodes its reply as \"{name}\"")));
            }
        };
        let limit = self.max_reply_bytes;
        if response.content_length().is_some_and(|length| length > limit) {
            return Err(failure.too_large(limit).into());
        }
        let reason = reason.unwrap_or_default();
        Ok(Head { status: status.as_u16(), reason, www_authenticate, zipped })
    }

    fn inflated<R: Read>(&self, body: R) -> Metered<R> {
        Metered::new(body, &self.traffic, |traffic| &traffic.inflated)
    }
}

/// What stands before the body.
struct Head {
    status: u16,
    reason: String,
    www_authenticate: Option<String>,
    zipped: bool,
}

impl Transport for Http {
    fn cancel(&self) {
        // Who is woken may have lost its descriptors.
        guarded(|| self.cancelled.send_replace(true));
    }

    fn post(
        &self,
        node: &Node,
        authorization: Option<&str>,
        body: &[u8],
        times: Times,
        attempt: &Attempt,
    ) -> Result<Reply, TransportError> {
        let failure = Failure { node: node.clone(), secure: self.secure, times };
        // Client and loop need some, and panic without.
        random::bytes()?;
        if !memory::is_there(LEAST) {
            let message = format!(
                "the system has no memory left to ask Fabric, which takes {} MiB of address space at \
                 times; give the process more (ulimit -v)",
                LEAST >> 20
            );
            return Err(Error::new(Code::System, message).into());
        }
        let request = self.request(node, authorization, body, times, attempt)?;
        let runtime = self.runtime(attempt, &failure)?;
        let begun = Instant::now();
        let response = runtime
            .wait(times.deadline, request.send())
            .map_err(|ended| failure.ended(ended))?
            .map_err(|error| failure.of(&error))?;
        attempt.answered(begun.elapsed());
        self.reply(response, runtime, failure)
    }

    fn status_line(
        &self,
        node: &Node,
        authorization: &str,
        body: &[u8],
        times: Times,
        attempt: &Attempt,
    ) -> Result<String, Error> {
        let failure = Failure { node: node.clone(), secure: self.secure, times };
        // Also sees to it that the host is none that could forge a header.
        url(node, self.secure)?;
        let request = format!(
            "POST /RPC2 HTTP/1.1\r\nHost: {}\r\nUser-Agent: {USER_AGENT}\r\n\
             Content-Type: text/xml\r\nConnection: close\r\nAuthorization: {authorization}\r\n\
             Content-Length: {}\r\n\r\n",
            node,
            body.len()
        );
        let request = [request.as_bytes(), body].concat();
        let tls = if self.secure { Some(self.tls.config()?) } else { None };
        let runtime = self.runtime(attempt, &failure)?;
        let line = runtime.wait(times.deadline, status_line(node, tls, &request));
        let line = line.map_err(|ended| failure.ended(ended))?;
        line.map_err(|error| Error::new(Code::Unreachable, error.to_string()))
    }
}

fn tls_of(config: &Config) -> Tls {
    match config.tls.clone() {
        Some(files) => {
            let trust = Trust::Ca { file: files.ca, verify_name: true };
            Tls::new(trust, files.identity, NODE)
        }
        None => Tls::new(Trust::NoTls, None, NODE),
    }
}

#[cfg(feature = "tls")]
fn preconfigured(builder: reqwest::ClientBuilder, tls: TlsConfig) -> reqwest::ClientBuilder {
    builder.tls_backend_preconfigured(tls)
}

#[cfg(not(feature = "tls"))]
fn preconfigured(builder: reqwest::ClientBuilder, _: TlsConfig) -> reqwest::ClientBuilder {
    builder
}

/// Whether a node can be asked at all: its name is one, and short enough to be told to C.
pub fn is_usable(node: &Node) -> bool {
    node.port != 0 && node.host.len() <= 255 && url(node, false).is_ok()
}

/// The server answers to `/RPC2`, the path its digest is made of.
fn url(node: &Node, secure: bool) -> Result<Url, Error> {
    let scheme = if secure { "https" } else { "http" };
    let Node { host, port } = node;
    let literal = host.parse::<Ipv6Addr>().is_ok();
    let text = match literal {
        true => format!("{scheme}://[{host}]:{port}/RPC2"),
        false => format!("{scheme}://{host}:{port}/RPC2"),
    };
    let strange = |c: char| c.is_whitespace() || c.is_control() || "/?#@\\%".contains(c);
    let usable = !host.is_empty() && !host.contains(strange);
    match Url::parse(&text) {
        Ok(url) if usable && url.path() == "/RPC2" => Ok(url),
        _ => {
            let host = excerpt(host, 80);
            let message =
                format!("\"{host}\" is not a host name or address; see fabric_options_add_node");
            Err(Error::new(Code::Argument, message))
        }
    }
}

fn joined(headers: &HeaderMap) -> Option<String> {
    let values = headers.get_all(WWW_AUTHENTICATE).iter();
    let texts: Vec<_> =
        values.map(|value| String::from_utf8_lossy(value.as_bytes()).into_owned()).collect();
    (!texts.is_empty()).then(|| texts.join(", "))
}

/// Why nobody waited to the end. What was cut off did not take too long.
fn why_not([handle, _]: &[Cancelled; 2], failure: &Failure) -> Error {
    if *handle.borrow() { failure.cut_off() } else { failure.timeout() }
}

/// Sees that time counts, and that nobody has to wait, where all is there already and nothing is
/// waited for: while a body is inflated and parsed.
#[derive(Clone)]
struct Watch {
    failure: Failure,
    cancelled: [Cancelled; 2],
}

impl Watch {
    fn check(&self) -> io::Result<()> {
        let over = Instant::now() >= self.failure.times.deadline;
        if over || self.cancelled.iter().any(|cancelled| *cancelled.borrow()) {
            let error = why_not(&self.cancelled, &self.failure);
            return Err(TransportError::from(error).into_io());
        }
        Ok(())
    }
}

/// Fails instead of reading on once nobody waits for it any more, or once there is no memory for
/// what is made of it.
struct Watched<R> {
    inner: R,
    watch: Watch,
    read: usize,
    /// How much was read when memory was last looked for.
    looked_at: usize,
}

/// Memory that must be there before anything is asked. A thread that the C library has none at once
/// for, 64 MiB, takes a page for each small thing: that is 20 MiB for what is read before the first
/// look, and as much again for a node that is asked once more.
const LEAST: usize = 48 << 20;

/// How much is read between two looks for memory.
const LOOK_EVERY: usize = 128 << 10;

/// Memory that must be there beside what a reply takes by its length: the C library takes up to
/// 64 MiB at once, in which it then has room for small things.
const HEADROOM: usize = 96 << 20;

impl<R> Watched<R> {
    fn new(inner: R, watch: Watch) -> Self {
        Self { inner, watch, read: 0, looked_at: 0 }
    }

    fn look_for_memory(&mut self, share: usize) -> io::Result<()> {
        self.looked_at = self.read;
        match memory::is_there(HEADROOM.saturating_add(self.read.saturating_mul(share))) {
            true => Ok(()),
            false => Err(TransportError::from(memory::lacking()).into_io()),
        }
    }
}

impl<R: Read> Read for Watched<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.watch.check()?;
        let count = self.inner.read(buffer)?;
        self.read += count;
        if count == 0 && self.read > LOOK_EVERY {
            // What was read is made a topology next, or the rows of an answer.
            self.look_for_memory(3)?;
        } else if self.read - self.looked_at > LOOK_EVERY {
            self.look_for_memory(1)?;
        }
        Ok(count)
    }
}

/// The bytes of a body as they arrive. Only reading moves the connection on.
struct Body {
    /// Taken when it is dropped.
    response: Option<Response>,
    chunk: Bytes,
    runtime: EventLoop,
    failure: Failure,
    watch: Watch,
}

impl Body {
    fn new(response: Response, runtime: EventLoop, failure: Failure) -> Self {
        let watch = Watch { failure: failure.clone(), cancelled: runtime.cancelled() };
        let response = Some(response);
        Self { response, chunk: Bytes::new(), runtime, failure, watch }
    }
}

impl Drop for Body {
    fn drop(&mut self) {
        if let Some(response) = self.response.take() {
            self.runtime.drop_inside(response);
        }
    }
}

impl Read for Body {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        // Bytes that inflate to nothing never come to whoever reads what is inflated.
        self.watch.check()?;
        while self.chunk.is_empty() {
            let Some(response) = &mut self.response else { return Ok(0) };
            let next = self.runtime.wait(self.failure.times.deadline, response.chunk());
            match next.map_err(|ended| TransportError::from(self.failure.ended(ended)).into_io())? {
                Ok(Some(chunk)) => self.chunk = chunk,
                Ok(None) => return Ok(0),
                Err(error) => return Err(self.failure.of(&error).into_io()),
            }
        }
        let count = self.chunk.len().min(buffer.len());
        let head = self.chunk.split_to(count);
        if let Some(place) = buffer.get_mut(..count) {
            place.copy_from_slice(&head);
        }
        Ok(count)
    }
}

/// Fails instead of reading more than `left` bytes.
struct Limited<R> {
    inner: R,
    left: u64,
    error: Error,
}

impl<R> Limited<R> {
    fn new(inner: R, limit: u64, failure: &Failure) -> Self {
        Self { inner, left: limit, error: failure.too_large(limit) }
    }
}

impl<R: Read> Read for Limited<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.inner.read(buffer)?;
        match self.left.checked_sub(count as u64) {
            Some(left) => self.left = left,
            None => return Err(TransportError::from(self.error.clone()).into_io()),
        }
        Ok(count)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hosts_become_urls() {
        let url = |host: &str, secure| {
            url(&Node { host: host.into(), port: 32274 }, secure).map(|url| url.to_string())
        };
        assert_eq!(url("fabric1", false).unwrap(), "http://fabric1:32274/RPC2");
        assert_eq!(url("::1", true).unwrap(), "https://[::1]:32274/RPC2");
        assert_eq!(url("[::1]", false).unwrap(), "http://[::1]:32274/RPC2");
        assert_eq!(url("10.0.0.1", false).unwrap(), "http://10.0.0.1:32274/RPC2");
        for host in ["", "a b", "a/b", "user@host", "a:1:2", "a?b", "a#b", "fe80::1%eth0", "[::1"] {
            assert_eq!(url(host, false).unwrap_err().code, Code::Argument, "{host}");
        }
    }
}
