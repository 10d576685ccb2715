//! An InnoDB ReplicaSet: plain replication with metadata, of which every server has a copy of its own.
//! The newest one says who is the primary, and that server has to agree.

use std::sync::Arc;

use super::super::opinion::{Cluster, Instance, Metadata, Opinion};
use super::super::spec::GroupSpec;
use super::super::verdict::{Judgement, Role};
use super::memory::Memory;
use super::newest_copy::{Copied, newest};
use super::options::Options;
use super::reason::NoPrimary;
use super::replica;
use super::round::Round;
use super::verdict_builder::{VerdictBuilder, nobody};

pub(super) fn judge(
    spec: &GroupSpec,
    round: &Round<'_>,
    memory: &mut Memory,
    options: &Options,
) -> Judgement {
    let newest: Result<Arc<Cluster>, String> = newest(round, memory);
    let others = newest.iter().flat_map(|set| set.instances.iter().map(|instance| &instance.node));
    // Any of them may have a newer copy, or take writes where it should not.
    let ask = round.unasked(others.chain(&spec.seeds));
    if round.is_awaited() || !ask.is_empty() {
        return Judgement::Undecided { ask };
    }
    let set = match newest {
        Ok(set) => set,
        Err(why) => return nobody(round, why),
    };
    if round.opinions().next().is_none() {
        return nobody(round, String::new());
    }
    memory.replica_set = Some(Arc::clone(&set));
    let mut verdict = VerdictBuilder::named(&set.name);
    let primary = primary(&set, round);
    for instance in &set.instances {
        verdict.member(round, memory, &instance.uuid, &instance.node);
        let Some(opinion) = round.opinion_of(&instance.uuid) else { continue };
        let is_primary = primary.as_ref().is_ok_and(|primary| primary.uuid == instance.uuid);
        let role = if is_primary { Role::Primary } else { Role::Secondary };
        if is_primary || may_be_read(instance, opinion, options) {
            verdict.server(round, &instance.uuid, &instance.node, role, &instance.tags);
        }
    }
    verdict.decide(primary.err())
}

/// Whether a server that is not used as the primary takes reads: if it is a replica, and as the source
/// of the others in the place of a primary that takes no writes.
fn may_be_read(instance: &Instance, opinion: &Opinion, options: &Options) -> bool {
    !instance.is_hidden
        && match instance.is_primary {
            true => !opinion.offline_mode,
            false => !opinion.is_writable() && replica::may_be_read(opinion, options),
        }
}

impl Copied for Cluster {
    const NAME: &str = "ReplicaSet";

    fn of(metadata: &Metadata) -> Option<&Self> {
        metadata.own.as_ref().filter(|own| own.is_replica_set)
    }

    fn known(memory: &Memory) -> Option<&Arc<Self>> {
        memory.replica_set.as_ref()
    }

    fn id(&self) -> &str {
        &self.cluster_id
    }

    fn view_id(&self) -> Option<u64> {
        self.view_id
    }

    fn servers(&self) -> impl Iterator<Item = &Instance> {
        self.instances.iter()
    }
}

/// The primary of the metadata, if it takes writes by its own word, and no other server does.
fn primary<'s>(set: &'s Cluster, round: &Round<'_>) -> Result<&'s Instance, NoPrimary> {
    let Some(primary) = set.instances.iter().find(|instance| instance.is_primary) else {
        return Err(NoPrimary::lasting("its metadata names none".to_owned()));
    };
    let node = &primary.node;
    if primary.is_hidden {
        let why = format!("its primary {node} is hidden by its tag _hidden");
        return Err(NoPrimary::lasting(why));
    }
    let Some(opinion) = round.opinion_of(&primary.uuid) else {
        let why = round.why_missing(node);
        return Err(NoPrimary::now(format!("its primary {node} does not answer: {why}")));
    };
    if !opinion.is_writable() {
        return Err(NoPrimary::now(format!(
            "{node} is the primary by the metadata, and does not take writes: {} there",
            opinion.refuses_by()
        )));
    }
    let writable: Vec<&Opinion> = set
        .instances
        .iter()
        .filter_map(|instance| round.opinion_of(&instance.uuid))
        .filter(|opinion| opinion.is_writable())
        .collect();
    let is_sure = writable.len() == 1
        || replica::only_source(&writable, round).is_some_and(|only| only.uuid == primary.uuid);
    match is_sure {
        true => Ok(primary),
        false => Err(NoPrimary::now(format!(
            "{} of its servers take writes, and not all others replicate from {node}",
            writable.len()
        ))),
    }
}
