//! Telling Fabric of failures.

use std::ffi::c_char;

use super::boundary::boundary;
use super::error::fabric_error_t;
use super::handle::fabric_t;
use super::ptr::{name, reference};

/// Tells the library what became of a connection or a statement, so that it routes around what
/// the service found out before Fabric says so.
///
/// | `errno_` | what it means | what happens |
/// |---|---|---|
/// | 0 | all was well | a quarantine of the server ends |
/// | 2002 to 2006, 2013, 2055, 1053 | the server cannot be reached, or went away | reads leave it out at once (see fabric_options_set_quarantine_ms()), unless nobody else is left; Fabric is asked again at once, and told if fabric_options_set_report_errors() says so |
/// | 1290, 1792, 1836 | the server is read-only | if it is its group's primary, writes to the group are held (see fabric_options_set_write_hold_ms()), because it was demoted or a shard is being split or moved; Fabric is asked again at once |
/// | others, such as 1040 (too many connections) | no matter of routing | nothing |
///
/// @param f            The handle.
/// @param server_uuid  The `uuid` of the server, UTF-8, NUL-terminated, not empty. One that the
///                     topology does not know is no error.
/// @param errno_       The MySQL errno, as mysql_errno() gives it, or 0.
/// @param err          Where details of a failure go; may be NULL.
/// @retval FABRIC_OK, FABRIC_ERR_NULL_POINTER, FABRIC_ERR_INVALID_UTF8, FABRIC_ERR_ARGUMENT
///
/// Never waits for the network. With 0 and nothing quarantined, it is a matter of nanoseconds:
/// call it after every statement if you like. Any thread.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn fabric_report_result(
    f: *const fabric_t,
    server_uuid: *const c_char,
    errno_: i32,
    err: *mut fabric_error_t,
) -> i32 {
    boundary("fabric_report_result", err, || {
        // SAFETY: the caller's promise, for both pointers.
        let (f, uuid) = unsafe { (reference(f, "f")?, name(server_uuid, "server_uuid")?) };
        f.router.report_result(uuid, errno_);
        Ok(())
    })
}

/// Tells Fabric that a server could not be reached, if the options ask for it.
///
/// Does nothing unless fabric_options_set_report_errors() turned reports on and `errno_` is
/// 2002, 2003, 2004, 2006, 2013 or one added by fabric_options_add_report_errno(). Then a thread
/// tells Fabric, one report at a time and one of a server in the report window, and asks for the
/// topology when Fabric is done. A report that fails is logged and hurts nobody.
/// fabric_report_result() does the same and more.
///
/// @param f            The handle.
/// @param server_uuid  The `uuid` of the server, UTF-8, NUL-terminated, not empty.
/// @param errno_       The MySQL errno of the failure, as mysql_errno() gives it.
/// @param err          Where details of a failure go; may be NULL.
/// @retval FABRIC_OK   Also when Fabric could not be told.
/// @retval FABRIC_ERR_NULL_POINTER, FABRIC_ERR_INVALID_UTF8, FABRIC_ERR_ARGUMENT
///
/// Never waits for the network. Any thread.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn fabric_report_failure(
    f: *const fabric_t,
    server_uuid: *const c_char,
    errno_: i32,
    err: *mut fabric_error_t,
) -> i32 {
    boundary("fabric_report_failure", err, || {
        // SAFETY: the caller's promise, for both pointers.
        let (f, uuid) = unsafe { (reference(f, "f")?, name(server_uuid, "server_uuid")?) };
        f.router.report_failure(uuid, errno_);
        Ok(())
    })
}
