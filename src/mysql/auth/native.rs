//! `mysql_native_password`: two rounds of SHA-1.

use sha1::{Digest, Sha1};
use zeroize::Zeroizing;

use super::mask::masked;
use crate::mysql::greeting::SCRAMBLE;

/// The server has the hash of the password's hash, and so can take the hash out of this and compare.
pub fn auth_response(password: &[u8], scramble: &[u8; SCRAMBLE]) -> Zeroizing<Vec<u8>> {
    let hash = Zeroizing::new(<[u8; SCRAMBLE]>::from(Sha1::digest(password)));
    let stored = Sha1::digest(*hash);
    let mask = Sha1::new().chain_update(scramble).chain_update(stored).finalize();
    masked(&hash, &mask.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_server_finds_the_hash_in_it() {
        // What a server has of the password "secret", from MySQL's PASSWORD().
        let stored = "14e65567abdb5135d0cfd9a70b3032c179a49ee7";
        let scramble = *b"ABCDEFGHIJKLMNOPQRST";
        let bytes: Vec<u8> = (0..20)
            .map(|at| u8::from_str_radix(&stored[2 * at..2 * at + 2], 16).unwrap())
            .collect();
        let mask = Sha1::new().chain_update(scramble).chain_update(&bytes).finalize();
        let hash: Vec<u8> =
            auth_response(b"secret", &scramble).iter().zip(mask).map(|(a, b)| a ^ b).collect();
        assert_eq!(Sha1::digest(hash).as_slice(), bytes);
    }
}
