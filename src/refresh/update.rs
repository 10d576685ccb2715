//! From the rows of a dump to the next topology. No I/O: what was fetched comes in, what
//! changed goes out.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use crate::observe::log::{Level, Log};
use crate::topology::builder::{ListedGroups, ListedTable, TablesBuilder, full_name};
use crate::topology::group::MAX_SERVERS;
use crate::topology::server;
use crate::topology::{
    Entry, Group, GroupId, HealthOverlay, Owner, RejectedRow, SeenBounds, Server, ServerRow, Shard,
    ShardMap, Table, TableError, TableState, Times, Topology,
};

use super::health::servers::ServerHealth;
use crate::base::clock::signed;

/// So many lines about one reply's broken rows or names tell what is wrong with it.
const MAX_LINES: usize = 20;

/// More is not remembered of what Fabric does not list, in bytes: that goes which is missing longest.
/// A farm that lists other shards or tables time and again must not fill the memory. What one dump
/// does not list any more always stays.
const MAX_REMEMBERED: usize = 32 << 20;

/// So many groups that have no servers, and that no map names, are kept, so that one that comes back
/// is known to be the one that was gone.
const MAX_EMPTY_GROUPS: usize = 32;

/// Which of the rows were asked for: a source may have answered about more.
pub enum Asked<'a> {
    Everything,
    /// Everything else is newer than the answer.
    AllBut(&'a BTreeSet<String>),
    Names(&'a BTreeSet<String>),
}

impl Asked<'_> {
    fn covers(&self, name: &str) -> bool {
        match self {
            Self::Everything => true,
            Self::AllBut(names) => !names.contains(name),
            Self::Names(names) => names.contains(name),
        }
    }
}

/// Names that Fabric does not list, and the times of that answer.
#[derive(Debug, Default)]
pub struct Absent {
    pub tables: Vec<(String, Times)>,
    pub groups: Vec<(String, Times)>,
}

/// A topology being written. It copies the current one only when something changed.
pub struct Update<'a> {
    current: &'a Topology,
    next: Option<Topology>,
    observed: &'a mut ServerHealth,
    log: &'a Log,
    /// Where new rotations begin.
    start: u64,
    /// Whether lower bounds that Fabric stops listing are kept.
    keeps: bool,
    /// How many tables became unusable.
    unusable: usize,
    absent: Absent,
    /// Whether other bounds are remembered of tables that have no map of their type.
    remembers_others: bool,
    /// Whether of some table none are remembered any more.
    remembers_less: bool,
    /// On the handle's clock.
    now: i64,
    /// When what is taken in was last confirmed.
    confirmed: i64,
    /// Whether there is no time for the rest, asked between two tables or groups.
    stops: Option<&'a dyn Fn() -> bool>,
    stopped: bool,
}

impl<'a> Update<'a> {
    pub fn new(
        current: &'a Topology,
        observed: &'a mut ServerHealth,
        log: &'a Log,
        start: u64,
        keeps: bool,
        now: u64,
    ) -> Self {
        let (absent, now) = (Absent::default(), signed(now));
        let confirmed = now;
        Self {
            current,
            next: None,
            observed,
            log,
            start,
            keeps,
            unusable: 0,
            absent,
            remembers_others: false,
            remembers_less: false,
            now,
            confirmed,
            stops: None,
            stopped: false,
        }
    }

    /// Leaves off when `stops` says so: what has been taken in by then is a topology of its own, in
    /// which the rest is as it was. A single table or group is taken in as a whole.
    pub fn until(self, stops: &'a dyn Fn() -> bool) -> Self {
        Self { stops: Some(stops), ..self }
    }

    /// Whether it left off before all was taken in.
    pub fn has_stopped(&self) -> bool {
        self.stopped
    }

    fn stops(&mut self) -> bool {
        self.stopped = self.stopped || self.stops.is_some_and(|stops| stops());
        self.stopped
    }

