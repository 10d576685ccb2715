//! What the commands say that look at a farm: to people word by word, to programs by stable names.

use std::io::{BufRead, BufReader};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::process::Stdio;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::support::{Directory, command, documented, fabric, run, run_on, run_with};

/// Numbers of milliseconds differ from run to run.
fn masked(text: &str) -> String {
    let mut masked = String::new();
    for line in text.lines() {
        let words: Vec<&str> = line.split_whitespace().collect();
        let word = |at: usize| match words.get(at + 1) {
            Some(&("ms" | "s")) => "N",
            _ => words[at],
        };
        masked += &(0..words.len()).map(word).collect::<Vec<_>>().join(" ");
        masked.push('\n');
    }
    masked.replace("N s", "N").replace("N ms", "N")
}

#[test]
fn people_get_tables() {
    let fabric = fabric();
    let expected = "\
TABLE               TYPE            COLUMN    GLOBAL GROUP  SHARDS  HELD  PROBLEM
crm.names           RANGE_STRING    name      global             4     0  -
disabled_db.t       RANGE           id        global             2     0  -
employees.dept_emp  RANGE           emp_no    global             3     0  -
employees.salaries  RANGE           emp_no    global             3     0  -
hash2.t             HASH            k         global             2     0  -
hashdb.accounts     HASH            id        global             4     0  -
hashdb.users        HASH            user_id   global             4     0  -
log.events          RANGE_DATETIME  ts        global             3     0  -
shop.orders         RANGE_INTEGER   order_id  global             3     0  -
";
    assert_eq!(fabric.run(&["tables"]).said(), expected);
    let expected = "\
GROUP PRIMARY SERVERS QUARANTINED WRITES SHARDS AGE REASON
global 127.0.0.1:33601 2 0 yes 0 N -
shard1 127.0.0.1:33611 3 0 yes 9 N -
shard10 127.0.0.1:33651 1 0 yes 0 N -
shard2 127.0.0.1:33621 3 0 yes 8 N -
shard3 127.0.0.1:33631 1 0 yes 8 N -
shard4 127.0.0.1:33641 1 0 yes 3 N -
";
    assert_eq!(masked(&fabric.run(&["groups"]).said()), expected);
    let expected = "\
GROUP   SERVER           STATUS     MODE        WEIGHT  ZONE  UUID
shard1  127.0.0.1:33611  PRIMARY    READ_WRITE       1  -     aa9b1821-e706-11f1-b000-02fc00000001
shard1  127.0.0.1:33612  SECONDARY  READ_ONLY        2  -     aab422d7-e706-11f1-b000-02fc00000001
shard1  127.0.0.1:33613  SECONDARY  READ_ONLY      0.5  -     aacdbf69-e706-11f1-b000-02fc00000001
";
    assert_eq!(fabric.run(&["servers", "shard1"]).said(), expected);
    let expected = "\
ID  LOWER BOUND  GROUP   STATE    SHARE
 1            1  shard1  ENABLED  -
 2        10001  shard2  ENABLED  -
 3        20001  shard3  ENABLED  -
";
    assert_eq!(fabric.run(&["shards", "employees.salaries"]).said(), expected);
    let expected = "  KEY  SERVER           GROUP   STATUS   MODE        ZONE  UUID
10021  127.0.0.1:33621  shard2  PRIMARY  READ_WRITE  -     aae35c32-e706-11f1-b000-02fc00000001
    5  127.0.0.1:33611  shard1  PRIMARY  READ_WRITE  -     aa9b1821-e706-11f1-b000-02fc00000001
";
    assert_eq!(fabric.run(&["route", "employees.salaries", "10021", "5"]).said(), expected);
    let status = fabric.run(&["status"]).said();
    let expected = "\
nodes 1 of 1 up
topology generation 1, confirmed N ago, asked for every N
tables 9 with 28 shards
groups 6 of 6 take writes
servers 11, 0 left out
problems none
";
    assert_eq!(masked(status.split_once('\n').expect("lines").1), expected);
    assert!(status.starts_with(&format!("source      {} (5ca1ab1e-", fabric.url)), "{status}");
}

