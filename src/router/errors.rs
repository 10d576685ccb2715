//! Why a lookup has no answer, in words that name the value and the remedy.

use crate::base::error::{Code, Error, Result};
use crate::base::text::excerpt;
use crate::refresh::single_flight::FetchRequest;
use crate::topology::{
    Entry, Group, GroupId, Key, KeyError, ReadPreference, Status, Table, TableError, TableState,
    Topology, Wanted,
};

use super::names::full_name;
use super::resolve::{Freshness, LookupView, Miss, Query, ShardKey, Target};

/// Long keys are shown only so far: a message holds 511 bytes.
const SHOWN: usize = 120;

const MISSPELT_TABLE: &str =
    "; check the spelling (names are case-sensitive) or add it to the farm";

const MISSPELT_GROUP: &str = "; check the spelling (names are case-sensitive)";

impl Miss {
    /// The status of a call, or of a key of a batch, that has no answer for this.
    pub(super) fn code(self) -> Code {
        match self {
            Self::NoTable | Self::KeyTooLong => Code::Argument,
            Self::TableName => Code::TableName,
            Self::TableUtf8 | Self::Key(KeyError::NotUtf8) => Code::InvalidUtf8,
            Self::UnknownTable => Code::UnknownTable,
            Self::UnknownGroup => Code::UnknownGroup,
            Self::Unusable => Code::UnsupportedSharding,
            Self::KeyMissing => Code::KeyMissing,
            Self::KeyNull => Code::NullPointer,
            Self::Key(KeyError::BelowLowest) => Code::KeyOutOfRange,
            Self::Key(KeyError::WantsText | KeyError::NotInteger | KeyError::NotDateTime) => {
                Code::KeyType
            }
            Self::ShardVanished => Code::ShardUnavailable,
            Self::DifferentShards => Code::DifferentShards,
            Self::Expired | Self::NoServer(_) => Code::NoServer,
            Self::WriteHeld(_) | Self::ShardReadOnly(_) => Code::WriteHeld,
            Self::TooOld(_) => Code::Stale,
        }
    }
}

/// Why a query has no answer, once it has come to `miss`.
#[cold]
#[inline(never)]
pub(super) fn error_of<F: Freshness>(
    view: LookupView<'_, F>,
    query: &Query<'_>,
    miss: Miss,
) -> Error {
    match query.target {
        Target::Table(name, key) => of_tables(view, std::iter::once(name), key, query.wanted, miss),
        Target::Tables(names, key) => {
            of_tables(view, names.iter().copied(), key, query.wanted, miss)
        }
        Target::Prepared(table, key) => {
            of_tables(view, std::iter::once(table.name()), key, query.wanted, miss)
        }
        Target::AllPrepared(tables, key) => {
            let names = tables.iter().map(|table| table.name());
            of_tables(view, names, key, query.wanted, miss)
        }
        Target::Group(name) => match miss {
            Miss::UnknownGroup => unknown_group(&String::from_utf8_lossy(name)),
            miss => of_group(view.topology, query.wanted, miss),
        },
    }
}

fn of_tables<'n, F: Freshness>(
    view: LookupView<'_, F>,
    mut names: impl Iterator<Item = &'n [u8]> + Clone,
    key: ShardKey<'_>,
    wanted: Wanted,
    miss: Miss,
) -> Error {
    let topology = view.topology;
    let group_in = |name: &[u8]| group_of_known(view, name, key);
    let given = match key {
        ShardKey::Key(key) => Some(key),
        ShardKey::Global | ShardKey::Missing => None,
    };
    if miss == Miss::DifferentShards {
        let mut placed = names.filter_map(|name| Some((name, group_in(name).ok()?)));
        let first = placed.next().unwrap_or((b"", GroupId::NOWHERE));
        let other = placed.find(|(_, group)| group.joined(first.1).is_none()).unwrap_or(first);
        let named = |(name, group)| (name, topology.group_name(group));
        return different_shards(named(first), named(other));
    }
    // Hardly anybody joins: which of several tables it is, is looked for now.
    let is_it = |name: &&[u8]| match miss {
        Miss::TableName | Miss::TableUtf8 => full_name(name).is_err(),
        Miss::ShardReadOnly(_) => group_in(name).is_ok_and(GroupId::is_read_only),
        miss => group_in(name) == Err(miss),
    };
    let name = match (names.clone().nth(1), names.next()) {
        (None, name) => name,
        (Some(_), first) => first.into_iter().chain(names).find(is_it),
    };
    let name = name.unwrap_or_default();
    match (miss, given) {
        (Miss::NoTable, _) => no_table(),
        (Miss::KeyNull, _) => Error::new(miss.code(), "it is NULL"),
        (Miss::KeyTooLong, _) => {
            Error::new(miss.code(), "it is longer than any key; see fabric_key_text()")
        }
        (Miss::TableName | Miss::TableUtf8, _) => {
            full_name(name).err().unwrap_or_else(|| unknown_table(name))
        }
        (Miss::UnknownTable, _) => unknown_table(name),
        (Miss::KeyMissing, _) => key_missing(name),
        (Miss::ShardVanished, Some(given)) => shard_unavailable(name, given),
        (Miss::ShardReadOnly(group), _) => shard_read_only(name, given, topology.group_name(group)),
        (Miss::Unusable | Miss::Key(_), _) => match (miss, given, known_table(topology, name)) {
            (Miss::Key(why), Some(given), Ok(table)) => self::key(name, table, given, why),
            (_, _, Err(error)) => error,
            (miss, ..) => of_group(topology, wanted, miss),
        },
        (miss, _) => of_group(topology, wanted, miss),
    }
}

