//! Discovery on a real group of three: who its primary is, whatever happens to its servers.

use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use mysqlfabric::base::error::Code;
use mysqlfabric::config::{Config, Credentials, TlsMode};
use mysqlfabric::mysql::Account;
use mysqlfabric::observe::log::{Level, Log};
use mysqlfabric::router::{Router, Scope};
use mysqlfabric::topology::{Key, Server, Wanted};
use zeroize::Zeroizing;

use crate::eventually;
use crate::group::Group;

/// What it takes of a group without metadata: docs/SOURCES.md has it.
const LEAST: [&str; 2] = [
    "SELECT ON performance_schema.replication_group_members",
    "SELECT ON performance_schema.replication_group_member_stats",
];

type Lines = Arc<Mutex<Vec<String>>>;

fn with_account(account: &Account) -> (Config, Lines) {
    let lines = Lines::default();
    let told = Arc::clone(&lines);
    let log =
        Log::new(Level::Info, move |_, line| told.lock().expect("lines").push(line.to_owned()));
    let mut config = Config { connect_attempts: 1, log, ..Config::default() };
    config.mysql.credentials = Some(Credentials {
        user: account.user.clone(),
        password: Zeroizing::new(account.password.to_string()),
    });
    config.mysql.tls_mode = Some(TlsMode::Preferred);
    (config, lines)
}

fn config(hosts: &str, account: &Account, query: &str) -> (Config, Lines) {
    let (mut config, lines) = with_account(account);
    config.set_source(&format!("cluster://{}@{hosts}{query}", account.user)).expect("a URL");
    config.check().expect("it fits");
    (config, lines)
}

fn primary(router: &Router, name: &str) -> Result<u16, mysqlfabric::base::error::Error> {
    router.group_server(name, Wanted::Primary, |_, server| Ok(server.port))
}

fn readers(router: &Router, name: &str) -> Vec<u16> {
    let mut ports: Vec<u16> = (0..30)
        .filter_map(|_| router.group_server(name, Wanted::Reader, |_, server| Ok(server.port)).ok())
        .collect();
    ports.sort_unstable();
    ports.dedup();
    ports
}

/// One group for all of it: a start takes ten seconds and a gigabyte.
#[test]
fn a_group_of_three() {
    let Some(group) = Group::start(3) else { return };
    let account = group.user(1, "least", &LEAST);
    finds_all_by_one_seed(&group, &account);
    a_topology_file_says_whom_to_ask(&group, &account);
    follows_a_promotion(&group, &account);
    a_frozen_member_delays_nothing(&group, &account);
    grants_that_are_missing_are_named(&group);
    a_refused_password_is_tried_once_a_minute(&group);
    a_killed_primary_is_followed(&group, &account);
}

fn finds_all_by_one_seed(group: &Group, account: &Account) {
    let (config, lines) = config(&group.hosts([2]), account, "?kind=group_replication");
    let router = Router::new(config);
    let found = primary(&router, "default");
    assert_eq!(found.unwrap_or_else(|error| panic!("{error}: {lines:?}")), group.port(1));
    assert_eq!(readers(&router, "default"), [group.port(2), group.port(3)]);
    let unknown = primary(&router, "other").expect_err("there is one group");
    assert_eq!(unknown.code, Code::UnknownGroup, "{unknown}");
}

