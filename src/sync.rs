//! What threads share in the code that tests/model runs in every order its threads may take.
//! There the same names stand for loom's types.

pub use arc_swap::{ArcSwap, Guard};
pub use once_cell::sync::OnceCell;
pub use std::sync::Arc;
pub use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};

pub use crate::base::sync::{Condvar, Mutex, MutexGuard, rank};
