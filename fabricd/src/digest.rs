//! Digest authentication in the manner of a real node, weaknesses included: a nonce is never
//! checked, only counted.

use std::collections::{HashMap, HashSet};
use std::time::{Duration, Instant};

use crate::clock;
use crate::farm::User;
use crate::md5hex;

/// The only keys an Authorization header may have; any other is a bad request.
const ALLOWED: [&str; 10] =
    ["username", "realm", "nonce", "response", "nc", "cnonce", "qop", "algorithm", "uri", "opaque"];

/// What becomes of a request after its Authorization header was looked at.
#[derive(Debug, PartialEq)]
pub enum Verdict {
    /// The name of the user.
    Allowed(String),
    Challenge,
    /// 400, for a header that does not read or a response that does not fit.
    Bad,
    /// The connection is closed without a byte.
    Drop,
}

/// The nonce table of one node.
pub struct Nonces {
    next_count: HashMap<String, u64>,
    issued: HashSet<String>,
    purged: Instant,
    every: Duration,
}

impl Nonces {
    pub fn new(every: Duration) -> Self {
        Nonces { next_count: HashMap::new(), issued: HashSet::new(), purged: Instant::now(), every }
    }

    /// Forgets all counts; a nonce in use must then start again at 1.
    pub fn purge(&mut self) {
        self.next_count.clear();
        self.issued.clear();
        self.purged = Instant::now();
    }

    fn purge_if_due(&mut self) {
        if self.purged.elapsed() >= self.every {
            self.purge();
        }
    }

    /// A new nonce for a challenge: base64 of its expiry time and 32 hex digits.
    pub fn issue(&mut self) -> String {
        let hex = format!("{:016x}{:016x}", clock::random(), clock::random());
        let text = format!("{};;{hex}", clock::iso_micros(clock::now() + 120.0));
        let nonce = base64(text.as_bytes());
        self.issued.insert(nonce.clone());
        nonce
    }

    /// Takes `nc` if it is the next one of this nonce.
    fn count(&mut self, nonce: &str, nc: u64) -> bool {
        let next = self.next_count.entry(nonce.to_owned()).or_insert(1);
        if *next != nc {
            return false;
        }
        *next += 1;
        true
    }
}

/// How strict the check is.
pub struct Policy<'a> {
    pub realm: &'a str,
    /// Not the manner of a real node: accept only nonces this node has issued.
    pub check_nonce: bool,
}

/// Checks one Authorization header against the users.
pub fn check(
    header: Option<&str>,
    users: &[User],
    nonces: &mut Nonces,
    policy: &Policy<'_>,
) -> Verdict {
    nonces.purge_if_due();
    let Some(header) = header else {
        return Verdict::Challenge;
    };
    let (scheme, rest) = header.trim().split_once(' ').unwrap_or((header.trim(), ""));
    if !scheme.eq_ignore_ascii_case("digest") {
        return Verdict::Drop;
    }
    let Some(fields) = fields(rest) else {
        return Verdict::Bad;
    };
    let get = |key: &str| fields.get(key).map(String::as_str);
    let (Some(name), Some(nonce), Some(response)) =
        (get("username"), get("nonce"), get("response"))
    else {
        return Verdict::Bad;
    };
    let Some(qop) = get("qop") else {
        return Verdict::Drop;
    };
    let (Some(nc), Some(cnonce)) = (get("nc"), get("cnonce")) else {
        return Verdict::Bad;
    };
    let Some(user) = users.iter().find(|u| u.user == name) else {
        return Verdict::Bad;
    };
    let ha1 = md5hex::lower(format!("{name}:{}:{}", policy.realm, user.password).as_bytes());
    let ha2 = md5hex::lower(b"POST:/RPC2");
    let expected = md5hex::lower(format!("{ha1}:{nonce}:{nc}:{cnonce}:{qop}:{ha2}").as_bytes());
    if response != expected {
        return Verdict::Bad;
    }
    if policy.check_nonce && !nonces.issued.contains(nonce) {
        return Verdict::Challenge;
    }
    let Ok(count) = u64::from_str_radix(nc, 16) else {
        return Verdict::Drop;
    };
    if nonces.count(nonce, count) { Verdict::Allowed(name.to_owned()) } else { Verdict::Drop }
}

