//! Bounds of RANGE_STRING that are longer than Fabric stores them, which a topology file may hold.

use super::super::text;

/// Bounds in ascending order, none twice.
#[derive(Debug, PartialEq, Eq)]
pub struct LongTexts(Box<[Box<[u8]>]>);

impl LongTexts {
    /// Of bounds that are sorted, without repetitions.
    pub fn new(texts: impl Iterator<Item = Box<[u8]>>) -> Self {
        Self(texts.collect())
    }

    pub fn len(&self) -> usize {
        self.0.len()
    }

    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub fn get(&self, at: usize) -> Option<&[u8]> {
        self.0.get(at).map(|text| &**text)
    }

    /// The number of bounds that are not above `key`.
    pub fn not_above(&self, key: &[u8]) -> usize {
        self.0.partition_point(|text| text::compare(text, key).is_le())
    }

    /// The position of a bound that is equal to a text.
    pub fn position(&self, text: &[u8]) -> Option<usize> {
        let at = self.not_above(text).checked_sub(1)?;
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
                prop_assert_eq!(own.not_above(key), expected);
                let equal = bounds.iter().position(|bound| text::compare(bound, key).is_eq());
                prop_assert_eq!(own.position(key), equal);
            }
            prop_assert_eq!(own.len(), bounds.len());
        }
    }
}
