//! The main calls: which server holds this table and key.

use std::ffi::c_char;

use crate::base::error::Result;
use crate::router::Router;
use crate::router::resolve::{Freshness, LookupView, Query, Seen, ShardKey, Target};
use crate::thread_cache::ThreadCache;
use crate::topology::Key;

use super::arg;
use super::boundary::{Uncached, boundary, cached_boundary};
use super::error::fabric_error_t;
use super::handle::fabric_t;
use super::key::fabric_key_t;
use super::options::time;
use super::ptr::{self, Out, OutList, Parsed, name, reference, unchecked_name};
use super::server::{fabric_server_t, write_server};

/// Which server holds these tables and this key?
///
/// The shard is the one the Fabric server itself would name: the greatest lower bound that is
/// not above the key. RANGE types have no shard below the lowest bound; HASH is a ring, where a
/// digest below every bound belongs to the highest one.
///
/// Writes (@ref FABRIC_MODE_WRITEONLY, @ref FABRIC_MODE_READWRITE) go to the group's primary.
/// Reads (@ref FABRIC_MODE_READONLY) and @ref FABRIC_MODE_NONE go to the secondaries by weight, those
/// of the service's own zone first (fabric_options_set_zone()), and to the primary where there is none;
/// or as fabric_options_set_read_preference() has it. A server whose own mode forbids it is not chosen.
///
/// @param f       The handle.
/// @param tables  `n` names of the form `db.table`, each UTF-8 and NUL-terminated, spelled as in
///                Fabric. All must lie in one group for this key.
/// @param n       The number of tables, 1 to 1024.
/// @param key     The sharding key; may be NULL with @ref FABRIC_SCOPE_GLOBAL.
/// @param scope   @ref FABRIC_SCOPE_LOCAL or @ref FABRIC_SCOPE_GLOBAL. Their numbers are none of a
///                mode or a status, so that one in the place of the other is refused; modes and
///                statuses share Fabric's numbers, and cannot be told apart.
/// @param mode    One of FABRIC_MODE_NONE, _READONLY, _WRITEONLY, _READWRITE.
/// @param server  Where the server goes; left alone on failure.
/// @param err     Where details of a failure go; may be NULL.
/// @retval FABRIC_OK
/// @retval FABRIC_ERR_UNKNOWN_TABLE, FABRIC_ERR_UNSUPPORTED_SHARDING
/// @retval FABRIC_ERR_KEY_MISSING, FABRIC_ERR_KEY_TYPE, FABRIC_ERR_KEY_OUT_OF_RANGE
/// @retval FABRIC_ERR_DIFFERENT_SHARDS  Look the tables up one by one.
/// @retval FABRIC_ERR_NO_SERVER         No server of the group serves this mode now; try again.
/// @retval FABRIC_ERR_WRITE_HELD        The group's primary refused a write; see
///                                      fabric_report_result(). Or the shard is READ_ONLY in its map.
/// @retval FABRIC_ERR_SHARD_UNAVAILABLE Fabric stopped listing the key's shard; see
///                                      fabric_options_set_vanished_hold_ms().
/// @retval FABRIC_ERR_STALE             See fabric_options_set_max_stale_ms().
/// @retval FABRIC_ERR_WOULD_BLOCK       The tables are not known, and the lookup timeout is 0, or
///                                      the call is made in a callback. They are being fetched.
/// @retval FABRIC_ERR_INTERRUPTED       See fabric_interrupt().
/// @retval FABRIC_ERR_TABLE_NAME, FABRIC_ERR_INVALID_UTF8, FABRIC_ERR_NULL_POINTER,
///         FABRIC_ERR_ARGUMENT
/// @retval FABRIC_ERR_NOT_SEEDED, FABRIC_ERR_UNREACHABLE, FABRIC_ERR_TIMEOUT, FABRIC_ERR_AUTH,
///         FABRIC_ERR_FORBIDDEN, FABRIC_ERR_TLS, FABRIC_ERR_PROTOCOL,
///         FABRIC_ERR_REPLY_TOO_LARGE, FABRIC_ERR_FABRIC, FABRIC_ERR_FILE, FABRIC_ERR_MYSQL,
///         FABRIC_ERR_SYSTEM
///         The tables had to be fetched first, and could not be; FABRIC_ERR_FILE from a topology
///         file, FABRIC_ERR_SYSTEM where the system has no thread, descriptor or random number left. FABRIC_ERR_TIMEOUT also when the
///         lookup timeout is over; the fetch goes on then. FABRIC_ERR_PROTOCOL is also for a name
///         that is longer than Fabric's schema allows.
///
/// Does not block, allocate, or make a system call when the tables are known and fresh. When they
/// are not known yet it waits for a thread of the library to fetch them, for the lookup timeout at
/// most (fabric_options_set_lookup_timeout_ms(), 5 s unless set), whatever Fabric does; so it does
/// when nobody has asked for them for two times to live. When they are known and past their time to
/// live they serve while they are fetched. A table that a farm which was loaded whole
/// (fabric_seed()) does not have is refused at once, and looked for meanwhile. Any thread.
///
/// The thread needs 64 KiB of stack, as for any other call of the library; but 256 KiB where the
/// system may have no thread left for it, since the call then fetches itself. pthread_cancel() does not
/// end it inside a call, but at its first cancellation point afterwards, if its cancellation is
/// deferred, as it is by default: a thread whose cancellation is asynchronous may call no library,
/// this one neither. fabric_interrupt() ends the call.
///
/// @since 0.1.0
#[must_use]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn fabric_get_shard_server(
    f: *const fabric_t,
    tables: *const *const c_char,
    n: usize,
    key: *const fabric_key_t,
    scope: i32,
    mode: i32,
    server: *mut fabric_server_t,
    err: *mut fabric_error_t,
) -> i32 {
    let call = ShardCall { f, tables, n, key, scope, mode, server };
    // SAFETY: the pointers in `call` are fabric_get_shard_server()'s own, and valid until it
    // returns.
    let cached = |cache: &ThreadCache, call: &ShardCall, seen: &mut Option<Seen>| unsafe {
        cached_shard_server(cache, call, seen)
    };
    // SAFETY: the pointers in `call` are fabric_get_shard_server()'s own, and valid until it
    // returns.
    let lookup =
        |cache: &ThreadCache, call: &ShardCall, seen| unsafe { shard_server(cache, call, seen) };
    cached_boundary("fabric_get_shard_server", err, &call, cached, lookup)
}

