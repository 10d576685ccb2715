//! Whether a thread is inside a callback of the service's. What it calls there must not wait for
//! the library: the thread may be the one that everybody waits for.

use std::cell::Cell;

thread_local! {
    static DEPTH: Cell<u32> = const { Cell::new(0) };
}

struct DepthGuard;

impl Drop for DepthGuard {
    fn drop(&mut self) {
        // A thread that is ending has no callback any more.
        let _ = DEPTH.try_with(|depth| depth.set(depth.get().saturating_sub(1)));
    }
}

/// Runs a callback.
pub fn run<R>(callback: impl FnOnce() -> R) -> R {
    let _ = DEPTH.try_with(|depth| depth.set(depth.get().saturating_add(1)));
    let _guard = DepthGuard;
    callback()
}

/// Whether the calling thread is in a callback.
pub fn is_running() -> bool {
    DEPTH.try_with(|depth| depth.get() > 0).unwrap_or(false)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_callback_may_be_in_another_and_panic() {
        assert!(!is_running());
        run(|| {
            let panics = std::panic::catch_unwind(|| run(|| panic!("on purpose")));
            panics.expect_err("a panic");
            assert!(is_running());
            std::thread::spawn(|| assert!(!is_running())).join().expect("its own");
        });
        assert!(!is_running());
    }
}
