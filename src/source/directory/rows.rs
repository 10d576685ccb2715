//! Rows of the tables, as the rest of the library has them.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::Arc;

use crate::base::text::excerpt;
use crate::config::{Node, check_zone};
use crate::mysql::ResultSet;
use crate::mysql::result_set::Row;
use crate::source::cells::{Read, name, number, required, text, weight};
use crate::source::discovery::spec::{GroupSpec, Kind};
use crate::source::shard_states::ShardsByState;
use crate::source::{Groups, Maps};
use crate::topology::{Mode, Owner, RejectedRow, Server, ServerRow, ShardRow, Status};

use super::read::Tables;

/// What the tables say.
#[derive(Default)]
pub struct Farm {
    pub maps: Maps,
    /// Of the groups whose servers are listed; and, if rows of a group are of no use, why.
    pub servers: Groups,
    /// The other groups.
    pub specs: BTreeMap<String, GroupSpec>,
    pub rejected_maps: Vec<RejectedRow>,
    pub rejected_servers: Vec<RejectedRow>,
}

/// Reads all rows. A row that is of no use spoils what it belongs to, and nothing else.
pub fn farm(tables: &Tables) -> Farm {
    let mut farm = Farm::default();
    (farm.maps, farm.rejected_maps) = maps(&tables.tables, &tables.shards);
    let mut spellings = HashMap::new();
    for row in tables.groups.rows() {
        let taken = one_spelling(row, &mut spellings).and_then(|()| group_row(row, &mut farm));
        if let Err(reason) = taken {
            let group = name(row, 0, "group_id").ok();
            let reason = match row.get(3) {
                Some(_) => format!("row {} of table servers: {reason}", shown_address(row)),
                None => reason,
            };
            if let Some(group) = group.filter(|_| row.get(1).is_none()) {
                left_out(row, group, &reason, &mut farm.servers.reasons);
            }
            let owner = group.map(|group| Owner::Group(group.to_owned()));
            farm.rejected_servers.push(RejectedRow { owner, reason });
        }
    }
    refuse_doubtful_primaries(&tables.groups, &mut farm.servers.servers);
    for (group, spec) in &farm.specs {
        if spec.seeds.is_empty() {
            farm.rejected_servers.push(RejectedRow {
                owner: Some(Owner::Group(group.clone())),
                reason: format!(
                    "group \"{}\" is to be discovered as {}, and table servers has none of it to ask",
                    excerpt(group, 64),
                    spec.kind.name()
                ),
            });
        }
    }
    farm.specs.retain(|_, spec| !spec.seeds.is_empty());
    farm
}

/// A table, as its own row has it.
struct TableRow<'r> {
    column: &'r str,
    type_name: &'r str,
    global_group: &'r str,
}

type TableName<'r> = (&'r str, &'r str);

fn maps(tables: &ResultSet, rows: &ResultSet) -> (Maps, Vec<RejectedRow>) {
    let mut shards = ShardsByState::default();
    let mut known: HashMap<TableName<'_>, TableRow<'_>> = HashMap::new();
    for row in tables.rows() {
        match table_row(row) {
            Ok((name, table)) => drop(known.insert(name, table)),
            Err(reason) => shards.reject(owner(row), reason),
        }
    }
    let mut listed: HashSet<TableName<'_>> = HashSet::new();
    for row in rows.rows() {
        let taken = table_name(row).and_then(|name| {
            listed.insert(name);
            let (shard, state) = shard_row(row, name, known.get(&name))?;
            shards.push(shard, state)
        });
        if let Err(reason) = taken {
            shards.reject(owner(row), reason);
        }
    }
    for (schema, table) in known.keys().filter(|name| !listed.contains(*name)) {
        let owner = Owner::Table { schema: (*schema).to_owned(), table: (*table).to_owned() };
        shards.reject(Some(owner), "table shards has none of it yet".into());
    }
    shards.finish()
}

fn owner(row: Row<'_>) -> Option<Owner> {
    let (schema, table) = table_name(row).ok()?;
    Some(Owner::Table { schema: schema.to_owned(), table: table.to_owned() })
}

fn table_name<'r>(row: Row<'r>) -> Read<TableName<'r>> {
    Ok((name(row, 0, "schema_name")?, name(row, 1, "table_name")?))
}

fn table_row<'r>(row: Row<'r>) -> Read<(TableName<'r>, TableRow<'r>)> {
    let table = TableRow {
        column: text(row, 2, "column_name").map(|name| name.trim_end_matches(' '))?,
        type_name: required(row, 3, "type")?,
        global_group: name(row, 4, "global_group")?,
    };
    Ok((table_name(row)?, table))
}

/// A shard and its state.
fn shard_row<'r>(
    row: Row<'r>,
    (schema, table_name): TableName<'r>,
    table: Option<&TableRow<'r>>,
) -> Read<(ShardRow<'r>, &'r str)> {
    let table = table.ok_or_else(|| {
        format!(
            "table tables has no row of '{}.{}' to use",
            excerpt(schema, 64),
            excerpt(table_name, 64)
        )
    })?;
    let state = if row.get(5).is_none() { "ENABLED" } else { text(row, 5, "state")? };
    let shard = ShardRow {
        schema: schema.into(),
        table: table_name.into(),
        column: table.column.into(),
        type_name: table.type_name.into(),
        global_group: table.global_group.into(),
        shard_id: number(row, 2, "shard_id")?,
        lower_bound: text(row, 3, "lower_bound")?.into(),
        group: name(row, 4, "group_id")?.into(),
        read_only: false,
    };
    Ok((shard, state))
}

