//! The farm as the library has it from any source.

use mysqlfabric::router::Router;
use mysqlfabric::topology::{TableState, Topology};

use crate::c_names::translated;
use crate::exit::{Exit, Failure, Result};

use super::{Farm, Group, Held, Server, Shard, State, Table};

/// What a router knows, which was loaded whole.
///
/// # Errors
/// A table cannot be used: a map without it would route its keys nowhere.
pub fn of_router(router: &Router) -> Result<Farm> {
    let tables = router.tables(usize::MAX, |topology, name, state| {
        Ok(match state {
            TableState::Known(known) => Ok(table(topology, name, known)),
            TableState::Unusable(error) => {
                let why = translated(&error.to_string());
                Err(format!("table {name} cannot be used: {why}"))
            }
        })
    })?;
    let tables = tables.into_iter().collect::<std::result::Result<Vec<_>, String>>();
    let tables = tables.map_err(|why| Failure::new(Exit::Answer, why))?;
    let groups = router.groups(|known| {
        let servers = known.group.servers().iter().map(|server| Server {
            host: server.host.clone(),
            port: server.port,
            uuid: Some(server.uuid.clone()),
            mode: server.mode,
            status: server.status,
            weight: server.weight,
            zone: server.zone.clone(),
        });
        Ok(Group { id: known.name.to_owned(), discover: None, servers: servers.collect() })
    })?;
    let mut farm = Farm { tables: Vec::new(), groups, held: Vec::new() };
    for (table, held) in tables {
        farm.tables.push(table);
        farm.held.extend(held);
    }
    // The source lists groups without servers nowhere else.
    for table in &farm.tables {
        let named = table.shards.iter().map(|shard| &shard.group).chain([&table.global_group]);
        for group in named {
            if !farm.groups.iter().any(|known| known.id == *group) {
                farm.groups.push(Group { id: group.clone(), discover: None, servers: Vec::new() });
            }
        }
    }
    Ok(farm)
}

fn table(
    topology: &Topology,
    name: &str,
    known: &mysqlfabric::topology::Table,
) -> (Table, Vec<Held>) {
    let (schema, table) = name.split_once('.').unwrap_or((name, ""));
    let shards = known.map.shards().enumerate().filter(|(_, shard)| !shard.is_kept());
    let shards = shards.map(|(at, shard)| Shard {
        id: shard.id,
        lower_bound: known.map.bound_text(at),
        group: topology.group_name(shard.group).to_owned(),
        state: if shard.group.is_read_only() { State::ReadOnly } else { State::Enabled },
    });
    let held = known.vanished().into_iter().map(|lower_bound| Held {
        schema: schema.to_owned(),
        table: table.to_owned(),
        kind: known.map.kind().name().to_owned(),
        lower_bound,
    });
    let global_group = topology.group_name(known.global_group).to_owned();
    let of = Table {
        schema: schema.to_owned(),
        name: table.to_owned(),
        column: known.column.clone(),
        kind: known.map.kind(),
        global_group,
        shards: shards.collect(),
    };
    (of, held.collect())
}
