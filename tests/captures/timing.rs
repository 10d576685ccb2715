//! Deadlines: whatever a node does, a call ends when it has to.

use std::io::Write;
use std::net::TcpListener;
use std::time::{Duration, Instant};

use flate2::Compression;
use flate2::write::GzEncoder;

use crate::canned::{
    self, Act, Canned, Commands, Protocol, capture, client, config, with_password,
};
use mysqlfabric::base::error::{Code, Error};
use mysqlfabric::config::{Config, Node};

fn timed(config: Config, node: &Node) -> (Error, Duration) {
    let start = Instant::now();
    let error = client(config).servers(node, "").unwrap_err();
    (error, start.elapsed())
}

fn hasty() -> Config {
    Config { request_timeout: Duration::from_millis(400), ..config() }
}

#[test]
fn silence_and_slow_drips_end_at_the_deadline() {
    let drip = |bytes| Act::Drip(bytes, Duration::from_millis(20));
    let reply = capture("servers_all_empty");
    let head = reply.windows(4).position(|bytes| bytes == b"\r\n\r\n").unwrap() + 4;
    let mut slow_body = vec![Act::Hang, drip(reply.clone())];
    slow_body.push(drip([b"HTTP/1.0 200 OK\r\n\r\n", &reply[head..]].concat()));
    let server = Canned::new(slow_body);
    for _ in 0..3 {
        let (error, took) = timed(hasty(), &server.node);
        assert_eq!(error.code, Code::Timeout, "{error}");
        assert!(error.message.contains("400 ms"), "{error}");
        assert!(took >= Duration::from_millis(390) && took < Duration::from_secs(2), "{took:?}");
    }
}

/// A reply of 60 MB that comes at once, and takes seconds to inflate and to read.
fn laborious() -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(b"<methodResponse><params><param><value>").unwrap();
    encoder.write_all(&b"&amp;&lt;".repeat(60_000_000 / 9)).unwrap();
    let body = encoder.finish().unwrap();
    let head = format!(
        "HTTP/1.0 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: {}\r\n\r\n",
        body.len()
    );
    [head.as_bytes(), &body].concat()
}

#[test]
fn time_counts_while_a_reply_is_read() {
    let server = Canned::sending(&[laborious()]);
    let config = Config { request_timeout: Duration::from_millis(500), ..config() };
    let (error, took) = timed(config, &server.node);
    assert_eq!(error.code, Code::Timeout, "{error}");
    assert!(took < Duration::from_secs(4), "{took:?}");
}

#[test]
fn nobody_waits_for_a_reply_that_is_read_when_the_handle_is_freed() {
    let server = Canned::sending(&[laborious()]);
    let client = client(Config { request_timeout: Duration::from_secs(600), ..config() });
    let begun = Instant::now();
    std::thread::scope(|scope| {
        let asking = scope.spawn(|| client.servers(&server.node, "").unwrap_err().code);
        while server.requests().is_empty() {
            std::thread::yield_now();
        }
        std::thread::sleep(Duration::from_millis(200));
        client.cancel();
        // Read to its end it is no reply, which would be Protocol.
        assert_eq!(asking.join().unwrap(), Code::Unreachable);
    });
    assert!(begun.elapsed() < Duration::from_secs(5), "{:?}", begun.elapsed());
}

#[test]
fn megabytes_of_blanks_take_no_time() {
    let server = Canned::sending(&[canned::ok(&" ".repeat(4 << 20))]);
    let (error, took) =
        timed(Config { request_timeout: Duration::from_secs(1), ..config() }, &server.node);
    assert_eq!(error.code, Code::Protocol, "{error}");
    assert!(took < Duration::from_secs(10), "{took:?}");
}

#[test]
fn a_retry_has_no_time_of_its_own() {
    let acts = ["auth_401_challenge", "auth_200_answered", "auth_basic"];
    let mut acts: Vec<Act> = acts.iter().map(|name| Act::Send(capture(name))).collect();
    acts.push(Act::Hang);
    let server = Canned::new(acts);
    let client = client(Config { request_timeout: Duration::from_millis(600), ..with_password() });
    client.fabric_nodes(&server.node).unwrap();
    let start = Instant::now();
    let error = client.fabric_nodes(&server.node).unwrap_err();
    assert_eq!(error.code, Code::Timeout, "{error}");
    assert!(start.elapsed() < Duration::from_secs(2));
}

#[test]
fn nobody_there() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    drop(listener);
    let (error, _) = timed(config(), &Node { host: "127.0.0.1".into(), port });
    assert_eq!(error.code, Code::Unreachable);
    assert!(error.message.contains(&format!("127.0.0.1:{port}")), "{error}");
    assert!(error.message.contains("refused"), "{error}");
    let (error, _) = timed(config(), &Node { host: "no.such.host.invalid".into(), port });
    assert!(matches!(error.code, Code::Unreachable | Code::Timeout), "{error}");
    assert!(error.message.contains("no.such.host.invalid"), "{error}");
}

#[test]
fn names_and_ipv6_work() {
    if let Ok(listener) = TcpListener::bind("[::1]:0") {
        let port = listener.local_addr().unwrap().port();
        drop(listener);
        let (error, _) = timed(config(), &Node { host: "::1".into(), port });
        assert_eq!(error.code, Code::Unreachable);
        assert!(error.message.contains(&format!("[::1]:{port}")), "{error}");
    }
    let server = Canned::replaying(&["servers_global"]);
    let node = Node { host: "localhost".into(), port: server.node.port };
    assert_eq!(client(config()).servers(&node, "").unwrap().rows.len(), 2);
}