/// The arguments of fabric_get_shard_server().
#[derive(Clone, Copy)]
struct ShardCall {
    f: *const fabric_t,
    tables: *const *const c_char,
    n: usize,
    key: *const fabric_key_t,
    scope: i32,
    mode: i32,
    server: *mut fabric_server_t,
}

/// # Safety
/// As for fabric_get_shard_server().
#[inline(always)]
unsafe fn cached_shard_server(
    cache: &ThreadCache,
    call: &ShardCall,
    seen: &mut Option<Seen>,
) -> std::result::Result<(), Uncached> {
    // SAFETY: `call.key` is NULL or a key whose text is valid until the call returns.
    match unsafe { arg::integer(call.key, call.scope) } {
        Some(key) => {
            let key = || Ok(ShardKey::Key(Key::Integer(key)));
            // SAFETY: the pointers in `call` are fabric_get_shard_server()'s own, and valid until
            // it returns.
            unsafe { cached_server_of_table(cache, call, key, seen) }
        }
        None => {
            // SAFETY: `call.key` is NULL or a key whose text is valid until the call returns.
            let key = || unsafe { arg::shard_key(call.key, call.scope) };
            // SAFETY: the pointers in `call` are fabric_get_shard_server()'s own, and valid until
            // it returns.
            unsafe { cached_server_of_table(cache, call, key, seen) }
        }
    }
}

