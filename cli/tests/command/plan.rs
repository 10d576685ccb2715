//! A plan says what the library then does: shares within the error of a sample, moves to the key.

use std::collections::BTreeMap;

use md5::{Digest, Md5};
use mysqlfabric::config::Config;
use mysqlfabric::router::{Router, Scope};
use mysqlfabric::topology::{Key, Wanted};
use serde_json::{Value, json};

use crate::support::{Directory, run, run_on};

const KEYS: usize = 100_000;

/// A farm of one table, from what `plan --file` prints.
fn farm(table: &str, groups: &[&str]) -> String {
    let groups = groups.iter().map(|group| {
        json!({"id": group, "servers": [{"uuid": group, "host": group, "port": 1,
            "mode": "READ_WRITE", "status": "PRIMARY", "weight": 1}]})
    });
    let table: Value = serde_json::from_str(table).expect("JSON");
    json!({"format": "libmysqlfabric topology", "version": 1, "tables": [table],
        "groups": groups.collect::<Vec<_>>()})
    .to_string()
}

/// The library with this file.
fn router(path: &str) -> Router {
    let mut config = Config { background_refresh: false, ..Config::default() };
    config.set_source(&format!("file:{path}")).expect("a URL");
    let router = Router::new(config);
    router.seed(None).expect("a file");
    router
}

fn group_of(router: &Router, table: &str, key: &str) -> Option<String> {
    let (tables, key) = ([table.as_bytes()], Key::Text(key.as_bytes()));
    let group =
        router.shard_server(&tables, Some(key), Scope::Local, Wanted::Primary, |group, _| {
            Ok(group.to_owned())
        });
    group.ok()
}

fn digest(key: &str) -> String {
    Md5::digest(key.as_bytes()).iter().map(|byte| format!("{byte:02X}")).collect()
}

fn text<'v>(value: &'v Value, member: &str) -> Option<&'v str> {
    value[member].as_str()
}

/// Whether a digest is in an interval of the ring. Texts of one length are in the order of numbers.
fn is_on_arc(digest: &str, of: &Value) -> bool {
    let (from, until) = (text(of, "from").expect("a bound"), text(of, "until").expect("a bound"));
    match from < until {
        true => (from..until).contains(&digest),
        false => digest >= from || digest < until,
    }
}

/// Expects a part of many keys to be a share of all, within six standard deviations.
#[track_caller]
fn expect_share(count: usize, share: f64) {
    let expected = share * KEYS as f64;
    let most = 6.0 * (expected * (1.0 - share)).sqrt() + 1.0;
    assert!((count as f64 - expected).abs() <= most, "{count} for {expected}");
}

struct Plans {
    directory: Directory,
    groups: &'static [&'static str],
}

impl Plans {
    /// What a plan announces, and the library with it.
    fn make(&self, args: &[&str], name: &str) -> (Value, Router, String) {
        let announced = run(&[args, &["--json"]].concat()).json();
        let table = run(&[args, &["--file"]].concat()).said();
        let path = self.directory.write(name, &farm(&table, self.groups));
        (announced, router(&path), path)
    }
}

