//! Files that are written can be read, and say the same.

use serde_json::Value;

use crate::support::{Directory, documented, fabric, run};

/// What each table says of where its keys are.
fn shards(url: &str) -> Vec<String> {
    let tables = run(&["--url", url, "--json", "tables"]).json();
    let names = tables["tables"].as_array().expect("a list").iter();
    let names = names.map(|table| table["table"].as_str().expect("a name").to_owned());
    names.map(|name| run(&["--url", url, "--json", "shards", &name]).said()).collect()
}

#[test]
fn a_dump_is_a_file_that_handles_start_from() {
    let (fabric, directory) = (fabric(), Directory::new());
    let path = directory.path("dump.json");
    assert_eq!(fabric.run(&["dump", &path]).said(), "");
    let of_file = shards(&format!("file:{path}"));
    assert_eq!(of_file.len(), 9);
    let first = fabric.run(&["--json", "shards", "crm.names"]).said();
    assert_eq!(of_file[0], first);
    let text = std::fs::read_to_string(&path).expect("a file");
    assert!(text.contains("\"checksum\""), "it is sealed");
}

#[test]
fn an_export_is_a_file_for_people_and_comes_back_as_it_was() {
    let (fabric, directory) = (fabric(), Directory::new());
    let path = directory.path("export.json");
    assert_eq!(fabric.run(&["export", &path]).said(), "");
    let text = std::fs::read_to_string(&path).expect("a file");
    assert!(!text.contains("checksum") && text.contains("\"lower_bound\": 10001"), "{text}");
    let url = format!("file:{path}");
    assert_eq!(shards(&url).len(), 9);
    assert_eq!(run(&["--url", &url, "export"]).said(), text);
    let route = ["route", "hashdb.users", "x", "y", "z", "--json"];
    let routed = fabric.run(&route).said();
    assert_eq!(run(&[&["--url", &url], &route[..]].concat()).said(), routed);
}

#[test]
fn links_and_what_is_no_regular_file_stay() {
    use std::fs;
    use std::os::unix::fs::{FileTypeExt, PermissionsExt, symlink};
    use std::process::Command;

    let (fabric, directory) = (fabric(), Directory::new());
    let (link, pipe) = (directory.path("link.json"), directory.path("pipe"));
    let file = directory.write("file.json", "old");
    fs::set_permissions(&file, fs::Permissions::from_mode(0o640)).expect("a mode");
    symlink("file.json", &link).expect("a link");
    assert!(Command::new("mkfifo").arg(&pipe).status().expect("mkfifo").success());
    for command in ["export", "dump"] {
        assert_eq!(fabric.run(&[command, &link]).said(), "");
        assert!(fs::read_to_string(&file).expect("a file").contains("hashdb"));
        assert_eq!(fs::metadata(&file).expect("a file").permissions().mode() & 0o7777, 0o640);
        assert!(fs::symlink_metadata(&link).expect("a link").is_symlink());
        let why = fabric.run(&[command, &pipe]).complained(6);
        assert!(why.contains("no regular file"), "{why}");
        assert!(fs::symlink_metadata(&pipe).expect("a pipe").file_type().is_fifo());
    }
}

#[test]
fn discovered_groups_and_held_shards_are_exported() {
    let directory = Directory::new();
    let mut file: Value = serde_json::from_str(&documented()).expect("JSON");
    file["version"] = 2.into();
    file["groups"][0] = serde_json::json!({"id": "global", "discover": "auto",
        "seeds": ["db1:3306", "[::1]:3307"], "weights": {"db1:3306": 0.5}, "zones": {"[::1]:3307": "z"}});
    file["held_shards"] = serde_json::json!([{"schema": "employees", "table": "salaries",
        "type": "RANGE", "lower_bound": 20001}]);
    file["tables"][0]["shards"][1]["state"] = "READ_ONLY".into();
    let path = directory.write("farm.json", &file.to_string());
    let said = run(&["--url", &format!("file:{path}"), "export"]).said();
    let exported: Value = serde_json::from_str(&said).expect("JSON");
    for member in ["version", "held_shards"] {
        assert_eq!(exported[member], file[member], "{member}");
    }
    assert_eq!(exported["groups"][0], file["groups"][0]);
    assert_eq!(exported["tables"][0], file["tables"][0]);
}
