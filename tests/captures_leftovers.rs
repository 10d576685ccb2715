//! After a call nothing is left: no thread, no descriptor. Alone in its process, so that the
//! numbers mean something.
#![cfg(target_os = "linux")]

#[path = "captures/canned.rs"]
#[allow(dead_code)]
mod canned;

use std::time::{Duration, Instant};

use canned::{Act, Canned, Commands, capture, client, with_password};

fn count(what: &str) -> usize {
    std::fs::read_dir(format!("/proc/self/{what}")).unwrap().count()
}

#[test]
fn no_thread_and_no_descriptor_stays() {
    let names = ["auth_401_challenge", "servers_global", "servers_global", "servers_global"];
    let mut acts: Vec<Act> = names.iter().map(|name| Act::Send(capture(name))).collect();
    acts.push(Act::Hang);
    let server = Canned::new(acts);
    let client = client(with_password());
    let before = (count("task"), count("fd"));
    for _ in 0..2 {
        client.servers(&server.node, "").unwrap();
        assert_eq!((count("task"), count("fd")), before);
    }
    // A name takes a thread to look it up, which ends by itself.
    let named = mysqlfabric::config::Node { host: "localhost".into(), port: server.node.port };
    let patience = Instant::now();
    let _ = client.servers(&named, "");
    while count("task") > before.0 {
        assert!(patience.elapsed() < Duration::from_secs(5), "a thread stays");
        std::thread::sleep(Duration::from_millis(10));
    }
}
