//! The addresses of Fabric nodes, and which of them can be believed.

use std::collections::BTreeSet;
use std::net::IpAddr;

use crate::base::error::Result;
use crate::config::Node;
use crate::source::fabric::envelope::{Envelope, Generation};
use crate::source::fabric::rows::{Dump, FromRow, Row};
use crate::topology::Owner;

/// What a node says of itself and its like.
#[derive(Debug, Clone, PartialEq)]
pub struct NodesReply {
    pub generation: Generation,
    /// Empty in generation 1.
    pub uuid: String,
    pub ttl_seconds: u64,
    /// Each once, in the order they came, impossible names among them.
    pub nodes: Vec<Node>,
    /// Why other addresses could not be read.
    pub unreadable: Vec<String>,
}

/// Reads the reply of `asked`.
pub fn fabric_nodes(asked: &Node, envelope: Envelope) -> Result<NodesReply> {
    let generation = envelope.form.generation();
    let (uuid, ttl_seconds, told, skipped) = match generation {
        Generation::Two => {
            let dump = Dump::<Vec<HostAndPort>>::from_envelope(envelope)?;
            let told: Vec<Node> = dump.rows.into_iter().map(|row| row.0).collect();
            (dump.uuid, dump.ttl_seconds, told, dump.skipped)
        }
        Generation::One => {
            let dump = Dump::<Vec<Address>>::from_envelope(envelope)?;
            let told: Vec<Node> = dump.rows.into_iter().map(|row| row.0).collect();
            (dump.uuid, dump.ttl_seconds, told, dump.skipped)
        }
    };
    let mut seen = BTreeSet::new();
    let mut nodes: Vec<Node> =
        told.into_iter().map(|node| resolve_advertised(asked, node)).collect();
    nodes.retain(|node| seen.insert((node.host.clone(), node.port)));
    let unreadable = skipped.into_iter().map(|skipped| skipped.reason).collect();
    Ok(NodesReply { generation, uuid, ttl_seconds, nodes, unreadable })
}

/// A node tells the address it was configured to listen at. One that means "here" leads nobody
/// else there; then the address that just answered is the right one.
pub fn resolve_advertised(asked: &Node, told: Node) -> Node {
    let astray = is_wildcard(&told.host) || (is_loopback(&told.host) && !is_loopback(&asked.host));
    if astray { asked.clone() } else { told }
}

fn is_wildcard(host: &str) -> bool {
    host.is_empty() || ip(host).is_some_and(|ip| ip.is_unspecified())
}

fn is_loopback(host: &str) -> bool {
    let name = host.trim_end_matches('.');
    name.eq_ignore_ascii_case("localhost") || ip(host).is_some_and(|ip| ip.is_loopback())
}

/// An IPv4 address in IPv6 clothes counts as itself.
fn ip(host: &str) -> Option<IpAddr> {
    host.trim_matches(['[', ']']).parse().ok().map(|ip: IpAddr| ip.to_canonical())
}

/// Host and port in columns of their own.
struct HostAndPort(Node);

impl FromRow for HostAndPort {
    const COLUMNS: &'static [&'static str] = &["host", "port"];

    fn from_row(row: &Row<'_>) -> std::result::Result<Self, String> {
        Ok(Self(Node { host: row.text(0)?.into_owned(), port: row.integer(1)? }))
    }

    fn owner(_: &Row<'_>) -> Option<Owner> {
        None
    }
}

/// Host and port in one text.
struct Address(Node);

impl FromRow for Address {
    const COLUMNS: &'static [&'static str] = &["address"];

    fn from_row(row: &Row<'_>) -> std::result::Result<Self, String> {
        let address = row.text(0)?;
        let (host, port) = address.rsplit_once(':').ok_or("the address has no port")?;
        let port = port.parse().map_err(|_| "the port is no number")?;
        let host = host.trim_start_matches('[').trim_end_matches(']').to_owned();
        Ok(Self(Node { host, port }))
    }

    fn owner(_: &Row<'_>) -> Option<Owner> {
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn node(host: &str, port: u16) -> Node {
        Node { host: host.into(), port }
    }

    #[test]
    fn here_is_where_we_asked() {
        let far = node("fabric.example", 40000);
        let near = node("127.0.0.1", 40000);
        for host in ["0.0.0.0", "::", "[::]", "", "::ffff:0.0.0.0"] {
            assert_eq!(resolve_advertised(&far, node(host, 1)), far, "{host}");
            assert_eq!(resolve_advertised(&near, node(host, 1)), near, "{host}");
        }
        for host in ["localhost", "LOCALHOST.", "127.0.0.1", "127.9.9.9", "::1", "::ffff:127.0.0.1"]
        {
            assert_eq!(resolve_advertised(&far, node(host, 1)), far, "{host}");
            assert_eq!(resolve_advertised(&near, node(host, 1)), node(host, 1), "{host}");
        }
        for host in ["fabric2.example", "10.0.0.1", "localhost.example", "fe80::1"] {
            assert_eq!(resolve_advertised(&far, node(host, 1)), node(host, 1), "{host}");
        }
    }
}
