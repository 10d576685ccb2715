//! The command on real servers.

#[allow(dead_code)]
#[path = "../../../tests/mysql/client.rs"]
mod client;
#[allow(dead_code)]
#[path = "../command/support.rs"]
mod command;
#[allow(dead_code)]
#[path = "../../../tests/mysql/group.rs"]
mod group;
mod import;
mod map;
mod ping;
mod ping_group;
#[allow(dead_code)]
#[path = "../../../tests/mysql/support.rs"]
mod support;

use support::eventually;
