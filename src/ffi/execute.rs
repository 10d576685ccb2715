//! Any Fabric command, and its answer as rows and columns.

use std::ffi::{CString, c_char};
use std::ptr;

use crate::router::{ResultSet, Value};

use super::boundary::{boundary, boundary_value};
use super::error::fabric_error_t;
use super::handle::fabric_t;
use super::owned::{Object, Owned};
use super::ptr::{ARGUMENTS, Out, argument, each, name, reference, strings};

/// What a Fabric command answered. Made by fabric_execute(), freed by fabric_result_free(),
/// never changed: any number of threads may read it at once.
///
/// @since 0.1.0
pub struct fabric_result_t {
    sets: Vec<Set>,
}

impl Object for fabric_result_t {}

struct Set {
    columns: Vec<CString>,
    rows: Vec<Vec<Option<Cell>>>,
}

/// A value as text with a NUL behind it, which is not part of the value.
struct Cell(Vec<u8>);

impl Cell {
    fn of(value: &Value) -> Option<Self> {
        let mut bytes = match value {
            Value::Nil => return None,
            Value::Text(text) | Value::DateTime(text) => text.clone().into_bytes(),
            Value::Int(number) => number.to_string().into_bytes(),
            Value::Bool(truth) => vec![b'0' + u8::from(*truth)],
            Value::Double(number) => number.to_string().into_bytes(),
            Value::Bytes(bytes) => bytes.clone(),
            Value::Array(items) => nested(items.iter().map(|item| (None, item))),
            Value::Struct(members) => {
                nested(members.iter().map(|(name, item)| (Some(name.as_str()), item)))
            }
        };
        bytes.push(0);
        Some(Self(bytes))
    }
}

/// A value within a value, which no known command sends: shown rather than dropped.
fn nested<'a>(items: impl Iterator<Item = (Option<&'a str>, &'a Value)>) -> Vec<u8> {
    let mut text = Vec::new();
    for (name, item) in items {
        if !text.is_empty() {
            text.extend_from_slice(b", ");
        }
        if let Some(name) = name {
            text.extend_from_slice(name.as_bytes());
            text.extend_from_slice(b": ");
        }
        let cell = Cell::of(item).map(|cell| cell.0);
        text.extend(cell.iter().flatten().copied().filter(|byte| *byte != 0));
    }
    text
}

impl fabric_result_t {
    fn of(sets: Vec<ResultSet>) -> Self {
        let column = |name: String| CString::new(name.replace('\0', "")).unwrap_or_default();
        let set = |set: ResultSet| Set {
            columns: set.columns.into_iter().map(column).collect(),
            rows: set.rows.iter().map(|row| row.iter().map(Cell::of).collect()).collect(),
        };
        Self { sets: sets.into_iter().map(set).collect() }
    }
}

/// Runs any Fabric command, such as group "group", command "lookup_servers".
///
/// It is sent to the Fabric node that answered last. Another one is tried only if no connection
/// came about, so that no command runs twice.
///
/// @param f        The handle.
/// @param group    The command's group, UTF-8, NUL-terminated.
/// @param command  The command's name, UTF-8, NUL-terminated.
/// @param args     `n` arguments, each UTF-8 and NUL-terminated and sent as a string; NULL in
///                 place of one leaves that argument to its default.
/// @param n        The number of arguments, 1024 at most.
/// @param result   Where the answer goes, to be freed with fabric_result_free().
/// @param err      Where details of a failure go; may be NULL.
/// @retval FABRIC_OK
/// @retval FABRIC_ERR_FABRIC     Fabric knows no such command or says it failed; the message is
///                               Fabric's.
/// @retval FABRIC_ERR_FORBIDDEN  The user's role does not include the command: the built-in role
///                               `connector` has only `dump` and `threat`.
/// @retval FABRIC_ERR_ARGUMENT, FABRIC_ERR_NULL_POINTER, FABRIC_ERR_INVALID_UTF8
/// @retval other                 Fabric could not be asked, as for fabric_seed().
///
/// Blocks for one request timeout and as many connect timeouts as there are nodes at most (25 s for
/// one node unless the options say otherwise). fabric_interrupt() ends the wait, and the command may
/// have been run then, as with FABRIC_ERR_TIMEOUT. In a callback it is not run, and answers
/// FABRIC_ERR_WOULD_BLOCK. Any thread.
///
/// @since 0.1.0
#[must_use]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn fabric_execute(
    f: *const fabric_t,
    group: *const c_char,
    command: *const c_char,
    args: *const *const c_char,
    n: usize,
    result: *mut *mut fabric_result_t,
    err: *mut fabric_error_t,
) -> i32 {
    boundary("fabric_execute", err, || {
        let limit = (ARGUMENTS, "check the count");
        // SAFETY: `f` is NULL or a handle that is not freed; `group` and `command` are NULL or
        // NUL-terminated; `args` is NULL or has `n` elements; `result` is NULL or writable.
        let (f, group, command, args, out) = unsafe {
            (
                reference(f, "f")?,
                name(group, "group")?,
                name(command, "command")?,
                strings(args, n, "args", limit)?,
                Out::new(result, "result")?,
            )
        };
        // SAFETY: each of `args` is NULL or NUL-terminated.
        let args = unsafe { each(args, "args", argument) }?.into_iter();
        let args: Vec<_> = args.map(|arg| arg.map_or(Value::Nil, Value::from)).collect();
        let sets = f.router.execute(group, command, &args)?;
        out.set(Owned::new(fabric_result_t::of(sets)).into_c());
        Ok(())
    })
}

