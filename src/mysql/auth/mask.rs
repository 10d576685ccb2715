//! How a hash is hidden from who does not have it.

use zeroize::Zeroizing;

/// `hash` under `mask`, bit by bit; with the mask, who has it gets the hash back.
pub fn masked<const N: usize>(hash: &[u8; N], mask: &[u8; N]) -> Zeroizing<Vec<u8>> {
    Zeroizing::new(hash.iter().zip(mask).map(|(a, b)| a ^ b).collect())
}
