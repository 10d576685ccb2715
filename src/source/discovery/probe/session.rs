//! A session with one server, and what is known of the server for as long as it lasts.

use std::time::{Duration, Instant};

use crate::base::text::excerpt;
use crate::mysql::failure::ServerError;
use crate::mysql::{Account, Connection, Failure, Limits, ResultSet, Target};
use crate::source::discovery::opinion::{GroupView, Metadata, Opinion};

use super::flavour::{Flavour, shown};
use super::kept_metadata::KeptMetadata;
use super::lag::Lag;
use super::metadata::Version;
use super::questions::Questions;
use super::rows::{is_on, some_text};
use super::variables::{self, UNKNOWN_VARIABLE, Variables};
use super::{channels, cluster_set, group, metadata};

/// A server that tells more than this is another one than was meant.
const LIMITS: Limits = Limits { result_sets: 4, columns: 128, rows: 20_000, bytes: 8 << 20 };

/// No statement waits for what others have locked, and none is in a transaction.
const SETTINGS: &str = "SET SESSION autocommit = 1, lock_wait_timeout = 1";

/// A member of a group would wait with an answer until it has caught up. Others do not know the
/// variable.
const EVENTUAL: &str = "SET SESSION group_replication_consistency = 'EVENTUAL'";

/// What a server does not have is looked for again after so long.
const LOOK_AGAIN: Duration = Duration::from_secs(10);

/// Tables, schemas and views that are not there, or not for us.
const NO_SUCH_SCHEMA: u16 = 1049;
const NO_SUCH_TABLE: u16 = 1146;
const NO_SUCH_COLUMN: u16 = 1054;
const INVALID_VIEW: u16 = 1356;
const DENIED: [u16; 5] = [1044, 1142, 1143, 1227, 1370];

/// A session, to be used and dropped within the event loop that it was made in.
pub struct ServerSession {
    connection: Connection,
    flavour: Flavour,
    variables: Variables,
    /// What it was last asked about, which says what is in `variables`.
    questions: Questions,
    looked_at: Instant,
    is_eventual: bool,
    metadata: Schema,
    kept: KeptMetadata,
    lag: Lag,
    /// What a server that has no uuid is told apart by.
    address: String,
}

/// The schema of metadata, as far as it was found.
enum Schema {
    Unknown,
    Is(Version),
    /// It is not there, or may not be read, which is said then.
    None(Instant, Option<String>),
}

impl ServerSession {
    /// Connects and logs in. The deadline is that of the whole exchange.
    ///
    /// # Errors
    /// As [`Connection::connect`], and `Server` if it takes no settings.
    pub async fn open(
        target: &Target,
        account: &Account,
        deadline: Instant,
    ) -> Result<Self, Failure> {
        let connection = Connection::connect(target, account, deadline).await?;
        if connection.is_fabric() {
            let what = "is MySQL Fabric's own server, which knows of no group by itself";
            return Err(Failure::Protocol(what.into()));
        }
        let address = target.address.to_string();
        let flavour = Flavour::of(connection.version());
        let questions = Questions::default();
        let mut session = Self {
            connection,
            flavour,
            variables: Variables::of(flavour, questions.group),
            questions,
            looked_at: Instant::now(),
            is_eventual: false,
            metadata: Schema::Unknown,
            kept: KeptMetadata::default(),
            lag: Lag::default(),
            address,
        };
        session.query(SETTINGS, deadline).await?;
        session.be_eventual(deadline).await?;
        Ok(session)
    }

    /// Whether it can be asked again.
    pub fn is_usable(&self) -> bool {
        self.connection.is_usable()
    }

    /// As [`Connection::relies_on_password_cache`].
    pub fn relies_on_password_cache(&self) -> bool {
        self.connection.relies_on_password_cache()
    }

    /// Has the metadata read again, however young it is.
    pub fn forget_metadata(&mut self) {
        self.kept = KeptMetadata::default();
    }

    /// As [`Connection::close`].
    pub async fn close(self, deadline: Instant) {
        self.connection.close(deadline).await;
    }

