//! Many sharding keys as C hands them over.

use std::ffi::c_char;
use std::ptr;

use crate::base::error::{Code, Error, Result};
use crate::router::batch::{CHUNK, Keys};
use crate::router::resolve::Miss;
use crate::topology::Key;

use super::boundary::plain_boundary;
use super::key::{FABRIC_KEY_INT, FABRIC_KEY_TEXT, FABRIC_KEY_UINT};
use super::ptr::{key_text, reference, slice};

/// Many sharding keys of one kind. Make it with fabric_keys_int(), fabric_keys_uint() or
/// fabric_keys_text().
///
/// Passed around by value; it owns nothing. It points at the caller's arrays and texts, which must
/// stay unchanged for the call that uses it.
///
/// @since 0.1.0
#[repr(C)]
#[derive(Clone, Copy)]
pub struct fabric_keys_t {
    /// @ref FABRIC_KEY_INT, @ref FABRIC_KEY_TEXT or @ref FABRIC_KEY_UINT.
    pub kind: i32,
    /// 0; room for later.
    pub reserved: i32,
    /// The values of integer keys; of @ref FABRIC_KEY_UINT their 64 bits.
    pub integers: *const i64,
    /// The bytes of each text key, in UTF-8; not NUL-terminated.
    pub texts: *const *const c_char,
    /// The number of bytes of each text key.
    pub lengths: *const usize,
    /// The number of keys.
    pub count: usize,
}

/// Integer keys: for RANGE, RANGE_INTEGER and HASH, as fabric_key_int().
///
/// @param values  Any signed 64-bit integers; may be NULL if `n` is 0. They are not copied: they
///                must stay until the call that uses the keys returns.
/// @param n       How many.
/// @return The keys, by value; nothing to free. What is wrong with them is said by the call that
///         uses them.
///
/// Never blocks. Any thread.
///
/// @since 0.1.0
#[unsafe(no_mangle)]
pub extern "C" fn fabric_keys_int(values: *const i64, n: usize) -> fabric_keys_t {
    plain_boundary(fabric_keys_t {
        kind: FABRIC_KEY_INT,
        reserved: 0,
        integers: values,
        texts: ptr::null(),
        lengths: ptr::null(),
        count: n,
    })
}

/// Integer keys of a column without a sign: for RANGE, RANGE_INTEGER and HASH, as
/// fabric_key_uint().
///
/// @param values  Any unsigned 64-bit integers; may be NULL if `n` is 0. They are not copied: they
///                must stay until the call that uses the keys returns.
/// @param n       How many.
/// @return The keys, by value; nothing to free. What is wrong with them is said by the call that
///         uses them.
///
/// Never blocks. Any thread.
///
/// @since 0.1.0
#[unsafe(no_mangle)]
pub extern "C" fn fabric_keys_uint(values: *const u64, n: usize) -> fabric_keys_t {
    plain_boundary(fabric_keys_t {
        kind: FABRIC_KEY_UINT,
        reserved: 0,
        integers: values.cast(),
        texts: ptr::null(),
        lengths: ptr::null(),
        count: n,
    })
}

/// Text keys, as fabric_key_text().
///
/// @param texts    The bytes of each key; need no terminating NUL; one may be NULL if its length
///                 is 0, and all if `n` is 0. They are not copied: they and the array must stay
///                 until the call that uses the keys returns.
/// @param lengths  The number of bytes of each key; may be NULL if `n` is 0. Not copied either.
/// @param n        How many.
/// @return The keys, by value; nothing to free. What is wrong with them is said by the call that
///         uses them.
///
/// Never blocks. Any thread.
///
/// @since 0.1.0
#[unsafe(no_mangle)]
pub extern "C" fn fabric_keys_text(
    texts: *const *const c_char,
    lengths: *const usize,
    n: usize,
) -> fabric_keys_t {
    plain_boundary(fabric_keys_t {
        kind: FABRIC_KEY_TEXT,
        reserved: 0,
        integers: ptr::null(),
        texts,
        lengths,
        count: n,
    })
}

