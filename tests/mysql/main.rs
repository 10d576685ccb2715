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

pub use support::eventually;
