//! What messages call the other side of a connection.

/// A kind of servers, in the words of those who set the options.
#[derive(Debug, Clone, Copy)]
pub struct Peer {
    /// "node", "server".
    pub name: &'static str,
    /// The option that sets TLS.
    pub tls_option: &'static str,
}
