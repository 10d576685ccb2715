//! What happens to a handle, handed to C: by a callback, or from a queue with a descriptor.

use std::ffi::{c_char, c_int, c_void};

use crate::base::thread::as_the_service;
use crate::observe::events::{Delivery, Kind, Listener};

use super::boundary::{boundary, boundary_value};
use super::error::{FABRIC_OK, fabric_error_t};
use super::handle::fabric_t;
use super::log::fabric_free_t;
use super::options::{fabric_options_t, set};
use super::ptr::{Out, copy_text, reference};
use super::server::{FABRIC_GROUP_SIZE, FABRIC_UUID_SIZE};

/// The handle has its first shard map or group: lookups can be answered.
pub const FABRIC_EVENT_READY: i32 = 1;
/// A new topology is in use, the first one included; `generation` is its number, as
/// fabric_topology_generation() counts them. At most one of these waits for a consumer: it gives way
/// to the next, which tells of both, and counts as no event lost.
pub const FABRIC_EVENT_TOPOLOGY_CHANGED: i32 = 2;
/// The writes of `group` go to another server, `server_uuid`, or to none if it is empty. Comes
/// after the TOPOLOGY_CHANGED of the same generation, unless that gave way to a newer one.
pub const FABRIC_EVENT_PRIMARY_CHANGED: i32 = 3;
/// Server `server_uuid` of `group` is not chosen for now: it was reported to have failed while it
/// was in use.
pub const FABRIC_EVENT_SERVER_QUARANTINED: i32 = 4;
/// Server `server_uuid` of `group` is proven to be back: fabric_report_result() told 0 of it, or
/// Fabric lists it again after it did not, or as the primary again after it was that no more. A
/// server that is in use again without proof (see fabric_options_set_quarantine_ms()) is not told
/// of.
pub const FABRIC_EVENT_SERVER_BACK: i32 = 5;
/// A refresh failed on all Fabric nodes, after one that succeeded. Lookups go on from what is
/// known.
pub const FABRIC_EVENT_FABRIC_LOST: i32 = 6;
/// A refresh succeeded after FABRIC_EVENT_FABRIC_LOST. Comes after the changes it brought.
pub const FABRIC_EVENT_FABRIC_BACK: i32 = 7;
/// A fetch is over that a call left to itself: one that answered FABRIC_ERR_WOULD_BLOCK, or ran out
/// of time. `status` says how it ended. Whoever got FABRIC_ERR_WOULD_BLOCK may ask again now.
pub const FABRIC_EVENT_FETCHED: i32 = 8;
/// Writes to `group` are held: its primary, `server_uuid`, refused one as read-only. See
/// fabric_options_set_least_write_hold_ms().
pub const FABRIC_EVENT_WRITES_HELD: i32 = 9;
/// Writes to `group` are held no longer. `server_uuid` is the primary that refused one. Comes after
/// the changes that ended the hold, if it was not time.
pub const FABRIC_EVENT_WRITES_RELEASED: i32 = 10;
/// Fabric stopped listing shards of `table`, or the handle began with a file that has some held: their
/// keys answer FABRIC_ERR_SHARD_UNAVAILABLE. `held_shards` are held now, these among them. One event
/// for a table and change, however many shards it is. Comes after the TOPOLOGY_CHANGED of the same
/// generation. See fabric_options_set_vanished_hold_ms().
pub const FABRIC_EVENT_SHARD_HELD: i32 = 11;
/// Shards of `table` are held no longer: they are listed again, Fabric said where their keys are, the
/// time of the hold is over, fabric_reset_cache() has the map taken as it is, or the table is not
/// listed any more or cannot be used, which its lookups then say. `held_shards` others still are.
pub const FABRIC_EVENT_SHARD_RELEASED: i32 = 12;

/// The size of the name of a table, `schema.table`: 64 characters each, as MySQL has them, up to three
/// bytes a character, a NUL, and padding.
pub const FABRIC_TABLE_SIZE: usize = 392;

