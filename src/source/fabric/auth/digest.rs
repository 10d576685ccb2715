//! Digest authentication, RFC 7616 and 2617: MD5 with qop=auth, the only kind Fabric has.
//!
//! Fabric's own rules on top: the second hash is of `POST:/RPC2` whatever was requested, and
//! an unknown key in the header is refused.

use md5::{Digest as _, Md5};
use zeroize::Zeroizing;

use crate::base::error::{Code, Error, Result};
use crate::config::Credentials;
use crate::source::fabric::auth::challenge::Challenge;

/// The method and the path every call is made with.
const METHOD: &str = "POST";
const URI: &str = "/RPC2";

/// What proves one request: a nonce, the server's or our own, and how often it was used.
#[derive(Debug, Clone, Copy)]
pub struct Proof<'a> {
    pub nonce: &'a str,
    pub count: u32,
    pub client_nonce: &'a str,
}

/// The value of an `Authorization` header, its keys in the order Fabric's own clients use.
pub fn authorization(
    credentials: &Credentials,
    challenge: &Challenge,
    proof: Proof<'_>,
) -> Result<String> {
    let user = quoted(&credentials.user)?;
    let realm = quoted(&challenge.realm)?;
    let nonce = quoted(proof.nonce)?;
    let Proof { count, client_nonce, .. } = proof;
    let ha1 = user_hash(&credentials.user, &challenge.realm, &credentials.password);
    let response = response(&ha1, proof, METHOD, URI);
    let opaque = match &challenge.opaque {
        Some(opaque) => format!(" opaque=\"{}\",", quoted(opaque)?),
        None => String::new(),
    };
    Ok(format!(
        "Digest username=\"{user}\", realm=\"{realm}\", nonce=\"{nonce}\", uri=\"{URI}\", \
         algorithm=\"MD5\", response=\"{response}\",{opaque} qop=auth, nc={count:08x}, \
         cnonce=\"{client_nonce}\""
    ))
}

/// The hash that stands for the password, H(user:realm:password), and so is wiped like one.
pub fn user_hash(user: &str, realm: &str, password: &str) -> Zeroizing<String> {
    Zeroizing::new(hash(&[user, realm, password]))
}

/// The `response` of RFC 7616, section 3.4.1, in the lower-case digits the server insists on.
pub fn response(user_hash: &str, proof: Proof<'_>, method: &str, uri: &str) -> String {
    let count = format!("{:08x}", proof.count);
    let request_hash = hash(&[method, uri]);
    hash(&[user_hash, proof.nonce, &count, proof.client_nonce, "auth", &request_hash])
}

/// The MD5 of `parts` joined by colons. The password is hashed from where it lies, not copied.
fn hash(parts: &[&str]) -> String {
    let mut md5 = Md5::new();
    for (index, part) in parts.iter().enumerate() {
        if index > 0 {
            md5.update(b":");
        }
        md5.update(part.as_bytes());
    }
    md5.finalize().iter().map(|byte| format!("{byte:02x}")).collect()
}

/// A quoted-string's inside (RFC 9110, section 5.6.4). A line end would begin a new header.
fn quoted(text: &str) -> Result<String> {
    let mut out = String::with_capacity(text.len());
    for character in text.chars() {
        if character.is_control() {
            let message = "the user name, or the realm the node names, holds a control character, \
                           which an HTTP header cannot carry; see fabric_options_set_credentials";
            return Err(Error::new(Code::Auth, message));
        }
        if matches!(character, '"' | '\\') {
            out.push('\\');
        }
        out.push(character);
    }
    Ok(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// RFC 2617, section 3.5.
    #[test]
    fn mufasa_of_rfc_2617() {
        let ha1 = user_hash("Mufasa", "testrealm@host.com", "Circle Of Life");
        let nonce = "dcd98b7102dd2f0e8b11d0f600bfb0c093";
        let proof = Proof { nonce, count: 1, client_nonce: "0a4f113b" };
        let expected = "6629fae49393a05397450978507c4ef1";
        assert_eq!(response(&ha1, proof, "GET", "/dir/index.html"), expected);
    }

    /// RFC 7616, section 3.9.1.
    #[test]
    fn mufasa_of_rfc_7616() {
        let ha1 = user_hash("Mufasa", "http-auth@example.org", "Circle of Life");
        let proof = Proof {
            nonce: "7ypf/xlj9XXwfDPEoM4URrv/xwf94BcCAzFZH4GiTo0v",
            count: 1,
            client_nonce: "f2/wE4q74E6zIJEtWaHKaf5wv/H5QzzpXusqGemxURZJ",
        };
        let expected = "8ca523f5e9506fed4657c9700eebdbec";
        assert_eq!(response(&ha1, proof, "GET", "/dir/index.html"), expected);
    }

    #[test]
    fn names_are_quoted_and_never_break_the_header() {
        let challenge = Challenge { realm: "a \"b\"".into(), nonce: "n".into(), opaque: None };
        let mut credentials =
            Credentials { user: "do\\main".into(), password: String::from("p").into() };
        let proof = Proof { nonce: "n", count: 0x1f, client_nonce: "c" };
        let header = authorization(&credentials, &challenge, proof).unwrap();
        assert!(header.starts_with(r#"Digest username="do\\main", realm="a \"b\"", nonce="n","#));
        assert!(header.ends_with(r#"", qop=auth, nc=0000001f, cnonce="c""#), "{header}");
        credentials.user = "x\r\nEvil: 1".into();
        assert_eq!(authorization(&credentials, &challenge, proof).unwrap_err().code, Code::Auth);
    }
}
