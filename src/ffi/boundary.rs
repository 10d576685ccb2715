//! Where a call from C becomes a Rust call: errors become statuses, and so do panics.

use crate::base::error::{Error, Result};
use crate::base::panicked::{Panic, catch};
use crate::router::resolve::Seen;
use crate::thread_cache::ThreadCache;

use super::cancel::Uncancelled;
use super::error::{FABRIC_OK, fabric_error_t, write_error};

/// Runs a fallible call. `err` is written only when it fails.
#[inline]
pub(super) fn boundary(
    function: &'static str,
    err: *mut fabric_error_t,
    body: impl FnOnce() -> Result<()>,
) -> i32 {
    boundary_with_cache(function, err, |_| body())
}

#[inline]
fn boundary_with_cache(
    function: &'static str,
    err: *mut fabric_error_t,
    body: impl FnOnce(&ThreadCache) -> Result<()>,
) -> i32 {
    match guarded(body) {
        Ok(Ok(())) => FABRIC_OK,
        Ok(Err(error)) => fail(err, &error),
        Err(panic) => fail(err, &panic.error(function)),
    }
}

/// A call has no answer from what its thread has cached.
pub(super) struct Uncached;

impl From<Box<Error>> for Uncached {
    fn from(_: Box<Error>) -> Self {
        Self
    }
}

/// Runs a call that is nearly always answered from what the thread has cached: first `cached`, and
/// `lookup` where that has no answer, which does whatever it takes, and says what is wrong. `cached`
/// may tell it what it has seen.
#[inline(always)]
pub(super) fn cached_boundary<C>(
    function: &'static str,
    err: *mut fabric_error_t,
    call: &C,
    cached: impl FnOnce(&ThreadCache, &C, &mut Option<Seen>) -> std::result::Result<(), Uncached>,
    lookup: fn(&ThreadCache, &C, Option<Seen>) -> Result<()>,
) -> i32 {
    // It holds a snapshot while it does anything that could panic.
    let mut seen = None;
    match ThreadCache::with_unregistered(|cache| catch(|| cached(cache, call, &mut seen)).ok()) {
        Some(Ok(())) => FABRIC_OK,
        Some(Err(Uncached)) | None => lookup_boundary(function, err, call, seen, lookup),
    }
}

#[cold]
#[inline(never)]
fn lookup_boundary<C>(
    function: &'static str,
    err: *mut fabric_error_t,
    call: &C,
    seen: Option<Seen>,
    lookup: fn(&ThreadCache, &C, Option<Seen>) -> Result<()>,
) -> i32 {
    boundary_with_cache(function, err, |cache| lookup(cache, call, seen))
}

/// For a call that moves its arguments and does nothing that could panic.
#[inline]
pub(super) fn plain_boundary<T>(value: T) -> T {
    value
}

/// Runs a call that cannot fail; a panic gives `otherwise`.
#[inline]
pub(super) fn boundary_value<T>(otherwise: T, body: impl FnOnce() -> T) -> T {
    guarded(|_| body()).unwrap_or(otherwise)
}

/// Keeps the message of a panic inside the library off the process's standard error: a
/// library prints nothing. Panics of anybody else reach the hook that was there before.
///
/// Only in the libraries that C programs link. The hook is one for all Rust code of a program,
/// so in a Rust program it is the program's: what panics here is told there.
pub(super) fn silence_panics() {
    #[cfg(feature = "quiet-panics")]
    {
        use std::panic;
        use std::sync::atomic::{AtomicBool, Ordering};

        // Not a lock, which a fork could leave held. Who comes second finds it done in a moment.
        static SILENCED: AtomicBool = AtomicBool::new(false);
        if !SILENCED.swap(true, Ordering::Relaxed) {
            let previous = panic::take_hook();
            panic::set_hook(Box::new(move |info| {
                if !ThreadCache::with(ThreadCache::is_in_library) {
                    previous(info);
                }
            }));
        }
    }
}

#[inline(always)]
fn guarded<T>(body: impl FnOnce(&ThreadCache) -> T) -> std::result::Result<T, Panic> {
    ThreadCache::with(|cache| {
        let outer = cache.in_call.replace(true);
        let _uncancelled = (!outer).then(Uncancelled::new);
        let outcome = catch(|| body(cache));
        cache.in_call.set(outer);
        outcome
    })
}

#[cold]
fn fail(err: *mut fabric_error_t, error: &Error) -> i32 {
    // SAFETY: every caller of `boundary` passes on the `err` of its own C caller, which is
    // NULL or points to a writable fabric_error_t by the contract of the header.
    unsafe { write_error(err, error) };
    error.code as i32
}
