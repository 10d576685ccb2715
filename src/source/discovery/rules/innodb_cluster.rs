//! An InnoDB Cluster: a group, of which the metadata says who serves clients, and where.

use std::sync::Arc;

use crate::config::Node;

use super::super::opinion::Cluster;
use super::super::spec::GroupSpec;
use super::super::verdict::Judgement;
use super::group::Found;
use super::memory::Memory;
use super::metadata;
use super::options::Options;
use super::placement;
use super::round::Round;
use super::verdict_builder::{VerdictBuilder, nobody};

pub(super) fn judge(
    spec: &GroupSpec,
    round: &Round<'_>,
    memory: &mut Memory,
    options: &Options,
) -> Judgement {
    // What cannot be read now is as it was.
    let (cluster, trouble) = match (metadata::cluster(round, memory), &memory.cluster) {
        (Ok(cluster), _) => (Arc::new(cluster.clone()), None),
        (Err(why), Some(cluster)) => (Arc::clone(cluster), Some(why)),
        (Err(why), None) => {
            return round
                .or_ask(&spec.seeds, nobody(round, why), |ask| Judgement::Undecided { ask });
        }
    };
    let others = nodes(spec, &cluster);
    let group = match placement::find(&cluster, None, &others, round, memory, options) {
        Found::Group(group) => group,
        Found::Undecided { ask } => return Judgement::Undecided { ask },
        Found::Nobody { why } => return nobody(round, why),
    };
    let mut verdict = VerdictBuilder::named(&cluster.name);
    placement::members(&mut verdict, &cluster, round, memory);
    let no_primary = placement::place(&mut verdict, &group, &cluster, round, memory, options);
    match trouble {
        Some(why) => verdict.warn(why + "; what it said before still holds"),
        None => memory.cluster = Some(cluster),
    }
    verdict.decide(no_primary)
}

/// Whom to ask when those who answer do not suffice.
fn nodes(spec: &GroupSpec, cluster: &Cluster) -> Vec<Node> {
    let instances = cluster.instances.iter().map(|instance| instance.node.clone());
    instances.chain(spec.seeds.iter().cloned()).collect()
}
