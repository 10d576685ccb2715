//! Which members of a group serve clients, by the metadata around it.

use crate::config::Node;

use super::super::opinion::{Cluster, Instance, Member, QuorumTraffic, ReadOnlyTargets};
use super::super::verdict::Role;
use super::group::{self, Found, Group};
use super::memory::Memory;
use super::options::Options;
use super::reason::NoPrimary;
use super::replica;
use super::round::Round;
use super::search::Search;
use super::verdict_builder::VerdictBuilder;

/// The group of a cluster.
pub(super) fn find<'a>(
    cluster: &Cluster,
    name: Option<&str>,
    others: &[Node],
    round: &Round<'a>,
    memory: &mut Memory,
    options: &Options,
) -> Found<'a> {
    let reads = cluster.options.unreachable_quorum_allowed_traffic != QuorumTraffic::None;
    let reads_without_majority = options.reads_without_majority || reads;
    let options = Options { reads_without_majority, ..options.clone() };
    let search = Search {
        name,
        node_of: &|member: &Member| match member_instance(cluster, &member.uuid) {
            Some(instance) => instance.node.clone(),
            None => member.node.clone(),
        },
        may_be_chosen: &|uuid| {
            member_instance(cluster, uuid).is_some_and(|instance| !instance.is_hidden)
        },
        others,
    };
    group::find(&search, round, memory, &options)
}

fn member_instance<'c>(cluster: &'c Cluster, uuid: &str) -> Option<&'c Instance> {
    let mut instances = cluster.instances.iter();
    instances.find(|instance| instance.uuid == uuid && !instance.is_read_replica)
}

/// All servers of the cluster are to be asked in the next round.
pub(super) fn members(
    verdict: &mut VerdictBuilder,
    cluster: &Cluster,
    round: &Round<'_>,
    memory: &Memory,
) {
    for instance in &cluster.instances {
        verdict.member(round, memory, &instance.uuid, &instance.node);
    }
}

/// Places those who serve: members that are in the metadata and in the group, as far as they are not
/// hidden, and read replicas where the cluster's options want them. Says why no primary is among them.
pub(super) fn place(
    verdict: &mut VerdictBuilder,
    group: &Group<'_>,
    cluster: &Cluster,
    round: &Round<'_>,
    memory: &Memory,
    options: &Options,
) -> Option<NoPrimary> {
    let targets = cluster.options.read_only_targets;
    let mut no_primary = group.primary.as_ref().err().cloned();
    for member in group.members {
        let uuid = member.uuid.as_str();
        let is_primary = group.primary.as_ref().is_ok_and(|primary| *primary == uuid);
        let Some(instance) = member_instance(cluster, uuid) else {
            // It counts for the majority.
            verdict.member(round, memory, uuid, &member.node);
            let why = format!("{} is in the group and not in the metadata", member.node);
            if is_primary {
                no_primary = Some(NoPrimary::lasting(format!("its primary {why}")));
            }
            verdict.warn(why + ": it gets nothing before cluster.rescan() of MySQL Shell");
            continue;
        };
        if instance.is_hidden {
            if is_primary {
                let why = format!("its primary {} is hidden by its tag _hidden", instance.node);
                no_primary = Some(NoPrimary::lasting(why));
            }
            continue;
        }
        let is_read = group.readable.contains(&uuid) && targets != ReadOnlyTargets::ReadReplicas;
        if is_primary {
            verdict.server(round, uuid, &instance.node, Role::Primary, &instance.tags);
        } else if is_read {
            verdict.server(round, uuid, &instance.node, Role::Secondary, &instance.tags);
        }
    }
    if targets != ReadOnlyTargets::Secondaries && group.has_majority {
        for instance in cluster.instances.iter().filter(|instance| instance.is_read_replica) {
            place_read_replica(verdict, instance, round, options);
        }
    }
    no_primary
}

fn place_read_replica(
    verdict: &mut VerdictBuilder,
    instance: &Instance,
    round: &Round<'_>,
    options: &Options,
) {
    let opinion = round.last_opinion_of(&instance.uuid);
    let is_read = opinion.is_some_and(|opinion| replica::may_be_read(opinion, options));
    if is_read && !instance.is_hidden {
        verdict.server(round, &instance.uuid, &instance.node, Role::Secondary, &instance.tags);
    }
}
