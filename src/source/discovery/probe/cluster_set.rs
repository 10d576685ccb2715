//! The ClusterSet of a cluster, as a server's copy of the metadata has it.

use crate::mysql::ResultSet;
use crate::mysql::result_set::Row;
use crate::source::discovery::opinion::{Cluster, ClusterSet, SetMember};

use super::json::router_options;
use super::metadata::instance;
use super::rows::{number, some_text, text};

/// The set of that id, all its clusters and all their instances. The id is the server's own.
pub fn statement(id: &str) -> String {
    let id: String = id.bytes().map(|byte| format!("{byte:02x}")).collect();
    format!(
        "SELECT s.clusterset_id, s.domain_name, s.view_id, s.router_options, m.cluster_id, m.cluster_name, \
         m.member_role, m.invalidated, g.group_name, g.router_options, i.mysql_server_uuid, i.endpoint, \
         i.attributes \
         FROM mysql_innodb_cluster_metadata.v2_cs_clustersets AS s \
         JOIN mysql_innodb_cluster_metadata.v2_cs_members AS m ON m.clusterset_id = s.clusterset_id \
         LEFT JOIN mysql_innodb_cluster_metadata.v2_gr_clusters AS g ON g.cluster_id = m.cluster_id \
         LEFT JOIN mysql_innodb_cluster_metadata.v2_instances AS i ON i.cluster_id = m.cluster_id \
         WHERE s.clusterset_id = X'{id}'"
    )
}

pub fn read(set: &ResultSet) -> Option<ClusterSet> {
    let first = set.rows().next()?;
    let mut found = ClusterSet {
        id: some_text(first, 0)?,
        name: text(first, 1),
        view_id: number(first, 2)?,
        clusters: Vec::new(),
        options: router_options(first.get(3).unwrap_or_default()),
    };
    for row in set.rows() {
        let Some(id) = some_text(row, 4) else { continue };
        let place = found.clusters.iter().position(|member| member.cluster.cluster_id == id);
        let place = place.unwrap_or_else(|| {
            found.clusters.push(member(id, row));
            found.clusters.len() - 1
        });
        if let Some(member) = found.clusters.get_mut(place) {
            member.cluster.instances.extend(instance(row, 10));
        }
    }
    Some(found)
}

fn member(cluster_id: String, row: Row<'_>) -> SetMember {
    SetMember {
        cluster: Cluster {
            cluster_id,
            name: text(row, 5),
            group_name: some_text(row, 8),
            options: router_options(row.get(9).unwrap_or_default()),
            ..Cluster::default()
        },
        is_primary: match text(row, 6).as_str() {
            "PRIMARY" => Some(true),
            "REPLICA" => Some(false),
            _ => None,
        },
        is_invalidated: number(row, 7) == Some(1u8),
    }
}
