//! The rules of InnoDB Clusters and ClusterSets on a real group of three, with the metadata that
//! `tests/servers/metadata.sql` has.

use mysqlfabric::mysql::Account;

use crate::group::Group;
use crate::seen::Seen;

/// One group for all of it, in this order: it is as it was after each.
#[test]
fn rules_of_a_cluster() {
    let Some(group) = Group::start(3) else { return };
    let grants = [
        "SELECT ON performance_schema.replication_group_members",
        "SELECT ON performance_schema.replication_group_member_stats",
        "SELECT ON mysql_innodb_cluster_metadata.*",
        "REPLICATION CLIENT ON *.*",
    ];
    let account = group.user(1, "rules", &grants);
    let seen = Seen::of(&group, &account, "");
    seen.becomes(group.port(1), &ports(&group, &[2, 3]));
    // What was a group is a cluster from now on.
    group.make_metadata(1);
    seen.becomes(group.port(1), &ports(&group, &[2, 3]));
    hidden_servers(&group, &seen);
    zones_of_the_tags(&group, &account);
    servers_that_are_not_in_the_metadata(&group, &seen);
    metadata_that_is_upgraded(&group, &account, &seen);
    read_replicas(&group, &seen);
    a_cluster_set(&group, &account);
    a_minority_that_may_be_read(&group, &account);
}

fn ports(group: &Group, numbers: &[u16]) -> Vec<u16> {
    numbers.iter().map(|number| group.port(*number)).collect()
}

/// A change of the metadata, on server 1, which is the primary.
fn change(group: &Group, statement: &str) {
    group.sql(1, &format!("USE mysql_innodb_cluster_metadata; {statement}"));
}