/// # Safety
/// As for fabric_get_shard_server().
#[inline(always)]
unsafe fn cached_server_of_table<'k>(
    cache: &ThreadCache,
    call: &ShardCall,
    key: impl FnOnce() -> Parsed<ShardKey<'k>>,
    seen: &mut Option<Seen>,
) -> std::result::Result<(), Uncached> {
    // Hardly anybody joins.
    if call.n != 1 {
        return Err(Uncached);
    }
    // SAFETY: `call.f` is NULL or a handle that is not freed; `call.tables` is NULL or has `n`
    // elements, which is one.
    let (f, table) = unsafe { (reference(call.f, "f")?, reference(call.tables, "tables")?) };
    let key = key()?;
    // SAFETY: `call.server` is NULL or writable; `table` is NULL or NUL-terminated, until the call
    // returns.
    let (out, table) =
        unsafe { (Out::new(call.server, "server")?, unchecked_name(*table, "tables[0]")?) };
    let query = Query { target: Target::Table(table, key), wanted: arg::wanted(call.mode)? };
    cached_server(&f.router, cache, query, out, seen)
}

/// The server for a query, if the thread has the newest snapshot cached and all is known there.
#[inline(always)]
fn cached_server(
    router: &Router,
    cache: &ThreadCache,
    query: Query<'_>,
    out: Out<fabric_server_t>,
    seen: &mut Option<Seen>,
) -> std::result::Result<(), Uncached> {
    match router.cached(cache) {
        Some(snapshot) => resolve_cached(router, cache, snapshot.view(), &query, out, seen),
        None => cached_server_in_time(router, cache, query, out, seen),
    }
}

/// As [`cached_server`], where only what is in time is to be used.
#[cold]
#[inline(never)]
pub(super) fn cached_server_in_time(
    router: &Router,
    cache: &ThreadCache,
    query: Query<'_>,
    out: Out<fabric_server_t>,
    seen: &mut Option<Seen>,
) -> std::result::Result<(), Uncached> {
    let Some(snapshot) = router.cached_in_time(cache) else { return Err(Uncached) };
    resolve_cached(router, cache, snapshot.view(), &query, out, seen)
}

#[inline(always)]
pub(super) fn resolve_cached<F: Freshness>(
    router: &Router,
    cache: &ThreadCache,
    view: LookupView<'_, F>,
    query: &Query<'_>,
    out: Out<fabric_server_t>,
    seen: &mut Option<Seen>,
) -> std::result::Result<(), Uncached> {
    match view.resolve(query, &cache.cursors) {
        Ok(chosen) => {
            write_server(out, chosen)?;
            router.count(cache);
            Ok(())
        }
        Err(miss) => {
            *seen = router.seen(cache, miss);
            Err(Uncached)
        }
    }
}

/// # Safety
/// As for fabric_get_shard_server().
unsafe fn shard_server(cache: &ThreadCache, call: &ShardCall, seen: Option<Seen>) -> Result<()> {
    // SAFETY: `call.f` is NULL or a handle that is not freed; `call.tables` is NULL or has
    // `call.n` elements; `call.key` is NULL or a key with its text; `call.server` is NULL or
    // writable.
    let (f, tables, key, out) = unsafe {
        (
            reference(call.f, "f")?,
            ptr::tables(call.tables, call.n)?,
            arg::key(call.key)?,
            Out::new(call.server, "server")?,
        )
    };
    let (key, wanted) = (arg::scope(call.scope)?.shard_key(key), arg::wanted(call.mode)?);
    let find = |names: &[&[u8]]| {
        let query = Query { target: Target::tables(names, key), wanted };
        f.router.server(cache, &query, seen, |chosen| Ok(write_server(out, chosen)?))
    };
    // SAFETY: each of `tables` is NULL or NUL-terminated, and stays so until the call returns.
    unsafe { ptr::with_names(tables, find) }
}

