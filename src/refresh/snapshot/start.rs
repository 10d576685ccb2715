//! The start from a snapshot: the first fetch asks for what it names, and it serves while no source
//! answers.

use std::collections::BTreeSet;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use crate::base::error::Error;
use crate::config::Node;
use crate::observe::log::Level;
use crate::refresh::single_flight::FetchRequest;
use crate::refresh::update::Asked;
use crate::store::document::{Document, FabricNode};
use crate::store::parse::Author;
use crate::store::times::{confirmed_when, past};
use crate::store::{convert, read, write};
use crate::topology::Topology;
use crate::topology::builder::full_name;

use super::SnapshotFile;

/// When something expires that may serve but whose time has long been over.
const OVER: u64 = 1;

impl SnapshotFile {
    /// The first fetch begins: the snapshot that an earlier process left is at hand while it is under
    /// way, and what it names is to be asked for, too: else the first table that is looked up would
    /// replace all those on disk. Without one, why there is none to start from.
    pub fn begin(
        &self,
        path: &Path,
        request: &mut FetchRequest,
    ) -> std::result::Result<Arc<Document>, String> {
        write::clean_up(path);
        let kept = self.read(path).map(Arc::new);
        {
            let mut seen = self.seen.lock();
            seen.kept = kept.as_ref().ok().cloned();
            seen.not_kept = kept.as_ref().err().cloned();
        }
        let document = kept?;
        let (now, relaxed) = (self.now(), Ordering::Relaxed);
        let _ = self.state.kept_since.compare_exchange(0, now, relaxed, relaxed);
        self.remember_bounds(&document);
        let tables = document.tables.iter();
        request.tables.extend(tables.map(|table| full_name(&table.schema, &table.table)));
        request.groups.extend(document.groups.iter().map(|group| group.id.clone()));
        Ok(document)
    }

    /// The first fetch is over, and what it brought is in use, if it was to be had.
    pub fn has_begun(&self, is_had: bool) {
        self.state.begun.store(is_had, Ordering::Release);
    }

    /// A bound in the snapshot was seen by an earlier process: where the source does not list it now, its
    /// keys are held as if this one had seen it.
    fn remember_bounds(&self, document: &Document) {
        if self.config.vanished_hold.is_zero() || self.seen.lock().remembered {
            return;
        }
        let bounds = {
            let seen = &mut *self.seen.lock();
            convert::seen_bounds(document, |since| self.missing_since(seen, document, since))
        };
        self.publisher.publish(|update| {
            bounds.iter().for_each(|(name, bounds)| update.remember(name, bounds));
        });
        self.seen.lock().remembered = true;
    }

    /// Lets lookups go on from the snapshot although the first fetch is not over, as something
    /// whose time is over.
    pub fn serve_early(&self) {
        let Some(path) = self.path() else { return };
        let kept = self.seen.lock().kept.clone();
        if let Some(document) = kept
            && self.is_in_reserve()
            && !self.state.early.swap(true, Ordering::AcqRel)
        {
            self.take_in(path, &document, &"it has not answered yet", |_, _| OVER);
        }
    }