/// Something that happened to a handle. A plain copy; nothing in it needs freeing.
///
/// Strings are UTF-8 and NUL-terminated, and empty where the event is not about such a thing,
/// or a name is longer than Fabric's schema or MySQL allows.
///
/// @since 0.1.0
#[repr(C)]
#[derive(Clone, Copy)]
pub struct fabric_event_t {
    /// One of FABRIC_EVENT_*. More may come with later versions: pass over those you do not know.
    pub kind: i32,
    /// With @ref FABRIC_EVENT_FETCHED, @ref FABRIC_OK or the status that the fetch failed with;
    /// @ref FABRIC_OK with all others.
    pub status: i32,
    /// The number of the topology that was in use when it happened.
    pub generation: u64,
    /// How many events this consumer lost since the one it got before, because more than 256
    /// waited. 0 means that nothing was missed.
    ///
    /// What goes first is what a later event about the same has overtaken: about the primary or the
    /// writes of the same group, the same server, the shards of the same table, or Fabric. So a
    /// failover is never lost to whatever happens elsewhere, and what a consumer hears last of each
    /// is how things are, unless more than 16,384 of them wait: then the oldest about a table goes,
    /// or the oldest of all if there is none.
    pub lost_before: u64,
    /// How long ago it happened, in milliseconds, at the time it was handed over.
    pub age_ms: i64,
    /// With @ref FABRIC_EVENT_SHARD_HELD and @ref FABRIC_EVENT_SHARD_RELEASED, how many shards of
    /// `table` are held then; 0 with all others.
    pub held_shards: u64,
    /// The group it is about.
    pub group: [c_char; FABRIC_GROUP_SIZE],
    /// The server it is about.
    pub server_uuid: [c_char; FABRIC_UUID_SIZE],
    /// The table it is about, `schema.table`.
    pub table: [c_char; FABRIC_TABLE_SIZE],
    /// 0; room for later.
    pub reserved: [u64; 8],
}

impl fabric_event_t {
    fn of(delivery: &Delivery) -> Self {
        let Delivery { event, lost_before, age } = delivery;
        let mut filled = Self {
            kind: event.kind as i32,
            status: event.failure.map_or(FABRIC_OK, |code| code as i32),
            generation: event.generation,
            lost_before: *lost_before,
            age_ms: i64::try_from(*age).unwrap_or(i64::MAX),
            held_shards: event.held_shards as u64,
            group: [0; FABRIC_GROUP_SIZE],
            server_uuid: [0; FABRIC_UUID_SIZE],
            table: [0; FABRIC_TABLE_SIZE],
            reserved: [0; 8],
        };
        // What is too long stays empty: a lookup of such a group is refused with the reason.
        let _ = copy_text(&mut filled.group, &event.group, "group name");
        let _ = copy_text(&mut filled.server_uuid, &event.server, "server UUID");
        let _ = copy_text(&mut filled.table, &event.table, "table name");
        filled
    }
}

/// Receives a handle's events, one at a time and in order.
///
/// `event` is valid during the call only. The callback runs on a thread that the handle starts
/// for its first event and ends in fabric_free(), under no lock of the library, and nobody waits
/// for it: refreshes, reports and lookups go on while it runs. Events that happen meanwhile wait,
/// 256 of them and the newest about each group, server and table; how many were lost is in `lost_before`
/// and in fabric_metrics_t.
///
/// It may make any call on the handle, but none waits there: one that would have to wait for Fabric
/// answers FABRIC_ERR_WOULD_BLOCK. fabric_free() may be the last of them; nothing is delivered
/// after it. It must not throw a C++ exception or leave with longjmp() or pthread_exit(), and a
/// child that it forks must end in it, with exec() or _exit(). A child that is forked elsewhere has
/// a thread of its own from its own first event on, and none of its parent's events. It runs with the signal mask of the thread of the service that had the handle's thread
/// started, so a program that it starts is as one that the service starts; see fabric_new().
///
/// @since 0.1.0
pub type fabric_event_callback_t =
    Option<unsafe extern "C" fn(event: *const fabric_event_t, userdata: *mut c_void)>;

struct EventCallback {
    callback: unsafe extern "C" fn(*const fabric_event_t, *mut c_void),
    userdata: *mut c_void,
    free: fabric_free_t,
}

// SAFETY: the header asks for a callback and a userdata that may be used from any thread.
unsafe impl Send for EventCallback {}
// SAFETY: the header asks for a callback and a userdata that several threads may use at once.
unsafe impl Sync for EventCallback {}

impl EventCallback {
    fn hear(&self, delivery: &Delivery) {
        let event = fabric_event_t::of(delivery);
        // SAFETY: the callback and its userdata are valid until this object is dropped, as the
        // header asks; the event outlives the call.
        as_the_service(|| unsafe { (self.callback)(&event, self.userdata) });
    }
}

impl Drop for EventCallback {
    fn drop(&mut self) {
        if let Some(free) = self.free {
            // SAFETY: `free` is the service's for `userdata`, and called once: this object is
            // dropped once.
            boundary_value((), || as_the_service(|| unsafe { free(self.userdata) }));
        }
    }
}

