//! The rules of Group Replication on a real group of three: whatever happens to a member, writes go to
//! the primary that the group has, or nowhere.

use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use mysqlfabric::mysql::Account;
use mysqlfabric::observe::log::{Level, Log};
use mysqlfabric::topology::Wanted;

use crate::client::query;
use crate::eventually;
use crate::group::Group;
use crate::seen::{Seen, Watch};

const GRANTS: [&str; 2] = [
    "SELECT ON performance_schema.replication_group_members",
    "SELECT ON performance_schema.replication_group_member_stats",
];

/// One group for all of it, in this order: server 1 is the primary after each.
#[test]
fn rules_of_a_group() {
    let Some(group) = Group::start(3) else { return };
    let account = group.user(1, "rules", &GRANTS);
    a_primary_that_only_a_service_lost(&group, &account);
    all_members_that_hang_and_go_on(&group, &account);
    an_account_that_is_locked_for_a_while(&group);
    a_primary_that_one_session_may_not_write_to(&group, &account);
    no_member_takes_writes(&group, &account);
    a_secondary_in_offline_mode(&group, &account);
    a_leaving_primary_and_two_that_take_writes(&group, &account);
    a_frozen_primary_is_expelled_and_comes_back(&group, &account);
    a_lag_limit(&group, &account);
    several_primaries(&group, &account);
    a_minority_and_a_group_that_is_bootstrapped_twice(&group, &account);
}

fn ports(group: &Group, numbers: [u16; 2]) -> [u16; 2] {
    numbers.map(|number| group.port(number))
}

/// The group as it was, with server 1 as its primary.
fn restore(group: &Group, seen: &Seen) {
    if group.run(&["primary"]) != "1" {
        group.about("promote", 1);
    }
    seen.becomes(group.port(1), &ports(group, [2, 3]));
}

/// As by the KILL of a connection: the group goes on with it, and the pause is one of ten minutes.
fn a_primary_that_only_a_service_lost(group: &Group, account: &Account) {
    let hosts = group.hosts(group.servers());
    let seen = Seen::by(&hosts, account, "", |config| {
        config.quarantine = Duration::from_secs(600);
    });
    seen.becomes(group.port(1), &ports(group, [2, 3]));
    let uuid = group.sql(1, "SELECT @@server_uuid");
    for _ in 0..3 {
        seen.router.report_result(&uuid, 2013);
        let wait = Duration::from_secs(20);
        let port = seen.router.group_server_wait("g", Wanted::Primary, wait, |_, s| Ok(s.port));
        assert_eq!(port.expect("it is tried at once"), group.port(1));
    }
    // Nobody needs a secondary at once, and it may do worse than its answers say.
    let uuid = group.sql(2, "SELECT @@server_uuid");
    seen.router.report_result(&uuid, 2013);
    for _ in 0..100 {
        assert_eq!(seen.secondaries(), [group.port(3)].into());
        std::thread::sleep(Duration::from_millis(10));
    }
    seen.router.report_result(&uuid, 0);
    seen.becomes(group.port(1), &ports(group, [2, 3]));
}

/// As by a network that fails: every question to them is late, and they are heard when they go on.
fn all_members_that_hang_and_go_on(group: &Group, account: &Account) {
    let seen = Seen::of(group, account, "");
    seen.becomes(group.port(1), &ports(group, [2, 3]));
    for number in group.servers() {
        group.about("freeze", number);
    }
    // Longer than the second in which a server answers that counts as one that does.
    std::thread::sleep(Duration::from_millis(2500));
    for number in group.servers() {
        group.about("thaw", number);
    }
    group.about("promote", 2);
    seen.becomes(group.port(2), &ports(group, [1, 3]));
    restore(group, &seen);
}

