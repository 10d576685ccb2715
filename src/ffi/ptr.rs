//! Pointers from C, checked before use: what a caller lends, and where results go. Objects that change
//! their owner are in `owned`.

// clippy.toml refuses slices of raw parts everywhere else.
#![allow(clippy::disallowed_methods)]

use std::ffi::{CStr, c_char};
use std::mem::MaybeUninit;
use std::slice;

use crate::base::error::{Code, Error, Result};
use crate::base::text::excerpt;

/// A text that is too long for its place is shown so far: the remedy stands behind it.
const SHOWN: usize = 100;

/// How many bytes a name has at most: of a table with its database, of a group, a host, a user, or
/// a command. Fabric's own have 64 characters for each part.
const NAME: usize = 1024;

/// How many bytes a path or a password has at most.
const PATH: usize = 4096;

/// How many bytes an argument of a Fabric command has at most.
const ARGUMENT: usize = 64 << 20;

/// How many bytes a text key has at most. MySQL indexes no column of more than 3072.
pub(super) const KEY: usize = 1 << 20;

/// How many tables a call about one key or one batch of keys names at most. Those that are looked up
/// together share their shards, which few do; and each takes its time, which no bound cuts short.
pub(super) const TABLES: usize = 1024;

/// How many tables are fetched at most where each is named.
pub(super) const FETCHED: usize = 65_536;

/// How many arguments a Fabric command has at most. Fabric's own take ten.
pub(super) const ARGUMENTS: usize = 1024;

/// What was read of an argument. Warm calls read with it: it is no larger than they can return in
/// registers.
pub(super) type Parsed<T> = std::result::Result<T, Box<Error>>;

/// # Safety
/// `pointer` is NULL or points to a `T` that stays valid and unchanged for `'a`.
#[inline(always)]
pub(super) unsafe fn reference<'a, T>(pointer: *const T, what: &str) -> Parsed<&'a T> {
    // SAFETY: `pointer` is NULL, which `as_ref` turns into None, or points to a valid `T`.
    match unsafe { pointer.as_ref() } {
        Some(value) => Ok(value),
        None => Err(null(what)),
    }
}

/// # Safety
/// `pointer` is NULL or points to a `T` that nobody else uses for `'a`.
#[inline]
pub(super) unsafe fn exclusive<'a, T>(pointer: *mut T, what: &str) -> Result<&'a mut T> {
    // SAFETY: `pointer` is NULL, which `as_mut` turns into None, or points to a `T` that nobody
    // else uses.
    unsafe { pointer.as_mut() }.ok_or_else(|| *null(what))
}

/// The place for an output: checked first, written last, so that a failure leaves it alone.
#[derive(Clone, Copy)]
pub(super) struct Out<T>(*mut T);

impl<T> Out<T> {
    /// # Safety
    /// `pointer` is NULL or may be written until the value is dropped.
    #[inline(always)]
    pub(super) unsafe fn new(pointer: *mut T, what: &str) -> Parsed<Self> {
        if pointer.is_null() { Err(null(what)) } else { Ok(Self(pointer)) }
    }

    #[inline]
    pub(super) fn set(self, value: T) {
        // SAFETY: `self.0` is not NULL, and writable as `new` was promised; what was there is plain C
        // data, which nothing has to drop.
        unsafe { self.0.write(value) };
    }

    /// The place itself, for who writes only a part of it.
    #[inline]
    pub(super) fn place(&self) -> *mut T {
        self.0
    }
}

/// NULL with length 0 is an empty slice.
///
/// # Safety
/// `pointer` is NULL or points to `length` values that stay valid and unchanged for `'a`.
#[inline]
pub(super) unsafe fn slice<'a, T>(pointer: *const T, length: usize, what: &str) -> Parsed<&'a [T]> {
    if length == 0 {
        return Ok(&[]);
    }
    if pointer.is_null() {
        return Err(null(what));
    }
    if length > isize::MAX as usize / size_of::<T>().max(1) {
        let message = format!("'{what}' cannot hold {length} elements; check the count");
        return Err(Box::new(Error::new(Code::Argument, message)));
    }
    // SAFETY: `pointer` is not NULL, and so it points to `length` valid values, which together are
    // no larger than an object can be.
    Ok(unsafe { slice::from_raw_parts(pointer, length) })
}

