//! What the options of a handle say of all groups that it discovers.

use std::time::Duration;

#[derive(Debug, Clone, PartialEq, Default)]
pub struct Options {
    /// Servers that are further behind than this are not read.
    pub max_lag: Option<Duration>,
    /// Of a group in which every member takes writes, one member is used, and kept while it lasts.
    /// Otherwise such a group has no primary.
    pub multi_primary: bool,
    /// Members of a group that has no majority are read.
    pub reads_without_majority: bool,
}
