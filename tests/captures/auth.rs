//! Digest authentication: every captured proof recomputed, and the ways nodes say no.

use std::collections::BTreeSet;

use crate::canned::{
    Canned, Commands, Protocol, capture, client, config, header, path, with_password,
};
use mysqlfabric::base::error::Code;
use mysqlfabric::source::fabric::Client;
use mysqlfabric::source::fabric::auth::challenge::Challenge;
use mysqlfabric::source::fabric::auth::digest::{Proof, authorization, response, user_hash};

fn field<'a>(header: &'a str, key: &str) -> Option<&'a str> {
    // "nonce" is also the end of "cnonce".
    let starts = |(at, _): &(usize, &str)| header[..*at].ends_with([' ', ',']);
    let start = header.match_indices(&format!("{key}=")).find(starts)?.0 + key.len() + 1;
    let rest = &header[start..];
    match rest.strip_prefix('"') {
        Some(quoted) => quoted.split('"').next(),
        None => rest.split(',').next(),
    }
}

#[test]
fn captured_proofs_are_recomputed() {
    let (mut same, mut different) = (0, BTreeSet::new());
    for entry in std::fs::read_dir(path("")).unwrap() {
        let entry = entry.unwrap();
        let name = entry.file_name().into_string().unwrap();
        if !name.ends_with(".req") {
            continue;
        }
        let text = String::from_utf8_lossy(&std::fs::read(entry.path()).unwrap()).into_owned();
        let Some(sent) = header(&text, "authorization") else { continue };
        if field(sent, "username") != Some("admin") || field(sent, "qop").is_none() {
            continue;
        }
        let hash = user_hash("admin", field(sent, "realm").unwrap(), "secret");
        let proof = Proof {
            nonce: field(sent, "nonce").unwrap(),
            count: u32::from_str_radix(field(sent, "nc").unwrap(), 16).unwrap_or(1),
            client_nonce: field(sent, "cnonce").unwrap(),
        };
        match response(&hash, proof, "POST", "/RPC2") == field(sent, "response").unwrap() {
            true => same += 1,
            false => drop(different.insert(name)),
        }
    }
    // These were sent wrong on purpose, and refused.
    let wrong = [
        "auth_post_root_ha2_root2.req",
        "auth_response_upper.req",
        "auth_uri_root_ha2_root.req",
        "auth_wrong_password.req",
        "gen1_wrong_password.req",
    ];
    assert_eq!(different, wrong.map(String::from).into());
    assert!(same > 150, "{same}");
}

#[test]
fn the_header_is_the_captured_one_to_the_letter() {
    let text = std::fs::read_to_string(path("auth_200_answered.req")).unwrap();
    let sent = header(&text, "authorization").unwrap();
    let challenge = Challenge {
        realm: "MySQL Fabric".into(),
        nonce: String::new(),
        opaque: Some("0ff79fc620a645869d27f851256dbc8b".into()),
    };
    let nonce = field(sent, "nonce").unwrap();
    let proof = Proof { nonce, count: 1, client_nonce: "0a4f113b" };
    let credentials = with_password().credentials.unwrap();
    assert_eq!(authorization(&credentials, &challenge, proof).unwrap(), sent);
}

/// What each request proved itself with: its nonce and count, or nothing.
fn proofs(server: &Canned) -> Vec<Option<(String, String)>> {
    let proof = |request: &String| {
        let sent = header(request, "authorization")?;
        let hash = user_hash("admin", field(sent, "realm")?, "secret");
        let nonce = field(sent, "nonce")?;
        let count = u32::from_str_radix(field(sent, "nc")?, 16).unwrap();
        let client_nonce = field(sent, "cnonce")?;
        let proof = Proof { nonce, count, client_nonce };
        assert_eq!(field(sent, "response"), Some(&*response(&hash, proof, "POST", "/RPC2")));
        Some((nonce.to_owned(), format!("{count:08x}")))
    };
    server.requests().iter().map(proof).collect()
}

