//! The servers themselves: that they are what the other tests take them for, and leave nothing behind.

use std::io::Read;
use std::net::TcpStream;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;

use crate::support::{Kind, RealServer};

/// What a server says first, after the four bytes of the packet's header.
fn greeting(server: &RealServer) -> Vec<u8> {
    let mut stream = TcpStream::connect(("127.0.0.1", server.port())).unwrap();
    let mut header = [0; 4];
    stream.read_exact(&mut header).unwrap();
    let mut greeting = vec![0; usize::from(header[0])];
    stream.read_exact(&mut greeting).unwrap();
    greeting
}

#[test]
fn each_is_what_it_is_called() {
    for (kind, version) in [
        (Kind::Mysql, "\x0a9."),
        (Kind::Mysql56, "\x0a5.6.24"),
        (Kind::Mariadb, "\x0a5.5.5-10.11."),
    ] {
        let Some(server) = RealServer::shared(kind) else { continue };
        let greeting = String::from_utf8_lossy(&greeting(server)).into_owned();
        assert!(greeting.starts_with(version), "{kind:?} says {greeting:?}");
        assert!(server.socket().exists());
    }
}

#[test]
fn one_ends_with_its_test_even_if_that_panics() {
    let Some(server) = RealServer::start(Kind::Mysql56, &[]) else { return };
    let process = format!("/proc/{}", server.pid());
    let socket = server.socket();
    assert!(Path::new(&process).exists());
    let panicked = catch_unwind(AssertUnwindSafe(|| {
        let _server = server;
        panic!("on purpose");
    }));
    assert!(panicked.is_err());
    assert!(!Path::new(&process).exists());
    assert!(!socket.exists());
}
