//! Shards that Fabric stops listing.

use std::time::Duration;

use fabricd::{Server, State};
use mysqlfabric::config::Config;
use mysqlfabric::error::Code;
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