#[test]
fn programs_get_json_of_the_same() {
    let fabric = fabric();
    let tables = fabric.run(&["tables", "--json"]).json();
    let expected = json!({"table": "crm.names", "type": "RANGE_STRING", "column": "name",
        "global_group": "global", "shards": 4, "held": 0, "read_only": 0, "problem": null});
    assert_eq!(tables["tables"][0], expected);
    let mut groups = fabric.run(&["--json", "groups", "shard1"]).json();
    assert!(groups["groups"][0]["age_ms"].take().is_u64());
    let expected = json!({"groups": [{"group": "shard1", "primary": "127.0.0.1:33611", "servers": 3,
        "quarantined": 0, "takes_writes": true, "writes_held": false, "shards": 9, "age_ms": null,
        "reason": null}]});
    assert_eq!(groups, expected);
    let servers = fabric.run(&["servers", "shard1", "--json"]).json();
    let expected = json!({"group": "shard1", "host": "127.0.0.1", "port": 33612,
        "status": "SECONDARY", "mode": "READ_ONLY", "weight": 2.0, "zone": null,
        "uuid": "aab422d7-e706-11f1-b000-02fc00000001"});
    assert_eq!(servers["servers"][1], expected);
    let shards = fabric.run(&["shards", "hash2.t", "--json"]).json();
    let shares: Vec<f64> = shards["shards"]
        .as_array()
        .expect("a list")
        .iter()
        .map(|shard| shard["share"].as_f64().expect("a number"))
        .collect();
    assert_eq!(shares.iter().sum::<f64>(), 1.0);
    let routes = fabric.run(&["route", "hash2.t", "x", "--json"]).json();
    let route = routes["routes"][0].as_object().expect("an object");
    let names: Vec<&str> = route.keys().map(String::as_str).collect();
    let expected = ["group", "host", "key", "mode", "port", "status", "uuid", "weight", "zone"];
    assert_eq!(names, expected);
    let status = fabric.run(&["status", "--json"]).json();
    assert_eq!((&status["groups"], &status["problems"]), (&json!(6), &json!([])));
}

#[test]
fn prometheus_gets_text() {
    let fabric = fabric();
    fabric.server.farm().demote("shard1").expect("demoted");
    let text = fabric.run(&["status", "--prometheus"]).said();
    for line in [
        "# TYPE mysqlfabric_group_takes_writes gauge",
        "mysqlfabric_group_takes_writes{group=\"shard1\"} 0",
        "mysqlfabric_group_takes_writes{group=\"shard2\"} 1",
        "mysqlfabric_table_shards{table=\"employees.salaries\"} 3",
        "mysqlfabric_problems 1",
        "mysqlfabric_nodes_up 1",
    ] {
        assert!(text.lines().any(|of| of == line), "{line}: {text}");
    }
    for line in text.lines().filter(|line| !line.starts_with('#')) {
        let value = line.rsplit(' ').next().expect("a value");
        assert!(value.parse::<f64>().is_ok(), "{line}");
    }
}

#[test]
fn a_problem_is_told_and_makes_the_status_only_if_it_is_to() {
    let fabric = fabric();
    fabric.server.farm().demote("shard2").expect("demoted");
    let status = fabric.run(&["status"]).said();
    assert!(status.contains("problems    group shard2 has no primary"), "{status}");
    assert_eq!(fabric.run(&["status", "--strict"]).code, 1);
    assert_eq!(fabric.run(&["--json", "status", "--strict"]).code, 1);
}

#[test]
fn scripts_get_one_word_a_line() {
    let fabric = fabric();
    let route = |args: &[&str]| fabric.run(&[&["route"], args].concat()).said();
    assert_eq!(route(&["employees.salaries", "5", "--print", "address"]), "127.0.0.1:33611\n");
    assert_eq!(
        route(&["employees.salaries", "5", "20001", "--print", "group"]),
        "shard1\nshard3\n"
    );
    assert_eq!(route(&["--group", "shard4", "--print", "port"]), "33641\n");
    assert_eq!(route(&["employees.salaries", "--global", "--print", "group"]), "global\n");
    let both = "employees.salaries,employees.dept_emp";
    assert_eq!(route(&[both, "10001", "--print", "host"]), "127.0.0.1\n");
    let uuid = route(&["employees.salaries", "5", "--role", "read", "--print", "uuid"]);
    let secondaries =
        ["aab422d7-e706-11f1-b000-02fc00000001", "aacdbf69-e706-11f1-b000-02fc00000001"];
    assert!(secondaries.contains(&uuid.trim()), "{uuid}");
    assert_eq!(route(&["--group", "shard1", "--wait", "--print", "port"]), "33611\n");
}

