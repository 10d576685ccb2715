//! Short texts as the words of a block, made in registers.
//!
//! Bytes stored one by one would have to leave the store buffer before they could be loaded as
//! words, which takes as long as ten steps of a digest.

/// The longest text that fits into three of a block's eight 64-bit words with the byte that ends
/// it.
pub(super) const SHORT: usize = 23;

pub(super) const LONG: usize = SHORT + 1;

/// The longest text that fits into one block with what ends it: a byte, and its length.
pub(super) const ONE_BLOCK: usize = 55;

/// The byte behind the text.
const END: u64 = 0x80;

const NOT_ASCII: u64 = 0x8080_8080_8080_8080;

/// Eight times the digit 0.
const ZEROS: u64 = 0x3030_3030_3030_3030;

/// A text and its end in the first `N` words of a block, little-endian. The other words are
/// zero but for the last, the length in bits.
pub(super) struct Message<const N: usize> {
    pub words: [u64; N],
    /// In bytes.
    pub length: u64,
    pub is_ascii: bool,
}

impl Message<3> {
    /// A text of at most [`SHORT`] bytes.
    #[inline]
    pub fn short(text: &[u8]) -> Self {
        let length = text.len();
        let (a, b, c) = match length / 8 {
            0 => (below_8(text), 0, 0),
            1 => (load(text), last(text), 0),
            _ => (load(text), load(text.get(8..).unwrap_or_default()), last(text)),
        };
        let is_ascii = (a | b | c) & NOT_ASCII == 0;
        let end = END << (length % 8 * 8);
        let words = match length / 8 {
            0 => [a | end, 0, 0],
            1 => [a, b | end, 0],
            _ => [a, b, c | end],
        };
        Self { words, length: length as u64, is_ascii }
    }

    /// The decimal text of an integer.
    #[inline(always)]
    pub fn decimal(value: i64) -> Self {
        let digits = Self::digits_of(value.unsigned_abs());
        if value >= 0 {
            return digits;
        }
        let [a, b, c] = digits.words;
        let words = [a << 8 | u64::from(b'-'), b << 8 | a >> 56, c << 8 | b >> 56];
        Self { words, length: digits.length + 1, is_ascii: true }
    }

    /// The decimal text of an integer without a sign.
    #[inline(always)]
    pub fn digits_of(number: u64) -> Self {
        const E8: u64 = 100_000_000;
        const E16: u64 = E8 * E8;
        // In groups of eight with leading zeros, and the end behind.
        let (first, parts, most) = if number < E8 {
            (digits(number), [END, 0, 0], 8)
        } else if number < E16 {
            let high = number / E8;
            (digits(high), [digits(number - high * E8) | ZEROS, END, 0], 16)
        } else {
            // Both divisions at once.
            let (high, first) = (number / E8, number / E16);
            let (middle, last) = (high - first * E8, number - high * E8);
            (digits(first), [digits(middle) | ZEROS, digits(last) | ZEROS, END], 24)
        };
        // One digit stays, be it zero.
        let zeros = (first | 1 << 56).trailing_zeros() / 8 * 8;
        let [b, c, d] = parts;
        let words = [shifted(first | ZEROS, b, zeros), shifted(b, c, zeros), shifted(c, d, zeros)];
        Self { words, length: most - u64::from(zeros / 8), is_ascii: true }
    }
}

impl Message<7> {
    /// A text of more than [`SHORT`] bytes and at most [`ONE_BLOCK`].
    #[inline]
    pub fn long(text: &[u8]) -> Self {
        let length = text.len();
        let at = |word: usize| load(text.get(word * 8..).unwrap_or_default());
        let (a, b, c, z) = (at(0), at(1), at(2), last(text));
        let end = END << (length % 8 * 8);
        let (words, rest) = match length / 8 {
            3 => ([a, b, c, z | end, 0, 0, 0], z),
            4 => ([a, b, c, at(3), z | end, 0, 0], z | at(3)),
            5 => ([a, b, c, at(3), at(4), z | end, 0], z | at(3) | at(4)),
            _ => ([a, b, c, at(3), at(4), at(5), z | end], z | at(3) | at(4) | at(5)),
        };
        let is_ascii = (a | b | c | rest) & NOT_ASCII == 0;
        Self { words, length: length as u64, is_ascii }
    }
}

/// The digits of a number below 10^8, one in a byte, the highest in the lowest byte.
///
/// Splits the number, then both fours and then all four twos at once. `low - high * base` goes
/// above `high` in one multiplication: (low << n) - high * ((base << n) - 1).
#[inline]
fn digits(number: u64) -> u64 {
    let high = number / 10_000;
    let fours = (number << 32).wrapping_sub(high * ((10_000 << 32) - 1));
    let high = ((fours * 10_486) >> 20) & 0x0000_007f_0000_007f;
    let twos = (fours << 16).wrapping_sub(high.wrapping_mul((100 << 16) - 1));
    let high = ((twos * 103) >> 10) & 0x000f_000f_000f_000f;
    (twos << 8).wrapping_sub(high.wrapping_mul((10 << 8) - 1))
}

#[inline]
fn shifted(low: u64, high: u64, bits: u32) -> u64 {
    low >> bits | high << 1 << (63 - bits)
}

/// The first eight bytes.
#[inline]
fn load(text: &[u8]) -> u64 {
    text.first_chunk().map_or(0, |bytes| u64::from_le_bytes(*bytes))
}

/// What follows the last whole eight bytes. The text has eight at least.
#[inline]
fn last(text: &[u8]) -> u64 {
    let bytes = text.last_chunk().map_or(0, |bytes| u64::from_le_bytes(*bytes));
    // In two shifts, because none goes as far as 64.
    (bytes >> 8) >> ((7 - text.len() % 8) * 8)
}

/// All of a text of less than eight bytes. Bytes may be taken twice, since they fall together.
#[inline]
fn below_8(text: &[u8]) -> u64 {
    let at = |index: usize, byte: u8| u64::from(byte) << (index * 8);
    match (text.first_chunk(), text.last_chunk()) {
        (Some(first), Some(last)) => {
            let half = |bytes: &[u8; 4]| u64::from(u32::from_le_bytes(*bytes));
            half(first) | half(last) << ((text.len() - 4) * 8)
        }
        _ => match *text {
            [] => 0,
            [a] => at(0, a),
            [a, b] => at(0, a) | at(1, b),
            [a, b, c, ..] => at(0, a) | at(1, b) | at(2, c),
        },
    }
}
