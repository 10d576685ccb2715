//! Reading topology files, by the library's own reader.

use std::io;
use std::path::Path;

use mysqlfabric::config::Node;
use mysqlfabric::store::document::{self, Document};
use mysqlfabric::store::parse::{Author, parse};
use mysqlfabric::store::read::{self, Opened};
use mysqlfabric::topology::{Mode, ShardingType, Status};

use crate::exit::{Exit, Failure, Result};

use super::{Farm, Group, Held, Server, Shard, State, Table};

/// The farm of a topology file or a snapshot.
///
/// # Errors
/// `Exit::File`, in the words that a handle would have.
pub fn read(path: &Path) -> Result<Farm> {
    content(path, read::open(path), farm_of).map(|(_, farm)| farm)
}

/// As `read`, with the text; nothing where there is no file.
///
/// # Errors
/// As of `read`.
pub fn read_text(path: &Path) -> Result<Option<(String, Farm)>> {
    match read::open(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        opened => content(path, opened, farm_of).map(Some),
    }
}

fn content<T>(
    path: &Path,
    opened: io::Result<Opened>,
    of: impl Fn(&[u8]) -> std::result::Result<T, String>,
) -> Result<(String, T)> {
    let refused = |why: String| Failure::new(Exit::File, format!("'{}': {why}", path.display()));
    let opened = opened.map_err(|error| refused(format!("it cannot be opened: {error}")))?;
    let bytes = opened.bytes().map_err(refused)?;
    let content = of(&bytes).map_err(refused)?;
    let text = String::from_utf8(bytes).map_err(|error| refused(error.to_string()))?;
    Ok((text, content))
}

/// The servers that a topology file names. Those that the library wrote down nobody has named.
///
/// # Errors
/// As of `read`.
pub fn named(path: &Path) -> Result<Vec<Node>> {
    let (_, document) = content(path, read::open(path), |bytes| parse(bytes, Author::Anybody))?;
    let groups = document.groups.into_iter().filter(|_| document.written_by.is_none());
    let nodes = groups.flat_map(|group| match group.discover {
        Some(spec) => spec.seeds,
        None => group.servers.into_iter().map(|of| Node { host: of.host, port: of.port }).collect(),
    });
    Ok(nodes.collect())
}

/// The farm of a file's content.
///
/// # Errors
/// In the words that a handle would have.
pub fn farm_of(bytes: &[u8]) -> std::result::Result<Farm, String> {
    farm(parse(bytes, Author::Anybody)?)
}

fn farm(document: Document) -> std::result::Result<Farm, String> {
    let mut tables =
        document.tables.into_iter().map(table).collect::<std::result::Result<Vec<_>, _>>()?;
    let mut out_of_use = Vec::new();
    for held in document.held_shards {
        let of = |table: &&mut Table| {
            (&*table.schema, &*table.name, table.kind.name())
                == (&*held.schema, &*held.table, &*held.type_name)
        };
        let table = tables.iter_mut().find(of);
        match (table, held.id, held.group) {
            (Some(table), Some(id), Some(group)) => table.shards.push(Shard {
                id,
                lower_bound: held.lower_bound.text,
                group,
                state: State::Disabled,
            }),
            _ => out_of_use.push(Held {
                schema: held.schema,
                table: held.table,
                kind: held.type_name,
                lower_bound: held.lower_bound.text,
            }),
        }
    }
    let groups = document.groups.into_iter().map(group).collect();
    Ok(Farm { tables, groups, held: out_of_use })
}

fn table(table: document::Table) -> std::result::Result<Table, String> {
    let kind = ShardingType::parse(&table.type_name)
        .ok_or_else(|| format!("type '{}' is not known", table.type_name))?;
    let shards = table.shards.into_iter().map(|shard| Shard {
        id: shard.id,
        lower_bound: shard.lower_bound.text,
        group: shard.group,
        state: if shard.state.is_enabled() { State::Enabled } else { State::ReadOnly },
    });
    Ok(Table {
        schema: table.schema,
        name: table.table,
        column: table.column,
        kind,
        global_group: table.global_group,
        shards: shards.collect(),
    })
}

fn group(group: document::Group) -> Group {
    let Some(spec) = group.discover else {
        let servers = group.servers.into_iter().map(|server| Server {
            host: server.host,
            port: server.port,
            uuid: Some(server.uuid),
            mode: server.mode,
            status: server.status,
            weight: server.weight,
            zone: server.zone,
        });
        return Group { id: group.id, discover: None, servers: servers.collect() };
    };
    let mut nodes: Vec<Node> = spec.seeds.clone();
    // Whoever has a weight or a zone may be asked, too.
    let more = spec.weights.keys().chain(spec.zones.keys());
    more.for_each(|node| {
        if !nodes.contains(node) {
            nodes.push(node.clone());
        }
    });
    let servers = nodes.into_iter().map(|node| Server {
        weight: spec.weights.get(&node).copied().unwrap_or(1.0),
        zone: spec.zones.get(&node).cloned(),
        ..asked(node)
    });
    Group { id: group.id, discover: Some(spec.kind), servers: servers.collect() }
}

/// A server that is asked what it is.
pub(super) fn asked(node: Node) -> Server {
    Server {
        host: node.host,
        port: node.port,
        uuid: None,
        mode: Mode::ReadOnly as i32,
        status: Status::Secondary as i32,
        weight: 1.0,
        zone: None,
    }
}
