//! Verified TLS to a node: the CA file given is the only root there is.

#[cfg(feature = "tls")]
pub use with_rustls::{Tls, TlsConfig};
#[cfg(not(feature = "tls"))]
pub use without::{Tls, TlsConfig};

#[cfg(feature = "tls")]
mod with_rustls {
    use std::path::Path;
    use std::sync::Arc;

    use arc_swap::ArcSwapOption;
    use rustls::pki_types::pem::{self, PemObject};
    use rustls::pki_types::{CertificateDer, PrivateKeyDer};
    use rustls::{ClientConfig, RootCertStore};

    use crate::base::error::{Code, Error, Result};
    use crate::config::TlsFiles;
    use crate::source::fabric::http::certificate::Verifier;

    pub type TlsConfig = ClientConfig;

    /// The files of a handle, and the configuration made from them at first use. A plain swap
    /// keeps it: a lock, if a fork came while it was held, would stay held in the child.
    pub struct Tls {
        files: Option<TlsFiles>,
        built: ArcSwapOption<ClientConfig>,
    }

    impl Tls {
        /// Reads nothing yet.
        pub fn new(files: Option<TlsFiles>) -> Self {
            Self { files, built: ArcSwapOption::empty() }
        }

        /// For plain HTTP too there is a configuration, one that trusts nobody: without any,
        /// reqwest looks for a process-wide crypto provider and panics if it finds none.
        pub fn config(&self) -> Result<ClientConfig> {
            if let Some(built) = self.built.load_full() {
                return Ok(ClientConfig::clone(&built));
            }
            let built = Arc::new(build(self.files.as_ref())?);
            self.built.store(Some(Arc::clone(&built)));
            Ok(ClientConfig::clone(&built))
        }
    }

    fn build(files: Option<&TlsFiles>) -> Result<ClientConfig> {
        // Named here and not installed for the process, which belongs to the service.
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let builder = ClientConfig::builder_with_provider(Arc::clone(&provider))
            .with_safe_default_protocol_versions()
            .map_err(|_| Error::new(Code::Tls, "TLS cannot be set up; report it"))?;
        let mut roots = RootCertStore::empty();
        let builder = match files {
            None => builder.with_root_certificates(roots),
            Some(files) => {
                let authorities = certificates(&files.ca)?;
                for authority in &authorities {
                    let added = roots.add(authority.clone());
                    added.map_err(|_| unusable(&files.ca, "a certificate in it is damaged"))?;
                }
                let verifier = Verifier::new(authorities, roots, provider)
                    .ok_or_else(|| unusable(&files.ca, "nobody can be verified by it"))?;
                builder.dangerous().with_custom_certificate_verifier(Arc::new(verifier))
            }
        };
        let Some(identity) = files.and_then(|files| files.identity.as_ref()) else {
            return Ok(builder.with_no_client_auth());
        };
        let chain = certificates(&identity.cert)?;
        let key = private_key(&identity.key)?;
        builder.with_client_auth_cert(chain, key).map_err(|error| match error {
            rustls::Error::InconsistentKeys(_) => {
                unusable(&identity.key, &format!("not the key of {}", identity.cert.display()))
            }
            _ => unusable(
                &identity.key,
                "its key is none that TLS takes: RSA of 2048 bits or more, ECDSA (P-256, P-384) or \
                 Ed25519",
            ),
        })
    }

    fn private_key(path: &Path) -> Result<PrivateKeyDer<'static>> {
        let pem = contents(path)?;
        let holds = |text: &str| memchr::memmem::find(&pem, text.as_bytes()).is_some();
        if holds("BEGIN ENCRYPTED PRIVATE KEY") || holds("Proc-Type: 4,ENCRYPTED") {
            return Err(unusable(
                path,
                "the key in it is encrypted, and nobody is there to type the password; decrypt it \
                 with openssl pkey -in KEY -out PLAIN, in a file that only the service may read",
            ));
        }
        PrivateKeyDer::from_pem_slice(&pem)
            .map_err(|error| unusable(path, &damage(&error, "private key")))
    }

    /// What is wrong with a file of PEM.
    fn damage(error: &pem::Error, wanted: &str) -> String {
        match error {
            pem::Error::NoItemsFound => format!("there is no {wanted} in it"),
            pem::Error::MissingSectionEnd { .. } => "it ends before its last section does".into(),
            _ => format!("the {wanted} in it is damaged"),
        }
    }

    fn certificates(path: &Path) -> Result<Vec<CertificateDer<'static>>> {
        let pem = contents(path)?;
        let parsed: std::result::Result<Vec<_>, _> = CertificateDer::pem_slice_iter(&pem).collect();
        match parsed {
            Ok(certificates) if certificates.is_empty() => {
                Err(unusable(path, "there is no certificate in it"))
            }
            Ok(certificates) => Ok(certificates),
            Err(error) => Err(unusable(path, &damage(&error, "certificate"))),
        }
    }

    fn contents(path: &Path) -> Result<Vec<u8>> {
        std::fs::read(path).map_err(|error| unusable(path, &error.to_string()))
    }

    fn unusable(path: &Path, why: &str) -> Error {
        let message = format!(
            "the TLS file {} cannot be used: {why}; give readable PEM files to \
             fabric_options_set_tls",
            path.display()
        );
        Error::new(Code::Tls, message)
    }

    #[cfg(test)]
    mod tests {
        use super::*;
        use crate::config::Identity;

        fn failure(ca: &str, identity: Option<Identity>) -> String {
            let tls = Tls::new(Some(TlsFiles { ca: ca.into(), identity }));
            let error = tls.config().unwrap_err();
            assert_eq!(error.code, Code::Tls);
            error.message
        }

        #[test]
        fn bad_files_are_named() {
            let data = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/data/captures/tls/");
            let ca = format!("{data}ca.pem");
            assert!(failure("/no/such/ca.pem", None).contains("/no/such/ca.pem"));
            assert!(failure(file!(), None).contains("no certificate"));
            let key = format!("{data}node.key").into();
            let identity = Identity { key, cert: ca.clone().into() };
            assert!(failure(&ca, Some(identity)).contains("not the key of"));
            let identity = Identity { key: ca.clone().into(), cert: ca.clone().into() };
            assert!(failure(&ca, Some(identity)).contains("no private key"));
            assert!(Tls::new(Some(TlsFiles { ca: ca.into(), identity: None })).config().is_ok());
            assert!(Tls::new(None).config().is_ok());
        }
    }
}

#[cfg(not(feature = "tls"))]
mod without {
    use crate::base::error::{Code, Error, Result};
    use crate::config::TlsFiles;

    /// There is nothing to configure.
    pub struct TlsConfig;

    /// Remembers only whether TLS was asked for.
    pub struct Tls {
        wanted: bool,
    }

    impl Tls {
        pub fn new(files: Option<TlsFiles>) -> Self {
            Self { wanted: files.is_some() }
        }

        pub fn config(&self) -> Result<TlsConfig> {
            if !self.wanted {
                return Ok(TlsConfig);
            }
            let message = "this libmysqlfabric was built without TLS; build it with the cargo \
                           feature \"tls\", or do without fabric_options_set_tls";
            Err(Error::new(Code::Tls, message))
        }
    }

    #[cfg(test)]
    mod tests {
        use super::*;

        #[test]
        fn asking_for_it_is_an_error() {
            let files = TlsFiles { ca: "ca.pem".into(), identity: None };
            assert_eq!(Tls::new(Some(files)).config().err().map(|e| e.code), Some(Code::Tls));
            assert!(Tls::new(None).config().is_ok());
        }
    }
}
