//! The tables of an answer while its rows come in: names are kept once, bounds as numbers.

use std::collections::{BTreeSet, HashSet};

use super::table::TableBuilder;
use crate::topology::group::GroupId;
use crate::topology::index::names::NameTable;
use crate::topology::rows::ShardRow;
use crate::topology::shard_map::{MapError, Shard};
use crate::topology::table::{Table, TableError};

/// The tables of an answer, without those that nobody asked for.
#[derive(Debug, Default)]
pub struct TablesBuilder {
    asked: Option<BTreeSet<String>>,
    tables: Vec<ListedTable>,
    positions: NameTable<usize>,
    /// Where the row before went, and the next one is likely to go.
    last: usize,
    groups: Groups,
}

#[derive(Debug, Default)]
struct Groups {
    names: Vec<Box<str>>,
    numbers: NameTable<GroupId>,
    /// Which table named each of them last.
    named_by: Vec<usize>,
}

/// One table of an answer.
#[derive(Debug)]
pub struct ListedTable {
    pub name: String,
    schema_length: usize,
    /// How many rows it has.
    pub rows: usize,
    /// Nothing if its name has more than one dot, or nobody asked for it.
    builder: Option<TableBuilder>,
    /// Whether somebody asked for it.
    wanted: bool,
    /// The groups its rows name, each once, in the order they first do.
    groups: Vec<GroupId>,
    seen: HashSet<GroupId>,
}

impl TablesBuilder {
    /// Of the tables named, or of all. A source may answer about more.
    pub fn of(asked: Option<BTreeSet<String>>) -> Self {
        Self { asked, ..Self::default() }
    }

    pub fn push(&mut self, row: &ShardRow<'_>) {
        let position = self.position(row);
        let Some(table) = self.tables.get_mut(position) else { return };
        self.last = position;
        table.rows += 1;
        if !table.wanted || table.has_dots() {
            return;
        }
        let group = self.groups.number(&row.group);
        table.note(group, position, &mut self.groups);
        let global_group = match table.builder.as_ref().map(TableBuilder::global_group) {
            Some(known) if self.groups.name(known) == row.global_group => known,
            _ => {
                let number = self.groups.number(&row.global_group);
                table.note(number, position, &mut self.groups);
                number
            }
        };
        let group = if row.read_only { group.read_only() } else { group };
        let shard = Shard::listed(row.shard_id, group);
        match &mut table.builder {
            Some(builder) => {
                let name = |group| self.groups.name(group).to_owned();
                builder.push(row, global_group, shard, name);
            }
            None => table.builder = Some(TableBuilder::new(row, global_group, shard)),
        }
    }

    fn position(&mut self, row: &ShardRow<'_>) -> usize {
        if self.tables.get(self.last).is_some_and(|table| table.is(&row.schema, &row.table)) {
            return self.last;
        }
        let name = full_name(&row.schema, &row.table);
        if let Some(position) = self.positions.get(name.as_bytes()) {
            return *position;
        }
        let position = self.tables.len();
        self.positions.insert(name.as_bytes(), position);
        self.tables.push(ListedTable {
            wanted: self.asked.as_ref().is_none_or(|asked| asked.contains(&name)),
            name,
            schema_length: row.schema.len(),
            rows: 0,
            builder: None,
            groups: Vec::new(),
            seen: HashSet::new(),
        });
        position
    }

    /// Says why the rows of a table make no table, if they do not.
    pub fn check(&mut self, name: &str) -> Result<(), TableError> {
        let position = self.positions.get(name.as_bytes());
        let table = position.and_then(|position| self.tables.get_mut(*position));
        match table {
            None => Err(MapError::NoShards.into()),
            Some(table) => match &mut table.builder {
                Some(builder) => builder.check(|group| self.groups.name(group).to_owned()),
                None => Ok(()),
            },
        }
    }

    /// The tables it lists.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.tables.iter().map(|table| table.name.as_str())
    }

    /// The groups that the rows of a table name.
    pub fn groups_of(&self, name: &str) -> impl Iterator<Item = &str> {
        let position = self.positions.get(name.as_bytes());
        let table = position.and_then(|position| self.tables.get(*position));
        table.into_iter().flat_map(|table| &table.groups).map(|group| self.groups.name(*group))
    }

    /// The tables that were asked for, and the groups they name.
    pub fn into_tables(self) -> (impl Iterator<Item = ListedTable>, ListedGroups) {
        let tables = self.tables.into_iter().filter(|table| table.wanted);
        let given = vec![GroupId::NOWHERE; self.groups.names.len()];
        (tables, ListedGroups { listed: self.groups, given })
    }
}

