//! Plain replication: the primary is the one server that takes writes, if another one replicates from
//! it. Two that take writes are none.

use super::super::opinion::{Opinion, Tags};
use super::super::spec::GroupSpec;
use super::super::verdict::{Judgement, Role};
use super::memory::Memory;
use super::options::Options;
use super::reason::NoPrimary;
use super::replica::{self, is_source};
use super::round::Round;
use super::verdict_builder::{VerdictBuilder, nobody};

pub(super) fn judge(
    spec: &GroupSpec,
    round: &Round<'_>,
    memory: &mut Memory,
    options: &Options,
) -> Judgement {
    // Any of them may take writes as well.
    let ask = round.unasked(&spec.seeds);
    if round.is_awaited() || !ask.is_empty() {
        return Judgement::Undecided { ask };
    }
    if round.opinions().next().is_none() {
        return nobody(round, String::new());
    }
    // Whom they replicate from may not be among those that were named. Where one of these takes writes, or
    // did, it is not asked: it may be the primary of another group, of which this one is a copy.
    let had_primary = memory
        .confirmed
        .as_ref()
        .is_some_and(|uuid| round.nodes_of(uuid).any(|node| spec.seeds.contains(node)));
    if !had_primary && !round.opinions().any(Opinion::is_writable) {
        let channels = round.opinions().flat_map(|opinion| &opinion.channels);
        let ask = round.unasked(channels.map(|channel| &channel.source));
        if !ask.is_empty() {
            return Judgement::Undecided { ask };
        }
    }
    let writable: Vec<&Opinion> =
        round.opinions().filter(|opinion| opinion.is_writable()).collect();
    let primary = primary(&writable, round, memory);
    let mut verdict = VerdictBuilder::default();
    spec.seeds.iter().for_each(|seed| verdict.node(seed));
    for opinion in round.opinions() {
        let role = match primary.as_ref() {
            Ok(primary) if primary.uuid == opinion.uuid => Role::Primary,
            _ if may_be_read(opinion, &writable, round, options) => Role::Secondary,
            _ => continue,
        };
        if let Some(node) = round.nodes_of(&opinion.uuid).next() {
            if role == Role::Primary {
                verdict.node(node);
            }
            verdict.server(round, &opinion.uuid, node, role, &Tags::default());
        }
    }
    verdict.decide(primary.err())
}

/// Who takes the writes.
fn primary<'a>(
    writable: &[&'a Opinion],
    round: &Round<'a>,
    memory: &mut Memory,
) -> Result<&'a Opinion, NoPrimary> {
    if let Some(source) = replica::only_source(writable, round) {
        memory.confirmed = Some(source.uuid.clone());
        return Ok(source);
    }
    // Another one takes writes, and this one is not there to do so: it may have been promoted, and which of
    // the two counts from then on, a replica has to say.
    let is_confirmed = |opinion: &&Opinion| Some(&opinion.uuid) == memory.confirmed.as_ref();
    if !writable.is_empty() && !writable.iter().any(is_confirmed) {
        memory.confirmed = None;
    }
    let [only] = writable else {
        return Err(match writable.len() {
            0 => {
                NoPrimary::now(format!("none of its servers takes writes{}", source_refuses(round)))
            }
            _ => NoPrimary::now(format!(
                "{} take writes, and not exactly one of them is the source of the others: make all but \
                 one read-only",
                nodes_of(writable, round)
            )),
        });
    };
    let was_confirmed = memory.confirmed.as_ref() == Some(&only.uuid);
    // A replica that is stopped is a replica still, as while it is copied; or somebody stopped it to have it
    // follow another server, which would have to be one that does not answer.
    let is_source = is_source(only, round);
    if is_source && (was_confirmed || round.is_complete()) {
        memory.confirmed = Some(only.uuid.clone());
        return Ok(only);
    }
    let mut others = round.opinions().filter(|other| other.uuid != only.uuid);
    let is_contradicted = others.any(|other| !other.channels.is_empty());
    match was_confirmed && !is_contradicted || round.is_one_server() {
        true => Ok(only),
        false => Err(NoPrimary::now(format!(
            "{} takes writes, and no other server says that it replicates from it now{}",
            nodes_of(writable, round),
            missing_grant(round)
        ))),
    }
}

/// Why the source of the others takes no writes, if there is one.
fn source_refuses(round: &Round<'_>) -> String {
    let all: Vec<&Opinion> = round.opinions().collect();
    let source = replica::only_source(&all, round);
    source.map_or_else(String::new, |source| {
        let node = nodes_of(&[source], round);
        format!(": {} at {node}, which the others replicate from", source.refuses_by())
    })
}

fn nodes_of(servers: &[&Opinion], round: &Round<'_>) -> String {
    let nodes = servers.iter().filter_map(|opinion| round.nodes_of(&opinion.uuid).next());
    nodes.map(ToString::to_string).collect::<Vec<_>>().join(" and ")
}

/// What may be the reason that nobody says so.
fn missing_grant(round: &Round<'_>) -> String {
    let missing = round.opinions().find_map(|opinion| opinion.not_granted.first());
    missing.map_or_else(String::new, |missing| format!(" ({missing})"))
}

/// Whether a server that is not the primary takes reads: one that replicates, or others do from it.
/// One that takes writes beside another one, and has nothing to do with it, has other rows.
fn may_be_read(
    opinion: &Opinion,
    writable: &[&Opinion],
    round: &Round<'_>,
    options: &Options,
) -> bool {
    let is_only_writable = opinion.is_writable() && writable.len() == 1;
    let has_rows = is_source(opinion, round) || is_only_writable || round.is_one_server();
    !opinion.offline_mode && (has_rows || replica::may_be_read(opinion, options))
}
