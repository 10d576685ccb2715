//! What a handle is told: Fabric nodes, credentials, TLS files, limits and times.

use std::path::PathBuf;
use std::time::Duration;

use zeroize::Zeroizing;

use crate::observe::events::Listener;
use crate::observe::log::Log;

/// The port a Fabric node listens on unless told otherwise.
pub const DEFAULT_PORT: u16 = 32274;

/// The address of one Fabric node.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Node {
    pub host: String,
    pub port: u16,
}

/// Who the handle is for Fabric. The password is wiped when the last copy goes.
#[derive(Clone)]
pub struct Credentials {
    pub user: String,
    pub password: Zeroizing<String>,
}

/// The PEM files of a TLS connection: the authority the node is verified against, and the
/// client's own certificate where one is asked for.
#[derive(Debug, Clone)]
pub struct TlsFiles {
    pub ca: PathBuf,
    pub identity: Option<Identity>,
}

#[derive(Debug, Clone)]
pub struct Identity {
    pub key: PathBuf,
    pub cert: PathBuf,
}

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
    pub log: Log,
    pub events: Listener,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            nodes: Vec::new(),
            credentials: None,
            tls: None,
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
            log: Log::default(),
            events: Listener::default(),
        }
    }
}
