//! What a statement answers: rows of texts.

use tokio::io::{AsyncRead, AsyncWrite};

use crate::mysql::failure::Failure;
use crate::mysql::greeting::{ERROR, error};
use crate::mysql::limits::{Limits, MAX_SMALL_PACKET};
use crate::mysql::packet::Packets;
use crate::mysql::reader::{Malformed, Reader};

/// Rows of one result set, each cell as the server writes it: bytes, or NULL.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ResultSet {
    columns: Vec<String>,
    /// All cells, row by row.
    cells: Vec<Cell>,
    bytes: Vec<u8>,
}

/// Where the bytes of a cell are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Cell {
    /// `NULL` for none.
    begin: u32,
    length: u32,
}

const NULL: u32 = u32::MAX;

/// One row.
#[derive(Debug, Clone, Copy)]
pub struct Row<'a> {
    cells: &'a [Cell],
    bytes: &'a [u8],
}

impl<'a> Row<'a> {
    /// Nothing for NULL, and for a column that there is not.
    pub fn get(&self, column: usize) -> Option<&'a [u8]> {
        let Cell { begin, length } = *self.cells.get(column).filter(|cell| cell.begin != NULL)?;
        let (begin, length) = (usize::try_from(begin).ok()?, usize::try_from(length).ok()?);
        self.bytes.get(begin..begin.checked_add(length)?)
    }
}

impl ResultSet {
    /// The names of the columns, of which there is one at least.
    pub fn columns(&self) -> &[String] {
        &self.columns
    }

    /// Where the column of that name is, however its letters are written: servers differ.
    pub fn column(&self, name: &str) -> Option<usize> {
        self.columns.iter().position(|column| column.eq_ignore_ascii_case(name))
    }

    pub fn rows(&self) -> impl ExactSizeIterator<Item = Row<'_>> {
        // There are no rows without a column.
        let columns = self.columns.len().max(1);
        self.cells.chunks_exact(columns).map(|cells| Row { cells, bytes: &self.bytes })
    }

    fn push_row(&mut self, packet: &[u8]) -> Result<(), Malformed> {
        let mut reader = Reader::new(packet);
        for _ in 0..self.columns.len() {
            let cell = match reader.text_or_null()? {
                None => Cell { begin: NULL, length: 0 },
                Some(text) => {
                    // The limits keep the bytes of a set below 4 GiB.
                    let begin = u32::try_from(self.bytes.len()).map_err(|_| Malformed)?;
                    let length = u32::try_from(text.len()).map_err(|_| Malformed)?;
                    self.bytes.extend_from_slice(text);
                    Cell { begin, length }
                }
            };
            self.cells.push(cell);
        }
        if reader.is_empty() { Ok(()) } else { Err(Malformed) }
    }
}

/// What begins the answer to a statement, or one of its parts.
const OK: u8 = 0;
const LOCAL_INFILE: u8 = 0xFB;
const END: u8 = 0xFE;

/// Another part follows.
const MORE_RESULTS: u16 = 8;

/// The result sets of a statement; parts of its answer without rows are left out.
///
/// # Errors
/// `Failure::Server` is an answer, too: the connection can be used on.
pub async fn read<S: AsyncRead + AsyncWrite + Unpin>(
    packets: &mut Packets<S>,
    limits: &Limits,
) -> Result<Vec<ResultSet>, Failure> {
    let mut answer = Answer { packets, limits, bytes: 0, rows: 0 };
    let mut sets = Vec::new();
    for _ in 0..limits.result_sets {
        let (set, more) = answer.part().await?;
        sets.extend(set);
        if !more {
            return Ok(sets);
        }
    }
    Err(Failure::TooLarge("result sets", limits.result_sets))
}

/// An answer that is being read, and how much of it has come.
struct Answer<'a, S> {
    packets: &'a mut Packets<S>,
    limits: &'a Limits,
    bytes: usize,
    rows: usize,
}

