//! The arguments of lookups, read from what C hands over, by warm calls and all others alike.

use crate::base::error::{Code, Error};
use crate::router::Scope;
use crate::router::resolve::ShardKey;
use crate::topology::{Key, Status, Wanted};

use super::key::{FABRIC_KEY_INT, FABRIC_KEY_TEXT, FABRIC_KEY_UINT, fabric_key_t};
use super::ptr::{Parsed, key_text};
use super::server::{
    FABRIC_MODE_NONE, FABRIC_MODE_READONLY, FABRIC_MODE_READWRITE, FABRIC_MODE_WRITEONLY,
    FABRIC_SCOPE_GLOBAL, FABRIC_SCOPE_LOCAL, FABRIC_STATUS_NONE,
};

/// A key; NULL is none.
///
/// # Safety
/// `pointer` is NULL or points to a key whose text, if it is one, is valid for `'a`.
#[inline(always)]
pub(super) unsafe fn key<'a>(pointer: *const fabric_key_t) -> Parsed<Option<Key<'a>>> {
    // SAFETY: `pointer` is NULL or points to a key.
    let Some(key) = (unsafe { pointer.as_ref() }) else { return Ok(None) };
    match key.kind {
        FABRIC_KEY_INT => Ok(Some(Key::Integer(key.integer))),
        FABRIC_KEY_UINT => Ok(Some(Key::Unsigned(key.integer as u64))),
        FABRIC_KEY_TEXT => {
            // SAFETY: the text of the key is NULL or has `length` bytes that are valid for `'a`.
            let text = unsafe { key_text(key.text, key.length, "key.text") }?;
            Ok(Some(Key::Text(text)))
        }
        kind => Err(no_kind(kind)),
    }
}

/// The integer that a key of a shard is, if it is one. Most are: calls that look only for such a key
/// are compiled apart, and need not carry the rest along.
///
/// # Safety
/// As for [`key`].
#[inline(always)]
pub(super) unsafe fn integer(pointer: *const fabric_key_t, scope: i32) -> Option<i64> {
    // SAFETY: `pointer` is NULL or points to a key.
    let key = unsafe { pointer.as_ref() }?;
    (key.kind == FABRIC_KEY_INT && scope == FABRIC_SCOPE_LOCAL).then_some(key.integer)
}

/// What tells the group of a table.
///
/// # Safety
/// As for [`key`].
#[inline(always)]
pub(super) unsafe fn shard_key<'a>(
    pointer: *const fabric_key_t,
    number: i32,
) -> Parsed<ShardKey<'a>> {
    // SAFETY: `pointer` is NULL or points to a key whose text is valid for `'a`.
    let key = unsafe { key(pointer) }?;
    Ok(scope(number)?.shard_key(key))
}

#[inline(always)]
pub(super) fn scope(number: i32) -> Parsed<Scope> {
    match number {
        FABRIC_SCOPE_LOCAL => Ok(Scope::Local),
        FABRIC_SCOPE_GLOBAL => Ok(Scope::Global),
        _ => Err(no_scope(number)),
    }
}

/// What a mode wants.
#[inline(always)]
pub(super) fn wanted(mode: i32) -> Parsed<Wanted> {
    match mode {
        FABRIC_MODE_NONE | FABRIC_MODE_READONLY => Ok(Wanted::Reader),
        FABRIC_MODE_WRITEONLY | FABRIC_MODE_READWRITE => Ok(Wanted::Primary),
        _ => Err(no_mode(mode)),
    }
}

/// What a mode or a status wants.
#[inline(always)]
pub(super) fn wanted_of_group(mode: i32, status: i32) -> Parsed<Wanted> {
    match (mode, status) {
        (mode, FABRIC_STATUS_NONE) => wanted(mode),
        (FABRIC_MODE_NONE, status) => wanted_by_status(status),
        _ => Err(both_given(mode, status)),
    }
}

#[inline(always)]
fn wanted_by_status(status: i32) -> Parsed<Wanted> {
    match Status::from_number(status) {
        Some(Status::Primary) => Ok(Wanted::Primary),
        Some(Status::Secondary) => Ok(Wanted::Reader),
        Some(Status::Faulty | Status::Spare) => Ok(Wanted::Unservable),
        None => Err(no_status(status)),
    }
}

#[cold]
#[inline(never)]
fn no_kind(kind: i32) -> Box<Error> {
    let remedy = "make it with fabric_key_int, fabric_key_uint or fabric_key_text";
    Box::new(Error::new(Code::Argument, format!("a key of kind {kind}; {remedy}")))
}

#[cold]
#[inline(never)]
fn no_scope(scope: i32) -> Box<Error> {
    let message = format!(
        "scope {scope} is none of FABRIC_SCOPE_LOCAL, FABRIC_SCOPE_GLOBAL; see that scope and mode \
         are in their own places"
    );
    Box::new(Error::new(Code::Argument, message))
}

#[cold]
#[inline(never)]
fn no_mode(mode: i32) -> Box<Error> {
    let message =
        format!("mode {mode} is none of FABRIC_MODE_NONE, _READONLY, _WRITEONLY, _READWRITE");
    Box::new(Error::new(Code::Argument, message))
}

#[cold]
#[inline(never)]
fn no_status(status: i32) -> Box<Error> {
    let message = format!(
        "status {status} is none of FABRIC_STATUS_NONE, _FAULTY, _SPARE, _SECONDARY, _PRIMARY"
    );
    Box::new(Error::new(Code::Argument, message))
}

#[cold]
#[inline(never)]
fn both_given(mode: i32, status: i32) -> Box<Error> {
    let message = format!("mode {mode} and status {status} are both given; give one of them");
    Box::new(Error::new(Code::Argument, message))
}
