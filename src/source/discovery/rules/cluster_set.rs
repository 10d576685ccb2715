//! A ClusterSet: several InnoDB Clusters, one of which takes the writes. Which one that is, the newest
//! view of the set says that any of them has.

use std::sync::Arc;

use crate::base::text::excerpt;
use crate::config::Node;

use super::super::opinion::{ClusterSet, Instance, Metadata, SetMember};
use super::super::spec::GroupSpec;
use super::super::verdict::Judgement;
use super::group::{Found, Group};
use super::memory::Memory;
use super::newest_copy::{Copied, newest};
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
    let set: Arc<ClusterSet> = match newest(round, memory) {
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

impl Copied for ClusterSet {
    const NAME: &str = "ClusterSet";

    fn of(metadata: &Metadata) -> Option<&Self> {
        metadata.cluster_set.as_ref()
    }

    fn known(memory: &Memory) -> Option<&Arc<Self>> {
        memory.cluster_set.as_ref()
    }

    fn id(&self) -> &str {
        &self.id
    }

    fn view_id(&self) -> Option<u64> {
        Some(self.view_id)
    }

    fn servers(&self) -> impl Iterator<Item = &Instance> {
        self.clusters.iter().flat_map(|member| &member.cluster.instances)
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
