//! What other processes of the service keep in the same snapshot file.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::atomic::Ordering;

use crate::base::wall_clock::WallClock;
use crate::store::document::{Document, HeldShard};
use crate::store::foreign_entries::{self, ForeignEntries, MergePolicy};
use crate::store::parse::Author;
use crate::store::read;
use crate::store::times::{UNKNOWN_AGE, confirmed_when};
use crate::topology::{Shard, Times, Topology};

use super::{Seen, SnapshotFile};
use crate::base::clock::{millis, signed};
use crate::refresh::absent::AbsentNames;

/// What nobody confirmed for a week is nobody's, in milliseconds.
const MAX_UNCONFIRMED: i64 = 7 * 86_400_000;

/// Times in files are whole seconds.
const SECOND: i64 = 1_000;

impl SnapshotFile {
    /// What the snapshot file has that this handle knows nothing about, if another one wrote it last.
    pub(super) fn foreign_entries(
        &self,
        seen: &mut Seen,
        path: &Path,
        topology: &Topology,
    ) -> ForeignEntries {
        let Ok(opened) = read::open(path) else { return ForeignEntries::default() };
        if seen.snapshot.is_some_and(|own| own.is_of_same(&opened.signature)) {
            return ForeignEntries::default();
        }
        // A damaged file says nothing, and is replaced.
        let Ok(document) = opened.read(Author::Library) else { return ForeignEntries::default() };
        let times = document.held_shards.iter().filter_map(|held| held.since);
        let (now, saved, own) = (self.now(), &mut seen.saved_when, &self.state.times);
        let when = |since| (since, own.missing_when(saved, &document, since, now));
        let times: BTreeMap<u64, i64> = times.map(when).collect();
        let policy = HandlePolicy { file: self, wall: own.wall(now).0, times };
        foreign_entries::of(document, topology, &policy)
    }

    /// Whether the source has said since `confirmed` that it does not list a name which is not known.
    fn is_gone(&self, absent: &AbsentNames, name: &str, confirmed: i64) -> bool {
        let answer = absent.get(name.as_bytes()).map_or(Times::UNKNOWN, |a| a.confirmed());
        let told = answer.max(self.answered.whole_confirmed());
        told != Times::UNKNOWN && confirmed.saturating_add(SECOND) <= told
    }
}

struct HandlePolicy<'a> {
    file: &'a SnapshotFile,
    wall: WallClock,
    /// Since when bounds are missing, by the seconds in the file.
    times: BTreeMap<u64, i64>,
}

impl MergePolicy for HandlePolicy<'_> {
    fn confirmed(&self, of: &Document, confirmed_at: Option<u64>) -> Option<u64> {
        let at = confirmed_when(confirmed_at.or(of.saved_at), self.file.now());
        if at == Times::UNKNOWN {
            return Some(UNKNOWN_AGE);
        }
        let is_old = at < signed(self.file.now()).saturating_sub(MAX_UNCONFIRMED);
        (!is_old).then(|| confirmed_at.or(of.saved_at)).flatten()
    }

    fn is_table_gone(&self, name: &str, confirmed_at: u64) -> bool {
        let confirmed = confirmed_when(Some(confirmed_at), self.file.now());
        self.file.is_gone(&self.file.publisher.known.absent_tables, name, confirmed)
    }

    fn is_group_gone(&self, name: &str, confirmed_at: u64) -> bool {
        let confirmed = confirmed_when(Some(confirmed_at), self.file.now());
        self.file.is_gone(&self.file.publisher.known.absent_groups, name, confirmed)
    }

    fn since(&self, held: &HeldShard, is_known: bool) -> Option<Option<u64>> {
        let since = held.since.and_then(|since| self.times.get(&since).copied());
        let at = since.unwrap_or(Shard::NO_TIME);
        let reset = self.file.state.reset.load(Ordering::Relaxed);
        // The service wanted the maps as they are.
        if is_known
            && reset != 0
            && (at <= reset.saturating_add(WallClock::JITTER) || since.is_none())
        {
            return None;
        }
        let longest = signed(millis(self.file.config.vanished_hold)).max(MAX_UNCONFIRMED);
        let is_old = at < signed(self.file.now()).saturating_sub(longest);
        (!is_old).then(|| since.map(|since| self.wall.same_seconds(since)))
    }
}
