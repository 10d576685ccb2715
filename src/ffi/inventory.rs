//! Lists of what a handle knows of the farm: tables and groups.

use std::ffi::c_char;

use crate::base::error::Result;
use crate::router::inventory::KnownGroup;
use crate::topology::{Table, TableState, Topology, Wanted};

use super::boundary::boundary;
use super::error::fabric_error_t;
use super::event::FABRIC_TABLE_SIZE;
use super::handle::fabric_t;
use super::ptr::{OutList, copy_text, reference};
use super::server::FABRIC_GROUP_SIZE;
use super::shard::FABRIC_COLUMN_SIZE;

/// The sharding type of a table that cannot be routed; only in `fabric_table_info_t.sharding_type`.
pub const FABRIC_SHARDING_UNSUPPORTED: i32 = 0;

/// What is known of a table. A plain copy that the caller owns.
///
/// @since 0.1.0
#[repr(C)]
#[derive(Clone, Copy)]
pub struct fabric_table_info_t {
    /// How many shards are listed, as fabric_get_shards() tells them.
    pub shards: u64,
    /// One of FABRIC_SHARDING_*; @ref FABRIC_SHARDING_UNSUPPORTED for a table whose lookups say
    /// FABRIC_ERR_UNSUPPORTED_SHARDING, and why.
    pub sharding_type: i32,
    /// 0; room for later.
    pub reserved0: i32,
    /// `db.table`, UTF-8, NUL-terminated.
    pub name: [c_char; FABRIC_TABLE_SIZE],
    /// The column the table is sharded by; empty where it is unsupported.
    pub column: [c_char; FABRIC_COLUMN_SIZE],
    /// The group that holds what all shards share; empty where it is unsupported.
    pub global_group: [c_char; FABRIC_GROUP_SIZE],
    /// 0; room for later.
    pub reserved: [u64; 8],
}

/// What is known of a group. A plain copy that the caller owns.
///
/// @since 0.1.0
#[repr(C)]
#[derive(Clone, Copy)]
pub struct fabric_group_info_t {
    /// How many shards of all tables lie in it.
    pub shards: u64,
    /// How long ago the source confirmed it, in milliseconds; -1 where nobody knows.
    pub age_ms: i64,
    /// How many servers are listed, those that never serve among them.
    pub servers: u32,
    /// How many of them are left out, or on trial: see fabric_options_set_quarantine_ms().
    pub servers_quarantined: u32,
    /// 1 if it has a primary and lookups for writes get it, else 0.
    pub takes_writes: i32,
    /// 1 while its writes are held: see fabric_report_result(). Else 0.
    pub writes_held: i32,
    /// Its name, UTF-8, NUL-terminated.
    pub name: [c_char; FABRIC_GROUP_SIZE],
    /// 0; room for later.
    pub reserved: [u64; 8],
}

impl fabric_table_info_t {
    fn of(topology: &Topology, name: &str, state: &TableState) -> Result<Self> {
        let mut filled = Self {
            shards: 0,
            sharding_type: FABRIC_SHARDING_UNSUPPORTED,
            reserved0: 0,
            name: [0; FABRIC_TABLE_SIZE],
            column: [0; FABRIC_COLUMN_SIZE],
            global_group: [0; FABRIC_GROUP_SIZE],
            reserved: [0; 8],
        };
        copy_text(&mut filled.name, name, "table name")?;
        if let TableState::Known(Table { column, global_group, map }) = state {
            filled.sharding_type = map.kind() as i32;
            filled.shards = map.shards().filter(|shard| !shard.is_kept()).count() as u64;
            copy_text(&mut filled.column, column, "column name")?;
            copy_text(&mut filled.global_group, topology.group_name(*global_group), "group name")?;
        }
        Ok(filled)
    }
}

