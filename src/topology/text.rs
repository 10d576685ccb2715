//! RANGE_STRING: UTF-8 bytes with blank padding, the order of `utf8_bin` with PAD SPACE.

use std::cmp::Ordering;

use super::key::{Key, KeyError};

/// Compares as if the shorter side were padded with blanks: "M " equals "M", "M\t" is below "M".
pub fn compare(a: &[u8], b: &[u8]) -> Ordering {
    let shared = a.len().min(b.len());
    let (a_head, a_tail) = a.split_at(shared);
    let (b_head, b_tail) = b.split_at(shared);
    a_head
        .cmp(b_head)
        .then_with(|| against_blanks(a_tail))
        .then_with(|| against_blanks(b_tail).reverse())
}

fn against_blanks(tail: &[u8]) -> Ordering {
    tail.iter().find(|byte| **byte != b' ').map_or(Ordering::Equal, |byte| byte.cmp(&b' '))
}

/// The bytes a key of a RANGE_STRING table stands for.
#[inline]
pub fn of_key(key: Key<'_>) -> Result<&[u8], KeyError> {
    match key {
        Key::Integer(_) => Err(KeyError::WantsText),
        Key::Text(text) if std::str::from_utf8(text).is_ok() => Ok(text),
        Key::Text(_) => Err(KeyError::NotUtf8),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pads_the_shorter_side_with_blanks() {
        let cases = [
            ("M ", "M", Ordering::Equal),
            ("M\t", "M", Ordering::Less),
            ("M\n", "M", Ordering::Less),
            ("M!", "M", Ordering::Greater),
            ("", "   ", Ordering::Equal),
            ("\t", "", Ordering::Less),
            ("M  !", "M", Ordering::Greater),
            ("M  \t", "M", Ordering::Less),
            ("a", "B", Ordering::Greater),
            ("É", "z", Ordering::Greater),
        ];
        for (a, b, order) in cases {
            assert_eq!(compare(a.as_bytes(), b.as_bytes()), order, "{a:?} {b:?}");
            assert_eq!(compare(b.as_bytes(), a.as_bytes()), order.reverse(), "{b:?} {a:?}");
        }
    }
}
