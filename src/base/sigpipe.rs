//! Keeps a broken connection from ending the process.
//!
//! Who writes to a connection that the other side has closed is sent SIGPIPE, and a C program
//! that has made no arrangements dies of it. `send` can be told to do without; but what goes out
//! in several pieces, TLS and large requests, goes by `writev`, which cannot.

use nix::sys::signal::{SigSet, SigmaskHow, Signal, raise};

/// Does `io` with SIGPIPE blocked on this thread, and takes away what came of it. Neither a
/// handler nor an end of the process comes of it then, and the signal mask is as before.
///
/// A SIGPIPE that was pending already, because the service itself has it blocked, is taken away
/// along with ours: the system keeps one of a kind, and does not say whose.
#[cfg(target_os = "linux")]
pub fn without<T>(io: impl FnOnce() -> T) -> T {
    let pipe = SigSet::from(Signal::SIGPIPE);
    let _quiet = Quiet { pipe, before: pipe.thread_swap_mask(SigmaskHow::SIG_BLOCK).ok() };
    io()
}

/// Elsewhere sockets are told not to send the signal when they are made.
#[cfg(not(target_os = "linux"))]
pub fn without<T>(io: impl FnOnce() -> T) -> T {
    io()
}

#[cfg(target_os = "linux")]
struct Quiet {
    pipe: SigSet,
    /// The mask to go back to; nothing if none was changed.
    before: Option<SigSet>,
}

#[cfg(target_os = "linux")]
impl Drop for Quiet {
    fn drop(&mut self) {
        let Some(before) = self.before else { return };
        // There is no safe way to ask what is pending, and waiting for what is not would be for
        // ever. One more makes it certain: a thread has one pending SIGPIPE at most.
        if raise(Signal::SIGPIPE).is_ok() {
            let _ = self.pipe.wait();
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

    fn line(name: &str) -> u64 {
        let status = fs::read_to_string("/proc/thread-self/status").unwrap();
        let value = status.lines().find_map(|line| line.strip_prefix(name)).unwrap();
        u64::from_str_radix(value.trim(), 16).unwrap()
    }

    const PIPE: u64 = 1 << (Signal::SIGPIPE as u32 - 1);

    fn break_a_pipe() {
        let (here, there) = UnixStream::pair().unwrap();
        drop(there);
        let pieces = [std::io::IoSlice::new(b"a"), std::io::IoSlice::new(b"b")];
        assert!((&here).write_vectored(&pieces).is_err());
        assert_eq!(line("SigPnd:") & PIPE, PIPE, "this test shows nothing otherwise");
    }

    #[test]
    fn a_broken_pipe_leaves_nothing_behind() {
        thread::spawn(|| {
            for blocked in [false, true] {
                if blocked {
                    SigSet::from(Signal::SIGPIPE).thread_block().unwrap();
                }
                let before = line("SigBlk:");
                without(break_a_pipe);
                without(|| ());
                assert_eq!(line("SigPnd:") & PIPE, 0);
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
            let panicked = std::panic::catch_unwind(|| without(|| panic!("on purpose")));
            assert!(panicked.is_err());
            assert_eq!(line("SigBlk:"), before);
        })
        .join()
        .unwrap();
    }
}
