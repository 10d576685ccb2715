//! Verified TLS: the right certificate, the wrong ones, and ports that speak something else.

use std::io::Write;
use std::net::TcpStream;
use std::sync::Arc;

use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::WebPkiClientVerifier;
use rustls::{RootCertStore, ServerConfig, ServerConnection, StreamOwned};

use crate::canned::{Act, Canned, Protocol, Stream, capture, client, config, path};
use mysqlfabric::base::error::{Code, Error};
use mysqlfabric::config::{Config, Identity, Node, TlsFiles};

fn server(certificate: &str, ask_client: bool, names: &[&str]) -> Canned {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let builder = ServerConfig::builder_with_provider(Arc::clone(&provider))
        .with_safe_default_protocol_versions()
        .unwrap();
    let chain = vec![CertificateDer::from_pem_file(path(&format!("tls/{certificate}"))).unwrap()];
    let key = PrivateKeyDer::from_pem_file(path("tls/node.key")).unwrap();
    let builder = if ask_client {
        let mut roots = RootCertStore::empty();
        roots.add(CertificateDer::from_pem_file(path("tls/ca.pem")).unwrap()).unwrap();
        let verifier = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider);
        builder.with_client_cert_verifier(verifier.build().unwrap())
    } else {
        builder.with_no_client_auth()
    };
    let config = Arc::new(builder.with_single_cert(chain, key).unwrap());
    let acts = names.iter().map(|name| Act::Send(capture(name))).collect();
    Canned::with(acts, move |stream: TcpStream| {
        let connection = ServerConnection::new(Arc::clone(&config)).unwrap();
        let stream: Box<dyn Stream> = Box::new(StreamOwned::new(connection, stream));
        Some(stream)
    })
}

fn trusting(ca: &str, identity: Option<Identity>) -> Config {
    Config { tls: Some(TlsFiles { ca: path(ca), identity }), ..config() }
}

fn nodes(config: Config, node: &Node) -> Result<usize, Error> {
    client(config).fabric_nodes(node).map(|reply| reply.nodes.len())
}

#[test]
fn a_verified_node_answers() {
    let server = server("node.pem", false, &["tls_fabric_nodes", "tls_fabric_nodes"]);
    let named = Node { host: "localhost".into(), port: server.node.port };
    assert_eq!(nodes(trusting("tls/ca.pem", None), &named).unwrap(), 1);
    assert_eq!(
        nodes(trusting("tls/ca.pem", None), &server.node).unwrap(),
        1,
        "an IP in the certificate"
    );
}

#[test]
fn credentials_pass_through_tls() {
    // The 400 without a blank line ends, under TLS, without a goodbye of TLS either.
    let refusal = ["auth_401_challenge", "auth_wrong_password"];
    let server = server("node.pem", false, &[refusal, refusal].concat());
    let credentials = crate::canned::with_password().credentials;
    let config = Config { credentials, ..trusting("tls/ca.pem", None) };
    assert_eq!(nodes(config, &server.node).unwrap_err().code, Code::Auth);
}

#[test]
fn a_client_certificate() {
    let identity = Identity { key: path("tls/node.key"), cert: path("tls/node.pem") };
    let server = server("node.pem", true, &["tls_fabric_nodes", "tls_fabric_nodes"]);
    assert_eq!(nodes(trusting("tls/ca.pem", Some(identity)), &server.node).unwrap(), 1);
    let error = nodes(trusting("tls/ca.pem", None), &server.node).unwrap_err();
    assert_eq!(error.code, Code::Tls, "{error}");
}

#[test]
fn certificates_that_do_not_fit() {
    let unused = ["tls_fabric_nodes"];
    let server_a = server("node.pem", false, &unused);
    let error = nodes(trusting("tls/other-ca.pem", None), &server_a.node).unwrap_err();
    assert!(error.code == Code::Tls && error.message.contains("did not issue"), "{error}");
    let server_b = server("elsewhere.pem", false, &unused);
    let error = nodes(trusting("tls/ca.pem", None), &server_b.node).unwrap_err();
    assert!(error.code == Code::Tls && error.message.contains("other names"), "{error}");
    assert!(server_a.requests().iter().chain(&server_b.requests()).all(String::is_empty));
    let error = nodes(trusting("tls/missing.pem", None), &server_a.node).unwrap_err();
    assert!(error.code == Code::Tls && error.message.contains("missing.pem"), "{error}");
}

#[test]
fn plain_where_tls_is_due_and_the_other_way_round() {
    let plain = Canned::with(vec![Act::Hang], |mut stream| {
        let _ = stream.write_all(b"HTTP/1.0 400 Bad request syntax\r\n\r\n");
        None
    });
    let error = nodes(trusting("tls/ca.pem", None), &plain.node).unwrap_err();
    assert_eq!(error.code, Code::Tls, "{error}");
    assert!(error.message.contains("fabric_options_set_tls"), "{error}");
    let closing = Canned::with(vec![Act::Hang, Act::Hang], |_| None);
    let error = nodes(trusting("tls/ca.pem", None), &closing.node).unwrap_err();
    assert_eq!(error.code, Code::Tls, "{error}");
    let secure = server("node.pem", false, &["tls_fabric_nodes"]);
    let error = nodes(config(), &secure.node).unwrap_err();
    assert_eq!(error.code, Code::Protocol, "{error}");
    assert!(error.message.contains("fabric_options_set_tls"), "{error}");
}
