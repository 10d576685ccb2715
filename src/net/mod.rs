//! What every source that asks over a network stands on: an event loop for one exchange, names to
//! addresses, and verified TLS.

#[cfg(feature = "tls")]
pub mod certificate;
pub mod connect;
pub mod event_loop;
#[cfg(feature = "tls")]
mod no_verification;
pub mod off_runtime;
pub mod peer;
pub mod resolver;
pub mod tls;
