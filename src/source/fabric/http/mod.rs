//! One request to a node over HTTP, from the socket up.
//!
//! [`exchange`] carries bytes under the [`transport`] contract, with [`tls`], [`certificate`] and
//! [`failure`] at its side; [`resolver`] finds addresses, [`connecting`] tells when a connection is
//! there, [`status_line`] reads what no HTTP library takes, [`sniff`] looks at how a reply begins, and
//! [`client`] makes one call of all that, [`off_runtime`] of the caller's own event loop.

#[cfg(feature = "tls")]
pub mod certificate;
pub mod client;
mod connecting;
pub mod exchange;
pub mod failure;
pub mod off_runtime;
mod resolver;
pub mod sniff;
pub mod status_line;
pub mod tls;
pub mod transport;

pub use client::Client;
pub use exchange::is_usable;
