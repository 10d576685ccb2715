//! Whom to ask for the topology.

pub mod backoff;
pub mod endpoints;
pub mod fabric;
pub mod race;
pub mod usual;
pub mod way;

pub use backoff::Backoff;
pub use endpoints::Endpoints;
pub use usual::{Size, Subject};
