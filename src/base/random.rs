//! Random numbers, from the system and nowhere else: nothing is kept that a fork could repeat.
//!
//! A sandbox may leave a process without any, so whoever asks may be refused.

use std::time::Duration;

use uuid::{Builder, Uuid};

use crate::base::error::{Code, Error, Result};

/// # Errors
/// The system has no random numbers for this process.
pub fn bytes() -> Result<[u8; 16]> {
    let mut bytes = [0; 16];
    getrandom::fill(&mut bytes).map_err(|error| {
        let message = format!(
            "the system gives no random numbers ({error}); allow this process getrandom(2), or \
             let it have /dev/urandom"
        );
        Error::new(Code::System, message)
    })?;
    Ok(bytes)
}

/// # Errors
/// As [`bytes`].
pub fn uuid() -> Result<Uuid> {
    Ok(Builder::from_random_bytes(bytes()?).into_uuid())
}

/// A number between 0 and 1, for what is only spread by it: 0.5 if there is none to be had.
pub fn fraction() -> f64 {
    // 53 random bits are a fraction in [0, 1) that an f64 holds exactly.
    let random = |bytes| (u128::from_le_bytes(bytes) >> 75) as f64 / (1u64 << 53) as f64;
    bytes().map_or(0.5, random)
}

/// A random share of `duration`, between the two fractions.
pub fn jitter(duration: Duration, (least, most): (f64, f64)) -> Duration {
    duration.mul_f64(least + (most - least) * fraction())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shares_lie_between_the_fractions_and_differ() {
        let shares: Vec<_> =
            (0..100).map(|_| jitter(Duration::from_secs(1000), (0.25, 0.75))).collect();
        let (least, most) = (Duration::from_secs(250), Duration::from_secs(750));
        assert!(shares.iter().all(|share| (least..=most).contains(share)));
        assert!(shares.iter().any(|share| *share != shares[0]));
        assert_ne!(uuid().unwrap(), uuid().unwrap());
    }
}
