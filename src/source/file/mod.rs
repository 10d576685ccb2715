//! A topology file as a source: it is read again when it changes, and answers both questions about
//! everything at once.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicI64, AtomicU64, Ordering};
use std::time::Duration;

use crate::base::clock::{millis, signed};
use crate::base::error::{Code, Error, Result};
use crate::base::sync::{Mutex, rank};
use crate::config::{Config, Node};
use crate::observe::log::Level;
use crate::store::parse::Author;
use crate::store::times::{FileTimes, SavedWhen};
use crate::store::{Document, convert, read};
use crate::topology::{ShardMap, TablesBuilder, Times};

use super::discovery::spec::Specs;
use super::node_state::NodeState;
use super::pool::NodePool;
use super::{
    About, Answer, Ask, Content, GroupAnswers, GroupSource, MapAnswers, MapSource, Maps, Source,
    Wanted, Whole, WholeSource,
};

/// The time to live of a file that names none.
const INTERVAL_MS: u64 = 1000;

/// The topology file of a handle.
pub struct FileSource {
    path: PathBuf,
    config: Arc<Config>,
    /// Where the groups go that are to be discovered; nowhere if nobody could do it.
    specs: Option<Arc<Specs>>,
    times: FileTimes,
    /// The Fabric nodes that the file names, which nobody asks.
    nodes: NodePool,
    state: Mutex<State, { rank::DISK }>,
    /// Whether it was ever good.
    served: AtomicBool,
    /// When it was last seen to be good, or to be what it was, on the handle's clock.
    confirmed: AtomicI64,
    interval_ms: AtomicU64,
    /// Counts the readings, in a forked child on from its parent's.
    readings: AtomicU64,
}

/// What was read. A forked child reads the file anew.
#[derive(Default)]
struct State {
    /// The file in use.
    file: Option<read::Signature>,
    /// The file that was refused last, and why.
    refused: Option<(Option<read::Signature>, String)>,
    saved: SavedWhen,
    /// The number of the reading of it.
    version: u64,
    /// What was read, until it is known to have been taken in.
    document: Option<Arc<Document>>,
    /// Its tables, until somebody is given them.
    tables: Option<TablesBuilder>,
}

/// What became of a look at the file.
enum Look {
    Good,
    Refused { why: String, news: bool },
}

/// What is in use after a look.
struct Looked {
    version: u64,
    /// What was read, unless it has been taken in.
    news: Option<Arc<Document>>,
    /// The groups of it that are to be discovered.
    elsewhere: BTreeSet<String>,
}

impl State {
    /// Reads the file if it is another than the one in use.
    fn look(&mut self, path: &Path, readings: &AtomicU64, specs: Option<&Specs>) -> Look {
        let (signature, why) = match read::open(path) {
            Err(error) => (None, format!("cannot be read: {error}; see that it is there")),
            Ok(opened) => {
                let signature = opened.signature;
                if self.file.is_some_and(|file| file.still(&signature)) {
                    self.refused = None;
                    return Look::Good;
                }
                match &self.refused {
                    Some((Some(refused), why)) if refused.still(&signature) => {
                        return Look::Refused { why: why.clone(), news: false };
                    }
                    _ => {}
                }
                let read = opened.read_tables(Author::Anybody);
                match read.and_then(|read| discovered(&read.0, specs).map(|()| read)) {
                    Ok((document, tables)) => {
                        self.file = Some(signature);
                        self.refused = None;
                        self.version = readings.fetch_add(1, Ordering::Relaxed) + 1;
                        self.document = Some(Arc::new(document));
                        self.tables = Some(tables);
                        return Look::Good;
                    }
                    Err(why) => (Some(signature), format!("is refused: {why}")),
                }
            }
        };
        let news = self.refused.as_ref().is_none_or(|(_, earlier)| *earlier != why);
        self.refused = Some((signature, why.clone()));
        Look::Refused { why, news }
    }
}

