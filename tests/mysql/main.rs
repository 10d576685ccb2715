//! The MySQL protocol against real servers, which `tests/servers` fetches and starts.

mod answers;
mod client;
mod cluster_set;
mod directory;
mod discovery;
mod group;
mod group_replication;
mod innodb_cluster;
mod login;
mod mariadb_replication;
mod moving_off_fabric;
mod probes;
mod replication;
mod resharding;
mod resharding_refusals;
mod seen;
mod servers;
mod state_store;
mod support;
mod tls;

use std::time::{Duration, Instant};

/// Waits for what comes in seconds, on whatever machine.
pub fn eventually(what: &str, mut come: impl FnMut() -> bool) {
    let begun = Instant::now();
    while !come() {
        assert!(begun.elapsed() < Duration::from_secs(60), "never came: {what}");
        std::thread::sleep(Duration::from_millis(10));
    }
}
