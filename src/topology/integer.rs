//! RANGE and RANGE_INTEGER: bounds are signed 64-bit integers, keys are integers of any size.
//!
//! The server compares `CAST(lower_bound AS SIGNED)` with the key, so "007" is 7 and "+10" is 10. A
//! key above every 64-bit integer, as BIGINT UNSIGNED has them, belongs to the highest shard, and
//! one below them all to none.

use std::cmp::Reverse;

use super::key::KeyError;

/// Reads a bound: a plain decimal integer that fits into signed 64 bits.
pub fn bound(text: &[u8]) -> Option<i64> {
    match text {
        [b'-', digits @ ..] => negative(plain(digits)?),
        [b'+', digits @ ..] | digits => negative(plain(digits)?)?.checked_neg(),
    }
}

/// Reads a key: a plain decimal integer, an optional sign and digits, nothing else. It may be of any
/// length: a key above every 64-bit integer is read as the highest of them, and one below them all as
/// none.
///
/// The server takes more ("5abc" is 5, "1e4" is 10000, "" is 0) because it compares text keys as
/// DOUBLE; a client that did so would lose precision above 2^53, so such keys are refused here.
pub fn key(text: &[u8]) -> Result<Option<i64>, KeyError> {
    Ok(match text {
        [b'-', digits @ ..] => negative(plain(digits).ok_or(KeyError::NotInteger)?),
        [b'+', digits @ ..] | digits => {
            let value = negative(plain(digits).ok_or(KeyError::NotInteger)?);
            Some(value.and_then(i64::checked_neg).unwrap_or(i64::MAX))
        }
    })
}

/// A key without a sign, as [`key`].
pub fn unsigned(value: u64) -> i64 {
    i64::try_from(value).unwrap_or(i64::MAX)
}

/// The digits, if they are any, and nothing else is among them.
fn plain(digits: &[u8]) -> Option<&[u8]> {
    (!digits.is_empty() && digits.iter().all(u8::is_ascii_digit)).then_some(digits)
}

/// The integer of these digits below zero, if it fits. i64::MIN has no positive twin.
fn negative(digits: &[u8]) -> Option<i64> {
    digits
        .iter()
        .try_fold(0i64, |value, digit| value.checked_mul(10)?.checked_sub(i64::from(digit - b'0')))
}

/// A key in the order of the integers, whatever their length.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Ordinal<'a> {
    /// What is below zero and longer than [`MOST_DIGITS`].
    Below(Reverse<Magnitude<'a>>),
    Short(i128),
    /// What is above zero and longer than [`MOST_DIGITS`].
    Above(Magnitude<'a>),
}

/// Digits without leading zeros: the longer are the greater.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Magnitude<'a> {
    length: usize,
    digits: &'a [u8],
}

/// As many digits as always fit into 128 bits.
const MOST_DIGITS: usize = i128::MAX.ilog10() as usize;

/// Reads a key as [`key`] does, to compare it with other keys.
pub fn ordinal(text: &[u8]) -> Result<Ordinal<'_>, KeyError> {
    let (is_negative, digits) = match text {
        [b'-', digits @ ..] => (true, digits),
        [b'+', digits @ ..] | digits => (false, digits),
    };
    let digits = plain(digits).ok_or(KeyError::NotInteger)?;
    let zeros = digits.iter().take_while(|digit| **digit == b'0').count();
    let digits = digits.get(zeros..).unwrap_or_default();
    if digits.len() <= MOST_DIGITS {
        let value = digits.iter().fold(0, |value, digit| value * 10 + i128::from(digit - b'0'));
        return Ok(Ordinal::Short(if is_negative { -value } else { value }));
    }
    let magnitude = Magnitude { length: digits.len(), digits };
    Ok(match is_negative {
        true => Ordinal::Below(Reverse(magnitude)),
        false => Ordinal::Above(magnitude),
    })
}

#[cfg(test)]
mod tests {
    use std::cmp::Ordering;

    use proptest::prelude::*;

    use super::*;

