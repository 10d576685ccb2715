//! Telling Fabric of failures.

use std::ffi::c_char;

use crate::router::report;

use super::boundary::{boundary, boundary_value};
use super::error::fabric_error_t;
use super::handle::fabric_t;
use super::ptr::{driver_text, name, reference};

/// The errno is no matter of routing.
pub const FABRIC_ACTION_NONE: i32 = 0;
/// The connection is lost or of no use any more: close it, and open another one.
pub const FABRIC_ACTION_RECONNECT: i32 = 1;
/// The server does not serve this now: look up again, for another server of the group or the next
/// primary. A statement that was under way may have been executed.
pub const FABRIC_ACTION_RETRY_ELSEWHERE: i32 = 2;
/// What is known of the group may be out of date: fabric_report_result() has the source asked again
/// at once. As long as there is no answer lookups and _wait calls go by what is known, unless writes
/// are held, too: pause a few milliseconds before the same server is tried again.
pub const FABRIC_ACTION_ASK_AGAIN: i32 = 4;
/// fabric_report_result() and fabric_report_failure() tell Fabric, if the options ask for it.
pub const FABRIC_ACTION_REPORT: i32 = 8;
/// fabric_report_result() has the server left out until there is better news of it.
pub const FABRIC_ACTION_QUARANTINE: i32 = 16;
/// fabric_report_result() has the writes to the group held, if the server is its primary.
pub const FABRIC_ACTION_HOLD_WRITES: i32 = 32;

/// What there is to do about a MySQL errno: what the caller should do with the connection and the
/// statement, and what fabric_report_result() does when it is told.
///
/// | errno | what it means | flags (FABRIC_ACTION_*) |
/// |---|---|---|
/// | 2002, 2003, 2004, 2005 | no connection comes about | RECONNECT, RETRY_ELSEWHERE, ASK_AGAIN, REPORT, QUARANTINE |
/// | 2006, 2013, 2055 | the connection was lost | the same |
/// | 1053 | the server shuts down | the same |
/// | 3032, 6400, 6401 | the server is in offline mode, which somebody decided | the same without REPORT |
/// | 1290, 1792, 1836 | the server is read-only | RETRY_ELSEWHERE, ASK_AGAIN, HOLD_WRITES |
/// | 3100, 3101 | Group Replication refused the commit: the member leaves, or the transaction is too large or collided | RETRY_ELSEWHERE, ASK_AGAIN |
/// | 1040, 1129, 1203 | too many connections, or this host is blocked: the server lives | RETRY_ELSEWHERE |
/// | 4031, 3169, 1927 | the server ended this one connection, because it was idle or was killed | RECONNECT |
/// | others, 0 and negative ones among them | no matter of routing | NONE |
///
/// What the drivers call them:
///
/// | what happened | libmysqlclient | libmariadb | go-sql-driver/mysql | PyMySQL |
/// |---|---|---|---|---|
/// | no connection over TCP | 2003 CR_CONN_HOST_ERROR | 2002 CR_CONNECTION_ERROR | `*net.OpError` of the dial: report 2003 | `OperationalError` 2003 |
/// | no connection over a socket file | 2002 CR_CONNECTION_ERROR | 2002 CR_CONNECTION_ERROR | the same: report 2002 | `OperationalError` 2003 |
/// | the host has no address | 2005 CR_UNKNOWN_HOST | 2005 CR_UNKNOWN_HOST | `*net.DNSError`: report 2005 | `OperationalError` 2003 |
/// | the connection was found closed before the statement was sent | 2006 CR_SERVER_GONE_ERROR | 2006 CR_SERVER_GONE_ERROR | `driver.ErrBadConn`: report 2006, or nothing if database/sql tried again | `OperationalError` 2006 |
/// | it was lost during a statement | 2013 CR_SERVER_LOST, 2055 CR_SERVER_LOST_EXTENDED | 2013 CR_SERVER_LOST | `mysql.ErrInvalidConn`, `io.ErrUnexpectedEOF`: report 2013 | `OperationalError` 2013 |
/// | an error of the server's | its number | its number | `*mysql.MySQLError`: its `Number`; with `rejectReadOnly=true` 1290, 1792 and 1836 become `driver.ErrBadConn`, so leave that off and report the number | `args[0]` |
///
/// PyMySQL raises `InterfaceError(0, "")` on a connection that it has closed already: that 0 is no
/// success. Report 2006 for it, or nothing. A cancelled context and a timeout of the caller's own
/// say nothing of the server.
///
/// Two of them may be a matter of the statement alone. 1290 is what a server gives whose option
/// prevents a statement: --read-only or --super-read-only, but also --secure-file-priv;
/// fabric_error_action() and fabric_report_error() tell by the text. 1792 is what a writing statement gives in a transaction that
/// was begun READ ONLY: a service that begins such ones does not report it.
///
/// 2006 is also what an idle connection gives that the server closed long ago (before 8.0.24,
/// which says 4031). One trial ends a quarantine that comes of it; see
/// fabric_options_set_quarantine_ms().
///
/// @param errno_  Any number.
/// @return Flags, or'ed; @ref FABRIC_ACTION_NONE if there is nothing to do. More flags may come
///         with later versions: test for those you know. What fabric_options_add_report_errno()
///         added is not among it.
///
/// Never blocks. Any thread.
///
/// @since 0.1.0
#[unsafe(no_mangle)]
pub extern "C" fn fabric_errno_action(errno_: i32) -> i32 {
    boundary_value(FABRIC_ACTION_NONE, || report::actions(errno_).bits())
}