const CHALLENGE: &str = "auth_401_challenge";
const OK: &str = "auth_200_answered";

fn ask(client: &Client, server: &Canned) -> Result<usize, mysqlfabric::base::error::Error> {
    client.fabric_nodes(&server.node).map(|reply| reply.nodes.len())
}

#[test]
fn one_challenge_then_none() {
    let server = Canned::replaying(&[CHALLENGE, OK, OK, OK]);
    let client = client(with_password());
    for _ in 0..3 {
        assert_eq!(ask(&client, &server).unwrap(), 1);
    }
    let proofs = proofs(&server);
    assert_eq!(proofs[0], None);
    let nonces: BTreeSet<_> = proofs[1..].iter().map(|proof| &proof.as_ref().unwrap().0).collect();
    assert_eq!(nonces.len(), 3, "a nonce for each request");
    assert!(proofs[1..].iter().all(|proof| proof.as_ref().unwrap().1 == "00000001"));
    let theirs = &proofs[1].as_ref().unwrap().0;
    assert!(theirs.starts_with("MjAyNi0xMS0yM1Q"), "the first answer is to their nonce");
}

#[test]
fn a_node_that_asks_for_nothing_gets_nothing() {
    let server = Canned::replaying(&[OK, OK]);
    let client = client(with_password());
    assert_eq!(ask(&client, &server).unwrap() + ask(&client, &server).unwrap(), 2);
    assert_eq!(proofs(&server), [None, None]);
}

#[test]
fn a_node_that_checks_nonces_gets_its_own() {
    let server = Canned::replaying(&[CHALLENGE, OK, CHALLENGE, OK, OK, OK, CHALLENGE, OK, OK]);
    let client = client(with_password());
    for _ in 0..6 {
        assert_eq!(ask(&client, &server).unwrap(), 1);
    }
    let counts: Vec<_> = proofs(&server)
        .into_iter()
        .map(|proof| {
            proof.map_or("-".into(), |(nonce, count)| {
                let owner = if nonce.starts_with("MjAyNi0") { "theirs" } else { "ours" };
                format!("{owner} {}", &count[7..])
            })
        })
        .collect();
    let expected = [
        "-", "theirs 1", "ours 1", "theirs 1", "theirs 2", "theirs 3", "theirs 4", "theirs 1",
        "theirs 2",
    ];
    assert_eq!(counts, expected);
}

#[test]
fn a_closed_connection_means_one_new_challenge() {
    for refusal in ["auth_nonce_replay_nc2_again", "auth_wrong_password"] {
        let server = Canned::replaying(&[CHALLENGE, OK, refusal, CHALLENGE, OK, OK]);
        let client = client(with_password());
        for _ in 0..3 {
            assert_eq!(ask(&client, &server).unwrap(), 1, "{refusal}");
        }
        let proofs = proofs(&server);
        assert_eq!(proofs.len(), 6);
        assert!(proofs[2].is_some() && proofs[3].is_none() && proofs[4].is_some());
    }
}

#[test]
fn refused_for_good() {
    let plain_400 = b"HTTP/1.0 400 Bad Request\r\nContent-Length: 0\r\n\r\n".to_vec();
    // A head that no blank line ends is looked at once more, for what it says.
    let refusals = [
        (capture("auth_wrong_password"), "answered 400", true),
        (capture(CHALLENGE), "answered 401", false),
        (plain_400, "answered 400", false),
    ];
    for (refusal, how, twice) in refusals {
        // From the start.
        let mut replies = vec![capture(CHALLENGE), refusal.clone()];
        if twice {
            replies.extend([capture(CHALLENGE), refusal.clone()]);
        }
        let server = Canned::sending(&replies);
        let fresh = client(with_password());
        let error = ask(&fresh, &server).unwrap_err();
        assert_eq!(error.code, Code::Auth, "{error}");
        assert!(error.message.contains(how), "{error}");
        for part in ["\"admin\"", "127.0.0.1:", "password", "fabric_options_set_credentials"] {
            assert!(error.message.contains(part), "{error}");
        }
        for part in ["secret", "backing store"] {
            assert!(!error.message.contains(part), "{error}");
        }
        assert_eq!(server.requests().len(), replies.len());
        // After it once went well: one retry, and no more.
        let server =
            Canned::sending(&[vec![capture(CHALLENGE), capture(OK), refusal], replies].concat());
        let used = client(with_password());
        ask(&used, &server).unwrap();
        assert_eq!(ask(&used, &server).unwrap_err().code, Code::Auth);
    }
}

