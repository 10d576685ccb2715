//! RANGE_STRING: UTF-8 bytes with blank padding, the order of `utf8_bin` with PAD SPACE.

use std::cmp::Ordering;

use super::key::KeyError;

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

/// As many bytes as Fabric stores of a bound: VARBINARY(16).
const HEAD: usize = size_of::<u128>();

/// The first 16 bytes, padded with blanks, as a number whose order is theirs.
#[inline]
pub fn head(text: &[u8]) -> u128 {
    const BLANKS: u64 = u64::from_be_bytes([b' '; 8]);
    // Two overlapping words instead of a copy of as many bytes as there are.
    let words = (text.first_chunk::<8>(), text.last_chunk::<8>());
    let (first, second) = match words {
        (Some(first), Some(last)) => match text.get(8..).and_then(<[u8]>::first_chunk) {
            Some(second) => (u64::from_be_bytes(*first), u64::from_be_bytes(*second)),
            None => {
                let bits = 8 * (text.len() as u32 - 8);
                let rest = (u128::from(u64::from_be_bytes(*last)) << (64 - bits)) as u64;
                (u64::from_be_bytes(*first), rest | BLANKS >> bits)
            }
        },
        _ => {
            let bits = 8 * text.len() as u32;
            let word = text.iter().fold(0u128, |word, byte| word << 8 | u128::from(*byte));
            ((word << (64 - bits)) as u64 | BLANKS >> bits, BLANKS)
        }
    };
    u128::from(first) << 64 | u128::from(second)
}

/// All of a text as its head, unless it is longer.
pub fn packed(text: &[u8]) -> Option<u128> {
    let rest = text.get(HEAD..).unwrap_or_default();
    against_blanks(rest).is_eq().then(|| head(text))
}

/// The text of a head, without its padding.
pub fn unpacked(head: u128) -> Box<[u8]> {
    let bytes = head.to_be_bytes();
    let length = bytes.iter().rposition(|byte| *byte != b' ').map_or(0, |last| last + 1);
    bytes.get(..length).unwrap_or_default().into()
}

/// Whether a text is below the text that ends where its head does.
#[inline]
pub fn is_below_head(text: &[u8]) -> bool {
    text.get(HEAD..).is_some_and(|rest| against_blanks(rest).is_lt())
}

/// The head of a key, which is UTF-8.
#[inline]
pub fn head_of_key(text: &[u8]) -> Result<u128, KeyError> {
    const NOT_ASCII: u128 = u128::from_be_bytes([0x80; HEAD]);
    let head = head(text);
    let ascii = text.len() <= HEAD && head & NOT_ASCII == 0;
    if ascii || std::str::from_utf8(text).is_ok() { Ok(head) } else { Err(KeyError::NotUtf8) }
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

    #[test]
    fn heads_are_ordered_as_their_texts() {
        let texts: Vec<String> = (0..40)
            .flat_map(|length| {
                let text = "abcdefghijklmnopqrstuvwxyzabcdefghijklmn"[..length].to_owned();
                [text.clone(), format!("{text} "), format!("{text}\t"), format!("{text}é")]
            })
            .collect();
        for a in texts.iter().map(String::as_bytes) {
            for b in texts.iter().map(String::as_bytes).filter(|b| packed(b).is_some()) {
                let heads = head(a).cmp(&head(b));
                let order = if heads.is_eq() && is_below_head(a) { Ordering::Less } else { heads };
                let expected = match compare(a, b) {
                    // A longer key at the same bound is in its shard.
                    Ordering::Greater if heads.is_eq() => Ordering::Equal,
                    other => other,
                };
                assert_eq!(order, expected, "{a:?} {b:?}");
            }
            if let Some(packed) = packed(a) {
                assert_eq!(compare(&unpacked(packed), a), Ordering::Equal);
            }
        }
    }
}
