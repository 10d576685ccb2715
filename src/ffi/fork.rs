//! Notices forks, so that lookups in a child need not ask the kernel who they are.

use std::sync::atomic::{AtomicBool, Ordering};

use crate::base::fork::forked;
use crate::thread_cache;

/// Registers with the C library, once per process image.
///
/// Two threads that come at once may both register. That is harmless, as the handlers may run
/// any number of times, where a lock that one of them held would be held for ever in a child that
/// a third one forks meanwhile.
pub(super) fn notice_forks() {
    extern "C" fn before() {
        thread_cache::before_fork();
    }
    extern "C" fn in_the_child() {
        forked();
        thread_cache::forked();
    }
    static REGISTERED: AtomicBool = AtomicBool::new(false);
    if REGISTERED.load(Ordering::Acquire) {
        return;
    }
    // SAFETY: the handlers live as long as they may be called, as the library is never unloaded
    // (-z nodelete). What runs in the child may only do what a signal handler may: it changes
    // atomics, and thread-local memory of the thread that forks, which `before` has seen to be
    // there, so that nothing is allocated; it takes no lock, and neither has a destructor to
    // register. Without memory for the registration nothing is registered, and the next handle
    // tries again.
    let refused = unsafe { libc::pthread_atfork(Some(before), None, Some(in_the_child)) };
    REGISTERED.store(refused == 0, Ordering::Release);
}
