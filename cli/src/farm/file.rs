//! Files that are replaced, by one process at a time.

use std::io::{ErrorKind, Write};
use std::path::Path;
use std::time::Duration;

use mysqlfabric::store::write::{DirectoryLock, replace};

use crate::exit::{Exit, Failure, Result};

/// The right to read a file and replace it with no other process of the library in between; nothing on file
/// systems that have no locks.
///
/// # Errors
/// Another one has it for as long as `timeout`.
pub fn lock_file(path: &Path, timeout: Duration) -> Result<Option<DirectoryLock>> {
    match DirectoryLock::take(path, timeout) {
        Err(error) if error.kind() == ErrorKind::WouldBlock => Err(Failure::new(
            Exit::File,
            format!(
                "'{}' is not written: another process has locked its directory for {} s; try again when it is \
                 done",
                path.display(),
                timeout.as_secs_f64()
            ),
        )),
        // What is wrong with the path is told when the file is written.
        taken => Ok(taken.ok()),
    }
}

/// # Errors
/// The path is what elsewhere stands for standard input or output.
pub fn expect_file(path: &Path) -> Result<()> {
    match path.as_os_str() == "-" {
        true => Err(Failure::usage("'-' is no file here; name one, or ./- if that is its name")),
        false => Ok(()),
    }
}

/// Puts a text in the place of a file. Whoever read it before has its lock.
///
/// # Errors
/// It cannot be written.
pub fn write_file(path: &Path, text: &str) -> Result<()> {
    replace(path, |file| file.write_all(text.as_bytes())).map_err(|error| {
        Failure::new(Exit::File, format!("'{}' cannot be written: {error}", path.display()))
    })
}
