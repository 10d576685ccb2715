//! The digests of many keys: the same steps side by side in the lanes of vector registers.
//!
//! The loop over the lanes is plain code. The compiler makes vectors of it, as wide as the
//! processor's that it may count on; there is one copy for each width.

use super::super::key::Key;
use super::message::{LONG, Message, ONE_BLOCK, SHORT};
use super::{block, digest_of_key, is_utf8};

/// How many keys go side by side. Narrower vectors take them in several turns.
const LANES: usize = 16;

/// How many keys are laid out before the first vector is loaded: a load of many words would wait
/// for the stores of each one to leave the store buffer.
const CHUNK: usize = 64;

/// So few keys are done sooner one by one.
const FEW: usize = 4;

/// The widest vectors that may be used. Those that the processor lacks are not.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Width {
    /// What every processor of the kind has: SSE2, or NEON.
    Common,
    Avx2,
    Avx512,
}

/// One word of each key.
type Row = [u32; LANES];

/// The words of some keys that are not zero in all of them, and the length in bits.
type Rows<const N: usize> = [Row; N];

/// Three 64-bit words of text, and the length.
const SHORT_ROWS: usize = 7;

/// Seven 64-bit words of text, and the length.
const LONG_ROWS: usize = 15;

/// The digests of the texts of keys, several at a time; `None` for a text that is not UTF-8. As
/// many as both slices have.
pub fn digest_keys(keys: &[Key<'_>], digests: &mut [Option<u128>]) {
    digest_keys_within(Width::Avx512, keys, digests);
}

/// As [`digest_keys`], by vectors of at most this width.
pub fn digest_keys_within(most: Width, keys: &[Key<'_>], digests: &mut [Option<u128>]) {
    for (keys, digests) in keys.chunks(CHUNK).zip(digests.chunks_mut(CHUNK)) {
        digest_chunk(keys, digests, most);
    }
}

/// At most `CHUNK` keys.
fn digest_chunk(keys: &[Key<'_>], digests: &mut [Option<u128>], most: Width) {
    let whole = keys.len() - if keys.len() % LANES < FEW { keys.len() % LANES } else { 0 };
    let (together, alone) = keys.split_at_checked(whole).unwrap_or((&[], keys));
    let (rest, last) = digests.split_at_mut(whole.min(digests.len()));
    let longest = together.iter().map(|key| length(*key)).max().unwrap_or(0);
    if longest <= SHORT {
        side_by_side::<SHORT_ROWS>(together, rest, most);
    } else {
        side_by_side::<LONG_ROWS>(together, rest, most);
    }
    for (key, digest) in alone.iter().zip(last) {
        *digest = digest_of_key(*key);
    }
}

/// The length of a key's text, or something less if it is short.
#[inline]
fn length(key: Key<'_>) -> usize {
    match key {
        Key::Integer(_) | Key::Unsigned(_) => 0,
        Key::Text(text) => text.len(),
    }
}

fn side_by_side<const N: usize>(keys: &[Key<'_>], digests: &mut [Option<u128>], most: Width) {
    let mut blocks = [[[0; LANES]; N]; CHUNK / LANES];
    for ((keys, digests), block) in
        keys.chunks(LANES).zip(digests.chunks_mut(LANES)).zip(&mut blocks)
    {
        for (lane, (key, digest)) in keys.iter().zip(digests).enumerate() {
            *digest = lay_out(*key, block, lane).then_some(0);
        }
    }
    for ((keys, digests), block) in keys.chunks(LANES).zip(digests.chunks_mut(LANES)).zip(&blocks) {
        let [a, b, c, d] = digest_rows(block, most);
        let lanes = a.into_iter().zip(b).zip(c).zip(d);
        for ((key, digest), (((a, b), c), d)) in keys.iter().zip(digests).zip(lanes) {
            if length(*key) > ONE_BLOCK {
                *digest = digest_of_key(*key);
            } else if digest.is_some() {
                *digest = Some(block::number([a, b, c, d]));
            }
        }
    }
}

/// Puts a key's words into its lane, and says whether they make a digest.
#[inline(always)]
fn lay_out<const N: usize>(key: Key<'_>, block: &mut Rows<N>, lane: usize) -> bool {
    let text = match key {
        Key::Integer(value) => {
            put(&Message::decimal(value), block, lane);
            return true;
        }
        Key::Unsigned(value) => {
            put(&Message::digits_of(value), block, lane);
            return true;
        }
        Key::Text(text) => text,
    };
    let is_ascii = match text.len() {
        ..=SHORT => {
            let message = Message::short(text);
            put(&message, block, lane);
            message.is_ascii
        }
        LONG..=ONE_BLOCK => {
            let message = Message::long(text);
            put(&message, block, lane);
            message.is_ascii
        }
        // Done alone.
        _ => return true,
    };
    is_ascii || is_utf8(text)
}

#[inline(always)]
fn put<const M: usize, const N: usize>(message: &Message<M>, block: &mut Rows<N>, lane: usize) {
    let [length, rows @ ..] = block.as_mut_slice() else { return };
    let set = |row: &mut Row, word| {
        if let Some(place) = row.get_mut(lane) {
            *place = word;
        }
    };
    set(length, message.length as u32 * 8);
    for (word, rows) in message.words.iter().zip(rows.chunks_exact_mut(2)) {
        if let [low, high] = rows {
            set(low, *word as u32);
            set(high, (*word >> 32) as u32);
        }
    }
}

#[inline(always)]
fn digest_lanes<const N: usize>(rows: &Rows<N>) -> Rows<4> {
    let word =
        |row: usize, lane: usize| rows.get(row).and_then(|row| row.get(lane)).copied().unwrap_or(0);
    let mut digests = [[0; LANES]; 4];
    let [a, b, c, d] = &mut digests;
    let lanes = a.iter_mut().zip(b).zip(c).zip(d).enumerate();
    for (lane, (((a, b), c), d)) in lanes {
        let word = |row| word(row, lane);
        let words = [
            word(1),
            word(2),
            word(3),
            word(4),
            word(5),
            word(6),
            word(7),
            word(8),
            word(9),
            word(10),
            word(11),
            word(12),
            word(13),
            word(14),
            word(0),
            0,
        ];
        [*a, *b, *c, *d] = block::digest::<false>(words);
    }
    digests
}

/// The digests of one block of keys.
#[cfg(target_arch = "x86_64")]
#[inline]
fn digest_rows<const N: usize>(rows: &Rows<N>, most: Width) -> Rows<4> {
    #[target_feature(enable = "avx512f")]
    fn by_512_bits<const N: usize>(rows: &Rows<N>) -> Rows<4> {
        digest_lanes(rows)
    }
    #[target_feature(enable = "avx2")]
    fn by_256_bits<const N: usize>(rows: &Rows<N>) -> Rows<4> {
        digest_lanes(rows)
    }
    if most >= Width::Avx512 && std::arch::is_x86_feature_detected!("avx512f") {
        // SAFETY: no pointer; the processor and the system have the instructions, as just asked.
        unsafe { by_512_bits(rows) }
    } else if most >= Width::Avx2 && std::arch::is_x86_feature_detected!("avx2") {
        // SAFETY: no pointer; the processor and the system have the instructions, as just asked.
        unsafe { by_256_bits(rows) }
    } else {
        digest_lanes(rows)
    }
}

/// The digests of one block of keys.
#[cfg(not(target_arch = "x86_64"))]
#[inline]
fn digest_rows<const N: usize>(rows: &Rows<N>, _: Width) -> Rows<4> {
    digest_lanes(rows)
}
