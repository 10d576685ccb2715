//! What a thread keeps for itself, as far as publishing is concerned.

use std::cell::{Cell, RefCell};

use crate::sync::Arc;
use crate::topology::Topology;

pub const LEASES: usize = 2;

#[derive(Default)]
pub struct Lease {
    pub stamp: u64,
    pub topology: Option<Arc<Topology>>,
}

#[derive(Default)]
pub struct Place {
    pub fresh: Cell<u64>,
    pub lease: RefCell<Lease>,
}

#[derive(Default)]
pub struct Local {
    pub guesses: [Cell<u32>; LEASES],
    pub places: [Place; LEASES],
}
