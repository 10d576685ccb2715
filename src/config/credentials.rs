//! Who the handle is, for whom it asks, and by which certificates.

use std::path::PathBuf;

use zeroize::Zeroizing;

/// A user and its password. The password is wiped when the last copy goes.
#[derive(Clone)]
pub struct Credentials {
    pub user: String,
    pub password: Zeroizing<String>,
}

/// The PEM files of a TLS connection: the authority the node is verified against, and the
/// client's own certificate where one is asked for.
#[derive(Debug, Clone)]
pub struct TlsFiles {
    pub ca: PathBuf,
    pub identity: Option<Identity>,
}

#[derive(Debug, Clone)]
pub struct Identity {
    pub key: PathBuf,
    pub cert: PathBuf,
}
