//! The reply to a dump, whose rows are handed on as they arrive. Of the rest, and of replies of
//! any other shape, a tree is built as for every command: it is what decides.

use std::io::BufRead;

use super::envelope::column_names;
use super::rows::{Cells, Collect, Gathered, named_positions, plain_positions};
use super::xmlrpc::value::{end_of_response, value_from};
use super::xmlrpc::{Event, Reader, Response, Scalar, Value};
use crate::error::Result;

/// Reads one whole reply, to the end of the input. Rows that could be told to be the dump's by
/// what came before them are in `Gathered`, and not in the response.
pub fn read_dump<C: Collect>(input: impl BufRead, rows: C) -> Result<(Response, Gathered<C>)> {
    let mut reader = Reader::new(input);
    let faulty = reader.begin()?;
    let mut dump = Stream { reader, gathered: Gathered::into(rows) };
    let value = if faulty { dump.value()? } else { dump.reply()? };
    let response = end_of_response(&mut dump.reader, faulty, value)?;
    Ok((response, dump.gathered))
}

struct Stream<R, C> {
    reader: Reader<R>,
    gathered: Gathered<C>,
}

impl<R: BufRead, C: Collect> Stream<R, C> {
    fn value(&mut self) -> Result<Value> {
        let first = self.reader.next_event()?;
        self.value_of(first)
    }

    fn value_of(&mut self, first: Event) -> Result<Value> {
        value_from(first, &mut self.reader)
    }

    /// `[1, uuid, ttl, error, sets]` or `[0, version, ttl, rows]`
    fn reply(&mut self) -> Result<Value> {
        let first = self.reader.next_event()?;
        if first != Event::ArrayStart {
            return self.value_of(first);
        }
        let mut items = Vec::new();
        loop {
            let event = self.reader.next_event()?;
            let item = match (event, items.as_slice()) {
                (Event::ArrayEnd, _) => return Ok(Value::Array(items)),
                (
                    Event::ArrayStart,
                    [Value::Int(1), Value::Text(_), Value::Int(_), Value::Text(error)],
                ) if error.is_empty() => self.sets()?,
                (Event::ArrayStart, [Value::Int(_), Value::Int(_), Value::Int(_)]) => {
                    self.rows(&plain_positions(C::COLUMNS))?
                }
                (event, _) => self.value_of(event)?,
            };
            items.push(item);
        }
    }

    fn sets(&mut self) -> Result<Value> {
        let mut items = Vec::new();
        loop {
            let item = match self.reader.next_event()? {
                Event::ArrayEnd => return Ok(Value::Array(items)),
                Event::StructStart if items.is_empty() => self.set()?,
                event => self.value_of(event)?,
            };
            items.push(item);
        }
    }

    /// `{info: {names: [..]}, rows: [[..]..]}`
    fn set(&mut self) -> Result<Value> {
        let mut set = Value::Struct(Vec::new());
        loop {
            let name = match self.reader.next_event()? {
                Event::StructEnd => return Ok(set),
                Event::Member(name) => name,
                // What the reader never sends there; the tree has the error for it.
                event => return self.value_of(event),
            };
            let event = self.reader.next_event()?;
            let due = event == Event::ArrayStart && name == "rows" && set.member("rows").is_none();
            let value = match due.then(|| positions::<C>(&set)).flatten() {
                Some(positions) => self.rows(&positions)?,
                None => self.value_of(event)?,
            };
            if let Value::Struct(members) = &mut set {
                members.push((name, value));
            }
        }
    }

    /// Hands on the rows of an array that has just begun, and leaves an empty one.
    fn rows(&mut self, positions: &[usize]) -> Result<Value> {
        let mut cells = Vec::new();
        loop {
            cells.clear();
            match self.reader.next_event()? {
                Event::ArrayEnd => return Ok(Value::Array(Vec::new())),
                Event::ArrayStart => self.cells(&mut cells)?,
                // As everywhere a row that is no row has one cell.
                event => cells.push(self.value_of(event)?),
            }
            self.gathered.take(positions, Cells::Values(&cells));
            let gathered = &mut self.gathered;
            self.reader.plain_rows(|cells| gathered.take(positions, Cells::Plain(cells)))?;
        }
    }

    fn cells(&mut self, cells: &mut Vec<Value>) -> Result<()> {
        loop {
            match self.reader.next_event()? {
                Event::ArrayEnd => return Ok(()),
                Event::Scalar(Scalar::Text(text)) => cells.push(Value::Text(text)),
                event => {
                    let cell = self.value_of(event)?;
                    cells.push(cell);
                }
            }
        }
    }
}

/// Where the columns are, if the names came first and are all there.
fn positions<C: Collect>(set: &Value) -> Option<Vec<usize>> {
    named_positions(&column_names(set).ok()?, C::COLUMNS).ok()
}