#[test]
fn keys_come_from_standard_input_too() {
    let directory = Directory::new();
    let url = format!("file:{}", directory.write("farm.json", &documented()));
    let args = ["--url", &url, "route", "shop.customers", "-", "--print", "group"];
    assert_eq!(run_on(&args, "Adams\nMills\nm\n").said(), "shard1\nshard2\nshard2\n");
    assert_eq!(run(&["--url", &url, "route", "web.sessions", "-7", "--print", "group"]).code, 0);
}

#[test]
fn something_is_said_again_as_often_as_is_wanted() {
    let fabric = fabric();
    let said = fabric.run(&["tables", "--json", "--watch", "0.01", "--count", "3"]).said();
    let documents: Vec<Value> =
        said.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect();
    assert_eq!(documents.len(), 3);
    let said = fabric.run(&["groups", "shard4", "-w0.01", "--count", "2"]).said();
    assert_eq!(said.matches("shard4").count(), 2);
    assert!(!said.contains('\u{1b}'), "no terminal: {said:?}");
}

#[test]
fn a_bench_counts_what_is_looked_up() {
    let fabric = fabric();
    for args in [vec!["employees.salaries"], vec!["hash2.t", "--threads", "2", "--role", "read"]] {
        let args = [vec!["bench", "--json", "--for", "0.05"], args].concat();
        let measured = fabric.run(&args).json()["benches"][0].take();
        let (lookups, refused) = (&measured["lookups"], &measured["refused"]);
        assert!(lookups.as_u64().is_some_and(|count| count > 1_000), "{measured}");
        assert_eq!(refused, 0, "{measured}");
    }
    let directory = Directory::new();
    let keys = directory.write("keys", "5\n10021\n");
    let args = ["bench", "employees.salaries", "--for", "0.01", "--json", "--keys", &keys];
    assert_eq!(fabric.run(&args).json()["benches"][0]["keys"], 2);
    let keys = directory.write("keys", "x\n");
    let args = ["bench", "employees.salaries", "--for", "0.01", "--keys", &keys];
    assert!(fabric.run(&args).complained(2).contains("'x'"));
}

#[test]
fn nodes_are_asked_and_servers_without_account_are_not() {
    let fabric = fabric();
    let ran = fabric.run(&["ping", "--json"]);
    assert_eq!(ran.code, 0);
    assert!(ran.err.contains("--user"), "{}", ran.err);
    let pings: Value = serde_json::from_str(&ran.out).expect("JSON");
    let pings = pings["pings"].as_array().expect("a list");
    assert_eq!(pings.len(), 12);
    assert_eq!((&pings[0]["what"], &pings[0]["result"]), (&json!("node"), &json!("ok")));
    assert!(pings[0]["answer_ms"].as_f64().is_some_and(|ms| ms > 0.0));
    assert!(pings[1..].iter().all(|ping| ping["result"] == "not tried"));
    // The servers of the sample farm do not exist.
    let mut environment = fabric.environment().to_vec();
    environment.extend([("MYSQLFABRIC_USER", "root"), ("MYSQLFABRIC_PASSWORD", "")]);
    let ran = crate::support::run_with(&["ping", "--json"], &environment);
    assert_eq!(ran.code, 1);
    assert_eq!(ran.out.matches("\"failed\"").count(), 11);
}