/// The groups that an answer names.
pub struct ListedGroups {
    listed: Groups,
    /// The number that each was given last.
    given: Vec<GroupId>,
}

impl ListedTable {
    pub fn has_dots(&self) -> bool {
        self.name.bytes().filter(|byte| *byte == b'.').count() > 1
    }

    fn is(&self, schema: &str, table: &str) -> bool {
        let name = self.name.as_str();
        self.schema_length == schema.len()
            && name.len() == schema.len() + 1 + table.len()
            && name.starts_with(schema)
            && name.ends_with(table)
    }

    /// Notes that a row names a group. Most rows name one that was just named: the set of those
    /// that were is only looked at where tables alternate.
    fn note(&mut self, group: GroupId, position: usize, groups: &mut Groups) {
        let last = groups.named_by.get_mut(group.0 as usize);
        let before = last.map(|last| std::mem::replace(last, position));
        if before != Some(position) && self.seen.insert(group) {
            self.groups.push(group);
        }
    }

    /// The groups that its rows name.
    pub fn groups<'a>(&'a self, groups: &'a ListedGroups) -> impl Iterator<Item = &'a str> {
        self.groups.iter().map(|group| groups.listed.name(*group))
    }

    /// The table of its rows, with the numbers that `number` gives the groups.
    pub fn finish(
        self,
        groups: &mut ListedGroups,
        number: impl Fn(&str) -> Option<GroupId>,
    ) -> Result<Table, TableError> {
        let ListedGroups { listed, given } = groups;
        for group in &self.groups {
            if let Some(given) = given.get_mut(group.0 as usize) {
                *given = number(listed.name(*group)).unwrap_or(GroupId::NOWHERE);
            }
        }
        let numbered = |group: GroupId| {
            let given = given.get(group.base().0 as usize).copied().unwrap_or(GroupId::NOWHERE);
            if group.is_read_only() { given.read_only() } else { given }
        };
        match self.builder {
            Some(builder) => builder.table(numbered, |group| listed.name(group).to_owned()),
            None => Err(MapError::NoShards.into()),
        }
    }
}

impl Groups {
    fn number(&mut self, name: &str) -> GroupId {
        if let Some(number) = self.numbers.get(name.as_bytes()) {
            return *number;
        }
        let number = GroupId(self.names.len() as u32);
        self.names.push(name.into());
        self.numbers.insert(name.as_bytes(), number);
        self.named_by.push(usize::MAX);
        number
    }

    fn name(&self, group: GroupId) -> &str {
        self.names.get(group.base().0 as usize).map_or("", |name| name)
    }
}