/// What there is to do about an error of a driver: fabric_errno_action(), by the error's text as well. It is
/// what fabric_report_error() goes by, for those who report later, or nothing.
///
/// The text matters with 1290 alone, where it names the option of the server that prevents the statement.
/// With "read-only" or "read_only" in it, in lower case as servers write it, the server is read-only. Without,
/// as in --secure-file-priv, --skip-grant-tables or --replica-load-tmpdir, it is a matter of the statement:
/// @ref FABRIC_ACTION_NONE.
///
/// @param errno_   Any number.
/// @param message  The text of the error, as mysql_error() gives it, NUL-terminated, in any encoding; NULL if
///                 it is not known, which makes the call fabric_errno_action(). Read with 1290 alone, during
///                 the call.
/// @return Flags, or'ed, as fabric_errno_action() gives them.
///
/// Never blocks. Any thread.
///
/// @since 0.1.0
#[unsafe(no_mangle)]
pub unsafe extern "C" fn fabric_error_action(errno_: i32, message: *const c_char) -> i32 {
    boundary_value(FABRIC_ACTION_NONE, || {
        // SAFETY: `message` is NULL or NUL-terminated.
        report::actions_of_error(errno_, unsafe { text_of(errno_, message) }).bits()
    })
}

/// The text of an error, if it is known and matters.
///
/// # Safety
/// As for [`driver_text`].
unsafe fn text_of<'a>(errno: i32, message: *const c_char) -> Option<&'a [u8]> {
    // SAFETY: `message` is NULL or NUL-terminated.
    if errno == 1290 { unsafe { driver_text(message) } } else { None }
}

/// Tells the library what became of a connection or a statement, so that it routes around what
/// the service found out before Fabric says so.
///
/// What happens follows from fabric_errno_action(), which lists the errnos:
///
/// | what it says of `errno_` | what happens |
/// |---|---|
/// | 0: all was well | a quarantine of the server ends |
/// | @ref FABRIC_ACTION_QUARANTINE | reads leave the server out at once (see fabric_options_set_quarantine_ms()), unless nobody else is left |
/// | @ref FABRIC_ACTION_HOLD_WRITES | if it is its group's primary, writes to the group are held (see fabric_options_set_least_write_hold_ms()), because it was demoted or a shard is being split or moved |
/// | @ref FABRIC_ACTION_ASK_AGAIN | Fabric is asked again at once |
/// | @ref FABRIC_ACTION_REPORT, or an errno of fabric_options_add_report_errno() | Fabric is told, if fabric_options_set_report_errors() says so |
/// | others | nothing |
///
/// @param f            The handle.
/// @param server_uuid  The `uuid` of the server, UTF-8, NUL-terminated, not empty. One that the
///                     topology does not know is no error.
/// @param errno_       The MySQL errno, as mysql_errno() gives it, or 0. See fabric_errno_action()
///                     for drivers that have no such numbers, or give 0 for a failure.
/// @param err          Where details of a failure go; may be NULL.
/// @retval FABRIC_OK, FABRIC_ERR_NULL_POINTER, FABRIC_ERR_INVALID_UTF8, FABRIC_ERR_ARGUMENT
///
/// Never waits for the network. With 0 and nothing quarantined, it is a matter of nanoseconds:
/// call it after every statement if you like. Any thread.
///
/// @since 0.1.0
#[unsafe(no_mangle)]
pub unsafe extern "C" fn fabric_report_result(
    f: *const fabric_t,
    server_uuid: *const c_char,
    errno_: i32,
    err: *mut fabric_error_t,
) -> i32 {
    boundary("fabric_report_result", err, || {
        // SAFETY: `f` is NULL or a handle that is not freed; `server_uuid` is NULL or
        // NUL-terminated.
        let (f, uuid) = unsafe { (reference(f, "f")?, name(server_uuid, "server_uuid")?) };
        f.router.report_result(uuid, errno_);
        Ok(())
    })
}

