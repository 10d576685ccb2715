//! One Fabric node: how to reach it, what to say, and what its answers mean.
//!
//! From the wire up: [`http`] carries bytes under the [`transport`] contract, in an `event_loop`,
//! with [`tls`] and [`failure`] at its side; [`challenge`], [`digest`] and [`auth`] prove who asks;
//! [`start`] looks at how a reply begins; [`xmlrpc`] writes calls and reads replies; [`client`] makes
//! one call of all that, as one [`attempt`], [`apart`] from the caller's own event loop;
//! [`envelope`] and [`tabulate`] take the wrapping off, [`stream`] as it arrives, [`rows`] and
//! [`nodes`] give types, and [`commands`] is what the rest of the library uses.

pub mod apart;
pub mod attempt;
pub mod auth;
#[cfg(test)]
mod both_ways;
#[cfg(feature = "tls")]
pub mod certificate;
pub mod challenge;
pub mod client;
pub mod commands;
mod connecting;
pub mod digest;
pub mod envelope;
mod event_loop;
pub mod failure;
pub mod http;
pub mod nodes;
mod resolver;
pub mod rows;
pub mod start;
pub mod status_line;
pub mod stream;
pub mod tabulate;
pub mod text;
pub mod tls;
pub mod transport;
pub mod xmlrpc;

pub use attempt::{Attempt, Waits};
pub use client::Client;
pub use commands::ResultSets;
pub use envelope::{Generation, ResultSet};
pub use http::is_usable;
pub use nodes::NodesReply;
pub use rows::{Collect, Dump, Owner, Row, ServerRow, ShardCells, ShardRow, Skipped};
pub use xmlrpc::Value;
