//! The address of a node of a source.

use std::fmt;

use crate::base::text::excerpt;

/// The address of one Fabric node.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Node {
    pub host: String,
    pub port: u16,
}

impl Node {
    /// None if `host` is neither a name nor an address.
    pub fn new(host: &str, port: u16) -> Option<Self> {
        let odd = |c: char| c.is_whitespace() || c.is_control() || "/@?#[]".contains(c);
        let is_host = !host.is_empty() && !host.contains(odd) && host.len() <= 255;
        is_host.then(|| Self { host: host.to_owned(), port })
    }
}

/// Host and port for messages, the host in brackets if it has colons itself.
impl fmt::Display for Node {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let host = excerpt(&self.host, 255);
        match host.contains(':') && !host.starts_with('[') {
            true => write!(out, "[{host}]:{}", self.port),
            false => write!(out, "{host}:{}", self.port),
        }
    }
}