    /// The snapshot that an earlier process left, or why there is none to start from.
    fn read(&self, path: &Path) -> std::result::Result<Document, String> {
        let shown = path.display();
        let (level, why) = match read::open(path) {
            Ok(opened) => match (opened.signature, opened.read(Author::Library)) {
                (signature, Ok(document)) => {
                    self.seen.lock().snapshot = Some(signature);
                    return Ok(document);
                }
                (_, Err(why)) => {
                    (Level::Warning, format!("snapshot file '{shown}' is refused: {why}"))
                }
            },
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
                (Level::Info, format!("there is no snapshot file '{shown}' yet"))
            }
            Err(error) => {
                (Level::Warning, format!("snapshot file '{shown}' cannot be read: {error}"))
            }
        };
        self.config.log.write(level, format_args!("{why}"));
        Err(why)
    }

    /// Has lookups go on from the snapshot, since the first fetch failed.
    pub fn serve(&self, path: &Path, document: &Document, error: &Error) {
        let renewed = |now: u64, ttl: u64| now.saturating_add(ttl);
        self.take_in(path, document, error, renewed);
        let known = self.publisher.known.topology.load_full();
        let until = renewed(self.now(), self.answered.intervals.shorter());
        let tables = known.tables.iter().filter(|(_, entry)| entry.expires() == OVER);
        tables.for_each(|(_, entry)| entry.renew(until));
        let groups = known.groups().filter_map(|(_, _, entry)| entry);
        groups.filter(|entry| entry.expires() == OVER).for_each(|entry| entry.renew(until));
        self.seen.lock().kept = None;
        self.state.begun.store(true, Ordering::Release);
        self.state.serves.store(true, Ordering::Release);
    }

    fn take_in(
        &self,
        path: &Path,
        document: &Document,
        error: &dyn std::fmt::Display,
        until: impl Fn(u64, u64) -> u64,
    ) {
        let now = self.now();
        // The file's clock may have been wrong, or this one is: a time to come tells nothing.
        let age = document.saved_at.and_then(past);
        let shown = match age {
            Some(age) => format!("{} s old", age / 1000),
            None => {
                "of unknown age (it is dated in the future; see that the clock is right)".into()
            }
        };
        self.config.log.write(
            Level::Warning,
            format_args!(
                "routing from snapshot file '{}', {shown}, until {} answers: {error}",
                path.display(),
                self.sources.name()
            ),
        );
        self.state.set_age(age, now);
        if self.answered.intervals.said().is_none()
            && let Some(ttl_ms) = document.ttl_ms
        {
            self.answered.intervals.say(Duration::from_millis(ttl_ms.div_ceil(1000) * 1000));
        }
        self.remember_nodes(&document.fabric_nodes);
        let expires = until(now, self.answered.intervals.shorter());
        // A fetch that failed half-way has left newer answers than the file's.
        let known = self.publisher.known.topology.load_full();
        let tables = document.tables.iter().map(|table| full_name(&table.schema, &table.table));
        let tables: BTreeSet<String> =
            tables.filter(|name| !self.publisher.known.has_table(&known, name)).collect();
        let groups = document.groups.iter().map(|group| group.id.clone());
        let groups: BTreeSet<String> =
            groups.filter(|name| !self.publisher.known.has_group(&known, name)).collect();
        self.publisher.publish(|update| {
            update.confirmed_at(confirmed_when(document.saved_at, self.now()));
            let rows = convert::tables(document);
            update.tables(&Asked::Names(&tables), rows, &[], expires);
            let rows = convert::server_rows(document);
            update.groups(&Asked::Names(&groups), rows, &[], expires);
            self.confirm_each(update.view(), document, &tables, &groups);
        });
    }

    /// What of these the file has another time for was confirmed then.
    fn confirm_each(
        &self,
        topology: &Topology,
        document: &Document,
        tables: &BTreeSet<String>,
        groups: &BTreeSet<String>,
    ) {
        let now = self.now();
        for table in document.tables.iter().filter(|table| table.confirmed_at.is_some()) {
            let name = full_name(&table.schema, &table.table);
            let entry = topology.tables.get(name.as_bytes()).filter(|_| tables.contains(&name));
            if let Some(entry) = entry {
                entry.confirm_at(confirmed_when(table.confirmed_at, now));
            }
        }
        for group in document.groups.iter().filter(|group| group.confirmed_at.is_some()) {
            let number = topology.group_number(group.id.as_bytes());
            let entry = number.and_then(|id| topology.group(id));
            if let Some(entry) = entry.filter(|_| groups.contains(&group.id)) {
                entry.confirm_at(confirmed_when(group.confirmed_at, now));
            }
        }
    }

    fn remember_nodes(&self, nodes: &[FabricNode]) {
        let node = |node: &FabricNode| Node { host: node.host.clone(), port: node.port };
        let nodes: Vec<Node> = nodes.iter().map(node).collect();
        self.sources.iter().for_each(|source| source.remember_nodes(&nodes));
    }
}
