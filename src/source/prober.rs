//! Whether a server of the farm that was lost is back: a login tells, by the account of the options.

use std::sync::Arc;
use std::time::Instant;

use tokio::sync::watch;

use crate::base::error::Code;
use crate::config::{Config, Node};
use crate::mysql::{Account, Address, Failure, Limits, Session, Target};

/// What became of a probe.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Probed {
    /// It lets clients in.
    Serves,
    /// It does not answer, or lets nobody in, and why.
    Away(String),
    /// It cannot be found out this way, and why. With `lasts` that is so until somebody acts, and to
    /// try again soon could lock the account.
    Unknown { why: String, lasts: bool },
}

/// Tries servers. From any thread.
pub trait Prober: Send + Sync {
    /// Logs in to a server and out again. Blocks for the connect timeout of the options at most.
    fn probe(&self, node: &Node) -> Probed;

    /// Cuts off what is under way and refuses what comes later: the handle is being freed.
    fn cancel(&self);
}

/// A real login, so that the server counts no broken handshake.
pub struct Login {
    config: Arc<Config>,
    cancelled: watch::Sender<bool>,
}

/// Those who may log in to a server in offline mode see by this that nobody else may. Servers before
/// MySQL 5.7 and MariaDB know no such variable, and answer no row.
const OFFLINE_MODE: &str = "SHOW GLOBAL VARIABLES WHERE Variable_name = 'offline_mode'";

const LIMIT: usize = 64 << 10;

impl Login {
    /// Nothing where the options have no account.
    pub fn of(config: &Arc<Config>) -> Option<Self> {
        config.mysql.credentials.as_ref()?;
        Some(Self { config: Arc::clone(config), cancelled: watch::Sender::new(false) })
    }

    fn log_in(&self, address: Address) -> Result<bool, Failure> {
        let mysql = &self.config.mysql;
        let target = Target::new(address, mysql.tls_mode, mysql.ca.clone(), mysql.identity.clone());
        // Whoever named the server may not be known either: never in full over unverified TLS.
        let account = Account::of(mysql.credentials.as_ref());
        let deadline = Instant::now() + self.config.connect_timeout;
        let cancelled = [self.cancelled.subscribe(), self.cancelled.subscribe()];
        let mut session = Session::connect(&target, &account, deadline, cancelled)?;
        let sets = session.query(OFFLINE_MODE, &Limits::of(LIMIT), deadline)?;
        let mut rows = sets.iter().flat_map(|set| set.rows());
        Ok(rows.next().and_then(|row| row.get(1)) != Some(b"ON"))
    }
}

impl Prober for Login {
    fn probe(&self, node: &Node) -> Probed {
        let address = Address::Tcp(node.clone());
        let failure = match self.log_in(address.clone()) {
            Ok(true) => return Probed::Serves,
            Ok(false) => return Probed::Away(format!("{address} is in offline mode")),
            Err(failure) => failure,
        };
        let (is_statement, lasts) = (
            matches!(failure, Failure::Server(_)),
            failure.is_auth_failure() || matches!(failure, Failure::Tls(_) | Failure::Argument(_)),
        );
        let is_own = matches!(failure, Failure::System(_) | Failure::CutOff);
        let user = self.config.mysql.credentials.as_ref().map_or("", |own| own.user.as_str());
        let error = failure.into_error(&address, user);
        match error.code {
            _ if lasts || is_own => Probed::Unknown { why: error.message, lasts },
            // It let us in, and refuses this one statement.
            Code::Mysql | Code::Forbidden if is_statement => Probed::Serves,
            _ => Probed::Away(error.message),
        }
    }

    fn cancel(&self) {
        self.cancelled.send_replace(true);
    }
}
