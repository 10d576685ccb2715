//! What a handle keeps on disk: the snapshot it can start from while no source answers.

use std::collections::BTreeSet;
use std::io::ErrorKind;
use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicI64, AtomicU64, Ordering};
use std::sync::{Arc, Weak};
use std::time::Duration;

use crate::base::boot_clock::BootTime;
use crate::base::error::{Code, Error, Result};
use crate::base::wall_clock::WallClock;
use crate::config::Node;
use crate::observe::log::Level;
use crate::source::RetryPolicy;
use crate::source::retry::may_pass;
use crate::store::document::{Author, Document, FabricNode};
use crate::store::rest::Rest;
use crate::store::times::{FileTimes, SavedWhen, confirmed_when, past, since_1970};
use crate::store::{convert, read, write};
use crate::topology::builder::full_name;
use crate::topology::{Shard, Topology};

use super::bound::Bound;
use super::flight::Wish;
use super::intervals::Due;
use super::update::Asked;
use super::{Refresher, Workshop};
use crate::base::clock::{millis, signed};

/// How long the first fetch may take before reads go on from a snapshot.
pub(crate) const SNAPSHOT_AFTER: Duration = Duration::from_secs(1);

/// An unchanged topology is written again after so long, so that the file tells how long
/// Fabric has been confirming it.
const CONFIRM_MS: u64 = 300_000;

const UNKNOWN: i64 = i64::MIN;

/// When something expires that may serve but whose time has long been over.
const OVER: u64 = 1;

/// What lookups and getters read.
#[derive(Debug)]
pub struct Disk {
    /// Whether the first fetch is over, or a file is in use in its stead.
    begun: AtomicBool,
    serves: AtomicBool,
    /// Whether a snapshot is in use already although the first fetch is not over.
    early: AtomicBool,
    /// When the first fetch began that has a snapshot in reserve; 0 = there is none.
    kept_since: AtomicU64,
    /// The age of the file's content less the handle's clock.
    age: AtomicI64,
    /// What the times in files are on the handle's clock.
    pub(super) times: FileTimes,
    /// When the service last wanted all maps as they are; 0 = never.
    pub(super) reset: AtomicI64,
}

impl Default for Disk {
    fn default() -> Self {
        Self {
            begun: AtomicBool::new(false),
            serves: AtomicBool::new(false),
            early: AtomicBool::new(false),
            kept_since: AtomicU64::new(0),
            age: AtomicI64::new(UNKNOWN),
            times: FileTimes::default(),
            reset: AtomicI64::new(0),
        }
    }
}

impl Disk {
    /// Whether something read from disk is in use.
    pub fn serves(&self) -> bool {
        self.serves.load(Ordering::Acquire)
    }

    /// Whether the first fetch is over, well or not.
    pub fn has_begun(&self) -> bool {
        self.begun.load(Ordering::Acquire)
    }

    /// Whether lookups go on from a snapshot that the first fetch has not confirmed or replaced.
    pub fn is_early(&self) -> bool {
        self.early.load(Ordering::Acquire) && !self.has_begun()
    }

    pub fn age(&self, now: u64) -> Option<u64> {
        match self.age.load(Ordering::Relaxed) {
            UNKNOWN => None,
            age => Some(now.saturating_add_signed(age)),
        }
    }

    fn set_age(&self, age: Option<u64>, now: u64) {
        let less_now = age.map_or(UNKNOWN, |age| signed(age) - signed(now));
        self.age.store(less_now, Ordering::Relaxed);
    }
}

/// What has been read and written so far.
#[derive(Default)]
pub struct Seen {
    /// The snapshot that an earlier process left, while the first fetch is under way.
    kept: Option<Arc<Document>>,
    /// Whether the bounds in that snapshot are remembered already.
    remembered: bool,
    /// Why an earlier process left none to start from.
    not_kept: Option<String>,
    /// The snapshot file that this handle wrote or read last: it knows all that is in it.
    pub(super) snapshot: Option<read::Signature>,
    /// What the file that was read last has for the time it was saved, and when that was.
    pub(super) saved_when: SavedWhen,
    /// The topology in the snapshot file, as far as it is known to be there.
    saved: Option<Saved>,
}

