//! Errors and doubts of a file.

use serde_json::json;

use crate::support::{Directory, documented, fabric, run};

#[test]
fn a_file_without_fault_is_told_so() {
    let directory = Directory::new();
    let good = json!({
        "format": "libmysqlfabric topology", "version": 2,
        "tables": [{"schema": "s", "table": "t", "column": "c", "type": "HASH", "global_group": "a",
            "shards": [{"id": 1, "lower_bound": "0".repeat(32), "group": "a"},
                       {"id": 2, "lower_bound": "8".repeat(32), "group": "b"}]}],
        "groups": [{"id": "a", "discover": "auto", "seeds": ["a1", "a2"]},
                   {"id": "b", "discover": "auto", "seeds": ["b1", "b2"]}],
    });
    let path = directory.write("good.json", &good.to_string());
    assert_eq!(run(&["check", "--strict", &path]).said(), "nothing to find fault with\n");
}

#[test]
fn doubts_are_told_and_errors_end_otherwise() {
    let directory = Directory::new();
    let path = directory.write("doubts.json", &documented());
    let said = run(&["check", &path]).said();
    for line in [
        "doubt  group global       it has no SECONDARY: reads go to the primary",
        "doubt  table shop.orders  keys below its lowest bound, 1970-01-01 00:00:00, have no shard",
        "errors: 0, doubts: 2",
    ] {
        assert!(said.contains(line), "{line}: {said}");
    }
    assert_eq!(run(&["check", "--strict", &path]).code, 1);
    let path = directory
        .write("error.json", &documented().replace("\"id\": \"shard2\"", "\"id\": \"shard9\""));
    let ran = run(&["check", "--json", &path]);
    assert_eq!(ran.code, 1);
    let found: serde_json::Value = serde_json::from_str(&ran.out).expect("JSON");
    assert_eq!((&found["errors"], &found["doubts"]), (&json!(1), &json!(0)));
    let finding = found["findings"][0]["finding"].as_str().expect("a text");
    assert!(finding.contains("shard9") || finding.contains("shard2"), "{finding}");
    assert!(run(&["check", "/nonexistent"]).complained(6).contains("/nonexistent"));
}

#[test]
fn the_farm_of_a_source_is_checked_too() {
    let said = fabric().run(&["check"]).said();
    let line = "group shard10          no table has a shard in it, and none its global group";
    assert!(said.contains(line), "{said}");
    assert!(said.contains("group shard2 has 87.786 % of its keys"), "{said}");
}