#[test]
fn hash_shares_and_moves_are_what_the_library_does() {
    let plans = Plans { directory: Directory::new(), groups: &["a", "b", "c", "d"] };
    let old = ["plan", "hash", "--table", "s.t", "--groups", "a,b,c", "--shards", "7"];
    let (old_plan, old_router, old_path) = plans.make(&old, "old.json");
    assert_eq!(old_plan["moves"], Value::Null);
    for new in [
        &["--groups", "a,b,c,d", "--shards", "7"][..],
        &["--groups", "a,b,c,d", "--shards", "64"],
        &["--groups", "b,d", "--shards", "5"],
        &["--groups", "d", "--shards", "1"],
    ] {
        let args = [&["plan", "hash", "--table", "s.t", "--old", &old_path], new].concat();
        let (plan, router, _) = plans.make(&args, "new.json");
        let moves = plan["moves"].as_array().expect("a list");
        let mut counts: BTreeMap<String, usize> = BTreeMap::new();
        let mut moved = vec![0; moves.len()];
        for number in 0..KEYS {
            let key = format!("user{number}");
            let old = group_of(&old_router, "s.t", &key).expect("a group");
            let new = group_of(&router, "s.t", &key).expect("a group");
            let digest = digest(&key);
            let on: Vec<usize> =
                (0..moves.len()).filter(|at| is_on_arc(&digest, &moves[*at])).collect();
            match on.as_slice() {
                [] => assert_eq!(old, new, "{key} moves, and nobody said so"),
                [at] => {
                    let of = &moves[*at];
                    let announced = (text(of, "old_group"), text(of, "new_group"));
                    assert_eq!(announced, (Some(old.as_str()), Some(new.as_str())), "{key}");
                    moved[*at] += 1;
                }
                _ => panic!("{key} is announced twice"),
            }
            *counts.entry(new).or_default() += 1;
        }
        for group in plan["groups"].as_array().expect("a list") {
            let name = text(group, "group").expect("a name");
            let share = group["share"].as_f64().expect("a share");
            expect_share(counts.get(name).copied().unwrap_or_default(), share);
        }
        for (of, count) in moves.iter().zip(&moved) {
            expect_share(*count, of["share"].as_f64().expect("a share"));
        }
        let shares: f64 = moves.iter().filter_map(|of| of["share"].as_f64()).sum();
        assert!((plan["moved_share"].as_f64().expect("a share") - shares).abs() < 1e-12);
    }
}

#[test]
fn one_more_group_moves_no_more_than_it_gets() {
    let directory = Directory::new();
    let old = ["plan", "hash", "--table", "s.t", "--groups", "a,b,c", "--shards", "12", "--file"];
    let path = directory.write("old.json", &farm(&run(&old).said(), &["a", "b", "c"]));
    let new =
        ["plan", "hash", "--table", "s.t", "--groups", "a,b,c,d", "--shards", "12", "--old", &path];
    let plan = run(&[&new[..], &["--json"]].concat()).json();
    assert!((plan["moved_share"].as_f64().expect("a share") - 0.25).abs() < 1e-9, "{plan}");
    assert!(plan["moves"].as_array().expect("moves").iter().all(|of| of["new_group"] == "d"));
    // Nothing moves where nothing is to change; numbers of shards are not used again.
    let same =
        ["plan", "hash", "--table", "s.t", "--groups", "a,b,c", "--shards", "12", "--old", &path];
    assert!(run(&same).said().ends_with("\nno key moves\n"));
    let table: Value =
        serde_json::from_str(&run(&[&same[..], &["--file"]].concat()).said()).expect("JSON");
    assert_eq!(table["shards"][0]["id"], 13);
}

