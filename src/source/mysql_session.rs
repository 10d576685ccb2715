//! A session with a MySQL server, or with what speaks like one, for one attempt of a source.

use std::fmt::Display;
use std::sync::atomic::Ordering;
use std::time::Instant;

use tokio::sync::watch;

use crate::base::error::Result;
use crate::base::memory;
use crate::base::text::excerpt;
use crate::config::Config;
use crate::mysql::{Account, Failure, Limits, ResultSet, Session, Target};
use crate::net::off_runtime::off_runtime;
use crate::observe::log::{Level, Log};
use crate::observe::metrics::Traffic;

use super::attempt::Attempt;

/// Memory that must be there before anything is asked, as over HTTP.
const LEAST: usize = 48 << 20;

/// Does `work`, which opens a session, where a thread may wait for it.
pub fn wait_for<T: Send>(work: impl FnOnce() -> Result<T> + Send) -> Result<T> {
    if !memory::is_there(LEAST) {
        return Err(memory::lacking());
    }
    off_runtime(work)
}

/// How much of an answer the options take.
pub fn limits(config: &Config) -> Limits {
    Limits::of(usize::try_from(config.max_reply_bytes).unwrap_or(usize::MAX))
}

/// Warns, once for each server, that the next login may be refused though nobody changes a thing.
pub fn warn_of_password_cache(log: &Log, server: &impl Display, user: &str) {
    log.write_once(
        Level::Warning,
        format_args!(
            "{server} lets user \"{}\" in by a password that it remembers, and asks for it in full once \
             it is restarted, which this connection is not fit for: it takes verified TLS or a Unix \
             socket",
            excerpt(user, 60)
        ),
    );
}

/// A session, and until when all that is asked in it has to be answered.
pub struct Opened {
    pub session: Session,
    pub deadline: Instant,
    pub begun: Instant,
}

/// Statements that begin a consistent snapshot. Under another isolation level it would silently be none.
const BEGIN: [&str; 2] = [
    "SET SESSION TRANSACTION ISOLATION LEVEL REPEATABLE READ",
    "START TRANSACTION WITH CONSISTENT SNAPSHOT, READ ONLY",
];

/// A member of a group would wait with an answer until it has caught up. Other servers do not know the
/// variable.
const EVENTUAL: &str = "SET SESSION group_replication_consistency = 'EVENTUAL'";
const UNKNOWN_VARIABLE: u16 = 1193;

impl Opened {
    /// Asks one statement.
    pub fn query(
        &mut self,
        statement: &str,
        limits: &Limits,
    ) -> std::result::Result<Vec<ResultSet>, Failure> {
        self.session.query(statement, limits, self.deadline)
    }

    /// The rows of a SELECT.
    pub fn rows(
        &mut self,
        statement: &str,
        limits: &Limits,
    ) -> std::result::Result<ResultSet, Failure> {
        let set = self.query(statement, limits)?.into_iter().next();
        set.ok_or_else(|| Failure::Protocol("answers a SELECT without rows".into()))
    }

    /// What is asked from here on is all of one moment.
    pub fn begin_snapshot(&mut self, limits: &Limits) -> std::result::Result<(), Failure> {
        match self.query(EVENTUAL, limits) {
            Err(Failure::Server(error)) if error.errno == UNKNOWN_VARIABLE => {}
            other => drop(other?),
        }
        for statement in BEGIN {
            self.query(statement, limits)?;
        }
        Ok(())
    }
}

/// Connects and logs in for `attempt`, within the connect timeout, and the request timeout for all.
/// `cancelled` ends it when the handle is freed.
pub fn open(
    target: &Target,
    account: &Account,
    config: &Config,
    attempt: &Attempt,
    cancelled: &watch::Sender<bool>,
    traffic: &Traffic,
) -> std::result::Result<Opened, Failure> {
    let most = attempt.left(config.request_timeout);
    let now = Instant::now();
    let cancelled = [cancelled.subscribe(), attempt.cancelled()];
    traffic.requests.fetch_add(1, Ordering::Relaxed);
    attempt.asks();
    let connected = now + most.min(config.connect_timeout);
    let session = Session::connect(target, account, connected, cancelled)?;
    attempt.connected();
    Ok(Opened { session, deadline: now + most, begun: Instant::now() })
}