impl<S: AsyncRead + AsyncWrite + Unpin> Answer<'_, S> {
    /// A result set, or nothing for a part without; and whether another part follows.
    async fn part(&mut self) -> Result<(Option<ResultSet>, bool), Failure> {
        let packet = self.packets.read(MAX_SMALL_PACKET).await?;
        let mut reader = Reader::new(&packet);
        match packet.first() {
            Some(&OK) => {
                reader.u8()?;
                let _rows = reader.length()?;
                let _last_insert_id = reader.length()?;
                Ok((None, has_more(reader.u16()?)))
            }
            Some(&ERROR) => Err(Failure::Server(error(&packet)?)),
            Some(&LOCAL_INFILE) => {
                let what = "asks for a file of this machine (LOCAL INFILE), which it does not get";
                Err(Failure::Protocol(what.into()))
            }
            _ => {
                let columns = reader.length()?;
                let columns = usize::try_from(columns).unwrap_or(usize::MAX);
                if columns > self.limits.columns {
                    return Err(Failure::TooLarge("columns", self.limits.columns));
                }
                if columns == 0 || !reader.is_empty() {
                    return Err(Malformed.into());
                }
                let (set, more) = self.result_set(columns).await?;
                Ok((Some(set), more))
            }
        }
    }

    async fn result_set(&mut self, columns: usize) -> Result<(ResultSet, bool), Failure> {
        let mut set = ResultSet::default();
        for _ in 0..columns {
            let packet = self.packets.read(MAX_SMALL_PACKET).await?;
            let name = column_name(&packet)?;
            self.count(size_of::<String>() + name.len())?;
            set.columns.push(name);
        }
        let packet = self.packets.read(MAX_SMALL_PACKET).await?;
        end(&packet)?.ok_or(Malformed)?;
        let mut packet = Vec::new();
        loop {
            packet.clear();
            let most = self.most_bytes() - self.bytes;
            // An error or the end may come however much there was.
            let read = self.packets.read_onto(&mut packet, most.max(MAX_SMALL_PACKET)).await;
            read.map_err(|failure| self.named(failure))?;
            if packet.first() == Some(&ERROR) {
                return Err(Failure::Server(error(&packet)?));
            }
            if let Some(status) = end(&packet)? {
                return Ok((set, has_more(status)));
            }
            if self.rows == self.limits.rows {
                return Err(Failure::TooLarge("rows", self.limits.rows));
            }
            self.rows += 1;
            self.count(columns * size_of::<Cell>() + packet.len())?;
            set.push_row(&packet)?;
        }
    }

    fn most_bytes(&self) -> usize {
        // Where a cell is, is told by 32 bits.
        self.limits.bytes.min(usize::try_from(u32::MAX - 1).unwrap_or(usize::MAX))
    }

    fn count(&mut self, bytes: usize) -> Result<(), Failure> {
        self.bytes = self.bytes.saturating_add(bytes);
        match self.bytes > self.most_bytes() {
            true => Err(Failure::TooLarge("bytes", self.most_bytes())),
            false => Ok(()),
        }
    }

    /// A packet that is too large, by the limit that was given and not by what is left of it.
    fn named(&self, failure: Failure) -> Failure {
        match failure {
            Failure::TooLarge(what, _) => Failure::TooLarge(what, self.most_bytes()),
            failure => failure,
        }
    }
}

/// The status in the packet that ends columns and rows, if it is one: a row that begins alike has a
/// number of eight bytes behind it.
fn end(packet: &[u8]) -> Result<Option<u16>, Malformed> {
    match packet {
        [END, rest @ ..] if rest.len() < 8 => {
            let mut reader = Reader::new(rest);
            let _warnings = reader.u16()?;
            reader.u16().map(Some)
        }
        _ => Ok(None),
    }
}

fn has_more(status: u16) -> bool {
    status & MORE_RESULTS != 0
}