impl fabric_group_info_t {
    fn of(known: &KnownGroup<'_>) -> Result<Self> {
        let group = known.group;
        let count = |count: usize| u32::try_from(count).unwrap_or(u32::MAX);
        let mut filled = Self {
            shards: known.shards,
            age_ms: known.age.map_or(-1, |age| i64::try_from(age).unwrap_or(i64::MAX)),
            servers: count(group.servers().len()),
            servers_quarantined: count(group.out_of_use()),
            takes_writes: group.may_serve(Wanted::Primary).into(),
            writes_held: group.is_held().into(),
            name: [0; FABRIC_GROUP_SIZE],
            reserved: [0; 8],
        };
        copy_text(&mut filled.name, known.name, "group name")?;
        Ok(filled)
    }
}

/// The tables that the handle knows, in the order of their names' bytes.
///
/// From memory: after fabric_seed(), or fabric_get_sharding_information() without a name, all that the
/// source lists, and otherwise those that were looked up. One whose name is longer than MySQL
/// allows is left out.
///
/// @param f         The handle.
/// @param out       Room for `capacity` tables; may be NULL if `capacity` is 0.
/// @param capacity  How many fit.
/// @param count     Where the number of tables goes, also with FABRIC_ERR_BUFFER_TOO_SMALL.
/// @param err       Where details of a failure go; may be NULL.
/// @retval FABRIC_OK
/// @retval FABRIC_ERR_BUFFER_TOO_SMALL  Nothing was written but `*count`; call again, with room for
///                                      some more: the farm may have grown meanwhile.
/// @retval FABRIC_ERR_NULL_POINTER
///
/// Never waits for the network, but looks at every shard: of 100,000 some milliseconds. Any thread.
///
/// @since 0.1.0
#[must_use]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn fabric_get_tables(
    f: *const fabric_t,
    out: *mut fabric_table_info_t,
    capacity: usize,
    count: *mut usize,
    err: *mut fabric_error_t,
) -> i32 {
    boundary("fabric_get_tables", err, || {
        // SAFETY: `f` is NULL or a handle that is not freed; `out` is NULL or has room for `capacity`
        // elements, and `count` is NULL or writable.
        let (f, list) = unsafe { (reference(f, "f")?, OutList::new(out, capacity, count)?) };
        list.set(f.router.tables(FABRIC_TABLE_SIZE - 1, fabric_table_info_t::of)?)
    })
}

/// The groups that the handle knows, in the order of their names' bytes. Their servers are told by
/// fabric_get_group_servers().
///
/// From memory, as fabric_get_tables(). A group that the source does not list, or that has no server, is
/// not among them, unless the source says why it has none.
///
/// @param f         The handle.
/// @param out       Room for `capacity` groups; may be NULL if `capacity` is 0.
/// @param capacity  How many fit.
/// @param count     Where the number of groups goes, also with FABRIC_ERR_BUFFER_TOO_SMALL.
/// @param err       Where details of a failure go; may be NULL.
/// @retval FABRIC_OK
/// @retval FABRIC_ERR_BUFFER_TOO_SMALL  Nothing was written but `*count`; call again, with room for
///                                      some more: the farm may have grown meanwhile.
/// @retval FABRIC_ERR_NULL_POINTER
///
/// Never waits for the network, but looks at every shard: of 100,000 some milliseconds. Any thread.
///
/// @since 0.1.0
#[must_use]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn fabric_get_groups(
    f: *const fabric_t,
    out: *mut fabric_group_info_t,
    capacity: usize,
    count: *mut usize,
    err: *mut fabric_error_t,
) -> i32 {
    boundary("fabric_get_groups", err, || {
        // SAFETY: `f` is NULL or a handle that is not freed; `out` is NULL or has room for `capacity`
        // elements, and `count` is NULL or writable.
        let (f, list) = unsafe { (reference(f, "f")?, OutList::new(out, capacity, count)?) };
        list.set(f.router.groups(|known| fabric_group_info_t::of(&known))?)
    })
}
