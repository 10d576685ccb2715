//! From the rows of a dump to the next topology. No I/O: what was fetched comes in, what
//! changed goes out.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use crate::fabric::{Owner, ServerRow, Skipped};
use crate::log::{Level, Log};
use crate::topology::build::{ListedGroups, ListedTable, Listing, full_name};
use crate::topology::{
    Care, Entry, Group, GroupId, Observed, Server, Table, TableError, TableState, Topology,
};

/// So many lines about one reply's broken rows or names tell what is wrong with it.
const MAX_LINES: usize = 20;

/// Which of the dump's rows were asked for. The server's patterns over-match: `_` and `%` are
/// live in table names, and groups match by substring.
pub enum Asked<'a> {
    Everything,
    Names(&'a BTreeSet<String>),
}

impl Asked<'_> {
    fn covers(&self, name: &str) -> bool {
        match self {
            Self::Everything => true,
            Self::Names(names) => names.contains(name),
        }
    }
}

/// Names that Fabric does not list, each with the time until which that is good.
#[derive(Debug, Default)]
pub struct Absent {
    pub tables: Vec<(String, u64)>,
    pub groups: Vec<(String, u64)>,
}

/// A topology being written. It copies the current one only when something changed.
pub struct Update<'a> {
    current: &'a Topology,
    next: Option<Topology>,
    observed: &'a mut Observed,
    log: &'a Log,
    /// Where new rotations begin.
    start: u64,
    /// Whether lower bounds that Fabric stops listing are kept.
    keeps: bool,
    /// How many tables became unusable.
    unusable: usize,
    absent: Absent,
}

impl<'a> Update<'a> {
    pub fn new(
        current: &'a Topology,
        observed: &'a mut Observed,
        log: &'a Log,
        start: u64,
        keeps: bool,
    ) -> Self {
        let absent = Absent::default();
        Self { current, next: None, observed, log, start, keeps, unusable: 0, absent }
    }

    /// What the service saw, to be added to.
    pub fn observed(&mut self) -> &mut Observed {
        self.observed
    }