/// The name a table goes by in the API.
pub fn full_name(schema: &str, table: &str) -> String {
    format!("{schema}.{table}")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn listed<'a>(schema: &'a str, table: &'a str, bound: &'a str, group: &'a str) -> ShardRow<'a> {
        ShardRow {
            schema: schema.into(),
            table: table.into(),
            column: "c".into(),
            lower_bound: bound.into(),
            shard_id: 1,
            type_name: "RANGE".into(),
            group: group.into(),
            global_group: "all".into(),
            read_only: false,
        }
    }

    /// The tables by name, or why there is none.
    fn finished(listing: TablesBuilder) -> Vec<(String, Result<Vec<u32>, String>)> {
        let (tables, mut groups) = listing.into_tables();
        let number = |name: &str| {
            let digits = name.trim_start_matches(|letter: char| !letter.is_ascii_digit());
            Some(GroupId(digits.parse().unwrap_or(99)))
        };
        let mut finish = |table: ListedTable| {
            let name = table.name.clone();
            let table = table.finish(&mut groups, number).map_err(|error| error.to_string());
            (name, table.map(|table| table.map.shards().map(|shard| shard.group.0).collect()))
        };
        tables.filter(|table| !table.has_dots()).map(&mut finish).collect()
    }

    #[test]
    fn tables_may_alternate() {
        let mut listing = TablesBuilder::default();
        for at in 0..200 {
            let (bound, group) = (format!("{}", 999 - at), format!("g{at}"));
            for table in ["t", "tt", "a"] {
                listing.push(&listed("db", table, &bound, &group));
                listing.push(&listed("d", "bt", &bound, &group));
            }
        }
        let groups: Vec<&str> = listing.groups_of("db.t").take(3).collect();
        assert_eq!(groups, ["g0", "all", "g1"]);
        assert_eq!(listing.groups_of("db.t").count(), 201);
        assert!(listing.tables.iter().all(|table| table.groups.len() == 201));
        let expected: Vec<u32> = (0..200).rev().collect();
        let tables = finished(listing);
        let names: Vec<&str> = tables.iter().map(|(name, _)| name.as_str()).collect();
        assert_eq!(names, ["db.t", "d.bt", "db.tt", "db.a"]);
        assert!(tables.iter().all(|(_, table)| *table == Ok(expected.clone())));
    }

    #[test]
    fn what_nobody_asked_for_is_left_alone() {
        let names = ["db.t", "a.b.c"].map(str::to_owned);
        let mut listing = TablesBuilder::of(Some(names.into()));
        for row in [
            listed("db", "t", "1", "g1"),
            listed("db", "T", "1", "g2"),
            listed("a.b", "c", "1", "g3"),
            listed("a", "b.c", "1", "g3"),
        ] {
            listing.push(&row);
        }
        assert_eq!(listing.groups_of("db.T").count(), 0);
        let (tables, _) = listing.into_tables();
        let tables: Vec<(String, usize, bool)> =
            tables.map(|table| (table.name.clone(), table.rows, table.has_dots())).collect();
        assert_eq!(tables, [("db.t".to_owned(), 1, false), ("a.b.c".to_owned(), 2, true)]);
    }

    #[test]
    fn a_contradiction_goes_before_all_else() {
        let row = listed("db", "t", "1", "g1");
        let unknown = ShardRow { type_name: "LIST".into(), ..row.clone() };
        for (rows, expected) in [
            (vec![unknown.clone(), unknown.clone()], "its sharding type 'LIST' is not known"),
            (
                vec![unknown, row.clone()],
                "it is listed with two different sharding types, 'LIST' and 'RANGE'",
            ),
            (
                vec![
                    ShardRow { lower_bound: "x".into(), ..row.clone() },
                    ShardRow { column: "d".into(), ..row.clone() },
                ],
                "it is listed with two different sharding columns, 'c' and 'd'",
            ),
            (
                vec![
                    row.clone(),
                    ShardRow { global_group: "g9".into(), ..row.clone() },
                    ShardRow { column: "d".into(), ..row.clone() },
                ],
                "it is listed with two different global groups, 'all' and 'g9'",
            ),
            (
                vec![
                    row.clone(),
                    ShardRow { lower_bound: "x".into(), ..row.clone() },
                    ShardRow { group: "g2".into(), ..row.clone() },
                ],
                "lower bound 'x' is not one of type RANGE",
            ),
        ] {
            let mut listing = TablesBuilder::default();
            rows.iter().for_each(|row| listing.push(row));
            assert_eq!(finished(listing), [("db.t".to_owned(), Err(expected.to_owned()))]);
        }
    }

    #[test]
    fn rows_that_were_checked_make_the_same_table() {
        let row = |table: &'static str, bound: &'static str, group: &'static str| ShardRow {
            schema: "db".into(),
            table: table.into(),
            column: "c".into(),
            lower_bound: bound.into(),
            shard_id: 1,
            type_name: "RANGE".into(),
            group: group.into(),
            global_group: "global".into(),
            read_only: false,
        };
        let rows = [row("t", "5", "b"), row("t", "1", "a"), row("t", "5", "b"), row("u", "x", "a")];
        let tables = |is_checked: bool| {
            let mut builder = TablesBuilder::default();
            rows.iter().for_each(|row| builder.push(row));
            if is_checked {
                assert_eq!(builder.check("db.t"), Ok(()));
                let error = builder.check("db.u").expect_err("a bound that is none");
                assert_eq!(builder.check("db.u"), Err(error), "and again");
                assert_eq!(builder.check("db.v"), Err(MapError::NoShards.into()));
            }
            let (tables, mut groups) = builder.into_tables();
            let numbers = |name: &str| Some(GroupId(u32::from(name.as_bytes()[0])));
            tables.map(|table| table.finish(&mut groups, numbers)).collect::<Vec<_>>()
        };
        assert_eq!(tables(true), tables(false));
        let mut late = TablesBuilder::default();
        late.push(&row("t", "5", "b"));
        assert_eq!(late.check("db.t"), Ok(()));
        late.push(&row("t", "5", "a"));
        let error = late.check("db.t").expect_err("two groups");
        assert!(error.to_string().contains("belongs to two shards"), "{error}");
    }
}
