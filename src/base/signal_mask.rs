//! The signal mask of the calling thread.

use nix::sys::signal::{SigSet, SigmaskHow, Signal, pthread_sigmask};

/// Changes the mask, and gives the one before; nothing if the system refuses, and then nothing is
/// changed. nix takes a refusal for success: the call returns the number of the error, and not -1.
pub fn swap(how: SigmaskHow, set: &SigSet) -> Option<SigSet> {
    // Nobody can block SIGKILL: a mask with it is the one from here, and was not written.
    let mut before = SigSet::all();
    pthread_sigmask(how, Some(set), Some(&mut before)).ok()?;
    (!before.contains(Signal::SIGKILL)).then_some(before)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_change_gives_the_mask_before() {
        std::thread::spawn(|| {
            let winch = SigSet::from(Signal::SIGWINCH);
            let first = swap(SigmaskHow::SIG_BLOCK, &winch).expect("a mask");
            let second = swap(SigmaskHow::SIG_SETMASK, &first).expect("a mask");
            assert_eq!((first.contains(Signal::SIGWINCH), second.contains(Signal::SIGWINCH)), {
                (false, true)
            });
        })
        .join()
        .unwrap();
    }
}