/// A list of `most` strings at most, and what to do where there are more.
///
/// # Safety
/// As for [`slice()`].
#[inline]
pub(super) unsafe fn strings<'a>(
    pointer: *const *const c_char,
    length: usize,
    what: &str,
    (most, remedy): (usize, &str),
) -> Result<&'a [*const c_char]> {
    if length > most && !pointer.is_null() {
        return Err(Error::new(
            Code::Argument,
            format!("'{what}' has {length} elements, and {most} are the most; {remedy}"),
        ));
    }
    // SAFETY: `pointer` is NULL or points to `length` values that are valid for `'a`.
    Ok(unsafe { slice(pointer, length, what) }?)
}

/// The names of the tables of one lookup, or of one batch of lookups.
///
/// # Safety
/// As for [`slice()`].
#[inline]
pub(super) unsafe fn tables<'a>(
    pointer: *const *const c_char,
    length: usize,
) -> Result<&'a [*const c_char]> {
    let remedy = "check the count, or look them up in several calls";
    // SAFETY: `pointer` is NULL or points to `length` values that are valid for `'a`.
    unsafe { strings(pointer, length, "tables", (TABLES, remedy)) }
}

/// A NUL-terminated string of `most` bytes at most. No byte behind the NUL is looked at, and no more
/// than one behind `most`.
///
/// # Safety
/// `pointer` is not NULL, and points to a NUL-terminated string valid and unchanged for `'a`.
#[inline(always)]
unsafe fn bounded<'a>(pointer: *const c_char, most: usize) -> Option<&'a [u8]> {
    // SAFETY: `pointer` points to a NUL-terminated string, of which no byte behind the NUL is
    // read.
    let length = unsafe { libc::strnlen(pointer, most + 1) };
    // SAFETY: strnlen has just read `length` bytes at `pointer`; c_char and u8 have the same
    // layout.
    (length <= most).then(|| unsafe { slice::from_raw_parts(pointer.cast(), length) })
}

/// As [`bounded`], with a reason for what is wrong.
///
/// # Safety
/// `pointer` is NULL or as for [`bounded`].
#[inline]
unsafe fn string<'a>(pointer: *const c_char, what: &str, most: usize) -> Result<&'a [u8]> {
    if pointer.is_null() {
        return Err(*null(what));
    }
    // SAFETY: `pointer` is not NULL, and so it points to a NUL-terminated string that is valid for
    // `'a`.
    unsafe { bounded(pointer, most).ok_or_else(|| too_long(pointer, what, most)) }
}

/// # Safety
/// `pointer` points to more than `most` bytes.
#[cold]
unsafe fn too_long(pointer: *const c_char, what: &str, most: usize) -> Error {
    // SAFETY: `pointer` has more than `most` bytes; c_char and u8 have the same layout.
    let beginning = unsafe { slice::from_raw_parts(pointer.cast::<u8>(), most.min(SHOWN)) };
    Error::new(
        Code::Argument,
        format!(
            "'{what}' has more than the {most} bytes that are the most: '{}...'; see that it ends \
             with a NUL",
            excerpt(&String::from_utf8_lossy(beginning), SHOWN)
        ),
    )
}

fn utf8<'a>(bytes: &'a [u8], what: &str) -> Result<&'a str> {
    std::str::from_utf8(bytes).map_err(|_| {
        let beginning = bytes.get(..SHOWN).unwrap_or(bytes);
        Error::new(
            Code::InvalidUtf8,
            format!(
                "'{what}' is not UTF-8: '{}'; convert it first",
                excerpt(&String::from_utf8_lossy(beginning), SHOWN)
            ),
        )
    })
}

/// A name for a warm call, nothing of it checked: one that is known is in order, and who does not
/// find it reads it again by [`bytes`] or [`text`]. What is too long is looked through to its end:
/// to look no further than [`NAME`] would cost each warm lookup 4 to 6 instructions.
///
/// # Safety
/// As for [`bytes`].
#[inline(always)]
pub(super) unsafe fn unchecked_name<'a>(pointer: *const c_char, what: &str) -> Parsed<&'a [u8]> {
    if pointer.is_null() {
        return Err(null(what));
    }
    // SAFETY: `pointer` is not NULL, and so it points to a NUL-terminated string that is valid for
    // `'a`.
    Ok(unsafe { CStr::from_ptr(pointer) }.to_bytes())
}

