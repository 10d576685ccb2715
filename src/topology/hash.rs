//! HASH: the MD5 digest of the key's text, a ring of 128-bit numbers.
//!
//! The server hashes the UTF-8 text of the key, integers in decimal, and compares the digest
//! with its bounds as 32 hexadecimal digits.

use md5::{Digest, Md5};

use super::key::{Key, KeyError};

/// The digest of a key as a big-endian number.
pub fn of_key(key: Key<'_>) -> Result<u128, KeyError> {
    match key {
        Key::Integer(value) => Ok(of_integer(value)),
        Key::Text(text) => of_text(text),
    }
}

#[inline]
pub fn of_integer(value: i64) -> u128 {
    let mut buffer = [0; DECIMAL_MAX];
    digest(decimal(value, &mut buffer))
}

#[inline]
pub fn of_text(text: &[u8]) -> Result<u128, KeyError> {
    if std::str::from_utf8(text).is_ok() { Ok(digest(text)) } else { Err(KeyError::NotUtf8) }
}

#[inline]
fn digest(text: &[u8]) -> u128 {
    u128::from_be_bytes(Md5::digest(text).into())
}

/// "-9223372036854775808" is the longest.
const DECIMAL_MAX: usize = 20;

fn decimal(value: i64, buffer: &mut [u8; DECIMAL_MAX]) -> &[u8] {
    let mut rest = value.unsigned_abs();
    let mut start = DECIMAL_MAX;
    for (position, byte) in buffer.iter_mut().enumerate().rev() {
        *byte = b'0' + (rest % 10) as u8;
        rest /= 10;
        start = position;
        if rest == 0 {
            break;
        }
    }
    if value < 0 {
        start -= 1;
        if let Some(byte) = buffer.get_mut(start) {
            *byte = b'-';
        }
    }
    buffer.get(start..).unwrap_or_default()
}

/// Reads a bound: 32 hexadecimal digits of either case.
pub fn parse(text: &[u8]) -> Option<u128> {
    if text.len() != 32 || !text.iter().all(u8::is_ascii_hexdigit) {
        return None;
    }
    u128::from_str_radix(std::str::from_utf8(text).ok()?, 16).ok()
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
            let mut buffer = [0; DECIMAL_MAX];
            assert_eq!(decimal(value, &mut buffer), text.as_bytes());
            assert_eq!(of_key(Key::Integer(value)), of_key(Key::Text(text.as_bytes())));
        }
        // RFC 1321, appendix A.5.
        assert_eq!(of_key(Key::Text(b"abc")), Ok(0x900150983cd24fb0d6963f7d28e17f72));
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
