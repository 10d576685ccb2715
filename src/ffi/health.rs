//! What a handle knows of each server, for whoever has to find out why one is not used.

use std::ffi::c_char;

use crate::base::error::Result;
use crate::router::inventory::{KnownServer, ServerState};

use super::boundary::boundary;
use super::error::fabric_error_t;
use super::handle::fabric_t;
use super::ptr::{OutList, copy_text, optional_name, reference};
use super::server::fabric_server_t;

/// Nothing is to be said against it.
pub const FABRIC_HEALTH_IN_USE: i32 = 1;
/// A service could not reach it: reads leave it out until `next_trial_ms` is over.
pub const FABRIC_HEALTH_LEFT_OUT: i32 = 2;
/// The next read of its group is to find out whether it is back.
pub const FABRIC_HEALTH_ON_TRIAL: i32 = 3;
/// The library, or a request, is finding out.
pub const FABRIC_HEALTH_TRIED: i32 = 4;
/// It is used again after a trial of which nobody told anything bad, and yet nothing has proven it to be back.
pub const FABRIC_HEALTH_UNPROVEN: i32 = 5;

const _: () = {
    assert!(FABRIC_HEALTH_IN_USE == ServerState::InUse as i32);
    assert!(FABRIC_HEALTH_LEFT_OUT == ServerState::LeftOut as i32);
    assert!(FABRIC_HEALTH_ON_TRIAL == ServerState::OnTrial as i32);
    assert!(FABRIC_HEALTH_TRIED == ServerState::Tried as i32);
    assert!(FABRIC_HEALTH_UNPROVEN == ServerState::Unproven as i32);
};

/// The size of `fabric_server_health_t.zone`: 64 bytes, a NUL, and padding.
pub const FABRIC_ZONE_SIZE: usize = 72;

/// What a handle knows of a server. A plain copy that the caller owns. Times are milliseconds.
///
/// @since 0.1.0
#[repr(C)]
#[derive(Clone, Copy)]
pub struct fabric_server_health_t {
    /// The server, its role and its group, as the source lists it.
    pub server: fabric_server_t,
    /// Where it stands, if the source says so; else empty.
    pub zone: [c_char; FABRIC_ZONE_SIZE],
    /// One of FABRIC_HEALTH_*.
    pub state: i32,
    /// The MySQL errno that fabric_report_result() was told last; 0 where it is @ref FABRIC_HEALTH_IN_USE.
    pub reported_errno: i32,
    /// How many failures were reported since it was last known to be there.
    pub reports: u64,
    /// How long ago it was left out; -1 where it is @ref FABRIC_HEALTH_IN_USE.
    pub since_ms: i64,
    /// How long ago it failed last; -1 where it is @ref FABRIC_HEALTH_IN_USE.
    pub failed_ms: i64,
    /// In how long it is tried next, by a login of the library where that has an account, else by one request;
    /// 0 if that is due or goes on. -1 where it is used.
    pub next_trial_ms: i64,
    /// How long ago it has answered the source, where the source asks the servers themselves; -1 where
    /// it does not, or the server never did.
    pub heard_ms: i64,
    /// 0; room for later.
    pub reserved: [u64; 8],
}

impl fabric_server_health_t {
    fn of(known: &KnownServer<'_>) -> Result<Self> {
        let ms = |time: Option<u64>| time.map_or(-1, |ms| i64::try_from(ms).unwrap_or(i64::MAX));
        let ago = |then: Option<u64>| ms(then.map(|then| known.now.saturating_sub(then)));
        let doubt = known.doubt;
        let next_trial = doubt.and_then(|doubt| doubt.next_trial);
        let mut filled = Self {
            server: fabric_server_t::of(known.group, known.server)?,
            zone: [0; FABRIC_ZONE_SIZE],
            state: known.state as i32,
            reported_errno: doubt.map_or(0, |doubt| doubt.errno),
            reports: doubt.map_or(0, |doubt| doubt.reports),
            since_ms: ago(doubt.map(|doubt| doubt.since)),
            failed_ms: ago(doubt.map(|doubt| doubt.failed)),
            next_trial_ms: ms(next_trial.map(|at| at.saturating_sub(known.now))),
            heard_ms: ms(known.heard),
            reserved: [0; 8],
        };
        copy_text(&mut filled.zone, known.server.zone.as_deref().unwrap_or_default(), "zone")?;
        Ok(filled)
    }
}

/// All servers that the handle knows, of a group or of the whole farm, and how they are.
///
/// From memory, as fabric_get_groups(): of groups that have been fetched, in the order of the groups' names,
/// and then of the source's list. Those that never serve are among them.
///
/// @param f         The handle.
/// @param group     A group's name, UTF-8, NUL-terminated; NULL for all groups.
/// @param out       Room for `capacity` servers; may be NULL if `capacity` is 0.
/// @param capacity  How many fit.
/// @param count     Where the number of servers goes, also with FABRIC_ERR_BUFFER_TOO_SMALL.
/// @param err       Where details of a failure go; may be NULL.
/// @retval FABRIC_OK
/// @retval FABRIC_ERR_BUFFER_TOO_SMALL  Nothing was written but `*count`; call again, with room for
///                                      some more: the farm may have grown meanwhile.
/// @retval FABRIC_ERR_UNKNOWN_GROUP     The handle knows no group of this name; it is not asked for.
/// @retval FABRIC_ERR_ARGUMENT, FABRIC_ERR_NULL_POINTER, FABRIC_ERR_INVALID_UTF8
///
/// Never waits for the network. Any thread.
///
/// @since 0.1.0
#[must_use]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn fabric_get_server_health(
    f: *const fabric_t,
    group: *const c_char,
    out: *mut fabric_server_health_t,
    capacity: usize,
    count: *mut usize,
    err: *mut fabric_error_t,
) -> i32 {
    boundary("fabric_get_server_health", err, || {
        // SAFETY: `f` is NULL or a handle that is not freed; `group` is NULL or NUL-terminated; `out` is
        // NULL or has room for `capacity` elements, and `count` is NULL or writable.
        let (f, group, list) = unsafe {
            (
                reference(f, "f")?,
                optional_name(group, "group")?,
                OutList::new(out, capacity, count)?,
            )
        };
        list.set(f.router.server_health(group, fabric_server_health_t::of)?)
    })
}