/// The group of a table however old, as a lookup of it alone would find it.
fn group_of_known<F>(
    view: LookupView<'_, F>,
    name: &[u8],
    key: ShardKey<'_>,
) -> std::result::Result<GroupId, Miss> {
    let entry = view.topology.tables.get(name).ok_or(Miss::UnknownTable)?;
    let TableState::Known(table) = &entry.value else { return Err(Miss::Unusable) };
    match key {
        ShardKey::Global => Ok(table.global_group),
        ShardKey::Missing => Err(Miss::KeyMissing),
        ShardKey::Key(key) => match table.map.find_group(key, view.compat) {
            Ok(GroupId::NOWHERE) => Err(Miss::ShardVanished),
            group => group.map_err(Miss::Key),
        },
    }
}

fn of_group(topology: &Topology, wanted: Wanted, miss: Miss) -> Error {
    match miss {
        Miss::NoServer(id) | Miss::WriteHeld(id) => {
            let servers = topology.group(id).map(|entry| &entry.value);
            no_server(topology.group_name(id), wanted, servers)
        }
        miss => Error::new(miss.code(), "what it needs is not known yet; try again"),
    }
}

/// A table that has been fetched, or why it cannot be used.
pub(super) fn known_table<'t>(topology: &'t Topology, name: &[u8]) -> Result<&'t Table> {
    match topology.tables.get(name) {
        Some(entry) => usable(name, entry),
        None => Err(unknown_table(name)),
    }
}

fn usable<'t>(name: &[u8], entry: &'t Entry<TableState>) -> Result<&'t Table> {
    match &entry.value {
        TableState::Known(table) => Ok(table),
        TableState::Unusable(error) => Err(unusable_table(name, error)),
    }
}

/// The refusal of the first name that was never heard of, or that the source does not list.
pub(super) fn unknown(topology: &Topology, request: &FetchRequest) -> Option<Error> {
    let is_unknown_table = |name: &&String| topology.tables.get(name.as_bytes()).is_none();
    if let Some(name) = request.tables.iter().find(is_unknown_table) {
        return Some(unknown_table(name.as_bytes()));
    }
    let is_unknown = |name: &&String| topology.group_number(name.as_bytes()).is_none();
    request.groups.iter().find(is_unknown).map(|name| unknown_group(name))
}

pub(super) fn no_table() -> Error {
    Error::new(Code::Argument, "no table is named; name at least one")
}

pub(super) fn unknown_table(name: &[u8]) -> Error {
    let name = shown(name);
    let message = format!("table '{name}' is not sharded by this farm{MISSPELT_TABLE}");
    Error::new(Code::UnknownTable, message)
}

/// The error about a table, for a handle whose source has groups alone.
pub(super) fn of_no_maps(error: Error, source: &str) -> Error {
    let Error { code, message } = error;
    let said = message.strip_suffix(MISSPELT_TABLE).unwrap_or(&message);
    let message = format!(
        "{said}; the farm of {source} has groups and no shard maps: look a group up by its name, with \
         fabric_get_group_server"
    );
    Error::new(code, message)
}

