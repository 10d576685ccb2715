//! Found by comparing little: names by their hash, bounds by their value.

pub mod bounds;
pub mod buckets;
pub mod long_text;
pub mod names;