fn hidden_servers(group: &Group, seen: &Seen) {
    let tag = |number: u16, tags: &str| {
        let tags =
            format!("UPDATE instances SET attributes = '{{{tags}}}' WHERE instance_id = {number}");
        change(group, &tags);
    };
    tag(2, r#""tags": {"_hidden": true}"#);
    seen.becomes(group.port(1), &ports(group, &[3]));
    tag(1, r#""tags": {"_hidden": true}"#);
    seen.has_no_primary("hidden", &ports(group, &[3]));
    tag(1, "");
    tag(2, "");
    seen.becomes(group.port(1), &ports(group, &[2, 3]));
}

fn zones_of_the_tags(group: &Group, account: &Account) {
    let tag = |number: u16, tags: &str| {
        let set = format!("JSON_SET(COALESCE(attributes, '{{}}'), '$.tags', JSON_OBJECT({tags}))");
        let tags = format!("UPDATE instances SET attributes = {set} WHERE instance_id = {number}");
        change(group, &tags);
    };
    let seen = Seen::by(&group.hosts(group.servers()), account, "&kind=innodb_cluster", |config| {
        config.zone = Some("west".into());
    });
    seen.becomes(group.port(1), &ports(group, &[2, 3]));
    tag(2, "'zone', 'east'");
    tag(3, "'zone', 'west', 'weight', 2");
    seen.becomes(group.port(1), &ports(group, &[3]));
    tag(2, "'zone', 'west'");
    seen.becomes(group.port(1), &ports(group, &[2, 3]));
    tag(3, "'zone', 7");
    seen.becomes(group.port(1), &ports(group, &[2]));
    tag(2, "'zone', 'east'");
    seen.becomes(group.port(1), &ports(group, &[2, 3]));
    // In the zone of the primary reads are those of secondaries all the same.
    tag(1, "'zone', 'west'");
    tag(2, "");
    seen.becomes(group.port(1), &ports(group, &[2, 3]));
    tag(1, "");
    tag(3, "");
}

fn servers_that_are_not_in_the_metadata(group: &Group, seen: &Seen) {
    change(group, "UPDATE instances SET cluster_id = 'none' WHERE instance_id = 3");
    seen.becomes(group.port(1), &ports(group, &[2]));
    change(group, "UPDATE instances SET cluster_id = 'none' WHERE instance_id = 1");
    seen.has_no_primary("in the group and not in the metadata", &ports(group, &[2]));
    change(group, "UPDATE instances SET cluster_id = (SELECT cluster_id FROM clusters)");
    seen.becomes(group.port(1), &ports(group, &[2, 3]));
    // In the metadata, and not in the group.
    group.about("leave", 3);
    seen.becomes(group.port(1), &ports(group, &[2]));
    group.about("rejoin", 3);
    seen.becomes(group.port(1), &ports(group, &[2, 3]));
}

fn metadata_that_is_upgraded(group: &Group, account: &Account, seen: &Seen) {
    let version = |version: &str| {
        change(
            group,
            &format!(
                "CREATE OR REPLACE SQL SECURITY INVOKER VIEW schema_version (major, minor, patch) \
                 AS SELECT {version}"
            ),
        );
    };
    for (number, words) in [
        ("0, 0, 0", "being upgraded"),
        ("1, 0, 1", "upgradeMetadata"),
        ("3, 0, 0", "newer library"),
    ] {
        version(number);
        let fresh = Seen::of(group, account, "&kind=innodb_cluster");
        fresh.has_no_primary(words, &[]);
        // What is known holds, and is kept up by what the group says.
        seen.becomes(group.port(1), &ports(group, &[2, 3]));
    }
    group.about("promote", 2);
    seen.becomes(group.port(2), &ports(group, &[1, 3]));
    group.about("promote", 1);
    version("2, 2, 0");
    let fresh = Seen::of(group, account, "&kind=innodb_cluster");
    fresh.becomes(group.port(1), &ports(group, &[2, 3]));
    seen.becomes(group.port(1), &ports(group, &[2, 3]));
}

fn a_minority_that_may_be_read(group: &Group, account: &Account) {
    let seen = Seen::of(group, account, "&kind=innodb_cluster");
    seen.becomes(group.port(1), &ports(group, &[2, 3]));
    change(
        group,
        r#"UPDATE clusters SET router_options = '{"unreachable_quorum_allowed_traffic": "all"}'"#,
    );
    // Both others have to have it before they hang.
    let option = "SELECT router_options ->> '$.unreachable_quorum_allowed_traffic' \
                  FROM mysql_innodb_cluster_metadata.clusters";
    crate::eventually("the option", || [2, 3].iter().all(|n| group.sql(*n, option) == "all"));
    group.about("freeze", 2);
    group.about("freeze", 3);
    seen.has_no_primary("lost its majority", &ports(group, &[1]));
}

/// Server 3 becomes one, and a member again.
fn read_replicas(group: &Group, seen: &Seen) {
    group.about("leave", 3);
    group.sql(
        3,
        &format!(
            "CHANGE REPLICATION SOURCE TO SOURCE_HOST = '127.0.0.1', SOURCE_PORT = {}, SOURCE_USER = 'farm', \
             SOURCE_PASSWORD = 'farm', SOURCE_AUTO_POSITION = 1, GET_SOURCE_PUBLIC_KEY = 1 \
             FOR CHANNEL 'read_replica_replication'; START REPLICA",
            group.port(1)
        ),
    );
    let kind = |kind: &str| {
        change(
            group,
            &format!("UPDATE instances SET instance_type = '{kind}' WHERE instance_id = 3"),
        );
    };
    kind("read-replica");
    for (targets, secondaries) in [
        ("read_replicas", &[3][..]),
        ("all", &[2, 3]),
        ("secondaries", &[2]),
        ("what is that", &[2]),
    ] {
        let options = format!(
            r#"UPDATE clusters SET router_options = '{{"read_only_targets": "{targets}"}}'"#
        );
        change(group, &options);
        seen.becomes(group.port(1), &ports(group, secondaries));
    }
    change(group, "UPDATE clusters SET router_options = '{}'");
    kind("group-member");
    group.sql(3, "STOP REPLICA; RESET REPLICA ALL FOR CHANNEL 'read_replica_replication'");
    group.about("rejoin", 3);
    seen.becomes(group.port(1), &ports(group, &[2, 3]));
}

fn a_cluster_set(group: &Group, account: &Account) {
    change(
        group,
        "INSERT INTO clustersets VALUES ('d0000000-0000-0000-0000-000000000001', 'set', '{}', '{}', '{}', NULL);
         INSERT INTO clusterset_views SELECT clusterset_id, 1, 'SINGLE-PRIMARY-TREE' FROM clustersets;
         INSERT INTO clusterset_members SELECT s.clusterset_id, 1, c.cluster_id, NULL, 1
         FROM clustersets s, clusters c;
         UPDATE clusters SET clusterset_id = 'd0000000-0000-0000-0000-000000000001'",
    );
    let seen = Seen::of(group, account, "&kind=clusterset");
    seen.becomes(group.port(1), &ports(group, &[2, 3]));
    let options = |options: &str| {
        change(group, &format!("UPDATE clustersets SET router_options = JSON_OBJECT({options})"));
    };
    // The next view is one of a failover by force, and this cluster is not in it.
    change(
        group,
        "INSERT INTO clusterset_views SELECT clusterset_id, 2 + (1 << 32), 'SINGLE-PRIMARY-TREE' FROM clustersets",
    );
    seen.has_no_primary("no primary cluster", &[]);
    let name = group.sql(1, "SELECT @@group_replication_group_name");
    options(&format!("'target_cluster', '{name}'"));
    seen.has_no_primary("invalidated", &[]);
    options(&format!("'target_cluster', '{name}', 'invalidated_cluster_policy', 'accept_ro'"));
    seen.has_no_primary("invalidated", &ports(group, &[1, 2, 3]));
    // As a replica of another cluster it takes no writes of services.
    change(
        group,
        "INSERT INTO clusterset_members SELECT s.clusterset_id, 2 + (1 << 32), c.cluster_id, NULL, 0 \
         FROM clustersets s, clusters c",
    );
    seen.has_no_primary("is a replica of", &ports(group, &[1, 2, 3]));
    // The view before, as a server has it that was restored from a backup.
    change(
        group,
        "DELETE FROM clusterset_members WHERE view_id > 1; DELETE FROM clusterset_views WHERE view_id > 1",
    );
    let fresh = Seen::of(group, account, "&kind=clusterset");
    fresh.becomes(group.port(1), &ports(group, &[2, 3]));
    seen.has_no_primary("is a replica of", &ports(group, &[1, 2, 3]));
    seen.router.reset_cache(None);
    seen.becomes(group.port(1), &ports(group, &[2, 3]));
}
