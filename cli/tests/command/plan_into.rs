//! A plan goes into a topology file, all else of which stays.

use std::fs::{self, File};
use std::io::Write;
use std::os::unix::fs::{FileTypeExt, PermissionsExt, symlink};
use std::process::{Child, ChildStdin, Stdio};

use serde_json::{Value, json};

use crate::support::{Directory, Ran, command, documented, exists, fabric, run, start};

fn read(path: &str) -> String {
    fs::read_to_string(path).expect("a file")
}

fn parsed(path: &str) -> Value {
    serde_json::from_str(&read(path)).expect("JSON")
}

#[test]
fn a_file_is_made_table_by_table() {
    let directory = Directory::new();
    let path = directory.path("farm.json");
    let plan = ["plan", "hash", "--table", "shop.carts", "--groups", "a,b", "--shards", "4"];
    let shown = run(&plan).said();
    let made = run(&[&plan[..], &["--into", &path]].concat());
    assert_eq!((made.code, &made.out), (0, &shown), "{made:?}");
    assert!(made.err.contains("no servers yet"), "{made:?}");
    let checked = run(&["check", &path]).said();
    assert!(checked.contains("group a  it has no servers"), "{checked}");
    let mut file = parsed(&path);
    for (at, group) in file["groups"].as_array_mut().expect("groups").iter_mut().enumerate() {
        group["servers"] = json!([{"uuid": format!("u{at}"), "host": "127.0.0.1", "port": 3306 + at,
            "mode": "READ_WRITE", "status": "PRIMARY", "weight": 1}]);
    }
    fs::write(&path, file.to_string()).expect("written");
    let range = ["plan", "range", "--table", "shop.orders", "--groups", "b,a", "--shards", "2"];
    let range = [&range[..], &["--low", "1", "--high", "101", "--into", &path]].concat();
    assert!(run(&range).said().contains("\n         51  a "));
    let url = format!("file:{path}");
    let route = |table, key| {
        run(&["--url", &url, "route", table, key, "--print", "port"]).said().trim().to_owned()
    };
    assert_eq!(
        (route("shop.orders", "50"), route("shop.orders", "51")),
        ("3307".into(), "3306".into())
    );
    assert!(["3306", "3307"].contains(&&*route("shop.carts", "17")));
    // A wide bound would be refused by every handle.
    let keys = directory.write("keys", &format!("{}\n{}\n", "a".repeat(300), "b".repeat(300)));
    let wide =
        ["plan", "range", "--table", "shop.names", "--type", "RANGE_STRING", "--groups", "a,b"];
    let wide = [&wide[..], &["--shards", "2", "--keys", &keys, "--into", &path]].concat();
    let before = read(&path);
    let why = run(&wide).complained(6);
    assert!(why.contains("is not written") && why.contains("255"), "{why}");
    assert_eq!(read(&path), before);
}

#[test]
fn all_else_of_a_file_stays() {
    let directory = Directory::new();
    let text = documented();
    let path = directory.write("farm.json", &text);
    let plan =
        ["plan", "hash", "--table", "web.sessions", "--groups", "shard1,shard2", "--shards", "4"];
    let ran = run(&[&plan[..], &["--json", "--into", &path]].concat());
    assert!(ran.code == 0 && ran.err.contains("keys move"), "{ran:?}");
    let planned: Value = serde_json::from_str(&ran.out).expect("JSON");
    assert!(planned["moves"].as_array().is_some_and(|moves| !moves.is_empty()), "{planned}");
    let (before, after) = (text.split_once("\"table\": \"sessions\""), read(&path));
    let before = before.expect("the table").0.rsplit_once('{').expect("its begin").0;
    let behind = text.split_once("\n  \"groups\"").expect("groups").1;
    assert!(after.starts_with(before) && after.ends_with(behind), "{after}");
    let table = &parsed(&path)["tables"][3];
    assert_eq!((&table["column"], &table["global_group"]), (&json!("id"), &json!("global")));
    assert_eq!(table["shards"].as_array().map(Vec::len), Some(4));
    assert!(table["shards"][0]["id"].as_i64() > Some(8), "numbers are not used again: {table}");

    let before = read(&path);
    for (args, code, part) in [
        (
            &["--groups", "shard1,shard3", "--shards", "4"][..],
            7,
            "has no group shard3, but: global, shard1",
        ),
        (&["--groups", "shard1", "--shards", "4", "--global", "none"], 7, "has no group none"),
        (&["--groups", "shard1", "--shards", "4", "--old", &path], 2, "--old"),
        (&["--groups", "shard1", "--shards", "4", "--current"], 2, "--current"),
        (&["--groups", "shard1", "--shards", "4", "--sql"], 2, "--sql"),
    ] {
        let args = [&["plan", "hash", "--table", "web.sessions", "--into", &path], args].concat();
        let why = run(&args).complained(code);
        assert!(why.contains(part), "{part}: {why}");
        assert_eq!(read(&path), before, "{args:?}");
    }
    // Nobody means app.t.
    let why = run(&["plan", "hash", "--groups", "shard1", "--shards", "1", "--into", &path]);
    assert!(why.complained(2).contains("--table"));
    let ring = ["plan", "hash", "--table", "shop.orders", "--groups", "shard1", "--shards", "1"];
    assert!(
        run(&[&ring[..], &["--into", &path]].concat()).complained(2).contains("RANGE_DATETIME")
    );
    assert_eq!(read(&path), before);
}

