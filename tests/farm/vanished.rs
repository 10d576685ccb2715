//! Shards that Fabric stops listing.

use std::time::Duration;

use fabricd::{Server, State};
use mysqlfabric::base::error::Code;
use mysqlfabric::config::Config;
use mysqlfabric::router::Router;
use mysqlfabric::topology::Key;
use zeroize::Zeroizing;

use crate::feedback::shard_of;
use crate::support::*;

fn refreshing(server: &Server) -> Config {
    Config {
        background_refresh: true,
        refresh_share_percent: 100,
        ttl_min: Duration::ZERO,
        ttl_max: Duration::from_millis(40),
        ..config(&[server])
    }
}

fn disable(server: &Server, table: &str, bound: &str) -> i64 {
    let shard = shard_of(server, table, bound);
    server.farm().set_shard_state(shard, State::Disabled).expect("disabled");
    shard
}

fn is_unavailable(router: &Router, table: &str, key: Key<'_>) -> bool {
    group_of(router, table, key).is_err_and(|error| error.code == Code::ShardUnavailable)
}

fn some_refreshes(server: &Server) {
    server.clear_requests();
    let dumps = || methods(server).iter().filter(|m| *m == "dump.servers").count();
    eventually("some refreshes", || dumps() >= 4);
}

#[test]
fn the_keys_of_a_disabled_shard_go_nowhere_until_it_is_back() {
    let server = sample();
    let router = Router::new(refreshing(&server));
    let group = |key| group_of(&router, "employees.salaries", Key::Integer(key));
    assert_eq!(group(15_000).expect("a group"), "shard2");
    let shard = disable(&server, "employees.salaries", "10001");
    eventually("a hold", || is_unavailable(&router, "employees.salaries", Key::Integer(15_000)));
    some_refreshes(&server);
    for key in [10_001, 20_000] {
        let refusal = group(key).expect_err("held");
        assert_eq!(refusal.code, Code::ShardUnavailable);
        assert!(refusal.message.contains(&key.to_string()), "{refusal}");
    }
    assert_eq!(group(10_000).expect("the shard below"), "shard1");
    assert_eq!(group(20_001).expect("the shard above"), "shard3");

    server.farm().set_shard_state(shard, State::Enabled).expect("enabled");
    eventually("the shard is back", || group(15_000).is_ok_and(|group| group == "shard2"));
}

#[test]
fn a_digest_has_nowhere_to_go_either() {
    let server = sample();
    let router = Router::new(refreshing(&server));
    let keys: Vec<i64> = (0..200).collect();
    let groups = |router: &Router| -> Vec<Option<String>> {
        keys.iter().map(|key| group_of(router, "hashdb.users", Key::Integer(*key)).ok()).collect()
    };
    let before = groups(&router);
    assert!(before.iter().all(Option::is_some));
    // The highest bound, which also holds what is below every bound.
    disable(&server, "hashdb.users", "E6C81F2F91025F5719B5D173C6E330B7");
    eventually("a hold", || groups(&router) != before);
    some_refreshes(&server);
    for (was, is) in before.iter().zip(groups(&router)) {
        let expected = if was.as_deref() == Some("shard2") { None } else { was.clone() };
        assert_eq!(is, expected);
    }
}

#[test]
fn the_server_says_where_the_keys_of_a_removed_shard_belong() {
    let server = sample();
    let router = Router::new(refreshing(&server));
    let group = || group_of(&router, "employees.salaries", Key::Integer(15_000));
    assert_eq!(group().expect("a group"), "shard2");
    let shard = shard_of(&server, "employees.salaries", "10001");
    server.farm().remove_shard(shard).expect("removed");
    eventually("the server's answer", || group().is_ok_and(|group| group == "shard1"));
    let asked = || methods(&server).iter().filter(|m| *m == "sharding.lookup_servers").count();
    let then = asked();
    some_refreshes(&server);
    assert_eq!(asked(), 0, "asked {then} times and then no more");
    assert_eq!(group().expect("it stays there"), "shard1");
}

