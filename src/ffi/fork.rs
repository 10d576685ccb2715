//! Notices forks, so that lookups in a child need not ask the kernel who they are.

use std::sync::Once;

use crate::refresh::process;

/// Registers with the C library, once per process image.
pub(super) fn notice_forks() {
    extern "C" fn in_the_child() {
        process::forked();
    }
    static REGISTERED: Once = Once::new();
    REGISTERED.call_once(|| {
        // SAFETY: the handler only adds to an atomic, which is safe in a forked child, and the
        // library is never unloaded (-z nodelete). Without memory for the registration nothing
        // is registered; a child then refreshes through the check of the process id alone.
        unsafe { libc::pthread_atfork(None, None, Some(in_the_child)) };
    });
}
