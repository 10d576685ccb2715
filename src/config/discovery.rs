//! How the servers of groups that are to be discovered are asked, and what their answers are good for.

use std::time::Duration;

/// What the handle was told about discovery.
#[derive(Debug, Clone)]
pub struct DiscoveryOptions {
    /// From one round of questions to the next.
    pub interval: Duration,
    /// How far a server may be behind and still be read; `None` = however far.
    pub max_replica_lag: Option<Duration>,
    /// Whether one member of a group in which all take writes is its primary, and kept while it lasts.
    /// Otherwise such a group has none.
    pub multi_primary: bool,
    /// Whether members of a group that has no majority are read.
    pub reads_without_majority: bool,
}

impl Default for DiscoveryOptions {
    fn default() -> Self {
        Self {
            interval: Duration::from_millis(500),
            max_replica_lag: None,
            multi_primary: false,
            reads_without_majority: false,
        }
    }
}
