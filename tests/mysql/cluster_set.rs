//! The rules of a ClusterSet on two real groups, the second of which replicates from the first, with the
//! metadata that `tests/servers/metadata.sql` has in both.

use std::time::Duration;

use mysqlfabric::mysql::Account;

use crate::eventually;
use crate::group::Group;
use crate::seen::{Seen, Watch};

/// What the metadata of the stand-in calls the first cluster, and the second one.
const CLUSTERS: [&str; 2] =
    ["c0000000-0000-0000-0000-000000000001", "c0000000-0000-0000-0000-000000000002"];

/// Whether a primary that is elected takes writes: not that of a replica cluster.
const ACTION: &str = "('mysql_disable_super_read_only_if_primary', 'AFTER_PRIMARY_ELECTION')";

/// Two groups of two for all of it, in this order.
#[test]
fn rules_of_a_cluster_set() {
    let Some(first) = Group::start(2) else { return };
    let Some(second) = Group::start_beside(2) else { return };
    let grants = [
        "SELECT ON performance_schema.replication_group_members",
        "SELECT ON performance_schema.replication_group_member_stats",
        "SELECT ON mysql_innodb_cluster_metadata.*",
    ];
    let account = first.user(1, "rules", &grants);
    let set = Set { groups: [first, second], account };
    set.make_metadata();
    let seen = set.seen(&[0, 1]);
    set.is_used(&seen, 0);
    // Servers of the replica cluster know where the primary cluster is.
    set.is_used(&set.seen(&[1]), 0);
    let watch = Watch::begin(&seen);
    a_tag_that_the_replica_cluster_does_not_have_yet(&set, &seen);
    a_switchover(&set, &seen);
    a_forced_failover(&set, &seen);
    the_old_cluster_comes_back(&set, &seen);
    let ports = [0, 1, 0].map(|cluster: usize| set.groups[cluster].port(1));
    assert_eq!(watch.end(), ports, "and never back");
}

struct Set {
    groups: [Group; 2],
    account: Account,
}

impl Set {
    /// A handle that is told the servers of these clusters.
    fn seen(&self, clusters: &[usize]) -> Seen {
        let hosts = clusters.iter().map(|cluster| {
            let group = &self.groups[*cluster];
            group.hosts(group.servers())
        });
        let hosts = hosts.collect::<Vec<_>>().join(",");
        Seen::by(&hosts, &self.account, "&kind=clusterset", |_| ())
    }

    #[track_caller]
    fn is_used(&self, seen: &Seen, cluster: usize) {
        let group = &self.groups[cluster];
        seen.becomes(group.port(1), &[group.port(2)]);
    }

    /// Of two clusters, of which the second has it from the first.
    fn make_metadata(&self) {
        let [first, second] = &self.groups;
        first.make_metadata(1);
        let name = second.sql(1, "SELECT @@group_replication_group_name");
        let mut change = format!(
            "DELETE FROM instances WHERE instance_id = 3;
             INSERT INTO clusters (cluster_id, cluster_name, cluster_type, options, attributes, router_options)
             VALUES ('{}', 'second', 'gr', '{{}}',
                     JSON_OBJECT('group_replication_group_name', '{name}'), '{{}}');
             INSERT INTO clustersets VALUES ('set', 'set', '{{}}', '{{}}', '{{}}', NULL);
             UPDATE clusters SET clusterset_id = 'set';",
            CLUSTERS[1]
        );
        for number in second.servers() {
            let uuid = second.sql(number, "SELECT @@server_uuid");
            let address = second.hosts([number]);
            change += &format!(
                "INSERT INTO instances (cluster_id, address, mysql_server_uuid, instance_name, addresses,
                                        attributes, instance_type)
                 VALUES ('{}', '{address}', '{uuid}', '{address}',
                         JSON_OBJECT('mysqlClassic', '{address}'), '{{}}', 'group-member');",
                CLUSTERS[1]
            );
        }
        self.change(0, &change);
        self.add_view(0, "1", &[(0, true), (1, false)]);
        self.forbid_writes(1);
        self.replicate(1, 0);
    }

    /// A change of the metadata that a cluster has.
    fn change(&self, cluster: usize, statements: &str) {
        let statements = format!("USE mysql_innodb_cluster_metadata; {statements}");
        self.groups[cluster].sql(1, &statements);
    }

    /// Another view, in the metadata that cluster `at` has, with these clusters, and whether they take the
    /// writes.
    fn add_view(&self, at: usize, view_id: &str, clusters: &[(usize, bool)]) {
        let mut change = format!(
            "START TRANSACTION; INSERT INTO clusterset_views VALUES ('set', {view_id}, 'SINGLE-PRIMARY-TREE');"
        );
        for (cluster, is_primary) in clusters {
            let id = CLUSTERS[*cluster];
            change += &format!(
                "INSERT INTO clusterset_members VALUES ('set', {view_id}, '{id}', NULL, {is_primary});"
            );
        }
        self.change(at, &format!("{change} COMMIT"));
    }

    fn forbid_writes(&self, cluster: usize) {
        let group = &self.groups[cluster];
        group.sql(1, &format!("SELECT group_replication_disable_member_action{ACTION}"));
        group.sql(1, "SET GLOBAL super_read_only = ON");
    }

    /// The cluster replicates from nobody, and takes writes.
    fn promote(&self, cluster: usize) {
        let group = &self.groups[cluster];
        group.sql(
            1,
            &format!(
                "STOP REPLICA FOR CHANNEL 'clusterset_replication'; \
                 RESET REPLICA ALL FOR CHANNEL 'clusterset_replication'; \
                 SET GLOBAL super_read_only = OFF; SET GLOBAL read_only = OFF; \
                 SELECT group_replication_enable_member_action{ACTION}"
            ),
        );
    }

    /// Has a cluster replicate from another one, until it has all that this one has.
    fn replicate(&self, cluster: usize, from: usize) {
        let (group, source) = (&self.groups[cluster], &self.groups[from]);
        group.sql(
            1,
            &format!(
                "CHANGE REPLICATION SOURCE TO SOURCE_HOST = '127.0.0.1', SOURCE_PORT = {}, SOURCE_USER = 'farm', \
                 SOURCE_PASSWORD = 'farm', SOURCE_AUTO_POSITION = 1, GET_SOURCE_PUBLIC_KEY = 1 \
                 FOR CHANNEL 'clusterset_replication'; START REPLICA FOR CHANNEL 'clusterset_replication'",
                source.port(1)
            ),
        );
        self.has_caught_up(cluster, from);
    }

    fn has_caught_up(&self, cluster: usize, with: usize) {
        let all = self.groups[with].sql(1, "SELECT REPLACE(@@gtid_executed, '\\n', '')");
        let group = &self.groups[cluster];
        for number in group.servers() {
            let has_it = format!("SELECT GTID_SUBSET('{all}', @@gtid_executed)");
            eventually("its having caught up", || group.sql(number, &has_it) == "1");
        }
    }
}