    /// What is taken in from here on was last confirmed then; without a word of it, now.
    pub fn confirmed_at(&mut self, confirmed: i64) {
        self.confirmed = confirmed;
    }

    /// What the service saw, to be added to.
    pub fn observed(&mut self) -> &mut ServerHealth {
        self.observed
    }

    /// The names found to be listed nowhere, which are no part of a topology.
    pub fn take_absent(&mut self) -> Absent {
        std::mem::take(&mut self.absent)
    }

    /// Whether it remembers other bounds of tables that have no map of their type. It may be the same
    /// farm all the same.
    pub fn remembers_others(&self) -> bool {
        self.remembers_others
    }

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

    /// The next topology, or nothing if it would be what is known already.
    pub fn finish(mut self) -> Option<Topology> {
        if let Some(more) = self.unusable.checked_sub(MAX_LINES + 1) {
            self.log.write(Level::Warning, format_args!("{} more tables are unusable", more + 1));
        }
        // What was observed of a group may have changed without any news of its servers.
        for name in self.observed.take_touched() {
            let entry = self.view().group_number(name.as_bytes());
            if let Some(entry) = entry.and_then(|id| self.view().group(id)).cloned() {
                self.group(&name, entry.value.servers().to_vec(), entry.times());
            }
        }
        self.forget_groups();
        if let Some(next) = self.next.as_mut().filter(|_| self.remembers_less) {
            next.seen_bounds.retain(|_, entry| !entry.value.is_empty());
        }
        self.next
    }

    /// Forgets groups that are gone: they have no servers and had none before this change either,
    /// and nothing names them.
    fn forget_groups(&mut self) {
        let Some(next) = &mut self.next else { return };
        let is_empty = |entry: Option<&Arc<Entry<Group>>>| {
            entry.is_none_or(|entry| entry.value.servers().is_empty())
        };
        let empty = next.groups().filter(|(_, _, entry)| is_empty(*entry));
        let empty: BTreeSet<String> = empty.map(|(_, name, _)| name.to_owned()).collect();
        if empty.len() <= MAX_EMPTY_GROUPS {
            return;
        }
        let (current, observed) = (self.current, &*self.observed);
        next.forget_groups(|name| {
            let before = current.group_number(name.as_bytes());
            empty.contains(name)
                && before.is_some_and(|id| is_empty(current.group(id)))
                && !observed.is_held(name)
        });
    }

    fn overlay(&self, group: &str, servers: &[Server]) -> HealthOverlay {
        let reach = servers.iter().map(|server| self.observed.reachability(group, &server.uuid));
        HealthOverlay { reachability: reach.collect(), held: self.observed.is_held(group) }
    }

    /// The topology as it stands so far.
    pub fn view(&self) -> &Topology {
        self.next.as_ref().unwrap_or(self.current)
    }

    /// The next topology, in which the farm is another one.
    fn change(&mut self) -> &mut Topology {
        let generation = self.current.generation + 1;
        let next = self.rewrite();
        next.generation = generation;
        next
    }

    /// The next topology, in which the farm may be the same.
    fn rewrite(&mut self) -> &mut Topology {
        self.next.get_or_insert_with(|| self.current.clone())
    }

