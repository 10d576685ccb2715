//! The reply to a dump, whose rows are handed on as they arrive. The rest of the reply, and a reply of
//! any other shape, is built as a tree of values, as for every command, and read from that.

use std::io::BufRead;

use super::envelope::column_names;
use super::rows::{Cells, Collect, Gathered, named_positions, plain_positions};
use super::xmlrpc::value::{end_of_response, value_from};
use super::xmlrpc::{Event, Reader, Response, Value};
use crate::base::error::Result;
use crate::base::memory;

/// Reads one whole reply, to the end of the input. Rows that could be told to be the dump's by
/// what came before them are in `Gathered`, and not in the response.
pub fn read_dump<C: Collect>(input: impl BufRead, rows: C) -> Result<(Response, Gathered<C>)> {
    read_from(Reader::new(input), rows)
}

/// As `read_dump`, of a reply that may have so many bytes.
pub fn read_dump_within<C: Collect>(
    input: impl BufRead,
    rows: C,
    max_bytes: u64,
) -> Result<(Response, Gathered<C>)> {
    read_from(Reader::within(input, max_bytes), rows)
}

fn read_from<R: BufRead, C: Collect>(
    mut reader: Reader<R>,
    rows: C,
) -> Result<(Response, Gathered<C>)> {
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
            memory::push(&mut items, item)?;
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
            memory::push(&mut items, item)?;
        }
    }

    /// `{info: {names: [..]}, rows: [[..]..]}`
    fn set(&mut self) -> Result<Value> {
        let mut set = Value::Struct(Vec::new());
        let mut has_rows = false;
        loop {
            let name = match self.reader.next_event()? {
                Event::StructEnd => return Ok(set),
                Event::Member(name) => name,
                // What the reader never sends there; the tree has the error for it.
                event => return self.value_of(event),
            };
            let event = self.reader.next_event()?;
            let due = event == Event::ArrayStart && name == "rows" && !has_rows;
            has_rows |= name == "rows";
            let value = match due.then(|| positions::<C>(&set)).flatten() {
                Some(positions) => self.rows(&positions)?,
                None => self.value_of(event)?,
            };
            if let Value::Struct(members) = &mut set {
                self.reader.room.value(name.len())?;
                memory::push(members, (name, value))?;
            }
        }
    }

    /// Hands on the rows of an array that has just begun, and leaves an empty one.
    fn rows(&mut self, positions: &[usize]) -> Result<Value> {
        let mut cells = Vec::new();
        let room = self.reader.room;
        loop {
            // A row is gone when the next one comes.
            cells.clear();
            self.reader.room = room;
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
                event => {
                    let cell = self.value_of(event)?;
                    memory::push(cells, cell)?;
                }
            }
        }
    }
}

/// Where the columns are, if the names came first and are all there.
fn positions<C: Collect>(set: &Value) -> Option<Vec<usize>> {
    named_positions(&column_names(set).ok()?, C::COLUMNS).ok()
}

#[cfg(test)]
mod tests {
    use std::io::{BufReader, Read};

    use proptest::prelude::*;

    use super::*;
    use crate::base::error::Error;
    use crate::source::fabric::both_ways::{agree, by_stream};
    use crate::source::fabric::rows::SHARD_COLUMNS;
    use crate::source::fabric::xmlrpc::Cell;
    use crate::topology::ShardRow;

    /// The body of a captured reply.
    fn body(reply: &[u8]) -> Option<&[u8]> {
        let head = reply.windows(4).position(|four| four == b"\r\n\r\n")?;
        Some(&reply[head + 4..])
    }

    #[test]
    fn every_capture_gives_the_same_both_ways() {
        let mut dumps = 0;
        for directory in ["tests/data/captures"] {
            for entry in std::fs::read_dir(directory).unwrap() {
                let path = entry.unwrap().path();
                if path.extension().is_none_or(|extension| extension != "res") {
                    continue;
                }
                let bytes = std::fs::read(&path).unwrap();
                let Some(body) = body(&bytes) else { continue };
                agree(body, &[1 << 16]);
                agree(body, &[1, 700, 37]);
                if let Ok(Ok(dump)) = by_stream::<ShardRow>(body, vec![100]) {
                    dumps += usize::from(!dump.rows.is_empty());
                }
            }
        }
        assert!(dumps > 10, "{dumps}");
    }

