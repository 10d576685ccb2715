//! What the handle has fetched: prefetch it, forget it, ask how old it is.

use std::ffi::c_char;

use super::boundary::{boundary, boundary_value};
use super::error::fabric_error_t;
use super::handle::fabric_t;
use super::options::absolute;
use super::ptr::{FETCHED, each, optional_text, path as path_of, reference, strings, text};

/// Fetches the shard maps of tables, and the groups they need, before they are looked up.
///
/// @param f       The handle.
/// @param tables  `n` names of the form `db.table`, each UTF-8 and NUL-terminated.
/// @param n       The number of tables, 65536 at most; 0 fetches the whole farm.
/// @param err     Where details of a failure go; may be NULL.
/// @retval FABRIC_OK
/// @retval FABRIC_ERR_UNKNOWN_TABLE, FABRIC_ERR_UNSUPPORTED_SHARDING
///         Said of the first such table; the others were fetched.
/// @retval FABRIC_ERR_TABLE_NAME, FABRIC_ERR_INVALID_UTF8, FABRIC_ERR_NULL_POINTER,
///         FABRIC_ERR_ARGUMENT
/// @retval other  Fabric could not be asked, as for fabric_seed().
///
/// Blocks, as fabric_seed() does. Any thread.
///
/// @since 0.1.0
#[must_use]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn fabric_get_sharding_information(
    f: *const fabric_t,
    tables: *const *const c_char,
    n: usize,
    err: *mut fabric_error_t,
) -> i32 {
    boundary("fabric_get_sharding_information", err, || {
        let limit = (FETCHED, "check the count, or name none (n = 0) to fetch the whole farm");
        // SAFETY: `f` is NULL or a handle that is not freed; `tables` is NULL or has `n` elements.
        let (f, tables) = unsafe { (reference(f, "f")?, strings(tables, n, "tables", limit)?) };
        // SAFETY: each of `tables` is NULL or NUL-terminated.
        f.router.prefetch(&unsafe { each(tables, "tables", text) }?)
    })
}

/// Makes the next lookup of a group, or of anything, ask Fabric before it answers.
///
/// The old answer is not thrown away: it serves on if Fabric cannot be reached.
///
/// @param f      The handle.
/// @param group  A group's name, UTF-8, NUL-terminated; NULL for everything. A group that was
///               never looked up is asked for anyway, so an unknown one is no error.
/// @param err    Where details of a failure go; may be NULL.
/// @retval FABRIC_OK, FABRIC_ERR_NULL_POINTER, FABRIC_ERR_INVALID_UTF8
///
/// Never blocks. Any thread.
///
/// @since 0.1.0
#[unsafe(no_mangle)]
pub unsafe extern "C" fn fabric_reset_cache(
    f: *const fabric_t,
    group: *const c_char,
    err: *mut fabric_error_t,
) -> i32 {
    boundary("fabric_reset_cache", err, || {
        // SAFETY: `f` is NULL or a handle that is not freed; `group` is NULL or NUL-terminated.
        let (f, group) = unsafe { (reference(f, "f")?, optional_text(group, "group")?) };
        f.router.reset_cache(group);
        Ok(())
    })
}

/// Writes what the handle knows to a file: a topology file (docs/TOPOLOGY_FILE.md), with which
/// fabric_options_set_topology_file() makes a handle that asks nobody.
///
/// From memory: fabric_seed() has all of the farm fetched first. Servers are written as they are now,
/// also those of groups that are asked themselves; a group of which none is known at the moment is written
/// without servers, and so its keys have none in the file. The file is replaced as a whole, or stays as it was,
/// behind symbolic links; a new one is for the owner's eyes only, another one keeps its mode and,
/// where the process may give files away, its owner and group. It has no password.
///
/// @param f     The handle.
/// @param path  Where the file goes, UTF-8, NUL-terminated.
/// @param err   Where details of a failure go; may be NULL.
/// @retval FABRIC_OK
/// @retval FABRIC_ERR_NOT_SEEDED  Nothing of the farm is known yet.
/// @retval FABRIC_ERR_FILE        The file cannot be written, or is no regular file; the message says which.
/// @retval FABRIC_ERR_ARGUMENT    The path is empty or too long, or is a file of the handle's own: its
///                                snapshot file, or the topology file that it reads.
/// @retval FABRIC_ERR_NULL_POINTER, FABRIC_ERR_INVALID_UTF8
///
/// Never waits for the network, but for the disk. Any thread.
///
/// @since 0.1.0
#[must_use]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn fabric_dump(
    f: *const fabric_t,
    path: *const c_char,
    err: *mut fabric_error_t,
) -> i32 {
    boundary("fabric_dump", err, || {
        // SAFETY: `f` is NULL or a handle that is not freed; `path` is NULL or NUL-terminated.
        let (f, path) = unsafe { (reference(f, "f")?, path_of(path, "path")?) };
        f.router.dump(&absolute(path))
    })
}

/// The number of the topology in use. It counts changes of the farm: it grows by one with each
/// fetch that found a table, a shard map, a group or a server to be new, gone or another than the
/// handle knew. Nothing else makes it grow: not what was found unchanged, not the names that Fabric
/// does not list, and not what is told with fabric_report_result(), which lookups follow under the
/// same number. Equal numbers mean the same shard maps and the same servers.
///
/// @param f  The handle; NULL gives 0.
/// @return 0 before the first fetch.
///
/// Never blocks. Any thread.
///
/// @since 0.1.0
#[unsafe(no_mangle)]
pub unsafe extern "C" fn fabric_topology_generation(f: *const fabric_t) -> u64 {
    boundary_value(0, || {
        // SAFETY: `f` is NULL or a handle that is not freed.
        unsafe { reference(f, "f") }.map_or(0, |f| f.router.generation())
    })
}

/// How old the oldest part of what lookups are answered from is: the shard map or the group that
/// Fabric confirmed longest ago.
///
/// Each table and each group has an age of its own. It is confirmed by an answer of Fabric's about
/// it, the same as before or not, and its age counts from the question. All count that the handle knows and
/// Fabric lists, whether they are looked up or not; a table that Fabric does not list, and a group
/// of which it lists no server, do not. What came from a snapshot file is as old as the file says until
/// Fabric has confirmed it, and a topology file confirms all it says whenever it is looked at.
///
/// When it grows beyond the time to live, some lookups are being answered from what is old: because
/// Fabric cannot be reached, because it cannot read the rows of one table (the log names it), or,
/// without a background refresh, because something was not looked up meanwhile.
///
/// @param f  The handle; NULL gives -1.
/// @return Milliseconds; while Fabric lists nothing, since it last answered. -1 if Fabric never
///         answered, or if something is from a snapshot file that is dated in the future, whose age
///         nobody knows.
///
/// Never blocks, but looks at every table and group: of 100,000 some milliseconds. Any thread.
///
/// @since 0.1.0
#[unsafe(no_mangle)]
pub unsafe extern "C" fn fabric_topology_age(f: *const fabric_t) -> i64 {
    boundary_value(-1, || {
        // SAFETY: `f` is NULL or a handle that is not freed.
        let age = unsafe { reference(f, "f") }.ok().and_then(|f| f.router.age());
        age.map_or(-1, |age| i64::try_from(age).unwrap_or(i64::MAX))
    })
}