struct Saved {
    /// Only to see whether it is the current one.
    topology: Weak<Topology>,
    content: String,
    answer: u64,
}

impl Refresher {
    pub fn serves_from_disk(&self) -> bool {
        self.disk.serves()
    }

    /// Fetches what of `wish` is due, or does without where a snapshot says enough.
    pub(super) fn provide(
        &self,
        shop: &Workshop,
        wish: &Wish,
        due: Due,
        retry: RetryPolicy,
    ) -> Result<()> {
        let outcome = match &self.config.snapshot_file {
            Some(path) if !self.disk.has_begun() => self.fetch_first(shop, path, wish, retry),
            // Asks for no more than the Fabric nodes, which the snapshot knows as well.
            Some(_) if wish.is_empty() && self.disk.serves() => Ok(()),
            _ => self.fetch(shop, wish, due, retry),
        };
        // Time goes by whether Fabric answers or not.
        self.end_vanished_holds();
        if let Some(path) = &self.config.snapshot_file
            && !self.config.background_refresh
        {
            self.save_in(shop, path);
        }
        outcome
    }

    /// The first fetch of a handle with a snapshot. It asks for what the snapshot names, too:
    /// else the first table that is looked up would replace all those on disk.
    fn fetch_first(
        &self,
        shop: &Workshop,
        path: &Path,
        wish: &Wish,
        retry: RetryPolicy,
    ) -> Result<()> {
        write::clean_up(path);
        let kept = self.read_snapshot(shop, path).map(Arc::new);
        {
            let mut seen = shop.disk.lock();
            seen.kept = kept.as_ref().ok().cloned();
            seen.not_kept = kept.as_ref().err().cloned();
        }
        if kept.is_ok() {
            let (now, relaxed) = (self.clock.now(), Ordering::Relaxed);
            let _ = self.disk.kept_since.compare_exchange(0, now, relaxed, relaxed);
        }
        let mut whole = wish.clone();
        if let Ok(document) = &kept {
            self.remember_bounds(shop, document);
            let tables = document.tables.iter();
            whole.tables.extend(tables.map(|table| full_name(&table.schema, &table.table)));
            whole.groups.extend(document.groups.iter().map(|group| group.id.clone()));
        }
        // One round must do where there is something to go on from: a service that starts
        // while Fabric is down waits long enough for that.
        let mut outcome = self.fetch(shop, &whole, Due::ALL, retry.once());
        match (&outcome, kept) {
            (Ok(()), _) => {}
            // The service ended it, and not Fabric.
            (Err(error), _) if error.code == Code::Interrupted => return outcome,
            (Err(error), Ok(document)) => {
                self.serve_snapshot(shop, path, &document, error);
                if wish.everything {
                    self.whole.store(true, Ordering::Relaxed);
                }
                // What the snapshot does not know can only be asked of Fabric.
                return if self.covers(wish) { Ok(()) } else { outcome };
            }
            (Err(error), Err(why)) => {
                let rest = RetryPolicy { count: retry.count.saturating_sub(1), ..retry };
                let is_left = || self.is_left(retry.caller);
                if rest.count > 0 && may_pass(error) && !shop.flights.pause(rest.pause, is_left) {
                    outcome = self.fetch(shop, &whole, Due::ALL, rest);
                }
                outcome = outcome
                    .map_err(|error| Error::new(error.code, format!("{}; {why}", error.message)));
            }
        }
        self.disk.begun.store(outcome.is_ok(), Ordering::Release);
        outcome
    }

    /// A bound in the snapshot was seen by an earlier process: where Fabric does not list it now, its
    /// keys are held as if this one had seen it.
    fn remember_bounds(&self, shop: &Workshop, document: &Document) {
        if self.config.vanished_hold.is_zero() || shop.disk.lock().remembered {
            return;
        }
        let bounds = {
            let seen = &mut *shop.disk.lock();
            convert::seen_bounds(document, |since| self.missing_since(seen, document, since))
        };
        self.publish(|update| {
            bounds.iter().for_each(|(name, bounds)| update.remember(name, bounds));
        });
        shop.disk.lock().remembered = true;
    }

