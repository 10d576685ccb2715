//! What happened between two topologies.

use std::sync::Arc;

use crate::topology::{Group, TableState, Topology};

use super::event::{Event, Kind};

/// Whether there is anything to route with: answers that something does not exist are none.
pub fn has_content(topology: &Topology) -> bool {
    let known = |state: &TableState| matches!(state, TableState::Known(_));
    topology.groups().any(|(_, _, entry)| entry.is_some())
        || topology.tables.iter().any(|(_, entry)| known(&entry.value))
}

/// The events of a newly published topology: that it is there, and each group whose primary is
/// not the one it was. `first` says that it is the first one with content.
pub fn changes(old: &Topology, new: &Topology, first: bool, at: u64) -> Vec<Event> {
    let event = |kind, group: &str, server: &str| Event {
        kind,
        failure: None,
        generation: new.generation,
        at,
        group: group.to_owned(),
        server: server.to_owned(),
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
    events
}

/// The UUID of a group's primary; empty if it has none.
fn uuid(group: &Group) -> &str {
    group.named_primary().map_or("", |server| &server.uuid)
}
