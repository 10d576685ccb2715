//! What a handle is told: Fabric nodes, credentials, TLS files, limits and times.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use crate::base::error::{Code, Error, Result};
use crate::base::text::excerpt;
use crate::observe::events::Listener;
use crate::observe::log::Log;
use crate::topology::ReadPreference;

mod cluster_url;
mod credentials;
mod discovery;
mod group_spec;
mod mysql;
mod node;
mod source_url;
mod url_parts;
mod zone;

pub use self::cluster_url::Cluster;
pub use self::credentials::{Credentials, Identity, TlsFiles};
pub use self::discovery::DiscoveryOptions;
pub use self::group_spec::{DiscoveryKind, GroupSpec};
pub use self::mysql::{MysqlOptions, TlsMode};
pub use self::node::Node;
pub use self::source_url::{DEFAULT_PORT, Database, SourceUrl};
pub use self::url_parts::{DEFAULT_SERVER_PORT, shown_host};
pub use self::zone::{check_zone, is_zone};

/// How a server's failure is told to Fabric.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(i32)]
pub enum ReportErrors {
    Off = 0,
    /// Fabric acts once enough clients agree.
    Error = 1,
    /// Fabric fails over on a single report, healthy primary or not.
    Failure = 2,
}

#[derive(Clone)]
pub struct Config {
    pub nodes: Vec<Node>,
    pub credentials: Option<Credentials>,
    pub tls: Option<TlsFiles>,
    /// How MySQL servers are asked.
    pub mysql: MysqlOptions,
    /// How groups are discovered.
    pub discovery: DiscoveryOptions,
    /// Where the service runs: reads prefer servers there.
    pub zone: Option<Arc<str>>,
    /// Which servers of a group reads go to.
    pub read_preference: ReadPreference,
    /// Rounds over all known nodes before a fetch gives up.
    pub connect_attempts: u32,
    /// The longest that a Fabric which does not answer is left alone.
    pub backoff_limit: Duration,
    /// The least time between two questions which Fabric nodes there are.
    pub nodes_interval: Duration,
    /// The pause between two rounds.
    pub connect_delay: Duration,
    pub connect_timeout: Duration,
    /// One request, from connecting to the last byte of the reply.
    pub request_timeout: Duration,
    /// What one lookup waits for Fabric, all in all; zero = never.
    pub lookup_timeout: Duration,
    /// The largest reply taken, after decompression.
    pub max_reply_bytes: u64,
    /// Whether a thread of the handle's own keeps what it knows fresh.
    pub background_refresh: bool,
    /// The most of its time that the thread spends fetching, in percent.
    pub refresh_share_percent: u32,
    /// After how long without a lookup the background refresh asks less and less; zero = never.
    pub idle_after: Duration,
    /// How old an answer may be when Fabric cannot be reached; `None` = any age.
    pub max_stale: Option<Duration>,
    /// How long a server that could not be reached is left out.
    pub quarantine: Duration,
    /// How long writes are held at least after a primary refused one; zero = never.
    pub write_hold: Duration,
    /// How long the keys of a shard that Fabric stopped listing are held.
    pub vanished_hold: Duration,
    /// The least time between two reports of one server.
    pub report_window: Duration,
    pub report_errors: ReportErrors,
    /// Errnos reported to Fabric besides the built-in ones.
    pub report_errnos: Vec<i32>,
    pub ttl_min: Duration,
    pub ttl_max: Duration,
    /// Routes like Connector/Python where it differs from the server.
    pub compat_connector_python: bool,
    /// Where the topology is kept for a start without Fabric.
    pub snapshot_file: Option<PathBuf>,
    /// Where the topology comes from instead of Fabric.
    pub topology_file: Option<PathBuf>,
    /// Where it comes from as a URL: its nodes or its file are in `nodes` or `topology_file`, too.
    pub source: Option<SourceUrl>,
    pub log: Log,
    pub events: Listener,
}

impl Config {
    /// Takes in where the topology comes from.
    ///
    /// # Errors
    /// The URL is none, or there is a source already.
    pub fn set_source(&mut self, url: &str) -> Result<()> {
        let source = SourceUrl::parse(url)?;
        if self.source.is_some() || self.topology_file.is_some() {
            return Err(Error::new(
                Code::Argument,
                "a handle has one source, and one is set already; several hosts of one source go into \
                 one URL, with commas between",
            ));
        }
        match &source {
            SourceUrl::Fabric { nodes, .. } | SourceUrl::FabricMysql { nodes, .. } => {
                self.nodes.extend(nodes.iter().cloned())
            }
            // Nodes beside it are of Fabric itself, for what a database cannot do.
            SourceUrl::FabricStore(_) | SourceUrl::Cluster(_) | SourceUrl::Mysql(_) => {}
            SourceUrl::File { path } => self.set_topology_file(path.clone())?,
        }
        self.source = Some(source);
        Ok(())
    }