#[test]
fn a_user_who_may_not_ask_resets_the_cache_or_waits() {
    let server = sample();
    let mut config = refreshing(&server);
    let credentials = config.credentials.as_mut().expect("credentials");
    credentials.user = "conn".into();
    credentials.password = Zeroizing::new("connpw".into());
    let router = Router::new(config.clone());
    let held = |router: &Router| is_unavailable(router, "employees.salaries", Key::Integer(15_000));
    group_of(&router, "employees.salaries", Key::Integer(15_000)).expect("a group");
    config.vanished_hold = Duration::from_millis(400);
    let impatient = Router::new(config);
    group_of(&impatient, "employees.salaries", Key::Integer(15_000)).expect("a group");

    let shard = shard_of(&server, "employees.salaries", "10001");
    server.farm().remove_shard(shard).expect("removed");
    eventually("a hold", || held(&router));
    eventually("a hold that is over", || {
        group_of(&impatient, "employees.salaries", Key::Integer(15_000))
            .is_ok_and(|group| group == "shard1")
    });
    some_refreshes(&server);
    assert!(held(&router), "nobody said anything yet");
    assert!(methods(&server).iter().all(|method| method != "403"), "one refusal is enough");
    router.reset_cache(None);
    let group = group_of(&router, "employees.salaries", Key::Integer(15_000));
    assert_eq!(group.expect("Fabric's map as it is"), "shard1");
}

#[test]
fn date_times_are_never_asked_about() {
    // Before 1.6 the server answers the lowest shard for every date and time.
    let server = sample();
    let router = Router::new(refreshing(&server));
    let key = Key::Text(b"2015-01-01");
    assert_eq!(group_of(&router, "log.events", key).expect("a group"), "shard2");
    disable(&server, "log.events", "2010-01-01");
    eventually("a hold", || is_unavailable(&router, "log.events", key));
    some_refreshes(&server);
    assert!(is_unavailable(&router, "log.events", key));
    assert!(!methods(&server).contains(&"sharding.lookup_servers".to_owned()));
    router.reset_cache(None);
    assert_eq!(group_of(&router, "log.events", key).expect("the map as it is"), "shard1");
}

#[test]
fn a_split_keeps_every_bound_and_holds_nothing() {
    let server = sample();
    let router = Router::new(refreshing(&server));
    let group = |key| group_of(&router, "employees.salaries", Key::Integer(key));
    group(15_000).expect("a group");
    let shard = shard_of(&server, "employees.salaries", "10001");
    server.farm().split_shard(shard, "15000", "shard4").expect("a split");
    eventually("the new shard", || {
        let group = group(15_000).expect("never held");
        assert!(group == "shard2" || group == "shard4");
        group == "shard4"
    });
    assert_eq!(group(14_999).expect("a group"), "shard2");
}

#[test]
fn holding_can_be_turned_off() {
    let server = sample();
    let mut config = refreshing(&server);
    config.vanished_hold = Duration::ZERO;
    let router = Router::new(config);
    group_of(&router, "employees.salaries", Key::Integer(15_000)).expect("a group");
    disable(&server, "employees.salaries", "10001");
    eventually("the shard below", || {
        let group = group_of(&router, "employees.salaries", Key::Integer(15_000));
        group.expect("never held") == "shard1"
    });
}

/// A handle that fetches when it is told to, and for longer than any test holds what is missing.
fn patient(server: &Server) -> Router {
    let router = Router::new(config(&[server]));
    router.seed(None).expect("seeded");
    router
}

const SALARIES: &str = "employees.salaries";

