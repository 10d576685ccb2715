//! The tables of sql/mysqlfabric.sql on a MySQL server, to be read and written.

use std::time::Instant;

use mysqlfabric::base::error::Error;
use mysqlfabric::config::{Config, Database as DatabaseUrl};
use mysqlfabric::mysql::{
    Account, Address, Failure as Refusal, Limits, ResultSet, Session, Target,
};
use tokio::sync::watch;

use crate::exit::{Exit, Failure, Result};
use crate::farm::{Farm, of_tables};

/// The form of the tables that is known here.
const SCHEMA_VERSION: &str = "1";

const NO_SUCH_TABLE: u16 = 1146;
const NO_SUCH_COLUMN: u16 = 1054;
const NO_SUCH_DATABASE: u16 = 1049;

/// A session with one server. What is begun in it and not committed is undone when it is dropped.
pub struct Database {
    connection: Connection,
    address: Address,
    user: String,
    name: String,
    limits: Limits,
}

/// A session with a server, in which everything has to be answered by one deadline.
pub struct Connection {
    session: Session,
    deadline: Instant,
    /// Whoever held it could cut the session off: it is kept, and nobody does.
    _cut: watch::Sender<bool>,
}

impl Connection {
    /// Logs in by the account of the configuration to a server that the service itself has named, or another
    /// one, which never gets the password unverified.
    pub fn open(
        config: &Config,
        address: Address,
        database: Option<&str>,
        is_for_named: bool,
    ) -> std::result::Result<Self, Refusal> {
        let mysql = &config.mysql;
        let mut target =
            Target::new(address, mysql.tls_mode, mysql.ca.clone(), mysql.identity.clone());
        target.database = database.map(str::to_owned);
        let account = Account::at(mysql, is_for_named);
        let (cut, is_cut) = watch::channel(false);
        let deadline = Instant::now() + config.request_timeout;
        let session = Session::connect(&target, &account, deadline, [is_cut.clone(), is_cut])?;
        Ok(Self { session, deadline, _cut: cut })
    }

    pub fn query(
        &mut self,
        statement: &str,
        limits: &Limits,
    ) -> std::result::Result<Vec<ResultSet>, Refusal> {
        self.session.query(statement, limits, self.deadline)
    }

    /// What the server calls its version.
    pub fn version(&self) -> &str {
        self.session.version()
    }
}

impl Database {
    /// The first server of a URL that answers and, if it is to be written, can be.
    ///
    /// # Errors
    /// What the last one said.
    pub fn open(config: &Config, of: &DatabaseUrl, is_written: bool) -> Result<Self> {
        let addresses: Vec<Address> = match &of.socket {
            Some(path) => vec![Address::Socket(path.clone())],
            None => of.servers.iter().cloned().map(Address::Tcp).collect(),
        };
        let user =
            config.mysql.credentials.as_ref().map(|own| own.user.clone()).unwrap_or_default();
        let limits = Limits::of(usize::try_from(config.max_reply_bytes).unwrap_or(usize::MAX));
        let mut refusal = None;
        for address in addresses {
            let opened = match Connection::open(config, address.clone(), Some(&of.name), true) {
                Ok(connection) => {
                    let (address, user, name) = (address.clone(), user.clone(), of.name.clone());
                    let mut opened = Self { connection, address, user, name, limits };
                    opened.begin(is_written).map(|()| opened)
                }
                Err(failure) => Err(told(failure, &address, &user, &of.name)),
            };
            match opened {
                Ok(opened) => return Ok(opened),
                Err(failure) => refusal = Some(failure),
            }
        }
        Err(refusal.unwrap_or_else(|| Failure::usage("the URL names no server")))
    }

    /// Begins a transaction: of one moment to be read, or with the row locked that all writers lock.
    fn begin(&mut self, is_written: bool) -> Result<()> {
        self.run("SET SESSION sql_mode = 'STRICT_ALL_TABLES'")?;
        self.run("SET SESSION TRANSACTION ISOLATION LEVEL REPEATABLE READ")?;
        if is_written {
            if self.cell("SELECT @@global.read_only")?.as_deref() != Some("0") {
                return Err(Failure::new(
                    Exit::Unavailable,
                    format!("{} is read only; name the primary in the URL", self.address),
                ));
            }
            self.run("START TRANSACTION")?;
            // The snapshot is made at the first SELECT, behind this.
            self.run("UPDATE version SET number = number + 1")?;
        } else {
            self.run("START TRANSACTION WITH CONSISTENT SNAPSHOT, READ ONLY")?;
        }
        match self.cell("SELECT schema_version FROM version")?.as_deref() {
            Some(SCHEMA_VERSION) => Ok(()),
            Some(other) => Err(Failure::new(
                Exit::Answer,
                format!(
                    "the tables of `{}` are of version {other}, and {SCHEMA_VERSION} is the one that is \
                     known here",
                    self.name
                ),
            )),
            None => Err(Failure::new(
                Exit::Answer,
                format!(
                    "table version of `{}` has no row; sql/mysqlfabric.sql makes the tables",
                    self.name
                ),
            )),
        }
    }

    /// The farm in the tables.
    ///
    /// # Errors
    /// A row makes no sense: it is named.
    pub fn farm(&mut self) -> Result<Farm> {
        let zones = self.has_zones()?;
        of_tables(zones, |statement| self.rows(statement))
    }

    /// Whether the tables say where servers are, which older ones do not.
    pub fn has_zones(&mut self) -> Result<bool> {
        match self.query("SELECT zone FROM servers LIMIT 0") {
            Ok(_) => Ok(true),
            Err(Refusal::Server(error)) if error.errno == NO_SUCH_COLUMN => Ok(false),
            Err(failure) => Err(self.told(failure)),
        }
    }

    /// Does a statement that has no rows.
    pub fn run(&mut self, statement: &str) -> Result<()> {
        self.query(statement).map(drop).map_err(|failure| self.told(failure))
    }

    fn rows(&mut self, statement: &str) -> Result<ResultSet> {
        let sets = self.query(statement).map_err(|failure| self.told(failure))?;
        let none = || Failure::new(Exit::Answer, "the server answers a SELECT without rows");
        sets.into_iter().next().ok_or_else(none)
    }

    /// The first cell of the first row.
    fn cell(&mut self, statement: &str) -> Result<Option<String>> {
        let rows = self.rows(statement)?;
        let cell = rows.rows().next().and_then(|row| row.get(0));
        Ok(cell.map(|cell| String::from_utf8_lossy(cell).into_owned()))
    }

    fn query(&mut self, statement: &str) -> std::result::Result<Vec<ResultSet>, Refusal> {
        self.connection.query(statement, &self.limits)
    }

    fn told(&self, failure: Refusal) -> Failure {
        told(failure, &self.address, &self.user, &self.name)
    }
}

/// A failure in words, with the remedy where the tables are not there.
fn told(failure: Refusal, address: &Address, user: &str, name: &str) -> Failure {
    let is_missing =
        matches!(failure.errno(), Some(NO_SUCH_TABLE | NO_SUCH_COLUMN | NO_SUCH_DATABASE));
    let error = failure.into_error(address, user);
    match is_missing {
        true => Failure::from(Error::new(
            error.code,
            format!(
                "{}: `{name}` has no tables for a shard map; sql/mysqlfabric.sql makes them",
                error.message
            ),
        )),
        false => error.into(),
    }
}
