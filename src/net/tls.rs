//! TLS to a node: the CA file given is the only root there is.

use std::path::PathBuf;

#[cfg(feature = "tls")]
pub use with_rustls::{Secured, Tls, TlsConfig, secured};
#[cfg(not(feature = "tls"))]
pub use without::{Secured, Tls, TlsConfig, secured};

/// Whom TLS takes for the one that was asked for.
#[derive(Debug, Clone)]
pub enum Trust {
    /// There is to be no TLS.
    NoTls,
    /// Whoever answers.
    Unverified,
    /// Who has a certificate of this authority, a PEM file, and if asked for it one with its name.
    Ca { file: PathBuf, verify_name: bool },
}

#[cfg(feature = "tls")]
mod with_rustls {
    use std::fs::OpenOptions;
    use std::io::{self, Read};
    use std::os::unix::fs::OpenOptionsExt;
    use std::path::Path;
    use std::sync::Arc;

    use arc_swap::ArcSwapOption;
    use rustls::crypto::CryptoProvider;
    use rustls::pki_types::pem::{self, PemObject};
    use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};
    use rustls::{ClientConfig, RootCertStore};

    use crate::base::error::{Code, Error, Result};
    use tokio::io::{AsyncRead, AsyncWrite};

    use super::Trust;
    use crate::config::Identity;
    use crate::net::certificate::Verifier;
    use crate::net::no_verification::NoVerification;
    use crate::net::peer::Peer;

    /// More than all authorities of a system together.
    const MAX_BYTES: u64 = 1 << 24;

    pub type TlsConfig = ClientConfig;

    /// A stream under TLS.
    pub type Secured<S> = tokio_rustls::client::TlsStream<S>;

    /// Agrees on TLS with `host`, which stands in brackets perhaps. What fails is a `rustls::Error`
    /// within, unless the connection broke.
    pub async fn secured<S>(stream: S, host: &str, tls: TlsConfig) -> io::Result<Secured<S>>
    where
        S: AsyncRead + AsyncWrite + Unpin,
    {
        let name = ServerName::try_from(host.trim_matches(['[', ']']).to_owned());
        let name = name.map_err(io::Error::other)?;
        tokio_rustls::TlsConnector::from(Arc::new(tls)).connect(name, stream).await
    }

    /// The files of a handle, and the configuration made from them at first use. A plain swap
    /// keeps it: a lock, if a fork came while it was held, would stay held in the child.
    pub struct Tls {
        trust: Trust,
        identity: Option<Identity>,
        peer: Peer,
        built: ArcSwapOption<ClientConfig>,
    }

    impl Tls {
        /// Reads nothing yet.
        pub fn new(trust: Trust, identity: Option<Identity>, peer: Peer) -> Self {
            Self { trust, identity, peer, built: ArcSwapOption::empty() }
        }

        /// For plain HTTP too there is a configuration, one that trusts nobody: without any,
        /// reqwest looks for a process-wide crypto provider and panics if it finds none.
        pub fn config(&self) -> Result<ClientConfig> {
            if let Some(built) = self.built.load_full() {
                return Ok(ClientConfig::clone(&built));
            }
            let built = Arc::new(self.build()?);
            self.built.store(Some(Arc::clone(&built)));
            Ok(ClientConfig::clone(&built))
        }

        fn build(&self) -> Result<ClientConfig> {
            // Named here and not installed for the process, which belongs to the service.
            let provider = Arc::new(rustls::crypto::ring::default_provider());
            let builder = ClientConfig::builder_with_provider(Arc::clone(&provider))
                .with_safe_default_protocol_versions()
                .map_err(|_| Error::new(Code::Tls, "TLS cannot be set up; report it"))?;
            let builder = match &self.trust {
                Trust::NoTls => builder.with_root_certificates(RootCertStore::empty()),
                Trust::Unverified => {
                    let verifier = Arc::new(NoVerification(provider));
                    builder.dangerous().with_custom_certificate_verifier(verifier)
                }
                Trust::Ca { file, verify_name } => {
                    let verifier = self.verifier(file, *verify_name, provider)?;
                    builder.dangerous().with_custom_certificate_verifier(Arc::new(verifier))
                }
            };
            let Some(identity) = &self.identity else { return Ok(builder.with_no_client_auth()) };
            let chain = self.certificates(&identity.cert)?;
            let key = self.private_key(&identity.key)?;
            builder.with_client_auth_cert(chain, key).map_err(|error| match error {
                rustls::Error::InconsistentKeys(_) => {
                    let why = format!("not the key of {}", identity.cert.display());
                    self.unusable(&identity.key, &why)
                }
                _ => self.unusable(
                    &identity.key,
                    "its key is none that TLS takes: RSA of 2048 bits or more, ECDSA (P-256, \
                     P-384) or Ed25519",
                ),
            })
        }

        fn verifier(
            &self,
            ca: &Path,
            verify_name: bool,
            provider: Arc<CryptoProvider>,
        ) -> Result<Verifier> {
            let mut roots = RootCertStore::empty();
            let authorities = self.certificates(ca)?;
            for authority in &authorities {
                let added = roots.add(authority.clone());
                added.map_err(|_| self.unusable(ca, "a certificate in it is damaged"))?;
            }
            Verifier::new(authorities, roots, provider, verify_name, self.peer)
                .ok_or_else(|| self.unusable(ca, "nobody can be verified by it"))
        }

        fn private_key(&self, path: &Path) -> Result<PrivateKeyDer<'static>> {
            let pem = self.contents(path)?;
            let holds = |text: &str| memchr::memmem::find(&pem, text.as_bytes()).is_some();
            if holds("BEGIN ENCRYPTED PRIVATE KEY") || holds("Proc-Type: 4,ENCRYPTED") {
                return Err(self.unusable(
                    path,
                    "the key in it is encrypted, and nobody is there to type the password; decrypt it \
                     with openssl pkey -in KEY -out PLAIN, in a file that only the service may read",
                ));
            }
            PrivateKeyDer::from_pem_slice(&pem)
                .map_err(|error| self.unusable(path, &damage(&error, "private key")))
        }

        fn certificates(&self, path: &Path) -> Result<Vec<CertificateDer<'static>>> {
            let pem = self.contents(path)?;
            let parsed: std::result::Result<Vec<_>, _> =
                CertificateDer::pem_slice_iter(&pem).collect();
            match parsed {
                Ok(certificates) if certificates.is_empty() => {
                    Err(self.unusable(path, "there is no certificate in it"))
                }
                Ok(certificates) => Ok(certificates),
                Err(error) => Err(self.unusable(path, &damage(&error, "certificate"))),
            }
        }

        fn contents(&self, path: &Path) -> Result<Vec<u8>> {
            read(path).map_err(|error| self.unusable(path, &error.to_string()))
        }

        fn unusable(&self, path: &Path, why: &str) -> Error {
            let message = format!(
                "the TLS file '{}' cannot be used: {why}; give readable PEM files to {}",
                path.display(),
                self.peer.tls_option
            );
            Error::new(Code::Tls, message)
        }
    }

    /// The bytes of a regular file: a pipe would keep the caller waiting for a writer, and a device may have
    /// no end.
    fn read(path: &Path) -> io::Result<Vec<u8>> {
        let file = OpenOptions::new().read(true).custom_flags(libc::O_NONBLOCK).open(path)?;
        if !file.metadata()?.is_file() {
            return Err(io::Error::other("it is no regular file"));
        }
        let mut bytes = Vec::new();
        file.take(MAX_BYTES + 1).read_to_end(&mut bytes)?;
        match bytes.len() as u64 > MAX_BYTES {
            true => Err(io::Error::other(format!("it is larger than {MAX_BYTES} bytes"))),
            false => Ok(bytes),
        }
    }

    /// What is wrong with a file of PEM.
    fn damage(error: &pem::Error, wanted: &str) -> String {
        match error {
            pem::Error::NoItemsFound => format!("there is no {wanted} in it"),
            pem::Error::MissingSectionEnd { .. } => "it ends before its last section does".into(),
            _ => format!("the {wanted} in it is damaged"),
        }
    }

    #[cfg(test)]
    mod tests {
        use super::*;

        fn tls(ca: &str, identity: Option<Identity>) -> Tls {
            let trust = Trust::Ca { file: ca.into(), verify_name: true };
            Tls::new(trust, identity, Peer { name: "node", tls_option: "the_option" })
        }

        fn failure(ca: &str, identity: Option<Identity>) -> String {
            let tls = tls(ca, identity);
            let error = tls.config().unwrap_err();
            assert_eq!(error.code, Code::Tls);
            assert!(error.message.contains("the_option"));
            error.message
        }

        #[test]
        fn bad_files_are_named() {
            let data = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/data/captures/tls/");
            let ca = format!("{data}ca.pem");
            assert!(failure("/no/such/ca.pem", None).contains("'/no/such/ca.pem'"));
            let pipe = std::env::temp_dir().join(format!("tls-{}", std::process::id()));
            nix::unistd::mkfifo(&pipe, nix::sys::stat::Mode::S_IRWXU).unwrap();
            let why = failure(pipe.to_str().unwrap(), None);
            std::fs::remove_file(&pipe).unwrap();
            assert!(why.contains("no regular file"), "{why}");
            assert!(failure(file!(), None).contains("no certificate"));
            let key = format!("{data}node.key").into();
            let identity = Identity { key, cert: ca.clone().into() };
            assert!(failure(&ca, Some(identity)).contains("not the key of"));
            let identity = Identity { key: ca.clone().into(), cert: ca.clone().into() };
            assert!(failure(&ca, Some(identity)).contains("no private key"));
            assert!(tls(&ca, None).config().is_ok());
            for trust in [Trust::NoTls, Trust::Unverified] {
                let tls = Tls::new(trust, None, Peer { name: "node", tls_option: "" });
                assert!(tls.config().is_ok());
            }
        }
    }
}

