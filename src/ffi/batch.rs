//! Many keys in one call: for bulk loads and multi-gets, which want one statement per server.

use std::ffi::c_char;

use crate::base::error::{Code, Error, Result};
use crate::router::batch::{Batch, CHUNK, Session, Slot};
use crate::router::prepared::PreparedTables;
use crate::router::{Router, Scope};
use crate::thread_cache::ThreadCache;
use crate::topology::{Key, Wanted};

use super::arg;
use super::boundary::boundary;
use super::error::{FABRIC_OK, fabric_error_t};
use super::handle::fabric_t;
use super::keys::{Many, fabric_keys_t};
use super::ptr::{self, Out, OutArray, reference};
use super::server::{fabric_server_t, fits, write_server};
use super::table::fabric_table_t;

/// In place of an index: the key has no server.
pub const FABRIC_NO_INDEX: u32 = u32::MAX;

/// Which servers hold these tables and each of many keys?
///
/// As fabric_get_shard_server() for each key, but in one call, in one state of the farm, and much
/// faster for HASH. Each key gets an index into a short list with one server of each group that is
/// met: keys with the same index go into one statement.
///
/// A key fails alone: it gets @ref FABRIC_NO_INDEX and a status of its own, and so do the keys of a
/// group that has no server for this mode now. The call then returns FABRIC_ERR_SOME_KEYS, and all
/// other keys have been answered.
///
/// @param f           The handle.
/// @param tables      As for fabric_get_shard_server().
/// @param n           As for fabric_get_shard_server().
/// @param keys        The keys; with @ref FABRIC_SCOPE_GLOBAL they say only how many, and are read all the same.
/// @param scope       As for fabric_get_shard_server().
/// @param mode        As for fabric_get_shard_server().
/// @param out_index   Room for the index of each key's server in `servers`.
/// @param out_status  Room for the status of each key: FABRIC_OK, or what
///                    fabric_get_shard_server() returns for such a key or group; may be NULL.
/// @param servers     Room for `capacity` servers, in the order in which their groups are met; may
///                    be NULL if `capacity` is 0. As many as there are keys or groups always
///                    suffice.
/// @param capacity    How many fit.
/// @param count       Where the number of servers goes, also with FABRIC_ERR_SOME_KEYS and
///                    FABRIC_ERR_BUFFER_TOO_SMALL.
/// @param err         Where details of a failure go; may be NULL. Of FABRIC_ERR_SOME_KEYS it names
///                    the first such key and why it failed.
/// @retval FABRIC_OK
/// @retval FABRIC_ERR_SOME_KEYS         Some keys have no server; the others have theirs.
/// @retval FABRIC_ERR_BUFFER_TOO_SMALL  There are more servers; call again.
/// @retval FABRIC_ERR_UNKNOWN_TABLE, FABRIC_ERR_UNSUPPORTED_SHARDING
/// @retval FABRIC_ERR_STALE, FABRIC_ERR_TABLE_NAME, FABRIC_ERR_INVALID_UTF8,
///         FABRIC_ERR_NULL_POINTER, FABRIC_ERR_ARGUMENT
/// @retval other  The tables had to be fetched first, as for fabric_get_shard_server(), and could
///                not be.
///
/// After any other failure than FABRIC_ERR_SOME_KEYS the contents of `out_index`, `out_status` and
/// `servers` are undefined.
///
/// Blocks as fabric_get_shard_server() does. Allocates nothing when the tables are known and fresh
/// and the keys lie in up to 64 groups. Any thread.
///
/// @since 0.1.0
#[must_use]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn fabric_get_shard_servers(
    f: *const fabric_t,
    tables: *const *const c_char,
    n: usize,
    keys: *const fabric_keys_t,
    scope: i32,
    mode: i32,
    out_index: *mut u32,
    out_status: *mut i32,
    servers: *mut fabric_server_t,
    capacity: usize,
    count: *mut usize,
    err: *mut fabric_error_t,
) -> i32 {
    boundary("fabric_get_shard_servers", err, || {
        // SAFETY: the pointers go to `read` as they came, and are valid until the call returns;
        // `out_index` is NULL or has room for an element for each key.
        let (call, index) = unsafe {
            let call =
                Call::read(f, tables, n, keys, scope, mode, out_status, servers, capacity, count)?;
            let index = OutArray::new(out_index, call.keys.len(), "out_index")?;
            (call, index)
        };
        call.run(|at, server| index.set(at, server))?.verdict
    })
}

