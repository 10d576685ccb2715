//! How often groups that have no primary are asked, by all handles of the process together.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use once_cell::race::OnceBox;

use crate::base::random::jitter;

/// The interval of a group that may have a primary any moment.
const QUICK: Duration = Duration::from_millis(50);

/// So many in a second, all handles together.
const MOST: u32 = 400;

/// The second, and how many of it are taken, in one number each.
static TAKEN: AtomicU64 = AtomicU64::new(0);

/// The interval of a group that may have a primary any moment, where `usual` is that of others: as
/// quick as all handles of the process leave room for.
pub fn interval(usual: Duration, second: u64) -> Duration {
    if usual <= QUICK || !take(&TAKEN, second) { usual } else { jitter(QUICK, (0.8, 1.2)) }
}

/// The second that is running, by a clock that all handles share.
pub fn second() -> u64 {
    static BEGUN: OnceBox<Instant> = OnceBox::new();
    BEGUN.get_or_init(|| Box::new(Instant::now())).elapsed().as_secs()
}

fn take(taken: &AtomicU64, second: u64) -> bool {
    let next = |state: u64| {
        let (of, count) = (state >> 32, state & u64::from(u32::MAX));
        let count = if of == second & u64::from(u32::MAX) { count } else { 0 };
        (count < u64::from(MOST)).then_some((second & u64::from(u32::MAX)) << 32 | (count + 1))
    };
    taken.fetch_update(Ordering::Relaxed, Ordering::Relaxed, next).is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_second_has_so_many_and_no_more() {
        let taken = AtomicU64::new(0);
        for second in [7, 8, u64::MAX, 3] {
            let granted = (0..2 * MOST).filter(|_| take(&taken, second)).count();
            assert_eq!(granted, MOST as usize, "{second}");
        }
    }

    #[test]
    fn who_asks_often_enough_anyway_asks_no_oftener() {
        let short = Duration::from_millis(20);
        assert_eq!(interval(short, 1), short);
    }
}
