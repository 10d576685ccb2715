//! A ClusterSet: several InnoDB Clusters, one of which takes the writes. Which one that is, the newest
//! view of the set says that any of them has.

use std::sync::Arc;

use crate::base::text::excerpt;
use crate::config::Node;

use super::super::opinion::{ClusterSet, SetMember};
use super::super::spec::GroupSpec;
use super::super::verdict::Judgement;
use super::group::{Found, Group};
use super::memory::Memory;
use super::metadata::{copies, unreadable};
use super::options::Options;
use super::placement;
use super::reason::NoPrimary;
use super::round::Round;
use super::verdict_builder::{VerdictBuilder, nobody};

pub(super) fn judge(
    spec: &GroupSpec,
    round: &Round<'_>,
    memory: &mut Memory,
    options: &Options,
) -> Judgement {
    let set = match newest(round, memory) {
        Ok(set) => set,
        Err(why) => {
            return round
                .or_ask(&spec.seeds, nobody(round, why), |ask| Judgement::Undecided { ask });
        }
    };
    // A cluster that was promoted is the first to know: one server of each has to say something.
    if let Some(ask) = unheard(&set, round) {
        return Judgement::Undecided { ask };
    }
    memory.cluster_set = Some(Arc::clone(&set));
    let mut verdict = VerdictBuilder::named(&set.name);
    for member in &set.clusters {
        placement::members(&mut verdict, &member.cluster, round, memory);
    }
    let target = match target(&set) {
        Ok(target) => target,
        Err(why) => return verdict.decide(Some(NoPrimary::lasting(why))),
    };
    let cluster = &target.cluster;
    if target.is_invalidated && !set.options.invalidated_accepts_reads {
        return verdict.decide(Some(invalidated(target)));
    }
    let others: Vec<Node> =
        cluster.instances.iter().map(|instance| instance.node.clone()).collect();
    let name = cluster.group_name.as_deref();
    let mut group = match placement::find(cluster, name, &others, round, memory, options) {
        Found::Group(group) => group,
        Found::Undecided { ask } => return Judgement::Undecided { ask },
        Found::Nobody { why } => {
            let why = format!("cluster '{}', which is to take them: {why}", cluster.name);
            return verdict.decide(Some(NoPrimary::now(why)));
        }
    };
    forbid_writes(&mut group, &set, target);
    let no_primary = placement::place(&mut verdict, &group, cluster, round, memory, options);
    verdict.decide(no_primary)
}

/// Only the primary cluster takes writes.
fn forbid_writes(group: &mut Group<'_>, set: &ClusterSet, target: &SetMember) {
    let name = &target.cluster.name;
    if target.is_invalidated {
        group.primary = Err(invalidated(target));
    } else if target.is_primary != Some(true) && !set.options.use_replica_primary_as_rw {
        let why = format!("cluster '{name}' is a replica of the ClusterSet's primary cluster");
        group.primary = Err(NoPrimary::lasting(why));
    }
}

fn invalidated(target: &SetMember) -> NoPrimary {
    NoPrimary::lasting(format!(
        "cluster '{}' is invalidated in its ClusterSet: see clusterSet.rejoinCluster() of MySQL Shell",
        target.cluster.name
    ))
}

/// The newest view of the set that any server has or had.
fn newest(round: &Round<'_>, memory: &Memory) -> Result<Arc<ClusterSet>, String> {
    let copies = copies(round);
    let sets: Vec<&ClusterSet> = copies
        .iter()
        .filter(|(_, metadata)| unreadable(metadata).is_none())
        .filter_map(|(_, metadata)| metadata.cluster_set.as_ref())
        .collect();
    let known = memory.cluster_set.as_ref();
    let is_known = |set: &&&ClusterSet| known.is_some_and(|known| known.id == set.id);
    let newest = sets.iter().filter(is_known).max_by_key(|set| set.view_id);
    match (newest, known) {
        (Some(newest), Some(known)) if newest.view_id >= known.view_id => {
            return Ok(Arc::new((*newest).clone()));
        }
        // An older view is not gone back to. Another set counts once nobody is left in this one.
        (Some(_), Some(known)) => return Ok(Arc::clone(known)),
        (None, Some(known)) if sets.is_empty() || round.is_awaited() => {
            return Ok(Arc::clone(known));
        }
        (None, _) | (_, None) => (),
    }
    let newest = sets.iter().max_by_key(|set| set.view_id);
    let Some(newest) = newest else {
        let why = copies.first().and_then(|(_, metadata)| unreadable(metadata));
        return Err(why.unwrap_or_else(|| {
            "none of its servers that answer is in a ClusterSet by its metadata".to_owned()
        }));
    };
    match sets.iter().all(|set| set.id == newest.id) {
        true => Ok(Arc::new((*newest).clone())),
        false => Err("its servers are in several ClusterSets".to_owned()),
    }
}

/// Those of a cluster of which nobody has said anything yet, though somebody may; `None` if there is
/// no such cluster.
fn unheard(set: &ClusterSet, round: &Round<'_>) -> Option<Vec<Node>> {
    let mut is_unheard = false;
    let mut ask = Vec::new();
    for SetMember { cluster, .. } in &set.clusters {
        if cluster.instances.iter().any(|instance| round.opinion_of(&instance.uuid).is_some()) {
            continue;
        }
        let unasked = round.unasked(cluster.instances.iter().map(|instance| &instance.node));
        is_unheard |= !unasked.is_empty()
            || cluster.instances.iter().any(|of| round.awaits(&of.uuid, &of.node));
        ask.extend(unasked);
    }
    is_unheard.then_some(ask)
}

/// The cluster that is followed.
fn target(set: &ClusterSet) -> Result<&SetMember, String> {
    let mut clusters = set.clusters.iter();
    let wanted = set.options.target_cluster.as_deref().filter(|name| *name != "primary");
    match wanted {
        Some(name) => clusters
            .find(|SetMember { cluster, .. }| {
                cluster.group_name.as_deref() == Some(name) || cluster.name == name
            })
            .ok_or_else(|| {
                format!("target_cluster '{}' is not in its ClusterSet", excerpt(name, 64))
            }),
        None => clusters
            .find(|member| member.is_primary == Some(true) && !member.is_invalidated)
            .ok_or_else(|| "its ClusterSet has no primary cluster".to_owned()),
    }
}