/// A name, NUL-terminated, its encoding unchecked.
///
/// # Safety
/// `pointer` is NULL or points to a NUL-terminated string valid and unchanged for `'a`.
#[inline]
pub(super) unsafe fn bytes<'a>(pointer: *const c_char, what: &str) -> Result<&'a [u8]> {
    // SAFETY: `pointer` is NULL or points to a NUL-terminated string that is valid for `'a`.
    unsafe { string(pointer, what, NAME) }
}

/// A name in UTF-8.
///
/// # Safety
/// As for [`bytes`].
pub(super) unsafe fn text<'a>(pointer: *const c_char, what: &str) -> Result<&'a str> {
    // SAFETY: `pointer` is NULL or points to a NUL-terminated string that is valid for `'a`.
    utf8(unsafe { bytes(pointer, what) }?, what)
}

/// A path, not empty.
///
/// # Safety
/// As for [`bytes`].
pub(super) unsafe fn path<'a>(pointer: *const c_char, what: &str) -> Result<&'a str> {
    // SAFETY: `pointer` is NULL or points to a NUL-terminated string that is valid for `'a`.
    not_empty(utf8(unsafe { string(pointer, what, PATH) }?, what)?, what)
}

/// A string of `most` bytes at most, in UTF-8, with NULL for nothing.
///
/// # Safety
/// As for [`bytes`].
unsafe fn optional<'a>(pointer: *const c_char, what: &str, most: usize) -> Result<Option<&'a str>> {
    if pointer.is_null() {
        return Ok(None);
    }
    // SAFETY: `pointer` is NULL or points to a NUL-terminated string that is valid for `'a`.
    utf8(unsafe { string(pointer, what, most) }?, what).map(Some)
}

/// As [`path`], with NULL for nothing, and it may be empty.
///
/// # Safety
/// As for [`bytes`].
pub(super) unsafe fn optional_path<'a>(
    pointer: *const c_char,
    what: &str,
) -> Result<Option<&'a str>> {
    // SAFETY: `pointer` is NULL or points to a NUL-terminated string that is valid for `'a`.
    unsafe { optional(pointer, what, PATH) }
}

/// A password, its encoding unchecked. No message shows any of it.
///
/// # Safety
/// As for [`bytes`].
pub(super) unsafe fn password<'a>(pointer: *const c_char) -> Result<&'a [u8]> {
    if pointer.is_null() {
        return Err(*null("password"));
    }
    // SAFETY: `pointer` is not NULL, and so it points to a NUL-terminated string that is valid for
    // `'a`.
    unsafe { bounded(pointer, PATH) }.ok_or_else(|| {
        Error::new(
            Code::Argument,
            format!("'password' has more than the {PATH} bytes that are the most"),
        )
    })
}

/// An argument of a Fabric command, or NULL for nothing.
///
/// # Safety
/// As for [`bytes`].
pub(super) unsafe fn argument<'a>(pointer: *const c_char, what: &str) -> Result<Option<&'a str>> {
    // SAFETY: `pointer` is NULL or points to a NUL-terminated string that is valid for `'a`.
    unsafe { optional(pointer, what, ARGUMENT) }
}

/// The text of a key, which needs no NUL.
///
/// # Safety
/// As for [`slice()`].
#[inline(always)]
pub(super) unsafe fn key_text<'a>(
    pointer: *const c_char,
    length: usize,
    what: &str,
) -> Parsed<&'a [u8]> {
    if pointer.is_null() || length > KEY {
        // SAFETY: `pointer` is NULL or points to `length` bytes that are valid for `'a`.
        return unsafe { no_key_text(pointer, length, what) };
    }
    // SAFETY: `pointer` is not NULL, and so it points to `length` valid bytes, which are no more than
    // `KEY`; c_char and u8 have the same layout.
    Ok(unsafe { slice::from_raw_parts(pointer.cast(), length) })
}

/// # Safety
/// As for [`slice()`].
#[cold]
unsafe fn no_key_text<'a>(pointer: *const c_char, length: usize, what: &str) -> Parsed<&'a [u8]> {
    // SAFETY: `pointer` is NULL or points to `length` bytes that are valid for `'a`; c_char and u8
    // have the same layout.
    let text = unsafe { slice(pointer.cast::<u8>(), length, what) }?;
    if length <= KEY {
        return Ok(text);
    }
    let beginning = text.get(..SHOWN).unwrap_or(text);
    Err(Box::new(Error::new(
        Code::Argument,
        format!(
            "a text key of {length} bytes, and {KEY} are the most: '{}...'; see that it is a key",
            excerpt(&String::from_utf8_lossy(beginning), SHOWN)
        ),
    )))
}

