//! Dumps read as they arrive, and once more as a whole: the tests and the fuzzing of `stream` want
//! the same rows and the same errors.

use std::io::{BufReader, Read};

use crate::base::error::Result;
use crate::source::fabric::envelope::Envelope;
use crate::source::fabric::rows::{Dump, FromRow, Gathered};
use crate::source::fabric::stream::read_dump;
use crate::source::fabric::xmlrpc::{Response, read_response};
use crate::topology::{ServerRow, ShardRow};

/// Gives no more bytes at once than the next number says.
struct Pieces<'a>(&'a [u8], std::iter::Cycle<std::vec::IntoIter<usize>>);

impl Read for Pieces<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        let most = self.1.next().unwrap_or(1).min(buffer.len());
        self.0.read(&mut buffer[..most])
    }
}

type Outcome<T> = Result<std::result::Result<Dump<Vec<T>>, Response>>;

fn finished<T: FromRow>(response: Response, gathered: Gathered<Vec<T>>) -> Outcome<T> {
    match response {
        Response::Value(value) => {
            let envelope = Envelope::decode(value)?;
            match envelope.error {
                Some(text) => Ok(Err(Response::Fault { code: -1, text })),
                None => gathered.finish(envelope).map(Ok),
            }
        }
        fault => Ok(Err(fault)),
    }
}

fn by_tree<T: FromRow>(document: &[u8]) -> Outcome<T> {
    finished(read_response(document)?, Gathered::into(Vec::new()))
}

pub fn by_stream<T: FromRow>(document: &[u8], pieces: Vec<usize>) -> Outcome<T> {
    let most = pieces.iter().copied().max().unwrap_or(1);
    let input = BufReader::with_capacity(most, Pieces(document, pieces.into_iter().cycle()));
    let (response, gathered) = read_dump(input, Vec::new())?;
    finished(response, gathered)
}

pub fn agree(document: &[u8], pieces: &[usize]) {
    let text = || String::from_utf8_lossy(document);
    let pieces = pieces.to_vec();
    assert_eq!(
        by_stream::<ShardRow<'_>>(document, pieces.clone()),
        by_tree(document),
        "{}",
        text()
    );
    // Without weights that are no numbers, which equal nothing.
    let servers: (Outcome<ServerRow>, _) = (by_stream(document, pieces), by_tree(document));
    assert_eq!(servers.0, servers.1, "{}", text());
}