/// The end of the calls that wait.
pub(super) fn wait_for_server(
    router: &Router,
    query: &Query<'_>,
    deadline: i64,
    out: Out<fabric_server_t>,
) -> Result<()> {
    let most = time("a deadline", deadline, 0)?;
    out.set(router.server_wait(query, most, fabric_server_t::of)?);
    Ok(())
}

/// Which server of this group serves this mode or status?
///
/// @param f       The handle.
/// @param group   The group's name, UTF-8, NUL-terminated, spelled as in Fabric.
/// @param mode    As for fabric_get_shard_server(); @ref FABRIC_MODE_NONE with a status. Neither is
///                as @ref FABRIC_MODE_NONE there: a read.
/// @param status  @ref FABRIC_STATUS_NONE with a mode, @ref FABRIC_STATUS_PRIMARY for the
///                primary, @ref FABRIC_STATUS_SECONDARY for a read: a secondary, or the primary where
///                there is none, or as fabric_options_set_read_preference() has it, which may be the
///                primary. Others never serve: FABRIC_ERR_NO_SERVER.
/// @param server  Where the server goes; left alone on failure.
/// @param err     Where details of a failure go; may be NULL.
/// @retval FABRIC_OK
/// @retval FABRIC_ERR_UNKNOWN_GROUP  Fabric lists no server of this group.
/// @retval FABRIC_ERR_NO_SERVER      No server of the group serves this now; try again.
/// @retval FABRIC_ERR_WRITE_HELD, FABRIC_ERR_STALE  As for fabric_get_shard_server().
/// @retval FABRIC_ERR_ARGUMENT       Mode and status are both given, or outside their range, or
///                                   the name is empty.
/// @retval FABRIC_ERR_NULL_POINTER, FABRIC_ERR_INVALID_UTF8
/// @retval other                     The group had to be fetched first, as for
///                                   fabric_get_shard_server(), and could not be.
///
/// Blocks as fabric_get_shard_server() does. Any thread.
///
/// @since 0.1.0
#[must_use]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn fabric_get_group_server(
    f: *const fabric_t,
    group: *const c_char,
    mode: i32,
    status: i32,
    server: *mut fabric_server_t,
    err: *mut fabric_error_t,
) -> i32 {
    let call = GroupCall { f, group, mode, status, server };
    // SAFETY: the pointers in `call` are fabric_get_group_server()'s own, and valid until it
    // returns.
    let cached = |cache: &ThreadCache, call: &GroupCall, seen: &mut Option<Seen>| unsafe {
        cached_group_server(cache, call, seen)
    };
    // SAFETY: the pointers in `call` are fabric_get_group_server()'s own, and valid until it
    // returns.
    let lookup =
        |cache: &ThreadCache, call: &GroupCall, seen| unsafe { group_server(cache, call, seen) };
    cached_boundary("fabric_get_group_server", err, &call, cached, lookup)
}

/// The arguments of fabric_get_group_server().
#[derive(Clone, Copy)]
struct GroupCall {
    f: *const fabric_t,
    group: *const c_char,
    mode: i32,
    status: i32,
    server: *mut fabric_server_t,
}

/// # Safety
/// As for fabric_get_group_server().
#[inline(always)]
unsafe fn cached_group_server(
    cache: &ThreadCache,
    call: &GroupCall,
    seen: &mut Option<Seen>,
) -> std::result::Result<(), Uncached> {
    // SAFETY: `call.f` is NULL or a handle that is not freed; `call.group` is NULL or
    // NUL-terminated; `call.server` is NULL or writable.
    let (f, group, out) = unsafe {
        (
            reference(call.f, "f")?,
            unchecked_name(call.group, "group")?,
            Out::new(call.server, "server")?,
        )
    };
    let wanted = arg::wanted_of_group(call.mode, call.status)?;
    cached_server(&f.router, cache, Query { target: Target::Group(group), wanted }, out, seen)
}

