//! TLS to a real MySQL 9, with the certificates that it made itself and with others; and what
//! caching_sha2_password makes of it.

use std::path::PathBuf;
use std::sync::{Mutex, MutexGuard, PoisonError};

use fabricd::Certs;
use mysqlfabric::config::Node;
use mysqlfabric::mysql::{Account, Address, Failure, Target, TlsMode};

use crate::client::{connect, query, root, tcp, user, value};
use crate::support::{Kind, RealServer};

/// FLUSH PRIVILEGES empties the server's cache of hashes, whoever's test it is that counts on it.
fn cache() -> MutexGuard<'static, ()> {
    static CACHE: Mutex<()> = Mutex::new(());
    CACHE.lock().unwrap_or_else(PoisonError::into_inner)
}

fn target(server: &RealServer, mode: TlsMode) -> Target {
    let verifies = matches!(mode, TlsMode::VerifyCa | TlsMode::VerifyIdentity);
    let ca = verifies.then(|| server.data("ca.pem"));
    Target::new(tcp(server), Some(mode), ca, None)
}

fn refused(over_tls: bool) -> Option<Failure> {
    Some(Failure::FullPassword { over_tls, is_named: true })
}

#[test]
fn the_password_goes_in_full_to_a_verified_server_and_is_remembered_there() {
    let Some(server) = RealServer::shared(Kind::Mysql) else { return };
    let _cache = cache();
    let account = user(server, "sha2", "BY ?");
    let plain = target(server, TlsMode::Disabled);
    let unverified = target(server, TlsMode::Required);
    let verified = target(server, TlsMode::VerifyCa);
    for _ in 0..2 {
        // The server has the hash of nobody.
        query(&mut root(server), "FLUSH PRIVILEGES").unwrap();
        assert_eq!(connect(&plain, &account).err(), refused(false));
        assert_eq!(connect(&unverified, &account).err(), refused(true));
        // A wrong one is not remembered either.
        let wrong = Account::new("sha2", "wrong");
        assert_eq!(connect(&verified, &wrong).err().unwrap().errno(), Some(1045));
        assert_eq!(connect(&plain, &account).err(), refused(false));
        let mut session = connect(&verified, &account).unwrap();
        assert_eq!(value(&mut session, "SELECT CURRENT_USER()"), "sha2@%");
        // From here on its hash is enough, over whatever connection.
        assert!(connect(&plain, &account).unwrap().relies_on_password_cache());
        assert!(connect(&unverified, &account).unwrap().relies_on_password_cache());
        assert!(!connect(&verified, &account).unwrap().relies_on_password_cache());
        assert!(connect(&plain, &wrong).err().unwrap().is_auth_failure());
    }
}

#[test]
fn the_unix_socket_is_fit_for_the_password_in_full() {
    let Some(server) = RealServer::shared(Kind::Mysql) else { return };
    let _cache = cache();
    let account = user(server, "local", "BY ?");
    query(&mut root(server), "FLUSH PRIVILEGES").unwrap();
    let target = Target::plain(Address::Socket(server.socket()));
    let mut session = connect(&target, &account).unwrap();
    assert_eq!(value(&mut session, "SELECT CURRENT_USER()"), "local@%");
}

#[test]
fn an_option_lets_the_password_out_to_whoever_answers_by_tls() {
    let Some(server) = RealServer::shared(Kind::Mysql) else { return };
    let _cache = cache();
    let account = user(server, "trusting", "BY ?");
    query(&mut root(server), "FLUSH PRIVILEGES").unwrap();
    let account = Account { full_password_unverified: true, ..account };
    assert_eq!(connect(&target(server, TlsMode::Disabled), &account).err(), refused(false));
    assert!(connect(&target(server, TlsMode::Preferred), &account).is_ok());
}

#[test]
fn a_user_of_a_native_password_is_no_more() {
    let Some(server) = RealServer::shared(Kind::Mysql) else { return };
    let made =
        query(&mut root(server), "CREATE USER n@'%' IDENTIFIED WITH mysql_native_password BY 'x'");
    assert!(matches!(made, Err(Failure::Server(error)) if error.errno == 1524), "it is gone");
}

/// Whether the connection is under TLS, by the server's own word.
fn is_secure(target: &Target, account: &Account) -> bool {
    let mut session = connect(target, account).unwrap();
    let status = query(&mut session, "SHOW STATUS LIKE 'Ssl_cipher'").unwrap();
    let row = status[0].rows().next().unwrap();
    !row.get(1).unwrap().is_empty()
}

