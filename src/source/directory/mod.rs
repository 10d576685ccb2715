//! A shard map in tables of the service's own, on any MySQL or MariaDB server, as a source
//! (`sql/mysqlfabric.sql`). Its table `version` is looked at, and the rest is read in the same snapshot
//! when it has moved, or when a digest tells that somebody forgot to move it. Groups that name a way to be discovered are handed to discovery.

mod newest;
mod read;
mod rows;

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use crate::base::clock::{millis, signed};
use crate::base::error::{Code, Error, Result};
use crate::base::sync::{Mutex, rank};
use crate::config::{Config, Database, Node};
use crate::mysql::{Address, Failure};
use crate::observe::log::Level;
use crate::observe::metrics::Traffic;
use crate::topology::RejectedRow;

use super::database::{AskedServer, DatabaseServers};
use super::discovery::spec::Specs;
use super::node_state::NodeState;
use super::{
    About, Answer, Ask, Content, MapAnswers, MapSource, Source, Wanted, Whole, WholeSource,
};

use self::newest::{Edition, Newest};
use self::read::Look;
use self::rows::Farm;

/// How often it is looked at, unless the options say otherwise.
const INTERVAL: Duration = Duration::from_secs(1);

/// A digest reads all rows, some 2 microseconds each: servers make it for a hundredth of the time at the
/// most, which is at every look unless there are thousands of shards.
const DIGEST_PAUSES: u32 = 100;

/// The directory of a handle.
pub struct DirectorySource {
    config: Arc<Config>,
    servers: DatabaseServers,
    newest: Newest,
    specs: Arc<Specs>,
    /// The version that they are of. A forked child reads them anew.
    specs_of: Mutex<u64, { rank::DIRECTORY }>,
    /// When the digest is to be compared again, on the handle's clock.
    digest_due: AtomicU64,
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
            digest_due: AtomicU64::new(0),
        }
    }

    /// What a server has, if that is the newest that was ever seen, with its version. A replica that
    /// lags behind counts as a failure, and another server is asked. Nothing if another look has
    /// overtaken this one.
    fn look_at(
        &self,
        server: &mut AskedServer<'_>,
        known: Option<&Edition>,
        now: u64,
    ) -> std::result::Result<Result<Option<(u64, Look)>>, Failure> {
        let number = self.newest.begin_look();
        let compares = now >= self.digest_due.load(Ordering::Relaxed);
        let look = read::look(server, known, compares)?;
        let look = match look {
            Ok(look) => look,
            Err(why) => {
                let message = format!("{}: {why}", server.address);
                return Ok(Err(Error::new(Code::Protocol, message)));
            }
        };
        if let Some(took) = look.digest_took {
            let pause = millis(took.saturating_mul(DIGEST_PAUSES));
            self.digest_due.store(now.saturating_add(pause), Ordering::Relaxed);
        }
        if look.is_uncounted {
            self.warn_of_uncounted(server.address, &look);
        }
        Ok(match self.newest.note(number, &look.edition, look.is_writable) {
            Ok(version) => Ok(version.map(|version| (version, look))),
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

    fn warn_of_uncounted(&self, address: &Address, look: &Look) {
        let number = look.edition.number;
        let taken = match look.is_writable {
            true => "it is taken as it is now",
            false => {
                "as this server is read-only and may lag behind, what is known of it stays in use"
            }
        };
        self.config.log.write_once(
            Level::Warning,
            format_args!(
                "{address} has another shard map than before under the same number {number}: somebody \
                 changed it and did not count that; {taken}; begin each change with UPDATE version SET \
                 number = number + 1, by which a server that lags behind is told apart"
            ),
        );
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

    fn nodes(&self) -> Vec<NodeState> {
        self.servers.states()
    }

    fn last_node(&self) -> Option<Node> {
        self.servers.last_node()
    }
}

impl WholeSource for DirectorySource {
    fn whole(&self, version: u64, _: &Wanted<'_>, ask: &Ask<'_>) -> Result<Whole> {
        let (asked_at, version, look) = loop {
            let asked_at = ask.asker.now();
            // What was not taken in yet is read again.
            let has_specs = *self.specs_of.lock() == version;
            let known = self.newest.of_version(version).filter(|_| has_specs);
            let question =
                |server: &mut AskedServer<'_>| self.look_at(server, known.as_deref(), asked_at);
            let looked = self.servers.ask(ask, question, read::error)?;
            ask.asker.source_answered();
            if let Some((version, look)) = looked {
                break (asked_at, version, look);
            }
        };
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
                (maps, Content::Rows { about, rows: servers, rejected })
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
