//! MySQL servers that have one database, as a source asks them: whoever of them answers first.

use std::sync::Arc;

use tokio::sync::watch;

use crate::base::error::{Error, Result};
use crate::config::{Config, Database, Node};
use crate::mysql::{Account, Address, Failure, Limits, Target};
use crate::observe::metrics::Traffic;

use super::mysql_session::{Opened, limits, open, wait_for, warn_of_password_cache};
use super::node_state::NodeState;
use super::pool::NodePool;
use super::{Ask, Attempt, Size, Subject};

/// What a server answers where the database, or a part of it, is missing, or not for this user.
pub(crate) const NO_SUCH_TABLE: u16 = 1146;
pub(crate) const NO_SUCH_COLUMN: u16 = 1054;
pub(crate) const NO_SUCH_DATABASE: u16 = 1049;
pub(crate) const NO_DATABASE_FOR_USER: u16 = 1044;

/// The servers of a database.
pub struct DatabaseServers {
    config: Arc<Config>,
    database: Database,
    servers: NodePool,
    traffic: Arc<Traffic>,
    cancelled: watch::Sender<bool>,
}

/// A session with one of them, for one question.
pub struct AskedServer<'a> {
    pub opened: Opened,
    pub limits: Limits,
    pub address: &'a Address,
    pub user: &'a str,
    pub database: &'a Database,
}

impl DatabaseServers {
    /// No I/O. `kind` and `awaited` are what messages call a server and its answer, `none` is the
    /// refusal where no server is known.
    pub fn new(
        database: &Database,
        config: &Arc<Config>,
        traffic: &Arc<Traffic>,
        (kind, awaited): (&'static str, &'static str),
        none: fn() -> Error,
    ) -> Self {
        Self {
            config: Arc::clone(config),
            database: database.clone(),
            servers: NodePool::of(&database.servers, config, kind, awaited, none),
            traffic: Arc::clone(traffic),
            cancelled: watch::Sender::new(false),
        }
    }

    /// Has a server answer `question`. What a server says that is of no use counts as its failure, and
    /// the next one is asked; `error` puts failures of the session into words.
    pub fn ask<T: Send>(
        &self,
        ask: &Ask<'_>,
        question: impl Fn(&mut AskedServer<'_>) -> std::result::Result<Result<T>, Failure> + Sync,
        error: impl Fn(Failure, &Address, &str, &Database) -> Error + Sync,
    ) -> Result<T> {
        self.servers.ask(ask, Subject::Tables(Size::ALL), |node, attempt| {
            let address = match &self.database.socket {
                Some(path) => Address::Socket(path.clone()),
                None => Address::Tcp(node.clone()),
            };
            let account = Account::at(&self.config.mysql, true);
            let answer = wait_for(|| {
                self.ask_one(&address, &account, attempt, &question)
                    .map_err(|failure| error(failure, &address, &account.user, &self.database))
            });
            answer?
        })
    }

    fn ask_one<T>(
        &self,
        address: &Address,
        account: &Account,
        attempt: &Attempt,
        question: impl Fn(&mut AskedServer<'_>) -> std::result::Result<T, Failure>,
    ) -> std::result::Result<T, Failure> {
        let mysql = &self.config.mysql;
        let mut target =
            Target::new(address.clone(), mysql.tls_mode, mysql.ca.clone(), mysql.identity.clone());
        target.database = Some(self.database.name.clone());
        let opened = open(&target, account, &self.config, attempt, &self.cancelled, &self.traffic)?;
        if opened.session.relies_on_password_cache() {
            warn_of_password_cache(&self.config.log, address, &account.user);
        }
        let begun = opened.begun;
        let limits = limits(&self.config);
        let (user, database) = (account.user.as_str(), &self.database);
        let mut asked = AskedServer { opened, limits, address, user, database };
        let answer = question(&mut asked)?;
        attempt.answered(begun.elapsed());
        Ok(answer)
    }

    /// All of them, in the order in which they were named.
    pub fn states(&self) -> Vec<NodeState> {
        self.servers.states()
    }

    /// Which server answered last.
    pub fn last_node(&self) -> Option<Node> {
        self.servers.last_node()
    }

    /// Ends the questions that callers ask in their own threads.
    pub fn interrupt(&self) {
        self.servers.callers().interrupt();
    }

    /// Cuts off what is under way: the handle is being freed.
    pub fn cancel(&self) {
        self.cancelled.send_replace(true);
    }
}