/// Bounds 1, 10001 and 20001 become what `meanwhile` makes of them for one refresh, and then 1
/// alone.
fn bounds_outlive(what: &str, meanwhile: impl FnOnce(&mut fabricd::Farm)) {
    let server = sample();
    let router = patient(&server);
    let place = |key| group_of(&router, SALARIES, Key::Integer(key));
    assert_eq!(place(15_000).expect("a group"), "shard2");
    let before = server.farm().clone();
    meanwhile(&mut server.farm());
    let _ = router.prefetch(&[]);
    assert!(place(15_000).is_err(), "{what}: {:?}", place(15_000));

    *server.farm() = before;
    let gone = ["10001", "20001"].map(|bound| shard_of(&server, SALARIES, bound));
    for shard in gone {
        server.farm().set_shard_state(shard, State::Disabled).expect("disabled");
    }
    router.prefetch(&[]).expect("fetched");
    assert_eq!(place(5).expect("the shard that is listed"), "shard1", "{what}");
    for key in [15_000, 25_000] {
        assert_eq!(code(place(key)), Code::ShardUnavailable, "{what}: {key}");
    }
    for shard in gone {
        server.farm().set_shard_state(shard, State::Enabled).expect("enabled");
    }
    router.prefetch(&[]).expect("fetched");
    assert_eq!(place(15_000).expect("it is back"), "shard2", "{what}");
}

fn mapping(farm: &mut fabricd::Farm) -> &mut fabricd::Mapping {
    let mine =
        |mapping: &&mut fabricd::Mapping| mapping.tables.iter().any(|t| t.name() == SALARIES);
    farm.mappings.iter_mut().find(mine).expect("the mapping")
}

#[test]
fn bounds_outlive_a_table_that_is_listed_no_more() {
    bounds_outlive("no shard", |farm| {
        let shards = &mut mapping(farm).shards;
        shards.iter_mut().for_each(|shard| shard.state = State::Disabled);
    });
    bounds_outlive("no table", |farm| mapping(farm).tables.clear());
}

#[test]
fn bounds_outlive_rows_that_make_no_map() {
    bounds_outlive("a bound that is none", |farm| {
        mapping(farm).shards[0].lower_bound = "one".into();
    });
    bounds_outlive("one bound in two groups", |farm| {
        mapping(farm).shards[1].lower_bound = "1".into();
    });
    bounds_outlive("a type nobody knows", |farm| mapping(farm).type_name = "LIST".into());
}

#[test]
fn bounds_outlive_an_empty_farm() {
    bounds_outlive("nothing", |farm| {
        farm.mappings.clear();
        farm.groups.clear();
    });
}

#[test]
fn bounds_outlive_another_type_of_sharding() {
    bounds_outlive("dates", |farm| {
        let mapping = mapping(farm);
        mapping.type_name = "RANGE_DATETIME".into();
        mapping.shards.iter_mut().for_each(|shard| shard.lower_bound = "2010-01-01".into());
        mapping.shards.truncate(1);
    });
}

#[test]
fn the_two_names_of_a_type_are_one() {
    let server = sample();
    let router = patient(&server);
    let shard = disable(&server, SALARIES, "10001");
    mapping(&mut server.farm()).type_name = "RANGE_INTEGER".into();
    router.prefetch(&[]).expect("fetched");
    let place = || group_of(&router, SALARIES, Key::Integer(15_000));
    assert_eq!(code(place()), Code::ShardUnavailable);
    server.farm().set_shard_state(shard, State::Enabled).expect("enabled");
    router.prefetch(&[]).expect("fetched");
    assert_eq!(place().expect("it is back"), "shard2");
}

#[test]
fn a_reset_forgets_the_bounds_of_a_table_that_is_gone() {
    let server = sample();
    let router = patient(&server);
    let shard = shard_of(&server, SALARIES, "10001");
    let before = server.farm().clone();
    mapping(&mut server.farm()).tables.clear();
    router.prefetch(&[]).expect("fetched");
    *server.farm() = before;
    server.farm().set_shard_state(shard, State::Disabled).expect("disabled");
    router.reset_cache(None);
    assert_eq!(group_of(&router, SALARIES, Key::Integer(15_000)).expect("as it is"), "shard1");
}
