//! Any bytes, as a MySQL server's: what it says first, a login, and an answer come to an end, and to
//! the same one in pieces of any size.

#![no_main]

use std::io;
use std::os::fd::BorrowedFd;
use std::pin::Pin;
use std::task::{Context, Poll};

use libfuzzer_sys::fuzz_target;
use mysqlfabric::mysql::login::log_in;
use mysqlfabric::mysql::stream::Duplex;
use mysqlfabric::mysql::{Account, Address, Failure, Limits, ResultSet, Target, result_set};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

/// A server that has said it all before it is asked.
struct Said {
    bytes: Vec<u8>,
    taken: usize,
    piece: usize,
}

impl AsyncRead for Said {
    fn poll_read(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
        into: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let rest = &self.bytes[self.taken..];
        let count = rest.len().min(self.piece).min(into.remaining());
        into.put_slice(&rest[..count]);
        self.taken += count;
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for Said {
    fn poll_write(
        self: Pin<&mut Self>,
        _: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Poll::Ready(Ok(bytes.len()))
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}

impl Duplex for Said {
    fn shut_down(&mut self) {}

    fn socket(&self) -> BorrowedFd<'_> {
        unreachable!("it is dropped where it is")
    }
}

fn asked(bytes: &[u8], piece: usize) -> Result<Vec<ResultSet>, Failure> {
    let runtime = tokio::runtime::Builder::new_current_thread().build().expect("a runtime");
    let target = Target::plain(Address::Socket("/socket".into()));
    let limits = Limits { result_sets: 4, columns: 16, rows: 1000, bytes: 1 << 20 };
    runtime.block_on(async {
        let said = Box::new(Said { bytes: bytes.to_vec(), taken: 0, piece });
        let (mut packets, _) = log_in(said, &target, &Account::new("user", "password")).await?;
        packets.begin();
        packets.write(b"\x03SELECT 1").await?;
        result_set::read(&mut packets, &limits).await
    })
}

fuzz_target!(|input: &[u8]| {
    let Some(([low, high], bytes)) = input.split_first_chunk() else { return };
    let piece = usize::from(u16::from_le_bytes([*low, *high])).max(1);
    assert_eq!(asked(bytes, piece), asked(bytes, usize::MAX));
});
