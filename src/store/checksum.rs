//! The checksum of a topology file, its last member: of all the bytes before its name.
//!
//! It finds damage. It is no signature: who can write the file can also write its checksum.

use std::io::{self, BufWriter, Write};

use md5::{Digest, Md5};
use serde::Serialize;

const NAME: &str = "\"checksum\"";

/// How an object ends that is written in lines.
const END: &[u8] = b"\n}";

/// Small enough for any process, large enough that the disk is not asked for every line.
const BUFFER: usize = 64 << 10;

fn of(bytes: &str) -> String {
    shown(Md5::new_with_prefix(bytes))
}

fn shown(sum: Md5) -> String {
    format!("{:032x}", u128::from_be_bytes(sum.finalize().into()))
}

/// The checksum of a value's JSON, of which no more than a buffer is ever held.
pub fn of_json(value: &impl Serialize) -> String {
    let mut out = BufWriter::with_capacity(BUFFER, ChecksumWriter::new(io::sink()));
    match (serde_json::to_writer(&mut out, value), out.into_inner()) {
        (Ok(()), Ok(ChecksumWriter { mut sum, held, .. })) => {
            sum.update(held);
            shown(sum)
        }
        _ => String::new(),
    }
}

/// Writes an object with its checksum as its last member, a buffer at a time.
pub fn seal(to: impl Write, object: &impl Serialize) -> io::Result<()> {
    let mut out = BufWriter::with_capacity(BUFFER, ChecksumWriter::new(to));
    serde_json::to_writer_pretty(&mut out, object)?;
    let mut summed = out.into_inner().map_err(io::IntoInnerError::into_error)?;
    if summed.held != END {
        return Err(io::Error::other("it has no members"));
    }
    summed.held.clear();
    summed.pass(b",\n  ")?;
    let sum = shown(summed.sum);
    write!(summed.to, "{NAME}: \"{sum}\"\n}}\n")
}

/// Computes the checksum of what is written through it, without the last bytes, as many as [`END`]
/// has, which it holds back.
struct ChecksumWriter<W> {
    to: W,
    sum: Md5,
    held: Vec<u8>,
}

impl<W: Write> ChecksumWriter<W> {
    fn new(to: W) -> Self {
        Self { to, sum: Md5::new(), held: Vec::new() }
    }

    fn pass(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.sum.update(bytes);
        self.to.write_all(bytes)
    }
}

impl<W: Write> Write for ChecksumWriter<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let mut all = std::mem::take(&mut self.held);
        all.extend_from_slice(bytes);
        self.held = all.split_off(all.len().saturating_sub(END.len()));
        self.pass(&all)?;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.to.flush()
    }
}

/// Whether `sum`, the member's value, is that of the text around it.
pub fn verify(text: &str, sum: &str) -> Result<(), String> {
    let (body, tail) = text.rsplit_once(NAME).unwrap_or((text, ""));
    let tail: String = tail.split_ascii_whitespace().collect();
    if tail != format!(":\"{sum}\"}}") {
        return Err("its member checksum is not the last one; if the file was edited by hand, \
                    take the members checksum and written_by out"
            .into());
    }
    if of(body) != sum {
        return Err("its checksum is wrong, so it is damaged; if it was edited by hand, take the \
                    members checksum and written_by out"
            .into());
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    #[test]
    fn every_byte_counts() {
        let mut sealed = Vec::new();
        seal(&mut sealed, &BTreeMap::from([("a", "checksum")])).expect("sealed");
        let sealed = String::from_utf8(sealed).expect("UTF-8");
        let (body, sum_and_end) = sealed.split_at(sealed.rfind(NAME).expect("the member"));
        assert_eq!(body, "{\n  \"a\": \"checksum\",\n  ");
        assert_eq!(sum_and_end, format!("{NAME}: \"{}\"\n}}\n", of(body)));
        let sum = |text: &str| {
            let value: serde_json::Value = serde_json::from_str(text).ok()?;
            Some(value.get("checksum")?.as_str()?.to_owned())
        };
        verify(&sealed, &sum(&sealed).expect("a checksum")).expect("it is intact");
        for position in 0..sealed.len() {
            let mut bytes = sealed.clone().into_bytes();
            bytes[position] ^= 1;
            let text = String::from_utf8(bytes).expect("ASCII");
            if let Some(sum) = sum(&text) {
                assert!(verify(&text, &sum).is_err(), "{text}");
            }
        }
    }

    #[test]
    fn an_object_is_cut_anywhere_by_the_buffer() {
        for length in BUFFER - 20..BUFFER + 20 {
            let object = BTreeMap::from([("a", "x".repeat(length))]);
            let mut sealed = Vec::new();
            seal(&mut sealed, &object).expect("sealed");
            let text = String::from_utf8(sealed).expect("UTF-8");
            let read: BTreeMap<String, String> = serde_json::from_str(&text).expect("JSON");
            assert_eq!(read["a"].len(), length);
            verify(&text, &read["checksum"]).expect("it is intact");
            assert_eq!(of_json(&object), of(&serde_json::to_string(&object).expect("JSON")));
        }
        assert!(seal(Vec::new(), &BTreeMap::<String, String>::new()).is_err());
    }
}
