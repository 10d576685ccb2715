//! HASH: the MD5 digest of the key's text, a ring of 128-bit numbers.
//!
//! The server hashes the UTF-8 text of the key, integers in decimal, and compares the digest
//! with its bounds as 32 hexadecimal digits.

use super::key::{Key, KeyError};
use super::md5;

/// The digest of a key as a big-endian number.
pub fn of_key(key: Key<'_>) -> Result<u128, KeyError> {
    match key {
        Key::Integer(value) => Ok(md5::digest_of_integer(value)),
        Key::Text(text) => md5::digest_of_utf8(text).ok_or(KeyError::NotUtf8),
    }
}

/// Reads a bound: 32 hexadecimal digits of either case.
pub fn parse(text: &[u8]) -> Option<u128> {
    if text.len() != 32 || !text.iter().all(u8::is_ascii_hexdigit) {
        return None;
    }
    let (high, low) = text.split_at_checked(16)?;
    // Letters have the bit of 64 and count from 1 in their low half.
    let value = |digit: u8| u64::from((digit & 15) + 9 * (digit >> 6));
    let half = |digits: &[u8]| digits.iter().fold(0, |half, digit| half << 4 | value(*digit));
    Some(u128::from(half(high)) << 64 | u128::from(half(low)))
}

/// Writes a bound as the server does.
pub fn format(bound: u128) -> String {
    format!("{bound:032X}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn integers_are_hashed_as_decimal_text() {
        for value in [0, 5, -5, 10, 99, 100, i64::MAX, i64::MIN, -1] {
            let text = value.to_string();
            assert_eq!(of_key(Key::Integer(value)), of_key(Key::Text(text.as_bytes())));
        }
        // RFC 1321, appendix A.5.
        assert_eq!(of_key(Key::Text(b"abc")), Ok(0x900150983cd24fb0d6963f7d28e17f72));
        assert_eq!(of_key(Key::Text(b"\xff")), Err(KeyError::NotUtf8));
    }

    #[test]
    fn bounds_are_32_digits() {
        let text = "C783BBB72B956E3F1818E9D4A59D76CB";
        let bound = parse(text.as_bytes()).expect("a bound of the real server");
        assert_eq!(format(bound), text);
        assert_eq!(parse(text.to_lowercase().as_bytes()), Some(bound));
        assert_eq!(format(1), "00000000000000000000000000000001");
        for text in
            ["", "C783", "+783BBB72B956E3F1818E9D4A59D76CB", "G783BBB72B956E3F1818E9D4A59D76CB"]
        {
            assert_eq!(parse(text.as_bytes()), None, "{text}");
        }
    }
}
