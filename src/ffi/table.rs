//! Tables that are looked up often.

use std::ffi::c_char;
use std::sync::Arc;

use crate::base::error::{Code, Error, Result};
use crate::router::Router;
use crate::router::prepared::PreparedTables;
use crate::router::resolve::{Query, Seen, ShardKey, Target};
use crate::thread_cache::ThreadCache;
use crate::topology::Key;

use super::arg;
use super::boundary::{Uncached, boundary, boundary_value, cached_boundary};
use super::error::fabric_error_t;
use super::handle::fabric_t;
use super::key::fabric_key_t;
use super::lookup::{cached_server_in_time, resolve_cached, wait_for_server};
use super::owned::{Object, Owned};
use super::ptr::{self, Out, Parsed, each, reference, text};
use super::server::{fabric_server_t, write_server};

/// One table, or several that are joined, of a handle. Made by fabric_table_open(), freed by
/// fabric_table_free().
///
/// It follows the handle: every refresh, a fork, and the handle's options count for it, too. It
/// may be used by any number of threads at once.
///
/// @since 0.1.0
pub struct fabric_table_t {
    pub(super) router: Arc<Router>,
    pub(super) tables: PreparedTables,
}

impl Object for fabric_table_t {}

/// Opens tables for many lookups. What fabric_get_shard_server() finds out about their names in
/// every call is found out once per refresh.
///
/// @param f       The handle. It may be freed first; the tables then go on from the topology that
///                was known last, which nobody refreshes.
/// @param tables  `n` names of the form `db.table`, each UTF-8 and NUL-terminated; copied.
/// @param n       The number of tables, 1 to 1024.
/// @param out     Where the tables go, to be freed with fabric_table_free().
/// @param err     Where details of a failure go; may be NULL.
/// @retval FABRIC_OK
/// @retval FABRIC_ERR_UNKNOWN_TABLE, FABRIC_ERR_UNSUPPORTED_SHARDING
/// @retval FABRIC_ERR_TABLE_NAME, FABRIC_ERR_INVALID_UTF8, FABRIC_ERR_NULL_POINTER,
///         FABRIC_ERR_ARGUMENT
/// @retval other  The tables had to be fetched first, and could not be, as for
///                fabric_get_shard_server().
///
/// Blocks as fabric_get_shard_server() does when the tables are not known yet. Any thread.
///
/// @since 0.1.0
#[must_use]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn fabric_table_open(
    f: *const fabric_t,
    tables: *const *const c_char,
    n: usize,
    out: *mut *mut fabric_table_t,
    err: *mut fabric_error_t,
) -> i32 {
    boundary("fabric_table_open", err, || {
        // SAFETY: `f` is NULL or a handle that is not freed; `tables` is NULL or has `n` elements;
        // `out` is NULL or writable.
        let (f, tables, out) =
            unsafe { (reference(f, "f")?, ptr::tables(tables, n)?, Out::new(out, "out")?) };
        if tables.is_empty() {
            return Err(Error::new(Code::Argument, "no table is named; name at least one"));
        }
        // SAFETY: each of `tables` is NULL or NUL-terminated.
        let tables = f.router.open(&unsafe { each(tables, "tables", text) }?)?;
        let router = Arc::clone(&f.router);
        out.set(Owned::new(fabric_table_t { router, tables }).into_c());
        Ok(())
    })
}

/// Which server holds the tables' rows of this key? As fabric_get_shard_server(), in everything.
///
/// @param t       The tables.
/// @param key     As for fabric_get_shard_server().
/// @param scope   As for fabric_get_shard_server().
/// @param mode    As for fabric_get_shard_server().
/// @param server  Where the server goes; left alone on failure.
/// @param err     Where details of a failure go; may be NULL.
/// @retval FABRIC_OK
/// @retval other  As for fabric_get_shard_server(). FABRIC_ERR_UNKNOWN_TABLE: Fabric has stopped
///                listing a table.
///
/// Blocks as fabric_get_shard_server() does. Any thread.
///
/// @since 0.1.0
#[must_use]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn fabric_table_get_server(
    t: *const fabric_table_t,
    key: *const fabric_key_t,
    scope: i32,
    mode: i32,
    server: *mut fabric_server_t,
    err: *mut fabric_error_t,
) -> i32 {
    let call = TableCall { t, key, scope, mode, server };
    // SAFETY: the pointers in `call` are fabric_table_get_server()'s own, and valid until it
    // returns.
    let cached = |cache: &ThreadCache, call: &TableCall, seen: &mut Option<Seen>| unsafe {
        cached_table_server(cache, call, seen)
    };
    // SAFETY: the pointers in `call` are fabric_table_get_server()'s own, and valid until it
    // returns.
    let lookup =
        |cache: &ThreadCache, call: &TableCall, seen| unsafe { table_server(cache, call, seen) };
    cached_boundary("fabric_table_get_server", err, &call, cached, lookup)
}

/// The arguments of fabric_table_get_server().
#[derive(Clone, Copy)]
struct TableCall {
    t: *const fabric_table_t,
    key: *const fabric_key_t,
    scope: i32,
    mode: i32,
    server: *mut fabric_server_t,
}

