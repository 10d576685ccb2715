//! Whom to ask for the topology.

pub mod attempt;
pub mod backoff;
pub mod endpoints;
pub mod event_loop;
pub mod fabric;
pub mod race;
pub mod usual;
pub mod way;

pub use attempt::{Attempt, Waits};
pub use backoff::Backoff;
pub use endpoints::Endpoints;
pub use usual::{Size, Subject};