#[test]
fn an_explanation_says_what_a_lookup_does_and_why() {
    let fabric = fabric();
    let explain = |args: &[&str]| fabric.run(&[&["explain", "--json"], args].concat());
    let of = explain(&["hashdb.users", "alice"]).json();
    let routed = fabric.run(&["route", "hashdb.users", "alice", "--json"]).json();
    assert_eq!(of["uuid"], routed["routes"][0]["uuid"]);
    assert_eq!(of["digest"], "6384E2B2184BCBF58ECCF10CA7A6563C");
    let bounds = (&of["lower_bound"], &of["upper_bound"]);
    assert_eq!(bounds, (&json!("E6C81F2F91025F5719B5D173C6E330B7"), &Value::Null), "around zero");
    assert_eq!((&of["status"], &of["table_state"]), (&json!(0), &json!("fresh")));
    assert_eq!(explain(&["--group", "shard4"]).json()["server"], "127.0.0.1:33641");

    let ran = explain(&["employees.salaries", "0"]);
    assert_eq!((ran.code, ran.err.as_str()), (9, ""));
    let of: Value = serde_json::from_str(&ran.out).expect("JSON");
    assert_eq!((&of["status"], &of["server"]), (&json!(44), &Value::Null));
    assert!(of["message"].as_str().is_some_and(|why| why.contains("lowest bound")), "{of}");

    // A shard that is moved.
    let directory = Directory::new();
    let mut file: Value = serde_json::from_str(&documented()).expect("JSON");
    file["tables"][0]["shards"][1]["state"] = "READ_ONLY".into();
    let url = format!("file:{}", directory.write("farm.json", &file.to_string()));
    let args = ["--url", &url, "explain", "employees.salaries", "10021"];
    let ran = run(&args);
    assert_eq!(ran.code, 8);
    for line in
        ["shard    2, from 10021 on, READ_ONLY", "server   none", "why      the shard takes no"]
    {
        assert!(ran.out.contains(line), "{line}: {}", ran.out);
    }
    assert!(run(&[&args[..], &["--role", "read"]].concat()).said().contains("READ_ONLY"));
}

/// The documented farm, whose names want to move a terminal's cursor.
fn odd_farm(directory: &Directory) -> String {
    let mut file: serde_json::Value = serde_json::from_str(&documented()).expect("JSON");
    let odd = "a\u{1b}[2J\n\u{202e}b";
    let text = file.to_string().replace("\"shard1\"", &serde_json::to_string(odd).expect("JSON"));
    file = serde_json::from_str(&text).expect("JSON");
    file["tables"][0]["column"] = odd.into();
    format!("file:{}", directory.write("odd.json", &file.to_string()))
}

#[test]
fn no_name_reaches_a_terminal_as_it_is() {
    let directory = Directory::new();
    let url = odd_farm(&directory);
    let odd = "\u{1b}\u{202e}x";
    for args in [
        &["route", "employees.salaries", "1"][..],
        &["route", "employees.salaries", odd],
        &["route", odd, "1"],
        &["route", "--group", odd],
        &["route", "employees.salaries", "1", "--print", "group"],
        &["explain", "employees.salaries", "1"],
        &["explain", "employees.salaries", odd],
        &["explain", "--group", odd],
        &["status"],
        &["tables"],
        &["shards", "employees.salaries"],
        &["groups"],
        &["servers"],
        &["check"],
        &["watch", "--for", "0.2"],
    ] {
        for json in [&[][..], &["--json"]] {
            if json.len() == 1 && args.contains(&"--print") {
                continue;
            }
            let ran = run(&[&["--url", &url], json, args].concat());
            let shown = ran.out.clone() + &ran.err;
            let is_odd =
                |letter: char| letter.is_control() && letter != '\n' || letter == '\u{202e}';
            assert!(!shown.contains(is_odd), "{args:?}: {shown:?}");
            assert!(!shown.contains("2J\n"), "{args:?}: {shown:?}");
        }
    }
    let print = ["--url", &url, "route", "employees.salaries", "1", "--print", "group"];
    assert!(run(&print).complained(5).contains("--json"));
}

#[test]
fn programs_have_json_on_standard_error_too() {
    let directory = Directory::new();
    let password = directory.write("password", "secret");
    let url = odd_farm(&directory);
    for args in [
        &["--user", "u", "--password-file", &password, "tables"][..],
        &["--user", "u", "--password-file", &password, "-v", "route", "no.table", "1"],
        &["route", "--no-such-option"],
        &["--timeout", "x", "tables"],
    ] {
        let ran = run(&[&["--json", "--url", &url], args].concat());
        assert!(!ran.err.is_empty());
        for line in ran.err.lines() {
            let said: serde_json::Value = serde_json::from_str(line).expect(line);
            let names: Vec<_> = said.as_object().expect("an object").keys().collect();
            assert!(["error", "warning", "note"].contains(&names[0].as_str()), "{line}");
        }
    }
}

