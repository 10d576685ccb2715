//! What the tests share.
#![allow(dead_code)]

use std::io::{Read, Write};
use std::net::TcpStream;
use std::path::PathBuf;
use std::time::Duration;

pub fn data(path: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("data").join(path)
}

/// What was recorded from real servers: the library's own tests read it too.
pub fn recorded(path: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../tests/data").join(path)
}

/// Sends bytes and reads until the node closes.
pub fn exchange(port: u16, request: &[u8]) -> Vec<u8> {
    let mut stream = TcpStream::connect(("127.0.0.1", port)).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
    stream.write_all(request).unwrap();
    let mut reply = Vec::new();
    stream.read_to_end(&mut reply).unwrap();
    reply
}

/// A call without credentials, parameters given as XML.
pub fn request(method: &str, params: &str) -> Vec<u8> {
    let body = format!(
        "<?xml version='1.0'?><methodCall><methodName>{method}</methodName><params>{params}\
         </params></methodCall>"
    );
    format!("POST /RPC2 HTTP/1.1\r\nHost: x\r\nContent-Length: {}\r\n\r\n{body}", body.len())
        .into_bytes()
}

/// Parameters as XML strings.
pub fn strings(params: &[&str]) -> String {
    params
        .iter()
        .map(|p| {
            let p = p.replace('&', "&amp;").replace('<', "&lt;");
            format!("<param><value><string>{p}</string></value></param>")
        })
        .collect()
}

/// A call of the control port, or of a node without authentication.
pub fn call(port: u16, method: &str, params: &[&str]) -> String {
    let reply = exchange(port, &request(method, &strings(params)));
    String::from_utf8(reply).unwrap()
}
