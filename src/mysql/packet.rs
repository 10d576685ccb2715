//! The framing: packets of at most 16 MiB, which are joined where they are full, and their numbers.

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use zeroize::Zeroizing;

use crate::mysql::failure::Failure;
use crate::mysql::greeting::{ERROR, error};
use crate::mysql::limits::MAX_SMALL_PACKET;

/// One of this size is followed by another one, which goes on where it ends.
pub(crate) const FULL: usize = 0xFF_FFFF;

/// How much is read from the socket at once.
const CHUNK: usize = 16 << 10;

/// A stream of packets.
pub struct Packets<S> {
    stream: S,
    /// The number of the next packet of this exchange, whoever sends it. It wraps.
    sequence: u8,
    /// Fabric's own server counts as it likes.
    pub checks_sequence: bool,
    /// What was read and not taken yet: from `taken` on.
    inbox: Vec<u8>,
    taken: usize,
}

impl<S: AsyncRead + AsyncWrite + Unpin> Packets<S> {
    pub fn new(stream: S) -> Self {
        Self { stream, sequence: 0, checks_sequence: true, inbox: Vec::new(), taken: 0 }
    }

    /// Begins an exchange: the client's next packet is number 0.
    pub fn begin(&mut self) {
        self.sequence = 0;
    }

    /// The stream itself, for another one to be put around it. Nothing may have been read ahead:
    /// what comes before TLS was agreed on could be anybody's.
    pub fn into_stream(self) -> Result<(S, u8), Failure> {
        match self.taken == self.inbox.len() {
            true => Ok((self.stream, self.sequence)),
            false => Err(Failure::Protocol("sends something before TLS has begun".into())),
        }
    }

    /// As [`Self::new`], within an exchange that has begun.
    pub fn within(stream: S, sequence: u8) -> Self {
        Self { sequence, ..Self::new(stream) }
    }

    pub fn stream(&self) -> &S {
        &self.stream
    }

    pub fn stream_mut(&mut self) -> &mut S {
        &mut self.stream
    }

    /// Reads a packet, of no more than `limit` bytes, onto the end of `packet`; gives how long it is.
    pub async fn read_onto(
        &mut self,
        packet: &mut Vec<u8>,
        limit: usize,
    ) -> Result<usize, Failure> {
        let begin = packet.len();
        loop {
            let [low, middle, high, number] = self.header().await?;
            let length = usize::from(low) | usize::from(middle) << 8 | usize::from(high) << 16;
            if self.checks_sequence && number != self.sequence {
                return Err(self.out_of_turn(number, length).await);
            }
            self.sequence = number.wrapping_add(1);
            if packet.len() - begin + length > limit {
                return Err(Failure::TooLarge("bytes", limit));
            }
            self.take(length, packet).await?;
            if length < FULL {
                return Ok(packet.len() - begin);
            }
        }
    }

    /// What a packet means whose number is not the next one: the last words of a server, which it says
    /// when it ends a connection that nobody uses, or is shut down, or nothing.
    async fn out_of_turn(&mut self, number: u8, length: usize) -> Failure {
        let mut packet = Vec::new();
        if number == 0
            && length <= MAX_SMALL_PACKET
            && self.take(length, &mut packet).await.is_ok()
            && packet.first() == Some(&ERROR)
            && let Ok(error) = error(&packet)
        {
            return Failure::Unreachable(format!("it has ended the connection, {error}"));
        }
        Failure::Protocol(format!("sends packet {number} where {} is due", self.sequence))
    }

    /// Reads a packet.
    pub async fn read(&mut self, limit: usize) -> Result<Vec<u8>, Failure> {
        let mut packet = Vec::new();
        self.read_onto(&mut packet, limit).await?;
        Ok(packet)
    }

    async fn header(&mut self) -> Result<[u8; 4], Failure> {
        loop {
            let waiting = self.inbox.get(self.taken..).unwrap_or_default();
            if let Some(header) = waiting.first_chunk() {
                let header = *header;
                self.taken += header.len();
                return Ok(header);
            }
            self.fill().await?;
        }
    }

    /// Takes so many bytes. Memory is had as they come, whatever the header promised.
    async fn take(&mut self, mut count: usize, packet: &mut Vec<u8>) -> Result<(), Failure> {
        while count > 0 {
            let waiting = self.inbox.get(self.taken..).unwrap_or_default();
            let piece = waiting.get(..count).unwrap_or(waiting);
            packet.extend_from_slice(piece);
            self.taken += piece.len();
            count -= piece.len();
            if count > 0 {
                self.fill().await?;
            }
        }
        Ok(())
    }

    /// Reads what there is, behind what waits.
    async fn fill(&mut self) -> Result<(), Failure> {
        self.inbox.drain(..self.taken);
        self.taken = 0;
        self.inbox.reserve(CHUNK);
        match self.stream.read_buf(&mut self.inbox).await? {
            0 => Err(std::io::Error::from(std::io::ErrorKind::UnexpectedEof).into()),
            _ => Ok(()),
        }
    }