#[test]
fn keys_that_can_be_routed_are_though_another_one_cannot() {
    let fabric = fabric();
    let args = ["route", "employees.salaries", "5", "x", "10021", "-5"];
    let ran = fabric.run(&args);
    assert_eq!((ran.code, ran.out.lines().count()), (2, 3), "{ran:?}");
    assert!(ran.err.contains("key 2 of 4, and 1 more: ") && ran.err.contains("'x'"), "{ran:?}");
    let ran = fabric.run(&[&args[..], &["--json"]].concat());
    let routed: Value = serde_json::from_str(&ran.out).expect("JSON");
    let keys = routed["routes"].as_array().expect("a list").iter().map(|of| of["key"].clone());
    assert_eq!(keys.collect::<Vec<_>>(), ["5", "10021"]);
    // A script takes each line for that of a key.
    fabric.run(&[&args[..], &["--print", "host"]].concat()).complained(2);
}

#[test]
fn nodes_that_do_not_answer_are_a_problem() {
    let fabric = fabric();
    let port = {
        let nobody = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
        nobody.local_addr().expect("its address").port()
    };
    let url = fabric.url.replace("fabric://", &format!("fabric://127.0.0.1:{port},"));
    let ran = crate::support::run_with(
        &["status", "--strict"],
        &[&[("MYSQLFABRIC_URL", url.as_str())], &fabric.environment()[1..]].concat(),
    );
    let problem = format!("problems    node 127.0.0.1:{port} cannot be reached: ");
    assert!(ran.code == 1 && ran.out.contains(&problem), "{ran:?}");
    assert!(ran.out.contains("nodes       1 of 2 up"), "{ran:?}");
}

#[test]
fn a_node_that_fails_is_told_without_names_of_c() {
    let fabric = fabric();
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let port = listener.local_addr().expect("its address").port();
    // The thread ends with the test's process.
    std::thread::spawn(move || listener.incoming().for_each(drop));
    let url = format!("fabric://127.0.0.1:{port},{}", fabric.url.trim_start_matches("fabric://"));
    for args in [&["status"][..], &["--json", "status"]] {
        let ran = fabric.run(&[&["--quiet", "--url", &url], args].concat());
        assert_eq!(ran.code, 0, "{ran:?}");
        assert!(ran.out.contains("--fabric-ca") && !ran.out.contains("fabric_"), "{ran:?}");
    }
}

/// Connections to a port that are let through to a farm only when it is open.
fn gate(to: u16) -> (u16, Arc<AtomicBool>) {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let port = listener.local_addr().expect("its address").port();
    let is_open = Arc::new(AtomicBool::new(false));
    let seen = Arc::clone(&is_open);
    // The threads end with the test's process.
    std::thread::spawn(move || {
        for from in listener.incoming().flatten().filter(|_| seen.load(Ordering::SeqCst)) {
            let to = TcpStream::connect(("127.0.0.1", to)).expect("the farm");
            for (mut from, mut to) in [(&from, &to), (&to, &from)]
                .map(|(a, b)| (a.try_clone().expect("a socket"), b.try_clone().expect("a socket")))
            {
                std::thread::spawn(move || {
                    let _ = std::io::copy(&mut from, &mut to);
                    let _ = to.shutdown(Shutdown::Write);
                });
            }
        }
    });
    (port, is_open)
}

#[test]
fn who_watches_sees_the_farm_when_its_source_is_back() {
    let fabric = fabric();
    let (port, is_open) = gate(fabric.server.port());
    let url = format!("fabric://127.0.0.1:{port}");
    let mut child = command(&["--json", "--quiet", "--url", &url, "ping", "--watch", "0.05"])
        .envs(fabric.environment().into_iter().skip(1))
        .stdout(Stdio::piped())
        .spawn()
        .expect("the command");
    let mut lines = BufReader::new(child.stdout.take().expect("piped")).lines();
    let mut rows = || -> Vec<Value> {
        let line = lines.next().expect("an answer").expect("UTF-8");
        let mut pings: Value = serde_json::from_str(&line).expect("JSON");
        std::mem::take(pings["pings"].as_array_mut().expect("a list"))
    };
    assert_eq!(rows().len(), 1, "the node alone");
    is_open.store(true, Ordering::SeqCst);
    let deadline = Instant::now() + Duration::from_secs(60);
    loop {
        let all = rows();
        if all.iter().filter(|row| row["what"] == "server").count() == 11 {
            break;
        }
        assert!(Instant::now() < deadline, "the farm has 11 servers: {all:?}");
    }
    child.kill().expect("killed");
    child.wait().expect("its end");
}

