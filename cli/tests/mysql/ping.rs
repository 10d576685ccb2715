//! Real servers are asked, and what they say is compared with what is listed of them.

use std::io::{BufRead, BufReader};
use std::net::TcpListener;
use std::process::Stdio;

use serde_json::{Value, json};

use crate::client::{each, value};
use crate::command::Directory;
use crate::map::Map;
use crate::support::{Kind, RealServer};

/// A map of one group, with these servers: ports, UUIDs, whether they are the primary.
fn farm(servers: &[(u16, &str, bool)]) -> String {
    let servers = servers.iter().map(|(port, uuid, is_primary)| {
        let (mode, status) =
            if *is_primary { ("READ_WRITE", "PRIMARY") } else { ("READ_ONLY", "SECONDARY") };
        json!({"uuid": uuid, "host": "127.0.0.1", "port": port, "mode": mode, "status": status,
            "weight": 1})
    });
    let servers: Vec<Value> = servers.collect();
    json!({"format": "libmysqlfabric topology", "version": 1, "tables": [],
        "groups": [{"id": "g", "servers": servers}]})
    .to_string()
}

fn free_port() -> u16 {
    let listener = TcpListener::bind(("127.0.0.1", 0)).expect("a free port");
    listener.local_addr().expect("its address").port()
}

#[test]
fn each_kind_of_server_answers() {
    for (kind, server) in each() {
        let (mut map, directory) = (Map::new(server), Directory::new());
        let uuid = match kind {
            Kind::Mariadb => "not known there".to_owned(),
            _ => value(&mut map.session, "SELECT @@server_uuid"),
        };
        let path = directory.write("farm.json", &farm(&[(server.port(), &uuid, true)]));
        map.run(&["import", &path]).said();
        let mut args = vec!["ping", "--json"];
        let ca = server.data("ca.pem");
        if kind == Kind::Mysql {
            args.extend(["--tls", "verify_ca", "--ca", ca.to_str().expect("UTF-8")]);
        }
        let pings = map.run(&args).json();
        for ping in pings["pings"].as_array().expect("a list") {
            assert_eq!(
                (&ping["result"], &ping["read_only"]),
                (&json!("ok"), &json!(false)),
                "{ping}"
            );
            assert!(ping["login_ms"].as_f64().is_some_and(|ms| ms > 0.0), "{ping}");
            assert_eq!(ping["version"], map.session.version(), "{ping}");
        }
        assert_eq!(pings["pings"].as_array().map(Vec::len), Some(2), "a node and a server");
        assert_eq!(pings["pings"][1]["group"], "g");
    }
}

#[test]
fn who_is_another_one_or_away_is_told_at_once() {
    let Some(server) = RealServer::shared(Kind::Mysql56) else { return };
    let (mut map, directory) = (Map::new(server), Directory::new());
    let uuid = value(&mut map.session, "SELECT @@server_uuid");
    let away = free_port();
    for (servers, result, part) in [
        (vec![(server.port(), "another", true)], "doubtful", uuid.as_str()),
        (vec![(server.port(), uuid.as_str(), false)], "doubtful", "takes writes"),
        (vec![(away, "x", true)], "failed", "cannot be asked"),
    ] {
        let path = directory.write("farm.json", &farm(&servers));
        map.run(&["import", "--replace", &path]).said();
        let ran = map.run(&["ping", "--json"]);
        assert_eq!(ran.code, 1, "{ran:?}");
        let pings: Value = serde_json::from_str(&ran.out).expect("JSON");
        let ping = &pings["pings"][1];
        let note = ping["note"].as_str().expect("a note");
        assert!(ping["result"] == result && note.contains(part), "{ping}");
    }
}

