//! Tables in an update: from the rows of their shards to the maps that lookups use.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::observe::log::Level;
use crate::topology::builder::{ListedGroups, ListedTable, TablesBuilder, full_name};
use crate::topology::{Entry, Owner, RejectedRow, TableError, TableState, Times};

use super::{Asked, MAX_LINES, Update};

impl Update<'_> {
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

    /// The source does not list these tables.
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

    pub(super) fn set_table(&mut self, name: &str, state: TableState, times: Times) {
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
    pub(super) fn end_holds(&mut self, before: Option<&Entry<TableState>>, after: &TableState) {
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
}
