//! The MySQL protocol against real servers, which `tests/servers` fetches and starts.

mod answers;
mod client;
mod login;
mod servers;
mod state_store;
mod support;
mod tls;