    #[test]
    fn plain_rows_take_the_short_way() {
        let document = written(Shape::default(), &vec![row(&plain_cells()); 100]);
        let mut reader = Reader::new(document.as_bytes());
        let mut ends = 0;
        // Up to the end of the first row, which follows that of the names.
        while ends < 2 {
            ends += usize::from(reader.next_event().unwrap() == Event::ArrayEnd);
        }
        let mut rows = 0;
        reader
            .plain_rows(|cells| {
                rows += 1;
                assert_eq!((cells.len(), cells[4]), (8, Cell::Int(7)));
            })
            .unwrap();
        assert_eq!(rows, 99);
        // `</data></array>` of all rows, and the rest.
        assert_eq!(reader.next_event().unwrap(), Event::ArrayEnd);
        assert_eq!(reader.next_event().unwrap(), Event::StructEnd);
    }

    #[derive(Debug, Clone, Copy, Default)]
    struct Shape {
        generation_one: bool,
        rows_first: bool,
        twice: bool,
        shuffled: bool,
        without: bool,
        longer: bool,
        error: bool,
        version: i64,
        /// Bytes cut off at the end.
        cut: usize,
    }

    fn plain_cells() -> Vec<String> {
        let text = |text: &str| format!("<string>{text}</string>");
        let mut cells: Vec<String> = ["s", "t", "c", "5"].map(text).into();
        cells.push("<int>7</int>".into());
        cells.extend(["RANGE", "g", "global"].map(text));
        cells
    }

    fn array(items: &[String]) -> String {
        let items = items.iter().map(|item| format!("<value>{item}</value>\n"));
        format!("<array><data>\n{}</data></array>", items.collect::<String>())
    }

    fn row(cells: &[String]) -> String {
        array(cells)
    }

    fn written(shape: Shape, rows: &[String]) -> String {
        let member = |name: &str, value: &str| {
            format!("<member>\n<name>{name}</name>\n<value>{value}</value>\n</member>\n")
        };
        let mut columns: Vec<String> =
            SHARD_COLUMNS.iter().map(|name| format!("<string>{name}</string>")).collect();
        if shape.shuffled {
            columns.swap(0, 1);
        }
        if shape.without {
            columns.pop();
        }
        let info =
            member("info", &format!("<struct>\n{}</struct>", member("names", &array(&columns))));
        let mut members = vec![info, member("rows", &array(rows))];
        if shape.twice {
            members.push(member("rows", &array(&rows[..rows.len() / 2])));
        }
        if shape.rows_first {
            members.rotate_left(1);
        }
        let set = format!("<struct>\n{}</struct>", members.concat());
        let int = |value: i64| format!("<int>{value}</int>");
        let error = format!("<string>{}</string>", if shape.error { "no" } else { "" });
        let mut items = match shape.generation_one {
            true => vec![int(0), int(shape.version), int(3), array(rows)],
            false => {
                vec![
                    int(1 + shape.version),
                    "<string>u</string>".into(),
                    int(3),
                    error,
                    array(&[set]),
                ]
            }
        };
        if shape.longer {
            items.push(int(9));
        }
        let mut document = format!(
            "<?xml version='1.0'?>\n<methodResponse>\n<params>\n<param>\n<value>{}</value>\n\
             </param>\n</params>\n</methodResponse>\n",
            array(&items)
        );
        document.truncate(document.len().saturating_sub(shape.cut));
        document
    }

    fn any_cell() -> impl Strategy<Value = String> {
        prop_oneof![
            4 => "[a-z0-9 .>\u{e9}\u{1f41f}\n]{0,6}".prop_map(|text| format!("<string>{text}</string>")),
            1 => "[a-z]{0,2}".prop_map(|text| text),
            3 => any::<i64>().prop_map(|number| format!("<int>{number}</int>")),
            3 => (0i64..9).prop_map(|number| format!("<int>{number}</int>")),
            1 => prop::sample::select(vec![
                "<string>a&amp;b</string>", "<string>a\r\nb</string>", "<string/>", "<nil/>",
                "<string>a<!-- c -->b</string>", "<int> 7 </int>", "<int>x</int>", "<i4>7</i4>",
                "<string><b/></string>", "<double>1.5</double>", "<boolean>1</boolean>",
                "<double>-1e-3</double>", "<double>nan</double>", "<double> 2 </double>",
                "<double>1,5</double>", "<double></double>", "<double>1.5</int>",
                "<string><![CDATA[<]]></string>", "<string>&nope;</string>", " <int>1</int>",
                "<array><data/></array>", "<struct></struct>", "<int>0007</int>",
            ]).prop_map(str::to_owned),
        ]
    }

