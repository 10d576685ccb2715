//! A fabricd with the sample farm, and a router pointed at it.

use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use fabricd::{Farm, Options, Server};
use mysqlfabric::base::error::{Code, Result};
use mysqlfabric::config::{Config, Credentials, Node};
use mysqlfabric::observe::log::{Level, Log};
use mysqlfabric::router::{Router, Scope};
use mysqlfabric::topology::{Key, Wanted};
use zeroize::Zeroizing;

pub fn sample() -> Server {
    start(Farm::sample())
}

pub fn start(farm: Farm) -> Server {
    Server::start(Options::new(farm)).expect("fabricd starts")
}

/// A long time to live unless a test is about its end; short deadlines always; and nobody in
/// the background, so that every request has a caller who can be named.
pub fn config(servers: &[&Server]) -> Config {
    let node = |server: &&Server| Node { host: "127.0.0.1".into(), port: server.port() };
    Config {
        nodes: servers.iter().map(node).collect(),
        credentials: Some(Credentials {
            user: "admin".into(),
            password: Zeroizing::new("secret".into()),
        }),
        connect_attempts: 2,
        connect_delay: Duration::from_millis(10),
        connect_timeout: Duration::from_secs(2),
        request_timeout: Duration::from_secs(5),
        ttl_min: Duration::from_secs(3600),
        background_refresh: false,
        ..Config::default()
    }
}

pub fn router(server: &Server) -> Router {
    Router::new(config(&[server]))
}

/// `uuid group port` of the chosen server, as far as tests look at it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Choice {
    pub group: String,
    pub port: u16,
}

pub fn ask(router: &Router, table: &str, key: Key<'_>, wanted: Wanted) -> Result<Choice> {
    router.shard_server(&[table.as_bytes()], Some(key), Scope::Local, wanted, |group, server| {
        Ok(Choice { group: group.to_owned(), port: server.port })
    })
}

pub fn group_of(router: &Router, table: &str, key: Key<'_>) -> Result<String> {
    ask(router, table, key, Wanted::Primary).map(|choice| choice.group)
}

pub fn primary_of(router: &Router, group: &str) -> Result<u16> {
    router.group_server(group, Wanted::Primary, |_, server| Ok(server.port))
}

pub fn code<T: std::fmt::Debug>(outcome: Result<T>) -> Code {
    outcome.expect_err("a refusal").code
}

/// The methods fabricd answered, "401" where it asked for a password.
pub fn methods(server: &Server) -> Vec<String> {
    let name = |log: fabricd::RequestLog| match log.status {
        200 => log.method,
        status => status.to_string(),
    };
    server.requests().into_iter().map(name).collect()
}

/// What a handle had to say, for a test to read.
#[derive(Clone, Default)]
pub struct Heard(Arc<Mutex<Vec<String>>>);

impl Heard {
    pub fn log(&self) -> Log {
        let heard = Arc::clone(&self.0);
        Log::new(Level::Debug, move |_, message| {
            heard.lock().expect("unpoisoned").push(message.to_owned());
        })
    }

    pub fn messages(&self) -> Vec<String> {
        self.0.lock().expect("unpoisoned").clone()
    }

    pub fn says(&self, text: &str) -> bool {
        self.messages().iter().any(|message| message.contains(text))
    }
}

/// Waits for something that must come about; how soon is not the test's matter.
pub fn eventually(what: &str, mut come: impl FnMut() -> bool) {
    let begun = Instant::now();
    while !come() {
        assert!(begun.elapsed() < Duration::from_secs(30), "never came: {what}");
        std::thread::sleep(Duration::from_millis(5));
    }
}