#[test]
fn what_is_held_in_a_file_stays_so_or_is_not_planned_anew() {
    let directory = Directory::new();
    let mut file: Value = serde_json::from_str(&documented()).expect("JSON");
    file["tables"][0]["shards"] = json!([{"id": 1, "lower_bound": 0, "group": "shard1"},
        {"id": 2, "lower_bound": 100, "group": "shard2", "state": "READ_ONLY"},
        {"id": 3, "lower_bound": 200, "group": "shard1"}]);
    file["held_shards"] = json!([{"schema": "employees", "table": "salaries", "type": "RANGE",
        "lower_bound": 300, "id": 4, "group": "shard2", "since": 4_000_000_000_u64}]);
    let path = directory.write("farm.json", &file.to_string());
    let plan = |shards, groups, high| {
        let args = ["plan", "range", "--table", "employees.salaries", "--low", "0", "--high", high];
        run(&[&args[..], &["--shards", shards, "--groups", groups, "--into", &path]].concat())
    };
    for (shards, groups, high) in [("8", "shard1,shard2", "400"), ("4", "shard1,global", "400")] {
        let why = plan(shards, groups, high).complained(10);
        assert!(why.contains("and the plan would change it"), "{why}");
        assert_eq!(parsed(&path), file);
    }
    // A type of the same class is no other one.
    let same = ["plan", "range", "--type", "RANGE_INTEGER", "--table", "employees.salaries"];
    let same = [&same[..], &["--groups", "shard1,shard2", "--low", "0", "--high", "400"]].concat();
    let said = run(&[&same[..], &["--shards", "4", "--into", &path]].concat()).said();
    assert!(said.ends_with("\nno key moves\n"), "{said}");
    let after = parsed(&path);
    assert_eq!(after["held_shards"], file["held_shards"]);
    let states = after["tables"][0]["shards"].as_array().expect("shards").iter();
    let states: Vec<_> = states.map(|of| of["state"].as_str()).collect();
    assert_eq!(states, [None, Some("READ_ONLY"), None]);
    let url = format!("file:{path}");
    for (key, code) in [("50", 0), ("150", 8), ("250", 0), ("350", 8)] {
        assert_eq!(run(&["--url", &url, "route", "employees.salaries", key]).code, code, "{key}");
    }
    let why = run(&[&same[..], &["--shards", "4", "--old", &path, "--file"]].concat());
    assert!(why.complained(10).contains("the shard from 300 is DISABLED"));
    // Where its rows are is not known.
    file["held_shards"][0].as_object_mut().expect("an object").remove("id");
    fs::write(&path, file.to_string()).expect("written");
    let why = plan("4", "shard1,shard2", "400").complained(10);
    assert!(why.contains("from '300' is held"), "{why}");
}

#[test]
fn links_modes_and_what_is_no_file_for_people_stay() {
    let directory = Directory::new();
    let plan = |path: &str| {
        let args = ["plan", "hash", "--table", "s.t", "--groups", "shard1", "--shards", "2"];
        run(&[&args[..], &["--into", path]].concat())
    };
    let (link, file) = (directory.path("link"), directory.write("file.json", &documented()));
    fs::set_permissions(&file, fs::Permissions::from_mode(0o640)).expect("a mode");
    symlink("file.json", &link).expect("a link");
    plan(&link).said();
    assert!(read(&file).contains("\"schema\": \"s\""));
    assert_eq!(fs::metadata(&file).expect("a file").permissions().mode() & 0o7777, 0o640);
    assert!(fs::symlink_metadata(&link).expect("a link").is_symlink());
    let pipe = directory.path("pipe");
    assert!(std::process::Command::new("mkfifo").arg(&pipe).status().expect("mkfifo").success());
    assert!(plan(&pipe).complained(6).contains("no regular file"));
    assert!(fs::symlink_metadata(&pipe).expect("a pipe").file_type().is_fifo());
    let sealed = directory.path("sealed.json");
    fabric().run(&["dump", &sealed]).said();
    let before = read(&sealed);
    assert!(plan(&sealed).complained(6).contains("is sealed by a checksum"));
    assert_eq!(read(&sealed), before);
    let broken = directory.write("broken.json", "{");
    assert!(plan(&broken).complained(6).contains("broken.json"));
    let nowhere = directory.path("nowhere/farm.json");
    assert!(plan(&nowhere).complained(6).contains("cannot be written"));
    assert!(!exists(&nowhere));
}

