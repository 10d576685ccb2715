//! Which server, and how it is reached.

use std::fmt;
use std::path::PathBuf;

use crate::base::text::excerpt;
use crate::config::{Identity, Node};

pub use crate::config::TlsMode;
use crate::net::peer::Peer;
use crate::net::tls::{Tls, Trust};

/// A MySQL server, in messages.
pub(crate) const SERVER: Peer =
    Peer { name: "server", tls_option: "the TLS options for MySQL servers" };

/// Where a server listens.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Address {
    Tcp(Node),
    /// A Unix socket of this machine, which nobody listens in on: TLS is not asked for there.
    Socket(PathBuf),
}

impl fmt::Display for Address {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Tcp(node) => node.fmt(out),
            Self::Socket(path) => out.write_str(&excerpt(&path.to_string_lossy(), 255)),
        }
    }
}

/// A server and the way to it. The TLS files are read at the first connection that wants them.
pub struct Target {
    pub address: Address,
    pub mode: TlsMode,
    pub(super) tls: Tls,
    pub(super) has_authority: bool,
    /// The schema that statements are about, if they do not name one.
    pub database: Option<String>,
}

impl Target {
    /// Without a mode it is [`TlsMode::VerifyIdentity`] where there is an authority to verify by, a
    /// PEM file, and [`TlsMode::Preferred`] where there is none.
    ///
    /// The modes that verify take no server without an authority.
    pub fn new(
        address: Address,
        mode: Option<TlsMode>,
        ca: Option<PathBuf>,
        identity: Option<Identity>,
    ) -> Self {
        let mode = mode.unwrap_or(match ca {
            Some(_) => TlsMode::VerifyIdentity,
            None => TlsMode::Preferred,
        });
        let has_authority = ca.is_some();
        let trust = match (mode, ca) {
            (TlsMode::Disabled, _) | (TlsMode::VerifyCa | TlsMode::VerifyIdentity, None) => {
                Trust::NoTls
            }
            (TlsMode::Preferred | TlsMode::Required, _) => Trust::Unverified,
            (mode, Some(ca)) => {
                Trust::Ca { file: ca, verify_name: mode == TlsMode::VerifyIdentity }
            }
        };
        let tls = Tls::new(trust, identity, SERVER);
        Self { address, mode, tls, has_authority, database: None }
    }

    pub fn is_socket(&self) -> bool {
        matches!(self.address, Address::Socket(_))
    }

    /// One that is spoken with in plain.
    pub fn plain(address: Address) -> Self {
        Self::new(address, Some(TlsMode::Disabled), None, None)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_shown_as_it_is_written() {
        let tcp = |host: &str| Address::Tcp(Node { host: host.into(), port: 3306 }).to_string();
        assert_eq!(tcp("db1"), "db1:3306");
        assert_eq!(tcp("::1"), "[::1]:3306");
        assert_eq!(tcp("[::1]"), "[::1]:3306");
        assert_eq!(tcp("a\nb"), "a\\nb:3306");
        assert_eq!(Address::Socket("/run/mysqld.sock".into()).to_string(), "/run/mysqld.sock");
    }

    #[test]
    fn the_mode_follows_from_the_authority() {
        let address = || Address::Socket("/s".into());
        let mode =
            |mode, ca: Option<&str>| Target::new(address(), mode, ca.map(Into::into), None).mode;
        assert_eq!(mode(None, None), TlsMode::Preferred);
        assert_eq!(mode(None, Some("ca.pem")), TlsMode::VerifyIdentity);
        assert_eq!(mode(Some(TlsMode::VerifyCa), Some("ca.pem")), TlsMode::VerifyCa);
        assert_eq!(mode(Some(TlsMode::Disabled), Some("ca.pem")), TlsMode::Disabled);
    }
}
