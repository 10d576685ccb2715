//! Keeps the signals that the kernel raises for what the library does from ending the process.
//!
//! Who writes to a connection that the other side has closed is sent SIGPIPE, and who writes past
//! the largest file that the process may have (`ulimit -f`) SIGXFSZ; a C program that has made no
//! arrangements dies of either. Connections can be told to do without, but not for what goes out in
//! several pieces, TLS and large requests, and files cannot. To block the signals alone is not
//! enough: they stay pending on the thread, until a callback runs with the mask of the service.

pub use nix::sys::signal::Signal;
#[cfg(target_os = "linux")]
use nix::sys::signal::{SigSet, SigmaskHow, raise};

#[cfg(target_os = "linux")]
use super::signal_mask;

/// Does `io` with `signal` blocked on this thread, and takes the signal away if `io` raised it. So
/// neither does a handler run nor the process end, and the signal mask is as before.
///
/// One that was pending already, because the service itself has it blocked, is taken away along
/// with ours: the system keeps one of a kind, and does not say whose.
#[cfg(target_os = "linux")]
pub fn without<T>(signal: Signal, io: impl FnOnce() -> T) -> T {
    let set = SigSet::from(signal);
    let _blocked = BlockedSignal { signal, before: signal_mask::swap(SigmaskHow::SIG_BLOCK, &set) };
    io()
}

/// Elsewhere sockets are told not to send SIGPIPE when they are made, and SIGXFSZ is sent to the
/// process, for which a thread can arrange nothing.
#[cfg(not(target_os = "linux"))]
pub fn without<T>(_signal: Signal, io: impl FnOnce() -> T) -> T {
    io()
}

#[cfg(target_os = "linux")]
struct BlockedSignal {
    signal: Signal,
    /// The mask to go back to; nothing if none was changed.
    before: Option<SigSet>,
}

#[cfg(target_os = "linux")]
impl Drop for BlockedSignal {
    fn drop(&mut self) {
        // Not blocked, one more would end the process, and who waits for it would wait for ever.
        let Some(before) = self.before else { return };
        // There is no safe way to ask what is pending, and waiting for what is not would be for
        // ever. One more makes it certain: a thread has one pending of a kind at most.
        if raise(self.signal).is_ok() {
            let _ = SigSet::from(self.signal).wait();
        }
        let _ = before.thread_set_mask();
    }
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use std::fs;
    use std::io::Write;
    use std::os::unix::net::UnixStream;
    use std::thread;

    use super::*;

    const SIGNALS: [Signal; 2] = [Signal::SIGPIPE, Signal::SIGXFSZ];

    fn line(name: &str) -> u64 {
        let status = fs::read_to_string("/proc/thread-self/status").unwrap();
        let value = status.lines().find_map(|line| line.strip_prefix(name)).unwrap();
        u64::from_str_radix(value.trim(), 16).unwrap()
    }

    fn is_pending(signal: Signal) -> bool {
        line("SigPnd:") >> (signal as u32 - 1) & 1 == 1
    }

    /// As the kernel does it.
    fn bring_about(signal: Signal) {
        if signal == Signal::SIGPIPE {
            let (here, there) = UnixStream::pair().unwrap();
            drop(there);
            let pieces = [std::io::IoSlice::new(b"a"), std::io::IoSlice::new(b"b")];
            assert!((&here).write_vectored(&pieces).is_err());
        } else {
            // tests/c/file_size.c does it with a limit, which is one for the whole process.
            raise(signal).unwrap();
        }
        assert!(is_pending(signal), "this test shows nothing otherwise");
    }

    #[test]
    fn what_was_raised_leaves_nothing_behind() {
        thread::spawn(|| {
            for (signal, blocked) in SIGNALS.into_iter().flat_map(|s| [(s, false), (s, true)]) {
                if blocked {
                    SigSet::from(signal).thread_block().unwrap();
                }
                let before = line("SigBlk:");
                without(signal, || bring_about(signal));
                without(signal, || ());
                assert!(!is_pending(signal));
                assert_eq!(line("SigBlk:"), before);
            }
        })
        .join()
        .unwrap();
    }

    #[test]
    fn nor_does_a_panic() {
        thread::spawn(|| {
            let before = line("SigBlk:");
            for signal in SIGNALS {
                let panics = || without(signal, || panic!("on purpose"));
                assert!(std::panic::catch_unwind(panics).is_err());
            }
            assert_eq!(line("SigBlk:"), before);
        })
        .join()
        .unwrap();
    }
}