/// Groups many keys by the server that holds them, in a stable order.
///
/// As fabric_get_shard_servers(), but the answer is a permutation of the keys' positions: those of
/// `servers[i]` are `order[starts[i]]` to `order[starts[i + 1] - 1]`, in ascending order. The
/// positions of keys without a server come behind, from `order[starts[*count]]` on.
///
/// @param f           The handle.
/// @param tables      As for fabric_get_shard_server().
/// @param n           As for fabric_get_shard_server().
/// @param keys        As for fabric_get_shard_servers().
/// @param scope       As for fabric_get_shard_server().
/// @param mode        As for fabric_get_shard_server().
/// @param order       Room for as many positions as there are keys.
/// @param starts      Room for `capacity` + 1 positions in `order`.
/// @param out_status  As for fabric_get_shard_servers(), by the keys' positions; may be NULL.
/// @param servers     As for fabric_get_shard_servers().
/// @param capacity    How many servers fit.
/// @param count       As for fabric_get_shard_servers().
/// @param err         As for fabric_get_shard_servers(); may be NULL.
/// @retval other  As for fabric_get_shard_servers().
///
/// After any other failure than FABRIC_ERR_SOME_KEYS the contents of `order`, `starts`,
/// `out_status` and `servers` are undefined.
///
/// Blocks as fabric_get_shard_server() does. Allocates only for more than 256 keys or 64 servers,
/// and then once or twice a call. Any thread.
///
/// @since 0.1.0
#[must_use]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn fabric_split_keys(
    f: *const fabric_t,
    tables: *const *const c_char,
    n: usize,
    keys: *const fabric_keys_t,
    scope: i32,
    mode: i32,
    order: *mut usize,
    starts: *mut usize,
    out_status: *mut i32,
    servers: *mut fabric_server_t,
    capacity: usize,
    count: *mut usize,
    err: *mut fabric_error_t,
) -> i32 {
    boundary("fabric_split_keys", err, || {
        // SAFETY: the pointers go to `read` as they came, and are valid until the call returns;
        // `order` is NULL or has room for an element for each key, `starts` for `capacity` + 1.
        let (call, order, starts) = unsafe {
            let call =
                Call::read(f, tables, n, keys, scope, mode, out_status, servers, capacity, count)?;
            let order = OutArray::new(order, call.keys.len(), "order")?;
            let starts = OutArray::new(starts, capacity.saturating_add(1), "starts")?;
            (call, order, starts)
        };
        let mut index = Scratch::<u32, 256>::new(FABRIC_NO_INDEX, call.keys.len());
        let done = call.run(|at, server| index.set(at, server))?;
        group(index.as_slice(), done.servers, &order, &starts);
        done.verdict
    })
}

/// Sorts the positions of `index` by the servers there, of which there are `count`; those
/// without one come last.
fn group(index: &[u32], count: usize, order: &OutArray<usize>, starts: &OutArray<usize>) {
    // The number of keys of each server, one place further on.
    let mut places = Scratch::<usize, 66>::new(0, count + 2);
    let places = places.as_mut_slice();
    let place_of = |server: u32| (server as usize).min(count);
    for server in index {
        if let Some(place) = places.get_mut(place_of(*server) + 1) {
            *place += 1;
        }
    }
    // The sum of those before: where each server's begin.
    let mut sum = 0;
    for (at, place) in places.iter_mut().take(count + 1).enumerate() {
        sum += *place;
        *place = sum;
        starts.set(at, sum);
    }
    for (at, server) in index.iter().enumerate() {
        if let Some(place) = places.get_mut(place_of(*server)) {
            order.set(*place, at);
            *place += 1;
        }
    }
}

