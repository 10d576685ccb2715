//! The shard of a key, and those that an interval of keys touches, as C sees them.

use std::ffi::c_char;

use crate::base::error::Result;
use crate::topology::{Shard, Table, Topology};

use super::arg;
use super::boundary::boundary;
use super::error::fabric_error_t;
use super::handle::fabric_t;
use super::key::fabric_key_t;
use super::ptr::{Out, OutList, reference, text};
use super::shard::fabric_shard_t;

/// Which shard holds this key? It is the one that fabric_get_shard_server() goes by.
///
/// @param f      The handle.
/// @param table  A name of the form `db.table`, UTF-8, NUL-terminated.
/// @param key    The sharding key.
/// @param shard  Where the shard goes; left alone on failure. The `shard_id` of one that Fabric does not
///               list, but whose group it told, is 0.
/// @param err    Where details of a failure go; may be NULL.
/// @retval FABRIC_OK
/// @retval FABRIC_ERR_KEY_MISSING, FABRIC_ERR_KEY_TYPE, FABRIC_ERR_KEY_OUT_OF_RANGE
/// @retval FABRIC_ERR_SHARD_UNAVAILABLE  As for fabric_get_shard_server().
/// @retval FABRIC_ERR_UNKNOWN_TABLE, FABRIC_ERR_UNSUPPORTED_SHARDING
/// @retval FABRIC_ERR_TABLE_NAME, FABRIC_ERR_INVALID_UTF8, FABRIC_ERR_NULL_POINTER,
///         FABRIC_ERR_ARGUMENT
/// @retval FABRIC_ERR_PROTOCOL           As for fabric_get_shards().
/// @retval other                         The table could not be fetched, as for
///                                       fabric_get_shard_server().
///
/// Blocks as fabric_get_shard_server() does. Any thread.
///
/// @since 0.1.0
#[must_use]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn fabric_get_shard(
    f: *const fabric_t,
    table: *const c_char,
    key: *const fabric_key_t,
    shard: *mut fabric_shard_t,
    err: *mut fabric_error_t,
) -> i32 {
    boundary("fabric_get_shard", err, || {
        // SAFETY: `f` is NULL or a handle that is not freed; `table` is NULL or NUL-terminated; `key` is
        // NULL or a key with its text, and `shard` is NULL or writable.
        let (f, name, key, out) = unsafe {
            (reference(f, "f")?, text(table, "table")?, arg::key(key)?, Out::new(shard, "shard")?)
        };
        out.set(f.router.shard(name, key, shown_shard)?);
        Ok(())
    })
}

/// A shard of which the source may have told no more than the group.
fn shown_shard(
    topology: &Topology,
    table: &Table,
    at: usize,
    shard: &Shard,
) -> Result<fabric_shard_t> {
    let mut shown = fabric_shard_t::of(topology, table, at, shard)?;
    if shard.is_kept() {
        shown.shard_id = 0;
    }
    Ok(shown)
}

/// Which shards does `BETWEEN low AND high` touch?
///
/// For the RANGE types those that hold keys from `low` to `high`, both included, in the order of
/// their lower bounds; for HASH, which scatters every interval, all of them, and the keys are not
/// looked at. A `low` below the lowest bound counts as the lowest bound, and a `low` above `high`
/// touches nothing. With @ref FABRIC_COMPAT_CONNECTOR_PYTHON the keys of RANGE below the lowest
/// bound are in the highest shard, which then comes last.
///
/// @param f         The handle.
/// @param table     A name of the form `db.table`, UTF-8, NUL-terminated.
/// @param low       The lowest key; NULL for no limit.
/// @param high      The highest key; NULL for no limit.
/// @param out       Room for `capacity` shards; may be NULL if `capacity` is 0. Several may lie in
///                  one group. The `shard_id` of a shard that Fabric does not list, but whose group
///                  it told, is 0.
/// @param capacity  How many fit.
/// @param count     Where the number of shards goes, also with FABRIC_ERR_BUFFER_TOO_SMALL; 0 is
///                  possible.
/// @param err       Where details of a failure go; may be NULL.
/// @retval FABRIC_OK
/// @retval FABRIC_ERR_BUFFER_TOO_SMALL   Nothing was written but `*count`; call again.
/// @retval FABRIC_ERR_KEY_TYPE, FABRIC_ERR_KEY_OUT_OF_RANGE
///                                       As for fabric_get_shard_server(), but a key below the
///                                       lowest bound is none of them.
/// @retval FABRIC_ERR_SHARD_UNAVAILABLE  Fabric stopped listing one of the shards; try again later.
/// @retval FABRIC_ERR_UNKNOWN_TABLE, FABRIC_ERR_UNSUPPORTED_SHARDING
/// @retval FABRIC_ERR_TABLE_NAME, FABRIC_ERR_INVALID_UTF8, FABRIC_ERR_NULL_POINTER,
///         FABRIC_ERR_ARGUMENT
/// @retval FABRIC_ERR_PROTOCOL, FABRIC_ERR_FILE, FABRIC_ERR_MYSQL
///                                       As for fabric_get_shards().
/// @retval other                         The table could not be fetched, as for
///                                       fabric_get_shard_server().
///
/// Blocks as fabric_get_shard_server() does. Any thread.
///
/// @since 0.1.0
#[must_use]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn fabric_get_shards_in_range(
    f: *const fabric_t,
    table: *const c_char,
    low: *const fabric_key_t,
    high: *const fabric_key_t,
    out: *mut fabric_shard_t,
    capacity: usize,
    count: *mut usize,
    err: *mut fabric_error_t,
) -> i32 {
    boundary("fabric_get_shards_in_range", err, || {
        // SAFETY: `f` is NULL or a handle that is not freed; `table` is NULL or NUL-terminated;
        // `low` and `high` are NULL or keys with their texts; `out` is NULL or has room for `capacity` elements, and `count` is NULL or writable.
        let (f, name, low, high, list) = unsafe {
            (
                reference(f, "f")?,
                text(table, "table")?,
                arg::key(low)?,
                arg::key(high)?,
                OutList::new(out, capacity, count)?,
            )
        };
        let shards = f.router.shards_in_range(name, low, high, shown_shard);
        list.set(shards?)
    })
}