/// No attempt makes a locked account worse, so that it is tried again sooner than a wrong password.
fn an_account_that_is_locked_for_a_while(group: &Group) {
    let account = group.user(1, "locked", &GRANTS);
    let seen = Seen::of(group, &account, "");
    seen.becomes(group.port(1), &ports(group, [2, 3]));
    group.sql(1, "ALTER USER locked@'%' ACCOUNT LOCK");
    for number in group.servers() {
        let sessions =
            "SELECT GROUP_CONCAT(id) FROM performance_schema.processlist WHERE user = 'locked'";
        let sessions = group.sql(number, sessions);
        let kills = sessions.split(',').filter(|id| id.parse::<u64>().is_ok());
        kills.for_each(|id| _ = group.sql(number, &format!("KILL {id}")));
    }
    eventually("its being known", || seen.router.metrics().nodes_up == 0);
    group.sql(1, "ALTER USER locked@'%' ACCOUNT UNLOCK");
    group.about("promote", 2);
    let begun = std::time::Instant::now();
    seen.becomes(group.port(2), &ports(group, [1, 3]));
    assert!(begun.elapsed() < Duration::from_secs(50), "as after a wrong password");
    restore(group, &seen);
}

/// The hold is one of ten minutes, and the group takes writes all the time.
fn a_primary_that_one_session_may_not_write_to(group: &Group, account: &Account) {
    let hosts = group.hosts(group.servers());
    let seen = Seen::by(&hosts, account, "", |config| {
        config.write_hold = Duration::from_secs(600);
    });
    seen.becomes(group.port(1), &ports(group, [2, 3]));
    let uuid = group.sql(1, "SELECT @@server_uuid");
    let mut session = group.root(1);
    query(&mut session, "START TRANSACTION READ ONLY").expect("a transaction");
    let mut refused = |statement: &str| {
        let failure = query(&mut session, statement).expect_err(statement);
        failure.errno().expect("the server's")
    };
    let errnos = ["SELECT 1 INTO OUTFILE '/nowhere'", "DELETE FROM mysql.plugin"].map(&mut refused);
    assert_eq!(errnos, [1290, 1792]);
    for errno in errnos.repeat(2) {
        seen.router.report_result(&uuid, errno.into());
        let wait = Duration::from_secs(20);
        let port = seen.router.group_server_wait("g", Wanted::Primary, wait, |_, s| Ok(s.port));
        assert_eq!(port.expect("the hold is over"), group.port(1));
    }
    // What all sessions are refused for, the primary says itself; and then that it is over.
    group.sql(1, "SET GLOBAL super_read_only = ON");
    seen.router.report_result(&uuid, 1290);
    for _ in 0..100 {
        assert!(seen.primary().is_err(), "{:?}", seen.primary());
        std::thread::sleep(Duration::from_millis(10));
    }
    group.sql(1, "SET GLOBAL super_read_only = OFF; SET GLOBAL read_only = OFF");
    seen.becomes(group.port(1), &ports(group, [2, 3]));
}

/// As MySQL leaves it after an expulsion: told of to those whom it lets in, and to those whom it does not.
fn a_secondary_in_offline_mode(group: &Group, account: &Account) {
    let admin = group.user(1, "admin", &[GRANTS[0], GRANTS[1], "CONNECTION_ADMIN ON *.*"]);
    let hosts = group.hosts(group.servers());
    let mut handles = Vec::new();
    for account in [account, &admin] {
        let lines = Arc::<Mutex<Vec<String>>>::default();
        let written = Arc::clone(&lines);
        let seen = Seen::by(&hosts, account, "", |config| {
            config.log = Log::new(Level::Warning, move |_, line| {
                written.lock().expect("unpoisoned").push(line.to_owned());
            });
        });
        seen.becomes(group.port(1), &ports(group, [2, 3]));
        handles.push((seen, lines));
    }
    group.sql(3, "SET GLOBAL offline_mode = ON");
    let server = format!("127.0.0.1:{}", group.port(3));
    for (seen, lines) in &handles {
        seen.becomes(group.port(1), &[group.port(2)]);
        let told = |line: &&String| line.contains(&server) && line.contains("offline_mode = OFF");
        let count = || lines.lock().expect("unpoisoned").iter().filter(told).count();
        eventually("a line in the log", || count() > 0);
        std::thread::sleep(Duration::from_secs(1));
        assert_eq!(count(), 1, "{lines:?}");
    }
    group.sql(3, "SET GLOBAL offline_mode = OFF");
    for (seen, _) in &handles {
        seen.becomes(group.port(1), &ports(group, [2, 3]));
    }
}