    /// Takes in the file that the topology comes from.
    ///
    /// # Errors
    /// There is a source already, or a snapshot file, which would keep the same again.
    pub fn set_topology_file(&mut self, path: PathBuf) -> Result<()> {
        if self.source.is_some() {
            let message =
                "a source is set already, and a topology file is another one; set one of them";
            return Err(Error::new(Code::Argument, message));
        }
        one_file(&self.snapshot_file)?;
        self.topology_file = Some(path);
        Ok(())
    }

    /// Takes in the file that keeps the topology for a start without its source.
    ///
    /// # Errors
    /// The topology comes from a file.
    pub fn set_snapshot_file(&mut self, path: PathBuf) -> Result<()> {
        one_file(&self.topology_file)?;
        self.snapshot_file = Some(path);
        Ok(())
    }

    /// Where the topology comes from as a URL, without user and password.
    pub fn source_url(&self) -> String {
        let source = match (&self.source, &self.topology_file) {
            (Some(source), _) => return source.to_string(),
            (None, Some(path)) => SourceUrl::File { path: path.clone() },
            (None, None) => SourceUrl::Fabric { user: None, nodes: self.nodes.clone() },
        };
        source.to_string()
    }

    /// The port of a node that is named without one.
    pub fn default_port(&self) -> u16 {
        self.source.as_ref().map_or(DEFAULT_PORT, SourceUrl::default_port)
    }

    /// Whether the options fit together.
    ///
    /// # Errors
    /// The source's URL names a user that is not the credentials', or nodes are named beside it that it
    /// does not ask.
    pub fn check(&self) -> Result<()> {
        if let Some(SourceUrl::FabricMysql { nodes, .. }) = &self.source
            && let Some(other) = self.nodes.iter().find(|node| !nodes.contains(node))
        {
            let Node { host, port } = other;
            let message = format!(
                "node {host}:{port} is named apart from the source's URL, and nodes named so are asked \
                 over another protocol; name all nodes in the URL"
            );
            return Err(Error::new(Code::Argument, message));
        }
        if let (Some(SourceUrl::Cluster(_)), Some(Node { host, port })) =
            (&self.source, self.nodes.first())
        {
            let message = format!(
                "node {host}:{port} is one of MySQL Fabric, which has no part in a source cluster://; name the \
                 servers of the cluster in the URL, with commas between"
            );
            return Err(Error::new(Code::Argument, message));
        }
        if let (Some(SourceUrl::Mysql(_)), [Node { host, port }, ..]) =
            (&self.source, self.nodes.as_slice())
        {
            let message = format!(
                "{host}:{port} is named as a Fabric node, and a source mysql:// has none; leave it out, or \
                 name it in the URL if the shard map is there, too"
            );
            return Err(Error::new(Code::Argument, message));
        }
        let Some(user) = self.source.as_ref().and_then(SourceUrl::user) else { return Ok(()) };
        let (given, which) = match &self.source {
            Some(SourceUrl::FabricStore(_) | SourceUrl::Cluster(_) | SourceUrl::Mysql(_)) => {
                (&self.mysql.credentials, "credentials for MySQL")
            }
            _ => (&self.credentials, "credentials"),
        };
        let given = given.as_ref().map(|credentials| credentials.user.as_str());
        if given == Some(user) {
            return Ok(());
        }
        let user = excerpt(user, 60);
        let message = match given {
            Some(given) => format!(
                "the source's URL names user \"{user}\", and the {which} are of user \
                 \"{}\"; leave one out, or name the same",
                excerpt(given, 60)
            ),
            None => format!(
                "the source's URL names user \"{user}\", whose password is missing; give the \
                 {which}, too"
            ),
        };
        Err(Error::new(Code::Argument, message))
    }
}

fn one_file(other: &Option<PathBuf>) -> Result<()> {
    match other {
        None => Ok(()),
        Some(other) => Err(Error::new(
            Code::Argument,
            format!(
                "a snapshot file and a topology file exclude each other, and '{}' is set already; \
                 set one of them",
                other.display()
            ),
        )),
    }
}

impl Default for Config {
    fn default() -> Self {
        Self {
            nodes: Vec::new(),
            credentials: None,
            tls: None,
            mysql: MysqlOptions::default(),
            discovery: DiscoveryOptions::default(),
            zone: None,
            read_preference: ReadPreference::default(),
            connect_attempts: 3,
            connect_delay: Duration::from_secs(1),
            backoff_limit: Duration::from_secs(10),
            nodes_interval: Duration::from_secs(60),
            connect_timeout: Duration::from_secs(5),
            request_timeout: Duration::from_secs(20),
            lookup_timeout: Duration::from_secs(5),
            max_reply_bytes: 64 << 20,
            background_refresh: true,
            refresh_share_percent: 5,
            idle_after: Duration::from_secs(60),
            max_stale: None,
            quarantine: Duration::from_secs(2),
            write_hold: Duration::from_secs(4),
            vanished_hold: Duration::from_secs(600),
            report_window: Duration::from_secs(10),
            report_errors: ReportErrors::Off,
            report_errnos: Vec::new(),
            ttl_min: Duration::ZERO,
            ttl_max: Duration::MAX,
            compat_connector_python: false,
            snapshot_file: None,
            topology_file: None,
            source: None,
            log: Log::default(),
            events: Listener::default(),
        }
    }
}
