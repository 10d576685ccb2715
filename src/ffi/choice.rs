//! What one call wants of a group: read preference, zone, weights, exclusion; and the servers it should try.

use std::ffi::c_char;

use crate::base::error::{Code, Error, Result};
use crate::config::check_zone;
use crate::router::resolve::{Query, Target};
use crate::topology::{Choice, ReadPreference};

use super::arg;
use super::boundary::boundary;
use super::error::fabric_error_t;
use super::handle::fabric_t;
use super::key::fabric_key_t;
use super::options::{fabric_options_t, set};
use super::ptr::{self, Out, OutArray, each, name, reference, slice, strings, text};
use super::server::fabric_server_t;

/// What the handle's options say: see fabric_options_set_read_preference().
pub const FABRIC_PREFER_DEFAULT: i32 = 0;
/// Reads go to the secondaries, and to the primary where none of them is in use.
pub const FABRIC_PREFER_SECONDARY: i32 = 1;
/// Reads go to the secondaries, and are refused where there is none.
pub const FABRIC_PREFER_SECONDARY_ONLY: i32 = 2;
/// Reads go to the primary, and to the secondaries where it is not in use.
pub const FABRIC_PREFER_PRIMARY: i32 = 3;
/// Reads go to the secondaries and the primary alike, to those of the service's own zone first.
pub const FABRIC_PREFER_NEAREST: i32 = 4;

const _: () = {
    assert!(FABRIC_PREFER_SECONDARY == ReadPreference::Secondary as i32);
    assert!(FABRIC_PREFER_SECONDARY_ONLY == ReadPreference::SecondaryOnly as i32);
    assert!(FABRIC_PREFER_PRIMARY == ReadPreference::Primary as i32);
    assert!(FABRIC_PREFER_NEAREST == ReadPreference::Nearest as i32);
};

/// The most weights, and the most exclusions, of a choice.
const MOST: usize = 1024;
const MOST_REMEDY: &str = "name those of the group that is asked for";

/// The share of a server in the reads of one call.
///
/// @since 0.1.0
#[repr(C)]
#[derive(Clone, Copy)]
pub struct fabric_server_weight_t {
    /// The server's UUID, or `host:port`, in upper or lower case; UTF-8, NUL-terminated.
    pub server: *const c_char,
    /// Greater than 0, and finite. Small integers cost least. However small, a share is about a thousandth
    /// of the reads at least: who is to get none is to be excluded.
    pub weight: f64,
    /// Must be 0: room for later.
    pub reserved: [u64; 2],
}

/// What one call wants otherwise than its handle. All 0 is nothing: `fabric_choice_t choice = {0};`, with C++
/// `fabric_choice_t choice = {};`.
///
/// The caller owns it and what it points to, and may use it for any number of calls, of any group: servers
/// that a group does not have are passed over.
///
/// @since 0.1.0
#[repr(C)]
#[derive(Clone, Copy)]
pub struct fabric_choice_t {
    /// Which servers reads go to: one of FABRIC_PREFER_*. Nothing for writes, which go to the primary.
    pub preference: i32,
    /// Must be 0: room for later.
    pub reserved0: i32,
    /// The zone whose servers come first, as for fabric_options_set_zone(); NULL for the handle's, and empty
    /// for none.
    pub zone: *const c_char,
    /// The shares of servers in reads, in the place of those that the source gives; the others keep theirs.
    /// NULL if `weights_count` is 0.
    pub weights: *const fabric_server_weight_t,
    /// How many, 1024 at most.
    pub weights_count: usize,
    /// Servers that do not come into question, as those that the caller has just seen fail: UUIDs, or
    /// `host:port`, in upper or lower case. NULL if `excluded_count` is 0.
    pub excluded: *const *const c_char,
    /// How many, 1024 at most.
    pub excluded_count: usize,
    /// Must be 0: room for later. What is not 0 is refused, since this version does not know it.
    pub reserved: [u64; 8],
}

fn preference(number: i32) -> Result<Option<ReadPreference>> {
    Ok(match number {
        FABRIC_PREFER_DEFAULT => None,
        FABRIC_PREFER_SECONDARY => Some(ReadPreference::Secondary),
        FABRIC_PREFER_SECONDARY_ONLY => Some(ReadPreference::SecondaryOnly),
        FABRIC_PREFER_PRIMARY => Some(ReadPreference::Primary),
        FABRIC_PREFER_NEAREST => Some(ReadPreference::Nearest),
        _ => {
            let message = format!(
                "read preference {number} is none of FABRIC_PREFER_DEFAULT, _SECONDARY, \
                 _SECONDARY_ONLY, _PRIMARY, _NEAREST"
            );
            return Err(Error::new(Code::Argument, message));
        }
    })
}