/// One group of it is discovered, another one is listed, and both serve a table.
fn a_topology_file_says_whom_to_ask(group: &Group, account: &Account) {
    let path = std::env::temp_dir().join(format!("mf-discover-{}.json", group.port(0)));
    let write = |asked: &str| {
        let text = format!(
            r#"{{"format": "libmysqlfabric topology", "version": 2, "ttl_ms": 50, "tables": [
            {{"schema": "db", "table": "t", "column": "c", "type": "RANGE", "global_group": "listed",
            "shards": [{{"id": 1, "lower_bound": 1, "group": "asked"}},
            {{"id": 2, "lower_bound": 100, "group": "listed"}}]}}], "groups": [
            {{"id": "asked", {asked}}},
            {{"id": "listed", "servers": [{{"uuid": "u", "host": "h", "port": 7, "mode": 3,
            "status": 3, "weight": 1}}]}}]}}"#
        );
        let new = path.with_extension("new");
        std::fs::write(&new, text).expect("written");
        std::fs::rename(new, &path).expect("renamed");
    };
    let seed = format!("127.0.0.1:{}", group.port(2));
    write(&format!(r#""discover": "group_replication", "seeds": ["{seed}"]"#));
    let mut config = with_account(account).0;
    config.set_topology_file(path.clone()).expect("a path");
    let router = Router::new(config);
    let shard = |key: i64| {
        let (key, to_port) = (Key::Integer(key), |_: &str, server: &Server| Ok(server.port));
        router.shard_server(&[b"db.t"], Some(key), Scope::Local, Wanted::Primary, to_port)
    };
    assert_eq!(shard(1).unwrap_or_else(|error| panic!("{error}")), group.port(1));
    assert_eq!(shard(100).expect("the listed one"), 7);
    assert_eq!(readers(&router, "asked"), [group.port(2), group.port(3)]);
    group.about("promote", 2);
    eventually("the new primary", || shard(1).is_ok_and(|port| port == group.port(2)));
    // From now on it is listed, and nobody is asked; then it is asked again.
    write(
        r#""servers": [{"uuid": "v", "host": "h", "port": 8, "mode": 3, "status": 3, "weight": 1}]"#,
    );
    eventually("the listed server", || shard(1).is_ok_and(|port| port == 8));
    write(&format!(r#""discover": "auto", "seeds": ["{seed}"], "weights": {{"{seed}": 2}}"#));
    eventually("the asked one", || shard(1).is_ok_and(|port| port == group.port(2)));
    group.about("promote", 1);
    eventually("the first primary", || shard(1).is_ok_and(|port| port == group.port(1)));
    std::fs::remove_file(path).expect("removed");
}

fn follows_a_promotion(group: &Group, account: &Account) {
    let (config, _) =
        config(&group.hosts(group.servers()), account, "?group=g&kind=group_replication");
    let router = Router::new(config);
    for number in [2, 3, 1] {
        assert!(primary(&router, "g").is_ok());
        group.about("promote", number);
        eventually("the new primary", || {
            primary(&router, "g").is_ok_and(|p| p == group.port(number))
        });
    }
}

fn a_frozen_member_delays_nothing(group: &Group, account: &Account) {
    let (config, _) =
        config(&group.hosts(group.servers()), account, "?group=g&kind=group_replication");
    let router = Router::new(config);
    assert_eq!(primary(&router, "g").expect("a primary"), group.port(1));
    group.about("freeze", 3);
    // What is asked for anew each time is there long before the frozen member could count as silent.
    let mut quickest = Duration::MAX;
    for _ in 0..10 {
        router.reset_cache(None);
        let begun = Instant::now();
        assert_eq!(primary(&router, "g").expect("a primary"), group.port(1));
        quickest = quickest.min(begun.elapsed());
    }
    assert!(quickest < Duration::from_millis(900), "{quickest:?}");
    group.about("thaw", 3);
    group.about("rejoin", 3);
    eventually("the third", || readers(&router, "g").contains(&group.port(3)));
}

fn grants_that_are_missing_are_named(group: &Group) {
    let account = group.user(1, "none", &[]);
    let (config, lines) = config(&group.hosts([1]), &account, "?kind=group_replication");
    let refusal = primary(&Router::new(config), "default").expect_err("nobody may tell");
    let said = format!("{refusal} {:?}", lines.lock().expect("lines"));
    for grant in LEAST {
        assert!(said.contains(&format!("GRANT {grant} TO 'none'@")), "{grant}: {said}");
    }
}

fn a_refused_password_is_tried_once_a_minute(group: &Group) {
    let mut account = group.user(1, "locked", &LEAST);
    account.password = Zeroizing::new("another".into());
    let (config, lines) = config(&group.hosts([1]), &account, "?kind=group_replication");
    let router = Router::new(config);
    let connections = || -> u64 {
        let line = group.sql(1, "SHOW GLOBAL STATUS LIKE 'Connections'");
        line.split_whitespace().last().and_then(|count| count.parse().ok()).expect("a count")
    };
    let before = connections();
    for _ in 0..5 {
        let refusal = primary(&router, "default").expect_err("a wrong password");
        assert_eq!(refusal.code, Code::Auth, "{refusal}: {lines:?}");
        router.reset_cache(Some("default"));
    }
    // One for the question, one for counting.
    assert_eq!(connections() - before, 2, "{lines:?}");
}

fn a_killed_primary_is_followed(group: &Group, account: &Account) {
    let (config, _) =
        config(&group.hosts(group.servers()), account, "?group=g&kind=group_replication");
    let router = Router::new(config);
    assert_eq!(primary(&router, "g").expect("a primary"), group.port(1));
    group.about("kill", 1);
    let mut new = 0;
    eventually("a new primary", || {
        new = group.run(&["primary"]).parse().unwrap_or(0);
        new > 1
    });
    eventually("its being known", || {
        primary(&router, "g").is_ok_and(|port| port == group.port(new))
    });
    assert!(!readers(&router, "g").contains(&group.port(1)));
}
