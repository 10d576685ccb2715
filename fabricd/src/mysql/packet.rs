//! Packets of the MySQL protocol, as a Fabric node writes and reads them.

use std::io::{self, Read, Write};
use std::net::TcpStream;

/// What one `recv` of a node takes: a command that does not come in one piece is none.
const RECEIVED: usize = 65536;

/// The packets of one answer, sent together.
pub struct Answer {
    bytes: Vec<u8>,
    sequence: usize,
}

impl Answer {
    /// `sequence` is that of its first packet.
    pub fn new(sequence: usize) -> Self {
        Self { bytes: Vec::new(), sequence }
    }

    /// # Errors
    /// This would be the packet after the 256th: a node's counter is a byte that does not go round,
    /// and its connection breaks.
    pub fn packet(&mut self, body: &[u8]) -> Result<(), TooMany> {
        let sequence = u8::try_from(self.sequence).map_err(|_| TooMany)?;
        let length = u32::try_from(body.len()).map_err(|_| TooMany)?.to_le_bytes();
        self.bytes.extend_from_slice(&[length[0], length[1], length[2], sequence]);
        self.bytes.extend_from_slice(body);
        self.sequence += 1;
        Ok(())
    }

    /// An OK packet with a text.
    pub fn ok(&mut self, info: &str) -> Result<(), TooMany> {
        self.packet(&[&[0; 7], info.as_bytes()].concat())
    }

    pub fn error(&mut self, error: &Refusal) -> Result<(), TooMany> {
        let Refusal { errno, sqlstate, text } = error;
        let body = format!("#{sqlstate}[Fabric] {text}");
        self.packet(&[&[0xff], errno.to_le_bytes().as_slice(), body.as_bytes()].concat())
    }

    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }
}

/// An answer has more packets than a node can count.
#[derive(Debug)]
pub struct TooMany;

/// An error packet.
#[derive(Debug)]
pub struct Refusal {
    pub errno: u16,
    pub sqlstate: &'static str,
    pub text: String,
}

impl Refusal {
    pub fn new(errno: u16, sqlstate: &'static str, text: impl Into<String>) -> Self {
        Self { errno, sqlstate, text: text.into() }
    }
}

/// A packet of the client's; None at the end of its input, and for what did not come in one piece.
pub fn read(stream: &mut TcpStream) -> io::Result<Option<Vec<u8>>> {
    let mut bytes = vec![0; RECEIVED];
    let length = stream.read(&mut bytes)?;
    bytes.truncate(length);
    let [a, b, c, _, body @ ..] = bytes.as_slice() else { return Ok(None) };
    let whole = usize::from(*a) | usize::from(*b) << 8 | usize::from(*c) << 16;
    Ok((body.len() == whole).then(|| body.to_vec()))
}

pub fn send(stream: &mut TcpStream, bytes: &[u8]) -> io::Result<()> {
    stream.write_all(bytes)?;
    stream.flush()
}