/// The keys as they lie in C.
pub(super) enum Many<'a> {
    Integers(&'a [i64]),
    /// The bits of integers without a sign, some of which are beyond those with one.
    Unsigned(&'a [i64]),
    Texts(&'a [*const c_char], &'a [usize]),
}

impl Many<'_> {
    /// # Safety
    /// `pointer` is NULL or points to keys whose arrays and texts stay valid and unchanged as long
    /// as the value lives.
    pub(super) unsafe fn read(pointer: *const fabric_keys_t) -> Result<Self> {
        // SAFETY: `pointer` is NULL or points to keys, whose arrays have `count` elements.
        unsafe {
            let keys = reference(pointer, "keys")?;
            match keys.kind {
                FABRIC_KEY_INT => {
                    Ok(Self::Integers(slice(keys.integers, keys.count, "keys.integers")?))
                }
                // u64 and i64 have the same layout.
                FABRIC_KEY_UINT => {
                    let bits = slice(keys.integers, keys.count, "keys.integers")?;
                    let are_signed = bits.iter().all(|bits| *bits >= 0);
                    Ok(if are_signed { Self::Integers(bits) } else { Self::Unsigned(bits) })
                }
                FABRIC_KEY_TEXT => Ok(Self::Texts(
                    slice(keys.texts, keys.count, "keys.texts")?,
                    slice(keys.lengths, keys.count, "keys.lengths")?,
                )),
                kind => Err(Error::new(
                    Code::Argument,
                    format!(
                        "keys of kind {kind}; make them with fabric_keys_int, fabric_keys_uint or \
                         fabric_keys_text"
                    ),
                )),
            }
        }
    }
}

impl<'a> Many<'a> {
    pub(super) fn len(&self) -> usize {
        match self {
            Self::Integers(values) | Self::Unsigned(values) => values.len(),
            Self::Texts(texts, _) => texts.len(),
        }
    }

    /// The keys from a position on, up to a chunk of them, read into `room` if need be; `wrong` gets
    /// what is wrong with each. The second value is whether anything is.
    #[inline]
    pub(super) fn chunk<'r>(
        &self,
        start: usize,
        room: &'r mut [Key<'a>; CHUNK],
        wrong: &mut [Option<Miss>; CHUNK],
    ) -> (Keys<'r>, bool)
    where
        'a: 'r,
    {
        let end = self.len().min(start + CHUNK);
        let (texts, lengths) = match self {
            Self::Integers(values) => {
                return (Keys::Integers(values.get(start..end).unwrap_or_default()), false);
            }
            Self::Unsigned(bits) => {
                let bits = bits.get(start..end).unwrap_or_default();
                for (key, bits) in room.iter_mut().zip(bits) {
                    *key = Key::Unsigned(*bits as u64);
                }
                return (Keys::Any(room.get(..bits.len()).unwrap_or_default()), false);
            }
            Self::Texts(texts, lengths) => (
                texts.get(start..end).unwrap_or_default(),
                lengths.get(start..end).unwrap_or_default(),
            ),
        };
        let mut is_any_wrong = false;
        for (((key, wrong), text), length) in
            room.iter_mut().zip(wrong.iter_mut()).zip(texts).zip(lengths)
        {
            // SAFETY: `read` was promised that the text is there as long as `'a`.
            match unsafe { key_text(*text, *length, "keys.texts") } {
                Ok(text) => (*key, *wrong) = (Key::Text(text), None),
                Err(error) => {
                    let is_null = error.code == Code::NullPointer;
                    *wrong = Some(if is_null { Miss::KeyNull } else { Miss::KeyTooLong });
                    is_any_wrong = true;
                }
            }
        }
        (Keys::Any(room.get(..texts.len()).unwrap_or_default()), is_any_wrong)
    }
}