/// # Safety
/// As for fabric_table_get_server().
#[inline(always)]
unsafe fn cached_table_server(
    cache: &ThreadCache,
    call: &TableCall,
    seen: &mut Option<Seen>,
) -> std::result::Result<(), Uncached> {
    // SAFETY: `call.key` is NULL or a key whose text is valid until the call returns.
    match unsafe { arg::integer(call.key, call.scope) } {
        Some(key) => {
            let key = || Ok(ShardKey::Key(Key::Integer(key)));
            // SAFETY: the pointers in `call` are fabric_table_get_server()'s own, and valid until
            // it returns.
            unsafe { cached_server_of_tables(cache, call, key, seen) }
        }
        None => {
            // SAFETY: `call.key` is NULL or a key whose text is valid until the call returns.
            let key = || unsafe { arg::shard_key(call.key, call.scope) };
            // SAFETY: the pointers in `call` are fabric_table_get_server()'s own, and valid until
            // it returns.
            unsafe { cached_server_of_tables(cache, call, key, seen) }
        }
    }
}

/// # Safety
/// As for fabric_table_get_server().
#[inline(always)]
unsafe fn cached_server_of_tables<'k>(
    cache: &ThreadCache,
    call: &TableCall,
    key: impl FnOnce() -> Parsed<ShardKey<'k>>,
    seen: &mut Option<Seen>,
) -> std::result::Result<(), Uncached> {
    // SAFETY: `call.t` is NULL or an opened table that is not freed.
    let t = unsafe { reference(call.t, "t") }?;
    // Hardly anybody joins.
    let Some(table) = t.tables.only() else { return Err(Uncached) };
    let Some(snapshot) = t.router.cached(cache) else {
        // SAFETY: the pointers in `call` are fabric_table_get_server()'s own, and valid until it
        // returns.
        return unsafe { table_server_in_time(cache, call, seen) };
    };
    let key = key()?;
    // SAFETY: `call.server` is NULL or writable.
    let out = unsafe { Out::new(call.server, "server") }?;
    let query = Query { target: Target::Prepared(table, key), wanted: arg::wanted(call.mode)? };
    resolve_cached(&t.router, cache, snapshot.view(), &query, out, seen)
}

/// As [`cached_server_in_time`]. It reads the arguments by itself: a query that is handed over is written
/// to memory by every call, which costs 10 instructions of 238.
///
/// # Safety
/// As for fabric_table_get_server().
#[cold]
#[inline(never)]
unsafe fn table_server_in_time(
    cache: &ThreadCache,
    call: &TableCall,
    seen: &mut Option<Seen>,
) -> std::result::Result<(), Uncached> {
    // SAFETY: `call.t` is NULL or an opened table that is not freed; `call.key` is NULL or a key whose
    // text is valid until the call returns; `call.server` is NULL or writable.
    let (t, key, out) = unsafe {
        (
            reference(call.t, "t")?,
            arg::shard_key(call.key, call.scope)?,
            Out::new(call.server, "server")?,
        )
    };
    let Some(table) = t.tables.only() else { return Err(Uncached) };
    let query = Query { target: Target::Prepared(table, key), wanted: arg::wanted(call.mode)? };
    cached_server_in_time(&t.router, cache, query, out, seen)
}

/// # Safety
/// As for fabric_table_get_server().
unsafe fn table_server(cache: &ThreadCache, call: &TableCall, seen: Option<Seen>) -> Result<()> {
    // SAFETY: `call.t` is NULL or an opened table that is not freed; `call.key` is NULL or a key
    // with its text; `call.server` is NULL or writable.
    let (t, key, out) =
        unsafe { (reference(call.t, "t")?, arg::key(call.key)?, Out::new(call.server, "server")?) };
    let (key, wanted) = (arg::scope(call.scope)?.shard_key(key), arg::wanted(call.mode)?);
    let query = Query { target: Target::prepared(&t.tables, key), wanted };
    t.router.server(cache, &query, seen, |chosen| Ok(write_server(out, chosen)?))
}

/// As fabric_table_get_server(), but waits for a server instead of refusing, as
/// fabric_get_shard_server_wait() does.
///
/// @param t         The tables.
/// @param key       As for fabric_get_shard_server().
/// @param scope     As for fabric_get_shard_server().
/// @param mode      As for fabric_get_shard_server().
/// @param deadline  As for fabric_get_shard_server_wait().
/// @param server    Where the server goes; left alone on failure.
/// @param err       Where details of a failure go; may be NULL.
/// @retval FABRIC_OK
/// @retval other  As for fabric_get_shard_server_wait().
///
/// Blocks as fabric_get_shard_server_wait() does. Any thread.
///
/// @since 0.1.0
#[must_use]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn fabric_table_get_server_wait(
    t: *const fabric_table_t,
    key: *const fabric_key_t,
    scope: i32,
    mode: i32,
    deadline: i64,
    server: *mut fabric_server_t,
    err: *mut fabric_error_t,
) -> i32 {
    boundary("fabric_table_get_server_wait", err, || {
        // SAFETY: `t` is NULL or an opened table that is not freed; `key` is NULL or a key with
        // its text; `server` is NULL or writable.
        let (t, key, out) =
            unsafe { (reference(t, "t")?, arg::key(key)?, Out::new(server, "server")?) };
        let (key, wanted) = (arg::scope(scope)?.shard_key(key), arg::wanted(mode)?);
        let query = Query { target: Target::prepared(&t.tables, key), wanted };
        wait_for_server(&t.router, &query, deadline, out)
    })
}

/// Frees opened tables.
///
/// @param t  From fabric_table_open(), or NULL, which does nothing. No other call may be using it,
///           and none may be made afterwards.
///
/// Never blocks. Any thread.
///
/// @since 0.1.0
#[unsafe(no_mangle)]
pub unsafe extern "C" fn fabric_table_free(t: *mut fabric_table_t) {
    boundary_value((), || {
        // SAFETY: `t` is NULL or from fabric_table_open(), and freed once by the contract.
        drop(unsafe { Owned::from_c(t) });
    });
}
