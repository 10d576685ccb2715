//! Bounds of RANGE_STRING that are longer than Fabric stores them, which a topology file may hold.
//!
//! Nearly always the first 16 bytes tell where a key is, as they do of shorter bounds.

use super::search::Sorted;
use super::text;

/// Bounds in ascending order, none twice.
#[derive(Debug, PartialEq, Eq)]
pub struct LongTexts {
    texts: Box<[Box<[u8]>]>,
    /// The first bytes of the bounds, each once.
    heads: Sorted,
    /// For each head, the first bound that begins with it; one more for the end.
    firsts: Box<[u32]>,
}

impl LongTexts {
    /// Of bounds that are sorted, without repetitions, and fewer than 2^32.
    pub fn new(texts: impl Iterator<Item = Box<[u8]>>) -> Self {
        let texts: Box<[Box<[u8]>]> = texts.collect();
        let mut heads: Vec<u128> = Vec::new();
        let mut firsts: Vec<u32> = Vec::new();
        for (at, text) in (0..).zip(&texts) {
            let head = text::head(text);
            if heads.last() != Some(&head) {
                heads.push(head);
                firsts.push(at);
            }
        }
        firsts.push(texts.len() as u32);
        Self { texts, heads: Sorted::of_wide(heads.iter().copied()), firsts: firsts.into() }
    }

    pub fn len(&self) -> usize {
        self.texts.len()
    }

    pub fn is_empty(&self) -> bool {
        self.texts.is_empty()
    }

    pub fn get(&self, at: usize) -> Option<&[u8]> {
        self.texts.get(at).map(|text| &**text)
    }

    /// The number of bounds that are not above `key`, whose head is `head`.
    pub fn not_above(&self, key: &[u8], head: u128) -> usize {
        let heads = self.heads.not_above_wide(head);
        let first = |at: usize| self.firsts.get(at).map_or(0, |first| *first as usize);
        let end = first(heads);
        match heads.checked_sub(1) {
            Some(last) if self.heads.wide(last) == Some(head) => {
                let alike = self.texts.get(first(last)..end).unwrap_or_default();
                first(last) + alike.partition_point(|text| text::compare(text, key).is_le())
            }
            _ => end,
        }
    }

    /// The position of a bound that is equal to a text.
    pub fn position(&self, text: &[u8]) -> Option<usize> {
        let at = self.not_above(text, text::head(text)).checked_sub(1)?;
        text::compare(self.get(at)?, text).is_eq().then_some(at)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Many that begin alike, and blanks, which do not count at an end.
    fn text() -> impl Strategy<Value = Vec<u8>> {
        let begin = prop_oneof![Just(""), Just("customer"), Just("customer:archive")];
        (begin, "[ \t!a-c]{0,20}").prop_map(|(begin, rest)| format!("{begin}{rest}").into_bytes())
    }

    proptest! {
        #[test]
        fn they_are_in_the_order_of_the_texts(
            mut bounds in proptest::collection::vec(text(), 1..60),
            keys in proptest::collection::vec(text(), 1..60),
        ) {
            bounds.sort_by(|a, b| text::compare(a, b));
            bounds.dedup_by(|a, b| text::compare(a, b).is_eq());
            let own = LongTexts::new(bounds.iter().map(|bound| bound.as_slice().into()));
            for key in keys.iter().chain(&bounds) {
                let expected = bounds.iter().filter(|b| text::compare(b, key).is_le()).count();
                prop_assert_eq!(own.not_above(key, text::head(key)), expected);
                let equal = bounds.iter().position(|bound| text::compare(bound, key).is_eq());
                prop_assert_eq!(own.position(key), equal);
            }
            prop_assert_eq!(own.len(), bounds.len());
        }
    }
}
