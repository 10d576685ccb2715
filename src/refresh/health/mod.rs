//! What the service's own errors say of its servers.

pub mod errno;
pub mod reporter;
