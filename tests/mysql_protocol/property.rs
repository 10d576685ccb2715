//! Any rows come out as they went in, in pieces of any size; any bytes come to an end.

use std::pin::Pin;
use std::task::{Context, Poll};

use mysqlfabric::mysql::packet::Packets;
use mysqlfabric::mysql::{Failure, Limits, ResultSet, result_set};
use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

/// A server that has said `bytes`, of which so many are read at once.
struct Said<'a> {
    bytes: &'a [u8],
    piece: usize,
}

impl AsyncRead for Said<'_> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
        into: &mut ReadBuf<'_>,
    ) -> Poll<std::io::Result<()>> {
        let count = self.bytes.len().min(self.piece).min(into.remaining());
        let (piece, rest) = self.bytes.split_at(count);
        into.put_slice(piece);
        self.bytes = rest;
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for Said<'_> {
    fn poll_write(
        self: Pin<&mut Self>,
        _: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<std::io::Result<usize>> {
        Poll::Ready(Ok(bytes.len()))
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<std::io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<std::io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}

fn read(bytes: &[u8], piece: usize) -> Result<Vec<ResultSet>, Failure> {
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    let limits = Limits { result_sets: 4, columns: 8, rows: 1000, bytes: 1 << 20 };
    let mut packets = Packets::new(Said { bytes, piece });
    runtime.block_on(result_set::read(&mut packets, &limits))
}

/// Columns, and rows of as many cells.
type Table = (Vec<String>, Vec<Vec<Option<Vec<u8>>>>);

fn table() -> impl Strategy<Value = Table> {
    (1usize..5).prop_flat_map(|columns| {
        let cell = option::of(vec(any::<u8>(), 0..400));
        (vec("[a-zé_]{0,9}", columns), vec(vec(cell, columns), 0..20))
    })
}

fn text(packet: &mut Vec<u8>, text: &[u8]) {
    match text.len() {
        length @ 0..=250 => packet.push(length as u8),
        length => packet.extend_from_slice(&[0xfc, length as u8, (length >> 8) as u8]),
    }
    packet.extend_from_slice(text);
}

fn written(tables: &[Table]) -> Vec<u8> {
    let mut packets = Vec::new();
    for (number, (columns, rows)) in tables.iter().enumerate() {
        packets.push(vec![columns.len() as u8]);
        for column in columns {
            let mut packet = b"\x03def\x00\x00\x00".to_vec();
            text(&mut packet, column.as_bytes());
            packet.extend_from_slice(b"\0\x0c\x2d\0\0\x04\0\0\xfd\0\0\0\0\0");
            packets.push(packet);
        }
        packets.push(vec![0xfe, 0, 0, 2, 0]);
        for row in rows {
            let mut packet = Vec::new();
            for cell in row {
                match cell {
                    None => packet.push(0xfb),
                    Some(cell) => text(&mut packet, cell),
                }
            }
            packets.push(packet);
        }
        packets.push(vec![0xfe, 0, 0, if number + 1 < tables.len() { 10 } else { 2 }, 0]);
    }
    let framed = packets.iter().enumerate().map(|(number, packet)| {
        let header = [packet.len() as u8, (packet.len() >> 8) as u8, 0, number as u8];
        [&header[..], packet].concat()
    });
    framed.collect::<Vec<_>>().concat()
}

proptest! {
    #[test]
    fn rows_come_out_as_they_went_in(tables in vec(table(), 1..4), piece in 1usize..3000) {
        let sets = read(&written(&tables), piece).unwrap();
        let found: Vec<Table> = sets.iter().map(|set| {
            let columns = 0..set.columns().len();
            let row = |row: result_set::Row<'_>| {
                columns.clone().map(|at| row.get(at).map(<[u8]>::to_vec)).collect()
            };
            (set.columns().to_vec(), set.rows().map(row).collect())
        }).collect();
        prop_assert_eq!(found, tables);
    }

    #[test]
    fn damage_is_read_alike_in_pieces_of_any_size(
        tables in vec(table(), 1..3),
        piece in 1usize..100,
        (at, byte) in (any::<prop::sample::Index>(), any::<u8>()),
        end in any::<prop::sample::Index>(),
    ) {
        let mut bytes = written(&tables);
        let at = at.index(bytes.len());
        bytes[at] = byte;
        bytes.truncate(end.index(bytes.len() * 2).min(bytes.len()));
        prop_assert_eq!(read(&bytes, piece), read(&bytes, usize::MAX));
    }

    #[test]
    fn any_bytes_come_to_an_end(bytes in vec(any::<u8>(), 0..600), piece in 1usize..100) {
        prop_assert_eq!(read(&bytes, piece), read(&bytes, usize::MAX));
    }
}
