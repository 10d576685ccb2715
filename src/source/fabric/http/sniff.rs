//! How a reply begins: an HTML page and the like are best told by that.

use std::io::{BufReader, Cursor, ErrorKind, Read};

use crate::base::error::{Code, Error, Result};
use crate::base::text::excerpt;
use crate::source::fabric::http::transport::TransportError;

/// How much of a body is looked at at once.
const BUFFER: usize = 64 << 10;

const STARTS: [&[u8]; 4] = [b"<?xml", b"<methodResponse", b"<!--", "\u{FEFF}".as_bytes()];

/// A body that may be XML-RPC, from its first byte on.
pub type Body = BufReader<Box<dyn Read>>;

/// A node sends no blanks before its reply; with more than this there is none behind them.
const MOST_BLANKS: usize = 4096;

/// Reads on until a body is seen to begin like XML-RPC, or not to. Each byte is looked at a
/// bounded number of times.
pub fn sniff(mut body: Box<dyn Read>) -> Result<Body> {
    let mut start = Vec::new();
    let mut blanks = 0;
    let mut piece = [0; 256];
    loop {
        let rest = start.get(blanks..).unwrap_or_default();
        let seen = rest.trim_ascii_start();
        blanks += rest.len() - seen.len();
        if blanks > MOST_BLANKS && seen.is_empty() {
            return Err(not_xmlrpc(b" "));
        }
        if STARTS.iter().any(|start| seen.starts_with(start)) {
            break;
        }
        let undecided = STARTS.iter().any(|start| start.starts_with(seen));
        let count = match undecided {
            true => match body.read(&mut piece) {
                Err(error) if error.kind() == ErrorKind::Interrupted => continue,
                read => read.map_err(|error| TransportError::of_read(&error))?,
            },
            false => 0,
        };
        match piece.get(..count) {
            Some([]) | None if seen.is_empty() => break,
            Some([]) | None => return Err(not_xmlrpc(seen)),
            Some(read) => start.extend_from_slice(read),
        }
    }
    Ok(BufReader::with_capacity(BUFFER, Box::new(Cursor::new(start).chain(body))))
}

fn not_xmlrpc(seen: &[u8]) -> Error {
    let seen = String::from_utf8_lossy(seen.get(..60).unwrap_or(seen));
    let message = format!(
        "the reply is not XML-RPC: it begins with \"{}\"; check that the address is a MySQL \
         Fabric node's XML-RPC port",
        excerpt(&seen, 60)
    );
    Error::new(Code::Protocol, message)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Gives away as few bytes at once as it can.
    struct Trickle(Cursor<Vec<u8>>);

    impl Read for Trickle {
        fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
            let one = buffer.len().min(1);
            self.0.read(&mut buffer[..one])
        }
    }

    fn whole(text: &str, trickles: bool) -> Result<String> {
        let all = Cursor::new(text.as_bytes().to_vec());
        let body: Box<dyn Read> = if trickles { Box::new(Trickle(all)) } else { Box::new(all) };
        let mut read = String::new();
        sniff(body)?.read_to_string(&mut read).unwrap();
        Ok(read)
    }

    #[test]
    fn nothing_of_the_start_is_lost() {
        for text in ["", " \n", "<?xml", "\n <methodResponse>", "<!-- x", "\u{FEFF}<?xml ?> x"] {
            for trickles in [false, true] {
                assert_eq!(whole(text, trickles).unwrap(), text);
            }
        }
    }

    #[test]
    fn blanks_are_looked_at_once_and_not_for_ever() {
        struct Blanks(usize);
        impl Read for Blanks {
            fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
                self.0 += buffer.len();
                assert!(self.0 < 1 << 20, "it reads on and on");
                buffer.fill(b' ');
                Ok(buffer.len())
            }
        }
        let error = sniff(Box::new(Blanks(0))).map(|_| ()).unwrap_err();
        assert!(error.message.contains("begins with \" \""), "{error}");
        let text = format!("{}<methodResponse>", " ".repeat(MOST_BLANKS));
        assert_eq!(whole(&text, true).unwrap(), text);
    }

    #[test]
    fn other_starts_are_named() {
        for text in
            ["SSH-2.0", "<html><body>no</body></html>", "<?x", "<method", " <!x", "\u{FEFE}"]
        {
            for trickles in [false, true] {
                let error = whole(text, trickles).unwrap_err();
                assert_eq!(error.code, Code::Protocol);
                let named = text.trim_start().chars().next().unwrap();
                assert!(error.message.contains(&format!("begins with \"{named}")), "{error}");
            }
        }
    }
}
