//! Rows of the state store, as the rest of the library has them.

use crate::base::text::excerpt;
use crate::mysql::ResultSet;
use crate::mysql::result_set::Row;
use crate::source::Maps;
use crate::source::cells::{Read, number, required, text, weight};
use crate::source::shard_states::ShardsByState;
use crate::topology::{Owner, RejectedRow, Server, ServerRow, ShardRow};

/// All shards, those too that dumps hide: table, column, type, global group, number, bound, state and
/// group.
pub const SHARDS: &str = "SELECT t.table_name, t.column_name, m.type_name, m.global_group, \
    r.shard_id, IF(m.type_name = 'HASH', HEX(r.lower_bound), r.lower_bound), s.state, s.group_id \
    FROM shard_tables t JOIN shard_maps m USING (shard_mapping_id) \
    JOIN shard_ranges r USING (shard_mapping_id) JOIN shards s USING (shard_id) \
    ORDER BY t.table_name, r.shard_id";

/// All servers that have a group: UUID, group, address, mode, status and weight.
pub const SERVERS: &str = "SELECT server_uuid, group_id, server_address, mode, status, weight \
    FROM servers WHERE group_id IS NOT NULL ORDER BY group_id, server_address, server_uuid";

/// The shard maps: listed are the shards that are ENABLED, held the bounds of those that are not.
pub fn maps(set: &ResultSet) -> (Maps, Vec<RejectedRow>) {
    let mut shards = ShardsByState::default();
    for row in set.rows() {
        let taken = shard_row(row).and_then(|shard| shards.push(shard, required(row, 6, "state")?));
        if let Err(reason) = taken {
            shards.reject(owner(row), reason);
        }
    }
    shards.finish()
}

/// The servers of all groups.
pub fn servers(set: &ResultSet) -> (Vec<ServerRow>, Vec<RejectedRow>) {
    let (mut rows, mut rejected) = (Vec::new(), Vec::new());
    for row in set.rows() {
        match server_row(row) {
            Ok(row) => rows.push(row),
            Err(reason) => {
                let group = required(row, 1, "group_id").ok();
                let owner = group.map(|group| Owner::Group(group.to_owned()));
                rejected.push(RejectedRow { owner, reason });
            }
        }
    }
    (rows, rejected)
}

fn owner(row: Row<'_>) -> Option<Owner> {
    let (schema, table) = required(row, 0, "table_name").ok()?.split_once('.')?;
    Some(Owner::Table { schema: schema.to_owned(), table: table.to_owned() })
}

fn shard_row<'r>(row: Row<'r>) -> Read<ShardRow<'r>> {
    let name = required(row, 0, "table_name")?;
    let (schema, table) = name
        .split_once('.')
        .ok_or_else(|| format!("table_name \"{}\" has no dot", excerpt(name, 80)))?;
    Ok(ShardRow {
        schema: schema.into(),
        table: table.into(),
        column: text(row, 1, "column_name")?.into(),
        type_name: required(row, 2, "type_name")?.into(),
        global_group: required(row, 3, "global_group")?.into(),
        shard_id: number(row, 4, "shard_id")?,
        lower_bound: text(row, 5, "lower_bound")?.into(),
        group: required(row, 7, "group_id")?.into(),
        read_only: false,
    })
}

fn server_row(row: Row<'_>) -> Read<ServerRow> {
    let group = required(row, 1, "group_id")?.to_owned();
    let address = required(row, 2, "server_address")?;
    let bad = || format!("server_address \"{}\" is no host:port", excerpt(address, 80));
    let (host, port) = address.rsplit_once(':').ok_or_else(bad)?;
    let port = port.parse().ok().filter(|port| *port != 0).ok_or_else(bad)?;
    let host = host.strip_prefix('[').and_then(|host| host.strip_suffix(']')).unwrap_or(host);
    if host.is_empty() {
        return Err(bad());
    }
    let server = Server {
        uuid: required(row, 0, "server_uuid")?.to_owned(),
        host: host.to_owned(),
        port,
        mode: number(row, 3, "mode")?,
        status: number(row, 4, "status")?,
        weight: weight(row, 5)?,
        zone: None,
    };
    Ok(ServerRow { group, server })
}
