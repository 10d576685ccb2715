//! What kind of group its servers say it is.

use std::collections::BTreeSet;

use super::super::opinion::Opinion;
use super::super::spec::Kind;
use super::memory::Memory;
use super::report::Report;
use super::round::Round;

/// What one server is evidence of.
struct Evidence {
    kind: Kind,
    /// Whether it is in such a group now, and does not just look like it.
    is_member: bool,
}

/// The kind of the group; `None` if who is awaited may tell. Silence is no evidence: a group of a
/// known kind becomes one of another kind when its servers say so, and none of them is missing.
pub(super) fn kind(round: &Round<'_>, memory: &mut Memory) -> Option<Kind> {
    let found: Vec<Evidence> = round.opinions().map(evidence).collect();
    let members = found.iter().filter(|evidence| evidence.is_member);
    let members: BTreeSet<Kind> = members.map(|evidence| evidence.kind).collect();
    let kind = match memory.kind {
        Some(known) => match members.iter().rev().find(|kind| grows(known, **kind)) {
            Some(grown) => *grown,
            None if found.is_empty() || found.iter().any(|found| found.kind == known) => known,
            None if !round.is_complete() => known,
            None => strongest(&found)?,
        },
        None if members.iter().any(|kind| *kind != Kind::ReplicaSet) => strongest(&found)?,
        None if round.is_awaited() => return None,
        // Without a single answer there is nothing to be found in any way.
        None if found.is_empty() => return Some(Kind::Replication),
        None => strongest(&found)?,
    };
    let is_sure = members.contains(&kind) || (kind == Kind::Replication && round.is_complete());
    if memory.kind.is_some() || is_sure {
        memory.kind = Some(kind);
    }
    Some(kind)
}

/// Whether a group of one kind can become the other one while it is used: metadata was made for it.
fn grows(from: Kind, to: Kind) -> bool {
    matches!(
        (from, to),
        (Kind::GroupReplication, Kind::InnodbCluster | Kind::ClusterSet)
            | (Kind::InnodbCluster, Kind::ClusterSet)
            | (Kind::Replication, Kind::ReplicaSet)
    )
}

/// What members of a group say counts more than what others have left of one.
fn strongest(found: &[Evidence]) -> Option<Kind> {
    let weight = |kind: Kind| match kind {
        Kind::Auto | Kind::Replication => 0,
        Kind::ReplicaSet => 1,
        Kind::GroupReplication => 2,
        Kind::InnodbCluster => 3,
        Kind::ClusterSet => 4,
    };
    let strongest = found.iter().max_by_key(|found| (found.is_member, weight(found.kind)));
    strongest.map(|found| found.kind)
}

fn evidence(opinion: &Opinion) -> Evidence {
    let group = opinion.group.as_ref();
    let is_in_group = group.and_then(|view| Report::of(&opinion.uuid, view)).is_some();
    let metadata = opinion.metadata.as_ref();
    let own = metadata.and_then(|metadata| metadata.own.as_ref());
    let is_replica_set = own.is_some_and(|own| own.is_replica_set);
    if is_replica_set && !is_in_group {
        return Evidence { kind: Kind::ReplicaSet, is_member: true };
    }
    let kind = match metadata {
        Some(metadata) if metadata.cluster_set.is_some() => Kind::ClusterSet,
        Some(_) if !is_replica_set => Kind::InnodbCluster,
        _ if group.is_some() => Kind::GroupReplication,
        _ => Kind::Replication,
    };
    Evidence { kind, is_member: is_in_group }
}
