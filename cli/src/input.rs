//! What the command reads that is no topology file: keys, one a line, and small files.

use std::fs::File;
use std::io::{self, BufRead, BufReader, Read};
use std::path::Path;
use std::sync::mpsc::channel;
use std::thread;
use std::time::Duration;

use zeroize::Zeroizing;

use crate::exit::{Exit, Failure, Result};

/// Of a configuration or a password file; more is none.
const MAX_SMALL_BYTES: u64 = 1 << 20;

/// A pipe, such as `<(command)`, is written to by somebody, or not at all.
const SMALL_TIMEOUT: Duration = Duration::from_secs(10);

/// How many keys are taken at most.
const MAX_KEYS: usize = 10_000_000;

/// How long a key is at most.
const MAX_KEY_BYTES: u64 = 1 << 16;

/// The text of a small file, or of a pipe that is written to in time. It may hold a password.
pub fn small(path: &Path) -> io::Result<Zeroizing<String>> {
    let (to, read) = channel();
    let path = path.to_owned();
    // To open a pipe waits for its writer. The thread ends with the command.
    thread::spawn(move || {
        let read = || {
            let mut text = Zeroizing::new(String::new());
            File::open(path)?.take(MAX_SMALL_BYTES + 1).read_to_string(&mut text)?;
            Ok(text)
        };
        let _ = to.send(read());
    });
    let text = read.recv_timeout(SMALL_TIMEOUT).unwrap_or_else(|_| {
        Err(io::Error::new(
            io::ErrorKind::TimedOut,
            format!("nobody writes to it within {} s", SMALL_TIMEOUT.as_secs()),
        ))
    })?;
    match text.len() as u64 > MAX_SMALL_BYTES {
        true => Err(io::Error::other(format!("it is larger than {MAX_SMALL_BYTES} bytes"))),
        false => Ok(text),
    }
}

/// The lines of a file; `-` is standard input.
pub fn lines(path: &Path) -> Result<Vec<String>> {
    let shown = path.display();
    let unreadable =
        |error: io::Error| Failure::new(Exit::File, format!("'{shown}' cannot be read: {error}"));
    match path.as_os_str() == "-" {
        true => lines_of(io::stdin().lock(), &shown.to_string()),
        false => {
            let file = File::open(path).map_err(unreadable)?;
            lines_of(BufReader::new(file), &shown.to_string())
        }
    }
}

fn lines_of(mut from: impl BufRead, shown: &str) -> Result<Vec<String>> {
    let mut lines = Vec::new();
    loop {
        let number = lines.len() + 1;
        let refused =
            |exit, why: &str| Failure::new(exit, format!("'{shown}', line {number}: {why}"));
        let mut line = Vec::new();
        let read = from.by_ref().take(MAX_KEY_BYTES + 2).read_until(b'\n', &mut line);
        if read.map_err(|error| refused(Exit::File, &format!("it cannot be read: {error}")))? == 0 {
            break;
        }
        let line = line.strip_suffix(b"\n").unwrap_or(&line);
        let line = line.strip_suffix(b"\r").unwrap_or(line);
        // The mark of the byte order, by which some editors begin.
        let line = line.strip_prefix("\u{feff}".as_bytes()).filter(|_| number == 1).unwrap_or(line);
        if line.len() as u64 > MAX_KEY_BYTES {
            let why = format!("a key has {MAX_KEY_BYTES} bytes at most");
            return Err(refused(Exit::File, &why));
        }
        if number > MAX_KEYS {
            return Err(refused(Exit::Usage, &format!("{MAX_KEYS} keys are the most")));
        }
        if line.is_empty() {
            return Err(refused(Exit::Usage, "it is empty; give a key in each line"));
        }
        let line = std::str::from_utf8(line);
        lines.push(line.map_err(|_| refused(Exit::File, "it is not UTF-8"))?.to_owned());
    }
    match lines.is_empty() {
        true => Err(Failure::usage(format!("'{shown}' has no keys"))),
        false => Ok(lines),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_lines_and_what_is_none_is_refused_with_its_number() {
        let read = |text: &[u8]| lines_of(text, "file");
        let keys = read("\u{feff}5\r\nx y\n\u{fc}".as_bytes()).expect("keys");
        assert_eq!(keys, ["5", "x y", "\u{fc}"]);
        let long = [b"5\n".as_slice(), &vec![b'x'; MAX_KEY_BYTES as usize + 1]].concat();
        for (text, exit, part) in [
            (b"1\n\n2\n".as_slice(), Exit::Usage, "line 2: it is empty"),
            (b"1\n2\n\xff\n", Exit::File, "line 3: it is not UTF-8"),
            (b"", Exit::Usage, "no keys"),
            (&long, Exit::File, "line 2: a key has 65536 bytes"),
        ] {
            let Err(Failure::Told { exit: told, message, .. }) = read(text) else {
                panic!("{part}")
            };
            assert!(told == exit && message.contains(part), "{message}");
        }
        // Without an end, and without lines.
        assert!(lines_of(BufReader::new(io::repeat(0)), "zeros").is_err());
    }
}
