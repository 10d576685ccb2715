//! Any bytes, in pieces of any size: rows read as they arrive are those of the tree, and so are
//! the errors.

#![no_main]

use std::io::{BufReader, Read};

use libfuzzer_sys::fuzz_target;
use mysqlfabric::error::Result;
use mysqlfabric::fabric::envelope::Envelope;
use mysqlfabric::fabric::rows::{Dump, FromRow, Gathered};
use mysqlfabric::fabric::stream::read_dump;
use mysqlfabric::fabric::xmlrpc::{Response, read_response};
use mysqlfabric::fabric::{ServerRow, ShardRow};

/// Gives no more bytes at once than it is told.
struct Pieces<'a>(&'a [u8], usize);

impl Read for Pieces<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        let most = self.1.min(buffer.len());
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

fn by_stream<T: FromRow>(document: &[u8], piece: usize) -> Outcome<T> {
    let input = BufReader::with_capacity(piece, Pieces(document, piece));
    let (response, gathered) = read_dump(input, Vec::new())?;
    finished(response, gathered)
}

fuzz_target!(|input: &[u8]| {
    let Some(([low, high], document)) = input.split_first_chunk() else { return };
    let piece = usize::from(u16::from_le_bytes([*low, *high])).max(1);
    // A byte order mark is told from the first piece, and the client sees to its size.
    if piece < 3 && document.starts_with(b"\xEF") {
        return;
    }
    assert_eq!(by_stream::<ShardRow>(document, piece), by_tree(document));
    assert_eq!(by_stream::<ServerRow>(document, piece), by_tree(document));
});
