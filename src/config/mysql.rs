//! How MySQL servers are asked, as far as the library itself does.

use std::path::PathBuf;

use super::credentials::{Credentials, Identity};

/// How much TLS there must be, as MySQL's own clients have it, and with their numbers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(i32)]
pub enum TlsMode {
    Disabled = 1,
    /// Where the server offers it, whoever that is.
    Preferred = 2,
    /// Always, whoever the server is.
    Required = 3,
    /// With a certificate of the authority given, whatever name is in it.
    VerifyCa = 4,
    /// With one that has the server's name or address, too.
    VerifyIdentity = 5,
}

/// What the handle needs to log in to MySQL servers. What it knows for Fabric is not for them.
#[derive(Clone, Default)]
pub struct MysqlOptions {
    pub credentials: Option<Credentials>,
    /// None: [`TlsMode::VerifyIdentity`] where there is an authority, else [`TlsMode::Preferred`].
    pub tls_mode: Option<TlsMode>,
    /// The PEM file of the authority.
    pub ca: Option<PathBuf>,
    pub identity: Option<Identity>,
    /// Whether the password may go out in full over TLS that nobody verified.
    pub full_password_unverified: bool,
}