/// As fabric_get_shard_servers(), of tables that were opened, in everything.
///
/// @param t           The tables.
/// @param keys        As for fabric_get_shard_servers().
/// @param scope       As for fabric_get_shard_servers().
/// @param mode        As for fabric_get_shard_servers().
/// @param out_index   As for fabric_get_shard_servers().
/// @param out_status  As for fabric_get_shard_servers(); may be NULL.
/// @param servers     As for fabric_get_shard_servers().
/// @param capacity    As for fabric_get_shard_servers().
/// @param count       As for fabric_get_shard_servers().
/// @param err         As for fabric_get_shard_servers(); may be NULL.
/// @retval other  As for fabric_get_shard_servers(). FABRIC_ERR_UNKNOWN_TABLE: Fabric has stopped
///                listing a table.
///
/// Blocks as fabric_get_shard_server() does. Allocates nothing for one table that is known and fresh, where
/// the keys lie in up to 64 groups. Any thread.
///
/// @since 0.1.0
#[must_use]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn fabric_table_get_servers(
    t: *const fabric_table_t,
    keys: *const fabric_keys_t,
    scope: i32,
    mode: i32,
    out_index: *mut u32,
    out_status: *mut i32,
    servers: *mut fabric_server_t,
    capacity: usize,
    count: *mut usize,
    err: *mut fabric_error_t,
) -> i32 {
    boundary("fabric_table_get_servers", err, || {
        // SAFETY: `t` is NULL or an opened table that is not freed; the other pointers go to `read_rest` as
        // they came, and are valid until the call returns; `out_index` is NULL or has room for an element
        // for each key.
        let (call, index) = unsafe {
            let t = reference(t, "t")?;
            let tables = Tables::Prepared(&t.tables);
            let call = Call::read_rest(
                &t.router, tables, keys, scope, mode, out_status, servers, capacity, count,
            )?;
            let index = OutArray::new(out_index, call.keys.len(), "out_index")?;
            (call, index)
        };
        call.run(|at, server| index.set(at, server))?.verdict
    })
}

/// The tables of a call.
enum Tables<'a> {
    Named(&'a [*const c_char]),
    Prepared(&'a PreparedTables),
}

/// What all these calls take.
struct Call<'a> {
    router: &'a Router,
    tables: Tables<'a>,
    keys: Many<'a>,
    scope: Scope,
    wanted: Wanted,
    status: OutArray<i32>,
    servers: OutArray<fabric_server_t>,
    capacity: usize,
    count: Out<usize>,
}

/// A call that answered all keys that could be answered.
struct Done {
    servers: usize,
    verdict: Result<()>,
}

impl<'a> Call<'a> {
    /// # Safety
    /// As for fabric_get_shard_servers().
    unsafe fn read(
        f: *const fabric_t,
        tables: *const *const c_char,
        n: usize,
        keys: *const fabric_keys_t,
        scope: i32,
        mode: i32,
        out_status: *mut i32,
        servers: *mut fabric_server_t,
        capacity: usize,
        count: *mut usize,
    ) -> Result<Self> {
        // SAFETY: `f` is NULL or a handle that is not freed; `tables` is NULL or has `n` elements; the others
        // are as `read_rest` asks.
        unsafe {
            let (f, tables) = (reference(f, "f")?, Tables::Named(ptr::tables(tables, n)?));
            Self::read_rest(
                &f.router, tables, keys, scope, mode, out_status, servers, capacity, count,
            )
        }
    }

    /// # Safety
    /// As for fabric_get_shard_servers(), for the pointers there are.
    unsafe fn read_rest(
        router: &'a Router,
        tables: Tables<'a>,
        keys: *const fabric_keys_t,
        scope: i32,
        mode: i32,
        out_status: *mut i32,
        servers: *mut fabric_server_t,
        capacity: usize,
        count: *mut usize,
    ) -> Result<Self> {
        // SAFETY: `keys` is NULL or points to keys with their arrays; `servers` is NULL or has room for
        // `capacity` elements; `count` is NULL or writable.
        let (keys, servers, count) = unsafe {
            (
                Many::read(keys)?,
                OutArray::new(servers, capacity, "servers")?,
                Out::new(count, "count")?,
            )
        };
        // SAFETY: `out_status` is NULL or has room for an element for each key.
        let status = unsafe { OutArray::optional(out_status, keys.len()) };
        let (scope, wanted) = (arg::scope(scope)?, arg::wanted(mode)?);
        Ok(Self { router, tables, keys, scope, wanted, status, servers, capacity, count })
    }

