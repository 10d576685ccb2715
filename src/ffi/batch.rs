//! Many keys in one call: for bulk loads and multi-gets, which want one statement per server.

use std::ffi::c_char;
use std::ptr;

use crate::error::{Code, Error, Result};
use crate::local::Local;
use crate::router::Scope;
use crate::router::batch::{Batch, Keys, Take};
use crate::topology::{Chosen, Key, Wanted};

use super::boundary::{boundary, plain_boundary};
use super::error::{FABRIC_OK, fabric_error_t};
use super::handle::fabric_t;
use super::key::{FABRIC_KEY_INT, FABRIC_KEY_TEXT};
use super::lookup::{scope_of, wanted_by_mode};
use super::ptr::{Out, OutArray, bytes, element, quick_slice, reference, slice};
use super::server::{fabric_server_t, write_card, write_server};

/// In place of an index: the key has no server.
pub const FABRIC_NO_INDEX: u32 = u32::MAX;

/// Many sharding keys of one kind. Make it with fabric_keys_int() or fabric_keys_text().
///
/// Passed around by value; it owns nothing. It points at the caller's arrays and texts, which must
/// stay unchanged for the call that uses it.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct fabric_keys_t {
    /// @ref FABRIC_KEY_INT or @ref FABRIC_KEY_TEXT.
    pub kind: i32,
    /// 0; room for later.
    pub reserved: i32,
    /// The values of integer keys.
    pub integers: *const i64,
    /// The bytes of each text key, in UTF-8; not NUL-terminated.
    pub texts: *const *const c_char,
    /// The number of bytes of each text key.
    pub lengths: *const usize,
    /// The number of keys.
    pub count: usize,
}

/// Integer keys: for RANGE, RANGE_INTEGER and HASH, as fabric_key_int().
///
/// @param values  Any signed 64-bit integers; may be NULL if `n` is 0. They are not copied: they
///                must stay until the call that uses the keys returns.
/// @param n       How many.
/// @return The keys, by value; nothing to free. What is wrong with them is said by the call that
///         uses them.
///
/// Never blocks. Any thread.
#[unsafe(no_mangle)]
pub extern "C" fn fabric_keys_int(values: *const i64, n: usize) -> fabric_keys_t {
    plain_boundary(fabric_keys_t {
        kind: FABRIC_KEY_INT,
        reserved: 0,
        integers: values,
        texts: ptr::null(),
        lengths: ptr::null(),
        count: n,
    })
}

/// Text keys, as fabric_key_text().
///
/// @param texts    The bytes of each key; need no terminating NUL; one may be NULL if its length
///                 is 0, and all if `n` is 0. They are not copied: they and the array must stay
///                 until the call that uses the keys returns.
/// @param lengths  The number of bytes of each key; may be NULL if `n` is 0. Not copied either.
/// @param n        How many.
/// @return The keys, by value; nothing to free. What is wrong with them is said by the call that
///         uses them.
///
/// Never blocks. Any thread.
#[unsafe(no_mangle)]
pub extern "C" fn fabric_keys_text(
    texts: *const *const c_char,
    lengths: *const usize,
    n: usize,
) -> fabric_keys_t {
    plain_boundary(fabric_keys_t {
        kind: FABRIC_KEY_TEXT,
        reserved: 0,
        integers: ptr::null(),
        texts,
        lengths,
        count: n,
    })
}

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
/// @param keys        The keys; with @ref FABRIC_SCOPE_GLOBAL they say only how many.
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
        // SAFETY: the caller's promise, for every pointer of this call.
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
        // SAFETY: the caller's promise, for every pointer of this call.
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

