//! A shard map goes into tables as a whole or not at all, and comes out as it was.

use serde_json::{Value, json};

use crate::client::{each, query, value};
use crate::command::{Directory, documented, fabric};
use crate::map::Map;
use crate::support::{Kind, RealServer};

/// The documented file with a zone, a shard that is moved, and a group that is asked for its servers.
fn file() -> String {
    let mut file: Value = serde_json::from_str(&documented()).expect("JSON");
    file["version"] = 2.into();
    file["tables"][0]["shards"][1]["state"] = "READ_ONLY".into();
    file["groups"][1]["servers"][1]["zone"] = "eu-west-1a".into();
    file["groups"].as_array_mut().expect("groups").push(
        json!({"id": "it's \u{fc}", "discover": "auto",
        "seeds": ["db31.example.com:3306", "db32.example.com:3306"],
        "weights": {"db32.example.com:3306": 0.25}}),
    );
    file.to_string()
}

/// The same, in the words in which the command writes files.
fn normal(directory: &Directory, path: &str) -> String {
    let url = format!("file:{path}");
    let to = directory.path("normal.json");
    crate::command::run(&["--url", &url, "export", &to]).said();
    std::fs::read_to_string(to).expect("a file")
}

#[test]
fn a_file_goes_in_and_comes_out_as_it_was() {
    for (kind, server) in each() {
        let (mut map, directory) = (Map::new(server), Directory::new());
        let path = directory.write("farm.json", &file());
        let would = map.run(&["import", "--dry-run", &path]).said();
        assert!(would.ends_with("would change: 24\n"), "{would}");
        assert_eq!(map.number(), "1", "{kind:?}");
        let done = map.run(&["import", &path]).said();
        assert_eq!(done.replace("changed:", "would change:"), would);
        assert_eq!(map.number(), "2");
        assert_eq!(map.run(&["export"]).said(), normal(&directory, &path), "{kind:?}");

        // Once more there is nothing to do, and handles need not look.
        let same = map.run(&["import", &path]).said();
        assert_eq!(same, "the tables have this map already\n");
        assert_eq!(map.number(), "2");

        // What is there is not replaced by the way.
        let other = directory.write("other.json", &documented());
        let said = map.run(&["import", &other]).complained(10);
        assert!(said.contains("4 tables and 4 groups") && said.contains("--replace"), "{said}");
        assert_eq!(map.number(), "2");
        let held = ["import", "--replace", "--release-held", "--quiet", "--json", &other];
        let done = map.run(&held).json();
        assert_eq!(done["imported"], true);
        let removed = done["changes"].as_array().expect("a list").iter();
        let removed = removed.filter(|change| change["change"] == "remove").count();
        assert_eq!(removed, 3, "a group and its servers: {done}");
        assert_eq!(map.number(), "3");
        assert_eq!(map.run(&["export"]).said(), normal(&directory, &other));

        // Lookups find what the file has.
        let route = ["route", "web.sessions", "a", "b", "c", "--json"];
        let of_file = format!("file:{other}");
        let of_file = crate::command::run(&[&["--url", &of_file], &route[..]].concat()).said();
        assert_eq!(map.run(&route).said(), of_file);
    }
}

#[test]
fn fabric_goes_in_and_is_not_written() {
    let Some(server) = RealServer::shared(Kind::Mysql) else { return };
    let (map, fabric) = (Map::new(server), fabric());
    let mut import = map.command(&["import", "--from", &fabric.url]);
    import.env("MYSQLFABRIC_FABRIC_USER", "admin").env("MYSQLFABRIC_FABRIC_PASSWORD", "secret");
    let ran: crate::command::Ran = import.output().expect("the command").into();
    assert!(ran.said().contains("\nchanged: "));
    for args in [
        &["route", "employees.salaries", "5", "10021", "--json"][..],
        &["route", "hashdb.users", "x", "y", "z", "--json"],
        &["shards", "log.events", "--json"],
        &["tables"],
    ] {
        assert_eq!(map.run(args).said(), fabric.run(args).said(), "{args:?}");
    }
    let said = map.run(&["import", "--url", &fabric.url, "/dev/null"]);
    assert!(said.complained(2).contains("mysql://"));
}

