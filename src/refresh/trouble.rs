//! Whether the sources have just been asked in vain.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

/// What became of the fetches of a handle lately.
#[derive(Debug, Default)]
pub struct Trouble {
    /// When a fetch failed last; 0 = the last one did not.
    failed: AtomicU64,
    /// Whether a caller has left a fetch that is not over since, because it took too long.
    hangs: AtomicBool,
}

impl Trouble {
    /// A caller has left a fetch, because it took too long.
    pub fn takes_long(&self) {
        self.hangs.store(true, Ordering::Relaxed);
    }

    /// A fetch is over, well or not.
    pub fn is_over(&self) {
        self.hangs.store(false, Ordering::Relaxed);
    }

    /// The sources were asked at `now`.
    pub fn asked(&self, are_there: bool, now: u64) {
        self.failed.store(if are_there { 0 } else { now }, Ordering::Relaxed);
    }

    /// When the last fetch failed, if it did.
    pub fn failed(&self) -> Option<u64> {
        Some(self.failed.load(Ordering::Relaxed)).filter(|failed| *failed != 0)
    }

    /// Whether a fetch takes too long for those who have waited for it.
    pub fn hangs(&self) -> bool {
        self.hangs.load(Ordering::Relaxed)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_fetch_counts() {
        let trouble = Trouble::default();
        trouble.asked(false, 3);
        assert_eq!(trouble.failed(), Some(3));
        trouble.asked(true, 4);
        assert_eq!(trouble.failed(), None);
        trouble.takes_long();
        assert!(trouble.hangs());
        trouble.is_over();
        assert!(!trouble.hangs());
    }
}
