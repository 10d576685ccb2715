//! One look at the tables: all of them of one moment, or that they are what they were.

use std::time::{Duration, Instant};

use crate::base::error::{Code, Error};
use crate::base::text::excerpt;
use crate::config::Database;
use crate::mysql::result_set::Row;
use crate::mysql::{Address, Failure, Limits, ResultSet};
use crate::source::cells::{Read, number, required};
use crate::source::database::{
    AskedServer, NO_DATABASE_FOR_USER, NO_SUCH_COLUMN, NO_SUCH_DATABASE, NO_SUCH_TABLE,
};
use crate::source::digest::digest;
use crate::source::mysql_session::Opened;

use super::newest::Edition;

/// The version of the tables' own form that is known here.
const SCHEMA_VERSION: u32 = 1;

const VERSION: &str = "SELECT schema_version, number, incarnation, @@global.read_only FROM version";

const TABLES: &str = "SELECT schema_name, table_name, column_name, type, global_group FROM tables";

/// Of the shards that are ENABLED, which most are, the state is not sent: there may be a million.
const SHARDS: &str = "SELECT schema_name, table_name, shard_id, lower_bound, group_id, \
    NULLIF(state, 'ENABLED') FROM shards ORDER BY schema_name, table_name";

/// What tables that were made without zones answer with an error.
const ZONES: &str = "SELECT zone FROM servers LIMIT 0";

/// What of them makes the digest by which a change is seen that nobody counted.
const DIGESTED: [(&str, &str); 3] = [
    ("tables", "schema_name, table_name, column_name, type, global_group"),
    (
        "shards",
        "schema_name, table_name, shard_id, IFNULL(HEX(lower_bound), '-'), group_id, IFNULL(state, '-')",
    ),
    ("groups_", "group_id, IFNULL(discover, '-')"),
];

/// What a look saw.
pub struct Look {
    pub edition: Edition,
    /// Whether the server takes writes.
    pub is_writable: bool,
    /// Nothing if what is known stays in use.
    pub content: Option<Tables>,
    /// How long the server took for the digest, if it was asked for it.
    pub digest_took: Option<Duration>,
    /// Whether it is called as what is known, and is something else.
    pub is_uncounted: bool,
}

/// The rows of all tables, of one moment.
pub struct Tables {
    pub tables: ResultSet,
    pub shards: ResultSet,
    pub groups: ResultSet,
}

/// Looks at the tables of a server; `known` is the edition that needs no second reading, whose digest is
/// compared if `compares` says so. The inner error says why they are of no use.
pub fn look(
    server: &mut AskedServer<'_>,
    known: Option<&Edition>,
    compares: bool,
) -> Result<Result<Look, String>, Failure> {
    let AskedServer { opened, limits, .. } = server;
    opened.begin_snapshot(limits)?;
    let version = opened.rows(VERSION, limits)?;
    let (mut edition, is_writable) = match edition(&version) {
        Ok(edition) => edition,
        Err(why) => return Ok(Err(why)),
    };
    let same = known.filter(|known| known.is_called_as(&edition));
    let mut digest_took = None;
    let is_read = same.is_none() || compares;
    let has_zones = is_read && has_zones(opened, limits)?;
    if is_read {
        let begun = Instant::now();
        let servers = servers_digested(has_zones);
        let tables: Vec<_> = DIGESTED.into_iter().chain([("servers", servers.as_str())]).collect();
        edition.digest = digest(opened, &tables, limits)?;
        digest_took = Some(begun.elapsed());
    } else if let Some(known) = same {
        edition.digest.clone_from(&known.digest);
    }
    let is_uncounted = same.is_some_and(|known| known.digest != edition.digest);
    let content = match same {
        Some(_) if !is_uncounted || !is_writable => None,
        _ => Some(Tables {
            tables: opened.rows(TABLES, limits)?,
            shards: opened.rows(SHARDS, limits)?,
            groups: opened.rows(&groups(has_zones), limits)?,
        }),
    };
    Ok(Ok(Look { edition, is_writable, content, digest_took, is_uncounted }))
}