/// Names the groups of a file that are to be discovered.
///
/// # Errors
/// There are some, and nobody could do it.
fn discovered(document: &Document, specs: Option<&Specs>) -> std::result::Result<(), String> {
    let groups = document.groups.iter();
    let mut found = groups.filter_map(|group| Some((&group.id, group.discover.as_ref()?)));
    match (specs, found.next()) {
        (Some(specs), first) => {
            let found = first.into_iter().chain(found);
            specs.set(found.map(|(id, spec)| (id.clone(), spec.clone())).collect());
            Ok(())
        }
        (None, None) => Ok(()),
        (None, Some((id, _))) => Err(format!(
            "group '{id}' is to be discovered, and the handle has no account to ask its servers by; \
             give it credentials for MySQL, or list the servers"
        )),
    }
}

impl FileSource {
    /// Groups that are to be discovered go into `specs`, and without it are refused. No I/O.
    pub fn new(path: &Path, config: &Arc<Config>, specs: Option<Arc<Specs>>) -> Self {
        Self {
            path: path.to_owned(),
            config: Arc::clone(config),
            specs,
            times: FileTimes::default(),
            nodes: NodePool::new(config, "Fabric node", "the file", || {
                Error::new(Code::NotSeeded, "the file names no node")
            }),
            state: Mutex::default(),
            served: AtomicBool::new(false),
            confirmed: AtomicI64::new(Times::UNKNOWN),
            interval_ms: AtomicU64::new(INTERVAL_MS),
            readings: AtomicU64::new(0),
        }
    }

    /// Looks whether the file is another one. Gives the number of the reading that is in use, and what
    /// was read unless that is known to have been taken in, as is everything up to `taken`.
    ///
    /// # Errors
    /// It cannot be used, and either none ever could, or the service `asks` for the file to be read.
    fn look(&self, taken: u64, ask: &Ask<'_>, asks: bool) -> Result<Looked> {
        let now = ask.asker.now();
        // The clock was ahead: what the file has held may have been left out as over.
        let was_set_back = self.times.wall(now).1 < 0;
        let (look, looked) = {
            let state = &mut *self.state.lock();
            if was_set_back {
                state.file = None;
            }
            if state.version <= taken {
                (state.document, state.tables) = (None, None);
            }
            let specs = self.specs.as_deref();
            let look = state.look(&self.path, &self.readings, specs);
            let (version, news) = (state.version, state.document.clone());
            let elsewhere = specs.map(|specs| specs.get().keys().cloned().collect());
            (look, Looked { version, news, elsewhere: elsewhere.unwrap_or_default() })
        };
        if let Some(document) = &looked.news {
            self.interval_ms.store(document.ttl_ms.unwrap_or(INTERVAL_MS), Ordering::Relaxed);
            let nodes = document.fabric_nodes.iter();
            let nodes = nodes.map(|node| Node { host: node.host.clone(), port: node.port });
            self.nodes.remember(&nodes.collect::<Vec<_>>());
        }
        match look {
            Look::Good => {
                self.served.store(true, Ordering::Relaxed);
                self.confirmed.store(signed(now), Ordering::Relaxed);
                ask.asker.source_answered();
            }
            Look::Refused { why, news } => {
                let message = format!("topology file '{}' {why}", self.path.display());
                if asks || !self.served.load(Ordering::Relaxed) {
                    return Err(Error::new(Code::File, message));
                }
                if news {
                    self.config.log.write(
                        Level::Warning,
                        format_args!("{message}; the old topology stays in use"),
                    );
                }
            }
        }
        Ok(looked)
    }

    /// The tables of a reading, for the first who asks while it is the last one: reading has made them
    /// already, to see that they can be.
    fn tables(&self, version: u64) -> Option<TablesBuilder> {
        let state = &mut *self.state.lock();
        if state.version == version { state.tables.take() } else { None }
    }

    /// The answer of the file as it was last looked at.
    fn answer<R>(&self, asked_at: u64, about: Option<(R, About)>) -> Answer<R> {
        let confirmed = self.confirmed.load(Ordering::Relaxed);
        Answer {
            asked_at,
            interval: Duration::from_millis(self.interval_ms.load(Ordering::Relaxed)),
            content: match about {
                Some((rows, about)) => Content::Rows { about, rows, rejected: Vec::new() },
                None => Content::Unchanged { confirmed },
            },
        }
    }

