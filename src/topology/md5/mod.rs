//! MD5 of sharding keys, which are short: one block, and nothing else in the way.
//!
//! A digest is a chain of 64 steps, each waiting for the one before, so its time is the time of
//! that chain. `md-5` spends half as much again: on buffering, and on sums in an order that makes
//! the chain longer. It serves longer keys, and is what the tests compare with.

mod block;
mod lanes;
mod message;

use md5::{Digest, Md5};

pub use self::lanes::{Width, digest_keys, digest_keys_within};
use self::message::{LONG, Message, ONE_BLOCK, SHORT};
use super::key::Key;

/// The digest of a text as a big-endian number.
#[inline]
pub fn digest(text: &[u8]) -> u128 {
    match text.len() {
        ..=SHORT => digest_of_short(&Message::short(text)),
        LONG..=ONE_BLOCK => digest_of_long(&Message::long(text)),
        _ => u128::from_be_bytes(Md5::digest(text).into()),
    }
}

/// As [`digest`], if the text is UTF-8. The words of a text tell whether it is ASCII.
#[inline(always)]
pub fn digest_of_utf8(text: &[u8]) -> Option<u128> {
    match text.len() {
        ..=SHORT => {
            let message = Message::short(text);
            (message.is_ascii || is_utf8(text)).then(|| digest_of_short(&message))
        }
        LONG..=ONE_BLOCK => {
            let message = Message::long(text);
            (message.is_ascii || is_utf8(text)).then(|| digest_of_long(&message))
        }
        _ => is_utf8(text).then(|| digest(text)),
    }
}

/// The digest of an integer's decimal text.
#[inline]
pub fn digest_of_integer(value: i64) -> u128 {
    digest_of_short(&Message::decimal(value))
}

/// As [`digest_of_integer`], of an integer without a sign.
#[inline(never)]
pub fn digest_of_unsigned(value: u64) -> u128 {
    digest_of_short(&Message::digits_of(value))
}

/// The digest of a block that is padded already: the chain alone, which is the least that a
/// digest takes.
#[inline(never)]
pub fn digest_of_block(words: &[u32; 16]) -> u128 {
    block::number(block::digest::<true>(*words))
}

#[inline]
fn digest_of_key(key: Key<'_>) -> Option<u128> {
    match key {
        Key::Integer(value) => Some(digest_of_integer(value)),
        Key::Unsigned(value) => Some(digest_of_unsigned(value)),
        Key::Text(text) => digest_of_utf8(text),
    }
}

#[inline(never)]
fn is_utf8(text: &[u8]) -> bool {
    std::str::from_utf8(text).is_ok()
}

/// That most words are zero is known beforehand here, which saves their additions.
#[inline]
fn digest_of_short(message: &Message<3>) -> u128 {
    let [a, b, c] = message.words;
    in_registers(a, b, c, message.length)
}

/// One copy of the steps, whoever calls.
#[inline(never)]
fn in_registers(a: u64, b: u64, c: u64, length: u64) -> u128 {
    one([a, b, c, 0, 0, 0, 0, length * 8])
}

#[inline(never)]
fn digest_of_long(message: &Message<7>) -> u128 {
    let [a, b, c, d, e, f, g] = message.words;
    one([a, b, c, d, e, f, g, message.length * 8])
}

