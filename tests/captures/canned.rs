//! A server that answers each connection with the next of some prepared bytes.

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::PathBuf;
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::Duration;

use mysqlfabric::config::{Config, Credentials, Node};
use mysqlfabric::source::fabric::Client;
#[allow(unused_imports)]
pub use mysqlfabric::source::fabric::{Commands, Protocol};

/// What to do with a connection once its request is in.
#[derive(Clone)]
pub enum Act {
    /// Send all this and close.
    Send(Vec<u8>),
    /// Send the bytes one by one with a pause before each, for as long as anybody listens.
    Drip(Vec<u8>, Duration),
    /// Hold the connection open and say nothing.
    Hang,
}

pub struct Canned {
    pub node: Node,
    requests: Arc<Mutex<Vec<String>>>,
    _thread: JoinHandle<()>,
}

impl Canned {
    pub fn new(acts: Vec<Act>) -> Self {
        Self::with(acts, |stream| Some(Box::new(stream)))
    }

    /// `wrap` may put TLS around a connection.
    pub fn with(
        acts: Vec<Act>,
        wrap: impl Fn(TcpStream) -> Option<Box<dyn Stream>> + Send + 'static,
    ) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let requests = Arc::new(Mutex::new(Vec::new()));
        let seen = Arc::clone(&requests);
        let thread = std::thread::spawn(move || {
            for act in acts {
                let Ok((stream, _)) = listener.accept() else { return };
                let Some(mut stream) = wrap(stream) else { continue };
                seen.lock().unwrap().push(request(&mut stream));
                perform(act, stream);
            }
        });
        Self { node: Node { host: "127.0.0.1".into(), port }, requests, _thread: thread }
    }

    pub fn sending(replies: &[Vec<u8>]) -> Self {
        Self::new(replies.iter().cloned().map(Act::Send).collect())
    }

    /// Serves captured replies by name.
    pub fn replaying(names: &[&str]) -> Self {
        Self::sending(&names.iter().map(|name| capture(name)).collect::<Vec<_>>())
    }

    /// The requests so far, head and body.
    pub fn requests(&self) -> Vec<String> {
        self.requests.lock().unwrap().clone()
    }
}

pub trait Stream: Read + Write + Send {}
impl<T: Read + Write + Send> Stream for T {}

fn perform(act: Act, mut stream: Box<dyn Stream>) {
    match act {
        Act::Send(bytes) => {
            let _ = stream.write_all(&bytes).and_then(|()| stream.flush());
        }
        Act::Drip(bytes, pause) => {
            std::thread::spawn(move || {
                for byte in bytes {
                    std::thread::sleep(pause);
                    if stream.write_all(&[byte]).and_then(|()| stream.flush()).is_err() {
                        return;
                    }
                }
            });
        }
        Act::Hang => std::mem::forget(stream),
    }
}

fn request(stream: &mut Box<dyn Stream>) -> String {
    let mut text = Vec::new();
    let mut buffer = [0; 4096];
    loop {
        let whole = String::from_utf8_lossy(&text).into_owned();
        if let Some((head, body)) = whole.split_once("\r\n\r\n") {
            let length = header(head, "content-length").unwrap_or("0").parse().unwrap();
            if body.len() >= length {
                return whole;
            }
        }
        match stream.read(&mut buffer) {
            Ok(0) | Err(_) => return whole,
            Ok(count) => text.extend_from_slice(&buffer[..count]),
        }
    }
}

/// The value of a header in `head`.
pub fn header<'a>(head: &'a str, name: &str) -> Option<&'a str> {
    head.lines().take_while(|line| !line.is_empty()).find_map(|line| {
        let (key, value) = line.split_once(':')?;
        key.eq_ignore_ascii_case(name).then(|| value.trim())
    })
}

pub fn path(name: &str) -> PathBuf {
    [env!("CARGO_MANIFEST_DIR"), "tests", "data", "captures", name].iter().collect()
}

pub fn capture(name: &str) -> Vec<u8> {
    std::fs::read(path(&format!("{name}.res"))).unwrap()
}

/// A whole reply with a body and a proper head.
pub fn ok(body: &str) -> Vec<u8> {
    let length = body.len();
    format!("HTTP/1.0 200 OK\r\nContent-type: text/xml\r\nContent-length: {length}\r\n\r\n{body}")
        .into_bytes()
}

pub fn config() -> Config {
    Config { request_timeout: Duration::from_secs(10), ..Config::default() }
}

pub fn with_password() -> Config {
    let credentials = Credentials { user: "admin".into(), password: String::from("secret").into() };
    Config { credentials: Some(credentials), ..config() }
}

pub fn client(config: Config) -> Client {
    Client::new(Arc::new(config))
}