    /// Hands the index of each key's server to `key`.
    fn run(&self, mut key: impl FnMut(usize, u32)) -> Result<Done> {
        let find = |tables: &[&[u8]]| {
            let batch = Batch { tables, scope: self.scope, wanted: self.wanted, fits };
            let pass = |session: &mut Session<'_, '_>| self.pass(session, &mut key);
            let count = self.keys.len();
            ThreadCache::with(|cache| self.router.servers_of_keys(cache, &batch, count, pass))
        };
        let outcome = match self.tables {
            // SAFETY: each of the tables is NULL or NUL-terminated, and stays so as long as `self`,
            // as `read` was promised.
            Tables::Named(tables) => unsafe { ptr::with_names(tables, find) },
            Tables::Prepared(tables) => tables.with_names(find),
        }?;
        let servers = outcome.servers as usize;
        self.count.set(servers);
        if servers > self.capacity {
            let message = format!(
                "there is room for {} servers, but there are {servers}; call again",
                self.capacity
            );
            return Err(Error::new(Code::BufferTooSmall, message));
        }
        let verdict = match outcome.first {
            None => Ok(()),
            Some((at, error)) => {
                let (failed, all) = (outcome.failed, self.keys.len());
                let message = format!(
                    "{failed} of {all} keys have no server; the first is keys[{at}]: {error}"
                );
                Err(Error::new(Code::SomeKeys, message))
            }
        };
        Ok(Done { servers, verdict })
    }

    /// Has all keys resolved, a chunk at a time, and writes what each comes to.
    fn pass(&self, session: &mut Session<'_, '_>, key: &mut impl FnMut(usize, u32)) {
        let (mut room, mut wrong) = ([Key::Integer(0); CHUNK], [None; CHUNK]);
        let mut slots = [Slot::EMPTY; CHUNK];
        let count = self.keys.len();
        for start in (0..count).step_by(CHUNK) {
            let (keys, is_any_wrong) = self.keys.chunk(start, &mut room, &mut wrong);
            session.resolve(keys, if is_any_wrong { &wrong } else { &[] }, &mut slots);
            for (at, slot) in (start..count).zip(&slots) {
                let (index, status) = match slot.index() {
                    Ok(index) => (index, FABRIC_OK),
                    Err(status) => (FABRIC_NO_INDEX, status),
                };
                key(at, index);
                self.status.set(at, status);
            }
            let (first, servers) = session.met();
            for (at, chosen) in (first as usize..).zip(servers) {
                // More servers than fit are counted and nothing else. That each fits its place was
                // asked before.
                let Some(place) = self.servers.at(at) else { break };
                drop(write_server(place, chosen));
            }
        }
    }
}

/// Room for some values: on the stack for up to `N`.
struct Scratch<T, const N: usize> {
    few: [T; N],
    many: Vec<T>,
    length: usize,
}

impl<T: Copy, const N: usize> Scratch<T, N> {
    fn new(value: T, length: usize) -> Self {
        let many = if length > N { vec![value; length] } else { Vec::new() };
        Self { few: [value; N], many, length }
    }

    fn as_slice(&self) -> &[T] {
        self.few.get(..self.length).unwrap_or(&self.many)
    }

    fn as_mut_slice(&mut self) -> &mut [T] {
        self.few.get_mut(..self.length).unwrap_or(&mut self.many)
    }

    #[inline]
    fn set(&mut self, at: usize, value: T) {
        if let Some(place) = self.as_mut_slice().get_mut(at) {
            *place = value;
        }
    }
}