/// Splits `key="value", key=value`; None if it does not read or has a key that is not allowed.
fn fields(text: &str) -> Option<HashMap<String, String>> {
    let mut fields = HashMap::new();
    let mut rest = text.trim_start();
    while !rest.is_empty() {
        let (key, after) = rest.split_once('=')?;
        let key = key.trim();
        if !ALLOWED.contains(&key) {
            return None;
        }
        let value;
        if let Some(quoted) = after.strip_prefix('"') {
            (value, rest) = quoted.split_once('"')?;
        } else {
            let end = after.find(',').unwrap_or(after.len());
            (value, rest) = after.split_at(end);
        }
        fields.insert(key.to_owned(), value.trim().to_owned());
        rest = rest.trim_start();
        if !rest.is_empty() {
            rest = rest.strip_prefix(',')?.trim_start();
        }
    }
    Some(fields)
}

fn base64(data: &[u8]) -> String {
    const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut out = String::new();
    for chunk in data.chunks(3) {
        let bits = chunk.iter().fold(0u32, |bits, b| bits << 8 | u32::from(*b));
        let bits = bits << (8 * (3 - chunk.len()));
        for i in 0..4 {
            if i <= chunk.len() {
                out.push(char::from(DIGITS[(bits >> (18 - 6 * i) & 63) as usize]));
            } else {
                out.push('=');
            }
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    const POLICY: Policy<'_> = Policy { realm: "MySQL Fabric", check_nonce: false };

    fn users() -> Vec<User> {
        vec![User {
            user: "admin".to_owned(),
            password: "secret".to_owned(),
            roles: vec!["superadmin".to_owned()],
            protocol: None,
        }]
    }

    fn header(nonce: &str, nc: u64) -> String {
        let ha1 = md5hex::lower(b"admin:MySQL Fabric:secret");
        let ha2 = md5hex::lower(b"POST:/RPC2");
        let text = format!("{ha1}:{nonce}:{nc:08x}:c:auth:{ha2}");
        let response = md5hex::lower(text.as_bytes());
        format!(
            "Digest username=\"admin\", realm=\"whatever\", nonce=\"{nonce}\", uri=\"/x\", \
             response=\"{response}\",qop=auth, nc={nc:08x}, cnonce=\"c\""
        )
    }

    fn run(nonces: &mut Nonces, header: &str) -> Verdict {
        check(Some(header), &users(), nonces, &POLICY)
    }

    #[test]
    fn counts_per_nonce_and_never_checks_it() {
        let mut nonces = Nonces::new(Duration::from_secs(120));
        let allowed = Verdict::Allowed("admin".to_owned());
        assert_eq!(run(&mut nonces, &header("AAAA", 1)), allowed);
        assert_eq!(run(&mut nonces, &header("AAAA", 2)), allowed);
        assert_eq!(run(&mut nonces, &header("AAAA", 2)), Verdict::Drop);
        assert_eq!(run(&mut nonces, &header("AAAA", 4)), Verdict::Drop);
        assert_eq!(run(&mut nonces, &header("BBBB", 2)), Verdict::Drop);
        nonces.purge();
        assert_eq!(run(&mut nonces, &header("AAAA", 3)), Verdict::Drop);
        assert_eq!(run(&mut nonces, &header("AAAA", 1)), allowed);
    }

    #[test]
    fn odd_headers() {
        let mut nonces = Nonces::new(Duration::from_secs(120));
        assert_eq!(check(None, &users(), &mut nonces, &POLICY), Verdict::Challenge);
        assert_eq!(run(&mut nonces, "Basic YWRtaW46c2VjcmV0"), Verdict::Drop);
        assert_eq!(run(&mut nonces, "Digest junk"), Verdict::Bad);
        assert_eq!(run(&mut nonces, &(header("A", 1) + ", charset=utf-8")), Verdict::Bad);
        assert_eq!(run(&mut nonces, &header("A", 1).replace("qop=auth, ", "")), Verdict::Drop);
        assert_eq!(run(&mut nonces, &header("A", 1).replace("admin", "nobody")), Verdict::Bad);
    }

    #[test]
    fn checks_nonces_only_when_told() {
        let mut nonces = Nonces::new(Duration::from_secs(120));
        let policy = Policy { check_nonce: true, ..POLICY };
        let verdict = check(Some(&header("AAAA", 1)), &users(), &mut nonces, &policy);
        assert_eq!(verdict, Verdict::Challenge);
        let nonce = nonces.issue();
        let verdict = check(Some(&header(&nonce, 1)), &users(), &mut nonces, &policy);
        assert_eq!(verdict, Verdict::Allowed("admin".to_owned()));
    }

    #[test]
    fn base64_pads() {
        assert_eq!(base64(b"a"), "YQ==");
        assert_eq!(base64(b"ab"), "YWI=");
        assert_eq!(base64(b"abc"), "YWJj");
    }
}
