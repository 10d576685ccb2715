//! The rows of `ping` about a group of real servers, one of which goes.

use std::io::{BufRead, BufReader};
use std::process::{Command, Stdio};

use serde_json::{Value, json};

use crate::command::{Directory, Ran, command};
use crate::group::Group;

/// What is said of each: what it is, its address, what came of it, and whether it is read only.
fn rows(pings: &Value) -> Vec<(&str, &str, &str, Option<bool>)> {
    let mut rows = Vec::new();
    for ping in pings["pings"].as_array().expect("a list") {
        let text = |member: &str| ping[member].as_str().expect("a text");
        rows.push((text("what"), text("address"), text("result"), ping["read_only"].as_bool()));
    }
    rows.sort_unstable();
    rows
}

#[test]
fn who_is_in_a_group_and_who_was() {
    let Some(group) = Group::start_replication(2) else { return };
    group.user(1, "ping", &["REPLICATION CLIENT ON *.*"]);
    let (first, second) = (group.hosts([1]), group.hosts([2]));
    let ping = |url: &str, more: &[&str]| -> Command {
        let mut command = command(&[&["--quiet", "--json", "--url", url, "ping"], more].concat());
        command.env("MYSQLFABRIC_USER", "ping").env("MYSQLFABRIC_PASSWORD", "pass-word");
        command
    };
    let pinged = |url: &str, code: i32| -> Value {
        let ran = Ran::from(ping(url, &[]).output().expect("the command"));
        assert_eq!(ran.code, code, "{ran:?}");
        serde_json::from_str(&ran.out).expect("JSON")
    };
    let both = format!("cluster://{second},{first}?kind=replication");
    let well = [
        ("server", first.as_str(), "ok", Some(false)),
        ("server", second.as_str(), "ok", Some(true)),
    ];
    // A server that the URL names is asked once.
    assert_eq!(rows(&pinged(&both, 0)), well);

    // What a file lists is compared with what they say.
    let directory = Directory::new();
    forgotten_passwords(&group, &directory);
    let uuid = |number| group.sql(number, "SELECT @@server_uuid");
    let server = |number: u16, uuid: &str, mode: &str, status: &str| {
        json!({"uuid": uuid, "host": "127.0.0.1", "port": group.port(number), "mode": mode,
            "status": status, "weight": 1})
    };
    let (one, two) = (uuid(1), uuid(2));
    let primary = ("READ_WRITE", "PRIMARY");
    let secondary = ("READ_ONLY", "SECONDARY");
    for (servers, notes) in [
        (
            [server(1, &one, secondary.0, secondary.1), server(2, &two, primary.0, primary.1)],
            ["listed as SECONDARY, and takes writes", "listed as PRIMARY, and is read only"],
        ),
        (
            [server(1, &two, primary.0, primary.1), server(2, &one, secondary.0, secondary.1)],
            [one.as_str(), two.as_str()],
        ),
    ] {
        let file = json!({"format": "libmysqlfabric topology", "version": 1, "tables": [],
            "groups": [{"id": "g", "servers": servers}]});
        let path = directory.write("farm.json", &file.to_string());
        let pings = pinged(&format!("file:{path}"), 1);
        for (ping, note) in pings["pings"].as_array().expect("a list").iter().zip(notes) {
            let said = ping["note"].as_str().expect("a note");
            assert!(ping["result"] == "doubtful" && said.contains(note), "{ping}");
            assert_eq!((&ping["what"], &ping["group"]), (&json!("server"), &json!("g")));
        }
    }

    // One is found and goes: then it is in no group, and is asked all the same.
    let found = format!("cluster://{second}?kind=replication");
    let mut child =
        ping(&found, &["--watch", "0.1"]).stdout(Stdio::piped()).spawn().expect("the command");
    let mut lines = BufReader::new(child.stdout.take().expect("piped")).lines();
    let mut next = || -> Value {
        let line = lines.next().expect("an answer").expect("UTF-8");
        serde_json::from_str(&line).expect("JSON")
    };
    assert_eq!(rows(&next()), well);
    group.about("kill", 1);
    crate::eventually("the member", || {
        rows(&next())
            == [
                ("member", first.as_str(), "failed", None),
                ("server", second.as_str(), "ok", Some(true)),
            ]
    });
    child.kill().expect("killed");
    child.wait().expect("its end");
    // Who names it has it as a node, which is none of a group either.
    let pings = pinged(&both, 1);
    assert_eq!(
        rows(&pings),
        [("node", first.as_str(), "failed", None), ("server", second.as_str(), "ok", Some(true)),]
    );
    let ping =
        pings["pings"].as_array().expect("a list").iter().find(|ping| ping["what"] == "node");
    let note = ping.and_then(|ping| ping["note"].as_str()).expect("a note");
    assert!(note.contains("cannot be asked"), "{note}");
}

