//! TLS for the node's port.

use std::io::{self, BufReader};
use std::net::TcpStream;
use std::sync::Arc;

use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::WebPkiClientVerifier;
use rustls::{RootCertStore, ServerConfig, ServerConnection, StreamOwned};

/// Certificates as PEM text.
#[derive(Clone, Debug)]
pub struct Tls {
    pub cert_pem: String,
    pub key_pem: String,
    /// Refuse clients without a certificate of this authority.
    pub require_client_ca: Option<String>,
    /// End a connection with `close_notify`. A real node's Python does not.
    pub close_notify: bool,
}

fn other(error: impl std::fmt::Display) -> io::Error {
    io::Error::other(error.to_string())
}

fn certificates(pem: &str) -> io::Result<Vec<CertificateDer<'static>>> {
    let mut reader = BufReader::new(pem.as_bytes());
    CertificateDer::pem_reader_iter(&mut reader).collect::<Result<_, _>>().map_err(other)
}

pub fn config(tls: &Tls) -> io::Result<Arc<ServerConfig>> {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let builder = ServerConfig::builder_with_provider(Arc::clone(&provider))
        .with_safe_default_protocol_versions()
        .map_err(other)?;
    let builder = match &tls.require_client_ca {
        None => builder.with_no_client_auth(),
        Some(ca) => {
            let mut roots = RootCertStore::empty();
            for certificate in certificates(ca)? {
                roots.add(certificate).map_err(other)?;
            }
            let verifier = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider)
                .build()
                .map_err(other)?;
            builder.with_client_cert_verifier(verifier)
        }
    };
    let key = PrivateKeyDer::from_pem_slice(tls.key_pem.as_bytes()).map_err(other)?;
    let config = builder.with_single_cert(certificates(&tls.cert_pem)?, key).map_err(other)?;
    Ok(Arc::new(config))
}

/// Shakes hands with a client. One that does not speak TLS gets no answer at all.
pub fn handshake(
    config: &Arc<ServerConfig>,
    mut stream: TcpStream,
) -> io::Result<StreamOwned<ServerConnection, TcpStream>> {
    const HANDSHAKE_RECORD: u8 = 22;
    let mut first = [0];
    if stream.peek(&mut first)? == 0 || first[0] != HANDSHAKE_RECORD {
        return Err(other("not TLS"));
    }
    let mut connection = ServerConnection::new(Arc::clone(config)).map_err(other)?;
    while connection.is_handshaking() {
        connection.complete_io(&mut stream)?;
    }
    Ok(StreamOwned::new(connection, stream))
}
