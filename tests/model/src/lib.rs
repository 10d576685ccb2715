//! The library's own files for publishing, waiting and single flight, with loom's types in the
//! place of the standard library's: loom runs a test again and again, in every order in which
//! its threads may take their steps and see each other's writes.

pub mod base;
#[path = "../../../src/refresh/single_flight.rs"]
pub mod single_flight;
#[path = "../../../src/refresh/snapshot_cell.rs"]
pub mod snapshot_cell;
pub mod sync;
pub mod thread_cache;
pub mod topology;
#[path = "../../../src/refresh/waiters.rs"]
pub mod waiters;
