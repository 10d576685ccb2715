//! What the command reads that is no topology file: keys, one a line.

use std::fs;
use std::io::{self, Read};
use std::path::Path;

use crate::exit::{Exit, Failure, Result};

/// The lines of a file; `-` is standard input.
pub fn lines(path: &Path) -> Result<Vec<String>> {
    let mut text = String::new();
    let read = match path.as_os_str() == "-" {
        true => io::stdin().lock().read_to_string(&mut text).map(drop),
        false => fs::read_to_string(path).map(|read| text = read),
    };
    read.map_err(|error| {
        let message = format!("'{}' cannot be read as UTF-8 text: {error}", path.display());
        Failure::new(Exit::File, message)
    })?;
    if text.is_empty() {
        return Err(Failure::usage(format!("'{}' has no keys", path.display())));
    }
    Ok(text.lines().map(str::to_owned).collect())
}
