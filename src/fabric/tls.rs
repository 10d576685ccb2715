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
    use rustls::pki_types::pem::PemObject;
    use rustls::pki_types::{CertificateDer, PrivateKeyDer};
    use rustls::{ClientConfig, RootCertStore};

    use crate::config::TlsFiles;
    use crate::error::{Code, Error, Result};

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
        let mut roots = RootCertStore::empty();
        if let Some(files) = files {
            for certificate in certificates(&files.ca)? {
                roots.add(certificate).map_err(|error| unusable(&files.ca, &error.to_string()))?;
            }
        }
        // Named here and not installed for the process, which belongs to the service.
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let builder = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .map_err(|error| Error::new(Code::Tls, format!("TLS cannot be set up: {error}")))?
            .with_root_certificates(roots);
        let Some(identity) = files.and_then(|files| files.identity.as_ref()) else {
            return Ok(builder.with_no_client_auth());
        };
        let chain = certificates(&identity.cert)?;
        let key = PrivateKeyDer::from_pem_slice(&contents(&identity.key)?)
            .map_err(|error| unusable(&identity.key, &format!("no private key: {error}")))?;
        builder.with_client_auth_cert(chain, key).map_err(|error| {
            unusable(&identity.key, &format!("not the key of {}: {error}", identity.cert.display()))
        })
    }

    fn certificates(path: &Path) -> Result<Vec<CertificateDer<'static>>> {
        let pem = contents(path)?;
        let parsed: std::result::Result<Vec<_>, _> = CertificateDer::pem_slice_iter(&pem).collect();
        match parsed {
            Ok(certificates) if certificates.is_empty() => {
                Err(unusable(path, "there is no certificate in it"))
            }
            Ok(certificates) => Ok(certificates),
            Err(error) => Err(unusable(path, &error.to_string())),
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
    use crate::config::TlsFiles;
    use crate::error::{Code, Error, Result};

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
