//! The rules of plain replication and of InnoDB ReplicaSets on three real servers.

use mysqlfabric::mysql::Account;

use crate::eventually;
use crate::group::Group;
use crate::seen::{Seen, Watch};

const READ_ONLY: &str = "SET GLOBAL super_read_only = ON";
const WRITABLE: &str = "SET GLOBAL super_read_only = OFF; SET GLOBAL read_only = OFF";

/// One farm for all of it, in this order: server 1 is the primary after each but the last.
#[test]
fn rules_of_replication() {
    let Some(group) = Group::start_replication(3) else { return };
    let account = group.user(
        1,
        "rules",
        &["REPLICATION CLIENT ON *.*", "SELECT ON mysql_innodb_cluster_metadata.*"],
    );
    none_and_two_that_take_writes(&group, &account);
    a_promotion(&group, &account);
    a_lag_limit(&group, &account);
    a_grant_that_is_missing(&group);
    group.make_metadata(1);
    a_promotion_that_the_metadata_does_not_know(&group, &account);
    an_older_copy_is_not_gone_back_to(&group, &account);
}

fn ports(group: &Group, numbers: [u16; 2]) -> [u16; 2] {
    numbers.map(|number| group.port(number))
}

fn none_and_two_that_take_writes(group: &Group, account: &Account) {
    let seen = Seen::of(group, account, "&kind=replication");
    seen.becomes(group.port(1), &ports(group, [2, 3]));
    group.sql(1, READ_ONLY);
    let all: Vec<u16> = group.servers().map(|number| group.port(number)).collect();
    seen.has_no_primary("none of its servers takes writes", &all);
    group.sql(1, WRITABLE);
    seen.becomes(group.port(1), &ports(group, [2, 3]));
    // The one that the others replicate from is the primary, whatever these do.
    group.sql(2, WRITABLE);
    for _ in 0..20 {
        seen.router.reset_cache(None);
        assert_eq!(seen.primary(), Ok(group.port(1)));
    }
    // Nobody replicates from either.
    group.sql(2, "STOP REPLICA; RESET REPLICA ALL");
    group.sql(3, "STOP REPLICA; RESET REPLICA ALL");
    seen.has_no_primary("take writes, and not exactly one of them is the source", &[]);
    group.sql(2, READ_ONLY);
    // The one that is left was confirmed before; who does not know that wants to hear it from a replica.
    seen.becomes(group.port(1), &[]);
    let fresh = Seen::of(group, account, "&kind=replication");
    fresh.has_no_primary("no other server says that it replicates from it", &[group.port(1)]);
    group.about("rejoin", 2);
    fresh.becomes(group.port(1), &[group.port(2)]);
    group.about("rejoin", 3);
    seen.becomes(group.port(1), &ports(group, [2, 3]));
}

fn a_promotion(group: &Group, account: &Account) {
    let seen = Seen::of(group, account, "");
    seen.becomes(group.port(1), &ports(group, [2, 3]));
    let watch = Watch::begin(&seen);
    group.about("promote", 2);
    seen.becomes(group.port(2), &ports(group, [1, 3]));
    group.about("kill", 2);
    seen.has_no_primary("none of its servers takes writes", &ports(group, [1, 3]));
    group.about("promote", 1);
    seen.becomes(group.port(1), &[group.port(3)]);
    // The dead one comes back as it was, and takes writes.
    group.about("up", 2);
    group.sql(2, WRITABLE);
    for _ in 0..20 {
        assert_eq!(seen.primary(), Ok(group.port(1)));
        std::thread::sleep(std::time::Duration::from_millis(20));
    }
    assert_eq!(watch.end(), [group.port(1), group.port(2), group.port(1)]);
    group.about("rejoin", 2);
    seen.becomes(group.port(1), &ports(group, [2, 3]));
}