/// Arguments of a plan of table `s.NAME` with two shards, into a file.
fn into<'a>(table: &'a str, path: &'a str, more: &[&'a str]) -> Vec<&'a str> {
    let plan = ["plan", "range", "--table", table, "--groups", "shard1", "--shards", "2"];
    [&plan[..], &["--into", path], more].concat()
}

#[test]
fn plans_at_once_are_all_in_the_file() {
    let directory = Directory::new();
    let path = directory.write("farm.json", &documented());
    let tables: Vec<String> = (0..8).map(|number| format!("s.t{number}")).collect();
    let start = |table: &String| {
        command(&into(table, &path, &["--low", "1", "--high", "9"]))
            .stdout(Stdio::null())
            .spawn()
            .expect("the command")
    };
    for mut child in tables.iter().map(start).collect::<Vec<_>>() {
        assert!(child.wait().expect("its end").success());
    }
    let file = parsed(&path);
    let known = file["tables"].as_array().expect("tables").iter();
    let known: Vec<_> = known.filter(|of| of["schema"] == "s").collect();
    assert_eq!(known.len(), tables.len(), "{file}");
}

#[test]
fn what_changes_while_a_plan_is_made_stays_or_is_told() {
    let directory = Directory::new();
    let path = directory.write("farm.json", &documented());
    let begin = |table| {
        let mut child = start(&into(table, &path, &["--keys", "-"]));
        let mut to = child.stdin.take().expect("piped");
        // More than a pipe holds: the file was read before the last of them is.
        to.write_all("1\n2\n3\n".repeat(40_000).as_bytes()).expect("it reads");
        (child, to)
    };
    let end = |(child, to): (Child, ChildStdin)| -> Ran {
        drop(to);
        child.wait_with_output().expect("its end").into()
    };
    let (other, same) = (begin("s.slow"), begin("s.quick"));
    run(&into("s.quick", &path, &["--low", "1", "--high", "9"])).said();
    assert_eq!(end(other).code, 0);
    let before = read(&path);
    let why = end(same).complained(10);
    assert!(why.contains("s.quick was changed in") && why.contains("plan it again"), "{why}");
    assert_eq!(read(&path), before);
    let names: Vec<_> = parsed(&path)["tables"]
        .as_array()
        .expect("tables")
        .iter()
        .filter(|of| of["schema"] == "s")
        .map(|of| of["table"].clone())
        .collect();
    assert_eq!(names, ["quick", "slow"]);
}

#[test]
fn nobody_waits_for_ever_for_a_lock() {
    let directory = Directory::new();
    let path = directory.write("farm.json", &documented());
    let lock = File::open(directory.path("")).expect("the directory");
    lock.lock().expect("a lock");
    let args = into("s.t", &path, &["--low", "1", "--high", "9", "--timeout", "0.1"]);
    let why = run(&args).complained(6);
    assert!(why.contains("another process has locked its directory for 0.1 s"), "{why}");
    let export = ["--url", &format!("file:{path}"), "--timeout", "0.1", "export", &path];
    assert!(run(&export).complained(6).contains("another process"));
    assert_eq!(read(&path), documented());
    drop(lock);
    run(&args).said();
}

#[test]
fn no_plan_leaves_keys_without_a_shard_or_takes_another_column() {
    let directory = Directory::new();
    let path = directory.write("farm.json", &documented());
    let plan = |low, more: &[&str]| {
        let args = ["plan", "range", "--table", "employees.salaries", "--groups", "shard1,shard2"];
        let args = [&args[..], &["--shards", "2", "--high", "900", "--low", low, "--into", &path]];
        run(&[&args.concat(), more].concat())
    };
    let before = read(&path);
    let why = plan("100", &[]).complained(2);
    assert!(why.contains("keys from '1' to below '100' are in group shard1"), "{why}");
    let why = plan("1", &["--column", "other"]).complained(2);
    assert!(why.contains("is sharded by 'emp_no'"), "{why}");
    assert_eq!(read(&path), before);
    assert_eq!(plan("1", &["--column", "emp_no"]).code, 0);
}

#[test]
fn a_dash_is_no_name_of_a_file() {
    let directory = Directory::new();
    let at = |args: &[&str]| -> Ran {
        command(args).current_dir(directory.path("")).output().expect("the command").into()
    };
    let fabric = fabric();
    let with = |args: &[&str]| -> Ran {
        let mut command = command(args);
        command.envs(fabric.environment()).current_dir(directory.path(""));
        command.output().expect("the command").into()
    };
    assert!(
        at(&into("s.t", "-", &["--low", "1", "--high", "9"])).complained(2).contains("no file")
    );
    assert!(with(&["dump", "-"]).complained(2).contains("no file"));
    let table = "disabled_db.t";
    assert!(with(&["export", "-"]).said().contains(table.split_once('.').expect("a name").0));
    assert!(!exists(&directory.path("-")));
}