fn no_member_takes_writes(group: &Group, account: &Account) {
    let seen = Seen::of(group, account, "");
    seen.becomes(group.port(1), &ports(group, [2, 3]));
    group.sql(1, "SET GLOBAL super_read_only = ON");
    let all: Vec<u16> = group.servers().map(|number| group.port(number)).collect();
    seen.has_no_primary("does not take writes yet: super_read_only is ON there", &all);
    group.sql(1, "SET GLOBAL super_read_only = OFF; SET GLOBAL read_only = OFF");
    seen.becomes(group.port(1), &ports(group, [2, 3]));
}

/// For two seconds it says that it is the primary, and that all are there; then it takes writes by
/// itself, outside of the group.
fn a_leaving_primary_and_two_that_take_writes(group: &Group, account: &Account) {
    let seen = Seen::of(group, account, "");
    seen.becomes(group.port(1), &ports(group, [2, 3]));
    let watch = Watch::begin(&seen);
    group.about("leave", 1);
    eventually("another primary", || ["2", "3"].contains(&&*group.run(&["primary"])));
    let new: u16 = group.run(&["primary"]).parse().expect("a number");
    seen.becomes(group.port(new), &[group.port(5 - new)]);
    group.sql(1, "SET GLOBAL super_read_only = OFF; SET GLOBAL read_only = OFF");
    // A handle that was there before, and one that asks all three for the first time.
    let fresh = Seen::of(group, account, "");
    for _ in 0..30 {
        fresh.router.reset_cache(None);
        assert_eq!(fresh.primary(), Ok(group.port(new)));
        assert_eq!(seen.primary(), Ok(group.port(new)));
        assert!(!fresh.secondaries().contains(&group.port(1)));
    }
    // It is read once it has caught up, and not before.
    group.sql(1, "SET GLOBAL super_read_only = ON");
    let rejoining = std::thread::scope(|scope| {
        let rejoin = scope.spawn(|| group.about("rejoin", 1));
        let state = "SELECT member_state FROM performance_schema.replication_group_members \
                     WHERE member_id = @@server_uuid";
        eventually("its being read", || {
            let is_read = seen.secondaries().contains(&group.port(1));
            assert!(!is_read || group.sql(1, state) == "ONLINE");
            is_read
        });
        rejoin.join()
    });
    rejoining.expect("it is back");
    assert_eq!(watch.end(), [group.port(1), group.port(new)], "and never back");
    restore(group, &seen);
}

/// Nobody hears of it that another one was elected, and it does not know.
fn a_frozen_primary_is_expelled_and_comes_back(group: &Group, account: &Account) {
    let seen = Seen::of(group, account, "");
    seen.becomes(group.port(1), &ports(group, [2, 3]));
    let watch = Watch::begin(&seen);
    group.about("freeze", 1);
    // A write that was sent there would hang.
    seen.has_no_primary(&format!("127.0.0.1:{}", group.port(1)), &ports(group, [2, 3]));
    eventually("another primary", || seen.primary().is_ok());
    let new = seen.primary().expect("another primary");
    assert_ne!(new, group.port(1));
    group.about("thaw", 1);
    let expelled = "SELECT member_state FROM performance_schema.replication_group_members \
                    WHERE member_id = @@server_uuid";
    eventually("its being expelled", || group.sql(1, expelled) == "ERROR");
    for _ in 0..30 {
        assert_eq!(seen.primary(), Ok(new));
        assert!(!seen.secondaries().contains(&group.port(1)));
        std::thread::sleep(Duration::from_millis(10));
    }
    group.thaw(&[1]);
    eventually("its being read", || seen.secondaries().contains(&group.port(1)));
    assert_eq!(watch.end(), [group.port(1), new], "and never back");
    restore(group, &seen);
}

