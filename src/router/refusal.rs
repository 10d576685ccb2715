//! Why a lookup has no answer, in words that name the value and the remedy.

use crate::base::error::{Code, Error};
use crate::base::text::excerpt;
use crate::topology::{Group, Key, KeyError, Status, Table, TableError, Wanted};

/// Long keys are shown only so far: a message holds 511 bytes.
const SHOWN: usize = 120;

const MISSPELT_TABLE: &str = "; check the spelling (names are case-sensitive) or add it with \
                              Fabric's sharding.add_table";

const MISSPELT_GROUP: &str = "; check the spelling (names are case-sensitive)";

pub(super) fn unknown_table(name: &[u8]) -> Error {
    let name = shown(name);
    let message = format!("table '{name}' is not sharded by this farm{MISSPELT_TABLE}");
    Error::new(Code::UnknownTable, message)
}

/// An error about a name that is not known, for a handle that knows no other either; `whole` is
/// whether it has asked for everything. Where nothing is, no name was misspelt.
pub(super) fn of_empty_farm(error: Error, whole: bool) -> Error {
    let Error { code, message } = error;
    let said = [MISSPELT_TABLE, MISSPELT_GROUP].iter().find_map(|end| message.strip_suffix(end));
    let message = match said {
        Some(said) if whole => format!(
            "{said}; the farm is empty, Fabric lists no sharded table and no server at all: check \
             that this is the Fabric node you mean, and set the farm up with Fabric's \
             group.create, group.add and sharding.add_table"
        ),
        Some(_) => format!(
            "{message}; this handle has seen no table and no server so far, so the farm may be \
             empty, or another one"
        ),
        None => message,
    };
    Error::new(code, message)
}

pub(super) fn unusable_table(name: &[u8], error: &TableError) -> Error {
    Error::new(
        Code::UnsupportedSharding,
        format!("table '{}' cannot be routed: {error}", shown(name)),
    )
}

pub(super) fn unknown_group(name: &str) -> Error {
    let what = "it does not exist or is empty";
    let message = format!("Fabric lists no server of group '{name}': {what}{MISSPELT_GROUP}");
    Error::new(Code::UnknownGroup, message)
}

pub(super) fn no_server(group: &str, wanted: Wanted, servers: Option<&Group>) -> Error {
    if servers.is_none_or(|group| group.servers().is_empty()) {
        return Error::new(
            Code::NoServer,
            format!("Fabric lists no server of group '{group}'; add one or try again later"),
        );
    }
    if wanted == Wanted::Primary && servers.is_some_and(Group::is_held) {
        return Error::new(
            Code::WriteHeld,
            format!(
                "the primary of group '{group}' refused a write, and until Fabric names another \
                 primary or another shard map, writes to the group are held; ask again in a \
                 moment, or use a _wait call"
            ),
        );
    }
    let message = match wanted {
        Wanted::Primary | Wanted::Reader if servers.is_some_and(Group::has_primaries) => format!(
            "Fabric lists several primaries of group '{group}', and nobody knows which one takes \
             writes; see that it has one, and try again"
        ),
        Wanted::Primary => format!(
            "group '{group}' has no primary that takes writes at the moment; a failover may be \
             under way, try again"
        ),
        Wanted::Reader => format!(
            "group '{group}' has no server that takes reads: no secondary, no primary, or all \
             of them in mode OFFLINE or WRITE_ONLY"
        ),
        Wanted::Nobody => format!(
            "servers of group '{group}' with status {} or {} never serve; ask for {} or {}",
            Status::Faulty as i32,
            Status::Spare as i32,
            Status::Secondary as i32,
            Status::Primary as i32
        ),
    };
    Error::new(Code::NoServer, message)
}

pub(super) fn different_shards(first: (&[u8], &str), second: (&[u8], &str)) -> Error {
    Error::new(
        Code::DifferentShards,
        format!(
            "tables '{}' and '{}' lie in different groups, '{}' and '{}', for this key; look them \
             up one by one",
            shown(first.0),
            shown(second.0),
            first.1,
            second.1
        ),
    )
}

pub(super) fn key_missing(name: &[u8]) -> Error {
    Error::new(
        Code::KeyMissing,
        format!(
            "scope LOCAL needs a key for table '{}'; give one, or ask for scope GLOBAL",
            shown(name)
        ),
    )
}

#[cold]
pub(super) fn shard_unavailable(name: &[u8], key: Key<'_>) -> Error {
    Error::new(
        Code::ShardUnavailable,
        format!(
            "Fabric stopped listing the shard of table '{}' that holds {}: it is disabled or was \
             removed; try again later, or have the map taken as it is with fabric_reset_cache",
            shown(name),
            described(key)
        ),
    )
}

fn described(key: Key<'_>) -> String {
    match key {
        Key::Integer(value) => value.to_string(),
        Key::Unsigned(value) => value.to_string(),
        Key::Text(text) => format!("'{}'", shown(text)),
    }
}

#[cold]
pub(super) fn key(name: &[u8], table: &Table, key: Key<'_>, error: KeyError) -> Error {
    let key = described(key);
    let place = format!("table '{}', sharded by {}", shown(name), table.map.kind().name());
    let message = match error {
        KeyError::WantsText => {
            format!("{place}, takes text keys; give {key} as text with fabric_key_text")
        }
        KeyError::NotInteger => {
            format!("{place}, takes integers; {key} is no plain decimal integer")
        }
        KeyError::NotDateTime => format!(
            "{place}, takes dates and times as YYYY-MM-DD, YYYY-MM-DD hh:mm:ss, YYYYMMDD or \
             YYYYMMDDhhmmss without a time zone (month and day may be 00); {key} is none"
        ),
        KeyError::NotUtf8 => {
            format!("{place}, takes keys in UTF-8; {key} is not, convert it first")
        }
        KeyError::BelowLowest => format!(
            "no shard of {place}, holds {key}: its lowest bound is '{}'",
            table.map.bound_text(0)
        ),
    };
    Error::new(code_of_key(error), message)
}

/// The status of a key that has no shard.
pub(super) fn code_of_key(error: KeyError) -> Code {
    match error {
        KeyError::WantsText | KeyError::NotInteger | KeyError::NotDateTime => Code::KeyType,
        KeyError::NotUtf8 => Code::InvalidUtf8,
        KeyError::BelowLowest => Code::KeyOutOfRange,
    }
}

fn shown(bytes: &[u8]) -> String {
    excerpt(&String::from_utf8_lossy(bytes), SHOWN)
}
