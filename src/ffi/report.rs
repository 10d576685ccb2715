//! Telling Fabric of failures.

use std::ffi::c_char;

use super::boundary::boundary;
use super::error::fabric_error_t;
use super::handle::fabric_t;
use super::ptr::{name, reference};

/// Tells the library, and Fabric if the options ask for it, that a server could not be reached.
///
/// Does nothing unless fabric_options_set_report_errors() turned reports on and `errno_` is
/// 2002, 2003, 2004, 2006, 2013 or one added by fabric_options_add_report_errno(). Then Fabric
/// gets the report, and the next lookup of the server's group asks Fabric again. A report that
/// fails is logged and hurts nobody.
///
/// @param f            The handle.
/// @param server_uuid  The `uuid` of the server, UTF-8, NUL-terminated, not empty.
/// @param errno_       The MySQL errno of the failure, as mysql_errno() gives it.
/// @param err          Where details of a failure go; may be NULL.
/// @retval FABRIC_OK   Also when Fabric could not be told.
/// @retval FABRIC_ERR_NULL_POINTER, FABRIC_ERR_INVALID_UTF8, FABRIC_ERR_ARGUMENT
///
/// Blocks for one request to each Fabric node at most, when it reports. Any thread.
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
