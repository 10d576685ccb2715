//! Statuses, and the error a caller may have filled in.

use std::ffi::c_char;

use crate::base::error::Error;

use super::ptr::cut_text;

/// The call did what it says.
pub const FABRIC_OK: i32 = 0;

/// An argument is outside its range: a mode, a scope, an option, an empty name.
pub const FABRIC_ERR_ARGUMENT: i32 = 1;
/// A pointer that must not be NULL is.
pub const FABRIC_ERR_NULL_POINTER: i32 = 2;
/// A string is not UTF-8.
pub const FABRIC_ERR_INVALID_UTF8: i32 = 3;
/// A table name is not of the form `db.table`.
pub const FABRIC_ERR_TABLE_NAME: i32 = 4;
/// Scope LOCAL needs a key.
pub const FABRIC_ERR_KEY_MISSING: i32 = 5;
/// The key is not of the kind the table is sharded by.
pub const FABRIC_ERR_KEY_TYPE: i32 = 6;
/// The list is longer than the buffer; `*count` says how long.
pub const FABRIC_ERR_BUFFER_TOO_SMALL: i32 = 7;

/// No Fabric node could be connected to.
pub const FABRIC_ERR_UNREACHABLE: i32 = 20;
/// A Fabric node did not answer within the time that the options give it, or Fabric as a whole not
/// within what the call may take; the message says what was waited for.
pub const FABRIC_ERR_TIMEOUT: i32 = 21;
/// Fabric refuses the user or the password, or wants some.
pub const FABRIC_ERR_AUTH: i32 = 22;
/// The user lacks the role for this command.
pub const FABRIC_ERR_FORBIDDEN: i32 = 23;
/// TLS failed: an unreadable file, a certificate that does not verify.
pub const FABRIC_ERR_TLS: i32 = 24;
/// A Fabric node sent something that is not an answer.
pub const FABRIC_ERR_PROTOCOL: i32 = 25;
/// A reply is larger than the option allows.
pub const FABRIC_ERR_REPLY_TOO_LARGE: i32 = 26;
/// Fabric answered with an error of its own; the message is Fabric's.
pub const FABRIC_ERR_FABRIC: i32 = 27;
/// No Fabric node is known to ask.
pub const FABRIC_ERR_NOT_SEEDED: i32 = 28;
/// The topology file cannot be read, or is refused; the message says why.
pub const FABRIC_ERR_FILE: i32 = 29;
/// A MySQL server that the handle asks itself, such as the one of Fabric's state store, answered a
/// statement with an error; the message has the server's number and words.
pub const FABRIC_ERR_MYSQL: i32 = 30;

/// Fabric shards no table of this name (MySQL errno 1051).
pub const FABRIC_ERR_UNKNOWN_TABLE: i32 = 40;
/// Fabric lists no server of a group of this name.
pub const FABRIC_ERR_UNKNOWN_GROUP: i32 = 41;
/// The group has no server for this request at the moment.
pub const FABRIC_ERR_NO_SERVER: i32 = 42;
/// The tables lie in different groups for this key.
pub const FABRIC_ERR_DIFFERENT_SHARDS: i32 = 43;
/// No shard holds the key: it is below the lowest bound or beyond signed 64 bits.
pub const FABRIC_ERR_KEY_OUT_OF_RANGE: i32 = 44;
/// The table's sharding cannot be understood; other tables are not affected.
pub const FABRIC_ERR_UNSUPPORTED_SHARDING: i32 = 45;
/// Fabric has not answered for longer than the options allow. Try again.
pub const FABRIC_ERR_STALE: i32 = 46;
/// No event waits to be taken.
pub const FABRIC_ERR_NO_EVENT: i32 = 47;
/// The group's primary refused writes and nobody knows yet where they go now, or the shard is READ_ONLY
/// in its shard map, as while it is moved. Wait a little and ask again, or use one of the `_wait` calls.
pub const FABRIC_ERR_WRITE_HELD: i32 = 48;
/// Fabric stopped listing the shard that holds the key: it is disabled or was removed. Try again
/// later.
pub const FABRIC_ERR_SHARD_UNAVAILABLE: i32 = 49;
/// Of many keys, some have no server, each with a status of its own; the others have theirs.
pub const FABRIC_ERR_SOME_KEYS: i32 = 50;

/// The answer is not known yet, and the call may not wait: its deadline is 0, the lookup timeout is,
/// or it is made in a callback. Fabric is being asked; @ref FABRIC_EVENT_FETCHED tells when it has
/// answered.
pub const FABRIC_ERR_WOULD_BLOCK: i32 = 60;
/// fabric_interrupt() ended the wait.
pub const FABRIC_ERR_INTERRUPTED: i32 = 61;
/// The system has no thread, descriptor or entropy left. Nothing is wrong with the call: make room
/// (raise the limit of processes or of open files, close some descriptors) and try again.
pub const FABRIC_ERR_SYSTEM: i32 = 62;

/// An internal error of the library. The handle can be used on.
pub const FABRIC_ERR_PANIC: i32 = 99;

/// The size of `fabric_error_t.message`, its terminating NUL included.
pub const FABRIC_MESSAGE_SIZE: usize = 512;

