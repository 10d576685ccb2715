//! The fast way to read a row: its bytes are compared with what Python's marshaller writes around the
//! values. A row that differs, be it by one blank, is left to the parser, which reads all rows, but
//! slower.

use std::io::{BufRead, ErrorKind};

use super::reader::Reader;
use crate::base::error::Result;
use crate::source::command::Value;
use crate::source::fabric::http::transport::TransportError;

/// More columns than a dump has; wider rows are left to the grammar.
pub(crate) const MAX_CELLS: usize = 16;

/// A cell that is looked at.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Cell<'a> {
    Text(&'a str),
    Int(i64),
    Double(f64),
    Other(&'a Value),
}

impl<'a> From<&'a Value> for Cell<'a> {
    fn from(value: &'a Value) -> Self {
        match value {
            Value::Text(text) => Cell::Text(text),
            Value::Int(number) => Cell::Int(*number),
            Value::Double(number) => Cell::Double(*number),
            other => Cell::Other(other),
        }
    }
}

impl<R: BufRead> Reader<R> {
    /// Hands on the rows that follow another one and are there as a whole, as far as they are
    /// plain. What follows is as if they had been read event by event.
    pub fn plain_rows(&mut self, mut take: impl FnMut(&[Cell<'_>])) -> Result<()> {
        while self.is_behind_item() {
            let input = self.input();
            let bytes = match input.fill_buf() {
                Ok(bytes) => bytes,
                Err(error) if error.kind() == ErrorKind::Interrupted => continue,
                Err(error) => return Err(TransportError::of_read(&error)),
            };
            let mut rest = bytes;
            let mut cells = [Cell::Int(0); MAX_CELLS];
            while let Some((count, behind)) = row(rest, &mut cells) {
                take(cells.get(..count).unwrap_or_default());
                rest = behind;
            }
            let used = bytes.len() - rest.len();
            input.consume(used);
            if used == 0 {
                break;
            }
        }
        Ok(())
    }
}

/// The number of cells of the row that `bytes` begins with, and what is behind it. It begins
/// with the end of the row before, and ends with its own array.
fn row<'a>(bytes: &'a [u8], cells: &mut [Cell<'a>; MAX_CELLS]) -> Option<(usize, &'a [u8])> {
    let mut rest = bytes.strip_prefix(b"</value>\n<value><array><data>\n")?;
    let mut count = 0;
    loop {
        if let Some(tagged) = rest.strip_prefix(b"<value><string>") {
            let (text, behind) = text(tagged)?;
            *cells.get_mut(count)? = Cell::Text(text);
            rest = behind.strip_prefix(b"</string></value>\n")?;
        } else if let Some(tagged) = rest.strip_prefix(b"<value><int>") {
            let (number, behind) = integer(tagged)?;
            *cells.get_mut(count)? = Cell::Int(number);
            rest = behind.strip_prefix(b"</int></value>\n")?;
        } else if let Some(tagged) = rest.strip_prefix(b"<value><double>") {
            let (digits, behind) = text(tagged)?;
            *cells.get_mut(count)? = Cell::Double(digits.parse().ok()?);
            rest = behind.strip_prefix(b"</double></value>\n")?;
        } else {
            return Some((count, rest.strip_prefix(b"</data></array>")?));
        }
        count += 1;
    }
}

/// Text that means itself: without references, and without line ends to be made others.
fn text(bytes: &[u8]) -> Option<(&str, &[u8])> {
    let end = memchr::memchr3(b'<', b'&', b'\r', bytes)?;
    let (text, rest) = bytes.split_at_checked(end)?;
    Some((std::str::from_utf8(text).ok()?, rest))
}

/// Digits that surely fit, after a sign perhaps.
fn integer(bytes: &[u8]) -> Option<(i64, &[u8])> {
    let (negative, digits) = match bytes {
        [b'-', digits @ ..] => (true, digits),
        _ => (false, bytes),
    };
    let length = digits.iter().take(19).take_while(|byte| byte.is_ascii_digit()).count();
    let (digits, rest) = digits.split_at_checked(length)?;
    if !(1..=18).contains(&length) {
        return None;
    }
    let number = digits.iter().fold(0, |number, digit| number * 10 + i64::from(digit - b'0'));
    Some((if negative { -number } else { number }, rest))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_the_marshaller_writes_is_plain() {
        let mut cells = [Cell::Int(0); MAX_CELLS];
        let written = "</value>\n<value><array><data>\n<value><string>a \u{e9}</string></value>\n\
            <value><int>-7</int></value>\n<value><string></string></value>\n\
            <value><double>2.5</double></value>\n</data></array>";
        let document = format!("{written}</value>");
        let (count, rest) = row(document.as_bytes(), &mut cells).unwrap();
        let expected = [Cell::Text("a \u{e9}"), Cell::Int(-7), Cell::Text(""), Cell::Double(2.5)];
        assert_eq!(cells[..count], expected);
        assert_eq!(rest, b"</value>");
        for end in 0..written.len() {
            assert_eq!(row(&written.as_bytes()[..end], &mut cells), None, "{end}");
        }
        for (from, to) in [
            ("a ", "a&amp;"),
            ("a ", "a\r"),
            ("string", "int"),
            ("-7", ""),
            ("-7", "-"),
            ("-7", "+7"),
            ("-7", " 7"),
            ("-7", "1234567890123456789"),
            ("2.5", ""),
            ("2.5", " 2.5"),
            ("2.5", "2,5"),
            ("<value><int>", "<value> <int>"),
            ("</data>", "</data >"),
            ("</value>\n", "</value>"),
        ] {
            let other = written.replace(from, to);
            assert_eq!(row(other.as_bytes(), &mut [Cell::Int(0); MAX_CELLS]), None, "{other}");
        }
        let bytes = written.as_bytes().iter().map(|byte| if *byte == b'a' { 0xFF } else { *byte });
        let bytes: Vec<u8> = bytes.collect();
        assert_eq!(row(&bytes, &mut [Cell::Int(0); MAX_CELLS]), None);
    }
}
