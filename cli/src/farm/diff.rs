//! What differs between two farms, thing by thing.

use std::collections::BTreeMap;

use serde::Serialize;

use crate::output::Row;

use super::{Farm, mode_name, status_name};

/// One thing that is there in one farm alone, or otherwise.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Change {
    /// `add`, `remove` or `change`.
    pub change: &'static str,
    /// `group`, `server`, `table` or `shard`.
    pub what: &'static str,
    pub name: String,
    /// Empty for a thing that is added.
    pub before: String,
    /// Empty for one that is removed.
    pub after: String,
}

impl Row for Change {
    const HEAD: &'static [&'static str] = &["CHANGE", "WHAT", "NAME", "BEFORE", "AFTER"];

    fn cells(&self) -> Vec<String> {
        let Self { change, what, name, before, after } = self;
        let cells = [change, what, &**name, before, after];
        cells.map(|cell| if cell.is_empty() { "-" } else { cell }.to_owned()).to_vec()
    }
}

/// What changes from one farm to another.
pub fn changes(before: &Farm, after: &Farm) -> Vec<Change> {
    let (mut before, after) = (things(before), things(after));
    let mut changes = Vec::new();
    for ((what, name), after) in after {
        match before.remove(&(what, name.clone())) {
            Some(before) if before == after => {}
            Some(before) => changes.push(Change { change: "change", what, name, before, after }),
            None => {
                let before = String::new();
                changes.push(Change { change: "add", what, name, before, after });
            }
        }
    }
    for ((what, name), before) in before {
        changes.push(Change { change: "remove", what, name, before, after: String::new() });
    }
    changes
}

type Things = BTreeMap<(&'static str, String), String>;

/// All that a farm has, in words.
fn things(farm: &Farm) -> Things {
    let mut things = Things::new();
    for group in &farm.groups {
        let kind = group.discover.map_or("as listed", |kind| kind.name());
        things.insert(("group", group.id.clone()), kind.to_owned());
        for server in &group.servers {
            let mut text = format!("{}, weight {}", group.id, server.weight);
            if group.discover.is_none() {
                let (status, mode) = (status_name(server.status), mode_name(server.mode));
                text += &format!(", {status} {mode}, {}", server.uuid.as_deref().unwrap_or("-"));
            }
            if let Some(zone) = &server.zone {
                text += &format!(", zone {zone}");
            }
            let address = format!("{}:{}", server.host.to_ascii_lowercase(), server.port);
            things.insert(("server", address), text);
        }
    }
    for table in &farm.tables {
        let name = table.full_name();
        for shard in &table.shards {
            let text = format!("{}, shard {}, {}", shard.group, shard.id, shard.state.name());
            things.insert(("shard", format!("{name} from '{}'", shard.lower_bound)), text);
        }
        let text =
            format!("{} by {}, global {}", table.kind.name(), table.column, table.global_group);
        things.insert(("table", name), text);
    }
    things
}
