//! Tables that are looked up often.

use std::ffi::c_char;
use std::sync::Arc;

use crate::base::error::{Code, Error, Result};
use crate::local::Local;
use crate::router::table::Tables;
use crate::router::{Locate, Request, Router, See};
use crate::topology::Chosen;

use super::boundary::{boundary, boundary_value, quick_boundary};
use super::error::fabric_error_t;
use super::handle::fabric_t;
use super::key::{fabric_key_t, key as read_key, quick_integer, quick_key};
use super::lookup::{
    FABRIC_SCOPE_LOCAL, quick_mode, quick_place, scope_of, wait_for_server, wanted_by_mode,
};
use super::owned::{Object, Owned};
use super::ptr::{self, Out, each, reference, text};
use super::server::{fabric_server_t, write_card, write_server};

/// One table, or several that are joined, of a handle. Made by fabric_table_open(), freed by
/// fabric_table_free().
///
/// It follows the handle: every refresh, a fork, and the handle's options count for it, too. It
/// may be used by any number of threads at once.
///
/// @since 0.1.0
pub struct fabric_table_t {
    router: Arc<Router>,
    tables: Tables,
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
        // SAFETY: the caller's promise, for every pointer of this call.
        let (f, tables, out) =
            unsafe { (reference(f, "f")?, ptr::tables(tables, n)?, Out::new(out, "out")?) };
        if tables.is_empty() {
            return Err(Error::new(Code::Argument, "no table is named; name at least one"));
        }
        // SAFETY: the caller's promise, for each string.
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
    // SAFETY: the caller's promise, for every pointer of this call.
    let quick = |local: &Local, call: &TableCall| unsafe {
        quick_table_server(local, call, Router::at_hand)
    };
    // SAFETY: the caller's promise, for every pointer of this call.
    let slow = |local: &Local, call: &TableCall| unsafe { table_server(local, call) };
    quick_boundary("fabric_table_get_server", err, &call, quick, slow)
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
unsafe fn table_server(local: &Local, call: &TableCall) -> Result<()> {
    // SAFETY: the caller's promise.
    if unsafe { quick_table_server(local, call, Router::sight) }.is_some() {
        return Ok(());
    }
    // SAFETY: the caller's promise, for every pointer of this call.
    let (t, key, out) =
        unsafe { (reference(call.t, "t")?, read_key(call.key)?, Out::new(call.server, "server")?) };
    let (scope, wanted) = (scope_of(call.scope)?, wanted_by_mode(call.mode)?);
    let request = Request { tables: &[], key, scope };
    let write = |chosen: Chosen<'_>| write_server(out, chosen);
    t.router.choose_opened(local, &t.tables, &request, wanted, write)
}

/// The answer, if everything about the call is in order and all is known. Says nothing otherwise.
///
/// # Safety
/// As for fabric_table_get_server().
#[inline(always)]
unsafe fn quick_table_server(local: &Local, call: &TableCall, see: impl See) -> Option<()> {
    // SAFETY: the caller's promise, for every pointer of this call.
    match unsafe { quick_integer(call.key) } {
        // SAFETY: the caller's promise.
        Some(key) if call.scope == FABRIC_SCOPE_LOCAL => unsafe { answer(local, call, see, key) },
        // SAFETY: the caller's promise, for every pointer of this call.
        _ => unsafe { answer(local, call, see, quick_place(call.scope, quick_key(call.key)?)?) },
    }
}

/// # Safety
/// As for fabric_table_get_server().
#[inline(always)]
unsafe fn answer(local: &Local, call: &TableCall, see: impl See, place: impl Locate) -> Option<()> {
    // SAFETY: the caller's promise.
    let t = unsafe { call.t.as_ref() }?;
    let (out, wanted) = (Out::quick(call.server)?, quick_mode(call.mode)?);
    let sight = see(&t.router, local)?;
    let view = sight.view();
    let group = view.group_of_opened(&t.tables, place)?;
    write_card(out, view.server(group, wanted, local)?)?;
    t.router.count(local);
    Some(())
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
        // SAFETY: the caller's promise, for every pointer of this call.
        let (t, key, out) =
            unsafe { (reference(t, "t")?, read_key(key)?, Out::new(server, "server")?) };
        wait_for_server(&t.router, &t.tables.names(), key, (scope, mode), deadline, out)
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