    /// The names found to be listed nowhere, which are no part of a topology.
    pub fn take_absent(&mut self) -> Absent {
        std::mem::take(&mut self.absent)
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
                self.group(&name, entry.value.servers().to_vec(), entry.expires());
            }
        }
        self.next
    }

    fn care(&self, group: &str, servers: &[Server]) -> Care {
        let reach = servers.iter().map(|server| self.observed.reach(&server.uuid));
        Care { reach: reach.collect(), held: self.observed.is_held(group) }
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

    /// Takes in the rows of a `dump.sharding_information`, good until `expires`.
    pub fn tables(
        &mut self,
        asked: &Asked<'_>,
        listing: Listing,
        skipped: &[Skipped],
        expires: u64,
    ) {
        let (tables, mut groups) = listing.into_tables();
        let mut found: BTreeMap<String, Option<ListedTable>> = BTreeMap::new();
        let mut dotted = Vec::new();
        for table in tables.filter(|table| asked.covers(&table.name)) {
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
            // A map with a hole would send the missing keys to the wrong shard.
            match (spoiled.get(name), table.take()) {
                (Some(reason), _) => {
                    let error = TableError::Row((*reason).to_owned());
                    self.set_table(name, TableState::Unusable(error), expires);
                }
                (None, Some(table)) => self.table(name, table, &mut groups, expires),
                (None, None) => {}
            }
        }
        let missing: Vec<String> = match asked {
            Asked::Names(names) => {
                names.iter().filter(|name| !found.contains_key(*name)).cloned().collect()
            }
            Asked::Everything => {
                let known = self.view().tables.iter();
                let known = known.map(|(name, _)| String::from_utf8_lossy(name).into_owned());
                known.filter(|name| !found.contains_key(name)).collect()
            }
        };
        self.remove_tables(missing, expires);
    }

    /// Fabric does not list these tables, which is good until `expires`.
    fn remove_tables(&mut self, names: Vec<String>, expires: u64) {
        let known = names.iter().filter_map(|name| {
            let entry = self.view().tables.get(name.as_bytes())?;
            Some((name.as_bytes(), Arc::clone(entry)))
        });
        let known = BTreeMap::from_iter(known);
        for entry in known.values() {
            self.end_holds(Some(entry), None);
        }
        if !known.is_empty() {
            self.change().tables.retain(|name, _| !known.contains_key(name));
        }
        self.absent.tables.extend(names.into_iter().map(|name| (name, expires)));
    }

    /// Tells of rows that nobody can use, of so many as somebody will read about.
    fn tell_skipped(&self, what: &str, skipped: &[Skipped]) {
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

    fn table(&mut self, name: &str, table: ListedTable, groups: &mut ListedGroups, expires: u64) {
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
        self.set_table(name, state, expires);
    }

    /// A table whose map lost bounds keeps them, unless the service had it asked for anew because
    /// it wants what Fabric says and nothing else.
    fn with_lost_bounds(&self, name: &str, table: Table) -> Table {
        match self.view().tables.get(name.as_bytes()) {
            Some(entry) if self.keeps && !entry.is_distrusted() => match &entry.value {
                TableState::Known(before) => {
                    let Table { column, global_group, map } = table;
                    let map = map.keeping(&before.map);
                    let kept = Table { column, global_group, map };
                    let known = BTreeSet::from_iter(before.vanished());
                    for bound in kept.vanished().iter().filter(|bound| !known.contains(*bound)) {
                        self.log.write(
                            Level::Warning,
                            format_args!(
                                "Fabric stopped listing the shard of table '{name}' that begins \
                                 at '{bound}'; lookups there are held"
                            ),
                        );
                    }
                    kept
                }
                _ => table,
            },
            _ => table,
        }
    }

    /// A vanished shard's keys are in this group.
    pub fn resolve(&mut self, table: &str, bound: &str, group: GroupId) {
        let Some(entry) = self.view().tables.get(table.as_bytes()).cloned() else { return };
        if let TableState::Known(known) = &entry.value
            && let Some(map) = known.map.resolved(bound, group)
        {
            let state = TableState::Known(known.with_map(map));
            self.set_table(table, state, entry.expires());
        }
    }

    /// Takes the map as Fabric last listed it at these bounds.
    pub fn forget_vanished(&mut self, table: &str, bounds: &BTreeSet<String>) {
        let Some(entry) = self.view().tables.get(table.as_bytes()).cloned() else { return };
        if let TableState::Known(known) = &entry.value
            && let Some(map) = known.map.without_kept(bounds)
        {
            let state = TableState::Known(known.with_map(map));
            self.set_table(table, state, entry.expires());
        }
    }

    fn set_table(&mut self, name: &str, state: TableState, expires: u64) {
        match self.view().tables.get(name.as_bytes()) {
            Some(entry) if entry.value == state => entry.renew(expires),
            before => {
                let before = before.cloned();
                if let TableState::Unusable(error) = &state {
                    self.unusable += 1;
                    if self.unusable <= MAX_LINES {
                        let message = format_args!("table '{name}' is unusable: {error}");
                        self.log.write(Level::Warning, message);
                    }
                }
                self.end_holds(before.as_deref(), Some(&state));
                let entry = Arc::new(Entry::new(state, expires));
                self.change().tables.insert(name.as_bytes(), entry);
            }
        }
    }

    /// A shard map that changed ends the holds of the groups it touches: what their primaries
    /// refused is now to be written where the new map says.
    fn end_holds(&mut self, before: Option<&Entry<TableState>>, after: Option<&TableState>) {
        // A map that is looked at for the first time is no news of a change.
        let Some(before) = before.filter(|_| self.observed.held() > 0) else { return };
        for state in [Some(&before.value), after].into_iter().flatten() {
            if let TableState::Known(table) = state {
                for id in table.groups() {
                    let view = self.next.as_ref().unwrap_or(self.current);
                    self.observed.map_changed(view.group_name(id));
                }
            }
        }
    }

    /// Takes in the rows of a `dump.servers`, good until `expires`.
    pub fn groups(
        &mut self,
        asked: &Asked<'_>,
        rows: Vec<ServerRow>,
        skipped: &[Skipped],
        expires: u64,
    ) {
        self.tell_skipped("a server is left out, its row is unusable", skipped);
        let mut found: BTreeMap<String, Vec<Server>> = BTreeMap::new();
        for row in rows {
            if asked.covers(&row.group) {
                let server = Server {
                    uuid: row.uuid,
                    host: row.host,
                    port: row.port,
                    mode: row.mode,
                    status: row.status,
                    weight: row.weight,
                };
                let servers = found.entry(row.group).or_default();
                // Overlapping patterns repeat rows.
                if !servers.contains(&server) {
                    servers.push(server);
                }
            }
        }
        match asked {
            Asked::Names(names) => {
                for name in *names {
                    found.entry(name.clone()).or_default();
                }
            }
            Asked::Everything => {
                let known = self.view().groups().map(|(_, name, _)| name.to_owned());
                for name in known.collect::<Vec<_>>() {
                    found.entry(name).or_default();
                }
            }
        }
        for (name, servers) in found {
            let primary = servers.iter().find(|server| server.takes_writes());
            self.observed.primary_is(&name, primary.map(|server| server.uuid.as_str()));
            self.group(&name, servers, expires);
        }
    }

    fn group(&mut self, name: &str, servers: Vec<Server>, expires: u64) {
        let number = self.view().group_number(name.as_bytes());
        if number.is_none() && servers.is_empty() {
            self.absent.groups.push((name.to_owned(), expires));
            return;
        }
        let known = number.and_then(|id| self.view().group(id)).cloned();
        let care = self.care(name, &servers);
        if let Some(entry) = &known
            && entry.value.is_same(&servers, &care)
        {
            entry.renew(expires);
            return;
        }
        let previous = known.as_ref().map(|entry| &entry.value);
        let is_news = previous.is_none_or(|previous| *previous.servers() != *servers);
        let group = Group::new(name, servers, &care, previous, self.start);
        // What the service saw of the servers is no change of the farm.
        let topology = if is_news { self.change() } else { self.rewrite() };
        let id = topology.number_group(name);
        topology.set_group(id, Some(Arc::new(Entry::new(group, expires))));
    }
}
