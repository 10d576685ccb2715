//! What the service itself saw of a group's servers, laid over what the source says of them.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// How far a service gets with a server.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum Reach {
    #[default]
    Good,
    /// Nobody knows yet: it was away, and who takes the ticket may find out.
    Trial(Ticket),
    Away,
}

/// The right to try a server. All snapshots of one trial share it.
#[derive(Debug, Clone, Default)]
pub struct Ticket(Arc<AtomicBool>);

impl Ticket {
    /// True for the first who asks.
    pub fn take(&self) -> bool {
        !self.is_taken() && !self.0.swap(true, Ordering::Relaxed)
    }

    pub fn is_taken(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }
}

impl PartialEq for Ticket {
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }
}

impl Eq for Ticket {}
