//! Keeps pthread_cancel() from ending a thread in the middle of the library.

use std::ffi::c_int;

unsafe extern "C" {
    fn pthread_setcancelstate(state: c_int, before: *mut c_int) -> c_int;
}

#[cfg(not(target_vendor = "apple"))]
const DISABLED: c_int = 1;
#[cfg(target_vendor = "apple")]
const DISABLED: c_int = 0;

/// While it lives, the calling thread is not cancelled: unwinding that is not a panic's may not go
/// through Rust, which ends the process. A cancellation that comes meanwhile takes effect at the
/// thread's next cancellation point.
pub(super) struct Uncancelled {
    before: c_int,
}

impl Uncancelled {
    #[inline]
    pub(super) fn new() -> Self {
        let mut before = 0;
        // SAFETY: the place for the state before is valid, and the call only changes the calling
        // thread's state, which Drop puts back.
        unsafe { pthread_setcancelstate(DISABLED, &mut before) };
        Self { before }
    }
}

impl Drop for Uncancelled {
    #[inline]
    fn drop(&mut self) {
        let mut disabled = 0;
        // SAFETY: the state is one that the same function gave, and the other place is valid.
        unsafe { pthread_setcancelstate(self.before, &mut disabled) };
    }
}