    #[test]
    fn reads_what_the_server_stores_as_bounds() {
        for (text, value) in [("007", 7), ("+10", 10), ("-1000", -1000), ("0", 0), ("-0", 0)] {
            assert_eq!(bound(text.as_bytes()), Some(value), "{text}");
            assert_eq!(key(text.as_bytes()), Ok(Some(value)), "{text}");
        }
        for value in [i64::MAX, i64::MIN] {
            assert_eq!(bound(value.to_string().as_bytes()), Some(value));
            assert_eq!(key(value.to_string().as_bytes()), Ok(Some(value)));
        }
    }

    #[test]
    fn refuses_what_is_not_a_plain_integer() {
        for text in ["", "-", "+", " 1", "1 ", "1e4", "5.9", "5abc", "1_000", "--1", "+-1", "١"] {
            assert_eq!(bound(text.as_bytes()), None, "{text:?}");
            assert_eq!(key(text.as_bytes()), Err(KeyError::NotInteger), "{text:?}");
            assert_eq!(ordinal(text.as_bytes()), Err(KeyError::NotInteger), "{text:?}");
        }
    }

    #[test]
    fn keys_go_further_than_bounds() {
        for text in ["9223372036854775808", "+18446744073709551616", "99999999999999999999999"] {
            assert_eq!(bound(text.as_bytes()), None, "{text}");
            assert_eq!(key(text.as_bytes()), Ok(Some(i64::MAX)), "{text}");
        }
        for text in ["-9223372036854775809", "-99999999999999999999999"] {
            assert_eq!(bound(text.as_bytes()), None, "{text}");
            assert_eq!(key(text.as_bytes()), Ok(None), "{text}");
        }
        assert_eq!(unsigned(1 << 63), i64::MAX);
        assert_eq!(unsigned((1 << 63) - 1), i64::MAX);
        assert_eq!(unsigned(7), 7);
    }

    /// Signs, zeros and lengths of all kinds, around those that matter.
    fn integer() -> impl Strategy<Value = String> {
        let edges = [i128::from(i64::MIN), i128::from(i64::MAX), i128::from(u64::MAX), 0];
        prop_oneof![
            (prop::sample::select(edges.to_vec()), -3i128..3)
                .prop_map(|(a, b)| (a + b).to_string()),
            "[-+]?0{0,3}[0-9]{1,22}",
            "[-+]?0{0,3}[0-9]{36,41}",
            "[-+]?0{30,50}[0-9]{1,20}",
            ("[-+]?", "(1|9)(7|0)[0-9]{36,38}").prop_map(|(sign, digits)| sign + &digits),
        ]
    }

    /// The model: a sign, and as many digits as any of the texts has.
    fn model(text: &str) -> (bool, String) {
        let digits = text.trim_start_matches(['-', '+']);
        let digits = format!("{digits:0>80}");
        (text.starts_with('-') && digits.bytes().any(|digit| digit != b'0'), digits)
    }

    fn in_order(a: &str, b: &str) -> Ordering {
        match (model(a), model(b)) {
            ((true, a), (true, b)) => b.cmp(&a),
            ((false, a), (false, b)) => a.cmp(&b),
            ((a, _), _) => {
                if a {
                    Ordering::Less
                } else {
                    Ordering::Greater
                }
            }
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(4_000))]

        #[test]
        fn they_are_in_the_order_of_the_integers(a in integer(), b in integer()) {
            let order = |text: &str| ordinal(text.as_bytes()).expect("an integer").cmp(&ordinal(b.as_bytes()).expect("an integer"));
            prop_assert_eq!(order(&a), in_order(&a, &b), "{} {}", a, b);
            let (highest, lowest) = (i64::MAX.to_string(), i64::MIN.to_string());
            let expected = match (in_order(&a, &lowest), in_order(&a, &highest)) {
                (Ordering::Less, _) => None,
                (_, Ordering::Greater) => Some(i64::MAX),
                _ => Some(a.parse().expect("it fits")),
            };
            prop_assert_eq!(key(a.as_bytes()), Ok(expected), "{}", a);
            let fits = expected.filter(|value| in_order(&value.to_string(), &a).is_eq());
            prop_assert_eq!(bound(a.as_bytes()), fits, "{}", a);
        }
    }
}