    /// The bounds that the file has held.
    fn held_bounds(&self, document: &Document, now: u64) -> Vec<(String, ShardMap)> {
        let hold = self.config.vanished_hold;
        if hold.is_zero() {
            return Vec::new();
        }
        let over = signed(now).saturating_sub(signed(millis(hold)));
        let saved = &mut self.state.lock().saved;
        convert::held_bounds(document, |since| {
            self.times.missing_since(saved, document, since, now, over)
        })
    }
}

impl Source for FileSource {
    fn name(&self) -> String {
        format!("topology file '{}'", self.path.display())
    }

    fn unsupported(&self) -> Error {
        Error::new(
            Code::NotSeeded,
            format!(
                "the handle routes from topology file '{}' and knows no Fabric; make another \
                 handle, with nodes, for what only Fabric can do",
                self.path.display()
            ),
        )
    }

    fn connect(&self, ask: &Ask<'_>) -> Result<Option<Duration>> {
        self.look(0, ask, false)?;
        Ok(Some(Duration::from_millis(self.interval_ms.load(Ordering::Relaxed))))
    }

    /// The file is read even if it looks the same.
    fn reset(&self) {
        self.state.lock().file = None;
    }

    fn nodes(&self) -> Vec<NodeState> {
        self.nodes.states()
    }

    fn add_node(&self, node: &Node) -> Result<()> {
        Err(Error::new(
            Code::Argument,
            format!(
                "node '{}' cannot be asked: the handle routes from topology file '{}'; name no \
                 node to have the file read",
                node.host,
                self.path.display()
            ),
        ))
    }
}

impl WholeSource for FileSource {
    fn whole(&self, version: u64, wanted: &Wanted<'_>, ask: &Ask<'_>) -> Result<Whole> {
        let asked_at = ask.asker.now();
        let Looked { version, news, elsewhere } = self.look(version, ask, wanted.everything)?;
        let maps = news.as_deref().map(|document| {
            let held = Some(self.held_bounds(document, asked_at));
            let tables = self.tables(version).unwrap_or_else(|| convert::tables(document));
            (Maps { tables, held }, About::Everything)
        });
        let groups =
            news.map(|document| (convert::server_rows(&document).into(), About::Everything));
        Ok(Whole {
            version,
            maps: self.answer(asked_at, maps),
            groups: self.answer(asked_at, groups),
            elsewhere,
        })
    }
}

impl MapSource for FileSource {
    fn maps(&self, wanted: &Wanted<'_>, ask: &Ask<'_>) -> Result<MapAnswers> {
        Ok(self.whole(0, wanted, ask)?.maps.into())
    }

    /// A file means what it says.
    fn lists_every_shard(&self) -> bool {
        true
    }
}

impl GroupSource for FileSource {
    fn groups(&self, wanted: &Wanted<'_>, ask: &Ask<'_>) -> Result<GroupAnswers> {
        Ok(self.whole(0, wanted, ask)?.groups.into())
    }
}

#[cfg(test)]
mod tests {
    use std::fs::{self, File};
    use std::time::SystemTime;

    use super::*;
    use crate::source::RetryPolicy;
    use crate::source::testing::At;

