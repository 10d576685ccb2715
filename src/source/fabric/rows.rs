//! Typed rows out of result sets: columns by name, numbers from either of their wire types,
//! and a row that makes no sense set aside alone.

use std::borrow::Cow;
use std::collections::BTreeSet;
use std::str::FromStr;

use crate::base::error::{Code, Error, Result};
use crate::base::text::excerpt;
use crate::source::fabric::envelope::{Envelope, Form};
use crate::source::fabric::xmlrpc::{Cell, Value};
use crate::topology::{Owner, RejectedRow, Server, ServerRow, ShardRow, TablesBuilder};

/// A dump: what it holds for how long, its rows, and the rows nobody can use.
#[derive(Debug, Clone, PartialEq)]
pub struct Dump<C> {
    /// Empty in generation 1.
    pub uuid: String,
    pub ttl_seconds: u64,
    pub rows: C,
    pub skipped: Vec<RejectedRow>,
}

/// A row of a dump.
pub trait FromRow: Sized {
    /// The columns it needs, in the order generation 1, which sends no names, has them.
    const COLUMNS: &'static [&'static str];

    /// Reads one row, or says in words why that cannot be.
    fn from_row(row: &Row<'_>) -> std::result::Result<Self, String>;

    fn owner(row: &Row<'_>) -> Option<Owner>;
}

/// What takes in the rows of a dump as they come.
pub trait Collect {
    const COLUMNS: &'static [&'static str];

    /// Takes one row in, or says in words why that cannot be.
    fn take(&mut self, row: &Row<'_>) -> std::result::Result<(), String>;

    fn owner(row: &Row<'_>) -> Option<Owner>;
}

impl<T: FromRow> Collect for Vec<T> {
    const COLUMNS: &'static [&'static str] = T::COLUMNS;

    fn take(&mut self, row: &Row<'_>) -> std::result::Result<(), String> {
        self.push(T::from_row(row)?);
        Ok(())
    }

    fn owner(row: &Row<'_>) -> Option<Owner> {
        T::owner(row)
    }
}

fn kind(cell: &Cell<'_>) -> &'static str {
    match cell {
        Cell::Text(_) => "a string",
        Cell::Int(_) => "an integer",
        Cell::Double(_) => "a double",
        Cell::Other(value) => value.kind(),
    }
}

/// The cells of a row, as values or without any.
#[derive(Debug, Clone, Copy)]
pub enum Cells<'a> {
    Values(&'a [Value]),
    Plain(&'a [Cell<'a>]),
}

/// The cells of one row, by the index of the column in `FromRow::COLUMNS`.
pub struct Row<'a> {
    columns: &'static [&'static str],
    positions: &'a [usize],
    cells: Cells<'a>,
}

impl Row<'_> {
    fn cell(&self, column: usize) -> Option<Cell<'_>> {
        let position = *self.positions.get(column)?;
        match self.cells {
            Cells::Values(values) => values.get(position).map(Cell::from),
            Cells::Plain(cells) => cells.get(position).copied(),
        }
    }

    fn name(&self, column: usize) -> &'static str {
        self.columns.get(column).copied().unwrap_or("a column")
    }

    /// A string, possibly empty. Numbers pass as their digits.
    pub fn text(&self, column: usize) -> std::result::Result<Cow<'_, str>, String> {
        let name = self.name(column);
        match self.cell(column) {
            Some(Cell::Text(text)) if text.contains('\0') => Err(format!("{name} holds a NUL")),
            Some(Cell::Text(text)) => Ok(text.into()),
            Some(Cell::Int(number)) => Ok(number.to_string().into()),
            Some(other) => Err(format!("{name} is {} where a string is due", kind(&other))),
            None => Err(format!("{name} is missing")),
        }
    }

    /// A string with something in it.
    pub fn name_text(&self, column: usize) -> std::result::Result<Cow<'_, str>, String> {
        match self.text(column)? {
            text if text.is_empty() => Err(format!("{} is empty", self.name(column))),
            text => Ok(text),
        }
    }

    /// An integer, as such or as a string: generation 1 sends many of them so.
    pub fn integer<T: TryFrom<i64>>(&self, column: usize) -> std::result::Result<T, String> {
        let name = self.name(column);
        let number = match self.cell(column) {
            Some(Cell::Int(number)) => number,
            Some(Cell::Text(text)) => parse(name, text)?,
            Some(other) => {
                return Err(format!("{name} is {} where an integer is due", kind(&other)));
            }
            None => return Err(format!("{name} is missing")),
        };
        T::try_from(number).map_err(|_| format!("{name} {number} is out of range"))
    }

    pub fn double(&self, column: usize) -> std::result::Result<f64, String> {
        let name = self.name(column);
        match self.cell(column) {
            Some(Cell::Double(number)) => Ok(number),
            // No weight is so large that this would lose a digit of it.
            Some(Cell::Int(number)) => Ok(number as f64),
            Some(Cell::Text(text)) => parse(name, text),
            Some(other) => Err(format!("{name} is {} where a number is due", kind(&other))),
            None => Err(format!("{name} is missing")),
        }
    }
}