/// # Safety
/// `pointer` is NULL or points to a choice; what it points to is valid and unchanged for `'a`.
unsafe fn choice<'a>(pointer: *const fabric_choice_t) -> Result<Choice<'a>> {
    // SAFETY: `pointer` is NULL or points to a choice.
    let Some(given) = (unsafe { pointer.as_ref() }) else { return Ok(Choice::default()) };
    let zone = match given.zone.is_null() {
        true => None,
        false => {
            // SAFETY: `given.zone` is not NULL, and so NUL-terminated.
            let zone = unsafe { text(given.zone, "choice.zone") }?;
            if !zone.is_empty() {
                check_zone(zone)?;
            }
            Some(zone)
        }
    };
    // SAFETY: `given.weights` is NULL or has `weights_count` elements, and `given.excluded` is NULL or has
    // `excluded_count`.
    let (weights, excluded) = unsafe {
        (
            slice(given.weights, given.weights_count, "choice.weights")?,
            strings(given.excluded, given.excluded_count, "choice.excluded", (MOST, MOST_REMEDY))?,
        )
    };
    let is_room_used = weights.iter().any(|weight| weight.reserved != [0; 2]);
    if given.reserved0 != 0 || given.reserved != [0; 8] || is_room_used {
        let message = "a 'reserved' member of the choice is not 0; begin with fabric_choice_t choice = {0}, \
                       and see that the library is not older than the header";
        return Err(Error::new(Code::Argument, message));
    }
    if weights.len() > MOST {
        let message = format!(
            "'choice.weights' has {} elements, and {MOST} are the most; {MOST_REMEDY}",
            weights.len()
        );
        return Err(Error::new(Code::Argument, message));
    }
    let weighted = |(at, weight): (usize, &fabric_server_weight_t)| {
        // SAFETY: `weight.server` is NULL or NUL-terminated.
        let server = unsafe { name(weight.server, &format!("choice.weights[{at}].server")) }?;
        match weight.weight.is_finite() && weight.weight > 0.0 {
            true => Ok((server, weight.weight)),
            false => Err(Error::new(
                Code::Argument,
                format!(
                    "'choice.weights[{at}].weight' is {}; give one that is greater than 0, or exclude \
                     the server",
                    weight.weight
                ),
            )),
        }
    };
    Ok(Choice {
        preference: preference(given.preference)?,
        zone,
        weights: weights.iter().enumerate().map(weighted).collect::<Result<_>>()?,
        // SAFETY: each of `excluded` is NULL or NUL-terminated.
        excluded: unsafe { each(excluded, "choice.excluded", name) }?,
    })
}

/// Where the servers go, and how many there are.
struct Found {
    out: OutArray<fabric_server_t>,
    count: Out<usize>,
}

impl Found {
    /// # Safety
    /// `out` is NULL or has room for `capacity` values, and `count` is NULL or writable, until the value is
    /// dropped.
    unsafe fn new(out: *mut fabric_server_t, capacity: usize, count: *mut usize) -> Result<Self> {
        // SAFETY: `out` is NULL or has room for `capacity` elements, and `count` is NULL or writable.
        let (out, count) =
            unsafe { (OutArray::new(out, capacity.max(1), "out")?, Out::new(count, "count")?) };
        match capacity {
            0 => {
                let message = "'capacity' is 0; give room for one server at least";
                Err(Error::new(Code::Argument, message))
            }
            _ => Ok(Self { out, count }),
        }
    }

    fn set(self, servers: Vec<fabric_server_t>) {
        self.count.set(servers.len());
        servers.into_iter().enumerate().for_each(|(at, server)| self.out.set(at, server));
    }
}

/// Which servers hold these tables and this key, in the order in which they should be tried?
///
/// The first is the one that fabric_get_shard_server() would give, as far as `choice` leaves it that. Behind
/// it stand the others that reads go to, by the same turns and weights; then those that reads go to where
/// none of these is left, such as secondaries of other zones, and the primary; and last those that are left
/// out after fabric_report_result(), for who would rather try than give up. A server stands there once. For writes there is one, the
/// primary.
///
/// A call takes one turn, as a lookup does: of the same choice the first servers of many calls have their
/// exact shares, on each thread by itself, and among threads that call once. Another choice has turns of its own.
///
/// @param f         The handle.
/// @param tables    As for fabric_get_shard_server().
/// @param n         As for fabric_get_shard_server().
/// @param key       As for fabric_get_shard_server().
/// @param scope     As for fabric_get_shard_server().
/// @param mode      As for fabric_get_shard_server().
/// @param choice    What this call wants otherwise than the handle; NULL for nothing.
/// @param out       Room for `capacity` servers.
/// @param capacity  How many are wanted, at least 1: those that should be tried first.
/// @param count     Where the number of servers goes that were written, 1 to `capacity`.
/// @param err       Where details of a failure go; may be NULL.
/// @retval FABRIC_OK
/// @retval FABRIC_ERR_NO_SERVER  Also if all servers that may serve are excluded.
/// @retval FABRIC_ERR_ARGUMENT   Also for a choice that is none, and for `capacity` 0.
/// @retval other                 As for fabric_get_shard_server().
///
/// Blocks as fabric_get_shard_server() does. Allocates. Any thread.
///
/// @since 0.1.0
#[must_use]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn fabric_choose_shard_servers(
    f: *const fabric_t,
    tables: *const *const c_char,
    n: usize,
    key: *const fabric_key_t,
    scope: i32,
    mode: i32,
    choice: *const fabric_choice_t,
    out: *mut fabric_server_t,
    capacity: usize,
    count: *mut usize,
    err: *mut fabric_error_t,
) -> i32 {
    boundary("fabric_choose_shard_servers", err, || {
        // SAFETY: `f` is NULL or a handle that is not freed; `tables` is NULL or has `n` elements; `key` is
        // NULL or a key with its text; `choice` is NULL or a choice with what it points to; `out` is NULL
        // or has room for `capacity` elements, and `count` is NULL or writable.
        let (f, tables, key, choice, found) = unsafe {
            (
                reference(f, "f")?,
                ptr::tables(tables, n)?,
                arg::key(key)?,
                self::choice(choice)?,
                Found::new(out, capacity, count)?,
            )
        };
        let (key, wanted) = (arg::scope(scope)?.shard_key(key), arg::wanted(mode)?);
        let find = |names: &[&[u8]]| {
            let query = Query { target: Target::tables(names, key), wanted };
            f.router.choose(&query, &choice, capacity, fabric_server_t::of)
        };
        // SAFETY: each of `tables` is NULL or NUL-terminated, and stays so until the call returns.
        found.set(unsafe { ptr::with_names(tables, find) }?);
        Ok(())
    })
}