#[test]
fn a_map_that_the_tables_cannot_hold_is_refused_by_its_row() {
    let Some(server) = RealServer::shared(Kind::Mysql) else { return };
    let (mut map, directory) = (Map::new(server), Directory::new());
    let long = "x".repeat(65);
    for (from, to, part) in [
        ("db22.example.com", "db12.example.com", "db12.example.com:3306 of group 'shard2'"),
        ("\"weight\": 0.5", "\"weight\": 0.5, \"zone\": \"Z\u{fc}rich\"", "zone 'Z\u{fc}rich'"),
        ("\"employees\"", &format!("\"{long}\""), "schema 'xxx"),
        ("\"shard1\"", "\"shard1 \"", "ends with a blank"),
        ("\"mode\": 1", "\"mode\": 9", "db22.example.com:3306 of group 'shard2': mode 9"),
    ] {
        let path = directory.write("farm.json", &documented().replace(from, to));
        let said = map.run(&["import", &path]).complained(6);
        assert!(said.contains(part), "{part}: {said}");
    }
    assert_eq!(map.number(), "1");
}

#[test]
fn a_server_that_refuses_half_of_it_keeps_nothing() {
    let Some(server) = RealServer::shared(Kind::Mysql) else { return };
    let (mut map, directory) = (Map::new(server), Directory::new());
    let path = directory.write("farm.json", &documented());
    let (name, database) = (map.account.user.clone(), map.database().to_owned());
    map.change(&format!(
        "CREATE TRIGGER {database}.t BEFORE INSERT ON {database}.shards FOR EACH ROW \
        SIGNAL SQLSTATE '45000' SET MESSAGE_TEXT = 'not this one'"
    ));
    let said = map.run(&["import", &path]).complained(5);
    assert!(said.contains("nothing was changed") && said.contains("not this one"), "{said}");
    let groups = value(&mut map.session, &format!("SELECT COUNT(*) FROM {database}.groups_"));
    assert_eq!((groups.as_str(), map.number().as_str()), ("0", "1"));
    map.change(&format!("REVOKE UPDATE ON {database}.* FROM {name}@'%'"));
    assert!(map.run(&["import", &path]).complained(4).contains("UPDATE"));
    map.change(&format!("DROP TABLE {database}.shards"));
    let said = map.run(&["export"]).complained(5);
    assert!(said.contains("sql/mysqlfabric.sql"), "{said}");
}

#[test]
fn somebody_who_changes_the_map_is_waited_for_as_long_as_is_told() {
    let Some(server) = RealServer::shared(Kind::Mysql) else { return };
    let (mut map, directory) = (Map::new(server), Directory::new());
    let path = directory.write("farm.json", &documented());
    let database = map.database().to_owned();
    map.change("START TRANSACTION");
    map.change(&format!("UPDATE {database}.version SET number = number + 1"));
    let said = map.run(&["--timeout", "1", "import", &path]).complained(3);
    assert!(said.contains("in time"), "{said}");
    // To look takes no lock.
    assert!(map.run(&["import", "--dry-run", &path]).said().contains("would change: "));
    map.change("ROLLBACK");
    assert_eq!(map.number(), "1");
}

#[test]
fn a_disabled_shard_stays_refused_in_a_file() {
    let Some(server) = RealServer::shared(Kind::Mysql) else { return };
    let (mut map, directory) = (Map::new(server), Directory::new());
    let path = directory.write("farm.json", &documented());
    map.run(&["import", &path]).said();
    let database = map.database().to_owned();
    map.change(&format!("UPDATE {database}.shards SET state = 'DISABLED' WHERE shard_id = 2"));
    let to = directory.path("export.json");
    map.run(&["export", &to]).said();
    let url = format!("file:{to}");
    let route = ["--url", &url, "route", "employees.salaries", "10021"];
    assert_eq!(crate::command::run(&route).code, 8);
    // And comes back as it was: an export is a backup.
    let of_tables = map.run(&["export"]).said();
    assert_eq!(map.run(&["import", &to]).said(), "the tables have this map already\n");
    for table in ["shards", "tables", "servers", "groups_"] {
        map.change(&format!("DELETE FROM {database}.{table}"));
    }
    map.run(&["import", &to]).said();
    assert_eq!(map.run(&["export"]).said(), of_tables);
    let state = format!("SELECT state FROM {database}.shards WHERE shard_id = 2");
    assert_eq!(value(&mut map.session, &state), "DISABLED");
    // Where its rows were has to be told.
    let text = std::fs::read_to_string(&to).expect("a file");
    let unknown = directory.write("unknown.json", &text.replace("\"id\": 2,", ""));
    let said = map.run(&["import", "--replace", &unknown]).complained(6);
    assert!(said.contains("held_shards"), "{said}");
    // A table without shards is none in a file.
    map.change(&format!("UPDATE {database}.shards SET state = 'DISABLED'"));
    for args in [&["export", &to][..], &["export"]] {
        let said = map.run(args).complained(6);
        assert!(
            said.contains("table employees.salaries: it has no shard that is not DISABLED"),
            "{said}"
        );
        assert!(said.contains("make one READ_ONLY"), "{said}");
    }
    assert_eq!(std::fs::read_to_string(&to).expect("a file"), text);
    // One of each is enough.
    let least = "UPDATE shards JOIN (SELECT schema_name s, table_name t, MIN(lower_bound) b FROM shards \
                 GROUP BY schema_name, table_name) least ON schema_name = s AND table_name = t AND \
                 lower_bound = b SET state = 'READ_ONLY'";
    map.change(&format!("USE {database}"));
    map.change(least);
    let of_tables = map.run(&["export"]).said();
    map.run(&["export", &to]).said();
    map.run(&["import", "--replace", "--release-held", "--quiet", &path]).said();
    map.run(&["import", "--replace", &to]).said();
    assert_eq!(map.run(&["export"]).said(), of_tables);
}