    fn any_row() -> impl Strategy<Value = String> {
        prop_oneof![
            6 => (any_cell(), 0usize..8).prop_map(|(cell, at)| {
                let mut cells = plain_cells();
                cells[at] = cell;
                row(&cells)
            }),
            6 => Just(row(&plain_cells())),
            1 => prop::collection::vec(any_cell(), 0..20).prop_map(|cells| row(&cells)),
            1 => any_cell(),
        ]
    }

    prop_compose! {
        fn any_shape()(
            bits in prop::array::uniform7(prop::bool::weighted(0.15)),
            version in prop_oneof![6 => Just(0i64), 1 => Just(1i64)],
            cut in prop_oneof![6 => Just(0usize), 1 => 1usize..900],
        ) -> Shape {
            let [generation_one, rows_first, twice, shuffled, without, longer, error] = bits;
            Shape {
                generation_one, rows_first, twice, shuffled, without, longer, error, version, cut,
            }
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(600))]

        #[test]
        fn any_dump_gives_the_same_both_ways(
            shape in any_shape(),
            rows in prop::collection::vec(any_row(), 0..12),
            pieces in prop::collection::vec(1usize..900, 1..6),
        ) {
            let mut shape = shape;
            let whole = written(Shape { cut: 0, ..shape }, &rows);
            // Characters of more than a byte are not cut in two here.
            while !whole.is_char_boundary(whole.len().saturating_sub(shape.cut)) {
                shape.cut += 1;
            }
            agree(written(shape, &rows).as_bytes(), &pieces);
        }
    }

    fn body_of(capture: &str) -> Vec<u8> {
        let bytes = std::fs::read(format!("tests/data/captures/{capture}.res")).unwrap();
        body(&bytes).unwrap().to_vec()
    }

    const PIECES: [&str; 20] = [
        "<value>",
        "</value>",
        "<string>",
        "</string>",
        "<int>",
        "<nil/>",
        "</data></array>",
        "<value><array><data>\n",
        "<",
        ">",
        "&",
        "&lt;",
        "&#65;",
        "&#0;",
        "<!-- -->",
        "<![CDATA[x]]>",
        "\r\n",
        "\0",
        "\u{e9}",
        "<double>",
    ];

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(1_500))]

        #[test]
        fn any_damage_gives_the_same_both_ways(
            capture in prop::sample::select(vec!["si_all", "gen1_si_all", "servers_all_empty", "gen1_servers_all"]),
            bytes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 0..4),
            inserts in prop::collection::vec(
                (any::<prop::sample::Index>(), prop::sample::select(PIECES.to_vec())), 0..3),
            cuts in prop::collection::vec((any::<prop::sample::Index>(), 1usize..40), 0..2),
            pieces in prop::collection::vec(1usize..3_000, 1..6),
        ) {
            let mut document = body_of(capture);
            for (index, byte) in bytes {
                let at = index.index(document.len());
                document[at] = byte;
            }
            for (index, piece) in inserts {
                let at = index.index(document.len());
                document.splice(at..at, piece.bytes());
            }
            for (index, length) in cuts {
                let at = index.index(document.len());
                document.drain(at..(at + length).min(document.len()));
            }
            agree(&document, &pieces);
        }
    }

    #[test]
    fn an_error_of_the_input_comes_through() {
        struct Broken<'a>(&'a [u8], bool);
        impl Read for Broken<'_> {
            fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
                match self.0.read(buffer)? {
                    0 if !std::mem::replace(&mut self.1, true) => {
                        Err(std::io::Error::other("cut off"))
                    }
                    count => Ok(count),
                }
            }
        }
        let document = written(Shape::default(), &vec![row(&plain_cells()); 9]);
        let read = |end: usize| -> Error {
            let input = BufReader::new(Broken(&document.as_bytes()[..end], false));
            read_dump(input, Vec::<ShardRow>::new()).map(|_| ()).unwrap_err()
        };
        for end in 1..document.len() - 1 {
            let error = read(end);
            assert!(error.message.contains("cut off"), "{end}: {error}");
        }
    }
}
