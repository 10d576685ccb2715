//! The map of the source. Imports go one way:
//!
//! `ffi` (the C boundary) -> `router` (which server) -> `refresh` (when to ask) -> `source` (whom to
//! ask; `source/fabric` speaks with one Fabric node) -> `topology` (what the farm looks like) ->
//! `base` (errors, clocks, locks, threads).
//!
//! `store` is a topology as a file; it stands beside `source`, and so do `mysql`, which speaks with a
//! MySQL server, `net`, which has what asking over a network takes, and `config`, what a handle was
//! told by its options. `observe` is what a service sees of a handle: metrics, events, the log.
//! `thread_cache` is what each thread keeps for itself, so that lookups share no written memory.
//!
//! Where is what: docs/ARCHITECTURE.md follows a lookup, a batch, a refresh and a report from file to
//! file. A key finds its shard in `topology/shard_map`; what C programs hold is made and freed in
//! `ffi/owned.rs`; a source of topologies is a folder of `source`, registered in `source::of`.
//! CONTRIBUTING.md says how to add to each.
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
pub mod ffi;
pub mod mysql;
pub mod net;
pub mod observe;
pub mod refresh;
pub mod router;
pub mod source;
pub mod store;
mod sync;
pub mod thread_cache;
pub mod topology;