/// Refuses a group whose name is that of another one but for blanks behind it, as columns allow whose
/// collation does not pad.
fn one_spelling<'r>(row: Row<'r>, known: &mut HashMap<&'r str, &'r str>) -> Read<()> {
    let (group, spelling) = (name(row, 0, "group_id")?, text(row, 0, "group_id")?);
    match *known.entry(group).or_insert(spelling) == spelling {
        true => Ok(()),
        false => Err(format!(
            "table groups_ has group \"{}\" twice, once with blanks behind it; give it another name",
            excerpt(group, 64)
        )),
    }
}

/// A row that is left out may be why its group has no primary.
fn left_out(row: Row<'_>, group: &str, reason: &str, reasons: &mut BTreeMap<String, Arc<str>>) {
    match is_nameless_primary(row) {
        true => {
            let reason = format!("{reason}; it is a PRIMARY, and nobody knows which server");
            reasons.insert(group.to_owned(), reason.into());
        }
        false => drop(reasons.entry(group.to_owned()).or_insert_with(|| reason.into())),
    }
}

/// Whether a row lists a primary, and does not say which server that is.
fn is_nameless_primary(row: Row<'_>) -> bool {
    row.get(1).is_none()
        && row.get(6) == Some(&b"PRIMARY"[..])
        && name(row, 2, "server_uuid").is_err()
}

/// Of a group that lists another primary beside one without UUID nobody knows which one takes writes.
fn refuse_doubtful_primaries(groups: &ResultSet, servers: &mut [ServerRow]) {
    let nameless = groups.rows().filter(|row| is_nameless_primary(*row));
    let doubtful: HashSet<&str> =
        nameless.filter_map(|row| name(row, 0, "group_id").ok()).collect();
    let doubtful = |row: &&mut ServerRow| doubtful.contains(row.group.as_str());
    for ServerRow { server, .. } in servers.iter_mut().filter(doubtful) {
        if server.status == Status::Primary as i32 {
            server.mode = match server.mode == Mode::WriteOnly as i32 {
                true => Mode::Offline as i32,
                false => server.mode.min(Mode::ReadOnly as i32),
            };
        }
    }
}

/// The address of a server, whatever is in its cells.
fn shown_address(row: Row<'_>) -> String {
    let cell = |column| String::from_utf8_lossy(row.get(column).unwrap_or(b"NULL")).into_owned();
    format!("'{}:{}'", excerpt(&cell(3), 80), excerpt(&cell(4), 20))
}

/// Takes in a group, or a server of one.
fn group_row(row: Row<'_>, farm: &mut Farm) -> Read<()> {
    let group = name(row, 0, "group_id")?;
    let has_server = row.get(3).is_some();
    if row.get(1).is_none() {
        if has_server {
            farm.servers.servers.push(ServerRow { group: group.to_owned(), server: server(row)? });
        }
        return Ok(());
    }
    let discover = text(row, 1, "discover")?;
    let kind = Kind::from_name(discover).ok_or_else(|| {
        let kinds = Kind::ALL.map(Kind::name).join(", ");
        format!("discover is \"{}\", and one of {kinds} is known", excerpt(discover, 40))
    })?;
    let spec =
        farm.specs.entry(group.to_owned()).or_insert_with(|| GroupSpec::new(kind, Vec::new()));
    if has_server {
        let seed = address(row)?;
        let (weight, zone) = (weight(row, 7)?, zone(row)?);
        spec.weights.insert(seed.clone(), weight);
        spec.zones.extend(zone.map(|zone| (seed.clone(), zone)));
        spec.seeds.push(seed);
    }
    Ok(())
}

fn address(row: Row<'_>) -> Read<Node> {
    let host = name(row, 3, "host")?;
    let port = number(row, 4, "port")?;
    let node = Node::new(host, port).filter(|_| port != 0);
    node.ok_or_else(|| format!("'{}', port {port}, is no address", excerpt(host, 80)))
}

fn server(row: Row<'_>) -> Read<Server> {
    let Node { host, port } = address(row)?;
    let uuid = name(row, 2, "server_uuid")
        .map_err(|why| format!("{why}; a group whose servers are listed needs it"))?;
    Ok(Server {
        uuid: uuid.to_owned(),
        host,
        port,
        mode: mode(text(row, 5, "mode")?)?,
        status: status(text(row, 6, "status")?)?,
        weight: weight(row, 7)?,
        zone: zone(row)?,
    })
}

/// Where a server stands; of tables that have no such column, nowhere.
fn zone(row: Row<'_>) -> Read<Option<String>> {
    if row.get(8).is_none() {
        return Ok(None);
    }
    match text(row, 8, "zone")?.trim_end_matches(' ') {
        "" => Ok(None),
        zone => check_zone(zone).map(|()| Some(zone.to_owned())).map_err(|error| error.message),
    }
}

fn mode(name: &str) -> Read<i32> {
    Ok(match name {
        "OFFLINE" => Mode::Offline,
        "READ_ONLY" => Mode::ReadOnly,
        "WRITE_ONLY" => Mode::WriteOnly,
        "READ_WRITE" => Mode::ReadWrite,
        other => return Err(format!("mode \"{}\" is not known", excerpt(other, 40))),
    } as i32)
}

fn status(name: &str) -> Read<i32> {
    Ok(match name {
        "FAULTY" => Status::Faulty,
        "SPARE" => Status::Spare,
        "SECONDARY" => Status::Secondary,
        "PRIMARY" => Status::Primary,
        other => return Err(format!("status \"{}\" is not known", excerpt(other, 40))),
    } as i32)
}
