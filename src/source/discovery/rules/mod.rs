//! Who is in a group and who takes its writes, by what its servers say. Pure: the same replies and
//! memory give the same judgement.
//!
//! A round of questions is judged after each reply, with the rest pending, so that a server that hangs
//! delays nothing: what a majority of a group says is enough. Writes are never routed on a guess.
//!
//! [`round`] has the replies by server, [`memory`] what holds from round to round. There is a file
//! for each kind of group; [`group`], with [`newest_view`] and [`group_primary`], is what they share
//! that stand on Group Replication, [`metadata`] and [`placement`] what they share that have metadata.

mod auto;
mod cluster_set;
mod group;
mod group_primary;
mod group_replication;
mod innodb_cluster;
mod left_out;
mod memory;
mod metadata;
mod newest_copy;
mod newest_view;
mod options;
mod placement;
mod reason;
mod replica;
mod replica_set;
mod replication;
mod report;
mod round;
mod search;
mod split;
#[cfg(test)]
mod tests;
mod verdict_builder;

use super::opinion::Reply;
use super::spec::{GroupSpec, Kind};
use super::verdict::{Judgement, Verdict};

use self::round::Round;

pub use self::memory::Memory;
pub use self::options::Options;

/// What is known of a group by these replies, and by what earlier rounds left in the memory.
///
/// To be called with all replies of a round after each of them, the others pending, until it decides;
/// it does at the latest when nothing is pending and nobody else is to be asked.
pub fn judge(
    spec: &GroupSpec,
    replies: &[Reply],
    memory: &mut Memory,
    options: &Options,
) -> Judgement {
    memory.note(replies);
    let round = Round::new(replies, memory);
    let kind = match spec.kind {
        Kind::Auto => auto::kind(&round, memory),
        kind => Some(kind),
    };
    let judgement = match kind {
        None => Judgement::Undecided { ask: Vec::new() },
        Some(Kind::Auto | Kind::Replication) => replication::judge(spec, &round, memory, options),
        Some(Kind::GroupReplication) => group_replication::judge(spec, &round, memory, options),
        Some(Kind::InnodbCluster) => innodb_cluster::judge(spec, &round, memory, options),
        Some(Kind::ReplicaSet) => replica_set::judge(spec, &round, memory, options),
        Some(Kind::ClusterSet) => cluster_set::judge(spec, &round, memory, options),
    };
    match judgement {
        Judgement::Decided(mut verdict) => {
            memory.has_primary = verdict.reason.is_none();
            verdict.warnings.extend(left_out::warnings(&verdict, &round));
            Judgement::Decided(completed(verdict, spec, memory))
        }
        judgement => judgement,
    }
}

/// The verdict with what all kinds of groups have in common.
fn completed(mut verdict: Verdict, spec: &GroupSpec, memory: &mut Memory) -> Verdict {
    for server in &mut verdict.servers {
        let of_spec = spec.weights.get(&server.node).copied();
        let is_weight = |weight: &f64| weight.is_finite() && *weight > 0.0;
        server.weight = of_spec.or(server.weight).filter(is_weight);
        if let Some(zone) = spec.zones.get(&server.node) {
            server.zone = Some(zone.clone());
        }
    }
    // Where nobody says who is in the group, those who were are asked on.
    if verdict.members.is_empty() {
        verdict.members.clone_from(&memory.members);
    }
    memory.members.clone_from(&verdict.members);
    verdict
}
