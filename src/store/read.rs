//! Reading a topology file whole, and noticing that it has changed.

use std::fs::{File, Metadata, OpenOptions};
use std::io::{self, Read, Write};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::Path;
use std::time::{Duration, SystemTime};

use crate::topology::TablesBuilder;

use super::document::Document;
use super::parse::{Author, parse_tables};

/// More than this is a mistake, not a topology.
const MAX_BYTES: u64 = 1 << 30;

/// Clocks of file systems tick as slowly as this: a file that was written this recently may be
/// written again without another time to tell.
const TICK: Duration = Duration::from_secs(2);

/// What tells one content of a file from another without reading it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Signature {
    device: u64,
    inode: u64,
    size: u64,
    modified: (i64, i64),
    changed: (i64, i64),
    settled: bool,
}

impl Signature {
    fn of(metadata: &Metadata) -> Self {
        let age =
            metadata.modified().ok().and_then(|then| SystemTime::now().duration_since(then).ok());
        Self {
            device: metadata.dev(),
            inode: metadata.ino(),
            size: metadata.size(),
            modified: (metadata.mtime(), metadata.mtime_nsec()),
            changed: (metadata.ctime(), metadata.ctime_nsec()),
            settled: age.is_some_and(|age| age > TICK),
        }
    }

    /// Whether a file is the same one, whenever the two were looked at.
    pub fn is_of_same(&self, other: &Self) -> bool {
        Self { settled: other.settled, ..*self } == *other
    }

    /// Whether a file of this signature need not be read again. An unsettled one must be, and
    /// settles meanwhile.
    pub fn still(&self, other: &Self) -> bool {
        self.settled && self == other
    }
}

/// A file that was opened and may be worth reading.
pub struct Opened {
    file: File,
    pub signature: Signature,
}

/// Lets no more through than a reader takes.
pub struct Limited<W> {
    to: W,
    left: u64,
}

impl<W: Write> Limited<W> {
    pub fn of(to: W) -> Self {
        Self { to, left: MAX_BYTES }
    }
}

impl<W: Write> Write for Limited<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let left = self.left.checked_sub(bytes.len() as u64);
        self.left = left.ok_or(io::ErrorKind::FileTooLarge)?;
        self.to.write_all(bytes)?;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.to.flush()
    }
}

/// Opens a regular file; the error says in words why that cannot be.
pub fn open(path: &Path) -> io::Result<Opened> {
    // Without the flag a pipe would keep the caller waiting for a writer.
    let file = OpenOptions::new().read(true).custom_flags(libc::O_NONBLOCK).open(path)?;
    let metadata = file.metadata()?;
    if !metadata.is_file() {
        return Err(io::Error::other("it is no regular file"));
    }
    Ok(Opened { signature: Signature::of(&metadata), file })
}

impl Opened {
    /// Reads the file, or says in words why it cannot be used.
    pub fn read(self, author: Author) -> Result<Document, String> {
        self.read_tables(author).map(|(document, _)| document)
    }

    /// As `read`, with the tables of the file.
    pub fn read_tables(self, author: Author) -> Result<(Document, TablesBuilder), String> {
        parse_tables(&self.bytes()?, author)
    }

    /// All of the file, whatever it is, or says in words why it cannot be read.
    pub fn bytes(self) -> Result<Vec<u8>, String> {
        let too_large =
            || format!("it is larger than {MAX_BYTES} bytes, which no topology file needs");
        if self.signature.size > MAX_BYTES {
            return Err(too_large());
        }
        let mut bytes = Vec::new();
        // The file may grow while it is read.
        let mut limited = self.file.take(MAX_BYTES + 1);
        limited.read_to_end(&mut bytes).map_err(|error| format!("it cannot be read: {error}"))?;
        if bytes.len() as u64 > MAX_BYTES {
            return Err(too_large());
        }
        Ok(bytes)
    }
}
