//! TLS, and its stalls.

mod common;

use std::io::{self, Read, Write};
use std::net::TcpStream;
use std::sync::Arc;
use std::time::Duration;

use common::request;
use fabricd::{Certs, Options, Server, Tls};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use rustls::{ClientConfig, ClientConnection, RootCertStore, StreamOwned};

fn start(tls: Tls) -> Server {
    Server::start(Options { auth: false, tls: Some(tls), ..Options::default() }).unwrap()
}

/// One exchange as a verifying client; the error of a connection cut short is kept out.
fn ask(server: &Server, certs: &Certs, host: &str, identify: bool) -> io::Result<Vec<u8>> {
    let mut roots = RootCertStore::empty();
    roots.add(CertificateDer::from_pem_slice(certs.ca.as_bytes()).unwrap()).unwrap();
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let builder = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots);
    let config = if identify {
        let cert = CertificateDer::from_pem_slice(certs.client_cert.as_bytes()).unwrap();
        let key = PrivateKeyDer::from_pem_slice(certs.client_key.as_bytes()).unwrap();
        builder.with_client_auth_cert(vec![cert], key).unwrap()
    } else {
        builder.with_no_client_auth()
    };
    let name = ServerName::try_from(host.to_owned()).unwrap();
    let connection = ClientConnection::new(Arc::new(config), name).unwrap();
    let socket = TcpStream::connect(server.addr())?;
    socket.set_read_timeout(Some(Duration::from_secs(20)))?;
    let mut stream = StreamOwned::new(connection, socket);
    stream.write_all(&request("manage.ping", ""))?;
    let mut reply = Vec::new();
    match stream.read_to_end(&mut reply) {
        // A real node's Python closes without close_notify.
        Err(e) if e.kind() == io::ErrorKind::UnexpectedEof && !reply.is_empty() => Ok(reply),
        other => other.map(|_| reply),
    }
}

#[test]
fn verifying_clients_get_answers() {
    let certs = Certs::generate().unwrap();
    let server = start(certs.server(false));
    for host in ["127.0.0.1", "localhost"] {
        let reply = ask(&server, &certs, host, false).unwrap();
        assert!(reply.starts_with(b"HTTP/1.0 200 OK\r\n"));
    }
    let stranger = Certs::generate().unwrap();
    assert!(ask(&server, &stranger, "localhost", false).is_err());
    assert!(ask(&server, &certs, "fabric.example", false).is_err());
}

#[test]
fn client_certificates_can_be_required() {
    let certs = Certs::generate().unwrap();
    let server = start(certs.server(true));
    assert!(ask(&server, &certs, "localhost", true).is_ok());
    assert!(ask(&server, &certs, "localhost", false).is_err());
}

#[test]
fn plain_http_gets_no_answer_and_silence_stalls() {
    let certs = Certs::generate().unwrap();
    let server = start(certs.server(false));
    let mut plain = TcpStream::connect(server.addr()).unwrap();
    plain.write_all(&request("manage.ping", "")).unwrap();
    let mut reply = Vec::new();
    let _ = plain.read_to_end(&mut reply);
    assert!(reply.is_empty());

    let silent = TcpStream::connect(server.addr()).unwrap();
    std::thread::sleep(Duration::from_millis(100));
    std::thread::scope(|scope| {
        let asking = scope.spawn(|| ask(&server, &certs, "localhost", false));
        std::thread::sleep(Duration::from_millis(300));
        assert!(!asking.is_finished(), "one client without a handshake holds up the rest");
        drop(silent);
        assert!(asking.join().unwrap().is_ok());
    });
}

#[test]
fn certificates_go_to_files() {
    let dir = std::env::temp_dir().join(format!("fabricd-certs-{}", std::process::id()));
    let files = Certs::generate().unwrap().write_to(&dir).unwrap();
    let pem = std::fs::read_to_string(&files.client_key).unwrap();
    assert!(pem.contains("PRIVATE KEY"));
    assert_eq!(std::fs::read_dir(&dir).unwrap().count(), 5);
    std::fs::remove_dir_all(dir).unwrap();
}
