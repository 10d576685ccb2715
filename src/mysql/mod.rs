//! The MySQL client protocol, as far as it takes to ask a server something: connect, log in, and read
//! what a statement answers.
//!
//! [`connection`] is what a source uses, on an event loop of its own or by [`session`], which brings
//! one. Under it, from the wire up: [`stream`] is the socket, [`packet`] the framing, [`reader`] what
//! is in a packet; [`greeting`], [`login`] and [`auth`] lead into the server, [`result_set`] is what
//! comes out. Everything ends by one deadline, is bounded ([`limits`]), and fails as [`failure`] says.
//! Nothing is started or kept that a forked child could inherit in use ([`connection`] has more).
//!
//! MySQL 5.6 and later, MariaDB, and Fabric's own MySQL-RPC, which is a smaller protocol.

pub mod account;
pub mod auth;
pub mod capabilities;
pub mod connection;
pub mod failure;
pub mod greeting;
pub mod limits;
pub mod login;
pub mod packet;
pub mod reader;
pub mod result_set;
mod secure;
pub mod session;
pub mod stream;
pub mod target;

pub use account::Account;
pub use connection::Connection;
pub use failure::Failure;
pub use limits::Limits;
pub use result_set::ResultSet;
pub use session::Session;
pub use target::{Address, Target, TlsMode};
