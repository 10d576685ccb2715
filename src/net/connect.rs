//! A connection to a node, by name or address.

use std::io;
use std::net::IpAddr;

use tokio::net::TcpStream;

use crate::config::Node;
use crate::net::resolver;

/// The first address of the node that takes one; the failure is that of the last. Takes as long as
/// the system likes.
pub async fn connect(node: &Node) -> io::Result<TcpStream> {
    let host = node.host.trim_matches(['[', ']']);
    if let Ok(address) = host.parse::<IpAddr>() {
        return TcpStream::connect((address, node.port)).await;
    }
    let mut failure = io::Error::from(io::ErrorKind::NotFound);
    for mut address in resolver::addresses(host).await.map_err(io::Error::other)? {
        address.set_port(node.port);
        match TcpStream::connect(address).await {
            Ok(stream) => return Ok(stream),
            Err(error) => failure = error,
        }
    }
    Err(failure)
}
