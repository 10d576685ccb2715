//! What cannot be understood disables itself alone.

use fabricd::{Farm, Mapping, Shard, State, Table};
use mysqlfabric::base::error::Code;
use mysqlfabric::router::{Router, Scope};
use mysqlfabric::topology::{Key, Wanted};

use crate::support::*;

fn mapping(id: i64, type_name: &str, table: &str, bounds: &[(&str, &str)]) -> Mapping {
    let (schema, table) = table.split_once('.').expect("db.table");
    let shard = |(at, (bound, group)): (usize, &(&str, &str))| Shard {
        id: id * 100 + at as i64,
        lower_bound: (*bound).into(),
        group: (*group).into(),
        state: State::Enabled,
    };
    Mapping {
        id,
        type_name: type_name.into(),
        global_group: "global".into(),
        tables: vec![Table { schema: schema.into(), table: table.into(), column: "id".into() }],
        shards: bounds.iter().enumerate().map(shard).collect(),
    }
}

fn farm_with(mappings: Vec<Mapping>) -> Farm {
    let mut farm = Farm::sample();
    farm.mappings.extend(mappings);
    farm
}

fn unusable(router: &Router, table: &str, because: &str) {
    let refusal = group_of(router, table, Key::Integer(5)).expect_err("a refusal");
    assert_eq!(refusal.code, Code::UnsupportedSharding);
    assert!(refusal.message.contains(because), "{refusal}");
}

#[test]
fn one_bad_mapping_stops_nobody_else() {
    let server = start(farm_with(vec![
        mapping(901, "LIST", "odd.list", &[("1", "shard1")]),
        mapping(902, "RANGE", "odd.bound", &[("1", "shard1"), ("many", "shard2")]),
        mapping(903, "HASH", "odd.digest", &[("xyz", "shard1")]),
        mapping(904, "RANGE", "odd.twice", &[("7", "shard1"), ("007", "shard2")]),
        mapping(905, "RANGE", "odd.repeated", &[("7", "shard1"), ("007", "shard1")]),
    ]));
    let heard = Heard::default();
    let mut config = config(&[&server]);
    config.log = heard.log();
    let router = Router::new(config);
    router.seed(None).expect("the farm loads");
    unusable(&router, "odd.list", "sharding type 'LIST' is not known");
    unusable(&router, "odd.bound", "lower bound 'many' is not one of type RANGE");
    unusable(&router, "odd.digest", "lower bound 'xyz'");
    unusable(&router, "odd.twice", "belongs to two shards");
    assert_eq!(group_of(&router, "odd.repeated", Key::Integer(9)).expect("one group"), "shard1");
    assert_eq!(group_of(&router, "employees.salaries", Key::Integer(1)).expect("it"), "shard1");
    for table in ["odd.list", "odd.bound", "odd.digest", "odd.twice"] {
        assert!(heard.says(&format!("table '{table}' is unusable")), "{:?}", heard.messages());
    }
}

#[test]
fn patterns_that_over_match_are_filtered() {
    let server = start(farm_with(vec![
        mapping(901, "RANGE", "my.a_b", &[("1", "shard1")]),
        mapping(902, "RANGE", "my.axb", &[("1", "shard2")]),
        mapping(903, "RANGE", "my.a%", &[("1", "shard3")]),
    ]));
    let router = router(&server);
    assert_eq!(group_of(&router, "my.a_b", Key::Integer(5)).expect("it"), "shard1");
    assert_eq!(group_of(&router, "my.a%", Key::Integer(5)).expect("it"), "shard3");
    assert_eq!(group_of(&router, "my.axb", Key::Integer(5)).expect("it"), "shard2");
    assert_eq!(code(group_of(&router, "my.A_B", Key::Integer(5))), Code::UnknownTable);
    assert_eq!(code(group_of(&router, "my.%", Key::Integer(5))), Code::UnknownTable);

    // Groups match by substring: "shard1" brings "shard10" along.
    let count = router.group_servers("shard1", false, |_, servers| Ok(servers.len()));
    assert_eq!(count.expect("servers"), 3);
    assert_eq!(primary_of(&router, "shard10").expect("a primary"), 33651);
    assert_eq!(code(primary_of(&router, "shard")), Code::UnknownGroup);
    assert_eq!(code(primary_of(&router, "SHARD1")), Code::UnknownGroup);
}

#[test]
fn names_that_cannot_be_patterns_are_found_all_the_same() {
    let server = start(farm_with(vec![
        mapping(901, "RANGE", "my.a,b", &[("1", "shard1")]),
        mapping(902, "RANGE", "my.a\\b", &[("1", "shard2")]),
    ]));
    let router = router(&server);
    assert_eq!(group_of(&router, "my.a,b", Key::Integer(5)).expect("it"), "shard1");
    assert_eq!(group_of(&router, "my.a\\b", Key::Integer(5)).expect("it"), "shard2");
}

#[test]
fn names_are_never_run_together() {
    let server = start(farm_with(vec![
        mapping(901, "RANGE", "ab.c", &[("1", "shard1")]),
        mapping(902, "RANGE", "a.bc", &[("1", "shard2")]),
    ]));
    let router = router(&server);
    assert_eq!(group_of(&router, "ab.c", Key::Integer(5)).expect("it"), "shard1");
    assert_eq!(group_of(&router, "a.bc", Key::Integer(5)).expect("it"), "shard2");
}

#[test]
fn several_tables_share_a_shard_or_are_refused() {
    let server = sample();
    let router = router(&server);
    let ask = |tables: &[&[u8]], key, scope| {
        router.shard_server(tables, Some(Key::Integer(key)), scope, Wanted::Primary, |group, _| {
            Ok(group.to_owned())
        })
    };
    let together: &[&[u8]] = &[b"employees.salaries", b"employees.dept_emp"];
    assert_eq!(ask(together, 10_021, Scope::Local).expect("one shard"), "shard2");
    let apart: &[&[u8]] = &[b"employees.salaries", b"shop.orders"];
    let refusal = ask(apart, 10_021, Scope::Local);
    // 10021 lies on shard2 in both; 20001 does not.
    assert_eq!(refusal.expect("one group"), "shard2");
    let refusal = ask(apart, 20_001, Scope::Local).expect_err("two groups");
    assert_eq!(refusal.code, Code::DifferentShards);
    assert!(refusal.message.contains("'shard3' and 'shard2'"), "{refusal}");
    assert_eq!(ask(apart, 20_001, Scope::Global).expect("one global group"), "global");
    let unknown: &[&[u8]] = &[b"employees.salaries", b"no.such"];
    assert_eq!(code(ask(unknown, 1, Scope::Local)), Code::UnknownTable);
}

#[test]
fn a_disabled_shard_is_a_hole_that_goes_to_the_shard_below() {
    // What any client that reads dumps does; the next release holds such keys.
    let server = sample();
    let router = router(&server);
    assert_eq!(group_of(&router, "disabled_db.t", Key::Integer(150)).expect("it"), "shard1");
}
