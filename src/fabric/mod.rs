//! One Fabric node: how to reach it, what to say, and what its answers mean.
//!
//! [`http`] carries bytes (the [`transport`] contract), [`digest`] proves who asks, [`xmlrpc`]
//! reads and writes calls, [`client`] makes one exchange of them, [`envelope`] unwraps the
//! replies of both generations of servers and [`commands`] gives them types.

pub mod challenge;
pub mod digest;
pub mod failure;
pub mod http;
pub mod tls;
pub mod transport;
pub mod xmlrpc;
