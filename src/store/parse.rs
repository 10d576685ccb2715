//! Reading the text of a topology file: nothing is trusted in part.

use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_ignored::Path;

use crate::topology::TablesBuilder;

use super::document::{DISCOVERY_VERSION, Document, FORMAT, VERSION};
use super::{check, checksum, hand_written, member_names};

/// What is looked at before the rest: whether the rest can be understood and is undamaged.
#[derive(Deserialize)]
struct Head {
    format: Option<String>,
    version: Option<u64>,
    written_by: Option<String>,
    checksum: Option<String>,
}

/// Who may have written the file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Author {
    Anybody,
    /// Only this library, and nobody has changed a byte since.
    Library,
}

/// Reads a whole file, or says in words why it cannot be used.
pub fn parse(bytes: &[u8], author: Author) -> Result<Document, String> {
    parse_tables(bytes, author).map(|(document, _)| document)
}

/// As `parse`, with the tables of the file.
pub fn parse_tables(bytes: &[u8], author: Author) -> Result<(Document, TablesBuilder), String> {
    if bytes.is_empty() {
        return Err("it is empty".into());
    }
    // Some editors begin a file with a byte order mark, which JSON does not know.
    let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
    let text = std::str::from_utf8(bytes)
        .map_err(|error| format!("it is not UTF-8 from byte {} on", error.valid_up_to()))?;
    let head: Head = read(text, |_| ())?;
    if head.format.as_deref() != Some(FORMAT) {
        return Err(format!("it is no topology file: its member format is not \"{FORMAT}\""));
    }
    match head.version {
        Some(VERSION | DISCOVERY_VERSION) => {}
        Some(other) => {
            return Err(format!(
                "version {other} is not known here, only {VERSION} and {DISCOVERY_VERSION} are"
            ));
        }
        None => return Err("its member version is missing".into()),
    }
    match (&head.checksum, &head.written_by, author) {
        (Some(sum), _, _) => checksum::verify(text, sum)?,
        (None, Some(_), _) => {
            return Err("its member checksum is missing; without the member written_by it would \
                        count as written by hand"
                .into());
        }
        (None, None, Author::Library) => {
            return Err(
                "its member checksum is missing, so it is none that the library wrote".into()
            );
        }
        (None, None, Author::Anybody) => {}
    }
    if head.written_by.is_some() {
        let document: Document = read(text, |_| ())?;
        let tables = check::whole(&document)?;
        return Ok((document, tables));
    }
    let mut misspelling = None;
    let document: Result<Document, String> = read(text, |path| {
        misspelling = misspelling.take().or_else(|| member_names::misspelling(&path))
    });
    // A member that is missing may be there under another name.
    let document = match misspelling {
        Some(misspelling) => return Err(misspelling),
        None => document?,
    };
    let tables = check::whole(&document)?;
    hand_written::check(&document)?;
    Ok((document, tables))
}

/// Tells of each member that was not read.
fn read<T: DeserializeOwned>(text: &str, mut not_read: impl FnMut(Path<'_>)) -> Result<T, String> {
    let mut reader = serde_json::Deserializer::from_str(text);
    let mut track = serde_path_to_error::Track::new();
    let tracked = serde_path_to_error::Deserializer::new(&mut reader, &mut track);
    let value = T::deserialize(serde_ignored::Deserializer::new(tracked, &mut not_read));
    let value = value.map_err(|error| {
        let path = track.path().to_string();
        match error.is_data() {
            true if path != "." => format!("{path}: {error}"),
            true => error.to_string(),
            false => format!("it is damaged or no JSON: {error}"),
        }
    })?;
    reader.end().map_err(|error| format!("something follows its end: {error}"))?;
    Ok(value)
}
