//! What large replies take: bounded memory, and where there is none, an error and no end of the
//! process.

#![cfg(target_os = "linux")]

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::process::{Command, Output};
use std::sync::Arc;
use std::time::Duration;

use flate2::Compression;
use flate2::write::GzEncoder;
use mysqlfabric::base::error::Code;
use mysqlfabric::config::{Config, Node};
use mysqlfabric::router::Router;
use mysqlfabric::source::fabric::{Client, Commands};

#[path = "captures/dumps.rs"]
mod dumps;

use dumps::{SERVERS, SHARDS, dump, response, row};

/// What a kind of node answers to a method.
fn answer(kind: &str, method: &str) -> String {
    const BYTES: usize = 6_000_000;
    let tables = |name: fn(usize) -> String| {
        let row = |at: usize| {
            row(&["db", &name(at), "c", &at.to_string(), "1", "RANGE", &format!("g{at}"), "g"])
        };
        dump(SHARDS, &(0..BYTES / 110).map(row).collect::<String>())
    };
    match (kind, method) {
        (_, "dump.fabric_nodes") => dump("host port", ""),
        ("tables", "dump.sharding_information") => tables(|at| format!("t{at}")),
        ("shards", "dump.sharding_information") => tables(|_| "t".into()),
        ("rowless", "dump.sharding_information") => {
            dump(SHARDS, &"<value/>".repeat((16 << 20) / 8 - 1000))
        }
        (_, "dump.sharding_information") => dump(SHARDS, ""),
        ("servers", "dump.servers") => {
            let row = |at: usize| {
                row(&[&format!("u{at}"), &format!("g{}", at / 9), "h", "1", "1", "2", "1"])
            };
            dump(SERVERS, &(0..BYTES / 280).map(row).collect::<String>())
        }
        (_, "dump.servers") => dump(SERVERS, ""),
        ("rows", _) => dump("a b c", &row(&["a", "b", "c"]).repeat(BYTES / 160)),
        ("texts", _) => response(&format!(
            "<array><data>{}</data></array>",
            "<value>a</value>".repeat(BYTES / 4)
        )),
        // As much as is allowed.
        ("bomb", _) => response(&"<value/>".repeat((16 << 20) / 8 - 20))
            .replace("<value><value/>", "<value><array><data><value/>"),
        ("text", _) => response(&"a".repeat(BYTES)),
        other => panic!("{other:?}"),
    }
}

fn serve(mut stream: TcpStream, kind: &str) -> Option<()> {
    let mut request = String::new();
    let mut piece = [0; 4096];
    while !request.contains("</methodCall>") {
        let count = stream.read(&mut piece).ok().filter(|count| *count > 0)?;
        request += &String::from_utf8_lossy(&piece[..count]);
    }
    let method = request.split("<methodName>").nth(1)?.split('<').next()?;
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(answer(kind, method).as_bytes()).ok()?;
    let body = encoder.finish().ok()?;
    let length = body.len();
    let head =
        format!("HTTP/1.0 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: {length}\r\n\r\n");
    stream.write_all(&[head.as_bytes(), &body].concat()).ok()
}

/// A node of a kind for as many connections as come.
fn node(kind: &'static str) -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    std::thread::spawn(move || listener.incoming().flatten().for_each(|one| _ = serve(one, kind)));
    port
}

/// A number of /proc/self/status in KiB.
fn status(name: &str) -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find(|line| line.starts_with(name)).unwrap();
    line.split_ascii_whitespace().nth(1).unwrap().parse().unwrap()
}

/// Runs `child` in a process of its own, which may have so many MiB more than it has.
fn run(kind: &str, port: u16, room: &str) -> Output {
    Command::new(std::env::current_exe().unwrap())
        .args(["--ignored", "--exact", "child", "--nocapture", "--test-threads=1"])
        .env("KIND", kind)
        .env("PORT", port.to_string())
        .env("ROOM", room)
        .output()
        .unwrap()
}

#[test]
#[ignore = "a part of the others"]
fn child() {
    let var = |name| std::env::var(name).unwrap();
    let port: u16 = var("PORT").parse().unwrap();
    let node = Node { host: "127.0.0.1".into(), port };
    let config = Config {
        nodes: vec![node.clone()],
        background_refresh: false,
        connect_attempts: 1,
        request_timeout: Duration::from_secs(900),
        ..Config::default()
    };
    let bomb = ["bomb", "rowless"].contains(&&*var("KIND"));
    let config = Config { max_reply_bytes: if bomb { 16 << 20 } else { 64 << 20 }, ..config };
    let before = status("VmRSS:");
    if let Ok(room) = var("ROOM").parse::<u64>() {
        let most = (status("VmSize:") << 10) + (room << 20);
        let pid = std::process::id().to_string();
        let limited =
            Command::new("prlimit").args(["--pid", &pid, &format!("--as={most}")]).status();
        assert!(limited.unwrap().success());
    }
    let outcome = match &*var("KIND") {
        "rowless" => Client::new(Arc::new(config)).sharding_information(&node, "").map(|_| ()),
        "tables" | "shards" | "servers" => Router::new(config).seed(None),
        _ => Client::new(Arc::new(config)).execute(&node, "some", "command", &[]).map(|_| ()),
    };
    let code = outcome.map_or_else(|error| format!("{:?}", error.code), |()| "ok".into());
    println!("\noutcome {code} {}", status("VmHWM:").saturating_sub(before) >> 10);
}

/// The outcome of a child, and the MiB that it took at most.
fn outcome(output: &Output) -> (String, u64) {
    let text = String::from_utf8_lossy(&output.stdout);
    let words = text.lines().find_map(|line| line.strip_prefix("outcome "));
    let (code, taken) = words.and_then(|words| words.split_once(' ')).unwrap_or_else(|| {
        panic!("{:?} {text} {}", output.status, String::from_utf8_lossy(&output.stderr))
    });
    (code.to_owned(), taken.parse().unwrap())
}

#[test]
fn a_large_reply_without_memory_is_an_error_and_no_abort() {
    let mut lacked = 0;
    for kind in ["tables", "shards", "servers", "rows", "texts", "text"] {
        let port = node(kind);
        for room in ["16", "48", "80", "112", "160", "256"] {
            let output = run(kind, port, room);
            assert!(output.status.success(), "{kind} in {room} MiB more: {output:?}");
            let (code, taken) = outcome(&output);
            println!("{kind} in {room} MiB more: {code}, {taken} MiB");
            let expected = ["ok", "System", "ReplyTooLarge", "Unreachable", "Protocol"];
            assert!(expected.contains(&&*code), "{kind} in {room} MiB more: {code}");
            lacked += usize::from(code == "System");
        }
        let (code, _) = outcome(&run(kind, port, "none"));
        assert!(["ok", "ReplyTooLarge"].contains(&&*code), "{kind}: {code}");
    }
    assert!(lacked > 10, "{lacked}");
}

#[test]
fn what_a_small_reply_makes_is_bounded() {
    let (code, taken) = outcome(&run("bomb", node("bomb"), "none"));
    println!("16 MB of values in 25 KB: {code}, {taken} MiB");
    assert_eq!(code, format!("{:?}", Code::ReplyTooLarge));
    // It was 66.
    assert!(taken < 45, "{taken} MiB");
    // Each of these rows was kept with a reason of its own.
    let (code, taken) = outcome(&run("rowless", node("rowless"), "none"));
    println!("16 MB of rows that are none in 25 KB: {code}, {taken} MiB");
    assert!(code == "ok" && taken < 45, "{code}, {taken} MiB");
}