/// What went wrong, for the caller that wants to know.
///
/// Owned by the caller, on its stack as a rule; nothing in it needs freeing. A call writes it
/// only when it fails.
///
/// @since 0.1.0
#[repr(C)]
pub struct fabric_error_t {
    /// The status that the call returned.
    pub code: i32,
    /// What fabric_status_mysql_errno() says of `code`: the MySQL errno that fits, for callers that hand it
    /// on; 0 where none does.
    pub mysql_errno: i32,
    /// A sentence that names the value and the remedy, in UTF-8, NUL-terminated. A longer one
    /// is cut at a character.
    pub message: [c_char; FABRIC_MESSAGE_SIZE],
    /// What fabric_status_is_retryable() says of `code`: 1 if the same call may succeed later
    /// although nobody corrects anything, else 0.
    pub retryable: i32,
    /// 0; room for later.
    pub reserved0: i32,
    /// 0; room for later.
    pub reserved: [u64; 4],
}

/// # Safety
/// `err` is NULL or points to a writable `fabric_error_t`.
pub(super) unsafe fn write_error(err: *mut fabric_error_t, error: &Error) {
    if err.is_null() {
        return;
    }
    let mut message = [0; FABRIC_MESSAGE_SIZE];
    cut_text(&mut message, &error.message);
    let value = fabric_error_t {
        code: error.code as i32,
        mysql_errno: error.code.mysql_errno(),
        message,
        retryable: error.code.is_retryable().into(),
        reserved0: 0,
        reserved: [0; 4],
    };
    // SAFETY: `err` is not NULL, and so it points to a writable fabric_error_t.
    unsafe { err.write(value) };
}

#[cfg(test)]
mod tests {
    use std::mem::offset_of;

    use crate::base::error::Code;

    use super::*;

    #[test]
    fn the_constants_are_the_codes() {
        let pairs = [
            (FABRIC_ERR_ARGUMENT, Code::Argument),
            (FABRIC_ERR_NULL_POINTER, Code::NullPointer),
            (FABRIC_ERR_INVALID_UTF8, Code::InvalidUtf8),
            (FABRIC_ERR_TABLE_NAME, Code::TableName),
            (FABRIC_ERR_KEY_MISSING, Code::KeyMissing),
            (FABRIC_ERR_KEY_TYPE, Code::KeyType),
            (FABRIC_ERR_BUFFER_TOO_SMALL, Code::BufferTooSmall),
            (FABRIC_ERR_UNREACHABLE, Code::Unreachable),
            (FABRIC_ERR_TIMEOUT, Code::Timeout),
            (FABRIC_ERR_AUTH, Code::Auth),
            (FABRIC_ERR_FORBIDDEN, Code::Forbidden),
            (FABRIC_ERR_TLS, Code::Tls),
            (FABRIC_ERR_PROTOCOL, Code::Protocol),
            (FABRIC_ERR_REPLY_TOO_LARGE, Code::ReplyTooLarge),
            (FABRIC_ERR_FABRIC, Code::Fabric),
            (FABRIC_ERR_NOT_SEEDED, Code::NotSeeded),
            (FABRIC_ERR_FILE, Code::File),
            (FABRIC_ERR_MYSQL, Code::Mysql),
            (FABRIC_ERR_UNKNOWN_TABLE, Code::UnknownTable),
            (FABRIC_ERR_UNKNOWN_GROUP, Code::UnknownGroup),
            (FABRIC_ERR_NO_SERVER, Code::NoServer),
            (FABRIC_ERR_DIFFERENT_SHARDS, Code::DifferentShards),
            (FABRIC_ERR_KEY_OUT_OF_RANGE, Code::KeyOutOfRange),
            (FABRIC_ERR_UNSUPPORTED_SHARDING, Code::UnsupportedSharding),
            (FABRIC_ERR_STALE, Code::Stale),
            (FABRIC_ERR_NO_EVENT, Code::NoEvent),
            (FABRIC_ERR_WRITE_HELD, Code::WriteHeld),
            (FABRIC_ERR_SHARD_UNAVAILABLE, Code::ShardUnavailable),
            (FABRIC_ERR_SOME_KEYS, Code::SomeKeys),
            (FABRIC_ERR_WOULD_BLOCK, Code::WouldBlock),
            (FABRIC_ERR_INTERRUPTED, Code::Interrupted),
            (FABRIC_ERR_SYSTEM, Code::System),
            (FABRIC_ERR_PANIC, Code::Panic),
        ];
        for (constant, code) in pairs {
            assert_eq!(constant, code as i32);
        }
        let mut codes: Vec<i32> = pairs.iter().map(|(constant, _)| *constant).collect();
        codes.sort_unstable();
        assert_eq!(codes, Code::ALL.iter().map(|code| *code as i32).collect::<Vec<_>>());
    }

    /// Programs have it on their stacks: what is added goes into the reserve.
    #[test]
    fn the_error_has_its_layout() {
        assert_eq!(size_of::<fabric_error_t>(), 560);
        assert_eq!(offset_of!(fabric_error_t, code), 0);
        assert_eq!(offset_of!(fabric_error_t, mysql_errno), 4);
        assert_eq!(offset_of!(fabric_error_t, message), 8);
        assert_eq!(offset_of!(fabric_error_t, retryable), 520);
        assert_eq!(offset_of!(fabric_error_t, reserved0), 524);
        assert_eq!(offset_of!(fabric_error_t, reserved), 528);
    }
}
