//! One row that Fabric cannot read, or whose table nobody can tell, and the rest of the farm.

use std::sync::Mutex;
use std::sync::mpsc;
use std::time::Duration;

use fabricd::{Extra, Farm, Server};
use mysqlfabric::base::error::{Code, Error};
use mysqlfabric::config::Config;
use mysqlfabric::observe::events::{Delivery, Kind, Listener};
use mysqlfabric::router::resolve::{Query, ShardKey, Target};
use mysqlfabric::router::{Router, Scope};
use mysqlfabric::thread_cache::ThreadCache;
use mysqlfabric::topology::{Key, Wanted};

use crate::batch::batch;
use crate::cache::promote;
use crate::feedback::shard_of;
use crate::support::*;

const SALARIES: &str = "employees.salaries";
const USERS: &str = "hashdb.users";

/// A handle that refreshes itself, and what it tells.
fn refreshing(server: &Server) -> (Router, mpsc::Receiver<Kind>) {
    let (heard, kinds) = mpsc::channel();
    let heard = Mutex::new(heard);
    let listener = Listener::new(move |delivery: &Delivery| {
        heard.lock().expect("unpoisoned").send(delivery.event.kind).expect("the test listens");
    });
    let router = Router::new(Config {
        background_refresh: true,
        refresh_share_percent: 100,
        ttl_min: Duration::ZERO,
        ttl_max: Duration::from_millis(40),
        events: listener,
        ..config(&[server])
    });
    (router, kinds)
}

/// A farm with so many more tables in the mapping of [`SALARIES`].
fn with_tables(more: usize) -> Farm {
    let mut farm = Farm::sample();
    let mapping = farm.mapping_of(SALARIES).expect("the mapping").id;
    for at in 0..more {
        farm.add_table(mapping, &format!("more.t{at:04}"), "id").expect("added");
    }
    farm
}

fn group(router: &Router, table: &str, key: i64) -> String {
    group_of(router, table, Key::Integer(key)).expect("a group")
}

/// What the handle knows is kept fresh but for the broken table, whose old map stays.
fn the_rest_goes_on(what: &str, server: &Server, broken: &str, begin: impl Fn(&Router)) {
    let (router, kinds) = refreshing(server);
    begin(&router);
    let old = group_of(&router, broken, Key::Integer(15_000)).ok();
    server.farm().broken_tables.push(broken.to_owned());
    promote(server, "shard1", 33612);
    let wait = Duration::from_secs(20);
    eventually("the new primary", || {
        let port = router.group_server_wait("shard1", Wanted::Primary, wait, |_, s| Ok(s.port));
        port.expect("a primary") == 33612
    });
    let shard = shard_of(server, SALARIES, "10001");
    server.farm().split_shard(shard, "17000", "shard4").expect("a split");
    eventually("the other table's new map", || group(&router, "more.t0000", 18_000) == "shard4");
    if let Some(old) = &old {
        assert_eq!(group(&router, broken, 15_000), *old, "{what}: the old map stays");
    }
    assert_eq!(router.metrics().nodes_up, 1, "{what}: an error is an answer");
    let told: Vec<Kind> = kinds.try_iter().collect();
    assert!(!told.contains(&Kind::FabricLost), "{what}: {told:?}");

    server.farm().broken_tables.clear();
    if old.is_some() {
        eventually("the broken table's new map", || group(&router, broken, 18_000) == "shard4");
    }
}

#[test]
fn a_broken_row_leaves_the_whole_farm_fresh() {
    let server = start(with_tables(3));
    the_rest_goes_on("the whole farm", &server, "more.t0001", |router| {
        router.seed(None).expect("seeded");
    });
}

#[test]
fn a_broken_row_leaves_many_tables_fresh() {
    let server = start(with_tables(150));
    let names: Vec<String> = (0..150).map(|at| format!("more.t{at:04}")).collect();
    the_rest_goes_on("many tables", &server, "more.t0077", |router| {
        router.prefetch(&names.iter().map(String::as_str).collect::<Vec<_>>()).expect("fetched");
    });
}

