//! The start from a snapshot: the first fetch asks for what it names, and it serves while no source
//! answers.

use std::collections::BTreeSet;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use crate::base::error::{Code, Error, Result};
use crate::config::Node;
use crate::observe::log::Level;
use crate::refresh::intervals::Due;
use crate::refresh::single_flight::FetchRequest;
use crate::refresh::update::Asked;
use crate::refresh::{ProcessState, Refresher};
use crate::source::RetryPolicy;
use crate::source::retry::may_pass;
use crate::store::document::{Author, Document, FabricNode};
use crate::store::times::{confirmed_when, past};
use crate::store::{convert, read, write};
use crate::topology::Topology;
use crate::topology::builder::full_name;

/// When something expires that may serve but whose time has long been over.
const OVER: u64 = 1;

impl Refresher {
    /// The first fetch of a handle with a snapshot. It asks for what the snapshot names, too:
    /// else the first table that is looked up would replace all those on disk.
    pub(super) fn fetch_first(
        &self,
        process: &ProcessState,
        path: &Path,
        request: &FetchRequest,
        retry: RetryPolicy,
    ) -> Result<()> {
        write::clean_up(path);
        let kept = self.read_snapshot(process, path).map(Arc::new);
        {
            let mut seen = process.disk.lock();
            seen.kept = kept.as_ref().ok().cloned();
            seen.not_kept = kept.as_ref().err().cloned();
        }
        if kept.is_ok() {
            let (now, relaxed) = (self.clock.now(), Ordering::Relaxed);
            let _ = self.disk.kept_since.compare_exchange(0, now, relaxed, relaxed);
        }
        let mut whole = request.clone();
        if let Ok(document) = &kept {
            self.remember_bounds(process, document);
            let tables = document.tables.iter();
            whole.tables.extend(tables.map(|table| full_name(&table.schema, &table.table)));
            whole.groups.extend(document.groups.iter().map(|group| group.id.clone()));
        }
        // One round must do where there is something to go on from: a service that starts
        // while the source is down waits long enough for that.
        let mut outcome = self.fetch(process, &whole, Due::ALL, retry.once());
        match (&outcome, kept) {
            (Ok(()), _) => {}
            // The service ended it, and not the source.
            (Err(error), _) if error.code == Code::Interrupted => return outcome,
            (Err(error), Ok(document)) => {
                self.serve_snapshot(process, path, &document, error);
                if request.everything {
                    self.whole.store(true, Ordering::Relaxed);
                }
                // What the snapshot does not know can only be asked of the source.
                return if self.covers(request) { Ok(()) } else { outcome };
            }
            (Err(error), Err(why)) => {
                let rest = RetryPolicy { count: retry.count.saturating_sub(1), ..retry };
                let is_left = || self.is_left(retry.caller);
                if rest.count > 0
                    && may_pass(error)
                    && !process.single_flight.pause(rest.pause, is_left)
                {
                    outcome = self.fetch(process, &whole, Due::ALL, rest);
                }
                outcome = outcome
                    .map_err(|error| Error::new(error.code, format!("{}; {why}", error.message)));
            }
        }
        self.disk.begun.store(outcome.is_ok(), Ordering::Release);
        outcome
    }

    /// A bound in the snapshot was seen by an earlier process: where the source does not list it now, its
    /// keys are held as if this one had seen it.
    fn remember_bounds(&self, process: &ProcessState, document: &Document) {
        if self.config.vanished_hold.is_zero() || process.disk.lock().remembered {
            return;
        }
        let bounds = {
            let seen = &mut *process.disk.lock();
            convert::seen_bounds(document, |since| self.missing_since(seen, document, since))
        };
        self.publisher.publish(|update| {
            bounds.iter().for_each(|(name, bounds)| update.remember(name, bounds));
        });
        process.disk.lock().remembered = true;
    }

    /// Lets lookups go on from the snapshot although the first fetch is not over, as something
    /// whose time is over.
    pub fn serve_early(&self) {
        let Some(path) = &self.config.snapshot_file else { return };
        self.process.with(|process| {
            let kept = process.disk.lock().kept.clone();
            if let Some(document) = kept
                && self.has_snapshot_in_reserve()
                && !self.disk.early.swap(true, Ordering::AcqRel)
            {
                let error = "it has not answered yet";
                self.take_in_snapshot(path, &document, &error, |_, _| OVER);
            }
        });
    }

    /// The snapshot that an earlier process left, or why there is none to start from.
    fn read_snapshot(
        &self,
        process: &ProcessState,
        path: &Path,
    ) -> std::result::Result<Document, String> {
        let shown = path.display();
        let (level, why) = match read::open(path) {
            Ok(opened) => match (opened.signature, opened.read(Author::Library)) {
                (signature, Ok(document)) => {
                    process.disk.lock().snapshot = Some(signature);
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

    fn serve_snapshot(
        &self,
        process: &ProcessState,
        path: &Path,
        document: &Document,
        error: &Error,
    ) {
        let renewed = |now: u64, ttl: u64| now.saturating_add(ttl);
        self.take_in_snapshot(path, document, error, renewed);
        let known = self.topology.load_full();
        let until = renewed(self.clock.now(), self.interval());
        let tables = known.tables.iter().filter(|(_, entry)| entry.expires() == OVER);
        tables.for_each(|(_, entry)| entry.renew(until));
        let groups = known.groups().filter_map(|(_, _, entry)| entry);
        groups.filter(|entry| entry.expires() == OVER).for_each(|entry| entry.renew(until));
        process.disk.lock().kept = None;
        self.disk.begun.store(true, Ordering::Release);
        self.disk.serves.store(true, Ordering::Release);
    }

    fn take_in_snapshot(
        &self,
        path: &Path,
        document: &Document,
        error: &dyn std::fmt::Display,
        until: impl Fn(u64, u64) -> u64,
    ) {
        let now = self.clock.now();
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
                self.source_name()
            ),
        );
        self.disk.set_age(age, now);
        if self.said_interval().is_none()
            && let Some(ttl_ms) = document.ttl_ms
        {
            self.say_interval(Duration::from_millis(ttl_ms.div_ceil(1000) * 1000));
        }
        self.remember_nodes(&document.fabric_nodes);
        let expires = until(now, self.interval());
        // A fetch that failed half-way has left newer answers than the file's.
        let known = self.topology.load_full();
        let tables = document.tables.iter().map(|table| full_name(&table.schema, &table.table));
        let tables: BTreeSet<String> =
            tables.filter(|name| !self.knows_table(&known, name)).collect();
        let groups = document.groups.iter().map(|group| group.id.clone());
        let groups: BTreeSet<String> =
            groups.filter(|name| !self.knows_group(&known, name)).collect();
        self.publisher.publish(|update| {
            update.confirmed_at(confirmed_when(document.saved_at, self.clock.now()));
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
        let now = self.clock.now();
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