#[test]
fn a_shard_that_is_held_is_not_let_go_by_the_way() {
    let Some(server) = RealServer::shared(Kind::Mysql) else { return };
    let (mut map, directory) = (Map::new(server), Directory::new());
    let path = directory.write("farm.json", &documented());
    map.run(&["import", &path]).said();
    let database = map.database().to_owned();
    map.change(&format!("UPDATE {database}.shards SET state = 'READ_ONLY' WHERE shard_id = 2"));
    let would = map.run(&["import", "--dry-run", &path]);
    assert!(would.code == 0 && would.err.contains("would be let go"), "{would:?}");
    let why = map.run(&["import", "--replace", &path]).complained(10);
    assert!(why.contains("shard 2 of employees.salaries is READ_ONLY"), "{why}");
    assert!(why.contains("--release-held"), "{why}");
    assert_eq!(map.number(), "2");
    // What keeps it is no matter.
    let kept = directory.path("kept.json");
    map.run(&["export", &kept]).said();
    let text = std::fs::read_to_string(&kept).expect("a file");
    let kept = directory.write("kept.json", &text.replace("\"weight\": 0.5", "\"weight\": 0.25"));
    map.run(&["import", "--replace", &kept]).said();
    let done = map.run(&["import", "--replace", "--release-held", &path]);
    assert!(done.code == 0 && done.err.contains("was let go"), "{done:?}");
}

#[test]
fn what_a_plan_prints_as_sql_is_what_the_tables_take() {
    let Some(server) = RealServer::shared(Kind::Mysql) else { return };
    let mut map = Map::new(server);
    let database = map.database().to_owned();
    map.change(&format!("USE {database}"));
    map.change("INSERT INTO groups_ (group_id) VALUES ('a'), ('b')");
    let apply = |map: &mut Map, sql: &str| {
        for statement in sql.split(";\n").filter(|statement| !statement.is_empty()) {
            map.change(statement);
        }
    };
    let plan = ["plan", "hash", "--table", "s.t", "--groups", "a", "--shards", "3", "--sql"];
    let sql = map.run(&plan).said();
    apply(&mut map, &sql);
    assert_eq!(map.number(), "2");
    let plan = ["plan", "hash", "--table", "s.t", "--groups", "a,b", "--shards", "4", "--current"];
    let ran = map.run(&[&plan[..], &["--sql"]].concat());
    assert!(ran.code == 0 && ran.err.contains("keys move"), "{ran:?}");
    // Of a map that is another one by now, nothing is changed.
    map.change(&format!("UPDATE {database}.shards SET state = 'READ_ONLY' LIMIT 1"));
    let guard = |sql: &str| -> Vec<String> {
        sql.split(";\n").skip(2).take(2).map(str::to_owned).collect()
    };
    let guards = guard(&ran.out);
    map.change(&guards[0]);
    let refused = query(&mut map.session, &guards[1]).expect_err("a shard has another state");
    assert_eq!(refused.errno(), Some(1062), "{refused:?}");
    let held = map.run(&[&plan[..], &["--sql"]].concat()).complained(10);
    assert!(held.contains("is READ_ONLY, and the plan would change it"), "{held}");
    map.change(&format!("UPDATE {database}.shards SET state = 'ENABLED'"));
    map.change(&format!("DELETE FROM {database}.shards LIMIT 1"));
    query(&mut map.session, &guards[0]).expect_err("a shard is gone");
    let sql = map.run(&[&plan[..4], &["--groups", "a", "--shards", "3", "--sql"]].concat());
    map.change(&format!("DELETE FROM {database}.shards"));
    map.change(&format!("DELETE FROM {database}.tables"));
    apply(&mut map, &sql.said());
    apply(&mut map, &ran.out);
    let shards = map.run(&["shards", "s.t", "--json"]).json();
    assert_eq!(shards["shards"].as_array().map(Vec::len), Some(4));
    assert!(map.run(&plan).said().ends_with("no key moves\n"));
}