/// Which servers of this group serve this mode, in the order in which they should be tried?
///
/// As fabric_choose_shard_servers(), in everything.
///
/// @param f         The handle.
/// @param group     As for fabric_get_group_server().
/// @param mode      As for fabric_get_group_server(), with @ref FABRIC_STATUS_NONE.
/// @param choice    As for fabric_choose_shard_servers(); may be NULL.
/// @param out       As for fabric_choose_shard_servers().
/// @param capacity  As for fabric_choose_shard_servers().
/// @param count     As for fabric_choose_shard_servers().
/// @param err       Where details of a failure go; may be NULL.
/// @retval FABRIC_OK
/// @retval FABRIC_ERR_NO_SERVER  Also if all servers that may serve are excluded.
/// @retval FABRIC_ERR_ARGUMENT   Also for a choice that is none, and for `capacity` 0.
/// @retval other                 As for fabric_get_group_server().
///
/// Blocks as fabric_get_shard_server() does. Allocates. Any thread.
///
/// @since 0.1.0
#[must_use]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn fabric_choose_group_servers(
    f: *const fabric_t,
    group: *const c_char,
    mode: i32,
    choice: *const fabric_choice_t,
    out: *mut fabric_server_t,
    capacity: usize,
    count: *mut usize,
    err: *mut fabric_error_t,
) -> i32 {
    boundary("fabric_choose_group_servers", err, || {
        // SAFETY: `f` is NULL or a handle that is not freed; `group` is NULL or NUL-terminated; `choice` is
        // NULL or a choice with what it points to; `out` is NULL or has room for `capacity` elements, and
        // `count` is NULL or writable.
        let (f, group, choice, found) = unsafe {
            (
                reference(f, "f")?,
                name(group, "group")?,
                self::choice(choice)?,
                Found::new(out, capacity, count)?,
            )
        };
        let wanted = arg::wanted(mode)?;
        let query = Query { target: Target::Group(group.as_bytes()), wanted };
        found.set(f.router.choose(&query, &choice, capacity, fabric_server_t::of)?);
        Ok(())
    })
}

/// Sets which servers of a group reads go to, for all lookups of the handle with @ref FABRIC_MODE_READONLY,
/// @ref FABRIC_MODE_NONE or @ref FABRIC_STATUS_SECONDARY.
///
/// | preference | reads go to |
/// |---|---|
/// | @ref FABRIC_PREFER_SECONDARY | the secondaries; the primary where none of them is in use. The default |
/// | @ref FABRIC_PREFER_SECONDARY_ONLY | the secondaries; refused with FABRIC_ERR_NO_SERVER where there is none |
/// | @ref FABRIC_PREFER_PRIMARY | the primary; the secondaries where it is not in use: what was written is read, but during a failover |
/// | @ref FABRIC_PREFER_NEAREST | secondaries and primary alike |
///
/// Among several it goes by weight, and those of the service's own zone come first
/// (fabric_options_set_zone()). "In use" is one that takes reads and is not left out after
/// fabric_report_result(). Writes go to the primary.
///
/// @param options     The options.
/// @param preference  One of FABRIC_PREFER_*.
/// @retval FABRIC_OK, FABRIC_ERR_NULL_POINTER, FABRIC_ERR_ARGUMENT
///
/// Never blocks.
///
/// @since 0.1.0
#[unsafe(no_mangle)]
pub unsafe extern "C" fn fabric_options_set_read_preference(
    options: *mut fabric_options_t,
    preference: i32,
) -> i32 {
    // SAFETY: `options` is NULL or from fabric_options_new(), and used by this thread alone.
    unsafe {
        set("fabric_options_set_read_preference", options, |config| {
            config.read_preference = self::preference(preference)?.unwrap_or_default();
            Ok(())
        })
    }
}