    /// Asks the server, which has all of it answered before `deadline`. `user` is for the GRANT
    /// statements of what it may not be asked.
    ///
    /// # Errors
    /// `Server` is an answer, too: the session can be used on.
    pub async fn ask(
        &mut self,
        questions: Questions,
        user: &str,
        deadline: Instant,
    ) -> Result<Opinion, Failure> {
        // A plugin may have been installed since, and a group may ask for more than the one before.
        let is_old = !self.variables.has_group() && self.looked_at.elapsed() > LOOK_AGAIN;
        if is_old || questions != self.questions {
            self.variables = Variables::of(self.flavour, questions.group);
            self.looked_at = Instant::now();
            self.questions = questions;
        }
        let user = excerpt(user, 60);
        let mut opinion = self.itself(&user, deadline).await?;
        if opinion.group.is_some() && !self.is_eventual {
            self.be_eventual(deadline).await?;
        }
        if questions.metadata {
            opinion.metadata = self.kept.of(&opinion);
            if opinion.metadata.is_none() {
                opinion.metadata = self.metadata(&user, &mut opinion.not_granted, deadline).await?;
                self.kept.keep(&opinion);
            }
            opinion.metadata_denied = matches!(&self.metadata, Schema::None(_, Some(_)));
        }
        if questions.replication && !opinion.is_member() {
            let statement = channels::statement(self.flavour);
            match self.query(statement, deadline).await {
                Ok(set) => opinion.channels = channels::read(&set),
                Err(Failure::Server(error)) if DENIED.contains(&error.errno) => {
                    let right = channels::right(self.flavour);
                    opinion.not_granted.push(format!(
                        "from whom its servers replicate may not be asked: GRANT {right} ON *.* TO '{user}'@'...'"
                    ));
                }
                Err(failure) => return Err(failure),
            }
        }
        Ok(opinion)
    }

    /// Who it is, whether it takes writes, and its group.
    async fn itself(&mut self, user: &str, deadline: Instant) -> Result<Opinion, Failure> {
        let mut not_granted = Vec::new();
        // Once for each variable that it may not have.
        loop {
            let has_group = self.variables.has_group() && not_granted.is_empty();
            let statement = match has_group {
                true => group::statement(self.flavour, &self.variables),
                false => self.variables.select(),
            };
            let set = match self.query(&statement, deadline).await {
                Ok(set) => set,
                Err(Failure::Server(error)) if self.variables.leave_out(&error) => continue,
                Err(Failure::Server(error)) if has_group && DENIED.contains(&error.errno) => {
                    let grants = self.denied(&group::TABLES, deadline).await?;
                    let grants = grants
                        .iter()
                        .map(|table| format!("GRANT SELECT ON {table} TO '{user}'@'...'"));
                    not_granted.push(format!(
                        "what a member says of it may not be asked: {}",
                        grants.collect::<Vec<_>>().join("; ")
                    ));
                    continue;
                }
                Err(failure) => return Err(failure),
            };
            let mut group = match has_group {
                true => group::read(&set, &self.variables, &mut self.lag),
                false => None,
            };
            if let Some(view) = &mut group
                && group::has_no_roles(self.flavour)
            {
                self.set_roles(view, deadline).await?;
            }
            return self.opinion(&set, group, not_granted);
        }
    }

    /// Which of these tables the user may not read; all of them if that cannot be told any more.
    async fn denied(
        &mut self,
        tables: &[&'static str],
        deadline: Instant,
    ) -> Result<Vec<&'static str>, Failure> {
        let mut denied = Vec::new();
        for table in tables {
            match self.query(&format!("SELECT 1 FROM {table} LIMIT 0"), deadline).await {
                Err(Failure::Server(error)) if DENIED.contains(&error.errno) => denied.push(*table),
                other => drop(other?),
            }
        }
        Ok(if denied.is_empty() { tables.to_vec() } else { denied })
    }

    async fn set_roles(&mut self, view: &mut GroupView, deadline: Instant) -> Result<(), Failure> {
        let set = self.query(group::PRIMARY_MEMBER, deadline).await?;
        group::set_roles(view, Some(&set));
        Ok(())
    }

    fn opinion(
        &self,
        set: &ResultSet,
        group: Option<GroupView>,
        not_granted: Vec<String>,
    ) -> Result<Opinion, Failure> {
        let row = set.rows().next();
        let row = row.ok_or_else(|| Failure::Protocol("answers a SELECT without a row".into()))?;
        let is_on = |name: &str| self.variables.column(name).and_then(|column| is_on(row, column));
        let named =
            |name: &str| self.variables.column(name).and_then(|column| some_text(row, column));
        let read_only = is_on(variables::READ_ONLY);
        Ok(Opinion {
            uuid: named(variables::SERVER_UUID)
                .or_else(|| named(variables::SERVER_UID))
                .or_else(|| Some(format!("{}/{}", self.address, named(variables::SERVER_ID)?)))
                .ok_or_else(|| Failure::Protocol("does not say which server it is".into()))?,
            version: shown(self.connection.version()),
            is_mariadb: self.flavour == Flavour::MariaDb,
            // One that does not say is not written to.
            read_only: read_only.unwrap_or(true),
            super_read_only: is_on(variables::SUPER_READ_ONLY),
            offline_mode: is_on(variables::OFFLINE_MODE).unwrap_or(false),
            group,
            group_denied: !not_granted.is_empty(),
            not_granted,
            ..Opinion::default()
        })
    }

