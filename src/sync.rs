//! The shared types of the files that tests/model compiles, too. There these names are loom's types,
//! which run the code in every order that its threads may take.

pub use arc_swap::{ArcSwap, Guard};
pub use once_cell::sync::OnceCell;
pub use std::sync::Arc;
pub use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};

pub use crate::base::sync::{Condvar, Mutex, MutexGuard, rank};
