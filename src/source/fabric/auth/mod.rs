//! What is remembered of each node's way of authentication.
//!
//! A real node never checks a nonce, so once its realm is known every request carries a nonce
//! made here and counted once: no round trip for a challenge. A server that does check says so
//! with a new challenge; then its own nonce is used, counted strictly.

pub mod challenge;
pub mod digest;

use std::collections::HashMap;

use crate::base::error::Result;
use crate::base::random;
use crate::base::sync::{Mutex, rank};
use crate::config::{Credentials, Node};
use crate::source::fabric::auth::challenge::Challenge;
use crate::source::fabric::auth::digest::Proof;

/// Whose nonce a request carries.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Nonces {
    Ours,
    Theirs,
}

/// The authentication state of all nodes of a handle.
#[derive(Default)]
pub struct Auth {
    known: Mutex<HashMap<Node, Known>, { rank::AUTH }>,
}

#[derive(Clone)]
struct Known {
    challenge: Challenge,
    nonces: Nonces,
    /// How often the node's own nonce was used.
    count: u32,
}

impl Auth {
    /// The header to begin with, and whose nonce is in it. Nothing for a node that never asked:
    /// it may well not ask at all.
    pub fn opening(
        &self,
        credentials: Option<&Credentials>,
        node: &Node,
    ) -> Result<Option<(String, Nonces)>> {
        let Some(credentials) = credentials else { return Ok(None) };
        let Some(known) = self.next(node) else { return Ok(None) };
        let header = match known.nonces {
            Nonces::Ours => header(credentials, &known.challenge, &random_nonce()?, 1),
            Nonces::Theirs => {
                header(credentials, &known.challenge, &known.challenge.nonce, known.count)
            }
        }?;
        Ok(Some((header, known.nonces)))
    }

    /// Learns a challenge and answers it with the nonce it brought. From then on the node gets
    /// `nonces`.
    pub fn answer(
        &self,
        credentials: &Credentials,
        node: &Node,
        challenge: &str,
        nonces: Nonces,
    ) -> Result<String> {
        let challenge = Challenge::parse(challenge)?;
        let header = header(credentials, &challenge, &challenge.nonce, 1)?;
        self.known.lock().insert(node.clone(), Known { challenge, nonces, count: 1 });
        Ok(header)
    }

    /// The node is a stranger again.
    pub fn forget(&self, node: &Node) {
        self.known.lock().remove(node);
    }

    /// What is known, with the use counted that is about to be made of it.
    fn next(&self, node: &Node) -> Option<Known> {
        let mut map = self.known.lock();
        let known = map.get_mut(node)?;
        known.count = known.count.checked_add(1)?;
        Some(known.clone())
    }
}

fn header(
    credentials: &Credentials,
    challenge: &Challenge,
    nonce: &str,
    count: u32,
) -> Result<String> {
    let client_nonce = random_nonce()?;
    digest::authorization(
        credentials,
        challenge,
        Proof { nonce, count, client_nonce: &client_nonce },
    )
}

fn random_nonce() -> Result<String> {
    Ok(random::uuid()?.simple().to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    const CHALLENGE: &str = "Digest realm=\"r\", nonce=\"theirs\", algorithm=\"MD5\", qop=\"auth\"";

    fn node(host: &str) -> Node {
        Node { host: host.into(), port: 1 }
    }

    fn field<'a>(header: &'a str, key: &str) -> &'a str {
        let (_, rest) = header.split_once(&format!(" {key}=")).unwrap();
        rest.split(',').next().unwrap().trim_matches('"')
    }

    #[test]
    fn nonces_of_our_own_are_fresh_and_counted_once() {
        let credentials = Credentials { user: "u".into(), password: String::from("p").into() };
        let given = &credentials;
        let credentials = Some(given);
        let auth = Auth::default();
        assert_eq!(auth.opening(credentials, &node("a")).unwrap(), None);
        let first = auth.answer(given, &node("a"), CHALLENGE, Nonces::Ours).unwrap();
        assert_eq!((field(&first, "nonce"), field(&first, "nc")), ("theirs", "00000001"));
        let (second, _) = auth.opening(credentials, &node("a")).unwrap().unwrap();
        let (third, _) = auth.opening(credentials, &node("a")).unwrap().unwrap();
        assert_eq!((field(&second, "nc"), field(&third, "nc")), ("00000001", "00000001"));
        assert_ne!(field(&second, "nonce"), field(&third, "nonce"));
        assert_ne!(field(&second, "cnonce"), field(&third, "cnonce"));
        assert_eq!(auth.opening(credentials, &node("b")).unwrap(), None);
        assert_eq!(auth.opening(None, &node("a")).unwrap(), None);
        auth.forget(&node("a"));
        assert_eq!(auth.opening(credentials, &node("a")).unwrap(), None);
    }

    #[test]
    fn their_nonces_are_counted_strictly() {
        let credentials = Credentials { user: "u".into(), password: String::from("p").into() };
        let auth = Auth::default();
        auth.answer(&credentials, &node("a"), CHALLENGE, Nonces::Theirs).unwrap();
        for count in ["00000002", "00000003"] {
            let (header, nonces) = auth.opening(Some(&credentials), &node("a")).unwrap().unwrap();
            assert_eq!((field(&header, "nonce"), field(&header, "nc")), ("theirs", count));
            assert_eq!(nonces, Nonces::Theirs);
        }
    }
}