fn a_lag_limit(group: &Group, account: &Account) {
    let hosts = group.hosts(group.servers());
    let seen = Seen::by(&hosts, account, "", |config| {
        config.discovery.max_replica_lag = Some(std::time::Duration::from_secs(5));
    });
    seen.becomes(group.port(1), &ports(group, [2, 3]));
    // How far it is behind is not known then, and that is too far.
    group.sql(3, "STOP REPLICA SQL_THREAD");
    seen.becomes(group.port(1), &[group.port(2)]);
    group.sql(3, "START REPLICA");
    seen.becomes(group.port(1), &ports(group, [2, 3]));
}

fn a_grant_that_is_missing(group: &Group) {
    let account = group.user(1, "none", &[]);
    let seen = Seen::of(group, &account, "&kind=replication");
    let all: Vec<u16> = group.servers().map(|number| group.port(number)).collect();
    seen.has_no_primary("GRANT REPLICATION CLIENT ON *.* TO 'none'@", &all);
}

/// A new view of the ReplicaSet, of which server `number` is the primary, made there.
fn tell_metadata(group: &Group, number: u16) {
    group.sql(
        number,
        "USE mysql_innodb_cluster_metadata;
         INSERT INTO async_cluster_views SELECT cluster_id, MAX(view_id) + 1, 'SINGLE-PRIMARY-TREE'
         FROM async_cluster_views GROUP BY cluster_id;
         INSERT INTO async_cluster_members SELECT i.cluster_id, v.view_id, i.instance_id,
         NULLIF(@@server_id, i.instance_id), i.instance_id = @@server_id
         FROM instances i JOIN v2_ar_clusters v",
    );
}

fn a_promotion_that_the_metadata_does_not_know(group: &Group, account: &Account) {
    // One of them is enough to find the others by.
    let seen = Seen::by(&group.hosts([3]), account, "&kind=replicaset", |_| ());
    seen.becomes(group.port(1), &ports(group, [2, 3]));
    let found = Seen::of(group, account, "");
    found.becomes(group.port(1), &ports(group, [2, 3]));
    group.about("promote", 2);
    let why = "is the primary by the metadata, and does not take writes";
    seen.has_no_primary(why, &ports(group, [1, 3]));
    found.has_no_primary(why, &ports(group, [1, 3]));
    tell_metadata(group, 2);
    seen.becomes(group.port(2), &ports(group, [1, 3]));
    // Hidden ones get nothing.
    let hide = |tags: &str| {
        group.sql(
            2,
            &format!(
                "UPDATE mysql_innodb_cluster_metadata.instances SET attributes = '{tags}' \
                 WHERE instance_id = 3"
            ),
        );
    };
    hide(r#"{"tags": {"_hidden": true}}"#);
    seen.becomes(group.port(2), &[group.port(1)]);
    hide("{}");
    seen.becomes(group.port(2), &ports(group, [1, 3]));
}

/// The old primary takes writes by its own word, and by its own copy of the metadata.
fn an_older_copy_is_not_gone_back_to(group: &Group, account: &Account) {
    let seen = Seen::of(group, account, "&kind=replicaset");
    seen.becomes(group.port(2), &ports(group, [1, 3]));
    // These servers write their log once a second, and what it lacks is lost with them.
    group.sql(2, "FLUSH ENGINE LOGS");
    group.about("kill", 2);
    seen.has_no_primary("does not answer", &ports(group, [1, 3]));
    group.about("promote", 1);
    tell_metadata(group, 1);
    seen.becomes(group.port(1), &[group.port(3)]);
    let watch = Watch::begin(&seen);
    group.about("up", 2);
    group.sql(2, WRITABLE);
    let role = "SELECT member_role FROM mysql_innodb_cluster_metadata.v2_ar_members WHERE member_id = @@server_uuid";
    assert_eq!(group.sql(2, role), "PRIMARY", "by its own copy");
    let fresh = Seen::of(group, account, "&kind=replicaset");
    fresh.becomes(group.port(1), &[group.port(3)]);
    // Those who know better are gone.
    group.about("freeze", 1);
    group.about("freeze", 3);
    seen.has_no_primary("does not answer", &[]);
    eventually("a round with it alone", || seen.primary().is_err());
    assert_eq!(watch.end(), [group.port(1)]);
    group.about("thaw", 1);
    group.about("thaw", 3);
    seen.becomes(group.port(1), &[group.port(3)]);
}