/// The error about a group, for a handle whose source has these alone.
pub(super) fn of_other_groups(error: Error, source: &str, groups: &[&str]) -> Error {
    let Error { code, message } = error;
    let said = message.strip_suffix(MISSPELT_GROUP).unwrap_or(&message);
    let names = groups.iter().take(3).map(|name| format!("'{}'", excerpt(name, 64)));
    let names = names.collect::<Vec<_>>().join(", ");
    let message = format!(
        "{said}; {source} are group {names}: ask for that, or have it called otherwise by ?group= in the \
         source's URL"
    );
    Error::new(code, message)
}

/// An error about a name that is not known, for a handle that knows no other either; `whole` is
/// whether it has asked for everything, and `source` what the source is called. In an empty farm no
/// name was misspelt.
pub(super) fn of_empty_farm(error: Error, whole: bool, source: &str) -> Error {
    let Error { code, message } = error;
    let said = [MISSPELT_TABLE, MISSPELT_GROUP].iter().find_map(|end| message.strip_suffix(end));
    let message = match said {
        Some(said) if whole => format!(
            "{said}; the farm is empty, no sharded table and no server at all is listed by {source}: \
             check that this is the farm you mean, and set up its groups, servers and tables"
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
    let message = format!("no server of group '{name}' is listed: {what}{MISSPELT_GROUP}");
    Error::new(Code::UnknownGroup, message)
}

pub(super) fn no_server(group: &str, wanted: Wanted, servers: Option<&Group>) -> Error {
    let preference = servers.map(Group::preference).unwrap_or_default();
    no_server_for(group, wanted, preference, servers)
}

/// The same of a call with a read preference of its own.
pub(super) fn no_server_for(
    group: &str,
    wanted: Wanted,
    preference: ReadPreference,
    servers: Option<&Group>,
) -> Error {
    if servers.is_none_or(|group| group.servers().is_empty()) {
        let message = match servers.and_then(Group::reason) {
            Some(reason) => {
                format!("group '{group}' has no server that serves: {reason}; try again")
            }
            None => format!("no server of group '{group}' is listed; add one or try again later"),
        };
        return Error::new(Code::NoServer, message);
    }
    if wanted == Wanted::Primary && servers.is_some_and(Group::is_held) {
        return Error::new(
            Code::WriteHeld,
            format!(
                "the primary of group '{group}' refused a write, and until another primary or \
                 another shard map is listed, writes to the group are held; ask again in a moment, \
                 or use a _wait call"
            ),
        );
    }
    let message = match wanted {
        Wanted::Primary | Wanted::Reader if servers.is_some_and(Group::has_primaries) => format!(
            "several primaries of group '{group}' are listed, and nobody knows which one takes \
             writes; see that it has one, and try again"
        ),
        Wanted::Primary => {
            let reason = servers.and_then(Group::reason).map(|reason| format!(": {reason}; "));
            let reason = reason.as_deref().unwrap_or("; a failover may be under way, ");
            format!(
                "group '{group}' has no primary that takes writes at the moment{reason}try again"
            )
        }
        Wanted::Reader if preference == ReadPreference::SecondaryOnly => format!(
            "group '{group}' has no secondary that takes reads, and by the read preference nobody else \
             does; try again, or let the primary take reads, too"
        ),
        Wanted::Reader => format!(
            "group '{group}' has no server that takes reads: no secondary, no primary, or all \
             of them in mode OFFLINE or WRITE_ONLY"
        ),
        Wanted::Unservable => format!(
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
            "the shard of table '{}' that holds {} is not listed any more: it is disabled or was \
             removed; try again later, or have the map taken as it is with fabric_reset_cache",
            shown(name),
            described(key)
        ),
    )
}

/// `key` is nothing where the error is that of many keys.
#[cold]
fn shard_read_only(name: &[u8], key: Option<Key<'_>>, group: &str) -> Error {
    let key = key.map_or_else(|| "a key".to_owned(), described);
    Error::new(
        Code::WriteHeld,
        format!(
            "the shard of table '{}' that holds {key}, in group '{group}', is read-only by its shard \
             map, and its writes are held until the map has it enabled again; reads go on; ask again in \
             a moment, or use a _wait call",
            shown(name),
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
    Error::new(Miss::Key(error).code(), message)
}

fn shown(bytes: &[u8]) -> String {
    excerpt(&String::from_utf8_lossy(bytes), SHOWN)
}
