//! What a server answers to a statement, as it should and as it should not.

use std::time::Instant;

use mysqlfabric::mysql::{Failure, Limits};

use crate::script::{COLUMN, EOF, LONG, OK, Peer, Server, query};

/// What comes of a statement that is answered by `script`, and of one after it.
fn answered(script: impl FnOnce(&mut Peer) + Send + 'static) -> (Failure, Option<Failure>) {
    let server = Server::play(move |peer| {
        peer.let_in();
        peer.statement();
        script(peer);
    });
    let mut session = server.connect().unwrap();
    let failure = query(&mut session, "SELECT 1").expect_err("a failure");
    let next = query(&mut session, "SELECT 2").err();
    drop(session);
    server.end();
    (failure, next)
}

#[test]
fn no_file_of_this_machine_is_sent() {
    let (failure, next) = answered(|peer| {
        peer.send(b"\xfb/etc/passwd");
        assert!(peer.is_left(), "not even an empty answer");
    });
    let Failure::Protocol(what) = failure else { panic!("{failure:?}") };
    assert!(what.contains("LOCAL INFILE"));
    assert_eq!(next, Some(Failure::Unusable));
}

#[test]
fn compressed_packets_are_none() {
    let (failure, next) = answered(|peer| {
        // A header of seven bytes, and an uncompressed packet in it.
        peer.raw(b"\x0b\0\0\0\0\0\0\x07\0\0\x01\0\0\0\x02\0\0\0");
    });
    assert!(matches!(failure, Failure::Protocol(_) | Failure::Unreachable(_)), "{failure:?}");
    assert_eq!(next, Some(Failure::Unusable));
}

#[test]
fn a_cell_of_more_than_a_packet_is_joined() {
    const LENGTH: usize = 40_000_000;
    let server = Server::play(|peer| {
        peer.let_in();
        peer.statement();
        let cell = [&b"\xfd\0\0\0"[..], &vec![b'x'; LENGTH]].concat();
        let mut row = vec![0xfe];
        row.extend_from_slice(&(LENGTH as u64).to_le_bytes());
        row.extend_from_slice(&cell[4..]);
        for packet in [b"\x01", COLUMN, EOF, &row, EOF] {
            peer.send(packet);
        }
        assert_eq!(peer.statement(), "SELECT 2");
        peer.send(OK);
    });
    let mut session = server.connect().unwrap();
    let sets = query(&mut session, "SELECT REPEAT('x', 40000000)").unwrap();
    let cell = sets[0].rows().next().unwrap().get(0).unwrap();
    assert!(cell.len() == LENGTH && cell.iter().all(|byte| *byte == b'x'));
    assert_eq!(query(&mut session, "SELECT 2"), Ok(vec![]));
    drop(session);
    server.end();
}

#[test]
fn endless_rows_end_at_the_limit() {
    let (failure, next) = answered(|peer| {
        for packet in [b"\x01", COLUMN, EOF] {
            peer.send(packet);
        }
        // Until the client has gone.
        let row = [&[250][..], &[b'x'; 250]].concat();
        for _ in 0..1_000_000 {
            peer.send(&row);
        }
    });
    assert_eq!(failure, Failure::TooLarge("bytes", 64 << 20));
    assert_eq!(next, Some(Failure::Unusable));
}

#[test]
fn a_connection_that_breaks_off_is_told() {
    let (failure, next) = answered(|peer| {
        peer.send(b"\x01");
        peer.send(COLUMN);
    });
    assert!(matches!(failure, Failure::Unreachable(_)));
    assert_eq!(next, Some(Failure::Unusable));
}

#[test]
fn after_an_error_the_connection_is_good() {
    let server = Server::play(|peer| {
        peer.let_in();
        peer.statement();
        peer.send(b"\xff\x28\x04#42000You have\r\n\x1b[31man error");
        assert_eq!(peer.statement(), "SELECT 2");
        peer.send(OK);
        // A goodbye.
        assert_eq!(peer.receive(), Some(vec![1]));
    });
    let mut session = server.connect().unwrap();
    let Err(Failure::Server(error)) = query(&mut session, "SELEC 1") else { panic!("an error") };
    assert_eq!(error.to_string(), "error 1064 (42000): You have\\r\\n\\u{1b}[31man error");
    assert_eq!(query(&mut session, "SELECT 2"), Ok(vec![]));
    drop(session);
    server.end();
}

#[test]
fn limits_are_the_callers() {
    let server = Server::play(|peer| {
        peer.let_in();
        peer.statement();
        for packet in [&b"\x01"[..], COLUMN, EOF, b"\x01x", b"\x01y", EOF] {
            peer.send(packet);
        }
    });
    let mut session = server.connect().unwrap();
    let limits = Limits { rows: 1, ..Limits::of(1000) };
    let failure = session.query("SELECT 1", &limits, Instant::now() + LONG);
    assert_eq!(failure, Err(Failure::TooLarge("rows", 1)));
    drop(session);
    server.end();
}
