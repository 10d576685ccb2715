//! The three ways to the primary that are compared: each says where a service connects next.

use std::sync::{Arc, LazyLock, Mutex};
use std::time::Duration;

use mysqlfabric::config::{Config, Credentials, Node};
use mysqlfabric::mysql::Failure;
use mysqlfabric::observe::events::{Delivery, Kind, Listener};
use mysqlfabric::router::Router;
use mysqlfabric::topology::Wanted;
use tokio::sync::watch;

/// Where to connect, and who that is if it is known by then.
#[derive(Clone, Debug, PartialEq)]
pub struct Server {
    pub node: Node,
    pub uuid: String,
}

/// Turns true when a connection is to be dropped.
pub type Dropped = watch::Receiver<bool>;

/// A way to the server that takes writes.
pub trait Route: Send + Sync {
    fn server(&self) -> Result<Server, String>;

    /// The service is told what became of a statement or a connection.
    fn failed(&self, _server: &Server, _errno: i32) {}

    /// Says of connections that are made now when they are to be dropped, whatever is under way there.
    fn dropped(&self) -> Dropped {
        static NEVER: LazyLock<watch::Sender<bool>> = LazyLock::new(|| watch::Sender::new(false));
        NEVER.subscribe()
    }

    /// Whether the address alone says who is there.
    fn names_servers(&self) -> bool {
        true
    }
}

/// One server, whatever it is: what the group itself does is seen by asking each.
pub struct Direct(pub Server);

impl Route for Direct {
    fn server(&self) -> Result<Server, String> {
        Ok(self.0.clone())
    }
}

/// A proxy, which knows by itself whom to pass on to.
pub struct Proxy(pub Node);

impl Route for Proxy {
    fn server(&self) -> Result<Server, String> {
        Ok(Server { node: self.0.clone(), uuid: String::new() })
    }

    fn names_servers(&self) -> bool {
        false
    }
}

/// The library, used as a service uses it: ask, connect, report what was seen, and drop the
/// connections of a primary that is none any more.
pub struct Library {
    router: Router,
    group: String,
    /// Of the connections that are open.
    dropped: Arc<Mutex<watch::Sender<bool>>>,
}

impl Library {
    pub fn new(url: &str, group: &str) -> Self {
        let mut config = Config::default();
        config.set_source(url).expect("the URL");
        config.mysql.credentials =
            Some(Credentials { user: "farm".into(), password: "farm".to_owned().into() });
        config.mysql.full_password_unverified = true;
        let dropped = Arc::new(Mutex::new(watch::Sender::new(false)));
        let of_old = Arc::clone(&dropped);
        config.events = Listener::new(move |delivery: &Delivery| {
            if delivery.event.kind == Kind::PrimaryChanged {
                let mut open = of_old.lock().expect("unpoisoned");
                std::mem::replace(&mut *open, watch::Sender::new(false)).send_replace(true);
            }
        });
        Self { router: Router::new(config), group: group.into(), dropped }
    }
}

impl Route for Library {
    fn server(&self) -> Result<Server, String> {
        let take = |_: &str, server: &mysqlfabric::topology::Server| {
            let node = Node { host: server.host.clone(), port: server.port };
            Ok(Server { node, uuid: server.uuid.clone() })
        };
        self.router
            .group_server_wait(&self.group, Wanted::Primary, Duration::from_millis(500), take)
            .map_err(|error| error.message)
    }

    fn dropped(&self) -> Dropped {
        self.dropped.lock().expect("unpoisoned").subscribe()
    }

    fn failed(&self, server: &Server, errno: i32) {
        self.router.report_result(&server.uuid, errno);
    }
}

/// The number that a driver would give for it.
pub fn errno(failure: &Failure, is_connected: bool) -> i32 {
    match failure.errno() {
        Some(errno) => i32::from(errno),
        None if is_connected => 2013,
        None => 2003,
    }
}
