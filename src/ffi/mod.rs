//! The C boundary: one file per C object. Only here, and in `topology/md5`, is there unsafe code.
//!
//! `include/mysqlfabric.h` is made from the doc comments here, so they speak to a C reader. What makes
//! a block safe is what the header asks of the caller; its `SAFETY` line names the pointers and what of
//! it. CONTRIBUTING.md says how to add a function, an option, a status, or an event.
//!
//! - `boundary` turns errors and panics into statuses,
//! - `ptr` checks what C lends, and writes results,
//! - `owned` hands objects to C and takes them back to free them.

#![allow(non_camel_case_types, clippy::too_many_arguments)]
// The docs are the header's: what a caller must keep to stands there in C terms.
#![allow(clippy::missing_safety_doc)]

mod arg;
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

mod source;

mod behaviour;

mod mysql;

mod discovery;

mod zone;

mod log;

mod handle;

mod key;

mod server;

mod lookup;

mod table;

mod keys;

mod batch;

mod choice;

mod shard;

mod range;

mod inventory;

mod explain;

mod health;

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
pub use choice::*;
pub use discovery::*;
pub use error::*;
pub use event::*;
pub use execute::*;
pub use explain::*;
pub use getters::*;
pub use handle::*;
pub use health::*;
pub use inventory::*;
pub use key::*;
pub use keys::*;
pub use log::*;
pub use lookup::*;
pub use metrics::*;
pub use mysql::*;
pub use node::*;
pub use options::*;
pub use range::*;
pub use report::*;
pub use server::*;
pub use shard::*;
pub use source::*;
pub use status::*;
pub use table::*;
#[cfg(feature = "test-hooks")]
pub use test_hooks::*;
pub use version::*;
pub use zone::*;