    /// Its copy of the metadata; nothing where there is none, or none for us.
    async fn metadata(
        &mut self,
        user: &str,
        not_granted: &mut Vec<String>,
        deadline: Instant,
    ) -> Result<Option<Metadata>, Failure> {
        let version = match &self.metadata {
            Schema::None(since, denied) if since.elapsed() < LOOK_AGAIN => {
                not_granted.extend(denied.clone());
                return Ok(None);
            }
            // Where it is being upgraded nothing else is looked at.
            Schema::Is(version) if metadata::is_readable(*version) => *version,
            _ => match self.query(metadata::VERSION, deadline).await {
                Ok(set) => metadata::version(Some(&set)),
                Err(Failure::Server(error)) if is_none(&error) => {
                    let denied = DENIED.contains(&error.errno).then(|| {
                        let schema = metadata::SCHEMA;
                        format!(
                            "whether it has the metadata of InnoDB Cluster may not be asked: GRANT SELECT ON \
                             {schema} TO '{user}'@'...', or say what kind of group it is"
                        )
                    });
                    not_granted.extend(denied.clone());
                    self.metadata = Schema::None(Instant::now(), denied);
                    return Ok(None);
                }
                Err(failure) => return Err(failure),
            },
        };
        self.metadata = Schema::Is(version);
        if !metadata::is_readable(version) {
            return Ok(Some(Metadata { version, ..Metadata::default() }));
        }
        self.cluster(version, deadline).await
    }

    /// The cluster that it is in, by metadata that is of this version, or was when it was last asked.
    async fn cluster(
        &mut self,
        version: Version,
        deadline: Instant,
    ) -> Result<Option<Metadata>, Failure> {
        let set = match self.query(&metadata::statement(version), deadline).await {
            Ok(set) => set,
            Err(Failure::Server(error)) if is_half(&error) => {
                self.metadata = Schema::Unknown;
                return self.half(error, deadline).await;
            }
            Err(failure) => {
                self.metadata = Schema::Unknown;
                return Err(failure);
            }
        };
        let now = metadata::version(Some(&set));
        self.metadata = Schema::Is(now);
        let found = metadata::read(&set).filter(|_| metadata::is_readable(now));
        let Some((own, set_id)) = found else {
            return Ok(Some(Metadata { version: now, ..Metadata::default() }));
        };
        let cluster_set = match set_id {
            Some(id) => {
                let set = self.query(&cluster_set::statement(&id), deadline).await?;
                cluster_set::read(&set)
            }
            None => None,
        };
        Ok(Some(Metadata { version: now, own: Some(own), cluster_set }))
    }

    /// Something of the schema is missing: it is being upgraded, or is gone, or broken.
    async fn half(
        &mut self,
        error: ServerError,
        deadline: Instant,
    ) -> Result<Option<Metadata>, Failure> {
        match self.query(metadata::VERSION, deadline).await {
            Ok(set) => {
                let version = metadata::version(Some(&set));
                if metadata::is_readable(version) {
                    return Err(Failure::Server(error));
                }
                Ok(Some(Metadata { version, ..Metadata::default() }))
            }
            Err(Failure::Server(error)) if is_none(&error) => Ok(None),
            Err(failure) => Err(failure),
        }
    }

    async fn be_eventual(&mut self, deadline: Instant) -> Result<(), Failure> {
        match self.query(EVENTUAL, deadline).await {
            Ok(_) => self.is_eventual = true,
            Err(Failure::Server(error)) if error.errno == UNKNOWN_VARIABLE => {}
            Err(failure) => return Err(failure),
        }
        Ok(())
    }

    /// The first result set, or one without rows.
    async fn query(&mut self, statement: &str, deadline: Instant) -> Result<ResultSet, Failure> {
        let sets = self.connection.query(statement, &LIMITS, deadline).await?;
        Ok(sets.into_iter().next().unwrap_or_default())
    }
}

fn is_none(error: &ServerError) -> bool {
    [NO_SUCH_SCHEMA, NO_SUCH_TABLE].contains(&error.errno) || DENIED.contains(&error.errno)
}

fn is_half(error: &ServerError) -> bool {
    [NO_SUCH_SCHEMA, NO_SUCH_TABLE, NO_SUCH_COLUMN, INVALID_VIEW].contains(&error.errno)
}
