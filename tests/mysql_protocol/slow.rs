//! Servers that take their time: one deadline holds for all of an exchange.

use std::sync::mpsc;
use std::time::{Duration, Instant};

use mysqlfabric::mysql::{Failure, Limits, Session};
use tokio::sync::watch;

use crate::script::{COLUMN, EOF, LONG, Peer, Server, account, connect, never};

/// What the client allows, and what the server takes, which no busy machine mistakes for it.
const SHORT: Duration = Duration::from_millis(700);

/// Sends bytes one by one, each well before anybody would give up on it alone; true if the client has
/// gone before all were sent.
fn drip(peer: &mut Peer, bytes: &[u8]) -> bool {
    use std::io::Write;
    bytes.iter().any(|byte| {
        std::thread::sleep(Duration::from_millis(100));
        peer.stream.write_all(&[*byte]).is_err()
    })
}

/// A packet with its header.
fn framed(packet: &[u8], number: u8) -> Vec<u8> {
    let [low, middle, high, ..] = packet.len().to_le_bytes();
    [&[low, middle, high, number][..], packet].concat()
}

/// The client gives up while the server still sends, and no later than the server ends.
fn gives_up(
    server: Server,
    ask: impl FnOnce(&Server) -> Option<Failure>,
    ended: &mpsc::Receiver<bool>,
) {
    assert_eq!(ask(&server), Some(Failure::Timeout));
    server.end();
    assert!(ended.recv().unwrap(), "the client waited for all of it");
}

#[test]
fn a_greeting_byte_by_byte_does_not_stretch_it() {
    let (told, ended) = mpsc::channel();
    let server = Server::play(move |peer| {
        let gone = drip(peer, &framed(&[b'x'; 150], 0));
        told.send(gone).unwrap();
    });
    gives_up(server, |server| connect(&server.target, &account(), SHORT).err(), &ended);
}

#[test]
fn a_login_byte_by_byte_does_not_stretch_it() {
    let (told, ended) = mpsc::channel();
    let server = Server::play(move |peer| {
        peer.greet("mysql_native_password", crate::script::USUAL);
        peer.receive();
        let gone = drip(peer, &framed(&[b'x'; 150], 2));
        told.send(gone).unwrap();
    });
    gives_up(server, |server| connect(&server.target, &account(), SHORT).err(), &ended);
}

#[test]
fn rows_byte_by_byte_do_not_stretch_it() {
    let (told, ended) = mpsc::channel();
    let server = Server::play(move |peer| {
        peer.let_in();
        peer.statement();
        for packet in [b"\x01", COLUMN, EOF] {
            peer.send(packet);
        }
        let rows: Vec<u8> = (4..40).flat_map(|number| framed(b"\x01x", number)).collect();
        told.send(drip(peer, &rows)).unwrap();
    });
    let ask = |server: &Server| {
        let mut session = server.connect().unwrap();
        let limits = Limits::of(1 << 20);
        let failure = session.query("SELECT 1", &limits, Instant::now() + SHORT).err();
        let again = session.query("SELECT 1", &limits, Instant::now() + SHORT).err();
        assert_eq!(again, Some(Failure::Unusable), "who knows what comes next");
        failure
    };
    gives_up(server, ask, &ended);
}

#[test]
fn the_wait_ends_when_it_is_cut_off() {
    let (asked, is_asked) = mpsc::channel();
    let server = Server::play(move |peer| {
        peer.let_in();
        peer.statement();
        asked.send(()).unwrap();
        assert!(peer.is_left());
    });
    let (cancel, cancelled) = watch::channel(false);
    let begun = Instant::now();
    let mut session =
        Session::connect(&server.target, &account(), begun + LONG, [cancelled, never()]).unwrap();
    let canceller = std::thread::spawn(move || {
        is_asked.recv().unwrap();
        cancel.send(true).unwrap();
        cancel
    });
    // A time that nobody would wait for.
    let forever = begun + Duration::from_secs(86_400);
    let failure = session.query("SELECT SLEEP(1000)", &Limits::of(1000), forever);
    assert_eq!(failure, Err(Failure::CutOff));
    drop(session);
    canceller.join().unwrap();
    server.end();
}