    /// Takes in the shards of tables, good until `expires`.
    pub fn tables(
        &mut self,
        asked: &Asked<'_>,
        listing: TablesBuilder,
        skipped: &[RejectedRow],
        expires: u64,
    ) {
        let times = Times { expires, confirmed: self.confirmed };
        let (tables, mut groups) = listing.into_tables();
        let mut found: BTreeMap<String, Option<ListedTable>> = BTreeMap::new();
        let mut dotted = Vec::new();
        for table in tables.filter(|table| asked.covers(&table.name)) {
            if self.stops() {
                return;
            }
            match table.has_dots() {
                true => dotted.push(table.name),
                false => _ = found.insert(table.name.clone(), Some(table)),
            }
        }
        self.leave_out(&dotted);
        let mut spoiled: BTreeMap<String, &str> = BTreeMap::new();
        self.tell_skipped("a row of sharding information is unusable", skipped);
        for row in skipped {
            if let Some(Owner::Table { schema, table }) = &row.owner {
                let name = full_name(schema, table);
                if asked.covers(&name) {
                    found.entry(name.clone()).or_default();
                    spoiled.insert(name, &row.reason);
                }
            }
        }
        for (name, table) in &mut found {
            if self.stops() {
                return;
            }
            // A map with a hole would send the missing keys to the wrong shard.
            match (spoiled.get(name), table.take()) {
                (Some(reason), _) => {
                    let error = TableError::Row((*reason).to_owned());
                    self.set_table(name, TableState::Unusable(error), times);
                }
                (None, Some(table)) => self.table(name, table, &mut groups, times),
                (None, None) => {}
            }
        }
        let missing: Vec<String> = match asked {
            Asked::Names(names) => {
                names.iter().filter(|name| !found.contains_key(*name)).cloned().collect()
            }
            Asked::Everything | Asked::AllBut(_) => {
                let known = self.view().tables.iter();
                let known = known.map(|(name, _)| String::from_utf8_lossy(name).into_owned());
                known.filter(|name| asked.covers(name) && !found.contains_key(name)).collect()
            }
        };
        self.remove_tables(missing, times);
        if expires > 0 {
            self.forget_distrusted_of_absent(|name| {
                asked.covers(name) && !found.contains_key(name)
            });
        }
        self.bound_remembered();
    }

    /// Fabric does not list these tables.
    fn remove_tables(&mut self, names: Vec<String>, times: Times) {
        let known = names.iter().filter_map(|name| {
            let entry = self.view().tables.get(name.as_bytes())?;
            Some((name.as_bytes(), Arc::clone(entry)))
        });
        let known = BTreeMap::from_iter(known);
        for (name, entry) in &known {
            self.keep_bounds(&String::from_utf8_lossy(name), Some(entry), None);
        }
        if !known.is_empty() {
            self.change().tables.retain(|name, _| !known.contains_key(name));
        }
        self.absent.tables.extend(names.into_iter().map(|name| (name, times)));
    }

    /// Tells of rows that nobody can use, of so many as somebody will read about.
    fn tell_skipped(&self, what: &str, skipped: &[RejectedRow]) {
        for row in skipped.iter().take(MAX_LINES) {
            self.log.write_once(Level::Warning, format_args!("{what}: {}", row.reason));
        }
        if let Some(more) = skipped.len().checked_sub(MAX_LINES + 1) {
            let more = more + 1;
            self.log.write_once(Level::Warning, format_args!("{what}: {more} more such rows"));
        }
    }

    fn leave_out(&self, names: &[String]) {
        for name in names.iter().take(MAX_LINES) {
            self.log.write_once(
                Level::Warning,
                format_args!("table '{name}' is left out: its name has more than one dot"),
            );
        }
        if let Some(more) = names.len().checked_sub(MAX_LINES + 1) {
            self.log.write_once(
                Level::Warning,
                format_args!("{} more tables with more than one dot are left out", more + 1),
            );
        }
    }

    fn table(&mut self, name: &str, table: ListedTable, groups: &mut ListedGroups, times: Times) {
        let unknown = |group: &str| self.view().group_number(group.as_bytes()).is_none();
        if table.groups(groups).any(unknown) {
            let topology = self.rewrite();
            for group in table.groups(groups) {
                topology.number_group(group);
            }
        }
        let view = self.view();
        let state = match table.finish(groups, |group| view.group_number(group.as_bytes())) {
            Ok(table) => TableState::Known(self.with_lost_bounds(name, table)),
            Err(error) => TableState::Unusable(error),
        };
        self.set_table(name, state, times);
    }

