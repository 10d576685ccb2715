//! Random shares of times, so that the handles of a fleet do not march in step.

use std::time::Duration;

use uuid::Uuid;

/// A random share of `duration`, between the two fractions.
pub fn jitter(duration: Duration, (least, most): (f64, f64)) -> Duration {
    // 53 random bits are a fraction in [0, 1) that an f64 holds exactly.
    let random = (Uuid::new_v4().as_u128() >> 75) as f64 / (1u64 << 53) as f64;
    duration.mul_f64(least + (most - least) * random)
}
