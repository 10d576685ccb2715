//! What the files above stand on.

#[path = "../../../src/base/error.rs"]
pub mod error;
#[allow(dead_code)] // Most locks are in files that are not here.
#[path = "../../../src/base/rank.rs"]
pub mod rank;
