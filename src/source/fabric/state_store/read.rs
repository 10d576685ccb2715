//! One look at the state store: all of it of one moment, or that it is what it was.

use crate::base::error::{Code, Error};
use crate::base::text::excerpt;
use crate::config::Database;
use crate::mysql::{Address, Failure, ResultSet};
use crate::source::database::{
    AskedServer, NO_DATABASE_FOR_USER, NO_SUCH_COLUMN, NO_SUCH_DATABASE, NO_SUCH_TABLE,
};

use super::rows::{SERVERS, SHARDS};

/// Which tables are read, and what of them.
const TABLES: [(&str, &str); 5] = [
    ("shard_tables", "shard_mapping_id, table_name, column_name"),
    ("shard_maps", "shard_mapping_id, type_name, IFNULL(global_group, '/')"),
    ("shard_ranges", "shard_mapping_id, shard_id, HEX(lower_bound)"),
    ("shards", "shard_id, group_id, state"),
    ("servers", "server_uuid, server_address, mode, status, weight, IFNULL(group_id, '/')"),
];

/// What a look saw.
pub struct Look {
    /// Another one where anything that counts is another.
    pub digest: String,
    /// Shards and servers; nothing if the digest is the one that is known.
    pub content: Option<(ResultSet, ResultSet)>,
}

/// A number of each row and how many there are. Numbers are added up, whatever the order of the rows;
/// they are of a hash that is not linear: under a checksum two rows that exchange a value, as two
/// servers do when one takes the other's place, would look as before.
fn digest_of((table, columns): (&str, &str)) -> String {
    format!(
        "(SELECT CONCAT(COUNT(*), ':', IFNULL(SUM(CAST(CONV(LEFT(SHA2(CONCAT_WS('/', {columns}), 256), \
         15), 16, 10) AS UNSIGNED)), 0)) FROM {table})"
    )
}

/// Looks at the store. `known` is the digest of what needs no second reading.
pub fn look(server: &mut AskedServer<'_>, known: Option<&str>) -> Result<Look, Failure> {
    let AskedServer { opened, limits, .. } = server;
    opened.begin_snapshot(limits)?;
    let digests = TABLES.map(digest_of).join(", '|', ");
    let sets = opened.query(&format!("SELECT CONCAT({digests})"), limits)?;
    let cell = sets.first().and_then(|set| set.rows().next()).and_then(|row| row.get(0));
    let digest = cell.map(|cell| String::from_utf8_lossy(cell).into_owned());
    let digest = digest.ok_or_else(|| Failure::Protocol("answers a digest of nothing".into()))?;
    if known == Some(digest.as_str()) {
        return Ok(Look { digest, content: None });
    }
    let content = Some((opened.rows(SHARDS, limits)?, opened.rows(SERVERS, limits)?));
    Ok(Look { digest, content })
}

/// Why there is no look, for whoever set the options.
pub fn error(failure: Failure, server: &Address, user: &str, database: &Database) -> Error {
    let (errno, name) = (failure.errno(), excerpt(&database.name, 64));
    let is_statement = matches!(failure, Failure::Server(_));
    let error = failure.into_error(server, user);
    match errno {
        Some(NO_SUCH_TABLE | NO_SUCH_COLUMN) if is_statement => {
            let message = format!(
                "database `{name}` is no state store of Fabric, or half of one: {}; check the name of the \
                 database in the source's URL",
                error.message
            );
            Error::new(Code::Protocol, message)
        }
        Some(NO_SUCH_DATABASE) => {
            let message = format!(
                "{}; the source's URL ends with the database of Fabric's state store",
                error.message
            );
            Error::new(Code::Protocol, message)
        }
        _ if error.code == Code::Forbidden || errno == Some(NO_DATABASE_FOR_USER) => {
            let tables = TABLES.map(|(table, _)| table).join(", ");
            let message = format!(
                "{}; what it takes is GRANT SELECT ON `{name}`.shards TO '{}'@'...', and so for each of \
                 {tables}",
                error.message,
                excerpt(user, 60)
            );
            Error::new(Code::Forbidden, message)
        }
        _ => error,
    }
}