#[inline(always)]
fn one([a, b, c, d, e, f, g, h]: [u64; 8]) -> u128 {
    let (low, high) = (|word: u64| word as u32, |word: u64| (word >> 32) as u32);
    let words = [
        low(a),
        high(a),
        low(b),
        high(b),
        low(c),
        high(c),
        low(d),
        high(d),
        low(e),
        high(e),
        low(f),
        high(f),
        low(g),
        high(g),
        low(h),
        high(h),
    ];
    block::number(block::digest::<true>(words))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Inputs of each kind. An optimised build tries millions.
    const TRIES: u64 = if cfg!(debug_assertions) { 20_000 } else { 3_000_000 };

    fn oracle(text: &[u8]) -> u128 {
        u128::from_be_bytes(Md5::digest(text).into())
    }

    /// xorshift64*: the same inputs in every run.
    struct Random(u64);

    impl Random {
        fn next(&mut self) -> u64 {
            self.0 ^= self.0 >> 12;
            self.0 ^= self.0 << 25;
            self.0 ^= self.0 >> 27;
            self.0.wrapping_mul(0x2545_f491_4f6c_dd1d)
        }

        fn bytes(&mut self, length: usize) -> Vec<u8> {
            (0..length).map(|_| (self.next() >> 56) as u8).collect()
        }
    }

    fn check(text: &[u8]) {
        let expected = oracle(text);
        assert_eq!(digest(text), expected, "{text:?}");
        let utf8 = std::str::from_utf8(text).is_ok();
        assert_eq!(digest_of_utf8(text), utf8.then_some(expected), "{text:?}");
    }

    #[test]
    fn the_test_suite_of_rfc_1321() {
        let vectors: [(&[u8], u128); 7] = [
            (b"", 0xd41d8cd98f00b204e9800998ecf8427e),
            (b"a", 0x0cc175b9c0f1b6a831c399e269772661),
            (b"abc", 0x900150983cd24fb0d6963f7d28e17f72),
            (b"message digest", 0xf96b697d7cb7938d525a2f31aaf161d0),
            (b"abcdefghijklmnopqrstuvwxyz", 0xc3fcd3d76192e4007dfb496cca67e13b),
            (
                b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789",
                0xd174ab98d277d9f5a5611c2c9f419d9f,
            ),
            (
                b"12345678901234567890123456789012345678901234567890123456789012345678901234567890",
                0x57edf4a22be3c955ac49da2e2107b67a,
            ),
        ];
        for (text, expected) in vectors {
            assert_eq!(digest(text), expected);
            assert_eq!(digest_of_utf8(text), Some(expected));
        }
    }

    #[test]
    fn agrees_with_md5_on_texts_of_every_length() {
        let mut random = Random(1);
        for length in 0..=200 {
            for byte in 0..=255 {
                check(&vec![byte; length]);
            }
            for _ in 0..TRIES / 201 {
                let mut text = random.bytes(length);
                check(&text);
                // Mostly ASCII: with one byte that is not, anywhere.
                text.iter_mut().for_each(|byte| *byte &= 0x7f);
                check(&text);
                let at = random.next() as usize % length.max(1);
                if let Some(byte) = text.get_mut(at) {
                    *byte |= 0x80;
                }
                check(&text);
            }
        }
    }

    #[test]
    fn agrees_with_md5_on_text_beyond_ascii() {
        for text in ["\u{e9}", "M\u{fc}ller", "\u{6771}\u{4eac}\u{90fd}", "\u{1f98a}\u{1f98a}"] {
            for times in 0..60 {
                check(text.repeat(times).as_bytes());
                check(format!("{}{text}", "a".repeat(times)).as_bytes());
            }
        }
    }

    #[test]
    fn agrees_with_md5_on_the_decimal_text_of_integers() {
        let check = |value: i64| {
            assert_eq!(digest_of_integer(value), oracle(value.to_string().as_bytes()), "{value}");
            let bits = value as u64;
            assert_eq!(digest_of_unsigned(bits), oracle(bits.to_string().as_bytes()), "{bits}");
        };
        (-20_000..=20_000).for_each(check);
        for exponent in 0..64 {
            for nearby in -3..=3 {
                check((1_i64 << exponent).wrapping_add(nearby));
                check((1_i64 << exponent).wrapping_neg().wrapping_add(nearby));
            }
        }
        for exponent in 0..19 {
            for nearby in -3..=3 {
                check(10_i64.pow(exponent) + nearby);
                check(-10_i64.pow(exponent) + nearby);
            }
        }
        let mut random = Random(2);
        for _ in 0..TRIES {
            // Every number of digits is as likely as any other, about.
            check(random.next() as i64 >> (random.next() % 64));
        }
    }

    fn digests_agree(keys: &[Key<'_>]) {
        let expected: Vec<Option<u128>> = keys.iter().map(|key| digest_of_key(*key)).collect();
        for width in [Width::Common, Width::Avx2, Width::Avx512] {
            // Nothing of what was there before may be left.
            let mut digests = vec![Some(1); keys.len()];
            digest_keys_within(width, keys, &mut digests);
            assert_eq!(digests, expected, "{width:?} {keys:?}");
        }
    }

    #[test]
    fn many_keys_have_the_digests_of_each() {
        let mut random = Random(3);
        for count in 0..=200 {
            // The longest text decides how a chunk is done.
            for longest in [0, 7, 23, 24, 55, 56, 70] {
                let texts: Vec<Vec<u8>> = (0..count)
                    .map(|_| {
                        let length = random.next() as usize % (longest + 1);
                        let mask = if random.next().is_multiple_of(8) { 0xff } else { 0x7f };
                        random.bytes(length).into_iter().map(|byte| byte & mask).collect()
                    })
                    .collect();
                let keys: Vec<Key<'_>> = texts
                    .iter()
                    .map(|text| match random.next() % 4 {
                        0 => Key::Integer(random.next() as i64 >> (random.next() % 64)),
                        1 => Key::Unsigned(random.next() >> (random.next() % 64)),
                        _ => Key::Text(text),
                    })
                    .collect();
                digests_agree(&keys);
            }
        }
        for length in 0..=200 {
            let text = random.bytes(length);
            digests_agree(&[Key::Text(&text); 64]);
            digests_agree(&[Key::Text(&vec![b'k'; length]); 64]);
        }
    }

    #[test]
    fn as_many_digests_as_both_slices_have() {
        let keys = [Key::Integer(7); 40];
        for length in 0..=80 {
            let mut digests = vec![Some(1); length];
            digest_keys(&keys, &mut digests);
            let done = digests.iter().filter(|digest| **digest != Some(1)).count();
            assert_eq!(done, length.min(40));
        }
    }
}