/// As [`text`], and not empty.
///
/// # Safety
/// As for [`bytes`].
pub(super) unsafe fn name<'a>(pointer: *const c_char, what: &str) -> Result<&'a str> {
    // SAFETY: `pointer` is NULL or points to a NUL-terminated string that is valid for `'a`.
    not_empty(unsafe { text(pointer, what) }?, what)
}

fn not_empty<'a>(text: &'a str, what: &str) -> Result<&'a str> {
    match text {
        "" => Err(Error::new(Code::Argument, format!("'{what}' is empty; give a name"))),
        text => Ok(text),
    }
}

/// What a driver said of an error, whatever its encoding and length; `None` for NULL.
///
/// # Safety
/// As for [`bytes`].
pub(super) unsafe fn driver_text<'a>(pointer: *const c_char) -> Option<&'a [u8]> {
    if pointer.is_null() {
        return None;
    }
    // SAFETY: `pointer` is not NULL, and so it points to a NUL-terminated string that is valid for
    // `'a`.
    Some(unsafe { CStr::from_ptr(pointer) }.to_bytes())
}

/// As [`name`], with NULL for nothing.
///
/// # Safety
/// As for [`bytes`].
pub(super) unsafe fn optional_name<'a>(
    pointer: *const c_char,
    what: &str,
) -> Result<Option<&'a str>> {
    // SAFETY: `pointer` is NULL or points to a NUL-terminated string that is valid for `'a`.
    let text = unsafe { optional_text(pointer, what) }?;
    text.map(|text| not_empty(text, what)).transpose()
}

/// As [`text`], with NULL for nothing.
///
/// # Safety
/// As for [`bytes`].
pub(super) unsafe fn optional_text<'a>(
    pointer: *const c_char,
    what: &str,
) -> Result<Option<&'a str>> {
    // SAFETY: `pointer` is NULL or points to a NUL-terminated string that is valid for `'a`.
    unsafe { optional(pointer, what, NAME) }
}

/// The strings of the list `what`, each read by `read`. An error names the element.
///
/// # Safety
/// `read` may be called with each string.
pub(super) unsafe fn each<T>(
    strings: &[*const c_char],
    what: &str,
    read: unsafe fn(*const c_char, &str) -> Result<T>,
) -> Result<Vec<T>> {
    // SAFETY: `read` may be called with each of `strings`.
    let named = |(at, string): (usize, &*const c_char)| unsafe { element(*string, what, at, read) };
    strings.iter().enumerate().map(named).collect()
}

/// The string at `at` of the list `what`, read by `read`. An error names the element.
///
/// # Safety
/// `read` may be called with the string.
#[inline]
pub(super) unsafe fn element<T>(
    string: *const c_char,
    what: &str,
    at: usize,
    read: unsafe fn(*const c_char, &str) -> Result<T>,
) -> Result<T> {
    // SAFETY: `read` may be called with `string`.
    unsafe { read(string, what).or_else(|_| read(string, &format!("{what}[{at}]"))) }
}

/// Hands the names of the tables of one lookup, checked but for their encoding, to `ask`.
///
/// # Safety
/// Each string is NULL or NUL-terminated, and stays valid and unchanged while `ask` runs.
pub(super) unsafe fn with_names<R>(
    strings: &[*const c_char],
    ask: impl FnOnce(&[&[u8]]) -> Result<R>,
) -> Result<R> {
    match strings {
        // SAFETY: `string` is NULL or NUL-terminated, as each of `strings` is.
        [string] => ask(&[unsafe { element(*string, "tables", 0, bytes) }?]),
        // SAFETY: each of `strings` is NULL or NUL-terminated.
        strings => unsafe { with_many_names(strings, ask) },
    }
}

/// # Safety
/// As for [`with_names`].
#[inline(never)]
unsafe fn with_many_names<R>(
    strings: &[*const c_char],
    ask: impl FnOnce(&[&[u8]]) -> Result<R>,
) -> Result<R> {
    // Joins allocate nothing either.
    let mut room: [MaybeUninit<&[u8]>; TABLES] = [MaybeUninit::uninit(); TABLES];
    let mut count = 0;
    for (name, string) in room.iter_mut().zip(strings) {
        // SAFETY: each of `strings` is NULL or NUL-terminated.
        name.write(unsafe { element(*string, "tables", count, bytes) }?);
        count += 1;
    }
    // SAFETY: the first `count` elements of `room` have just been written.
    ask(unsafe { slice::from_raw_parts(room.as_ptr().cast(), count) })
}

