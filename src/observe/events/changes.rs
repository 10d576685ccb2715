//! What happened between two topologies.

use std::collections::BTreeSet;
use std::sync::Arc;

use crate::topology::{Group, ShardMap, TableState, Topology};

use super::event::{Event, Kind};

/// Whether there is anything to route with: answers that something does not exist are none.
pub fn has_content(topology: &Topology) -> bool {
    let known = |state: &TableState| matches!(state, TableState::Known(_));
    topology.groups().any(|(_, _, entry)| entry.is_some())
        || topology.tables.iter().any(|(_, entry)| known(&entry.value))
}

/// The events of a newly published topology: that it is there, each group whose primary is not the
/// one it was, and each table of which other shards are held. `first` says that it is the first one with content.
pub fn changes(old: &Topology, new: &Topology, first: bool, at: u64) -> Vec<Event> {
    let plain = |kind| Event { kind, generation: new.generation, at, ..Event::default() };
    let event = |kind, group: &str, server: &str| Event {
        group: group.to_owned(),
        server: server.to_owned(),
        ..plain(kind)
    };
    let mut events = Vec::new();
    if first {
        events.push(event(Kind::Ready, "", ""));
    }
    events.push(event(Kind::TopologyChanged, "", ""));
    for (id, name, entry) in new.groups() {
        // A group keeps its entry where nothing about it changed, and its number, but another may
        // have had that before.
        if let (Some(after), Some(before)) = (entry, old.group(id))
            && !Arc::ptr_eq(after, before)
            && old.group_name(id) == name
            && uuid(&after.value) != uuid(&before.value)
        {
            events.push(event(Kind::PrimaryChanged, name, uuid(&after.value)));
        }
    }
    for name in holding(old).chain(holding(new)).collect::<BTreeSet<_>>() {
        let (before, after) = (map(old, name), map(new, name));
        let holds_beyond =
            |map: Option<&ShardMap>, other| map.is_some_and(|m| m.holds_beyond(other));
        let kind = match (holds_beyond(after, before), holds_beyond(before, after)) {
            (true, _) => Kind::ShardHeld,
            (false, true) => Kind::ShardReleased,
            (false, false) => continue,
        };
        events.push(Event {
            table: String::from_utf8_lossy(name).into_owned(),
            held_shards: after.map_or(0, ShardMap::held),
            ..plain(kind)
        });
    }
    events
}

/// The tables that may have shards held.
fn holding(topology: &Topology) -> impl Iterator<Item = &[u8]> {
    let kept = topology.maps().filter(|(_, _, table)| table.map.missing() > 0);
    kept.map(|(name, ..)| name)
}

fn map<'t>(topology: &'t Topology, name: &[u8]) -> Option<&'t ShardMap> {
    match &topology.tables.get(name)?.value {
        TableState::Known(table) => Some(&table.map),
        TableState::Unusable(_) => None,
    }
}

/// The UUID of a group's primary; empty if it has none.
fn uuid(group: &Group) -> &str {
    group.named_primary().map_or("", |server| &server.uuid)
}
