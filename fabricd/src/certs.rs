//! Throw-away certificates for tests.

use std::fs;
use std::path::{Path, PathBuf};

use rcgen::{
    BasicConstraints, CertificateParams, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair,
    KeyUsagePurpose,
};

use crate::tls::Tls;

/// PEM text of an authority, a server certificate for 127.0.0.1, ::1 and localhost, and a
/// client certificate.
#[derive(Clone, Debug)]
pub struct Certs {
    pub ca: String,
    pub server_cert: String,
    pub server_key: String,
    pub client_cert: String,
    pub client_key: String,
}

/// Where `Certs::write_to` put them.
#[derive(Clone, Debug)]
pub struct CertFiles {
    pub ca: PathBuf,
    pub server_cert: PathBuf,
    pub server_key: PathBuf,
    pub client_cert: PathBuf,
    pub client_key: PathBuf,
}

impl Certs {
    pub fn generate() -> Result<Certs, String> {
        Self::make().map_err(|e| e.to_string())
    }

    fn make() -> Result<Certs, rcgen::Error> {
        let ca_key = KeyPair::generate()?;
        let mut params = CertificateParams::new(Vec::new())?;
        params.distinguished_name.push(DnType::CommonName, "fabricd test authority");
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
        let ca = params.self_signed(&ca_key)?.pem();
        let issuer = Issuer::new(params, ca_key);

        let leaf = |name: &str, hosts: &[&str], purpose| -> Result<_, rcgen::Error> {
            let hosts: Vec<String> = hosts.iter().map(|h| (*h).to_owned()).collect();
            let mut params = CertificateParams::new(hosts)?;
            params.distinguished_name.push(DnType::CommonName, name);
            params.extended_key_usages = vec![purpose];
            let key = KeyPair::generate()?;
            Ok((params.signed_by(&key, &issuer)?.pem(), key.serialize_pem()))
        };
        let hosts = ["localhost", "127.0.0.1", "::1"];
        let (server_cert, server_key) =
            leaf("fabricd", &hosts, ExtendedKeyUsagePurpose::ServerAuth)?;
        let (client_cert, client_key) =
            leaf("fabricd client", &[], ExtendedKeyUsagePurpose::ClientAuth)?;
        Ok(Certs { ca, server_cert, server_key, client_cert, client_key })
    }

    /// For `Options::tls`.
    pub fn server(&self, require_client: bool) -> Tls {
        Tls {
            cert_pem: self.server_cert.clone(),
            key_pem: self.server_key.clone(),
            require_client_ca: require_client.then(|| self.ca.clone()),
            close_notify: false,
        }
    }

    /// Writes `ca.pem`, `server-cert.pem`, `server-key.pem`, `client-cert.pem` and
    /// `client-key.pem`.
    pub fn write_to(&self, dir: impl AsRef<Path>) -> Result<CertFiles, String> {
        let dir = dir.as_ref();
        fs::create_dir_all(dir).map_err(|e| format!("{}: {e}", dir.display()))?;
        let write = |name: &str, pem: &str| {
            let path = dir.join(name);
            fs::write(&path, pem).map_err(|e| format!("{}: {e}", path.display()))?;
            Ok::<_, String>(path)
        };
        Ok(CertFiles {
            ca: write("ca.pem", &self.ca)?,
            server_cert: write("server-cert.pem", &self.server_cert)?,
            server_key: write("server-key.pem", &self.server_key)?,
            client_cert: write("client-cert.pem", &self.client_cert)?,
            client_key: write("client-key.pem", &self.client_key)?,
        })
    }
}