/// Tells the library of a driver's error, as fabric_report_result() does, with its text, and answers what
/// is left to do: the one call after a statement.
///
/// It differs from fabric_report_result() in 1290 alone, whose text says which option of the server
/// prevents the statement, by the rule of fabric_error_action(): if it is a matter of the statement, nothing
/// happens.
///
/// @param f            The handle.
/// @param server_uuid  The `uuid` of the server, UTF-8, NUL-terminated, not empty. One that the
///                     topology does not know is no error.
/// @param errno_       The MySQL errno, as mysql_errno() gives it, or 0 if all was well.
/// @param message      The text of the error, as mysql_error() gives it, NUL-terminated, in any encoding;
///                     NULL if it is not known, which makes the call as fabric_report_result(). Read
///                     with 1290 alone, during the call.
/// @param actions      Where FABRIC_ACTION_* go, or'ed, as fabric_error_action() gives them; may be NULL.
///                     On failure it is not written.
/// @param err          Where details of a failure go; may be NULL.
/// @retval FABRIC_OK, FABRIC_ERR_NULL_POINTER, FABRIC_ERR_INVALID_UTF8, FABRIC_ERR_ARGUMENT
///
/// Never waits for the network. With 0 and nothing quarantined, it is a matter of nanoseconds. Any thread.
///
/// @since 0.1.0
#[unsafe(no_mangle)]
pub unsafe extern "C" fn fabric_report_error(
    f: *const fabric_t,
    server_uuid: *const c_char,
    errno_: i32,
    message: *const c_char,
    actions: *mut i32,
    err: *mut fabric_error_t,
) -> i32 {
    boundary("fabric_report_error", err, || {
        // SAFETY: `f` is NULL or a handle that is not freed; `server_uuid` is NULL or
        // NUL-terminated.
        let (f, uuid) = unsafe { (reference(f, "f")?, name(server_uuid, "server_uuid")?) };
        // SAFETY: `message` is NULL or NUL-terminated.
        let message = unsafe { text_of(errno_, message) };
        let found = f.router.report_error(uuid, errno_, message);
        if !actions.is_null() {
            // SAFETY: `actions` is not NULL, and so it points to where an int32_t may be written.
            unsafe { actions.write(found.bits()) };
        }
        Ok(())
    })
}

/// Tells Fabric that a server could not be reached, if the options ask for it.
///
/// Does nothing unless fabric_options_set_report_errors() turned reports on and `errno_` is one
/// that fabric_errno_action() gives @ref FABRIC_ACTION_REPORT for, or one added by
/// fabric_options_add_report_errno(). Then a thread tells Fabric, one report at a time and one of a server in the report window, and asks for the
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
///
/// @since 0.1.0
#[unsafe(no_mangle)]
pub unsafe extern "C" fn fabric_report_failure(
    f: *const fabric_t,
    server_uuid: *const c_char,
    errno_: i32,
    err: *mut fabric_error_t,
) -> i32 {
    boundary("fabric_report_failure", err, || {
        // SAFETY: `f` is NULL or a handle that is not freed; `server_uuid` is NULL or
        // NUL-terminated.
        let (f, uuid) = unsafe { (reference(f, "f")?, name(server_uuid, "server_uuid")?) };
        f.router.report_failure(uuid, errno_);
        Ok(())
    })
}

#[cfg(test)]
mod tests {
    use crate::router::report::Actions;

    use super::*;

    #[test]
    fn the_constants_are_the_flags() {
        let pairs = [
            (FABRIC_ACTION_NONE, Actions::NONE),
            (FABRIC_ACTION_RECONNECT, Actions::RECONNECT),
            (FABRIC_ACTION_RETRY_ELSEWHERE, Actions::RETRY_ELSEWHERE),
            (FABRIC_ACTION_ASK_AGAIN, Actions::ASK_AGAIN),
            (FABRIC_ACTION_REPORT, Actions::REPORT),
            (FABRIC_ACTION_QUARANTINE, Actions::QUARANTINE),
            (FABRIC_ACTION_HOLD_WRITES, Actions::HOLD_WRITES),
        ];
        for (constant, flag) in pairs {
            assert_eq!(constant, flag.bits());
        }
    }
}