/// A server that has not the password at hand wants it in full, and gets it over TLS that nobody verified only
/// if the service has named it, and says that this is allowed.
fn forgotten_passwords(group: &Group, directory: &Directory) {
    let (first, second) = (group.hosts([1]), group.hosts([2]));
    let of_ping = |args: &[&str], is_allowed: bool| {
        let mut command = command(args);
        command.env("MYSQLFABRIC_USER", "ping").env("MYSQLFABRIC_PASSWORD", "pass-word");
        command.env("MYSQLFABRIC_TLS", "required");
        command.env("MYSQLFABRIC_PASSWORD_UNVERIFIED", if is_allowed { "true" } else { "false" });
        Ran::from(command.output().expect("the command"))
    };
    let of_file = |name: &str, of_group: Value| {
        let file = json!({"format": "libmysqlfabric topology", "version": 2, "tables": [],
            "groups": [of_group]});
        format!("file:{}", directory.write(name, &file.to_string()))
    };
    let seeds = json!({"id": "g", "discover": "replication", "seeds": [second, first]});
    let server = json!({"uuid": group.sql(1, "SELECT @@server_uuid"), "host": "127.0.0.1",
        "port": group.port(1), "mode": "READ_WRITE", "status": "PRIMARY", "weight": 1});
    let asked = of_file("asked.json", seeds);
    let listed = of_file("listed.json", json!({"id": "g", "servers": [server]}));
    let named = format!("cluster://{second},{first}?kind=replication");
    let found = format!("cluster://{second}?kind=replication");
    let dump = directory.path("dump.json");
    of_ping(&["--url", &named, "dump", &dump], true).said();
    let dumped = format!("file:{dump}");
    for (url, is_allowed, is_well) in [
        (&found, true, false),
        (&dumped, true, false),
        (&named, false, false),
        (&named, true, true),
        (&listed, true, true),
        (&asked, true, true),
    ] {
        group.sql(1, "FLUSH LOCAL PRIVILEGES");
        let ran = of_ping(&["--quiet", "--json", "--url", url, "ping"], is_allowed);
        let pings: Value = serde_json::from_str(&ran.out).expect("JSON");
        let of_first = |ping: &&Value| ping["address"] == first.as_str();
        let ping = pings["pings"].as_array().expect("a list").iter().find(of_first);
        let Some(ping) = ping else { panic!("{url}: {ran:?}") };
        let note = ping["note"].as_str().unwrap_or_default();
        match (is_well, is_allowed) {
            (true, _) => assert_eq!(ping["result"], "ok", "{url}: {ping}"),
            (false, true) => {
                assert!(note.contains("for servers that the service names itself"), "{url}: {ping}")
            }
            (false, false) => assert!(note.contains("by --password-unverified"), "{url}: {ping}"),
        }
    }
    // A server that misses is told with the command's own names, as a node is.
    group.sql(1, "FLUSH LOCAL PRIVILEGES");
    let shown = |what: &str| -> Value {
        let ran = of_ping(&["--quiet", "--json", "--url", &named, what], false);
        serde_json::from_str(&ran.out).unwrap_or_else(|_| panic!("{ran:?}"))
    };
    let is_ours =
        |said: &Value| said.to_string().contains("allow it unverified by --password-unverified");
    let (servers, status) = (shown("servers"), shown("status"));
    let rows = servers["servers"].as_array().expect("a list");
    let row = rows.iter().find(|row| row["status"] == "MISSING");
    assert!(row.is_some_and(|row| is_ours(&row["error"])), "{servers}");
    assert!(is_ours(&status["nodes"]) && is_ours(&status["problems"]), "{status}");
    of_ping(&["--quiet", "--json", "--url", &named, "ping"], true).said();
}
