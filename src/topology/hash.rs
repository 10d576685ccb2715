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
        Key::Unsigned(value) => Ok(md5::digest_of_unsigned(value)),
        Key::Text(text) => md5::digest_of_utf8(text).ok_or(KeyError::NotUtf8),
    }
}

/// Reads a bound: 32 hexadecimal digits of either case.
pub fn parse(text: &[u8]) -> Option<u128> {
    let text: &[u8; 32] = text.try_into().ok()?;
    let (high, low) = text.split_at_checked(16)?;
    let ((high, high_seen), (low, low_seen)) = (half(high), half(low));
    (high_seen | low_seen < 16).then_some(u128::from(high) << 64 | u128::from(low))
}

/// Half a bound, and a number below 16 if its digits are any.
fn half(digits: &[u8]) -> (u64, u8) {
    digits.iter().fold((0, 0), |(half, seen), digit| {
        let value = value(*digit);
        (half << 4 | u64::from(value & 15), seen | value)
    })
}

/// What a digit is worth; of anything else at least 16. It is made to need no branch, which would
/// be guessed wrong every other time.
fn value(digit: u8) -> u8 {
    let (decimal, letter) = (digit.wrapping_sub(b'0'), (digit | 0x20).wrapping_sub(b'a'));
    let letter = if letter < 6 { letter + 10 } else { 16 };
    if decimal < 10 { decimal } else { letter }
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
        for value in
            [0, 7, 1 << 63, 9_999_999_999_999_999_999, 10_000_000_000_000_000_000, u64::MAX]
        {
            let text = value.to_string();
            assert_eq!(of_key(Key::Unsigned(value)), of_key(Key::Text(text.as_bytes())));
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
        for byte in 0..=u8::MAX {
            for at in [0, 15, 16, 31] {
                let mut bytes = [b'0'; 32];
                bytes[at] = byte;
                let digit = char::from(byte).to_digit(16);
                let expected = digit.map(|digit| u128::from(digit) << (4 * (31 - at)));
                assert_eq!(parse(&bytes), expected, "{byte} at {at}");
            }
        }
    }
}
