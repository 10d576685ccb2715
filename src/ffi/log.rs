//! A handle's log, handed to C.

use std::ffi::{CString, c_char, c_void};

use crate::base::thread::as_the_service;
use crate::observe::log::{Level, Log};

use super::boundary::boundary_value;

/// Something failed and a caller will see it. Of many who wait for the same the first tells; what a caller
/// has ended itself, by its deadline or fabric_interrupt(), is @ref FABRIC_LOG_DEBUG.
pub const FABRIC_LOG_ERROR: i32 = 1;
/// Something is not as it should be, and the handle goes on: a mapping that cannot be
/// understood, an old topology that stays in use.
pub const FABRIC_LOG_WARNING: i32 = 2;
/// A node that did not answer while another one may.
pub const FABRIC_LOG_INFO: i32 = 3;
/// For the developers of the library.
pub const FABRIC_LOG_DEBUG: i32 = 4;

/// Receives a handle's messages.
///
/// `message` is UTF-8, NUL-terminated, without passwords, and valid during the call only. The
/// callback runs on the thread that has something to say, never under a lock of the library,
/// and possibly on several threads at once, while that thread may be asking Fabric. It may call
/// the library, but no call waits there: one that would have to wait for Fabric answers
/// FABRIC_ERR_WOULD_BLOCK. It must not free the handle, throw a C++ exception, or leave with
/// longjmp() or pthread_exit(). It runs with the signal mask of the service, on a thread of the
/// library with that of the thread that had it started; see fabric_new(). A child that it forks
/// must end in it, with exec() or _exit().
///
/// @since 0.1.0
pub type fabric_log_t =
    Option<unsafe extern "C" fn(level: i32, message: *const c_char, userdata: *mut c_void)>;

/// Frees what `userdata` points at.
///
/// @since 0.1.0
pub type fabric_free_t = Option<unsafe extern "C" fn(userdata: *mut c_void)>;

struct Listener {
    callback: unsafe extern "C" fn(i32, *const c_char, *mut c_void),
    userdata: *mut c_void,
    free: fabric_free_t,
}

// SAFETY: the header asks for a callback and a userdata that may be used from any thread.
unsafe impl Send for Listener {}
// SAFETY: the header asks for a callback and a userdata that several threads may use at once.
unsafe impl Sync for Listener {}

impl Listener {
    fn hear(&self, level: Level, message: &str) {
        let message = CString::new(message.replace('\0', "\u{FFFD}")).unwrap_or_default();
        // SAFETY: the callback and its userdata are valid until the listener is dropped, as
        // the header asks; the message outlives the call.
        as_the_service(|| unsafe {
            (self.callback)(level as i32, message.as_ptr(), self.userdata);
        });
    }
}

impl Drop for Listener {
    fn drop(&mut self) {
        if let Some(free) = self.free {
            // SAFETY: `free` is the service's for `userdata`, and called once: this object is
            // dropped once.
            boundary_value((), || as_the_service(|| unsafe { free(self.userdata) }));
        }
    }
}

/// The log that calls back into C. `free` runs when the last user of the log is gone.
pub(super) fn log_to(
    level: Level,
    callback: unsafe extern "C" fn(i32, *const c_char, *mut c_void),
    userdata: *mut c_void,
    free: fabric_free_t,
) -> Log {
    let listener = Listener { callback, userdata, free };
    Log::new(level, move |level, message| listener.hear(level, message))
}
