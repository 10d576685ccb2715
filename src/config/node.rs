//! The address of a node of a source.

use std::fmt;
use std::net::Ipv6Addr;

use crate::base::text::excerpt;

/// The address of one Fabric node.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Node {
    pub host: String,
    pub port: u16,
}

impl Node {
    /// None if `host` is neither a name nor an address. A colon is in those of IPv6 alone: what is
    /// behind another one may be a port.
    pub fn new(host: &str, port: u16) -> Option<Self> {
        let odd = |c: char| c.is_whitespace() || c.is_control() || "/@?#[]".contains(c);
        let address = host.split_once('%').map_or(host, |(address, _)| address);
        let has_port = host.contains(':') && address.parse::<Ipv6Addr>().is_err();
        let is_host = !host.is_empty() && !host.contains(odd) && !has_port && host.len() <= 255;
        is_host.then(|| Self { host: host.to_owned(), port })
    }

    /// Reads `host`, `host:port`, `[address]` or `[address]:port`; or says why it is none of these.
    pub(crate) fn parse(text: &str, default_port: u16) -> Result<Self, &'static str> {
        let (host, port) = match text.strip_prefix('[') {
            Some(rest) => {
                let (host, behind) = rest.split_once(']').ok_or("the '[' has no ']'")?;
                if host.parse::<Ipv6Addr>().is_err() {
                    return Err("brackets are for IPv6 addresses, as in [::1]:32274");
                }
                match behind.strip_prefix(':') {
                    Some(port) => (host, Some(port)),
                    None if behind.is_empty() => (host, None),
                    None => return Err("behind the ']' only a ':' and a port may be"),
                }
            }
            None => match text.split_once(':') {
                Some((_, port)) if port.contains(':') => {
                    return Err("an IPv6 address stands in brackets, as in [::1]:32274");
                }
                Some((host, port)) => (host, Some(port)),
                None => (text, None),
            },
        };
        let port = match port {
            None => default_port,
            Some(port) => match port.parse::<u16>() {
                Ok(number) if number > 0 && port.bytes().all(|byte| byte.is_ascii_digit()) => {
                    number
                }
                _ => return Err("its port is no number from 1 to 65535"),
            },
        };
        Self::new(host, port).ok_or("give a name or an address")
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_colon_is_in_addresses_alone() {
        for host in ["a", "a.example", "10.0.0.1", "::1", "fe80::1%eth0", "a%b"] {
            assert!(Node::new(host, 1).is_some(), "{host}");
        }
        for host in ["", "h:5", "10.0.0.1:5", "a:b:c", "::1:x", "a b", "[::1]", "u@h"] {
            assert!(Node::new(host, 1).is_none(), "{host}");
        }
    }
}