    fn write(path: &Path, group: &str) {
        let text = format!(
            r#"{{"format": "libmysqlfabric topology", "version": 1, "groups": [{{"id": "{group}",
            "servers": [{{"uuid": "u", "host": "h", "port": 1, "mode": "READ_WRITE",
            "status": "PRIMARY", "weight": 1.0}}]}}], "tables": [{{"schema": "db", "table": "t",
            "column": "c", "type": "RANGE", "global_group": "{group}",
            "shards": [{{"id": 1, "lower_bound": "1", "group": "{group}"}}]}}]}}"#
        );
        fs::write(path, text).unwrap();
        // A file that has just been written may be written again within one tick of its time.
        let before = SystemTime::now() - Duration::from_secs(60);
        File::options().write(true).open(path).unwrap().set_modified(before).unwrap();
    }

    /// The version, and the group of the table and the one that there is, unless nothing is new.
    fn whole(source: &FileSource, taken: u64) -> (u64, Option<[String; 2]>) {
        let (names, known) = (BTreeSet::new(), || Vec::new());
        let wanted = Wanted { everything: true, names: &names, known: &known, is_stale: &|_| true };
        let ask = Ask { retry: RetryPolicy::ONCE, asker: &At(7) };
        let Whole { version, maps, groups, .. } = source.whole(taken, &wanted, &ask).unwrap();
        let read = match (maps.content, groups.content) {
            (Content::Rows { rows: Maps { tables, .. }, .. }, Content::Rows { rows, .. }) => {
                let of_table = tables.groups_of("db.t").next().map(str::to_owned);
                Some([of_table.unwrap(), rows.servers.into_iter().next().unwrap().group])
            }
            (Content::Unchanged { confirmed }, Content::Unchanged { .. }) => {
                assert_eq!(confirmed, 7);
                None
            }
            _ => panic!("one is new without the other"),
        };
        (version, read)
    }

    #[test]
    fn what_was_read_is_given_until_it_was_taken_in() {
        let path = std::env::temp_dir().join(format!("file-source-{}.json", std::process::id()));
        let both = |name: &str| Some([name.to_owned(), name.to_owned()]);
        write(&path, "one");
        let source = FileSource::new(&path, &Arc::new(Config::default()), None);
        assert_eq!(whole(&source, 0), (1, both("one")));
        // Another fetch, while the first one has not been taken in.
        assert_eq!(whole(&source, 0), (1, both("one")));
        write(&path, "another");
        assert_eq!(whole(&source, 0), (2, both("another")));
        assert_eq!(whole(&source, 1), (2, both("another")), "the older one came in behind it");
        assert_eq!(whole(&source, 2), (2, None), "nothing is new");
        source.reset();
        assert_eq!(whole(&source, 2), (3, both("another")), "asked for anew");
        fs::remove_file(&path).unwrap();
    }

    #[test]
    fn groups_that_are_to_be_discovered_are_named_and_left_to_others() {
        let path = std::env::temp_dir().join(format!("file-discovery-{}.json", std::process::id()));
        let write = |group: &str| {
            let text = format!(
                r#"{{"format": "libmysqlfabric topology", "version": 2, "tables": [], "groups": [
                {{"id": "listed", "servers": [{{"uuid": "u", "host": "h", "port": 1,
                "mode": 3, "status": 3, "weight": 1}}]}}, {{"id": "asked", {group}}}]}}"#
            );
            fs::write(&path, text).unwrap();
        };
        let specs = Arc::new(Specs::default());
        let source = FileSource::new(&path, &Arc::default(), Some(Arc::clone(&specs)));
        let (names, known) = (BTreeSet::new(), || Vec::new());
        let wanted = Wanted { everything: true, names: &names, known: &known, is_stale: &|_| true };
        let ask = Ask { retry: RetryPolicy::ONCE, asker: &At(7) };
        let whole = |source: &FileSource| source.whole(0, &wanted, &ask);
        write(r#""discover": "auto", "seeds": ["a", "b:2"]"#);
        let answer = whole(&source).unwrap();
        assert_eq!(answer.elsewhere, BTreeSet::from(["asked".to_owned()]));
        let Content::Rows { rows, .. } = answer.groups.content else { panic!("no rows") };
        assert!(rows.servers.iter().all(|row| row.group == "listed"), "{rows:?}");
        let spec = specs.get()["asked"].clone();
        let seeds = [("a", 3306), ("b", 2)].map(|(host, port)| Node { host: host.into(), port });
        assert_eq!(spec.seeds, seeds);

        let nobody = FileSource::new(&path, &Arc::default(), None);
        let error = whole(&nobody).err().expect("no account");
        let parts = ["'asked'", "credentials for MySQL"];
        assert!(error.code == Code::File && parts.iter().all(|part| error.message.contains(part)));

        write(r#""servers": []"#);
        assert!(whole(&source).unwrap().elsewhere.is_empty());
        assert!(specs.get().is_empty());
        fs::remove_file(&path).unwrap();
    }

    #[test]
    fn what_only_fabric_can_do_is_refused() {
        let source = FileSource::new(Path::new("/farm.json"), &Arc::default(), None);
        assert_eq!(source.control().err().map(|error| error.code), Some(Code::NotSeeded));
        assert!(source.locator().is_err());
        let node = Node { host: "h".into(), port: 1 };
        assert_eq!(source.add_node(&node).unwrap_err().code, Code::Argument);
    }
}
