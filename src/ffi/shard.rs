//! The shard map of a table as C sees it.

use std::ffi::c_char;

use crate::base::error::Result;
use crate::topology::{Shard, Table, Topology, limits};

use super::boundary::boundary;
use super::error::fabric_error_t;
use super::handle::fabric_t;
use super::ptr::{OutList, copy_text, reference, text};
use super::server::FABRIC_GROUP_SIZE;

/// Integer bounds; the older name of RANGE_INTEGER.
pub const FABRIC_SHARDING_RANGE: i32 = 1;
/// Integer bounds, signed 64-bit.
pub const FABRIC_SHARDING_RANGE_INTEGER: i32 = 2;
/// String bounds, compared as UTF-8 bytes with blank padding.
pub const FABRIC_SHARDING_RANGE_STRING: i32 = 3;
/// Date and date-time bounds, whole seconds without time zones.
pub const FABRIC_SHARDING_RANGE_DATETIME: i32 = 4;
/// Bounds on the ring of MD5 digests.
pub const FABRIC_SHARDING_HASH: i32 = 5;

/// Keys of the shard are read and written.
pub const FABRIC_SHARD_ENABLED: i32 = 1;
/// Keys of the shard are read, and writes of them are held (FABRIC_ERR_WRITE_HELD): its shard map says so,
/// as while it is moved.
pub const FABRIC_SHARD_READ_ONLY: i32 = 2;

/// The size of `fabric_shard_t.lower_bound`: the 255 bytes that a topology file may give a bound, and a
/// NUL. In Fabric's schema a bound is VARBINARY(16), which HASH stretches to 32 digits.
pub const FABRIC_BOUND_SIZE: usize = 256;
/// The size of a column name: 64 characters of up to three bytes, a NUL, and padding.
pub const FABRIC_COLUMN_SIZE: usize = 200;

const _: () = assert!(FABRIC_BOUND_SIZE == limits::LONGEST_BOUND + 1);
const _: () = assert!(FABRIC_COLUMN_SIZE == limits::LONGEST_COLUMN + 1);

/// A shard of a table. A plain copy that the caller owns.
///
/// @since 0.1.0
#[repr(C)]
#[derive(Clone, Copy)]
pub struct fabric_shard_t {
    /// The shard's number at the server. A split gives the split shard a new one.
    pub shard_id: i64,
    /// One of FABRIC_SHARDING_*.
    pub sharding_type: i32,
    /// One of FABRIC_SHARD_*.
    pub state: i32,
    /// Where the shard begins: a decimal integer, 32 upper-case hexadecimal digits,
    /// `YYYY-MM-DD hh:mm:ss`, or the string. UTF-8, NUL-terminated.
    pub lower_bound: [c_char; FABRIC_BOUND_SIZE],
    /// The group that holds the shard.
    pub group: [c_char; FABRIC_GROUP_SIZE],
    /// The group that holds what all shards share.
    pub global_group: [c_char; FABRIC_GROUP_SIZE],
    /// The column the table is sharded by.
    pub column: [c_char; FABRIC_COLUMN_SIZE],
    /// 0; room for later.
    pub reserved: [u64; 8],
}

impl fabric_shard_t {
    pub(super) fn of(topology: &Topology, table: &Table, at: usize, shard: &Shard) -> Result<Self> {
        let mut filled = Self {
            shard_id: shard.id,
            sharding_type: table.map.kind() as i32,
            state: match shard.group.is_read_only() {
                true => FABRIC_SHARD_READ_ONLY,
                false => FABRIC_SHARD_ENABLED,
            },
            lower_bound: [0; FABRIC_BOUND_SIZE],
            group: [0; FABRIC_GROUP_SIZE],
            global_group: [0; FABRIC_GROUP_SIZE],
            column: [0; FABRIC_COLUMN_SIZE],
            reserved: [0; 8],
        };
        copy_text(&mut filled.lower_bound, &table.map.bound_text(at), "lower bound")?;
        copy_text(&mut filled.group, topology.group_name(shard.group), "group name")?;
        let global = topology.group_name(table.global_group);
        copy_text(&mut filled.global_group, global, "group name")?;
        copy_text(&mut filled.column, &table.column, "column name")?;
        Ok(filled)
    }
}

/// The shards of a table, in the order of their lower bounds.
///
/// A disabled shard is not among them: Fabric does not list it. Neither is one whose keys are held
/// (see fabric_options_set_vanished_hold_ms()), nor one of which Fabric told no more than the group.
/// A READ_ONLY one is, and says so in `state`. The keys of the others are not in the shard before: place
/// keys by lookups, or intervals by fabric_get_shards_in_range(), which know of them, and not by this
/// list.
///
/// @param f         The handle.
/// @param table     A name of the form `db.table`, UTF-8, NUL-terminated.
/// @param out       Room for `capacity` shards; may be NULL if `capacity` is 0.
/// @param capacity  How many fit.
/// @param count     Where the number of shards goes, also with FABRIC_ERR_BUFFER_TOO_SMALL.
/// @param err       Where details of a failure go; may be NULL.
/// @retval FABRIC_OK
/// @retval FABRIC_ERR_BUFFER_TOO_SMALL  Nothing was written but `*count`; call again.
/// @retval FABRIC_ERR_UNKNOWN_TABLE, FABRIC_ERR_UNSUPPORTED_SHARDING
/// @retval FABRIC_ERR_TABLE_NAME, FABRIC_ERR_INVALID_UTF8, FABRIC_ERR_NULL_POINTER
/// @retval FABRIC_ERR_PROTOCOL          A name or a bound is longer than there is room for, which
///                                      Fabric's schema does not allow.
/// @retval other                        The table could not be fetched, as for
///                                      fabric_get_shard_server().
///
/// Blocks as fabric_get_shard_server() does. Any thread.
///
/// @since 0.1.0
#[must_use]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn fabric_get_shards(
    f: *const fabric_t,
    table: *const c_char,
    out: *mut fabric_shard_t,
    capacity: usize,
    count: *mut usize,
    err: *mut fabric_error_t,
) -> i32 {
    boundary("fabric_get_shards", err, || {
        // SAFETY: `f` is NULL or a handle that is not freed; `table` is NULL or NUL-terminated;
        // `out` is NULL or has room for `capacity` elements, and `count` is NULL or writable.
        let (f, name, list) = unsafe {
            (reference(f, "f")?, text(table, "table")?, OutList::new(out, capacity, count)?)
        };
        let shards = f.router.table(name, |topology, table| {
            let shards = table.map.shards().enumerate();
            let shards = shards.filter(|(_, shard)| !shard.is_kept());
            shards.map(|(at, shard)| fabric_shard_t::of(topology, table, at, &shard)).collect()
        });
        list.set(shards?)
    })
}
