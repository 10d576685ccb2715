//! What a status means.

use std::ffi::c_char;

use crate::base::error::Code;

use super::boundary::boundary_value;
use super::error::*;

/// A short text for a status, such as "unknown table" for @ref FABRIC_ERR_UNKNOWN_TABLE.
///
/// @param code  Any number; one that is no status gives "unknown status".
/// @return Static text in English, never NULL, never to be freed.
///
/// Never blocks. Any thread.
///
/// @since 0.1.0
#[unsafe(no_mangle)]
pub extern "C" fn fabric_strerror(code: i32) -> *const c_char {
    boundary_value(c"unknown status".as_ptr(), || {
        let text = match code {
            FABRIC_OK => c"success",
            FABRIC_ERR_ARGUMENT => c"argument out of range",
            FABRIC_ERR_NULL_POINTER => c"NULL pointer",
            FABRIC_ERR_INVALID_UTF8 => c"invalid UTF-8",
            FABRIC_ERR_TABLE_NAME => c"malformed table name",
            FABRIC_ERR_KEY_MISSING => c"key missing",
            FABRIC_ERR_KEY_TYPE => c"key of the wrong type",
            FABRIC_ERR_BUFFER_TOO_SMALL => c"buffer too small",
            FABRIC_ERR_UNREACHABLE => c"Fabric unreachable",
            FABRIC_ERR_TIMEOUT => c"Fabric timed out",
            FABRIC_ERR_AUTH => c"authentication failed",
            FABRIC_ERR_FORBIDDEN => c"not permitted by Fabric",
            FABRIC_ERR_TLS => c"TLS failure",
            FABRIC_ERR_PROTOCOL => c"protocol violation",
            FABRIC_ERR_REPLY_TOO_LARGE => c"reply too large",
            FABRIC_ERR_FABRIC => c"error reported by Fabric",
            FABRIC_ERR_NOT_SEEDED => c"no Fabric node known",
            FABRIC_ERR_FILE => c"topology file refused",
            FABRIC_ERR_MYSQL => c"error reported by a MySQL server",
            FABRIC_ERR_UNKNOWN_TABLE => c"unknown table",
            FABRIC_ERR_UNKNOWN_GROUP => c"unknown group",
            FABRIC_ERR_NO_SERVER => c"no server available",
            FABRIC_ERR_DIFFERENT_SHARDS => c"tables in different shards",
            FABRIC_ERR_KEY_OUT_OF_RANGE => c"key out of range",
            FABRIC_ERR_UNSUPPORTED_SHARDING => c"unsupported sharding",
            FABRIC_ERR_STALE => c"topology too old",
            FABRIC_ERR_NO_EVENT => c"no event waits",
            FABRIC_ERR_WRITE_HELD => c"writes held",
            FABRIC_ERR_SHARD_UNAVAILABLE => c"shard unavailable",
            FABRIC_ERR_SOME_KEYS => c"some keys without a server",
            FABRIC_ERR_WOULD_BLOCK => c"would block",
            FABRIC_ERR_INTERRUPTED => c"interrupted",
            FABRIC_ERR_SYSTEM => c"system resources exhausted",
            FABRIC_ERR_PANIC => c"internal error",
            _ => c"unknown status",
        };
        text.as_ptr()
    })
}

/// Whether the same call may succeed later although nobody corrects anything: a Fabric node that
/// did not answer may do so, a group without a primary gets one, writes that are held are let go.
///
/// | answer | statuses |
/// |---|---|
/// | 1 | @ref FABRIC_ERR_UNREACHABLE, @ref FABRIC_ERR_TIMEOUT, @ref FABRIC_ERR_PROTOCOL, @ref FABRIC_ERR_NO_SERVER, @ref FABRIC_ERR_STALE, @ref FABRIC_ERR_NO_EVENT, @ref FABRIC_ERR_WRITE_HELD, @ref FABRIC_ERR_SHARD_UNAVAILABLE, @ref FABRIC_ERR_WOULD_BLOCK, @ref FABRIC_ERR_INTERRUPTED, @ref FABRIC_ERR_SYSTEM |
/// | 0 | all others, success and numbers that are no status among them |
///
/// Wait a little before the retry, and limit their number: some of these last until an operator
/// acts. Of @ref FABRIC_ERR_SOME_KEYS each key has a status of its own, which is what to ask about.
/// A retry of fabric_execute() may run a command twice. fabric_error_t has the answer in
/// `retryable`.
///
/// @param code  Any number.
/// @return 1 or 0.
///
/// Never blocks. Any thread.
///
/// @since 0.1.0
#[unsafe(no_mangle)]
pub extern "C" fn fabric_status_is_retryable(code: i32) -> i32 {
    boundary_value(0, || Code::from_number(code).is_some_and(Code::is_retryable).into())
}

/// The MySQL errno that fits a status, for callers that hand a number on: what fabric_error_t has in
/// `mysql_errno`.
///
/// | answer | statuses |
/// |---|---|
/// | 1045 | @ref FABRIC_ERR_AUTH |
/// | 1051 | @ref FABRIC_ERR_UNKNOWN_TABLE |
/// | 1370 | @ref FABRIC_ERR_FORBIDDEN |
/// | 2003 | @ref FABRIC_ERR_UNREACHABLE, @ref FABRIC_ERR_NOT_SEEDED |
/// | 2013 | @ref FABRIC_ERR_TIMEOUT |
/// | 2026 | @ref FABRIC_ERR_TLS |
/// | 2027 | @ref FABRIC_ERR_PROTOCOL, @ref FABRIC_ERR_REPLY_TOO_LARGE |
/// | 0 | all others, success and numbers that are no status among them |
///
/// It says nothing of the server that a statement went to: never report it.
///
/// @param code  Any number.
/// @return The errno, or 0.
///
/// Never blocks. Any thread.
///
/// @since 0.1.0
#[unsafe(no_mangle)]
pub extern "C" fn fabric_status_mysql_errno(code: i32) -> i32 {
    boundary_value(0, || Code::from_number(code).map_or(0, Code::mysql_errno))
}