/// A member that applies nothing is read until what it has not applied is older than the limit, and again
/// once it has caught up.
fn a_lag_limit(group: &Group, account: &Account) {
    let limit = Duration::from_secs(1);
    let limited = Seen::by(&group.hosts(group.servers()), account, "", |config| {
        config.discovery.max_replica_lag = Some(limit);
    });
    let unlimited = Seen::of(group, account, "");
    for seen in [&limited, &unlimited] {
        seen.becomes(group.port(1), &ports(group, [2, 3]));
    }
    let mut locked = group.root(2);
    query(&mut locked, "FLUSH TABLES WITH READ LOCK").expect("a lock");
    // Idle it is not behind, however long that lasts.
    let begun = Instant::now();
    while begun.elapsed() < 2 * limit {
        assert_eq!(limited.secondaries(), ports(group, [2, 3]).into());
    }
    group.sql(1, "CREATE DATABASE behind");
    limited.becomes(group.port(1), &[group.port(3)]);
    unlimited.becomes(group.port(1), &ports(group, [2, 3]));
    query(&mut locked, "UNLOCK TABLES").expect("no lock");
    limited.becomes(group.port(1), &ports(group, [2, 3]));
    // Who is the primary is not behind, and who was none is measured as one.
    group.sql(1, "DROP DATABASE behind");
    group.about("promote", 2);
    limited.becomes(group.port(2), &ports(group, [1, 3]));
    restore(group, &limited);
}

fn several_primaries(group: &Group, account: &Account) {
    group.sql(1, "SELECT group_replication_switch_to_multi_primary_mode()");
    let seen = Seen::of(group, account, "");
    let all: Vec<u16> = group.servers().map(|number| group.port(number)).collect();
    seen.has_no_primary("multi-primary", &all);
    let hosts = group.hosts(group.servers());
    let one = || Seen::by(&hosts, account, "", |config| config.discovery.multi_primary = true);
    // All handles choose the same, and keep it while it lasts.
    let (seen, other) = (one(), one());
    seen.becomes(group.port(1), &ports(group, [2, 3]));
    other.becomes(group.port(1), &ports(group, [2, 3]));
    group.about("leave", 1);
    seen.becomes(group.port(2), &[group.port(3)]);
    other.becomes(group.port(2), &[group.port(3)]);
    group.about("rejoin", 1);
    seen.becomes(group.port(2), &ports(group, [1, 3]));
    let uuid = group.sql(1, "SELECT @@server_uuid");
    group.sql(1, &format!("SELECT group_replication_switch_to_single_primary_mode('{uuid}')"));
    seen.becomes(group.port(1), &ports(group, [2, 3]));
}

/// The primary loses its majority, and takes writes by its own word, which would hang. Then somebody makes
/// a second group of a member of the first.
fn a_minority_and_a_group_that_is_bootstrapped_twice(group: &Group, account: &Account) {
    let seen = Seen::of(group, account, "");
    let hosts = group.hosts(group.servers());
    let reads = Seen::by(&hosts, account, "", |config| {
        config.discovery.reads_without_majority = true;
    });
    group.about("leave", 3);
    seen.becomes(group.port(1), &[group.port(2)]);
    reads.becomes(group.port(1), &[group.port(2)]);
    group.about("freeze", 2);
    seen.has_no_primary("no majority of its 2 members answers", &[group.port(1)]);
    // It finds out five seconds later.
    seen.has_no_primary("lost its majority: 1 of its 2 members", &[]);
    reads.has_no_primary("lost its majority", &[group.port(1)]);
    assert_eq!(group.sql(1, "SELECT @@super_read_only"), "0", "it still says that it takes them");
    group.sql(
        3,
        "SET GLOBAL group_replication_bootstrap_group = ON; \
         START GROUP_REPLICATION USER='farm', PASSWORD='farm'; \
         SET GLOBAL group_replication_bootstrap_group = OFF",
    );
    eventually("its taking writes", || group.sql(3, "SELECT @@super_read_only") == "0");
    // Who knows the first one stays there, and who knows neither goes to none.
    let fresh = Seen::of(group, account, "");
    fresh.has_no_primary("bootstrapped twice", &[]);
    seen.has_no_primary("lost its majority", &[]);
    // Once nobody is left in the first, the second one counts: for who knows the first, and cannot tell
    // that it is gone for good, when somebody says so.
    group.about("kill", 1);
    group.about("kill", 2);
    seen.has_no_primary("reset the cache", &[]);
    seen.router.reset_cache(None);
    seen.becomes(group.port(3), &[]);
    fresh.becomes(group.port(3), &[]);
}
