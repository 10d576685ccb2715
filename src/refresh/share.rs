//! How much of the time the background refresh may take.

use std::mem;

/// A farm whose dumps take long is refreshed less often, or its handles would do little else.
#[derive(Debug, Default)]
pub struct Share {
    before: u64,
}

impl Share {
    /// The least pause, in milliseconds, after a refresh that `took` so many, if refreshing may
    /// take `percent` of the time. A single slow refresh is an accident, and must not keep the
    /// next one away for many times as long; two in a row are what a refresh costs.
    pub fn rest(&mut self, took: u64, percent: u32) -> u64 {
        let usual = took.min(mem::replace(&mut self.before, took));
        let share = u64::from(percent.clamp(1, 100));
        usual.saturating_mul(100 - share) / share
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_takes_long_is_done_less_often_unless_it_was_an_accident() {
        let mut share = Share::default();
        assert_eq!(share.rest(4, 5), 0, "nobody knows yet what is usual");
        assert_eq!(share.rest(4, 5), 76);
        assert_eq!(share.rest(3000, 5), 76);
        assert_eq!(share.rest(5, 5), 95);
        assert_eq!(share.rest(3000, 5), 95);
        assert_eq!(share.rest(2000, 5), 38_000);
        assert_eq!(share.rest(2000, 100), 0);
        assert_eq!(share.rest(2000, 0), 198_000, "0 is taken for 1");
        assert_eq!(share.rest(u64::MAX, 1), 198_000);
    }
}
