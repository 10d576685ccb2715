//! One look at the state store: all of it of one moment, or that it is what it was.

use crate::base::error::{Code, Error};
use crate::base::text::excerpt;
use crate::config::Database;
use crate::mysql::failure::ServerError;
use crate::mysql::{Address, Failure, ResultSet};
use crate::source::database::{
    AskedServer, NO_DATABASE_FOR_USER, NO_SUCH_COLUMN, NO_SUCH_DATABASE, NO_SUCH_TABLE,
};
use crate::source::digest::digest;

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

/// Looks at the store. `known` is the digest of what needs no second reading. The inner error says what
/// of it may not be read.
pub fn look(
    server: &mut AskedServer<'_>,
    known: Option<&str>,
) -> Result<Result<Look, Error>, Failure> {
    match tables(server, known) {
        Err(Failure::Server(error)) if error.needs_a_grant() => {
            Ok(Err(missing_grants(server, error)?))
        }
        look => look.map(Ok),
    }
}

/// What a statement of a look was refused for, by asking for each table.
fn missing_grants(server: &mut AskedServer<'_>, error: ServerError) -> Result<Error, Failure> {
    let AskedServer { opened, limits, address, user, database } = server;
    let mut missing = Vec::new();
    for (table, _) in TABLES {
        match opened.query(&format!("SELECT 1 FROM {table} LIMIT 0"), limits) {
            Err(Failure::Server(error)) if error.needs_a_grant() => missing.push(table),
            other => drop(other?),
        }
    }
    let error = Failure::Server(error).into_error(address, user);
    Ok(Error::new(error.code, with_grants(&error, user, database, &missing)))
}

/// An error with the statement that grants these tables.
fn with_grants(error: &Error, user: &str, database: &Database, tables: &[&str]) -> String {
    let Some((first, others)) = tables.split_first() else { return error.message.clone() };
    let more = match others.is_empty() {
        true => String::new(),
        false => format!(", and the same for {}", others.join(", ")),
    };
    format!(
        "{}; what it takes is GRANT SELECT ON `{}`.{first} TO '{}'@'...'{more}",
        error.message,
        excerpt(&database.name, 64),
        excerpt(user, 60)
    )
}

fn tables(server: &mut AskedServer<'_>, known: Option<&str>) -> Result<Look, Failure> {
    let AskedServer { opened, limits, .. } = server;
    opened.begin_snapshot(limits)?;
    let digest = digest(opened, &TABLES, limits)?;
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
            let all = TABLES.map(|(table, _)| table);
            Error::new(Code::Forbidden, with_grants(&error, user, database, &all))
        }
        _ => error,
    }
}