#[test]
fn a_broken_row_leaves_the_tables_next_to_it_fresh() {
    let server = start(with_tables(2));
    the_rest_goes_on("its own table", &server, SALARIES, |router| {
        group(router, SALARIES, 5);
        group(router, "more.t0000", 5);
    });
}

#[test]
fn a_table_of_dots_that_nobody_asked_for_breaks_nothing() {
    let server = start(with_tables(1));
    the_rest_goes_on("two dots", &server, "two.dots.tab", |router| {
        let mapping = server.farm().mapping_of(SALARIES).expect("the mapping").id;
        server.farm().add_table(mapping, "two.dots.tab", "id").expect("Fabric takes it");
        router.seed(None).expect("seeded");
    });
}

#[test]
fn a_broken_row_is_asked_for_in_few_questions() {
    let server = start(with_tables(150));
    let router = Router::new(config(&[&server]));
    router.seed(None).expect("seeded");
    server.farm().broken_tables.push("more.t0077".into());
    server.clear_requests();
    router.prefetch(&[]).expect_err("one table cannot be had");
    assert!(methods(&server).len() < 40, "{}", methods(&server).len());
    server.clear_requests();
    router.prefetch(&[]).expect_err("one table cannot be had");
    assert!(methods(&server).len() < 10, "{:?}", methods(&server));
}

/// A row without a name, in every reply that is about more than one table, or in all.
fn nameless(server: &Server, jointly: bool) {
    for row in [
        serde_json::json!([null, "salaries", "c", "10001", 9, "RANGE", "shard2", "global"]),
        serde_json::json!(["employees", 7.5, "c", "10001", 9, "RANGE", "shard2", "global"]),
        serde_json::json!([{"a": 1}, "salaries", "c", "10001", 9, "RANGE", "shard2", "global"]),
    ] {
        let table = "sharding_information".to_owned();
        server.farm().extras.push(Extra { table, json: row, jointly });
    }
}

#[test]
fn a_row_without_a_name_may_be_any_tables() {
    let server = sample();
    let shard = shard_of(&server, SALARIES, "10001");
    server.farm().remove_shard(shard).expect("its row has lost its name");
    nameless(&server, false);
    let router = Router::new(config(&[&server]));
    let seeded = router.seed(None).expect_err("no reply is clean");
    assert_eq!(seeded.code, Code::Protocol, "{seeded}");
    let refusal = group_of(&router, SALARIES, Key::Integer(15_000)).expect_err("not shard1");
    assert_eq!(refusal.code, Code::Protocol, "{refusal}");
    assert!(refusal.message.contains("schema_name"), "{refusal}");
    server.farm().extras.clear();
    assert_eq!(group(&router, SALARIES, 5), "shard1");
}

#[test]
fn a_clean_reply_about_one_table_counts() {
    let server = sample();
    nameless(&server, true);
    let router = Router::new(config(&[&server]));
    router.seed(None).expect("every table could be had alone");
    assert_eq!(group(&router, SALARIES, 15_000), "shard2");
    group(&router, USERS, 1);
    assert!(methods(&server).iter().filter(|m| *m == "dump.sharding_information").count() > 1);
}

#[test]
fn a_doubtful_reply_leaves_the_old_maps() {
    let server = sample();
    let router = Router::new(config(&[&server]));
    router.seed(None).expect("seeded");
    nameless(&server, false);
    let shard = shard_of(&server, SALARIES, "10001");
    server.farm().remove_shard(shard).expect("its row has lost its name");
    let error = router.prefetch(&[]).expect_err("no reply is clean");
    assert_eq!(error.code, Code::Protocol, "{error}");
    assert_eq!(group(&router, SALARIES, 15_000), "shard2", "the old map stays");
}

