//! The `WWW-Authenticate` header: which kinds of proof a node takes (RFC 9110, section 11.6.1).

use crate::base::error::{Code, Error, Result};
use crate::base::text::excerpt;

/// A digest challenge that can be answered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Challenge {
    /// Configurable on the server, and part of the hash it keeps of a password.
    pub realm: String,
    pub nonce: String,
    /// To be handed back as it came.
    pub opaque: Option<String>,
}

impl Challenge {
    /// The first challenge in `header` that is digest, MD5, with qop=auth; a server may offer
    /// others beside it.
    pub fn parse(header: &str) -> Result<Self> {
        let offers = offers(header);
        offers.iter().find_map(OfferedScheme::usable).ok_or_else(|| {
            let schemes: Vec<&str> = offers.iter().map(|offer| offer.scheme.as_str()).collect();
            let message = format!(
                "the node asks for authentication by \"{}\", and only Digest with MD5 and qop=auth \
                 is known here; check that the address is a MySQL Fabric node's",
                excerpt(&schemes.join(", "), 60)
            );
            Error::new(Code::Auth, message)
        })
    }
}

#[derive(Default)]
struct OfferedScheme {
    scheme: String,
    params: Vec<(String, String)>,
}

impl OfferedScheme {
    fn usable(&self) -> Option<Challenge> {
        let algorithm = self.param("algorithm").unwrap_or("MD5");
        let mut qops = self.param("qop")?.split(',');
        let usable = self.scheme.eq_ignore_ascii_case("digest")
            && algorithm.eq_ignore_ascii_case("md5")
            && qops.any(|qop| qop.trim().eq_ignore_ascii_case("auth"));
        usable.then_some(Challenge {
            realm: self.param("realm")?.to_owned(),
            nonce: self.param("nonce")?.to_owned(),
            opaque: self.param("opaque").map(str::to_owned),
        })
    }

    fn param(&self, name: &str) -> Option<&str> {
        let found = self.params.iter().find(|(key, _)| key.eq_ignore_ascii_case(name));
        found.map(|(_, value)| value.as_str())
    }
}

/// Commas separate challenges as well as their parameters: what follows one is a new challenge
/// if it has a blank before its `=`, or none at all.
fn offers(header: &str) -> Vec<OfferedScheme> {
    let mut offers: Vec<OfferedScheme> = Vec::new();
    for item in items(header) {
        let (key, value) = match item.split_once('=') {
            Some((key, value)) => (key.trim(), Some(value.trim())),
            None => (item.trim(), None),
        };
        let key = match key.split_once([' ', '\t']) {
            Some((scheme, key)) => {
                offers.push(OfferedScheme { scheme: scheme.to_owned(), params: Vec::new() });
                key.trim()
            }
            None => key,
        };
        match (value, offers.last_mut()) {
            (Some(value), Some(offer)) => offer.params.push((key.to_owned(), unquoted(value))),
            _ => offers.push(OfferedScheme { scheme: key.to_owned(), params: Vec::new() }),
        }
    }
    offers
}

/// The parts between commas that no quotes protect.
fn items(header: &str) -> Vec<String> {
    let mut items = Vec::new();
    let mut item = String::new();
    let (mut quoted, mut escaped) = (false, false);
    for character in header.chars() {
        if character == ',' && !quoted {
            items.push(std::mem::take(&mut item));
            continue;
        }
        if character == '"' && !escaped {
            quoted = !quoted;
        }
        escaped = quoted && character == '\\' && !escaped;
        item.push(character);
    }
    items.push(item);
    items.retain(|item| !item.trim().is_empty());
    items.iter().map(|item| item.trim().to_owned()).collect()
}

fn unquoted(value: &str) -> String {
    let Some(inside) = value.strip_prefix('"').and_then(|rest| rest.strip_suffix('"')) else {
        return value.to_owned();
    };
    let mut out = String::with_capacity(inside.len());
    let mut characters = inside.chars();
    while let Some(character) = characters.next() {
        match character {
            '\\' => out.extend(characters.next()),
            _ => out.push(character),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn challenge(realm: &str, nonce: &str, opaque: Option<&str>) -> Challenge {
        let opaque = opaque.map(str::to_owned);
        Challenge { realm: realm.into(), nonce: nonce.into(), opaque }
    }

    #[test]
    fn what_a_real_node_sends() {
        let header = "Digest realm=\"MySQL Fabric\", nonce=\"MjAyNg==\", algorithm=\"MD5\", \
                      opaque=\"0ff79fc620a645869d27f851256dbc8b\", qop=\"auth\"";
        let expected =
            challenge("MySQL Fabric", "MjAyNg==", Some("0ff79fc620a645869d27f851256dbc8b"));
        assert_eq!(Challenge::parse(header).unwrap(), expected);
    }

    #[test]
    fn the_right_one_of_several() {
        let header = "Basic realm=\"x, y\", Negotiate, \
                      Digest realm=\"sha\",nonce=\"1\",algorithm=SHA-256,qop=\"auth\" , \
                      dIGEST REALM = \"a \\\"b\\\", c\", NONCE=2,qop=\"auth-int, auth\"";
        assert_eq!(Challenge::parse(header).unwrap(), challenge("a \"b\", c", "2", None));
    }

    #[test]
    fn what_cannot_be_answered_is_named() {
        for header in [
            "",
            "Basic realm=\"x\"",
            "Digest realm=\"x\", nonce=\"1\"",
            "Digest nonce=\"1\", qop=auth",
            "Digest realm=\"x\", qop=auth",
            "Digest realm=\"x\", nonce=\"1\", qop=auth-int",
            "Digest realm=\"x\", nonce=\"1\", algorithm=MD5-sess, qop=auth",
            "realm=\"x",
            "\"\\",
            ",,=,",
        ] {
            assert_eq!(Challenge::parse(header).unwrap_err().code, Code::Auth, "{header}");
        }
        let message = Challenge::parse("Basic realm=\"x\"").unwrap_err().message;
        assert!(message.contains("\"Basic\""), "{message}");
    }
}