/// Tags are not counted in views: that of the primary cluster counts.
fn a_tag_that_the_replica_cluster_does_not_have_yet(set: &Set, seen: &Seen) {
    let [first, second] = &set.groups;
    let tag = |tags: &str| {
        let server = first.hosts([2]);
        set.change(
            0,
            &format!("UPDATE instances SET attributes = '{{{tags}}}' WHERE address = '{server}'"),
        );
    };
    second.sql(1, "STOP REPLICA FOR CHANNEL 'clusterset_replication'");
    tag(r#""tags": {"_hidden": true}"#);
    for seen in [seen, &set.seen(&[1])] {
        seen.becomes(first.port(1), &[]);
    }
    second.sql(1, "START REPLICA FOR CHANNEL 'clusterset_replication'");
    set.has_caught_up(1, 0);
    tag("");
    set.is_used(seen, 0);
}

/// Nothing is lost: the old primary cluster takes no writes any more before the new one does, which is
/// the first to have the new view.
fn a_switchover(set: &Set, seen: &Seen) {
    set.forbid_writes(0);
    let group = &set.groups[0];
    seen.has_no_primary("does not take writes yet", &[group.port(1), group.port(2)]);
    set.has_caught_up(1, 0);
    set.promote(1);
    set.add_view(1, "2", &[(0, false), (1, true)]);
    set.is_used(seen, 1);
    // Servers of the old one have the old view, and know where the new one is.
    let fresh = set.seen(&[0]);
    set.is_used(&fresh, 1);
    set.replicate(0, 1);
    set.is_used(seen, 1);
    set.is_used(&fresh, 1);
}

/// The primary cluster is gone: nobody takes writes until somebody says who does.
fn a_forced_failover(set: &Set, seen: &Seen) {
    // These servers write their logs once a second: what they have seen by now they are to know afterwards.
    for number in set.groups[1].servers() {
        set.groups[1].sql(number, "FLUSH LOCAL ENGINE LOGS; FLUSH LOCAL BINARY LOGS");
    }
    for number in set.groups[1].servers() {
        set.groups[1].about("kill", number);
    }
    seen.has_no_primary("cluster 'second', which is to take them", &[]);
    set.promote(0);
    seen.has_no_primary("cluster 'second', which is to take them", &[]);
    set.add_view(0, "3 + (1 << 32)", &[(0, true)]);
    set.is_used(seen, 0);
    set.is_used(&set.seen(&[0]), 0);
}

/// By its own word it is the primary cluster, and its primary takes writes. By the newest view it is
/// invalidated, whoever is asked, and even when nobody has that view any more.
fn the_old_cluster_comes_back(set: &Set, seen: &Seen) {
    let [first, second] = &set.groups;
    for number in second.servers() {
        second.about("up", number);
    }
    second.sql(
        1,
        "SET GLOBAL group_replication_bootstrap_group = ON; \
         START GROUP_REPLICATION USER='farm', PASSWORD='farm'; \
         SET GLOBAL group_replication_bootstrap_group = OFF",
    );
    second.about("rejoin", 2);
    eventually("its taking writes", || second.run(&["primary"]) == "1");
    let view = "SELECT CONCAT(view_id, cluster_name, member_role) \
                FROM mysql_innodb_cluster_metadata.v2_cs_members WHERE member_role = 'PRIMARY'";
    assert_eq!(second.sql(1, view), "2secondPRIMARY", "by its own word");
    let (of_both, of_second) = (set.seen(&[0, 1]), set.seen(&[1]));
    for _ in 0..20 {
        for seen in [seen, &of_both, &of_second] {
            set.is_used(seen, 0);
        }
        of_both.router.reset_cache(None);
        of_second.router.reset_cache(None);
    }
    for seen in [&of_both, &of_second] {
        set.is_used(seen, 0);
    }
    for number in first.servers() {
        first.about("kill", number);
    }
    for seen in [seen, &of_both, &of_second] {
        seen.has_no_primary("cluster 'farm', which is to take them", &[]);
        let watch = Watch::begin(seen);
        std::thread::sleep(Duration::from_secs(1));
        assert_eq!(watch.end(), [0; 0]);
    }
}
