//! The MySQL protocol against real servers, which `tests/servers` fetches and starts.

mod servers;
mod support;
