//! Replies that no node sends: each is an error of the right kind, soon, and never a panic.

use std::io::Write;
use std::time::{Duration, Instant};

use crate::canned::{Canned, Commands, capture, client, config, ok};
use mysqlfabric::base::error::{Code, Error};
use mysqlfabric::config::Config;

fn failure_with(config: Config, reply: Vec<u8>) -> Error {
    let server = Canned::sending(&[reply]);
    client(config).servers(&server.node, "").unwrap_err()
}

fn failure(reply: impl Into<Vec<u8>>) -> Error {
    failure_with(config(), reply.into())
}

fn gzip(plain: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
    encoder.write_all(plain).unwrap();
    encoder.finish().unwrap()
}

fn zipped(body: &[u8]) -> Vec<u8> {
    let head = format!(
        "HTTP/1.0 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: {}\r\n\r\n",
        body.len()
    );
    [head.as_bytes(), body].concat()
}

#[test]
fn documents() {
    let laughs = "<?xml version='1.0'?><!DOCTYPE l [<!ENTITY a 'ha'><!ENTITY b '&a;&a;&a;&a;'>\
                  <!ENTITY c '&b;&b;&b;&b;'>]><methodResponse><params><param><value>&c;</value>\
                  </param></params></methodResponse>";
    let deep = format!("<methodResponse><params><param>{}", "<value><array><data>".repeat(10_000));
    let latin = "<?xml version='1.0' encoding='iso-8859-1'?><methodResponse/>";
    for (body, text) in [
        (laughs, "document type"),
        (deep.as_str(), "deeper than 64"),
        (latin, "iso-8859-1"),
        ("<html><body>It works!</body></html>", "begins with \"<html><body>It works!"),
        ("<!DOCTYPE html><title>x</title>", "begins with \"<!DOCTYPE html>"),
        ("It works!", "begins with \"It works!\""),
        ("{\"a\": 1}", "begins with \"{\"a\": 1}\""),
        ("", "it is empty"),
        ("<?xml version='1.0'?><methodResponse><params>", "ends where <param> is due"),
    ] {
        let error = failure(ok(body));
        assert_eq!(error.code, Code::Protocol, "{error}");
        assert!(error.message.contains(text), "{error}");
        assert!(error.message.contains("dump.servers at 127.0.0.1:"), "{error}");
    }
    let mut bad_utf8 =
        ok("<methodResponse><params><param><value>??</value></param></params></methodResponse>");
    let at = bad_utf8.windows(2).position(|bytes| bytes == b"??").unwrap();
    bad_utf8[at] = 0xFF;
    assert_eq!(failure(bad_utf8).code, Code::Protocol);
}

#[test]
fn sizes() {
    let huge = "HTTP/1.0 200 OK\r\nContent-Length: 10737418240\r\n\r\n<?xml version='1.0'?>";
    let error = failure(huge);
    assert_eq!(error.code, Code::ReplyTooLarge);
    assert!(error.message.contains("67108864"), "{error}");
    let small = || Config { max_reply_bytes: 4000, ..config() };
    let error = failure_with(small(), capture("servers_all_empty"));
    assert_eq!(error.code, Code::ReplyTooLarge, "declared: {error}");
    let body = capture("servers_all_empty");
    let at = body.windows(4).position(|bytes| bytes == b"\r\n\r\n").unwrap();
    let undeclared = [b"HTTP/1.0 200 OK\r\n\r\n", &body[at + 4..]].concat();
    let error = failure_with(small(), undeclared);
    assert_eq!(error.code, Code::ReplyTooLarge, "undeclared: {error}");
    // 64 MB of blanks in 64 KB.
    let mut bomb = b"<?xml version='1.0'?><methodResponse>".to_vec();
    bomb.resize(80 << 20, b' ');
    let bomb = zipped(&gzip(&bomb));
    assert!(bomb.len() < 100_000);
    assert_eq!(failure(bomb).code, Code::ReplyTooLarge);
}

#[test]
fn compression() {
    let whole = gzip(b"<methodResponse><params><param><value/></param></params></methodResponse>");
    let error = failure(zipped(&whole));
    assert!(error.message.contains("no dump"), "it inflates: {error}");
    for body in [&whole[..whole.len() / 2], &whole[..5], b"", b"not gzip at all, is it?"] {
        assert_eq!(failure(zipped(body)).code, Code::Protocol);
    }
    let mut flipped = whole;
    let at = flipped.len() - 6;
    flipped[at] ^= 1;
    assert_eq!(failure(zipped(&flipped)).code, Code::Protocol, "the checksum is looked at");
    let error = failure("HTTP/1.0 200 OK\r\nContent-Encoding: br\r\nContent-Length: 1\r\n\r\nx");
    assert!(error.code == Code::Protocol && error.message.contains("\"br\""), "{error}");
}

#[test]
fn http() {
    for (reply, text) in [
        ("SSH-2.0-OpenSSH_9.2\r\n", "does not answer in HTTP"),
        ("\x15\x03\x03\0\x02\x02\x50", "fabric_options_set_tls"),
        ("HTTP/1.0 200 OK\r\n", "before its answer was whole"),
        ("HTTP/1.0 200 OK\r\nContent-Length: 100\r\n\r\n<?xml", "before its answer was whole"),
        ("HTTP/1.0 302 Found\r\nLocation: http://127.0.0.1:1/\r\n\r\n", "302"),
        ("HTTP/1.0 500 Internal Server Error\r\n\r\n", "500"),
        ("HTTP/1.0 503 No\x07\r\n\r\n", ""),
        ("HTTP/1.0 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nx", ""),
    ] {
        let error = failure(reply);
        assert_eq!(error.code, Code::Protocol, "{reply}: {error}");
        assert!(error.message.contains(text), "{error}");
    }
}

#[test]
fn half_of_every_big_reply() {
    for name in ["servers_all_empty", "big_1200_t_gzip", "si_all", "gen1_servers_all"] {
        let whole = capture(name);
        for part in 1..12 {
            let error = failure(&whole[..whole.len() * part / 12]);
            assert_eq!(error.code, Code::Protocol, "{name} {part}/12: {error}");
        }
    }
}

#[test]
fn rows_that_make_no_sense_go_alone() {
    let text = String::from_utf8(capture("servers_all_empty")).unwrap();
    let body = text.split_once("\r\n\r\n").unwrap().1;
    let body = body.replacen("<int>33601</int>", "<int>70000</int>", 1);
    let body = body.replacen("<double>2.0</double>", "<double>nan</double>", 1);
    let server = Canned::sending(&[ok(&body)]);
    let dump = client(config()).servers(&server.node, "").unwrap();
    assert_eq!((dump.rows.len(), dump.skipped.len()), (9, 2));
    assert_eq!(dump.skipped[0].reason, "port 70000 is out of range");
    let missing = body.replace("<string>weight</string>", "<string>wait</string>");
    let error = failure(ok(&missing));
    assert!(error.code == Code::Protocol && error.message.contains("no column weight"), "{error}");
}

#[test]
fn none_of_it_takes_long() {
    let start = Instant::now();
    let entity = "&amp;".repeat(500_000);
    let reply = format!(
        "<methodResponse><params><param><value>{entity}</value></param></params></methodResponse>"
    );
    assert_eq!(failure(ok(&reply)).code, Code::Protocol);
    assert!(start.elapsed() < Duration::from_secs(8), "{:?}", start.elapsed());
}
