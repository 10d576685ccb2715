//! Servers that replicate from another one outside of a group.

use crate::config::Node;

use super::super::opinion::{Channel, Opinion};
use super::options::Options;
use super::round::Round;

/// Whether a replica may be read, by its own word.
pub(super) fn may_be_read(opinion: &Opinion, options: &Options) -> bool {
    // Without the grant it cannot tell from whom it replicates, and how far it is behind.
    let replicates = !opinion.channels.is_empty() || !opinion.not_granted.is_empty();
    replicates && !opinion.offline_mode && is_near(opinion, options)
}

fn is_near(opinion: &Opinion, options: &Options) -> bool {
    let within = |limit| {
        let near = |channel: &Channel| channel.lag.is_some_and(|lag| lag <= limit);
        !opinion.channels.is_empty() && opinion.channels.iter().all(near)
    };
    options.max_lag.is_none_or(within)
}

/// Whether another server that answers replicates from this one.
pub(super) fn is_source(opinion: &Opinion, round: &Round<'_>) -> bool {
    let nodes: Vec<&Node> = round.nodes_of(&opinion.uuid).collect();
    let is_from = |channel: &Channel| match channel.source_uuid.is_empty() {
        true => nodes.contains(&&channel.source),
        false => channel.source_uuid == opinion.uuid,
    };
    let mut others = round.opinions().filter(|other| other.uuid != opinion.uuid);
    others.any(|other| other.channels.iter().any(is_from))
}

/// Of several servers that take writes the one that the others replicate from, if it is one.
pub(super) fn only_source<'a>(writable: &[&'a Opinion], round: &Round<'_>) -> Option<&'a Opinion> {
    let mut sources = writable.iter().filter(|opinion| is_source(opinion, round));
    sources.next().filter(|_| sources.next().is_none()).copied()
}