#[test]
fn a_backing_store_that_is_down_is_no_wrong_password() {
    let [challenge, ok, closed] = [capture(CHALLENGE), capture(OK), Vec::new()];
    let down = [challenge.clone(), closed.clone()];
    let hurt = |error: mysqlfabric::base::error::Error| {
        // What a node in trouble is called, so that others are asked and it is asked again.
        assert_eq!(error.code, Code::Protocol, "{error}");
        assert!(error.message.contains("backing store"), "{error}");
        for part in ["password", "credentials", "user"] {
            assert!(!error.message.contains(part), "{error}");
        }
    };
    // From the start, and after it once went well.
    let server = Canned::sending(&[down.clone(), down.clone()].concat());
    hurt(ask(&client(with_password()), &server).unwrap_err());
    assert_eq!(server.requests().len(), 4);
    let replies = [&[challenge, ok, closed.clone()][..], &down, &down].concat();
    let server = Canned::sending(&replies);
    let used = client(with_password());
    ask(&used, &server).unwrap();
    hurt(ask(&used, &server).unwrap_err());
    assert_eq!(server.requests().len(), replies.len());
    // Not even a challenge.
    let server = Canned::sending(&[capture(CHALLENGE), capture(OK), closed.clone(), closed]);
    let used = client(with_password());
    ask(&used, &server).unwrap();
    hurt(ask(&used, &server).unwrap_err());
}

#[test]
fn the_closer_look_asks_for_nothing_that_changes_anything() {
    let [challenge, refusal] = [CHALLENGE, "auth_wrong_password"].map(capture);
    let server = Canned::sending(&[challenge.clone(), refusal.clone(), challenge, refusal]);
    let error = client(with_password()).execute(&server.node, "group", "promote", &["g".into()]);
    assert_eq!(error.unwrap_err().code, Code::Auth);
    let requests = server.requests();
    assert_eq!(requests.iter().filter(|request| request.contains("group.promote")).count(), 2);
    for request in &requests[2..] {
        assert!(request.contains("dump.fabric_nodes"), "{request}");
    }
    let raw = &requests[3];
    assert!(raw.starts_with("POST /RPC2 HTTP/1.1\r\n"), "{raw}");
    assert_eq!(header(raw, "host"), Some(&*format!("127.0.0.1:{}", server.node.port)));
    assert_eq!(header(raw, "connection"), Some("close"));
    proofs(&server);
}

#[test]
fn other_ways_to_ask() {
    for (challenge, text) in [
        ("WWW-Authenticate: Basic realm=\"x\"\r\n", "\"Basic\""),
        (
            "WWW-Authenticate: Digest realm=\"x\", nonce=\"n\", algorithm=SHA-256, qop=\"auth\"\r\n",
            "MD5",
        ),
        ("", "Digest"),
    ] {
        let reply = format!("HTTP/1.0 401 Unauthorized\r\n{challenge}\r\n");
        let server = Canned::sending(&[reply.into_bytes()]);
        let error = ask(&client(with_password()), &server).unwrap_err();
        assert!(error.code == Code::Auth && error.message.contains(text), "{error}");
    }
    let server = Canned::replaying(&[CHALLENGE]);
    let error = ask(&client(config()), &server).unwrap_err();
    assert!(error.message.contains("fabric_options_set_credentials"), "{error}");
}