fn parse<T: FromStr>(name: &str, text: &str) -> std::result::Result<T, String> {
    text.trim().parse().map_err(|_| {
        let short = excerpt(text, 40);
        format!("{name} \"{short}\" is no number")
    })
}

impl<T: FromRow> Dump<Vec<T>> {
    /// Reads the only result set of a dump.
    pub fn from_envelope(envelope: Envelope) -> Result<Self> {
        Gathered::into(Vec::new()).finish(envelope)
    }
}

/// The rows taken in so far.
#[derive(Debug)]
pub struct Gathered<C> {
    rows: C,
    skipped: Vec<RejectedRow>,
    /// Whose rows were set aside.
    owners: BTreeSet<Option<Owner>>,
}

/// So many rows set aside are told of one by one; beyond them one of each owner is.
const MAX_SKIPPED: usize = 100;

impl<C: Collect> Gathered<C> {
    pub fn into(rows: C) -> Self {
        Self { rows, skipped: Vec::new(), owners: BTreeSet::new() }
    }

    pub fn take(&mut self, positions: &[usize], cells: Cells<'_>) {
        let row = Row { columns: C::COLUMNS, positions, cells };
        if let Err(reason) = self.rows.take(&row) {
            let owner = C::owner(&row);
            let known = self.owners.contains(&owner);
            if !known {
                self.owners.insert(owner.clone());
            }
            if !known || self.skipped.len() < MAX_SKIPPED {
                self.skipped.push(RejectedRow { owner, reason });
            }
        }
    }

    /// The dump: what has been gathered, and what the envelope still holds of the only result
    /// set. A column that is needed and not there fails the whole of it; columns nobody needs
    /// are left alone.
    pub fn finish(mut self, envelope: Envelope) -> Result<Dump<C>> {
        let Envelope { form, uuid, ttl_seconds, sets, .. } = envelope;
        let set = sets.into_iter().next().unwrap_or_default();
        let positions = match form {
            Form::Two => named_positions(&set.columns, C::COLUMNS)?,
            Form::Dump => plain_positions(C::COLUMNS),
            // Read as rows this would be an empty farm.
            other => {
                let message = format!("the reply is no dump but of the form {other:?}");
                return Err(Error::new(Code::Protocol, message));
            }
        };
        for cells in &set.rows {
            self.take(&positions, Cells::Values(cells));
        }
        Ok(Dump { uuid, ttl_seconds, rows: self.rows, skipped: self.skipped })
    }
}

/// Generation 1 names no columns.
pub fn plain_positions(wanted: &[&str]) -> Vec<usize> {
    (0..wanted.len()).collect()
}

pub fn named_positions(columns: &[String], wanted: &[&str]) -> Result<Vec<usize>> {
    let position = |name: &&str| {
        columns.iter().position(|column| column == name).ok_or_else(|| {
            let message = format!(
                "the dump has no column {name}, only \"{}\"; check the version of the node",
                excerpt(&columns.join(", "), 200)
            );
            Error::new(Code::Protocol, message)
        })
    };
    wanted.iter().map(position).collect()
}

impl FromRow for ServerRow {
    const COLUMNS: &'static [&'static str] =
        &["server_uuid", "group_id", "host", "port", "mode", "status", "weight"];

    fn from_row(row: &Row<'_>) -> std::result::Result<Self, String> {
        let uuid = row.name_text(0)?.into_owned();
        let group = row.name_text(1)?.into_owned();
        let server = Server {
            uuid,
            host: row.name_text(2)?.into_owned(),
            port: row.integer(3)?,
            mode: row.integer(4)?,
            status: row.integer(5)?,
            weight: row.double(6)?,
            zone: None,
        };
        if server.port == 0 {
            return Err("port 0 is out of range".into());
        }
        match server.weight > 0.0 && server.weight.is_finite() {
            true => Ok(Self { group, server }),
            false => Err(format!("weight {} is not a positive number", server.weight)),
        }
    }

    fn owner(row: &Row<'_>) -> Option<Owner> {
        row.name_text(1).ok().map(|group| Owner::Group(group.into_owned()))
    }
}

/// The columns of a shard, in the order of generation 1.
pub const SHARD_COLUMNS: &[&str] = &[
    "schema_name",
    "table_name",
    "column_name",
    "lower_bound",
    "shard_id",
    "type_name",
    "group_id",
    "global_group",
];