#[test]
fn a_change_of_the_tables_is_told_as_it_happens() {
    let Some(server) = RealServer::shared(Kind::Mysql) else { return };
    let (map, directory) = (Map::new(server), Directory::new());
    let one = directory.write("one.json", &farm(&[(1, "a", true), (2, "b", false)]));
    let two = directory.write("two.json", &farm(&[(1, "a", false), (2, "b", true)]));
    map.run(&["import", &one]).said();
    let mut child = map
        .command(&["watch", "--json", "--count", "4"])
        .stdout(Stdio::piped())
        .spawn()
        .expect("the command");
    let mut lines = BufReader::new(child.stdout.take().expect("piped")).lines();
    let mut next = || -> Value {
        let line = lines.next().expect("an event").expect("UTF-8");
        serde_json::from_str(&line).expect("JSON")
    };
    let mut event = next();
    while event["event"] != "TOPOLOGY_CHANGED" {
        event = next();
    }
    map.run(&["import", "--replace", &two]).said();
    let mut event = next();
    while event["event"] != "PRIMARY_CHANGED" {
        event = next();
    }
    assert_eq!((&event["group"], &event["server"]), (&json!("g"), &json!("127.0.0.1:2")));
    assert!(child.wait().expect("its end").success());
}

/// A member that is gone for good: the map names it still.
#[test]
fn a_server_that_does_not_answer_has_a_name() {
    let Some(server) = RealServer::shared(Kind::Mysql) else { return };
    let (mut map, directory) = (Map::new(server), Directory::new());
    let (here, away) = (server.port(), free_port());
    for right in ["REPLICATION CLIENT, REPLICATION SLAVE ON *.*", "SELECT ON performance_schema.*"]
    {
        map.change(&format!("GRANT {right} TO {}@'%'", map.account.user));
    }
    let seeds = [here, away].map(|port| format!("127.0.0.1:{port}"));
    let group = json!({"id": "g", "discover": "auto", "seeds": seeds});
    let document = json!({"format": "libmysqlfabric topology", "version": 2, "tables": [],
        "groups": [group]});
    map.run(&["import", &directory.write("farm.json", &document.to_string())]).said();

    // There are warnings of the account beside it.
    let shown =
        |args: &[&str]| -> Value { serde_json::from_str(&map.run(args).out).expect("JSON") };
    let status = shown(&["status", "--json"]);
    let node = |port| {
        let nodes = status["nodes"].as_array().expect("a list");
        let of_group = |node: &&Value| node["group"] == "g" && node["port"] == port;
        nodes.iter().find(of_group).unwrap_or_else(|| panic!("{port}: {status}"))
    };
    assert_eq!(node(here)["up"], true, "{status}");
    assert!(node(away)["up"] == false && node(away)["silent_ms"].is_u64(), "{status}");
    // The source is asked over its socket, and the members of the group are no nodes of it.
    assert_eq!((&status["nodes_known"], &status["nodes_up"]), (&json!(1), &json!(1)), "{status}");
    let problem = format!("node 127.0.0.1:{away} of group g cannot be asked: ");
    let is_said = |of: &Value| of.as_str().is_some_and(|of| of.starts_with(&problem));
    let problems = status["problems"].as_array().expect("a list");
    assert_eq!(problems.iter().filter(|of| is_said(of)).count(), 1, "{status}");

    let listed = shown(&["servers", "g", "--json"]);
    let rows = listed["servers"].as_array().expect("a list");
    let missing: Vec<&Value> = rows.iter().filter(|row| row["status"] == "MISSING").collect();
    let [row] = missing.as_slice() else { panic!("{listed}") };
    assert!(row["port"] == away && row["uuid"].is_null() && row["error"].is_string(), "{row}");
    let table = map.run(&["servers"]).out;
    assert!(table.contains(&format!("g      127.0.0.1:{away}  MISSING")), "{table}");

    let explained = shown(&["explain", "--group", "g", "--json"]);
    assert_eq!(explained["source"], status["source"]);
    assert!(status["source"].as_str().is_some_and(|of| of.contains(&map.account.user)), "{status}");
}
