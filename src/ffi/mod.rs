//! The C boundary: one file per C object, and the only unsafe code of the library.
//!
//! `include/mysqlfabric.h` is made from the doc comments here, so they speak to a C reader.

#![allow(non_camel_case_types, clippy::too_many_arguments)]
// The docs are the header's: what a caller must keep to stands there in C terms.
#![allow(clippy::missing_safety_doc)]

mod boundary;
mod cancel;
mod fork;
pub mod owned;
mod ptr;
mod thread;

// The order of the header, so each on its own: what a newcomer meets first stands first.
mod version;

mod error;

mod status;

mod options;

mod behaviour;

mod log;

mod handle;

mod key;

mod server;

mod lookup;

mod table;

mod keys;

mod batch;

mod shard;

mod range;

mod node;

mod cache;

mod report;

mod execute;

mod getters;

mod metrics;

mod event;

#[cfg(feature = "test-hooks")]
mod test_hooks;

pub use batch::*;
pub use behaviour::*;
pub use cache::*;
pub use error::*;
pub use event::*;
pub use execute::*;
pub use getters::*;
pub use handle::*;
pub use key::*;
pub use keys::*;
pub use log::*;
pub use lookup::*;
pub use metrics::*;
pub use node::*;
pub use options::*;
pub use range::*;
pub use report::*;
pub use server::*;
pub use shard::*;
pub use status::*;
pub use table::*;
#[cfg(feature = "test-hooks")]
pub use test_hooks::*;
pub use version::*;
