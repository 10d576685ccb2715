//! Shards that a source stopped listing, in an update: their bounds are kept, with the time since when
//! they are missing, until somebody knows where their keys are.

use std::collections::BTreeSet;
use std::sync::Arc;

use crate::observe::log::Level;
use crate::topology::{Entry, GroupId, SeenBounds, Shard, ShardMap, Table, TableState, Times};

use super::{MAX_LINES, Update};

/// More is not remembered of what the source does not list, in bytes: that goes which is missing longest.
/// A farm that lists other shards or tables time and again must not fill the memory. What one dump
/// does not list any more always stays.
const MAX_REMEMBERED: usize = 32 << 20;

impl Update<'_> {
    /// Bounds of a table that were seen before this handle was made. Those that are missing are so
    /// since then, the others since now, unless they are listed in what comes next.
    pub fn remember(&mut self, name: &str, bounds: &ShardMap) {
        let view = self.view();
        if let Some(entry) = view.tables.get(name.as_bytes())
            && let TableState::Known(known) = &entry.value
            && known.map.is_comparable(bounds)
        {
            return;
        }
        let mut seen = view.seen_bounds.get(name.as_bytes()).map(|entry| entry.value.clone());
        seen.get_or_insert_default().add(bounds, self.now);
        self.set_seen(name, seen.unwrap_or_default(), 1);
    }

    /// What is remembered of tables from here on is `bounds`, and nothing else.
    pub fn remember_only(&mut self, bounds: &[(String, ShardMap)]) {
        let names = self.view().seen_bounds.iter();
        let names = names.map(|(name, _)| String::from_utf8_lossy(name).into_owned());
        for name in names.collect::<Vec<_>>() {
            self.set_seen(&name, SeenBounds::default(), 1);
        }
        for (name, map) in bounds {
            let entry = self.view().seen_bounds.get(name.as_bytes());
            let mut seen = entry.map(|entry| entry.value.clone()).unwrap_or_default();
            seen.add(map, self.now);
            self.set_seen(name, seen, 1);
        }
    }

    /// A table whose map lost bounds keeps them, unless the service had it asked for anew because
    /// it wants what the source says and nothing else. It may have lost them in another state: the map
    /// before this one may be some time ago.
    pub(super) fn with_lost_bounds(&self, name: &str, table: Table) -> Table {
        let Table { column, global_group, map } = table;
        let view = self.view();
        let entry = view.tables.get(name.as_bytes()).filter(|entry| !entry.is_distrusted());
        let before = entry.and_then(|entry| match &entry.value {
            TableState::Known(before) if before.map.is_comparable(&map) => Some(&before.map),
            _ => None,
        });
        let seen = view.seen_bounds.get(name.as_bytes()).filter(|seen| !seen.is_distrusted());
        let seen = seen.and_then(|seen| seen.value.of_type(&map));
        let before = before.filter(|_| self.keeps);
        let map = [seen, before].into_iter().flatten().fold(map, |map, b| map.keeping(b, self.now));
        let kept = Table { column, global_group, map };
        let known = entry.map(|entry| match &entry.value {
            TableState::Known(before) => before.vanished(),
            _ => Vec::new(),
        });
        let known = BTreeSet::from_iter(known.unwrap_or_default());
        let vanished = kept.vanished();
        for bound in vanished.iter().filter(|bound| !known.contains(*bound)).take(MAX_LINES) {
            self.log.write(
                Level::Warning,
                format_args!(
                    "the shard of table '{name}' that begins at '{bound}' is not listed any more; \
                     lookups there are held"
                ),
            );
        }
        kept
    }

    /// Keeps the bounds of a map that goes out of use without one that takes its place, until one
    /// does.
    pub(super) fn keep_bounds(
        &mut self,
        name: &str,
        before: Option<&Entry<TableState>>,
        after: Option<&TableState>,
    ) {
        let entry = self.view().seen_bounds.get(name.as_bytes()).cloned();
        let trusted = entry.iter().find(|entry| !entry.is_distrusted());
        let mut seen = trusted.map(|entry| entry.value.clone()).unwrap_or_default();
        let before = before.filter(|entry| self.keeps && !entry.is_distrusted());
        if let Some(TableState::Known(before)) = before.map(|entry| &entry.value) {
            match after {
                Some(TableState::Known(after)) if after.map.is_comparable(&before.map) => {}
                _ => seen.add(&before.map, self.now),
            }
        }
        if let Some(TableState::Known(after)) = after {
            seen.remove(&after.map);
        }
        match entry {
            Some(entry) if !entry.is_distrusted() && entry.value == seen => {}
            None if seen.is_empty() => {}
            _ => self.set_seen(name, seen, 1),
        }
    }

    pub(super) fn set_seen(&mut self, name: &str, seen: SeenBounds, expires: u64) {
        self.remembers_others = true;
        // Taken out of the list all at once, at the end.
        self.remembers_less |= seen.is_empty();
        let entry = Arc::new(Entry::new(seen, Times { expires, confirmed: self.now }));
        self.rewrite().seen_bounds.insert(name.as_bytes(), entry);
    }

    /// The service wants what the source says of the table, and the source has said it.
    pub(super) fn forget_distrusted(&mut self, name: &str) {
        if self.view().seen_bounds.get(name.as_bytes()).is_some_and(|seen| seen.is_distrusted()) {
            self.set_seen(name, SeenBounds::default(), 0);
        }
    }

    /// The service wants what the source says of these tables, and the source does not list them.
    pub(super) fn forget_distrusted_of_absent(&mut self, is_absent: impl Fn(&str) -> bool) {
        let seen = self.view().seen_bounds.iter();
        let distrusted = seen.filter(|(_, seen)| seen.is_distrusted());
        let names = distrusted.map(|(name, _)| String::from_utf8_lossy(name).into_owned());
        for name in names.filter(|name| is_absent(name)).collect::<Vec<_>>() {
            self.set_seen(&name, SeenBounds::default(), 1);
        }
    }

    /// A vanished shard's keys are in this group, unless that is gone by now.
    pub fn resolve(&mut self, table: &str, bound: &str, group: &str) {
        if let Some(group) = self.view().group_number(group.as_bytes()) {
            self.change_map(table, |map| map.resolved(bound, group));
        }
    }

    /// Takes the maps as the source last listed them where shards are missing since `until` or longer
    /// and nobody knows their group. Which ones of tables that have a map: tables and bounds.
    pub fn forget_missing(&mut self, until: i64) -> Vec<(String, String)> {
        let is_over = |shard: Shard| shard.missing_since().is_some_and(|since| since <= until);
        self.forget(|shard| is_over(shard) && shard.group == GroupId::NOWHERE)
    }

    pub(super) fn forget(&mut self, goes: impl Fn(Shard) -> bool) -> Vec<(String, String)> {
        let mut forgotten = Vec::new();
        let kept = self.view().maps().filter(|(_, _, table)| table.map.missing() > 0);
        for (name, _, table) in kept {
            let name = String::from_utf8_lossy(name);
            let shards = table.map.shards().enumerate();
            let shards = shards.filter(|(_, shard)| shard.is_kept() && goes(*shard));
            forgotten.extend(shards.map(|(at, _)| (name.to_string(), table.map.bound_text(at))));
        }
        for table in forgotten.iter().map(|(table, _)| table).collect::<BTreeSet<_>>() {
            self.change_map(table, |map| map.without_missing(&goes).flatten());
        }
        let seen = self.view().seen_bounds.iter();
        let seen = seen.filter_map(|(name, seen)| {
            let rest = seen.value.without(&goes)?;
            Some((String::from_utf8_lossy(name).into_owned(), rest, seen.expires()))
        });
        for (name, rest, expires) in seen.collect::<Vec<_>>() {
            self.set_seen(&name, rest, expires);
        }
        forgotten
    }

    /// Forgets the bounds that are missing for longest if they take too much.
    pub(super) fn bound_remembered(&mut self) {
        let view = self.view();
        let kept = view.maps().map(|(_, _, table)| table.map.missing_size()).sum::<usize>();
        let seen = view.seen_bounds.iter().map(|(name, seen)| seen.value.size(name));
        let Some(mut excess) = (kept + seen.sum::<usize>()).checked_sub(MAX_REMEMBERED + 1) else {
            return;
        };
        // What each takes, by the time since when it is missing; of a table itself by its last one.
        let mut sizes: Vec<(i64, usize)> = Vec::new();
        view.maps().for_each(|(_, _, table)| sizes.extend(table.map.missing_sizes()));
        for (name, seen) in view.seen_bounds.iter() {
            let first = sizes.len();
            sizes.extend(seen.value.maps().flat_map(ShardMap::missing_sizes));
            let own = sizes.get_mut(first..).unwrap_or_default();
            if let Some((_, last)) = own.iter_mut().max_by_key(|(since, _)| *since) {
                *last += SeenBounds::table_size(name);
            }
        }
        sizes.retain(|(since, _)| *since != Shard::NO_TIME);
        sizes.sort_unstable();
        let Some((newest, _)) = sizes.last().copied() else { return };
        let goes = sizes.iter().take_while(|(_, size)| {
            let before = excess;
            excess = excess.saturating_sub(*size);
            before > 0
        });
        let Some((until, _)) = goes.last().copied() else { return };
        let until = until.min(newest.saturating_sub(1));
        self.log.write_once(
            Level::Warning,
            format_args!(
                "the shards that are not listed any more take more than {} MiB; those that \
                 vanished first are forgotten, and their keys go to the shards below",
                MAX_REMEMBERED >> 20
            ),
        );
        self.forget(|shard| shard.missing_since().is_some_and(|since| since <= until));
    }

    pub(super) fn change_map(
        &mut self,
        table: &str,
        change: impl Fn(&ShardMap) -> Option<ShardMap>,
    ) {
        let Some(entry) = self.view().tables.get(table.as_bytes()).cloned() else { return };
        if let TableState::Known(known) = &entry.value
            && let Some(map) = change(&known.map)
        {
            let state = TableState::Known(known.with_map(map));
            self.set_table(table, state, entry.times());
        }
    }
}