    /// A table whose map lost bounds keeps them, unless the service had it asked for anew because
    /// it wants what Fabric says and nothing else. It may have lost them in another state: the map
    /// before this one may be some time ago.
    fn with_lost_bounds(&self, name: &str, table: Table) -> Table {
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
                    "Fabric stopped listing the shard of table '{name}' that begins at '{bound}'; \
                     lookups there are held"
                ),
            );
        }
        kept
    }

    /// Keeps the bounds of a map that goes out of use without one that takes its place, until one
    /// does.
    fn keep_bounds(
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

    fn set_seen(&mut self, name: &str, seen: SeenBounds, expires: u64) {
        self.remembers_others = true;
        // Taken out of the list all at once, at the end.
        self.remembers_less |= seen.is_empty();
        let entry = Arc::new(Entry::new(seen, Times { expires, confirmed: self.now }));
        self.rewrite().seen_bounds.insert(name.as_bytes(), entry);
    }

    /// The service wants what Fabric says of the table, and Fabric has said it.
    fn forget_distrusted(&mut self, name: &str) {
        if self.view().seen_bounds.get(name.as_bytes()).is_some_and(|seen| seen.is_distrusted()) {
            self.set_seen(name, SeenBounds::default(), 0);
        }
    }

    /// The service wants what Fabric says of these tables, and Fabric does not list them.
    fn forget_distrusted_of_absent(&mut self, is_absent: impl Fn(&str) -> bool) {
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

    /// Takes the maps as Fabric last listed them where shards are missing since `until` or longer
    /// and nobody knows their group. Which ones of tables that have a map: tables and bounds.
    pub fn forget_missing(&mut self, until: i64) -> Vec<(String, String)> {
        let is_over = |shard: Shard| shard.missing_since().is_some_and(|since| since <= until);
        self.forget(|shard| is_over(shard) && shard.group == GroupId::NOWHERE)
    }

    fn forget(&mut self, goes: impl Fn(Shard) -> bool) -> Vec<(String, String)> {
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
    fn bound_remembered(&mut self) {
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
                "what Fabric stopped listing takes more than {} MiB; the shards that it stopped \
                 listing first are forgotten, and their keys go to the shards below",
                MAX_REMEMBERED >> 20
            ),
        );
        self.forget(|shard| shard.missing_since().is_some_and(|since| since <= until));
    }

    fn change_map(&mut self, table: &str, change: impl Fn(&ShardMap) -> Option<ShardMap>) {
        let Some(entry) = self.view().tables.get(table.as_bytes()).cloned() else { return };
        if let TableState::Known(known) = &entry.value
            && let Some(map) = change(&known.map)
        {
            let state = TableState::Known(known.with_map(map));
            self.set_table(table, state, entry.times());
        }
    }

    fn set_table(&mut self, name: &str, state: TableState, times: Times) {
        self.forget_distrusted(name);
        match self.view().tables.get(name.as_bytes()) {
            Some(entry) if entry.value == state => {
                entry.confirm(times);
                self.keep_bounds(name, None, Some(&state));
            }
            before => {
                let before = before.cloned();
                if let TableState::Unusable(error) = &state {
                    self.unusable += 1;
                    if self.unusable <= MAX_LINES {
                        let message = format_args!("table '{name}' is unusable: {error}");
                        self.log.write(Level::Warning, message);
                    }
                }
                self.keep_bounds(name, before.as_deref(), Some(&state));
                self.end_holds(before.as_deref(), &state);
                let entry = Arc::new(Entry::new(state, times));
                self.change().tables.insert(name.as_bytes(), entry);
            }
        }
    }

    /// A new shard map ends the holds of the groups whose keys it moved: what their primaries
    /// refused is now to be written where the new map says. Nothing else that becomes of a table
    /// does, be it another group's split or that the table cannot be used any more.
    fn end_holds(&mut self, before: Option<&Entry<TableState>>, after: &TableState) {
        let (Some(TableState::Known(before)), TableState::Known(after)) =
            (before.map(|entry| &entry.value), after)
        else {
            return;
        };
        if self.observed.fences().count() == 0 {
            return;
        }
        let mut moved = before.map.moved(&after.map);
        if before.global_group != after.global_group {
            moved.extend([before.global_group, after.global_group]);
        }
        for group in moved {
            let view = self.next.as_ref().unwrap_or(self.current);
            self.observed.map_changed(view.group_name(group));
        }
    }

    /// Takes in the servers of groups, good until `expires`.
    pub fn groups(
        &mut self,
        asked: &Asked<'_>,
        rows: Vec<ServerRow>,
        skipped: &[RejectedRow],
        expires: u64,
    ) {
        self.tell_skipped("a server is left out, its row is unusable", skipped);
        let mut found: BTreeMap<String, Vec<Server>> = BTreeMap::new();
        for row in rows {
            if self.stops() {
                return;
            }
            if asked.covers(&row.group) {
                found.entry(row.group).or_default().push(row.server);
            }
        }
        for (name, servers) in &mut found {
            if self.stops() {
                return;
            }
            // A source may repeat rows.
            without_repetitions(servers);
            if let Some(more) = servers.len().checked_sub(MAX_SERVERS + 1) {
                servers.truncate(MAX_SERVERS);
                self.log.write_once(
                    Level::Warning,
                    format_args!(
                        "group '{name}' lists more than {MAX_SERVERS} servers; {} are left out",
                        more + 1
                    ),
                );
            }
        }
        match asked {
            Asked::Names(names) => {
                for name in *names {
                    found.entry(name.clone()).or_default();
                }
            }
            Asked::Everything | Asked::AllBut(_) => {
                let known = self.view().groups().map(|(_, name, _)| name.to_owned());
                for name in known.filter(|name| asked.covers(name)).collect::<Vec<_>>() {
                    found.entry(name).or_default();
                }
            }
        }
        for (name, servers) in found {
            if self.stops() {
                return;
            }
            let primary = server::primary(&servers).and_then(|at| servers.get(at));
            let primary = primary.filter(|server| server.takes_writes());
            self.observed.primary_is(&name, primary.map(|server| server.uuid.as_str()));
            let now = u64::try_from(self.now).unwrap_or_default();
            self.observed.listed(&name, &servers, now);
            self.group(&name, servers, Times { expires, confirmed: self.confirmed });
        }
    }

    fn group(&mut self, name: &str, servers: Vec<Server>, times: Times) {
        let number = self.view().group_number(name.as_bytes());
        if number.is_none() && servers.is_empty() {
            self.absent.groups.push((name.to_owned(), times));
            return;
        }
        let known = number.and_then(|id| self.view().group(id)).cloned();
        let overlay = self.overlay(name, &servers);
        if let Some(entry) = &known
            && entry.value.is_same(&servers, &overlay)
        {
            entry.confirm(times);
            return;
        }
        let previous = known.as_ref().map(|entry| &entry.value);
        let is_news = previous.is_none_or(|previous| *previous.servers() != *servers);
        let group = Group::new(name, servers, &overlay, previous, self.start);
        if group.has_primaries() && !previous.is_some_and(Group::has_primaries) {
            self.log.write(
                Level::Warning,
                format_args!(
                    "Fabric lists several primaries of group '{name}'; writes go to none of them \
                     until it lists one"
                ),
            );
        }
        // What the service saw of the servers is no change of the farm.
        let topology = if is_news { self.change() } else { self.rewrite() };
        let id = topology.number_group(name);
        topology.set_group(id, Some(Arc::new(Entry::new(group, times))));
    }
}

/// The same servers in the same order, each once.
fn without_repetitions(servers: &mut Vec<Server>) {
    let mut seen = BTreeSet::new();
    let mut first = Vec::with_capacity(servers.len());
    for Server { uuid, host, port, mode, status, weight } in servers.iter() {
        first.push(seen.insert((uuid, host, port, mode, status, weight.to_bits())));
    }
    let mut first = first.into_iter();
    servers.retain(|_| first.next().unwrap_or(true));
}