#[cold]
#[inline(never)]
fn null(what: &str) -> Box<Error> {
    Box::new(Error::new(Code::NullPointer, format!("'{what}' is NULL; pass a valid pointer")))
}

/// Copies text and its NUL into an array of a struct that goes to C. Too long is an error:
/// nothing is ever cut.
#[inline]
pub(super) fn copy_text<const N: usize>(
    target: &mut [c_char; N],
    text: &str,
    what: &str,
) -> Result<()> {
    let bytes = text.as_bytes();
    match (target.get_mut(..bytes.len()), N > bytes.len()) {
        (Some(place), true) => {
            for (to, from) in place.iter_mut().zip(bytes) {
                *to = *from as c_char;
            }
            if let Some(end) = target.get_mut(bytes.len()) {
                *end = 0;
            }
            Ok(())
        }
        _ => Err(Error::new(
            Code::Protocol,
            format!(
                "the {what} '{}' has {} bytes, and {} is the most that fits; shorten it",
                excerpt(text, SHOWN),
                bytes.len(),
                N - 1
            ),
        )),
    }
}

/// Copies a message for people and its NUL, as much of it as fits, cut at a character.
pub(super) fn cut_text<const N: usize>(target: &mut [c_char; N], text: &str) {
    // Names and faults that others chose may hold what ends a text or a line, or worse.
    let text = excerpt(text, N);
    let end = text.floor_char_boundary(N.saturating_sub(1));
    for (to, from) in target.iter_mut().zip(text.as_bytes().get(..end).unwrap_or_default()) {
        *to = *from as c_char;
    }
    if let Some(nul) = target.get_mut(end) {
        *nul = 0;
    }
}

/// The two-call shape of a list: tells the number of elements, and writes them if they fit.
/// Checked first, written last.
pub(super) struct OutList<T> {
    out: *mut T,
    capacity: usize,
    count: Out<usize>,
}

impl<T> OutList<T> {
    /// # Safety
    /// `out` is NULL or has room for `capacity` values, and `count` is NULL or writable, until
    /// the value is dropped.
    pub(super) unsafe fn new(out: *mut T, capacity: usize, count: *mut usize) -> Result<Self> {
        if capacity > 0 && out.is_null() {
            return Err(*null("out"));
        }
        // SAFETY: `count` is NULL or writable.
        let count = unsafe { Out::new(count, "count") }?;
        Ok(Self { out, capacity, count })
    }

    pub(super) fn set(self, elements: Vec<T>) -> Result<()> {
        let needed = elements.len();
        self.count.set(needed);
        if needed > self.capacity {
            return Err(Error::new(
                Code::BufferTooSmall,
                format!(
                    "there is room for {} elements, but there are {needed}; call again",
                    self.capacity
                ),
            ));
        }
        for (at, element) in elements.into_iter().enumerate() {
            // SAFETY: `at` is below `capacity`, so `out` is not NULL and has room there, as `new`
            // was promised.
            unsafe { self.out.add(at).write(element) };
        }
        Ok(())
    }
}

/// An output with one element for each of something that the caller counted.
pub(super) struct OutArray<T> {
    out: *mut T,
    length: usize,
}

impl<T> OutArray<T> {
    /// # Safety
    /// `out` is NULL or has room for `length` values until the value is dropped.
    pub(super) unsafe fn new(out: *mut T, length: usize, what: &str) -> Result<Self> {
        if length > 0 && out.is_null() { Err(*null(what)) } else { Ok(Self { out, length }) }
    }

    /// As `new`, with NULL for nothing that is wanted.
    ///
    /// # Safety
    /// As for [`Self::new`].
    pub(super) unsafe fn optional(out: *mut T, length: usize) -> Self {
        Self { out, length: if out.is_null() { 0 } else { length } }
    }

    /// The place at a position, if there is one.
    #[inline]
    pub(super) fn at(&self, position: usize) -> Option<Out<T>> {
        // SAFETY: `position` is below `length`, and `out` has room for `length` values, as `new`
        // was promised.
        (position < self.length).then(|| Out(unsafe { self.out.add(position) }))
    }

    /// Writes the value if there is a place for it.
    #[inline]
    pub(super) fn set(&self, position: usize, value: T) {
        if let Some(place) = self.at(position) {
            place.set(value);
        }
    }
}