/// Whether the tables say where servers are, which they need not.
fn has_zones(opened: &mut Opened, limits: &Limits) -> Result<bool, Failure> {
    match opened.rows(ZONES, limits) {
        Err(Failure::Server(error)) if error.errno == NO_SUCH_COLUMN => Ok(false),
        rows => rows.map(|_| true),
    }
}

/// The statement for the groups and their servers.
fn groups(has_zones: bool) -> String {
    let zone = if has_zones { ", s.zone" } else { "" };
    format!(
        "SELECT g.group_id, g.discover, s.server_uuid, s.host, s.port, s.mode, s.status, s.weight{zone} \
         FROM groups_ g LEFT JOIN servers s USING (group_id) ORDER BY g.group_id, s.host, s.port"
    )
}

/// As [`DIGESTED`], of the servers.
fn servers_digested(has_zones: bool) -> String {
    let zone = if has_zones { ", IFNULL(zone, '-')" } else { "" };
    format!(
        "host, port, group_id, IFNULL(server_uuid, '-'), IFNULL(mode, '-'), IFNULL(status, '-'), \
         IFNULL(weight, '-'){zone}"
    )
}

/// Which edition it is, and whether the server takes writes.
fn edition(version: &ResultSet) -> Result<(Edition, bool), String> {
    let mut rows = version.rows();
    let (Some(row), None) = (rows.next(), rows.next()) else {
        return Err(format!(
            "table version has {} rows, and one tells of the shard map; the tables are not set up as \
             sql/mysqlfabric.sql does",
            version.rows().len()
        ));
    };
    let (schema_version, edition) =
        cells(row).map_err(|why| format!("in table version {why}; it says nothing of the rest"))?;
    if schema_version != SCHEMA_VERSION {
        return Err(format!(
            "the tables of the shard map are of version {schema_version}, and {SCHEMA_VERSION} is the \
             one that is known here; have the library and the tables go together"
        ));
    }
    let read_only: u8 = number(row, 3, "read_only")?;
    Ok((edition, read_only == 0))
}

fn cells(row: Row<'_>) -> Read<(u32, Edition)> {
    let incarnation = required(row, 2, "incarnation")?.to_owned();
    let edition = Edition { incarnation, number: number(row, 1, "number")?, digest: String::new() };
    Ok((number(row, 0, "schema_version")?, edition))
}

/// Why there is no look, for whoever set the options.
pub fn error(failure: Failure, server: &Address, user: &str, database: &Database) -> Error {
    let (errno, name) = (failure.errno(), excerpt(&database.name, 64));
    let is_statement = matches!(failure, Failure::Server(_));
    let error = failure.into_error(server, user);
    let more = match errno {
        Some(NO_SUCH_TABLE | NO_SUCH_COLUMN) if is_statement => format!(
            "`{name}` has no shard map, or half of one; sql/mysqlfabric.sql makes its tables, and the \
             source's URL names their database"
        ),
        Some(NO_SUCH_DATABASE) => {
            format!(
                "the source's URL ends with the database of the shard map, and '{name}' is none"
            )
        }
        _ if error.code == Code::ReplyTooLarge => {
            let message = format!("{}; allow larger replies if it is", error.message);
            return Error::new(error.code, message);
        }
        _ if error.code == Code::Forbidden || errno == Some(NO_DATABASE_FOR_USER) => {
            let user = excerpt(user, 60);
            let message = format!(
                "{}; what it takes is GRANT SELECT ON `{name}`.* TO '{user}'@'...'",
                error.message
            );
            return Error::new(Code::Forbidden, message);
        }
        _ => return error,
    };
    Error::new(Code::Protocol, format!("{}: {more}", error.message))
}