fn shard_row<'a>(row: &'a Row<'_>) -> std::result::Result<ShardRow<'a>, String> {
    Ok(ShardRow {
        schema: row.name_text(0)?,
        table: row.name_text(1)?,
        column: row.text(2)?,
        lower_bound: row.text(3)?,
        shard_id: row.integer(4)?,
        type_name: row.name_text(5)?,
        group: row.name_text(6)?,
        global_group: row.name_text(7)?,
        read_only: false,
    })
}

fn owning_table(row: &Row<'_>) -> Option<Owner> {
    let (schema, table) = (row.name_text(0).ok()?, row.name_text(1).ok()?);
    Some(Owner::Table { schema: schema.into_owned(), table: table.into_owned() })
}

impl FromRow for ShardRow<'static> {
    const COLUMNS: &'static [&'static str] = SHARD_COLUMNS;

    fn from_row(row: &Row<'_>) -> std::result::Result<Self, String> {
        shard_row(row).map(ShardRow::into_owned)
    }

    fn owner(row: &Row<'_>) -> Option<Owner> {
        owning_table(row)
    }
}

impl Collect for TablesBuilder {
    const COLUMNS: &'static [&'static str] = SHARD_COLUMNS;

    fn take(&mut self, row: &Row<'_>) -> std::result::Result<(), String> {
        self.push(&shard_row(row)?);
        Ok(())
    }

    fn owner(row: &Row<'_>) -> Option<Owner> {
        owning_table(row)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::source::command::ResultSet;

    fn envelope(columns: &[&str], rows: Vec<Vec<Value>>) -> Envelope {
        let columns = columns.iter().map(|name| (*name).to_owned()).collect();
        Envelope {
            form: Form::Two,
            uuid: "u".into(),
            ttl_seconds: 1,
            error: None,
            sets: vec![ResultSet { columns, rows }],
        }
    }

    fn server() -> Vec<Value> {
        let int = Value::Int;
        vec!["id".into(), "g".into(), "h".into(), int(3306), int(3), int(9), Value::Double(0.5)]
    }

    #[test]
    fn columns_go_by_name() {
        let mut columns = ServerRow::COLUMNS.to_vec();
        columns.reverse();
        columns.insert(2, "datacentre");
        let mut cells = server();
        cells.reverse();
        cells.insert(2, Value::Nil);
        let dump = Dump::<Vec<ServerRow>>::from_envelope(envelope(&columns, vec![cells])).unwrap();
        let [ServerRow { server, .. }] = dump.rows.as_slice() else { panic!("{dump:?}") };
        assert_eq!((server.host.as_str(), server.port, server.status), ("h", 3306, 9));
        let bare = Envelope { form: Form::Bare, ..envelope(&[], vec![]) };
        assert_eq!(Dump::<Vec<ServerRow>>::from_envelope(bare).unwrap_err().code, Code::Protocol);
        let without = envelope(&ServerRow::COLUMNS[1..], vec![]);
        let error = Dump::<Vec<ServerRow>>::from_envelope(without).unwrap_err();
        assert!(error.code == Code::Protocol && error.message.contains("server_uuid"), "{error}");
    }

    #[test]
    fn bad_rows_go_alone() {
        let mut rows = vec![server()];
        for (index, cell) in [
            (0, Value::Nil),
            (2, "".into()),
            (2, "a\0b".into()),
            (3, Value::Int(0)),
            (3, Value::Int(65536)),
            (3, Value::Int(-1)),
            (3, "many".into()),
            (4, Value::Int(1 << 40)),
            (5, Value::Bool(true)),
            (6, Value::Double(f64::NAN)),
            (6, Value::Double(f64::INFINITY)),
            (6, Value::Double(0.0)),
            (6, Value::Double(-1.0)),
            (6, "heavy".into()),
        ] {
            let mut row = server();
            row[index] = cell;
            rows.push(row);
        }
        rows.push(server()[..6].to_vec());
        let bad = rows.len() - 1;
        let dump =
            Dump::<Vec<ServerRow>>::from_envelope(envelope(ServerRow::COLUMNS, rows)).unwrap();
        assert_eq!((dump.rows.len(), dump.skipped.len()), (1, bad));
        for skipped in &dump.skipped {
            assert_eq!(skipped.owner, Some(Owner::Group("g".into())), "{}", skipped.reason);
        }
        assert_eq!(dump.skipped[4].reason, "port 65536 is out of range");
        assert_eq!(dump.skipped[6].reason, "port \"many\" is no number");
        assert_eq!(dump.skipped[bad - 1].reason, "weight is missing");
    }
}
