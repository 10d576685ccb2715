//! A server for one connection, which says what a test has it say.

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use mysqlfabric::config::Node;
use mysqlfabric::mysql::{Account, Address, Failure, Limits, ResultSet, Session, Target};
use tokio::sync::watch;

/// Long enough for what comes at once, on whatever machine.
pub const LONG: Duration = Duration::from_secs(20);

pub const SCRAMBLE: &[u8; 20] = b"ABCDEFGHIJKLMNOPQRST";

/// What a real server offers, but for TLS and the ends of rows without a packet of their own.
pub const USUAL: u32 = 0xdfff_ffff & !(1 << 11) & !(1 << 24);
pub const TLS: u32 = USUAL | 1 << 11;

/// The other side of a connection, as the server sees it.
pub struct Peer {
    pub stream: TcpStream,
    sequence: u8,
}

impl Peer {
    pub fn of(stream: TcpStream) -> Self {
        Self { stream, sequence: 0 }
    }

    /// A packet as it is: its number is the next one.
    pub fn send(&mut self, packet: &[u8]) {
        for (number, piece) in
            packet.chunks(0xFF_FFFF).chain((packet.is_empty()).then_some(packet)).enumerate()
        {
            assert!(piece.len() < 0xFF_FFFF || packet.len() > 0xFF_FFFF * (number + 1), "its end");
            let [low, middle, high, ..] = piece.len().to_le_bytes();
            self.raw(&[low, middle, high, self.sequence]);
            self.raw(piece);
            self.sequence = self.sequence.wrapping_add(1);
        }
    }

    /// Bytes as they are. A client that has gone may be told no more.
    pub fn raw(&mut self, bytes: &[u8]) {
        let _ = self.stream.write_all(bytes);
    }

    /// A packet of the client; nothing if it has gone.
    pub fn receive(&mut self) -> Option<Vec<u8>> {
        let mut header = [0; 4];
        self.stream.read_exact(&mut header).ok()?;
        let [low, middle, high, number] = header;
        let mut packet =
            vec![0; usize::from(low) | usize::from(middle) << 8 | usize::from(high) << 16];
        self.stream.read_exact(&mut packet).ok()?;
        self.sequence = number.wrapping_add(1);
        Some(packet)
    }

    /// Greets as MySQL 9, with a plugin and capabilities of the test's.
    pub fn greet(&mut self, plugin: &str, capabilities: u32) {
        let mut packet = b"\x0a9.7.4\0\x01\0\0\0".to_vec();
        packet.extend_from_slice(&SCRAMBLE[..8]);
        let [a, b, c, d] = capabilities.to_le_bytes();
        packet.extend_from_slice(&[0, a, b, 0xFF, 2, 0, c, d, 21]);
        packet.extend_from_slice(&[0; 10]);
        packet.extend_from_slice(&SCRAMBLE[8..]);
        packet.push(0);
        packet.extend_from_slice(plugin.as_bytes());
        packet.push(0);
        self.send(&packet);
    }

    /// Greets and lets in whoever comes.
    pub fn let_in(&mut self) {
        self.greet("mysql_native_password", USUAL);
        self.receive().expect("a response");
        self.send(OK);
    }

    /// Reads a statement, without the letter of its kind.
    pub fn statement(&mut self) -> String {
        let packet = self.receive().expect("a statement");
        assert_eq!(packet[0], 3, "COM_QUERY");
        String::from_utf8(packet[1..].to_vec()).expect("text")
    }

    /// Whether the client has gone, which is waited for.
    pub fn is_left(&mut self) -> bool {
        self.stream.read(&mut [0; 64]).is_ok_and(|count| count == 0)
    }
}

pub const OK: &[u8] = b"\0\0\0\x02\0\0\0";
pub const EOF: &[u8] = b"\xfe\0\0\x02\0";
pub const COLUMN: &[u8] = b"\x03def\x01s\x01t\x01t\x01a\x01a\x0c\x21\0\0\x04\0\0\xfd\0\0\0\0\0";

/// A server whose script is being played.
pub struct Server {
    pub target: Target,
    script: Option<JoinHandle<()>>,
}

impl Server {
    pub fn play(script: impl FnOnce(&mut Peer) + Send + 'static) -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).expect("a port");
        let port = listener.local_addr().expect("its address").port();
        let script = std::thread::spawn(move || {
            let (stream, _) = listener.accept().expect("a client");
            stream.set_nodelay(true).expect("no delay");
            stream.set_read_timeout(Some(LONG)).expect("a time to wait");
            script(&mut Peer::of(stream));
        });
        let address = Address::Tcp(Node { host: "127.0.0.1".into(), port });
        Self { target: Target::plain(address), script: Some(script) }
    }

    pub fn connect(&self) -> Result<Session, Failure> {
        connect(&self.target, &account(), LONG)
    }

    /// Waits for the end of the script, which may fail.
    pub fn end(mut self) {
        self.script.take().expect("once").join().expect("the script");
    }
}

pub fn account() -> Account {
    Account::new("app", "secret")
}

pub fn connect(target: &Target, account: &Account, within: Duration) -> Result<Session, Failure> {
    Session::connect(target, account, Instant::now() + within, [never(), never()])
}

/// Nobody cuts it off. Whoever could is kept for good.
pub fn never() -> watch::Receiver<bool> {
    let (sender, receiver) = watch::channel(false);
    std::mem::forget(sender);
    receiver
}

pub fn query(session: &mut Session, statement: &str) -> Result<Vec<ResultSet>, Failure> {
    session.query(statement, &Limits::of(64 << 20), Instant::now() + LONG)
}
