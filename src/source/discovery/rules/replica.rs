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

/// The channels by which other servers that answer replicate from this one, running or not.
fn channels_from<'a>(
    source: &Opinion,
    round: &Round<'a>,
) -> impl Iterator<Item = (&'a Opinion, &'a Channel)> {
    let nodes: Vec<&Node> = round.nodes_of(&source.uuid).collect();
    let is_from = move |channel: &Channel, uuid: &str| match channel.source_uuid.is_empty() {
        true => nodes.contains(&&channel.source),
        false => channel.source_uuid == uuid,
    };
    let (uuid, mut found) = (source.uuid.as_str(), Vec::new());
    for other in round.opinions().filter(|other| other.uuid != uuid) {
        let from = other.channels.iter().filter(|channel| is_from(channel, uuid));
        found.extend(from.map(|channel| (other, channel)));
    }
    found.into_iter()
}

/// Whether another server that answers is a replica of this one, if it is stopped or not.
pub(super) fn is_source(opinion: &Opinion, round: &Round<'_>) -> bool {
    channels_from(opinion, round).next().is_some()
}

/// Whether another server that answers replicates from this one now.
pub(super) fn is_running_source(opinion: &Opinion, round: &Round<'_>) -> bool {
    channels_from(opinion, round).any(|(_, channel)| channel.receives || channel.applies)
}

/// Of several servers that take writes the one that the others replicate from, if it is one. A server
/// that takes writes and has stopped to replicate was made a primary, whoever it had its rows from.
pub(super) fn only_source<'a>(writable: &[&'a Opinion], round: &Round<'_>) -> Option<&'a Opinion> {
    let mut sources = writable.iter().filter(|opinion| is_running_source(opinion, round));
    let only = sources.next().filter(|_| sources.next().is_none())?;
    let mut others = writable.iter().filter(|other| other.uuid != only.uuid);
    let follows = |other: &&&Opinion| {
        let mut own = channels_from(only, round).filter(|(replica, _)| replica.uuid == other.uuid);
        other.channels.is_empty() || own.any(|(_, channel)| channel.receives || channel.applies)
    };
    others.all(|other| follows(&other)).then_some(*only)
}
