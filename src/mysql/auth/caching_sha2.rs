//! `caching_sha2_password`: as the native one, by SHA-256, and in another order.

use sha2::{Digest, Sha256};
use zeroize::Zeroizing;

use super::mask::masked;
use crate::mysql::greeting::SCRAMBLE;

/// A server that has the hash of the password's hash at hand can take the hash out of this and
/// compare.
pub fn auth_response(password: &[u8], scramble: &[u8; SCRAMBLE]) -> Zeroizing<Vec<u8>> {
    let hash = Zeroizing::new(<[u8; 32]>::from(Sha256::digest(password)));
    let cached = Sha256::digest(*hash);
    let mask = Sha256::new().chain_update(cached).chain_update(scramble).finalize();
    masked(&hash, &mask.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_server_finds_the_hash_in_it() {
        let scramble = *b"ABCDEFGHIJKLMNOPQRST";
        let cached = Sha256::digest(Sha256::digest(b"secret"));
        let mask = Sha256::new().chain_update(cached).chain_update(scramble).finalize();
        let hash: Vec<u8> =
            auth_response(b"secret", &scramble).iter().zip(mask).map(|(a, b)| a ^ b).collect();
        assert_eq!(Sha256::digest(hash), cached);
    }
}
