//! A sharding key as C hands it over.

use std::ffi::c_char;
use std::ptr;

use super::boundary::plain_boundary;

/// The kind of a key made by fabric_key_int().
pub const FABRIC_KEY_INT: i32 = 1;
/// The kind of a key made by fabric_key_text().
pub const FABRIC_KEY_TEXT: i32 = 2;
/// The kind of a key made by fabric_key_uint() of more than INT64_MAX.
pub const FABRIC_KEY_UINT: i32 = 3;

/// A sharding key. Make it with fabric_key_int(), fabric_key_uint() or fabric_key_text().
///
/// Passed around by value; it owns nothing. A text key points at the caller's bytes, which must
/// stay unchanged for the call that uses it.
///
/// @since 0.1.0
#[repr(C)]
#[derive(Clone, Copy)]
pub struct fabric_key_t {
    /// @ref FABRIC_KEY_INT, @ref FABRIC_KEY_TEXT or @ref FABRIC_KEY_UINT.
    pub kind: i32,
    /// 0; room for later.
    pub reserved: i32,
    /// The value of an integer key; of @ref FABRIC_KEY_UINT its 64 bits.
    pub integer: i64,
    /// The bytes of a text key, in UTF-8; not NUL-terminated.
    pub text: *const c_char,
    /// The number of bytes at `text`.
    pub length: usize,
}

/// An integer key: for RANGE, RANGE_INTEGER and HASH.
///
/// HASH takes it as its decimal text, as the server does.
///
/// @param value  Any signed 64-bit integer.
/// @return The key, by value; nothing to free.
///
/// Never blocks. Any thread.
///
/// @since 0.1.0
#[unsafe(no_mangle)]
pub extern "C" fn fabric_key_int(value: i64) -> fabric_key_t {
    let key = fabric_key_t {
        kind: FABRIC_KEY_INT,
        reserved: 0,
        integer: value,
        text: ptr::null(),
        length: 0,
    };
    plain_boundary(key)
}

/// An integer key of a column without a sign (BIGINT UNSIGNED): for RANGE, RANGE_INTEGER and HASH.
///
/// RANGE and RANGE_INTEGER have bounds of 64 bits with a sign; what is above them all belongs to the
/// highest shard, as the server decides. HASH takes the key as its decimal text. RANGE_STRING and
/// RANGE_DATETIME refuse it, as they do fabric_key_int(): FABRIC_ERR_KEY_TYPE.
///
/// @param value  Any unsigned 64-bit integer. Up to INT64_MAX it makes the key that
///               fabric_key_int() makes.
/// @return The key, by value; nothing to free.
///
/// Never blocks. Any thread.
///
/// @since 0.1.0
#[unsafe(no_mangle)]
pub extern "C" fn fabric_key_uint(value: u64) -> fabric_key_t {
    let integer = value as i64;
    let key = fabric_key_t {
        kind: if integer < 0 { FABRIC_KEY_UINT } else { FABRIC_KEY_INT },
        reserved: 0,
        integer,
        text: ptr::null(),
        length: 0,
    };
    plain_boundary(key)
}

/// A text key: a string or a date and time, in UTF-8.
///
/// - HASH and RANGE_STRING take any text, the empty one among them.
/// - RANGE_DATETIME takes `YYYY-MM-DD`, `YYYY-MM-DD hh:mm[:ss[.fraction]]` (a blank or a `T`
///   between), `YYYYMMDD` and `YYYYMMDDhhmmss[.fraction]`, without a time zone. Fractions
///   round to whole seconds, half up, as the server's CAST does. Month and day may be 00, as MySQL
///   allows it: `2010-05-00` comes before the first of May. A fraction that would round such a date
///   up is refused, as the server refuses it.
/// - RANGE and RANGE_INTEGER take a plain decimal integer of any length, "-12" or "+7" or "007".
///   Above 2^63 - 1 it belongs to the highest shard, and below -2^63 to none:
///   FABRIC_ERR_KEY_OUT_OF_RANGE.
///
/// @param text    The bytes; need no terminating NUL; may be NULL if `length` is 0. They are
///                not copied: they must stay until the call that uses the key returns.
/// @param length  The number of bytes, 1048576 (1 MiB) at most: a lookup of more answers
///                FABRIC_ERR_ARGUMENT. It takes time in proportion to them.
/// @return The key, by value; nothing to free. What is wrong with it (NULL, not UTF-8) is said
///         by the call that uses it.
///
/// Never blocks. Any thread.
///
/// @since 0.1.0
#[unsafe(no_mangle)]
pub extern "C" fn fabric_key_text(text: *const c_char, length: usize) -> fabric_key_t {
    let key = fabric_key_t { kind: FABRIC_KEY_TEXT, reserved: 0, integer: 0, text, length };
    plain_boundary(key)
}