/// Frees an answer.
///
/// @param result  From fabric_execute(), or NULL, which does nothing.
///
/// Never blocks.
///
/// @since 0.1.0
#[unsafe(no_mangle)]
pub unsafe extern "C" fn fabric_result_free(result: *mut fabric_result_t) {
    boundary_value((), || {
        // SAFETY: `result` is NULL or from fabric_execute(), and freed once by the contract.
        drop(unsafe { Owned::from_c(result) });
    });
}

/// The number of result sets in an answer: 0 for commands that answer nothing, 2 for most that
/// change something (the procedure, then its steps).
///
/// @param result  The answer; NULL gives 0.
/// @return The number.
///
/// Never blocks. Any thread.
///
/// @since 0.1.0
#[unsafe(no_mangle)]
pub unsafe extern "C" fn fabric_result_sets(result: *const fabric_result_t) -> usize {
    boundary_value(0, || {
        // SAFETY: `result` is NULL or an answer that is not freed.
        unsafe { reference(result, "result") }.map_or(0, |result| result.sets.len())
    })
}

/// The number of rows in a result set.
///
/// @param result  The answer; NULL gives 0.
/// @param set     The result set, from 0; one that does not exist gives 0.
/// @return The number.
///
/// Never blocks. Any thread.
///
/// @since 0.1.0
#[unsafe(no_mangle)]
pub unsafe extern "C" fn fabric_result_rows(result: *const fabric_result_t, set: usize) -> usize {
    boundary_value(0, || {
        // SAFETY: `result` is NULL or an answer that is not freed.
        unsafe { find(result, set) }.map_or(0, |set| set.rows.len())
    })
}

/// The number of columns in a result set.
///
/// @param result  The answer; NULL gives 0.
/// @param set     The result set, from 0; one that does not exist gives 0.
/// @return The number.
///
/// Never blocks. Any thread.
///
/// @since 0.1.0
#[unsafe(no_mangle)]
pub unsafe extern "C" fn fabric_result_columns(
    result: *const fabric_result_t,
    set: usize,
) -> usize {
    boundary_value(0, || {
        // SAFETY: `result` is NULL or an answer that is not freed.
        unsafe { find(result, set) }.map_or(0, |set| set.columns.len())
    })
}

/// The name of a column. Fabric 1.4 names none; those of known commands get the names that
/// later versions use, others "column1" and so on.
///
/// @param result  The answer.
/// @param set     The result set, from 0.
/// @param column  The column, from 0.
/// @return UTF-8, NUL-terminated, owned by the answer; NULL if there is no such column.
///
/// Never blocks. Any thread.
///
/// @since 0.1.0
#[unsafe(no_mangle)]
pub unsafe extern "C" fn fabric_result_column_name(
    result: *const fabric_result_t,
    set: usize,
    column: usize,
) -> *const c_char {
    boundary_value(ptr::null(), || {
        // SAFETY: `result` is NULL or an answer that is not freed.
        let name = unsafe { find(result, set) }.and_then(|set| set.columns.get(column));
        name.map_or(ptr::null(), |name| name.as_ptr())
    })
}

/// A value as text: numbers in decimal, booleans as 0 and 1.
///
/// @param result  The answer.
/// @param set     The result set, from 0.
/// @param row     The row, from 0.
/// @param column  The column, from 0.
/// @param length  Where the number of bytes goes, without the terminating NUL; may be NULL.
///                Left alone where there is no value.
/// @return UTF-8 (base64 values: their bytes), NUL-terminated, owned by the answer; NULL if
///         there is no such value or it is nil.
///
/// Never blocks. Any thread.
///
/// @since 0.1.0
#[unsafe(no_mangle)]
pub unsafe extern "C" fn fabric_result_value(
    result: *const fabric_result_t,
    set: usize,
    row: usize,
    column: usize,
    length: *mut usize,
) -> *const c_char {
    boundary_value(ptr::null(), || {
        // SAFETY: `result` is NULL or an answer that is not freed.
        let row = unsafe { find(result, set) }.and_then(|set| set.rows.get(row));
        let Some(Some(Cell(bytes))) = row.and_then(|row| row.get(column)) else {
            return ptr::null();
        };
        // SAFETY: `length` is NULL or writable.
        if let Ok(length) = unsafe { Out::new(length, "length") } {
            length.set(bytes.len().saturating_sub(1));
        }
        bytes.as_ptr().cast()
    })
}

/// # Safety
/// `result` is NULL or a valid answer that lives for `'a`.
unsafe fn find<'a>(result: *const fabric_result_t, set: usize) -> Option<&'a Set> {
    // SAFETY: `result` is NULL or an answer that is not freed.
    unsafe { reference(result, "result") }.ok()?.sets.get(set)
}
