//! The metadata of InnoDB Cluster that a server has a copy of: its version, and the cluster or
//! ReplicaSet that it is in.

use crate::mysql::ResultSet;
use crate::mysql::result_set::Row;
use crate::source::discovery::opinion::{Cluster, Instance};

use super::json::{attributes, router_options};
use super::rows::{address, number, some_text, text};

pub type Version = (u32, u32, u32);

/// The schema, for the GRANT that is missing.
pub(crate) const SCHEMA: &str = "mysql_innodb_cluster_metadata.*";

pub(crate) const VERSION: &str =
    "SELECT major, minor, patch FROM mysql_innodb_cluster_metadata.schema_version";

/// The version in the first columns of an answer; 0.0.0 for one without a row, which is not whole.
pub fn version(set: Option<&ResultSet>) -> Version {
    let row = set.and_then(|set| set.rows().next());
    let part = |column| row.and_then(|row| number(row, column)).unwrap_or(0);
    (part(0), part(1), part(2))
}

/// Whether the rest can be read as it is here. While it is upgraded the version is 0.0.0.
pub fn is_readable((major, _, _): Version) -> bool {
    major == 2
}

/// The version once more, the cluster that the server is in, and its instances. ClusterSets are since
/// 2.1.
pub fn statement((_, minor, _): Version) -> String {
    let set = if minor >= 1 { "g.clusterset_id" } else { "NULL" };
    format!(
        "SELECT v.major, v.minor, v.patch, c.cluster_id, c.cluster_name, c.cluster_type, g.group_name, \
         {set}, a.view_id, c.router_options, i.mysql_server_uuid, i.endpoint, i.attributes, r.member_role \
         FROM mysql_innodb_cluster_metadata.schema_version AS v \
         LEFT JOIN mysql_innodb_cluster_metadata.v2_instances AS me ON me.mysql_server_uuid = @@server_uuid \
         LEFT JOIN mysql_innodb_cluster_metadata.v2_clusters AS c ON c.cluster_id = me.cluster_id \
         LEFT JOIN mysql_innodb_cluster_metadata.v2_gr_clusters AS g ON g.cluster_id = c.cluster_id \
         LEFT JOIN mysql_innodb_cluster_metadata.v2_ar_clusters AS a ON a.cluster_id = c.cluster_id \
         LEFT JOIN mysql_innodb_cluster_metadata.v2_instances AS i ON i.cluster_id = c.cluster_id \
         LEFT JOIN mysql_innodb_cluster_metadata.v2_ar_members AS r \
         ON r.cluster_id = c.cluster_id AND r.instance_id = i.instance_id"
    )
}

/// The cluster in an answer to [`statement`], and the id of the ClusterSet that it is in.
pub fn read(set: &ResultSet) -> Option<(Cluster, Option<String>)> {
    let first = set.rows().next()?;
    let cluster = Cluster {
        cluster_id: some_text(first, 3)?,
        name: text(first, 4),
        is_replica_set: text(first, 5) == "ar",
        group_name: some_text(first, 6),
        view_id: number(first, 8),
        instances: set.rows().filter_map(|row| instance(row, 10)).collect(),
        options: router_options(first.get(9).unwrap_or_default()),
    };
    Some((cluster, some_text(first, 7)))
}

/// An instance of the columns from `at` on: uuid, endpoint, attributes, role. Nothing for one without
/// an address, which nobody can use.
pub fn instance(row: Row<'_>, at: usize) -> Option<Instance> {
    let attributes = attributes(row.get(at + 2).unwrap_or_default());
    Some(Instance {
        uuid: some_text(row, at)?,
        node: address(&text(row, at + 1))?,
        is_primary: text(row, at + 3) == "PRIMARY",
        is_read_replica: attributes.is_read_replica,
        is_hidden: attributes.is_hidden,
        tags: attributes.tags,
    })
}