#[test]
fn range_shares_and_moves_are_what_the_library_does() {
    let plans = Plans { directory: Directory::new(), groups: &["a", "b", "c"] };
    let old = [
        "plan", "range", "--table", "s.t", "--groups", "a,b", "--shards", "4", "--low", "0",
        "--high", "1000000",
    ];
    let (plan, old_router, old_path) = plans.make(&old, "old.json");
    let bounds: Vec<&str> = plan["shards"]
        .as_array()
        .expect("a list")
        .iter()
        .filter_map(|shard| text(shard, "lower_bound"))
        .collect();
    assert_eq!(bounds, ["0", "250000", "500000", "750000"]);
    // Keys that are dense below, as those of old rows are.
    let keys: Vec<String> =
        (0..KEYS as u64).map(|at| (at * at / 10_000 + at % 7).to_string()).collect();
    let sample: Vec<&str> = keys.iter().step_by(10).map(String::as_str).collect();
    let sample = plans.directory.write("keys", &(sample.join("\n") + "\n"));
    let new = [
        "plan", "range", "--table", "s.t", "--groups", "a,b,c", "--shards", "6", "--keys", &sample,
        "--old", &old_path,
    ];
    let (plan, router, _) = plans.make(&new, "new.json");
    let moves = plan["moves"].as_array().expect("a list");
    assert_eq!(moves[0]["from"], "-9223372036854775808");
    assert_eq!((&moves[0]["until"], &moves[0]["old_group"]), (&json!("0"), &Value::Null));
    let mut counts: BTreeMap<String, usize> = BTreeMap::new();
    for key in &keys {
        let old = group_of(&old_router, "s.t", key);
        let new = group_of(&router, "s.t", key);
        let number: i64 = key.parse().expect("a number");
        let bound =
            |of: &Value, member| text(of, member).map(|text| text.parse::<i64>().expect("a bound"));
        let on = |of: &&Value| {
            bound(of, "from").is_none_or(|from| from <= number)
                && bound(of, "until").is_none_or(|until| number < until)
        };
        match moves.iter().find(on) {
            None => assert_eq!(old, new, "{key} moves, and nobody said so"),
            Some(of) => {
                let announced = (text(of, "old_group"), text(of, "new_group"));
                assert_eq!(announced, (old.as_deref(), new.as_deref()), "{key}");
            }
        }
        *counts.entry(new.expect("a group")).or_default() += 1;
    }
    for group in plan["groups"].as_array().expect("a list") {
        let name = text(group, "group").expect("a name");
        let share = group["share"].as_f64().expect("a share");
        let count = counts.get(name).copied().unwrap_or_default() as f64 / KEYS as f64;
        assert!((count - share).abs() < 0.001, "{name}: {count} for {share}");
        assert!((share - 1.0 / 3.0).abs() < 0.01, "{name} gets {share}");
    }
}

#[test]
fn keys_of_any_type_are_sampled() {
    let words: String =
        (0..1_000).map(|at| format!("{}{at}\n", (b'a' + (at % 26) as u8) as char)).collect();
    let args = [
        "plan",
        "range",
        "--type",
        "RANGE_STRING",
        "--groups",
        "a,b",
        "--shards",
        "4",
        "--keys",
        "-",
        "--json",
    ];
    let plan: Value = run_on(&args, &words).json();
    let shards = plan["shards"].as_array().expect("a list");
    assert_eq!(shards[0]["lower_bound"], "");
    assert!(shards.iter().all(|of| (of["share"].as_f64().expect("a share") - 0.25).abs() < 0.002));
    let days: String = (1..=28).map(|day| format!("2024-02-{day:02}\n")).collect();
    let args = [
        "plan",
        "range",
        "--type",
        "RANGE_DATETIME",
        "--groups",
        "a,b",
        "--shards",
        "2",
        "--low",
        "2024-01-01",
        "--keys",
        "-",
        "--json",
    ];
    let plan = run_on(&args, &days).json();
    assert_eq!(plan["shards"][1]["lower_bound"], "2024-02-15 00:00:00");
    let args = ["plan", "range", "--groups", "a,b", "--shards", "2", "--keys", "-"];
    assert!(run_on(&args, "1\nx\n").complained(2).contains("'x'"));
    assert!(run_on(&args, "").complained(2).contains("no keys"));
    assert!(run(&args[..6]).complained(2).contains("--low"));
}