    /// Why there is no snapshot to go on from while the first fetch is under way.
    pub(super) fn no_snapshot(&self, shop: &Workshop) -> Option<String> {
        match self.has_snapshot_in_reserve() {
            true => shop.disk.lock().not_kept.clone(),
            false => None,
        }
    }

    /// Whether there may be a snapshot to go on from while the first fetch takes long.
    pub fn has_snapshot_in_reserve(&self) -> bool {
        self.config.snapshot_file.is_some() && !self.disk.has_begun()
    }

    /// For how long the first fetch has been under way with a snapshot in reserve.
    pub fn in_reserve_for(&self) -> Duration {
        match self.disk.kept_since.load(Ordering::Relaxed) {
            0 => Duration::ZERO,
            since => Duration::from_millis(self.clock.now().saturating_sub(since)),
        }
    }

    /// As `obtain`, for what is no lookup: once the first fetch has taken a while, a snapshot will
    /// do that knows all of `wish`. The fetch goes on.
    pub fn obtain_or_snapshot(self: &Arc<Self>, wish: &Wish, bound: &Bound) -> Result<()> {
        if !self.has_snapshot_in_reserve() {
            return self.obtain(wish, bound);
        }
        match self.obtain(wish, &bound.up_to(SNAPSHOT_AFTER)) {
            Err(error) if error.code == Code::Timeout => {
                self.serve_early();
                match self.is_from_early_snapshot() && self.covers(wish) {
                    true => Ok(()),
                    false if bound.left().is_zero() => Err(error),
                    false => self.obtain(wish, bound),
                }
            }
            outcome => outcome,
        }
    }

    /// Whether what is known is the snapshot's, and the first fetch is still under way.
    pub fn is_from_early_snapshot(&self) -> bool {
        self.disk.is_early()
    }

