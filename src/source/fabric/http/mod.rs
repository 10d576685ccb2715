//! One request to a node over HTTP, from the socket up.
//!
//! [`exchange`] carries bytes under the [`transport`] contract, by what [`crate::net`] has, with
//! [`failure`] at its side; [`connecting`] tells when a connection is there, [`status_line`] reads what
//! no HTTP library takes, [`sniff`] looks at how a reply begins, and [`client`] makes one call of all
//! that.

pub mod client;
mod connecting;
pub mod exchange;
pub mod failure;
mod protocol;
mod resolver;
pub mod sniff;
pub mod status_line;
pub mod transport;

pub use client::Client;
pub use exchange::is_usable;