#[test]
fn a_plan_is_shown_to_people_and_as_sql() {
    let args = ["plan", "hash", "--table", "shop.it's", "--groups", "a,b", "--shards", "2"];
    let expected = "\
LOWER BOUND                       GROUP     SHARE
00000000000000000000000000000000  a      50.000 %
80000000000000000000000000000000  b      50.000 %

GROUP  SHARDS     SHARE  OLD SHARE
a           1  50.000 %  -
b           1  50.000 %  -
";
    assert_eq!(run(&args).said(), expected);
    let expected = "\
START TRANSACTION;
UPDATE version SET number = number + 1;
INSERT INTO tables (schema_name, table_name, column_name, type, global_group) VALUES \
('shop', 'it''s', 'id', 'HASH', 'a');
INSERT INTO shards (schema_name, table_name, lower_bound, group_id, state) VALUES
    ('shop', 'it''s', '00000000000000000000000000000000', 'a', 'ENABLED'),
    ('shop', 'it''s', '80000000000000000000000000000000', 'b', 'ENABLED');
COMMIT;
";
    assert_eq!(run(&[&args[..], &["--sql"]].concat()).said(), expected);
    for (args, part) in [
        (&["plan", "hash", "--groups", "a,a", "--shards", "2"][..], "named twice"),
        (&["plan", "hash", "--groups", "a", "--shards", "0"], "0 is not in"),
        (&["plan", "hash", "--groups", "a", "--shards", "2", "--table", "x"], "schema.table"),
    ] {
        let said = run(args).complained(2);
        assert!(said.contains(part), "{part}: {said}");
    }
}

#[test]
fn a_shard_that_is_held_stays_so_or_is_not_planned_anew() {
    let directory = Directory::new();
    let plan = ["plan", "range", "--table", "s.t", "--low", "0", "--high", "300"];
    let first = [&plan[..], &["--groups", "a,b,c", "--shards", "3", "--file"]].concat();
    let mut table: Value = serde_json::from_str(&run(&first).said()).expect("JSON");
    table["shards"][1]["state"] = "READ_ONLY".into();
    let old = directory.write("old.json", &farm(&table.to_string(), &["a", "b", "c"]));
    let same = [&first[..], &["--old", &old]].concat();
    let planned: Value = serde_json::from_str(&run(&same).said()).expect("JSON");
    let states =
        planned["shards"].as_array().expect("shards").iter().map(|of| of["state"].as_str());
    assert_eq!(states.collect::<Vec<_>>(), [None, Some("READ_ONLY"), None]);
    let other =
        run(&[&plan[..], &["--groups", "a,b,c", "--shards", "3", "--old", &old, "--sql"]].concat());
    assert!(!other.said().contains("global_group"));
    let other = [
        &plan[..],
        &["--groups", "a,b,c", "--shards", "3", "--old", &old, "--sql"],
        &["--global", "b"],
    ];
    let sql = run(&other.concat()).said();
    let changed =
        "UPDATE tables SET global_group = 'b' WHERE schema_name = 's' AND table_name = 't';";
    assert!(sql.contains(changed), "{sql}");
    for more in [&["--groups", "a,b,c", "--shards", "6"][..], &["--groups", "a,c", "--shards", "3"]]
    {
        let why = run(&[&plan[..], more, &["--old", &old, "--sql"]].concat()).complained(10);
        assert!(why.contains("shard 2 of s.t is READ_ONLY"), "{why}");
    }
    let mut file: Value =
        serde_json::from_str(&farm(&table.to_string(), &["a", "b", "c"])).expect("JSON");
    file["held_shards"] =
        json!([{"schema": "s", "table": "t", "type": "RANGE", "lower_bound": 250}]);
    let old = directory.write("old.json", &file.to_string());
    let why = run(&[&first[..], &["--old", &old]].concat()).complained(10);
    assert!(why.contains("from '250' is held"), "{why}");
}

#[test]
fn groups_that_get_nothing_are_told_and_names_have_no_blanks() {
    let ran = run(&["plan", "hash", "--groups", "a,b,c", "--shards", "2"]);
    assert!(ran.code == 0 && ran.err.contains("no shard is left for c;"), "{ran:?}");
    for groups in ["a, b", "a,,b", "a,a", " "] {
        run(&["plan", "hash", "--groups", groups, "--shards", "4"]).complained(2);
    }
    let why =
        run_on(&["plan", "range", "--groups", "a", "--shards", "1", "--keys", "-"], "1\n\n2\n");
    assert!(why.complained(2).contains("line 2: it is empty"));
}
