//! What a service may see of the library: `metrics` counts, `events` tells what changed, `log` says
//! what went wrong where nobody asked.

pub mod events;
pub mod log;
pub mod metrics;
