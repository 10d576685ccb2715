//! Base64 of RFC 4648, section 4, for the `base64` type.

const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

pub fn encode(bytes: &[u8]) -> String {
    let mut out = String::with_capacity(bytes.len().div_ceil(3) * 4);
    for group in bytes.chunks(3) {
        let mut bits = 0u32;
        for index in 0..3 {
            bits = bits << 8 | u32::from(group.get(index).copied().unwrap_or(0));
        }
        for index in 0..4usize {
            let six = (bits >> (18 - 6 * index)) & 63;
            match ALPHABET.get(six as usize) {
                Some(&letter) if index <= group.len() => out.push(char::from(letter)),
                _ => out.push('='),
            }
        }
    }
    out
}

/// Nothing unless `text` is whole groups of four letters, blanks between them apart.
pub fn decode(text: &str) -> Option<Vec<u8>> {
    let mut out = Vec::with_capacity(text.len() / 4 * 3);
    let (mut bits, mut letters, mut pads) = (0u32, 0u32, 0u32);
    for byte in text.bytes().filter(|byte| !byte.is_ascii_whitespace()) {
        if byte == b'=' {
            pads += 1;
            continue;
        }
        if pads > 0 {
            return None;
        }
        bits = bits << 6 | sextet(byte)?;
        letters += 1;
        if letters.is_multiple_of(4) {
            out.extend(bits.to_be_bytes().into_iter().skip(1));
            bits = 0;
        }
    }
    let left = match (letters % 4, pads) {
        (0, 0) => 0,
        (2, 2) => 1,
        (3, 1) => 2,
        _ => return None,
    };
    let last = bits << (6 * (4 - letters % 4) % 24);
    out.extend(last.to_be_bytes().into_iter().skip(1).take(left));
    Some(out)
}

fn sextet(byte: u8) -> Option<u32> {
    Some(u32::from(match byte {
        b'A'..=b'Z' => byte - b'A',
        b'a'..=b'z' => byte - b'a' + 26,
        b'0'..=b'9' => byte - b'0' + 52,
        b'+' => 62,
        b'/' => 63,
        _ => return None,
    }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn vectors_of_rfc_4648() {
        for (plain, coded) in [
            ("", ""),
            ("f", "Zg=="),
            ("fo", "Zm8="),
            ("foo", "Zm9v"),
            ("foob", "Zm9vYg=="),
            ("fooba", "Zm9vYmE="),
            ("foobar", "Zm9vYmFy"),
        ] {
            assert_eq!(encode(plain.as_bytes()), coded);
            assert_eq!(decode(coded).as_deref(), Some(plain.as_bytes()));
        }
        assert_eq!(decode(" Zm9v\nYg = = ").as_deref(), Some(&b"foob"[..]));
    }

    #[test]
    fn broken_text_is_refused() {
        for text in ["Z", "Zg", "Zg=", "Zg===", "Zm9vYg==Zg==", "Zm9*", "====", "Zm8=="] {
            assert_eq!(decode(text), None, "{text}");
        }
    }
}