#[test]
fn a_broken_table_alone_grows_too_old() {
    let server = start(with_tables(3));
    let most = Duration::from_secs(3);
    let router = Router::new(Config {
        background_refresh: true,
        refresh_share_percent: 100,
        ttl_min: Duration::ZERO,
        ttl_max: Duration::from_millis(40),
        max_stale: Some(most),
        ..config(&[&server])
    });
    router.seed(None).expect("seeded");
    let opened = router.open(&["more.t0001"]).expect("a table");
    let broken = |key| group_of(&router, "more.t0001", Key::Integer(key));
    broken(5).expect("a group");
    server.farm().broken_tables.push("more.t0001".into());
    let is_stale =
        |error: &Error| error.code == Code::Stale && error.message.contains("table 'more.t0001'");
    eventually("too old a map", || broken(5).is_err_and(|error| is_stale(&error)));
    // What the old map refuses is too old to be a refusal.
    broken(-5).map_err(|error| assert!(is_stale(&error), "{error}")).expect_err("too old");
    let table = router.table("more.t0001", |_, _| Ok(())).expect_err("too old");
    assert!(is_stale(&table), "{table}");
    let target = Target::prepared(&opened, ShardKey::Key(Key::Integer(5)));
    let query = Query { target, wanted: Wanted::Primary };
    let prepared = ThreadCache::with(|cache| router.server(cache, &query, None, |_| Ok(())));
    assert!(is_stale(&prepared.expect_err("too old")));
    let wait = Duration::from_millis(50);
    let tables: [&[u8]; 2] = [b"more.t0000", b"more.t0001"];
    let waited = router.shard_server_wait(
        &tables,
        Some(Key::Integer(5)),
        Scope::Local,
        Wanted::Primary,
        wait,
        |_, _| Ok(()),
    );
    assert!(is_stale(&waited.expect_err("too old")));
    // The machine may be late with everything, but not for ever.
    eventually("the other tables", || {
        group_of(&router, "more.t0000", Key::Integer(5)).is_ok()
            && primary_of(&router, "shard1").is_ok()
    });
    assert!(router.age().expect("an age") > 3_000, "the oldest counts");
    assert!(router.metrics().age.expect("an age") > 3_000);

    server.farm().broken_tables.clear();
    eventually("a confirmed map", || broken(5).is_ok());
    eventually("all of it fresh", || router.age().expect("an age") < 3_000);
}

/// Nothing is fetched but what is asked for, and nothing grows old but what is not.
#[test]
fn each_group_has_its_own_age() {
    let server = sample();
    let most = Duration::from_millis(300);
    let router = Router::new(Config { max_stale: Some(most), ..config(&[&server]) });
    router.seed(None).expect("seeded");
    std::thread::sleep(most + Duration::from_millis(50));
    let fresh = |group: &str| router.group_servers(group, false, |_, _| Ok(()));
    let stale = |error: &Error, what: &str| {
        assert_eq!(error.code, Code::Stale, "{error}");
        assert!(error.message.contains(what), "{error}");
    };
    stale(&primary_of(&router, "shard1").expect_err("too old"), "group 'shard1'");
    let key = |key| group_of(&router, SALARIES, Key::Integer(key));
    stale(&key(5).expect_err("too old"), "table 'employees.salaries'");
    // Until one of three tries is not slower than what it looks at grows old.
    let tries = (0..50).any(|_| {
        router.prefetch(&[SALARIES]).expect("the table");
        fresh("shard1").expect("the group");
        let first = key(5);
        let (second, keys) = (key(15_000), [Key::Integer(5), Key::Integer(15_000)]);
        stale(&second.expect_err("its group is too old"), "group 'shard2'");
        let outcome = batch(&router, &[SALARIES], &keys, Scope::Local);
        first.is_ok_and(|group| group == "shard1")
            && outcome.is_ok_and(|(answers, outcome)| {
                outcome.failed == 1 && answers.keys == [Ok(0), Err(Code::Stale as i32)]
            })
            && primary_of(&router, "shard1").is_ok()
    });
    assert!(tries, "the group that was confirmed serves");
    assert!(router.age().expect("an age") > 300, "others were not");
}
