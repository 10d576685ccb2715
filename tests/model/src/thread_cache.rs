//! What a thread keeps for itself, as far as publishing is concerned.

use std::cell::{Cell, RefCell};

use crate::sync::Arc;
use crate::topology::Topology;

pub const SLOTS: usize = 2;

#[derive(Default)]
pub struct CachedSnapshot {
    pub epoch: u64,
    pub topology: Option<Arc<Topology>>,
}

#[derive(Default)]
pub struct Slot {
    pub fresh_epoch: Cell<u64>,
    pub snapshot: RefCell<CachedSnapshot>,
}

#[derive(Default)]
pub struct ThreadCache {
    pub last_hits: [Cell<u32>; SLOTS],
    pub slots: [Slot; SLOTS],
}