/// # Safety
/// As for fabric_get_group_server().
unsafe fn group_server(cache: &ThreadCache, call: &GroupCall, seen: Option<Seen>) -> Result<()> {
    // SAFETY: `call.f` is NULL or a handle that is not freed; `call.group` is NULL or
    // NUL-terminated; `call.server` is NULL or writable.
    let (f, group, out) = unsafe {
        (reference(call.f, "f")?, name(call.group, "group")?, Out::new(call.server, "server")?)
    };
    let wanted = arg::wanted_of_group(call.mode, call.status)?;
    let query = Query { target: Target::Group(group.as_bytes()), wanted };
    f.router.server(cache, &query, seen, |chosen| Ok(write_server(out, chosen)?))
}

/// As fabric_get_shard_server(), but waits for a server instead of refusing: after
/// fabric_report_result() told of a failure, it returns as soon as there is a server that has not
/// failed, such as a newer primary. A server that has failed and may be tried by now (see
/// fabric_options_set_quarantine_ms()) goes to one of those who wait; the others wait on. Tell
/// fabric_report_result() what became of it, 0 or an errno, and they get it, or another one.
///
/// @param f         The handle.
/// @param tables    As for fabric_get_shard_server().
/// @param n         As for fabric_get_shard_server().
/// @param key       As for fabric_get_shard_server().
/// @param scope     As for fabric_get_shard_server().
/// @param mode      As for fabric_get_shard_server().
/// @param deadline  How long to wait at most, in milliseconds, 0 to @ref FABRIC_MAX_TIME_MS. 0 answers
///                  from what is known, or @ref FABRIC_ERR_WOULD_BLOCK, and never waits.
/// @param server    Where the server goes; left alone on failure.
/// @param err       Where details of a failure go; may be NULL.
/// @retval FABRIC_OK
/// @retval FABRIC_ERR_NO_SERVER, FABRIC_ERR_WRITE_HELD, FABRIC_ERR_SHARD_UNAVAILABLE,
///         FABRIC_ERR_STALE, FABRIC_ERR_TIMEOUT, FABRIC_ERR_UNREACHABLE, FABRIC_ERR_PROTOCOL,
///         FABRIC_ERR_SYSTEM
///         The deadline passed; what was waited for says the message.
/// @retval FABRIC_ERR_WOULD_BLOCK  The deadline is 0, or this is a callback, and the tables are not
///                                 known; they are being fetched. Where the system has no thread left
///                                 to fetch them it is FABRIC_ERR_SYSTEM, here and in any call that
///                                 may not wait.
/// @retval FABRIC_ERR_INTERRUPTED  See fabric_interrupt().
/// @retval other  As for fabric_get_shard_server(), at once: what time does not heal is not
///                waited for.
///
/// Blocks for the deadline at most, also for a table that is not known yet. Fabric is asked every
/// 100 ms meanwhile, however many callers of the handle wait. Any thread.
///
/// @since 0.1.0
#[must_use]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn fabric_get_shard_server_wait(
    f: *const fabric_t,
    tables: *const *const c_char,
    n: usize,
    key: *const fabric_key_t,
    scope: i32,
    mode: i32,
    deadline: i64,
    server: *mut fabric_server_t,
    err: *mut fabric_error_t,
) -> i32 {
    boundary("fabric_get_shard_server_wait", err, || {
        // SAFETY: `f` is NULL or a handle that is not freed; `tables` is NULL or has `n` elements;
        // `key` is NULL or a key with its text; `server` is NULL or writable.
        let (f, tables, key, out) = unsafe {
            (
                reference(f, "f")?,
                ptr::tables(tables, n)?,
                arg::key(key)?,
                Out::new(server, "server")?,
            )
        };
        let find = |names: &[&[u8]]| {
            let (key, wanted) = (arg::scope(scope)?.shard_key(key), arg::wanted(mode)?);
            let query = Query { target: Target::tables(names, key), wanted };
            wait_for_server(&f.router, &query, deadline, out)
        };
        // SAFETY: each of `tables` is NULL or NUL-terminated, and stays so until the call returns.
        unsafe { ptr::with_names(tables, find) }
    })
}