#[test]
fn each_mode_does_as_it_is_called() {
    let Some(server) = RealServer::shared(Kind::Mysql) else { return };
    // Nobody has anything to prove, so that only TLS counts.
    query(&mut root(server), "CREATE USER modes@'%'").unwrap();
    let account = Account::new("modes", "");
    let secure = |mode| is_secure(&target(server, mode), &account);
    assert!(!secure(TlsMode::Disabled));
    assert!(secure(TlsMode::Preferred));
    assert!(secure(TlsMode::Required));
    assert!(secure(TlsMode::VerifyCa));
    // The certificate that the server makes for itself has no name in it.
    let failure = connect(&target(server, TlsMode::VerifyIdentity), &account).err();
    let Some(Failure::Tls(what)) = failure else { panic!("{failure:?}") };
    assert!(what.contains("subjectAltName"), "{what}");
}

#[test]
fn a_server_of_another_authority_is_not_taken() {
    let Some(server) = RealServer::shared(Kind::Mysql) else { return };
    let other = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/data/captures/tls/ca.pem");
    for mode in [TlsMode::VerifyCa, TlsMode::VerifyIdentity] {
        let target = Target::new(tcp(server), Some(mode), Some(other.into()), None);
        let failure = connect(&target, &Account::new("farm", "farm")).err();
        let Some(Failure::Tls(what)) = failure else { panic!("{failure:?}") };
        assert!(what.contains("did not issue"), "{what}");
    }
}

#[test]
fn a_server_without_tls_is_asked_in_plain_only_if_that_is_preferred() {
    let Some(server) = RealServer::shared(Kind::Mysql56) else { return };
    let account = Account::new("farm", "farm");
    assert!(!is_secure(&target(server, TlsMode::Preferred), &account));
    let failure = connect(&target(server, TlsMode::Required), &account).err();
    let Some(Failure::Tls(what)) = failure else { panic!("{failure:?}") };
    assert!(what.contains("offers no TLS") && what.contains("DISABLED"), "{what}");
}

#[test]
fn a_server_that_wants_tls_is_told_of_by_its_words() {
    let Some(server) = RealServer::start(Kind::Mysql, &["--require_secure_transport=ON"]) else {
        return;
    };
    let account = Account::new("farm", "farm");
    // So that it has the hash at hand, which it asks for first.
    assert!(is_secure(&target(&server, TlsMode::VerifyCa), &account));
    let failure = connect(&target(&server, TlsMode::Disabled), &account).err().unwrap();
    assert_eq!((failure.errno(), failure.is_auth_failure()), (Some(3159), true));
}

/// A server with certificates for 127.0.0.1 and localhost, and where its authority's is.
fn named() -> Option<(RealServer, PathBuf)> {
    let directory = std::env::temp_dir().join(format!("mf-certs-{}", std::process::id()));
    let files = Certs::generate().unwrap().write_to(&directory).unwrap();
    let option = |name: &str, file: &PathBuf| format!("--{name}={}", file.display());
    let options = [
        "--bind_address=127.0.0.1,127.0.0.2".to_owned(),
        option("ssl_ca", &files.ca),
        option("ssl_cert", &files.server_cert),
        option("ssl_key", &files.server_key),
    ];
    let server = RealServer::start(Kind::Mysql, &options.each_ref().map(String::as_str));
    Some((server?, files.ca))
}

#[test]
fn the_name_in_the_certificate_is_the_one_that_was_asked_for() {
    let Some((server, ca)) = named() else { return };
    let account = Account::new("farm", "farm");
    let by = |host: &str| {
        let address = Address::Tcp(Node { host: host.into(), port: server.port() });
        // The mode that follows from an authority.
        connect(&Target::new(address, None, Some(ca.clone()), None), &account)
    };
    assert!(by("127.0.0.1").is_ok());
    assert!(by("localhost").is_ok());
    // The same server by an address that is not in its certificate.
    let failure = by("127.0.0.2").err();
    let Some(Failure::Tls(what)) = failure else { panic!("{failure:?}") };
    assert!(what.contains("for other names (localhost, 127.0.0.1"), "{what}");
    let address = Address::Tcp(Node { host: "127.0.0.2".into(), port: server.port() });
    let target = Target::new(address, Some(TlsMode::VerifyCa), Some(ca.clone()), None);
    assert!(connect(&target, &account).is_ok(), "the name does not count");
    let _ = std::fs::remove_dir_all(ca.parent().unwrap());
}
