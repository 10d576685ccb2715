//! One Fabric node on the wire, from bytes that real nodes sent.

mod auth;
mod canned;
#[cfg(feature = "tls")]
mod certificates;
mod costs;
mod dumps;
mod freed;
mod generation_one;
mod hostile;
mod replies;
mod runtime;
mod timing;
#[cfg(feature = "tls")]
mod tls;
