//! One Fabric node: how to reach it, what to say, and what its answers mean.
//!
//! From the wire up: [`http`] carries requests and replies, [`auth`] proves who asks, [`xmlrpc`] writes
//! calls and reads replies; [`envelope`] and [`tabulate`] take the wrapping off, [`stream`] as it
//! arrives, [`rows`] and [`nodes`] give types, and [`commands`] is what the rest of the library uses.

pub mod auth;
#[cfg(test)]
mod both_ways;
pub mod commands;
pub mod envelope;
pub mod http;
pub mod nodes;
pub mod rows;
pub mod stream;
pub mod tabulate;
pub mod xmlrpc;

pub use commands::ResultSets;
pub use envelope::{Generation, ResultSet};
pub use http::{Client, is_usable};
pub use nodes::NodesReply;
pub use rows::{Collect, Dump, FromRow, Row};
pub use xmlrpc::Value;
