//! The map of the house. Data flows one way:
//!
//! `fabric` (one Fabric node) -> `refresh` (when and which node to ask) -> `topology` (what
//! the farm looks like) -> `router` (which server) -> `ffi` (the C boundary).
//!
//! All of them stand on `base`, where every thread of the library starts.
//!
//! What others may see of it all: `metrics` counts, `events` tells what changed.
//! `local` is what each thread keeps for itself, so that lookups share no written memory.
//! `snapshot` is a topology as a file, which `refresh` writes, and reads in Fabric's stead.
//!
//! `topology` is pure: it imports nothing of the others. `unsafe` lives in `ffi` alone, but for
//! the hashing of keys in `topology/md5`. C programs see `include/mysqlfabric.h`, which is made
//! from `ffi`; the other modules are public for the project's own tests and benches and promise
//! nothing to anyone else.

#![deny(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::todo)]
#![deny(clippy::print_stdout, clippy::print_stderr, clippy::indexing_slicing)]
#![cfg_attr(
    test,
    allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)
)]

pub mod base;
pub mod config;
pub mod error;
pub mod events;
pub mod fabric;
pub mod ffi;
pub mod local;
pub mod log;
pub mod metrics;
pub mod refresh;
pub mod router;
pub mod snapshot;
pub mod source;
mod sync;
pub mod topology;
