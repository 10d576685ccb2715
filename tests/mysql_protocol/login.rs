//! The way in: how one proves who one is, and what is not done for it.

use mysqlfabric::base::error::Code;
use mysqlfabric::mysql::{Account, Failure, Target, TlsMode};
use sha1::{Digest, Sha1};

use crate::script::{LONG, OK, Peer, SCRAMBLE, Server, TLS, USUAL, account, connect};

/// What comes of a server that switches to `plugin` right after the response.
fn switched(plugin: &'static [u8], data: &'static [u8]) -> Failure {
    let server = Server::play(move |peer| {
        peer.greet("caching_sha2_password", USUAL);
        peer.receive();
        peer.send(&[b"\xfe", plugin, b"\0", data].concat());
        assert!(peer.is_left());
    });
    let failure = server.connect().err().expect("a refusal");
    server.end();
    failure
}

#[test]
fn ways_that_are_not_done_are_named() {
    for plugin in [
        "client_ed25519",
        "sha256_password",
        "mysql_clear_password",
        "dialog",
        "authentication_ldap_sasl_client",
        "no such plugin",
    ] {
        let failure = switched(plugin.as_bytes(), b"ABCDEFGHIJKLMNOPQRST\0");
        assert_eq!(failure, Failure::UnknownPlugin(plugin.into()));
        let address = mysqlfabric::mysql::Address::Socket("/s".into());
        let error = failure.into_error(&address, "app");
        assert_eq!(error.code, Code::Auth);
        assert!(error.message.contains(plugin) && error.message.contains("caching_sha2_password"));
    }
}

#[test]
fn the_hash_of_mysql_4_is_not_done() {
    let server = Server::play(|peer| {
        peer.greet("mysql_native_password", USUAL);
        peer.receive();
        peer.send(b"\xfe");
        assert!(peer.is_left());
    });
    let failure = server.connect().err();
    assert_eq!(failure, Some(Failure::UnknownPlugin("mysql_old_password".into())));
    server.end();
}

#[test]
fn a_scramble_of_another_length_is_refused() {
    for data in [&b""[..], b"short\0", &[b'x'; 200]] {
        let failure = switched(b"mysql_native_password", data);
        assert!(matches!(failure, Failure::Protocol(_)), "{failure:?}");
    }
}

#[test]
fn a_switch_is_followed_with_its_own_scramble() {
    let server = Server::play(|peer| {
        peer.greet("client_ed25519", USUAL);
        let response = peer.receive().unwrap();
        // The name of a way that this client knows.
        assert!(response.ends_with(b"mysql_native_password\0"));
        peer.send(b"\xfemysql_native_password\0TSRQPONMLKJIHGFEDCBA\0");
        let proof = peer.receive().unwrap();
        let hash = Sha1::digest(b"secret");
        let mask =
            Sha1::new().chain_update(b"TSRQPONMLKJIHGFEDCBA").chain_update(Sha1::digest(hash));
        let expected: Vec<u8> = hash.iter().zip(mask.finalize()).map(|(a, b)| a ^ b).collect();
        assert_eq!(proof, expected);
        peer.send(OK);
    });
    assert!(server.connect().is_ok());
    server.end();
}

#[test]
fn a_server_that_switches_for_ever_is_left() {
    let server = Server::play(|peer| {
        peer.greet("mysql_native_password", USUAL);
        let mut switches = 0;
        while peer.receive().is_some() {
            switches += 1;
            peer.send(&[b"\xfemysql_native_password\0", &SCRAMBLE[..], b"\0"].concat());
        }
        assert!((2..20).contains(&switches), "{switches}");
    });
    assert!(matches!(server.connect().err(), Some(Failure::Protocol(_))));
    server.end();
}

#[test]
fn a_server_that_takes_the_hash_for_ever_is_left() {
    let server = Server::play(|peer| {
        peer.greet("caching_sha2_password", USUAL);
        peer.receive();
        for _ in 0..100 {
            peer.send(b"\x01\x03");
        }
    });
    assert!(matches!(server.connect().err(), Some(Failure::Protocol(_) | Failure::Unreachable(_))));
    server.end();
}

/// The server asks for the password in full over plain TCP; what it is told then.
fn asked_in_full(account: Account) -> (Failure, Option<Vec<u8>>) {
    let (told, heard) = std::sync::mpsc::channel();
    let server = Server::play(move |peer| {
        peer.greet("caching_sha2_password", USUAL);
        peer.receive();
        peer.send(b"\x01\x04");
        told.send(peer.receive()).unwrap();
    });
    let failure = connect(&server.target, &account, LONG).err().expect("a refusal");
    server.end();
    (failure, heard.recv().unwrap())
}

#[test]
fn no_password_goes_out_in_full_over_plain_tcp() {
    let refused = (Failure::FullPassword { over_tls: false, is_named: true }, None);
    assert_eq!(asked_in_full(account()), refused);
    // Not by option either: a real server takes none there.
    assert_eq!(asked_in_full(Account { full_password_unverified: true, ..account() }), refused);
}