#[test]
fn groups_without_servers_are_a_problem() {
    let directory = Directory::new();
    let path = directory.path("new.json");
    let plan = ["plan", "range", "--table", "s.t", "--groups", "a,b", "--shards", "2"];
    run(&[&plan[..], &["--low", "1", "--high", "9", "--into", &path, "--quiet"]].concat());
    let url = format!("file:{path}");
    let ran = run(&["--url", &url, "status", "--strict"]);
    assert_eq!(ran.code, 1, "{ran:?}");
    for group in ["a", "b"] {
        assert!(
            ran.out.contains(&format!("group {group} of the tables has no servers")),
            "{ran:?}"
        );
    }
}

#[test]
fn the_keys_of_a_held_shard_are_no_other_one_s() {
    let directory = Directory::new();
    let shard = |id, bound, group| json!({"id": id, "lower_bound": bound, "group": group});
    let file = json!({"format": "libmysqlfabric topology", "version": 1,
        "tables": [{"schema": "s", "table": "t", "column": "id", "type": "HASH", "global_group": "g",
            "shards": [shard(1, "0".repeat(32), "g"), shard(3, format!("8{}", "0".repeat(31)), "h")]}],
        "held_shards": [{"schema": "s", "table": "t", "type": "HASH", "id": 2, "group": "h",
            "lower_bound": format!("4{}", "0".repeat(31))}],
        "groups": [{"id": "g", "servers": []}, {"id": "h", "servers": []}]});
    let url = format!("file:{}", directory.write("farm.json", &file.to_string()));
    let shards = run(&["--quiet", "--json", "--url", &url, "shards", "s.t"]).json();
    let shards = shards["shards"].as_array().expect("a list").iter();
    let shards: Vec<_> = shards.map(|of| (&of["id"], &of["state"], of["share"].as_f64())).collect();
    let (one, three, enabled) = (json!(1), json!(3), json!("ENABLED"));
    assert_eq!(
        shards,
        [
            (&one, &enabled, Some(0.25)),
            (&Value::Null, &json!("HELD"), Some(0.25)),
            (&three, &enabled, Some(0.5)),
        ]
    );
}

#[test]
fn writes_that_a_shard_does_not_take_are_a_problem() {
    let directory = Directory::new();
    let mut file: Value = serde_json::from_str(&documented()).expect("JSON");
    file["tables"][0]["shards"][1]["state"] = json!("READ_ONLY");
    let url = format!("file:{}", directory.write("farm.json", &file.to_string()));
    let ran = run(&["--url", &url, "status", "--strict"]);
    assert_eq!(ran.code, 1, "{ran:?}");
    assert!(ran.out.contains("employees.salaries: 1 of its shards are READ_ONLY"), "{ran:?}");
    let tables = run(&["--url", &url, "tables", "--json"]).json();
    let table = tables["tables"]
        .as_array()
        .expect("a list")
        .iter()
        .find(|of| of["table"] == "employees.salaries");
    assert_eq!(table.expect("the table")["read_only"], 1);
}

#[test]
fn a_group_that_nobody_tells_of_hides_no_other_one() {
    let directory = Directory::new();
    let account = [("MYSQLFABRIC_USER", "x"), ("MYSQLFABRIC_PASSWORD", "y")];
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let dead = listener.local_addr().expect("its address").to_string();
    drop(listener);
    let mut file: Value = serde_json::from_str(&documented()).expect("JSON");
    file["version"] = json!(2);
    let groups = file["groups"].as_array_mut().expect("groups");
    groups.push(json!({"id": "dead", "discover": "auto", "seeds": [dead]}));
    let url = format!("file:{}", directory.write("farm.json", &file.to_string()));
    for (args, part) in [
        (&["status"][..], "nobody tells which servers are in group 'dead'"),
        (&["groups"], "shard1"),
        (&["servers", "shard1"], "db11.example.com:3306"),
        (&["tables"], "employees.salaries"),
    ] {
        let ran = run_with(&[&["--quiet", "--url", &url], args].concat(), &account);
        assert!(ran.code == 3 && ran.out.contains(part), "{part}: {ran:?}");
        assert!(ran.err.contains("in group 'dead'"), "{ran:?}");
    }
    let ran = run_with(&["--quiet", "--url", &url, "servers", "dead"], &account);
    assert_eq!(ran.code, 3, "{ran:?}");
}
