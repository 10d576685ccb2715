//! What a thread of the library does before anything else that takes a call of the C library.

use crate::base::thread::take_ordinary_policy_by;

/// Has the threads of the library take the ordinary policy. Any number of times.
pub(super) fn keep_threads_ordinary() {
    take_ordinary_policy_by(take_ordinary_policy);
}

/// Gives the calling thread the ordinary scheduling policy, and the niceness of the process's
/// first thread. Best effort: what is refused stays as it was.
#[cfg(target_os = "linux")]
fn take_ordinary_policy() {
    // SAFETY: numbers alone, for which 0 is a value; the ordinary policy has the priority 0.
    let parameters: libc::sched_param = unsafe { std::mem::zeroed() };
    // SAFETY: the calling thread lives, and the parameters outlive the call.
    let refused = unsafe {
        libc::pthread_setschedparam(libc::pthread_self(), libc::SCHED_OTHER, &parameters)
    };
    // SAFETY: system calls without a pointer; the process's id is that of its first thread.
    unsafe {
        let niceness = libc::getpriority(libc::PRIO_PROCESS, libc::getpid() as libc::id_t);
        if refused == 0 {
            libc::setpriority(libc::PRIO_PROCESS, 0, niceness);
        }
    }
}

/// Elsewhere a new thread has the ordinary policy, or a thread cannot change its own.
#[cfg(not(target_os = "linux"))]
fn take_ordinary_policy() {}
