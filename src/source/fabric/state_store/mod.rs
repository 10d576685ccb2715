//! The MySQL database in which Fabric keeps its state, as a source: no Fabric process has to run. It
//! is read in one consistent snapshot, and says more than Fabric does: which shards are DISABLED.

mod read;
mod rows;

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use crate::base::clock::signed;
use crate::base::error::{Code, Error, Result};
use crate::base::sync::{Mutex, rank};
use crate::config::{Config, Database, Node};
use crate::observe::log::Level;
use crate::observe::metrics::Traffic;
use crate::source::database::DatabaseServers;
use crate::source::node_state::NodeState;
use crate::source::{
    About, Answer, Ask, Content, Control, GroupAnswers, GroupSource, MapAnswers, MapSource, Source,
    Wanted, Whole, WholeSource,
};
use crate::topology::RejectedRow;

use super::{COMMITS_AFTER, Client, FabricSource};

use self::read::{Look, look};

/// How often it is looked at: the time to live that Fabric is shipped with is in its configuration,
/// and not in the store.
const INTERVAL: Duration = Duration::from_secs(1);

/// The state store of a handle.
pub struct StateStore {
    config: Arc<Config>,
    servers: DatabaseServers,
    /// Fabric itself, for commands and reports, where the service names nodes of it.
    fabric: Option<FabricSource<Client>>,
    state: Mutex<State, { rank::STATE_STORE }>,
    /// Counts the looks, and the versions: in a forked child on from its parent's.
    looks: AtomicU64,
    versions: AtomicU64,
}

/// What the last look saw.
#[derive(Default)]
struct State {
    look: u64,
    digest: String,
    version: u64,
}

/// A look whose answer came in behind that of a later one.
struct Overtaken;

impl StateStore {
    /// No I/O.
    pub fn new(database: &Database, config: &Arc<Config>, traffic: &Arc<Traffic>) -> Self {
        let nobody = || Error::new(Code::NotSeeded, "no server of the state store is known");
        let names = ("state store", "the state store's answer");
        let servers = DatabaseServers::new(database, config, traffic, names, nobody);
        let has_nodes = !config.nodes.is_empty();
        Self {
            config: Arc::clone(config),
            servers,
            fabric: has_nodes.then(|| FabricSource::new(config, traffic)),
            state: Mutex::default(),
            looks: AtomicU64::new(0),
            versions: AtomicU64::new(0),
        }
    }

    /// Looks at the store. What is known needs no second reading.
    fn look(&self, known: Option<&str>, ask: &Ask<'_>) -> Result<Look> {
        self.servers.ask(ask, |server| look(server, known), read::error)
    }

    /// Notes what a look saw, and gives its version.
    fn note(&self, look: u64, digest: String) -> std::result::Result<u64, Overtaken> {
        let mut state = self.state.lock();
        if look < state.look {
            return Err(Overtaken);
        }
        state.look = look;
        if state.digest != digest {
            state.version = self.versions.fetch_add(1, Ordering::Relaxed) + 1;
            state.digest = digest;
        }
        Ok(state.version)
    }

    fn warn(&self, rejected: &[RejectedRow]) {
        // Those of tables and groups are told where they are taken in.
        for row in rejected.iter().filter(|row| row.owner.is_none()) {
            self.config.log.write_once(
                Level::Warning,
                format_args!("a row of the state store is left out: {}", row.reason),
            );
        }
    }
}

impl Source for StateStore {
    fn name(&self) -> String {
        "the state store of Fabric".into()
    }

    fn unsupported(&self) -> Error {
        Error::new(
            Code::NotSeeded,
            "the state store is a database, which takes no commands and no reports; name Fabric nodes, too, \
             with fabric_options_add_node, for what only Fabric can do",
        )
    }

    fn reset(&self) {
        self.state.lock().digest.clear();
    }

    fn interrupt(&self) {
        self.servers.interrupt();
        self.fabric.iter().for_each(Source::interrupt);
    }

    fn cancel(&self) {
        self.servers.cancel();
        self.fabric.iter().for_each(Source::cancel);
    }

    fn nodes(&self) -> Vec<NodeState> {
        self.fabric.as_ref().map(Source::nodes).unwrap_or_default()
    }

    fn last_node(&self) -> Option<Node> {
        self.servers.last_node()
    }

    fn control(&self) -> Result<&dyn Control> {
        match &self.fabric {
            Some(fabric) => fabric.control(),
            None => Err(self.unsupported()),
        }
    }
}

impl WholeSource for StateStore {
    fn whole(&self, version: u64, _: &Wanted<'_>, ask: &Ask<'_>) -> Result<Whole> {
        loop {
            let asked_at = ask.asker.now();
            let look = self.looks.fetch_add(1, Ordering::Relaxed) + 1;
            // What was not taken in yet is read again.
            let known = {
                let state = self.state.lock();
                (version != 0 && state.version == version).then(|| state.digest.clone())
            };
            let Look { digest, content } = self.look(known.as_deref(), ask)?;
            ask.asker.source_answered();
            let Ok(version) = self.note(look, digest) else { continue };
            let (maps, groups) = match content {
                None => {
                    let confirmed = signed(asked_at);
                    (Content::Unchanged { confirmed }, Content::Unchanged { confirmed })
                }
                Some((shards, servers)) => {
                    let (rows, rejected) = rows::maps(&shards);
                    self.warn(&rejected);
                    let maps = Content::Rows { about: About::Everything, rows, rejected };
                    let (rows, rejected) = rows::servers(&servers);
                    (maps, Content::Rows { about: About::Everything, rows: rows.into(), rejected })
                }
            };
            return Ok(Whole {
                version,
                maps: Answer { asked_at, interval: INTERVAL, content: maps },
                groups: Answer { asked_at, interval: INTERVAL, content: groups },
                elsewhere: BTreeSet::new(),
            });
        }
    }
}

impl MapSource for StateStore {
    fn maps(&self, wanted: &Wanted<'_>, ask: &Ask<'_>) -> Result<MapAnswers> {
        Ok(self.whole(0, wanted, ask)?.maps.into())
    }

    /// It lists those that are not enabled, too.
    fn lists_every_shard(&self) -> bool {
        true
    }

    fn longest_move(&self, interval: Option<Duration>) -> Duration {
        interval.unwrap_or_default().saturating_add(COMMITS_AFTER)
    }
}

impl GroupSource for StateStore {
    fn groups(&self, wanted: &Wanted<'_>, ask: &Ask<'_>) -> Result<GroupAnswers> {
        Ok(self.whole(0, wanted, ask)?.groups.into())
    }
}