#[test]
fn the_native_way_has_no_full_password() {
    let server = Server::play(|peer| {
        peer.greet("mysql_native_password", USUAL);
        peer.receive();
        peer.send(b"\x01\x04");
        assert!(peer.is_left());
    });
    assert!(matches!(server.connect().err(), Some(Failure::Protocol(_))));
    server.end();
}

#[test]
fn no_hash_goes_out_where_tls_must_be_and_is_not() {
    for mode in [TlsMode::Required, TlsMode::VerifyCa, TlsMode::VerifyIdentity] {
        let server = Server::play(|peer| {
            peer.greet("mysql_native_password", USUAL);
            assert_eq!(peer.receive(), None, "nothing is said");
        });
        let ca = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/data/captures/tls/ca.pem");
        let target = Target::new(server.target.address.clone(), Some(mode), Some(ca.into()), None);
        let failure = connect(&target, &account(), LONG).err();
        assert!(matches!(failure, Some(Failure::Tls(_))), "{failure:?}");
        server.end();
    }
}

#[test]
fn nobody_is_verified_without_an_authority() {
    let server = Server::play(|peer| {
        peer.greet("mysql_native_password", TLS);
        assert_eq!(peer.receive(), None, "nothing is said");
    });
    let mode = Some(TlsMode::VerifyIdentity);
    let target = Target::new(server.target.address.clone(), mode, None, None);
    let Some(Failure::Tls(what)) = connect(&target, &account(), LONG).err() else { panic!("TLS") };
    assert!(what.contains("CA file"), "{what}");
    server.end();
}

/// What comes of a server that says `bytes` when it is asked for TLS, or before.
fn handshake(bytes: &'static [u8], before: bool) -> Failure {
    let server = Server::play(move |peer| {
        peer.greet("mysql_native_password", TLS);
        if before {
            peer.raw(bytes);
        }
        let request = peer.receive().expect("a request");
        assert_eq!(request.len(), 32, "with no word of the account");
        if !before {
            peer.raw(bytes);
        }
        // Until the client has gone: what it says is TLS.
        while std::io::Read::read(&mut peer.stream, &mut [0; 64]).is_ok_and(|count| count > 0) {}
    });
    let target = Target::new(server.target.address.clone(), Some(TlsMode::Required), None, None);
    let failure = connect(&target, &account(), LONG).err().expect("a refusal");
    server.end();
    failure
}

#[test]
fn a_broken_handshake_of_tls_is_said_so() {
    let failure = handshake(b"\x07\0\0\x02\0\0\0\x02\0\0\0", false);
    assert!(matches!(failure, Failure::Tls(_)), "{failure:?}");
    // Something that was put in front of TLS is not taken for what was said under it.
    let failure = handshake(b"\x07\0\0\x03\0\0\0\x02\0\0\0", true);
    assert!(matches!(failure, Failure::Tls(_) | Failure::Protocol(_)), "{failure:?}");
}

#[test]
fn what_is_no_mysql_server_is_said_so() {
    for greeting in [
        &b"HTTP/1.1 400 Bad Request\r\n\r\n"[..],
        b"SSH-2.0-OpenSSH_9.2\r\n",
        b"\x16\x03\x01\x02\0\x01\0",
        b"\xff\xff\xff\xff\xff\xff\xff",
        b"\0\0\0\0",
        b"\x01\0\0\0\x0a",
    ] {
        let server = Server::play(move |peer| peer.raw(greeting));
        let failure = server.connect().err().expect("a refusal");
        let is_told = matches!(
            failure,
            Failure::Protocol(_) | Failure::TooLarge(..) | Failure::Unreachable(_)
        );
        assert!(is_told, "{greeting:?}: {failure:?}");
        server.end();
    }
}

#[test]
fn refusals_are_told_with_their_numbers() {
    let refused = |packet: &'static [u8], at_once: bool| {
        let server = Server::play(move |peer: &mut Peer| {
            if !at_once {
                peer.greet("mysql_native_password", USUAL);
                peer.receive();
            }
            peer.send(packet);
        });
        let failure = server.connect().err().expect("a refusal");
        server.end();
        (failure.errno(), failure.is_auth_failure())
    };
    assert_eq!(refused(b"\xff\x15\x04#28000Access denied", false), (Some(1045), true));
    assert_eq!(refused(b"\xff\x10\x04Too many connections", true), (Some(1040), false));
    assert_eq!(refused(b"\xff\x69\x04Host is blocked", true), (Some(1129), false));
}

#[test]
fn nothing_listens() {
    let port = {
        let listener = std::net::TcpListener::bind(("127.0.0.1", 0)).unwrap();
        listener.local_addr().unwrap().port()
    };
    let node = mysqlfabric::config::Node { host: "127.0.0.1".into(), port };
    let target = Target::plain(mysqlfabric::mysql::Address::Tcp(node));
    assert!(matches!(connect(&target, &account(), LONG).err(), Some(Failure::Unreachable(_))));
    let target = Target::plain(mysqlfabric::mysql::Address::Socket("/no/such/socket".into()));
    assert!(matches!(connect(&target, &account(), LONG).err(), Some(Failure::Unreachable(_))));
}
