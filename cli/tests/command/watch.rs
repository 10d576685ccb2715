//! Events as they come.

use std::io::{BufRead, BufReader};
use std::process::Stdio;

use serde_json::Value;

use crate::support::{command, fabric};

#[test]
fn a_failover_is_told_as_it_happens() {
    let fabric = fabric();
    let mut child = command(&["watch", "--json", "--count", "4"])
        .envs(fabric.environment())
        .stdout(Stdio::piped())
        .spawn()
        .expect("the command");
    let mut lines = BufReader::new(child.stdout.take().expect("piped")).lines();
    let mut next = || -> Value {
        let line = lines.next().expect("an event").expect("UTF-8");
        serde_json::from_str(&line).expect("JSON")
    };
    assert_eq!(next()["event"], "READY");
    assert_eq!(next()["event"], "TOPOLOGY_CHANGED");
    let uuid = "aab422d7-e706-11f1-b000-02fc00000001";
    fabric.server.farm().promote("shard1", uuid).expect("promoted");
    assert_eq!(next()["event"], "TOPOLOGY_CHANGED");
    let event = next();
    assert_eq!(event["event"], "PRIMARY_CHANGED");
    assert_eq!((&event["group"], &event["server"]), (&"shard1".into(), &"127.0.0.1:33612".into()));
    assert_eq!((&event["server_uuid"], &event["table"]), (&uuid.into(), &Value::Null));
    let time = event["time"].as_str().expect("a text");
    assert!(time.len() == 24 && time.ends_with('Z'), "{time}");
    assert!(child.wait().expect("its end").success());
}

#[test]
fn it_ends_when_it_is_to() {
    let fabric = fabric();
    let said = fabric.run(&["watch", "--for", "1"]).said();
    let events: Vec<&str> =
        said.lines().filter_map(|line| line.split_whitespace().nth(1)).collect();
    assert_eq!(events, ["READY", "TOPOLOGY_CHANGED"]);
}