    /// Lets lookups go on from the snapshot although the first fetch is not over, as something
    /// whose time is over.
    pub fn serve_early(&self) {
        let Some(path) = &self.config.snapshot_file else { return };
        self.workshop.with(|shop| {
            let kept = shop.disk.lock().kept.clone();
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
    fn read_snapshot(&self, shop: &Workshop, path: &Path) -> std::result::Result<Document, String> {
        let shown = path.display();
        let (level, why) = match read::open(path) {
            Ok(opened) => match (opened.signature, opened.read(Author::Library)) {
                (signature, Ok(document)) => {
                    shop.disk.lock().snapshot = Some(signature);
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

    fn serve_snapshot(&self, shop: &Workshop, path: &Path, document: &Document, error: &Error) {
        let renewed = |now: u64, ttl: u64| now.saturating_add(ttl);
        self.take_in_snapshot(path, document, error, renewed);
        let known = self.topology.load_full();
        let until = renewed(self.clock.now(), self.interval());
        let tables = known.tables.iter().filter(|(_, entry)| entry.expires() == OVER);
        tables.for_each(|(_, entry)| entry.renew(until));
        let groups = known.groups().filter_map(|(_, _, entry)| entry);
        groups.filter(|entry| entry.expires() == OVER).for_each(|entry| entry.renew(until));
        shop.disk.lock().kept = None;
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
                "routing from snapshot file '{}', {shown}, until Fabric answers: {error}",
                path.display()
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
        self.publish(|update| {
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

    /// Has a topology that was just published written, by the thread in the background if
    /// there is to be one.
    pub(super) fn save_soon(&self) {
        if self.config.snapshot_file.is_some() && self.config.background_refresh {
            self.worker.request_save();
        }
    }

    /// Writes the snapshot if it is wanted and the topology is another than the one on disk.
    pub(super) fn save(&self) {
        if let Some(path) = &self.config.snapshot_file {
            self.workshop.with(|shop| self.save_in(shop, path));
        }
    }

    fn save_in(&self, shop: &Workshop, path: &Path) {
        let answer = self.last_answer.load(Ordering::Relaxed);
        // What came from the snapshot alone is there already.
        if answer == 0 {
            return;
        }
        if let Err(why) = self.write_snapshot(shop, path, answer) {
            self.config.log.write_once(
                Level::Warning,
                format_args!("snapshot file '{}' is not written: {why}", path.display()),
            );
        }
    }

    fn write_snapshot(
        &self,
        shop: &Workshop,
        path: &Path,
        answer: u64,
    ) -> std::result::Result<(), String> {
        let mut seen = shop.disk.lock();
        let topology = self.topology.load_full();
        let recent = |saved: &Saved| answer.saturating_sub(saved.answer) < CONFIRM_MS;
        if let Some(saved) = &seen.saved
            && saved.topology.as_ptr() == Arc::as_ptr(&topology)
            && recent(saved)
        {
            return Ok(());
        }
        let mut document = convert::document(&topology);
        let content = document.content();
        if let Some(saved) = &mut seen.saved
            && saved.content == content
            && recent(saved)
        {
            // What the service saw of its servers makes new topologies, too.
            saved.topology = Arc::downgrade(&topology);
            return Ok(());
        }
        let now = self.clock.now();
        // One reading of the time of day for all of it: of times that were saved at once it matters how
        // they lie to each other.
        let wall = WallClock::new(since_1970(), now);
        let saved_at = wall.seconds(signed(answer));
        document.saved_at = Some(saved_at);
        if let Some(BootTime { boot_id, uptime_ms }) = BootTime::now() {
            document.boot_id = Some(boot_id);
            document.uptime_ms = Some(uptime_ms.saturating_sub(now.saturating_sub(answer)));
        }
        document.generation = Some(topology.generation);
        document.held_shards.times = Some((signed(now), wall));
        convert::tell_times(&mut document, saved_at, wall);
        let ttl_ms = self.said_interval().map(millis);
        document.ttl_ms = ttl_ms.filter(|ttl| (1..=86_400_000).contains(ttl));
        let nodes = self.nodes().into_iter();
        document.fabric_nodes = nodes
            .filter(|node| node.port > 0 && !node.host.is_empty() && !node.host.contains('\0'))
            .map(|node| FabricNode { host: node.host, port: node.port })
            .collect();
        // Even if it cannot be written: what failed now fails again for the same topology,
        // and the next one is a new try.
        seen.saved = Some(Saved { topology: Arc::downgrade(&topology), content, answer });
        let _turn = write::Turn::take(path);
        convert::keep(&mut document, self.rest_of_file(&mut seen, path, &topology));
        let mut written = write::replace(path, |file| document.write(read::Limited::of(file)));
        if written.as_ref().is_err_and(|error| error.kind() == ErrorKind::FileTooLarge) {
            // What is too large to be read is of no use to anybody.
            convert::keep(&mut document, Rest::default());
            written = write::replace(path, |file| document.write(read::Limited::of(file)));
        }
        written.map_err(|error| error.to_string())?;
        seen.snapshot = read::open(path).ok().map(|opened| opened.signature);
        Ok(())
    }

    /// Whether a wish can be answered without Fabric.
    fn covers(&self, wish: &Wish) -> bool {
        let topology = self.topology.load();
        wish.tables.iter().all(|name| topology.tables.get(name.as_bytes()).is_some())
            && wish.groups.iter().all(|name| self.knows_group(&topology, name))
    }

    /// Whether there was an answer for a table, be it that there is none.
    pub(super) fn knows_table(&self, topology: &Topology, name: &str) -> bool {
        topology.tables.get(name.as_bytes()).is_some()
            || self.absent_tables.get(name.as_bytes()).is_some()
    }

    pub(super) fn knows_group(&self, topology: &Topology, name: &str) -> bool {
        let number = topology.group_number(name.as_bytes());
        number.and_then(|id| topology.group(id)).is_some()
            || self.absent_groups.get(name.as_bytes()).is_some()
    }

    fn remember_nodes(&self, nodes: &[FabricNode]) {
        let node = |node: &FabricNode| Node { host: node.host.clone(), port: node.port };
        let nodes: Vec<Node> = nodes.iter().map(node).collect();
        self.sources.iter().for_each(|source| source.remember_nodes(&nodes));
    }

    /// The shard that is missing since a time of the snapshot, if it is to be held for longer.
    fn missing_since(
        &self,
        seen: &mut Seen,
        document: &Document,
        since: Option<u64>,
    ) -> Option<Shard> {
        let (saved, now) = (&mut seen.saved_when, self.clock.now());
        self.disk.times.missing_since(saved, document, since, now, self.held_until())
    }
}
