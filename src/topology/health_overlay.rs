//! What services saw of a group's servers, laid over what the source says of them.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use super::read_preference::ReadPreference;

/// What a service saw of one group's servers.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub struct HealthOverlay {
    /// How far the service gets with each server, in the order of the list. Missing ones are up.
    pub reachability: Vec<Reachability>,
    /// Whether its writes are held, since the primary refused one.
    pub held: bool,
    /// Where the service itself runs, if it is told: the same for as long as a handle lives.
    pub zone: Option<Arc<str>>,
    /// Which servers reads go to: the same for as long as a handle lives, too.
    pub preference: ReadPreference,
}

/// Whether a service gets through to a server: the state of a circuit breaker.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum Reachability {
    #[default]
    Up,
    /// Nobody knows yet: it was down, and whoever takes the probe may find out.
    HalfOpen(Probe),
    Down,
}

/// The right to try a server. All snapshots of one trial share it.
#[derive(Debug, Clone, Default)]
pub struct Probe(Arc<AtomicBool>);

impl Probe {
    /// True for the first who asks.
    pub fn take(&self) -> bool {
        !self.is_taken() && !self.0.swap(true, Ordering::Relaxed)
    }

    pub fn is_taken(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }
}

impl PartialEq for Probe {
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }
}

impl Eq for Probe {}