/// The name that a column has in the answer.
fn column_name(packet: &[u8]) -> Result<String, Malformed> {
    let mut reader = Reader::new(packet);
    let (_catalog, _schema) = (reader.text()?, reader.text()?);
    let (_table, _table_at_home) = (reader.text()?, reader.text()?);
    let name = String::from_utf8_lossy(reader.text()?).into_owned();
    let _name_at_home = reader.text()?;
    // Character set, width, type, flags, decimals, which nobody here needs.
    match reader.length()? {
        12 => reader.bytes(10).map(|_| name),
        _ => Err(Malformed),
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::{join, sink};
    use tokio::runtime::Builder;

    use super::*;

    /// The answer in `packets`, whose numbers follow each other.
    fn answer(packets: &[&[u8]], limits: &Limits) -> Result<Vec<ResultSet>, Failure> {
        let mut bytes = Vec::new();
        for (number, packet) in packets.iter().enumerate() {
            let [low, middle, high, ..] = packet.len().to_le_bytes();
            bytes.extend_from_slice(&[low, middle, high, number as u8]);
            bytes.extend_from_slice(packet);
        }
        let stream = join(bytes.as_slice(), sink());
        let reading = async { read(&mut Packets::new(stream), limits).await };
        Builder::new_current_thread().build().unwrap().block_on(reading)
    }

    fn read_all(packets: &[&[u8]]) -> Result<Vec<ResultSet>, Failure> {
        answer(packets, &Limits::of(1 << 20))
    }

    const COLUMN: &[u8] = b"\x03def\x01s\x01t\x01t\x01a\x01a\x0c\x21\0\0\x04\0\0\xfd\0\0\0\0\0";
    const EOF: &[u8] = b"\xfe\0\0\x02\0";
    const EOF_AND_MORE: &[u8] = b"\xfe\0\0\x0a\0";
    const OK_END: &[u8] = b"\0\0\0\x02\0\0\0";
    const OK_AND_MORE: &[u8] = b"\0\0\0\x0a\0\0\0";

    fn protocol(packets: &[&[u8]]) {
        let read = read_all(packets);
        assert!(matches!(read, Err(Failure::Protocol(_))), "{packets:?}: {read:?}");
    }

    #[test]
    fn rows_are_read() {
        let second = [&COLUMN[..10], b"\x01b\x01b", &COLUMN[14..]].concat();
        let sets = read_all(&[b"\x02", COLUMN, &second, EOF, b"\x01x\xfb", b"\0\x03yzz", EOF]);
        let sets = sets.unwrap();
        let [set] = sets.as_slice() else { panic!("one") };
        assert_eq!(set.columns(), ["a", "b"]);
        assert_eq!((set.column("B"), set.column("c")), (Some(1), None));
        let rows: Vec<_> = set.rows().map(|row| [row.get(0), row.get(1), row.get(2)]).collect();
        assert_eq!(
            rows,
            [[Some(&b"x"[..]), None, None], [Some(&b""[..]), Some(&b"yzz"[..]), None]]
        );
        assert_eq!(set.rows().len(), 2);
    }

    #[test]
    fn several_parts_follow_each_other() {
        let packets = [OK_AND_MORE, b"\x01", COLUMN, EOF, b"\x011", EOF_AND_MORE, b"\x01", COLUMN];
        let sets = read_all(&[&packets[..], &[EOF, EOF_AND_MORE, OK_END]].concat()).unwrap();
        assert_eq!(sets.iter().map(|set| set.rows().len()).collect::<Vec<_>>(), [1, 0]);
        assert_eq!(read_all(&[OK_END]), Ok(vec![]));
    }

    #[test]
    fn errors_come_instead_of_rows_and_among_them() {
        let error: &[u8] = b"\xff\x28\x04#42000wrong";
        for packets in [&[error][..], &[b"\x01", COLUMN, EOF, b"\x01x", error]] {
            let Err(Failure::Server(error)) = read_all(packets) else { panic!("an error") };
            assert_eq!((error.errno, error.message.as_str()), (1064, "wrong"));
        }
    }

    #[test]
    fn a_long_cell_is_no_end() {
        let cell = [b"\xfe\x04\0\0\0\0\0\0\0".as_slice(), b"long"].concat();
        let sets = read_all(&[b"\x01", COLUMN, EOF, &cell, EOF]).unwrap();
        assert_eq!(sets[0].rows().next().unwrap().get(0), Some(&b"long"[..]));
    }

    #[test]
    fn what_breaks_the_rules_is_refused() {
        protocol(&[b""]);
        protocol(&[b"\xfb/etc/passwd"]);
        protocol(&[EOF]);
        protocol(&[b"\0\0"]);
        protocol(&[b"\x01\0", COLUMN, EOF, EOF]);
        protocol(&[b"\x01", b"", EOF, EOF]);
        protocol(&[b"\x01", &COLUMN[..20], EOF, EOF]);
        // Fewer columns than promised, and more.
        protocol(&[b"\x02", COLUMN, EOF, EOF]);
        protocol(&[b"\x01", COLUMN, COLUMN, EOF]);
        // Rows with fewer cells, with more, and with a length that lies.
        protocol(&[b"\x01", COLUMN, EOF, b"", EOF]);
        protocol(&[b"\x01", COLUMN, EOF, b"\x01x\x01y", EOF]);
        protocol(&[b"\x01", COLUMN, EOF, b"\x09x", EOF]);
        protocol(&[b"\x01", COLUMN, EOF, b"\xfe\xff\xff\xff\xff\xff\xff\xff\xffx", EOF]);
        protocol(&[b"\x01", COLUMN, b"\xfe\0", EOF]);
    }

    #[test]
    fn there_is_a_limit_to_everything() {
        let limits = Limits { result_sets: 2, columns: 2, rows: 3, bytes: 200 };
        let over = |packets: &[&[u8]]| match answer(packets, &limits) {
            Err(Failure::TooLarge(what, limit)) => (what, limit),
            other => panic!("{other:?}"),
        };
        assert_eq!(over(&[OK_AND_MORE, OK_AND_MORE, OK_AND_MORE]), ("result sets", 2));
        assert_eq!(over(&[b"\x03"]), ("columns", 2));
        assert_eq!(over(&[b"\xfe\xff\xff\xff\xff\xff\xff\xff\xff"]), ("columns", 2));
        let row: &[u8] = b"\x01x";
        assert_eq!(over(&[b"\x01", COLUMN, EOF, row, row, row, row]), ("rows", 3));
        // The rows of all sets together.
        let first = [b"\x01", COLUMN, EOF, row, row, EOF_AND_MORE];
        assert_eq!(over(&[&first[..], &[b"\x01", COLUMN, EOF, row, row]].concat()), ("rows", 3));
        let long = [&[200][..], &[b'x'; 200]].concat();
        assert_eq!(over(&[b"\x01", COLUMN, EOF, &long]), ("bytes", 200));
        // What a cell costs counts, too, though it is empty.
        let limits = Limits { rows: usize::MAX, ..limits };
        let empty = [&[&b"\x01"[..], COLUMN, EOF][..], &[&b"\0"[..]; 40]].concat();
        assert_eq!(answer(&empty, &limits), Err(Failure::TooLarge("bytes", 200)));
    }
}