/// Sets who is called when something happens to the handles made from these options.
///
/// @param options   The options.
/// @param callback  Called for each event; see fabric_event_callback_t. Each handle made from
///                  the options calls it from a thread of its own. NULL for nobody, and no thread.
/// @param userdata  Handed to the callback; may be NULL.
/// @param free      Called with `userdata` when the options and all handles made from them are
///                  freed or told otherwise, also when this call fails; may be NULL.
/// @retval FABRIC_OK, FABRIC_ERR_NULL_POINTER
///
/// Never blocks.
///
/// @since 0.1.0
#[unsafe(no_mangle)]
pub unsafe extern "C" fn fabric_options_set_event_callback(
    options: *mut fabric_options_t,
    callback: fabric_event_callback_t,
    userdata: *mut c_void,
    free: fabric_free_t,
) -> i32 {
    unsafe extern "C" fn no_op(_: *const fabric_event_t, _: *mut c_void) {}
    // The event callback owns the userdata from here on, whatever becomes of the call.
    let registered = EventCallback { callback: callback.unwrap_or(no_op), userdata, free };
    // SAFETY: `options` is NULL or from fabric_options_new(), and used by this thread alone.
    unsafe {
        set("fabric_options_set_event_callback", options, move |config| {
            config.events = match callback {
                Some(_) => Listener::new(move |delivery| registered.hear(delivery)),
                None => Listener::default(),
            };
            Ok(())
        })
    }
}

/// A descriptor for poll(), select(), epoll, kqueue and the like: readable while events wait to
/// be taken with fabric_next_event().
///
/// Events are collected from the first call on, as many as for a callback: call it right after
/// fabric_new() to miss none. The callback, if there is one, gets them as well.
///
/// @param f    The handle.
/// @param fd   Where the descriptor goes: the same one at each call. It is non-blocking and
///             closed on exec; it belongs to the handle, and fabric_free() closes it. Nobody
///             else may close it, read from it, or write to it. A forked child gets one of its
///             own at its first call, which hears of what happens in the child alone; the
///             inherited one remains its parent's.
/// @param err  Where details of a failure go; may be NULL.
/// @retval FABRIC_OK, FABRIC_ERR_NULL_POINTER
/// @retval FABRIC_ERR_SYSTEM  The system has no descriptor left; close some and call again.
///
/// Never waits for the network. Any thread.
///
/// @since 0.1.0
#[must_use]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn fabric_event_fd(
    f: *const fabric_t,
    fd: *mut c_int,
    err: *mut fabric_error_t,
) -> i32 {
    boundary("fabric_event_fd", err, || {
        // SAFETY: `f` is NULL or a handle that is not freed; `fd` is NULL or writable.
        let (f, fd) = unsafe { (reference(f, "f")?, Out::new(fd, "fd")?) };
        fd.set(f.router.event_fd()?);
        Ok(())
    })
}

/// Takes the oldest event that waits. Call it until it answers FABRIC_ERR_NO_EVENT; from then
/// on the descriptor of fabric_event_fd() is not readable until something happens.
///
/// @param f    The handle.
/// @param out  Where the event goes; left alone if there is none.
/// @param err  Where details of a failure go; may be NULL.
/// @retval FABRIC_OK, FABRIC_ERR_NULL_POINTER
/// @retval FABRIC_ERR_NO_EVENT  No event waits, or nobody called fabric_event_fd() in this
///                              process so far.
///
/// Never waits for an event or for the network. Any thread; several threads share the events
/// between them.
///
/// @since 0.1.0
#[must_use]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn fabric_next_event(
    f: *const fabric_t,
    out: *mut fabric_event_t,
    err: *mut fabric_error_t,
) -> i32 {
    boundary("fabric_next_event", err, || {
        // SAFETY: `f` is NULL or a handle that is not freed; `out` is NULL or writable.
        let (f, out) = unsafe { (reference(f, "f")?, Out::new(out, "out")?) };
        out.set(fabric_event_t::of(&f.router.next_event()?));
        Ok(())
    })
}

/// The name of a kind of event, such as "PRIMARY_CHANGED" for @ref FABRIC_EVENT_PRIMARY_CHANGED,
/// for logs and the labels of metrics.
///
/// @param kind  Any number; one that is no FABRIC_EVENT_* gives "unknown event".
/// @return Static text in English, never NULL, never to be freed.
///
/// Never blocks. Any thread.
///
/// @since 0.1.0
#[unsafe(no_mangle)]
pub extern "C" fn fabric_event_name(kind: i32) -> *const c_char {
    boundary_value(c"unknown event".as_ptr(), || {
        Kind::from_number(kind).map_or(c"unknown event", Kind::name).as_ptr()
    })
}
