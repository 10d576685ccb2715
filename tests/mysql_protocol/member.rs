//! A server of a group for as many connections as come, which answers each statement as a test has it.

use std::io::Read;
use std::net::{TcpListener, TcpStream};
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

use crate::script::{COLUMN, EOF, OK, Peer, USUAL};

/// What a statement is answered.
#[derive(Clone)]
pub enum Answer {
    Ok,
    Rows(Vec<Vec<Option<String>>>),
    Error(u16, String),
    /// As many rows as that, of one column.
    Many(usize),
    /// A byte now and then.
    Drip,
    /// Nothing, as long as anybody waits.
    Hang,
    /// What is no packet of the protocol.
    Garbage,
    /// The end of the connection instead.
    Close,
}

/// What a server does when somebody connects.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Door {
    Open,
    /// It refuses the password.
    Locked,
    /// It is no MySQL server.
    Http,
    /// It says nothing.
    Silent,
}

type Script = dyn Fn(&str) -> Answer + Send + Sync;

pub struct Member {
    pub port: u16,
    shared: Arc<Shared>,
}

struct Shared {
    script: Box<Script>,
    door: Mutex<Door>,
    /// How long each of its messages is under way, in milliseconds.
    delay: AtomicU64,
    connections: AtomicUsize,
    statements: Mutex<Vec<String>>,
    /// Counts the statements by connection.
    by_connection: Mutex<Vec<usize>>,
}

impl Member {
    /// It ends with the process.
    pub fn start(script: impl Fn(&str) -> Answer + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).expect("a port");
        Self::on(listener, script)
    }

    pub fn on(
        listener: TcpListener,
        script: impl Fn(&str) -> Answer + Send + Sync + 'static,
    ) -> Self {
        let port = listener.local_addr().expect("its address").port();
        let shared = Arc::new(Shared {
            script: Box::new(script),
            door: Mutex::new(Door::Open),
            delay: AtomicU64::new(0),
            connections: AtomicUsize::new(0),
            statements: Mutex::default(),
            by_connection: Mutex::default(),
        });
        let own = Arc::clone(&shared);
        thread::spawn(move || {
            for stream in listener.incoming() {
                let shared = Arc::clone(&own);
                let number = shared.connections.fetch_add(1, Ordering::SeqCst);
                shared.by_connection.lock().expect("counts").push(0);
                thread::spawn(move || shared.serve(stream.expect("a client"), number));
            }
        });
        Self { port, shared }
    }

    pub fn connections(&self) -> usize {
        self.shared.connections.load(Ordering::SeqCst)
    }

    pub fn statements(&self) -> Vec<String> {
        self.shared.statements.lock().expect("statements").clone()
    }

    /// How many statements came over each connection.
    pub fn by_connection(&self) -> Vec<usize> {
        self.shared.by_connection.lock().expect("counts").clone()
    }

    pub fn set_delay(&self, delay: Duration) {
        let delay = u64::try_from(delay.as_millis()).expect("short");
        self.shared.delay.store(delay, Ordering::SeqCst);
    }

    pub fn set_door(&self, door: Door) {
        *self.shared.door.lock().expect("the door") = door;
    }
}

impl Shared {
    fn travel(&self) {
        thread::sleep(Duration::from_millis(self.delay.load(Ordering::SeqCst)));
    }

    fn serve(&self, stream: TcpStream, number: usize) {
        stream.set_nodelay(true).expect("no delay");
        let mut peer = Peer::of(stream);
        let door = *self.door.lock().expect("the door");
        match door {
            Door::Open => {}
            Door::Silent => return wait_for_the_end(&mut peer),
            Door::Http => return peer.raw(b"HTTP/1.1 400 Bad Request\r\n\r\n"),
            Door::Locked => {
                peer.greet("mysql_native_password", USUAL);
                if peer.receive().is_some() {
                    peer.send(&error(1045, "Access denied for user"));
                }
                return;
            }
        }
        self.travel();
        peer.greet("mysql_native_password", USUAL);
        if peer.receive().is_none() {
            return;
        }
        self.travel();
        peer.send(OK);
        while let Some(packet) = peer.receive() {
            if packet[0] != 3 {
                return;
            }
            let statement = String::from_utf8(packet[1..].to_vec()).expect("text");
            let answer = (self.script)(&statement);
            self.statements.lock().expect("statements").push(statement);
            self.by_connection.lock().expect("counts")[number] += 1;
            self.travel();
            match answer {
                Answer::Ok => peer.send(OK),
                Answer::Rows(rows) => send_rows(&mut peer, &rows),
                Answer::Error(errno, message) => peer.send(&error(errno, &message)),
                Answer::Many(count) => send_many(&mut peer, count),
                Answer::Garbage => peer.raw(&[7; 64]),
                Answer::Close => return,
                Answer::Hang => return wait_for_the_end(&mut peer),
                Answer::Drip => {
                    peer.raw(&[0, 4, 0, 1]);
                    for _ in 0..1000 {
                        peer.raw(&[1]);
                        thread::sleep(Duration::from_millis(20));
                    }
                }
            }
        }
    }
}

fn wait_for_the_end(peer: &mut Peer) {
    while peer.stream.read(&mut [0; 64]).is_ok_and(|count| count > 0) {}
}

fn error(errno: u16, message: &str) -> Vec<u8> {
    let mut packet = vec![0xff];
    packet.extend_from_slice(&errno.to_le_bytes());
    packet.extend_from_slice(b"#HY000");
    packet.extend_from_slice(message.as_bytes());
    packet
}

fn send_rows(peer: &mut Peer, rows: &[Vec<Option<String>>]) {
    let columns = rows.first().map_or(1, Vec::len);
    peer.send(&[u8::try_from(columns).expect("few")]);
    (0..columns).for_each(|_| peer.send(COLUMN));
    peer.send(EOF);
    for row in rows {
        let mut packet = Vec::new();
        for cell in row {
            match cell {
                None => packet.push(0xfb),
                Some(text) => {
                    packet.push(u8::try_from(text.len()).expect("short"));
                    packet.extend_from_slice(text.as_bytes());
                }
            }
        }
        peer.send(&packet);
    }
    peer.send(EOF);
}

fn send_many(peer: &mut Peer, count: usize) {
    peer.send(&[1]);
    peer.send(COLUMN);
    peer.send(EOF);
    (0..count).for_each(|_| peer.send(b"\x01x"));
    peer.send(EOF);
}