/// What both calls take.
struct Call<'a> {
    f: &'a fabric_t,
    tables: Scratch<&'a [u8], 8>,
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
        // SAFETY: the caller's promise, for every pointer.
        let (f, names, keys, servers, count) = unsafe {
            (
                reference(f, "f")?,
                slice(tables, n, "tables")?,
                Many::read(keys)?,
                OutArray::new(servers, capacity, "servers")?,
                Out::new(count, "count")?,
            )
        };
        // SAFETY: the caller's promise; as many as there are keys.
        let status = unsafe { OutArray::optional(out_status, keys.len()) };
        let (scope, wanted) = (scope_of(scope)?, wanted_by_mode(mode)?);
        let mut tables = Scratch::new(&[][..], names.len());
        for (at, (table, name)) in tables.as_mut_slice().iter_mut().zip(names).enumerate() {
            // SAFETY: the caller's promise, for the string.
            *table = unsafe { element(*name, "tables", at, bytes) }?;
        }
        Ok(Self { f, tables, keys, scope, wanted, status, servers, capacity, count })
    }

    /// Hands the index of each key's server to `key`.
    fn run(self, key: impl FnMut(usize, u32)) -> Result<Done> {
        let batch = Batch {
            tables: self.tables.as_slice(),
            keys: &self.keys,
            scope: self.scope,
            wanted: self.wanted,
        };
        let mut answers = Answers { servers: &self.servers, status: &self.status, key };
        let outcome = Local::with(|local| self.f.router.choose_many(local, &batch, &mut answers))?;
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
}

/// Where the answers go in C.
struct Answers<'a, K> {
    servers: &'a OutArray<fabric_server_t>,
    status: &'a OutArray<i32>,
    key: K,
}

impl<K: FnMut(usize, u32)> Take for Answers<'_, K> {
    fn server(&mut self, index: u32, chosen: Chosen<'_>) -> Result<()> {
        // More servers than fit are counted and nothing else.
        let Some(place) = self.servers.at(index as usize) else { return Ok(()) };
        if write_card(place, chosen.card).is_some() {
            return Ok(());
        }
        self.servers.at(index as usize).map_or(Ok(()), |place| write_server(place, chosen))
    }

    #[inline]
    fn key(&mut self, at: usize, server: std::result::Result<u32, Code>) {
        (self.key)(at, server.unwrap_or(FABRIC_NO_INDEX));
        self.status.set(at, server.map_or_else(|code| code as i32, |_| FABRIC_OK));
    }
}

/// The keys as they lie in C.
enum Many<'a> {
    Integers(&'a [i64]),
    Texts(&'a [*const c_char], &'a [usize]),
}

impl Many<'_> {
    /// # Safety
    /// `pointer` is NULL or points to keys whose arrays and texts stay valid and unchanged as long
    /// as the value lives.
    unsafe fn read(pointer: *const fabric_keys_t) -> Result<Self> {
        // SAFETY: the caller's promise, for the arrays, too.
        unsafe {
            let keys = reference(pointer, "keys")?;
            match keys.kind {
                FABRIC_KEY_INT => {
                    Ok(Self::Integers(slice(keys.integers, keys.count, "keys.integers")?))
                }
                FABRIC_KEY_TEXT => Ok(Self::Texts(
                    slice(keys.texts, keys.count, "keys.texts")?,
                    slice(keys.lengths, keys.count, "keys.lengths")?,
                )),
                kind => Err(Error::new(
                    Code::Argument,
                    format!(
                        "keys of kind {kind}; make them with fabric_keys_int or fabric_keys_text"
                    ),
                )),
            }
        }
    }
}

impl Keys for Many<'_> {
    fn len(&self) -> usize {
        match self {
            Self::Integers(values) => values.len(),
            Self::Texts(texts, _) => texts.len(),
        }
    }

    #[inline]
    fn get(&self, at: usize) -> std::result::Result<Key<'_>, Code> {
        match self {
            Self::Integers(values) => values.get(at).copied().map(Key::Integer),
            Self::Texts(texts, lengths) => match (texts.get(at), lengths.get(at)) {
                (_, Some(0)) => Some(Key::Text(&[])),
                (Some(text), Some(length)) => {
                    // SAFETY: `read` was promised that the text is there as long as `self`.
                    let text = unsafe { quick_slice(text.cast::<u8>(), *length) };
                    text.map(Key::Text)
                }
                _ => None,
            },
        }
        .ok_or(Code::NullPointer)
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