#[cfg(not(feature = "tls"))]
mod without {
    use std::io;

    use super::Trust;
    use crate::base::error::{Code, Error, Result};
    use crate::config::Identity;
    use crate::net::peer::Peer;

    /// There is nothing to configure.
    pub struct TlsConfig;

    pub type Secured<S> = S;

    /// Nobody comes here: there is no configuration for it.
    pub async fn secured<S>(_: S, _: &str, _: TlsConfig) -> io::Result<Secured<S>> {
        Err(io::Error::from(io::ErrorKind::Unsupported))
    }

    /// Remembers only whether TLS was asked for.
    pub struct Tls {
        wanted: bool,
        peer: Peer,
    }

    impl Tls {
        pub fn new(trust: Trust, _: Option<Identity>, peer: Peer) -> Self {
            Self { wanted: !matches!(trust, Trust::NoTls), peer }
        }

        pub fn config(&self) -> Result<TlsConfig> {
            if !self.wanted {
                return Ok(TlsConfig);
            }
            let message = format!(
                "this libmysqlfabric was built without TLS; build it with the cargo feature \
                 \"tls\", or do without {}",
                self.peer.tls_option
            );
            Err(Error::new(Code::Tls, message))
        }
    }

    #[cfg(test)]
    mod tests {
        use super::*;

        #[test]
        fn asking_for_it_is_an_error() {
            let peer = Peer { name: "node", tls_option: "the_option" };
            let tls = Tls::new(Trust::Unverified, None, peer);
            let error = tls.config().err().unwrap();
            assert!(error.code == Code::Tls && error.message.contains("the_option"));
            assert!(Tls::new(Trust::NoTls, None, peer).config().is_ok());
        }
    }
}
