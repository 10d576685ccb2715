//! RANGE and RANGE_INTEGER: signed 64-bit bounds.
//!
//! The server compares `CAST(lower_bound AS SIGNED)` with the key, so "007" is 7 and "+10" is 10.

use super::key::KeyError;

/// Reads a plain decimal integer: an optional sign and digits, nothing else.
///
/// The server takes more ("5abc" is 5, "1e4" is 10000, "" is 0) because it compares text keys as
/// DOUBLE; a client that did so would lose precision above 2^53, so such keys are refused here.
pub fn parse(text: &[u8]) -> Result<i64, KeyError> {
    let (negative, digits) = match text {
        [b'-', rest @ ..] => (true, rest),
        [b'+', rest @ ..] => (false, rest),
        _ => (false, text),
    };
    if digits.is_empty() || !digits.iter().all(u8::is_ascii_digit) {
        return Err(KeyError::NotInteger);
    }
    // Counting downwards reaches i64::MIN, which has no positive twin.
    let mut value: i64 = 0;
    for digit in digits {
        value = value
            .checked_mul(10)
            .and_then(|v| v.checked_sub(i64::from(digit - b'0')))
            .ok_or(KeyError::Beyond64Bits)?;
    }
    if negative { Ok(value) } else { value.checked_neg().ok_or(KeyError::Beyond64Bits) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_what_the_server_stores_as_bounds() {
        for (text, value) in [("007", 7), ("+10", 10), ("-1000", -1000), ("0", 0), ("-0", 0)] {
            assert_eq!(parse(text.as_bytes()), Ok(value), "{text}");
        }
        assert_eq!(parse(b"9223372036854775807"), Ok(i64::MAX));
        assert_eq!(parse(b"-9223372036854775808"), Ok(i64::MIN));
    }

    #[test]
    fn refuses_what_is_not_a_plain_integer() {
        for text in ["", "-", "+", " 1", "1 ", "1e4", "5.9", "5abc", "1_000", "--1", "١"] {
            assert_eq!(parse(text.as_bytes()), Err(KeyError::NotInteger), "{text:?}");
        }
    }

    #[test]
    fn refuses_what_does_not_fit() {
        for text in ["9223372036854775808", "-9223372036854775809", "99999999999999999999999"] {
            assert_eq!(parse(text.as_bytes()), Err(KeyError::Beyond64Bits), "{text}");
        }
    }
}
