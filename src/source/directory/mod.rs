//! A shard map in tables of the service's own, on any MySQL or MariaDB server, as a source
//! (`sql/mysqlfabric.sql`). Its table `version` is looked at, and the rest is read in the same snapshot
//! when it has moved. Groups that name a way to be discovered are handed to discovery.

mod newest;
mod read;
mod rows;

use std::sync::Arc;
use std::time::Duration;

use crate::base::clock::signed;
use crate::base::error::{Code, Error, Result};
use crate::base::sync::{Mutex, rank};
use crate::config::{Config, Database};
use crate::mysql::Failure;
use crate::observe::log::Level;
use crate::observe::metrics::Traffic;
use crate::topology::RejectedRow;

use super::database::{AskedServer, DatabaseServers};
use super::discovery::spec::Specs;
use super::{
    About, Answer, Ask, Content, MapAnswers, MapSource, Source, Wanted, Whole, WholeSource,
};

use self::newest::{Edition, Newest};
use self::read::Look;
use self::rows::Farm;

/// How often it is looked at, unless the options say otherwise.
const INTERVAL: Duration = Duration::from_secs(1);

/// The directory of a handle.
pub struct DirectorySource {
    config: Arc<Config>,
    servers: DatabaseServers,
    newest: Newest,
    specs: Arc<Specs>,
    /// The version that they are of. A forked child reads them anew.
    specs_of: Mutex<u64, { rank::DIRECTORY }>,
}

impl DirectorySource {
    /// No I/O. `specs` are told which groups are to be discovered.
    pub fn new(
        database: &Database,
        config: &Arc<Config>,
        traffic: &Arc<Traffic>,
        specs: &Arc<Specs>,
    ) -> Self {
        let nobody = || Error::new(Code::NotSeeded, "no server of the shard map is known");
        let names = ("shard map's server", "the shard map");
        Self {
            config: Arc::clone(config),
            servers: DatabaseServers::new(database, config, traffic, names, nobody),
            newest: Newest::default(),
            specs: Arc::clone(specs),
            specs_of: Mutex::default(),
        }
    }

    /// What a server has, if that is the newest that was ever seen, with its version. A replica that
    /// lags behind counts as a failure, and another server is asked.
    fn look_at(
        &self,
        server: &mut AskedServer<'_>,
        known: Option<&Edition>,
    ) -> std::result::Result<Result<(u64, Look)>, Failure> {
        let look = read::look(server, known)?;
        let look = match look {
            Ok(look) => look,
            Err(why) => {
                let message = format!("{}: {why}", server.address);
                return Ok(Err(Error::new(Code::Protocol, message)));
            }
        };
        Ok(match self.newest.note(&look.edition, look.is_writable) {
            Ok(version) => Ok((version, look)),
            Err(why) => {
                let message = format!("{} {why}", server.address);
                self.config.log.write_once(
                    Level::Warning,
                    format_args!("{message}; what is known of the shard map stays in use"),
                );
                Err(Error::new(Code::Unreachable, message))
            }
        })
    }

    fn warn(&self, rejected: &[RejectedRow]) {
        // Those of tables and groups are told where they are taken in.
        for row in rejected.iter().filter(|row| row.owner.is_none()) {
            self.config.log.write_once(
                Level::Warning,
                format_args!("a row of the shard map's tables is left out: {}", row.reason),
            );
        }
    }
}

impl Source for DirectorySource {
    fn name(&self) -> String {
        "the shard map".into()
    }

    fn unsupported(&self) -> Error {
        Error::new(
            Code::NotSeeded,
            "the shard map is in tables of a database, which takes no commands and no reports",
        )
    }

    fn reset(&self) {
        self.newest.forget();
    }

    fn was_not_taken_in(&self) {}

    fn interrupt(&self) {
        self.servers.interrupt();
    }

    fn cancel(&self) {
        self.servers.cancel();
    }
}

impl WholeSource for DirectorySource {
    fn whole(&self, version: u64, _: &Wanted<'_>, ask: &Ask<'_>) -> Result<Whole> {
        let asked_at = ask.asker.now();
        // What was not taken in yet is read again.
        let has_specs = *self.specs_of.lock() == version;
        let known = self.newest.of_version(version).filter(|_| has_specs);
        let known = known.as_deref();
        let (version, look) =
            self.servers.ask(ask, |server| self.look_at(server, known), read::error)?;
        ask.asker.source_answered();
        let (maps, groups) = match &look.content {
            None => {
                let confirmed = signed(asked_at);
                (Content::Unchanged { confirmed }, Content::Unchanged { confirmed })
            }
            Some(tables) => {
                let Farm { maps, servers, specs, rejected_maps, rejected_servers } =
                    rows::farm(tables);
                self.warn(&rejected_maps);
                self.warn(&rejected_servers);
                // An older answer, whose time is over, names no groups any more.
                let mut specs_of = self.specs_of.lock();
                if self.newest.is(version) {
                    self.specs.set(specs);
                    *specs_of = version;
                }
                drop(specs_of);
                let about = About::Everything;
                let rejected = rejected_maps;
                let maps = Content::Rows { about: about.clone(), rows: maps, rejected };
                let rejected = rejected_servers;
                (maps, Content::Rows { about, rows: servers.into(), rejected })
            }
        };
        Ok(Whole {
            version,
            maps: Answer { asked_at, interval: INTERVAL, content: maps },
            groups: Answer { asked_at, interval: INTERVAL, content: groups },
            elsewhere: self.specs.get().keys().cloned().collect(),
        })
    }
}

impl MapSource for DirectorySource {
    fn maps(&self, wanted: &Wanted<'_>, ask: &Ask<'_>) -> Result<MapAnswers> {
        Ok(self.whole(0, wanted, ask)?.maps.into())
    }

    /// It lists those that are not enabled, too.
    fn lists_every_shard(&self) -> bool {
        true
    }
}
