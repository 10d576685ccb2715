//! Bounds of HASH shards: 32 upper-case hex digits.

use crate::md5hex;

/// Where a key, or the group of a new shard, stands on the ring.
pub fn hash(text: &str) -> String {
    md5hex::upper(text.as_bytes())
}

/// The arithmetic middle between a bound and the next one; above the highest, the ring's end.
pub fn middle(bound: &str, bounds: &[&str]) -> String {
    let number = |text: &str| u128::from_str_radix(text, 16).unwrap_or(0);
    let low = number(bound);
    let high = bounds.iter().map(|b| number(b)).filter(|b| *b > low).min().unwrap_or(u128::MAX);
    format!("{:032X}", low + (high - low) / 2)
}