/// As fabric_get_group_server(), but waits for a server instead of refusing, as
/// fabric_get_shard_server_wait() does.
///
/// @param f         The handle.
/// @param group     As for fabric_get_group_server().
/// @param mode      As for fabric_get_group_server().
/// @param status    As for fabric_get_group_server().
/// @param deadline  As for fabric_get_shard_server_wait().
/// @param server    Where the server goes; left alone on failure.
/// @param err       Where details of a failure go; may be NULL.
/// @retval FABRIC_OK
/// @retval FABRIC_ERR_UNKNOWN_GROUP  The deadline passed, and Fabric lists no server of the group.
/// @retval other  As for fabric_get_shard_server_wait().
///
/// Blocks as fabric_get_shard_server_wait() does. Any thread.
///
/// @since 0.1.0
#[must_use]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn fabric_get_group_server_wait(
    f: *const fabric_t,
    group: *const c_char,
    mode: i32,
    status: i32,
    deadline: i64,
    server: *mut fabric_server_t,
    err: *mut fabric_error_t,
) -> i32 {
    boundary("fabric_get_group_server_wait", err, || {
        // SAFETY: `f` is NULL or a handle that is not freed; `group` is NULL or NUL-terminated;
        // `server` is NULL or writable.
        let (f, group, out) =
            unsafe { (reference(f, "f")?, name(group, "group")?, Out::new(server, "server")?) };
        let wanted = arg::wanted_of_group(mode, status)?;
        let query = Query { target: Target::Group(group.as_bytes()), wanted };
        wait_for_server(&f.router, &query, deadline, out)
    })
}

/// All servers of a group, in Fabric's order, those that never serve among them.
///
/// @param f          The handle.
/// @param group      The group's name, UTF-8, NUL-terminated, spelled as in Fabric.
/// @param use_cache  Not 0: what is known and fresh will do. 0: Fabric is asked now.
/// @param out        Room for `capacity` servers; may be NULL if `capacity` is 0.
/// @param capacity   How many fit.
/// @param count      Where the number of servers goes, also with FABRIC_ERR_BUFFER_TOO_SMALL.
/// @param err        Where details of a failure go; may be NULL.
/// @retval FABRIC_OK
/// @retval FABRIC_ERR_BUFFER_TOO_SMALL  Nothing was written but `*count`; call again.
/// @retval FABRIC_ERR_UNKNOWN_GROUP     Fabric lists no server of this group.
/// @retval FABRIC_ERR_NO_SERVER         The group is there and none of its servers is to be used now,
///                                      as without a majority; the message says why.
/// @retval FABRIC_ERR_ARGUMENT, FABRIC_ERR_NULL_POINTER, FABRIC_ERR_INVALID_UTF8
/// @retval other                        The group could not be fetched, as for
///                                      fabric_get_shard_server().
///
/// Blocks as fabric_get_shard_server() does, with `use_cache` 0 always. Any thread.
///
/// @since 0.1.0
#[must_use]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn fabric_get_group_servers(
    f: *const fabric_t,
    group: *const c_char,
    use_cache: i32,
    out: *mut fabric_server_t,
    capacity: usize,
    count: *mut usize,
    err: *mut fabric_error_t,
) -> i32 {
    boundary("fabric_get_group_servers", err, || {
        // SAFETY: `f` is NULL or a handle that is not freed; `group` is NULL or NUL-terminated;
        // `out` is NULL or has room for `capacity` elements, and `count` is NULL or writable.
        let (f, group, list) = unsafe {
            (reference(f, "f")?, name(group, "group")?, OutList::new(out, capacity, count)?)
        };
        let servers = f.router.group_servers(group, use_cache != 0, |group, servers| {
            servers.iter().map(|server| fabric_server_t::of(group, server)).collect()
        })?;
        list.set(servers)
    })
}
