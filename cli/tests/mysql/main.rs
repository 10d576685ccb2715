//! The command on real servers.

#[allow(dead_code)]
#[path = "../../../tests/mysql/client.rs"]
mod client;
#[allow(dead_code)]
#[path = "../command/support.rs"]
mod command;
mod import;
mod map;
mod ping;
#[allow(dead_code)]
#[path = "../../../tests/mysql/support.rs"]
mod support;