    /// Sends a packet, in one go: Fabric's own server reads no further than the first piece.
    pub async fn write(&mut self, packet: &[u8]) -> Result<(), Failure> {
        // Passwords go this way, too.
        let mut framed = Zeroizing::new(Vec::with_capacity(packet.len() + 8));
        let mut pieces = packet.chunks(FULL);
        loop {
            let piece = pieces.next().unwrap_or_default();
            let [low, middle, high, ..] = piece.len().to_le_bytes();
            framed.extend_from_slice(&[low, middle, high, self.sequence]);
            framed.extend_from_slice(piece);
            self.sequence = self.sequence.wrapping_add(1);
            // A full one is followed by another, be it empty.
            if piece.len() < FULL {
                break;
            }
        }
        self.stream.write_all(&framed).await?;
        self.stream.flush().await?;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::duplex;
    use tokio::runtime::Builder;

    use super::*;

    /// Runs something that waits for both ends of a stream.
    fn run<T>(future: impl Future<Output = T>) -> T {
        Builder::new_current_thread().build().unwrap().block_on(future)
    }

    /// What is read of `bytes`, by packets of no more than `limit` bytes.
    fn read(bytes: &[u8], limit: usize) -> Result<Vec<u8>, Failure> {
        run(async {
            let (near, mut far) = duplex(1 << 20);
            let bytes = bytes.to_vec();
            let sent = tokio::spawn(async move { far.write_all(&bytes).await });
            let read = Packets::new(near).read(limit).await;
            sent.abort();
            read
        })
    }

    #[test]
    fn a_packet_is_read() {
        assert_eq!(read(b"\x03\0\0\0abcd", 3), Ok(b"abc".to_vec()));
        assert_eq!(read(b"\0\0\0\0", 0), Ok(vec![]));
    }

    #[test]
    fn full_packets_are_joined() {
        let mut bytes = b"\xFF\xFF\xFF\0".to_vec();
        bytes.resize(4 + FULL, b'x');
        let mut whole = bytes.clone();
        whole.extend_from_slice(b"\x02\0\0\x01yz");
        let joined = read(&whole, FULL + 2).unwrap();
        assert_eq!((joined.len(), &joined[FULL..]), (FULL + 2, &b"yz"[..]));
        assert_eq!(read(&whole, FULL + 1), Err(Failure::TooLarge("bytes", FULL + 1)));
        let mut exactly = bytes.clone();
        exactly.extend_from_slice(b"\0\0\0\x01");
        assert_eq!(read(&exactly, FULL).unwrap().len(), FULL);
        assert!(
            matches!(read(&bytes, FULL), Err(Failure::Unreachable(_))),
            "the second is missing"
        );
    }

    #[test]
    fn lengths_that_lie_and_numbers_out_of_turn() {
        assert_eq!(read(b"\xFF\xFF\xFE\0", 1 << 16), Err(Failure::TooLarge("bytes", 1 << 16)));
        assert!(matches!(read(b"\x05\0\0\0abc", 9), Err(Failure::Unreachable(_))));
        assert!(matches!(read(b"\x05\0", 9), Err(Failure::Unreachable(_))));
        assert!(matches!(read(b"", 9), Err(Failure::Unreachable(_))));
        // As a compressed packet looks, which nobody asked for.
        let compressed = b"\x16\0\0\0\0\0\0\x12\0\0\0\x0aabc";
        assert!(read(compressed, 9).is_err());
        assert!(matches!(read(b"\x01\0\0\x01a", 9), Err(Failure::Protocol(_))));
    }

    #[test]
    fn a_servers_last_words_are_heard() {
        let last = b"\x0f\0\0\0\xff\xbf\x0f#HY000Too idle";
        let failure = run(async {
            let (near, mut far) = duplex(64);
            far.write_all(&last[..]).await.unwrap();
            let mut packets = Packets::within(near, 1);
            packets.read(1 << 10).await
        });
        let Err(Failure::Unreachable(what)) = failure else { panic!("{failure:?}") };
        assert!(what.ends_with("error 4031 (HY000): Too id"), "{what}");
    }

    #[test]
    fn numbers_wrap_and_begin_anew() {
        run(async {
            let (near, far) = duplex(1 << 16);
            let (mut near, mut far) = (Packets::new(near), Packets::new(far));
            for number in 0..300 {
                near.write(&[7]).await.unwrap();
                assert_eq!(far.read(9).await, Ok(vec![7]), "{number}");
            }
            near.begin();
            near.write(b"").await.unwrap();
            assert!(matches!(far.read(9).await, Err(Failure::Protocol(_))));
            far.checks_sequence = false;
            near.write(b"abc").await.unwrap();
            assert_eq!(far.read(9).await, Ok(b"abc".to_vec()));
        });
    }

    #[test]
    fn a_long_packet_is_sent_in_pieces() {
        run(async {
            for length in [FULL - 1, FULL, FULL + 1] {
                let (near, far) = duplex(1 << 20);
                let (mut near, mut far) = (Packets::new(near), Packets::new(far));
                let sent = tokio::spawn(async move {
                    near.write(&vec![7; length]).await.unwrap();
                    near.sequence
                });
                assert_eq!(far.read(length).await.unwrap().len(), length);
                assert_eq!(sent.await.unwrap(), far.sequence);
            }
        });
    }

    #[test]
    fn nothing_may_come_before_tls() {
        run(async {
            let (near, mut far) = duplex(64);
            let mut packets = Packets::new(near);
            far.write_all(b"\x01\0\0\0a!").await.unwrap();
            packets.read(9).await.unwrap();
            assert!(matches!(packets.into_stream(), Err(Failure::Protocol(_))));
        });
    }
}
