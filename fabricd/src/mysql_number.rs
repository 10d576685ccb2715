//! How MySQL reads numbers from text: as much as fits at the front, and 0 for nothing.

/// CAST(text AS SIGNED).
pub fn signed(text: &str) -> i64 {
    let text = text.trim_start();
    let digits = text.strip_prefix(['+', '-']).unwrap_or(text);
    let end = digits.find(|c: char| !c.is_ascii_digit()).unwrap_or(digits.len());
    let value = digits[..end].bytes().fold(0i128, |n, b| {
        // Enough to notice an overflow without overflowing.
        if n > i128::from(u64::MAX) { n } else { n * 10 + i128::from(b - b'0') }
    });
    let value = if text.starts_with('-') { -value } else { value };
    i64::try_from(value).unwrap_or(if value < 0 { i64::MIN } else { i64::MAX })
}

/// Text compared with a number: converted to DOUBLE.
pub fn double(text: &str) -> f64 {
    let text = text.trim_start();
    let bytes = text.as_bytes();
    let digits = |from: usize| bytes[from..].iter().take_while(|b| b.is_ascii_digit()).count();
    let mut end = usize::from(matches!(bytes.first(), Some(b'+' | b'-')));
    let whole = digits(end);
    end += whole;
    let mut fraction = 0;
    if bytes.get(end) == Some(&b'.') {
        fraction = digits(end + 1);
        if whole + fraction > 0 {
            end += 1 + fraction;
        }
    }
    if whole + fraction == 0 {
        return 0.0;
    }
    if matches!(bytes.get(end), Some(b'e' | b'E')) {
        let sign = usize::from(matches!(bytes.get(end + 1), Some(b'+' | b'-')));
        let exponent = digits((end + 1 + sign).min(bytes.len()));
        if exponent > 0 {
            end += 1 + sign + exponent;
        }
    }
    let value: f64 = text[..end].parse().unwrap_or(0.0);
    value.clamp(-f64::MAX, f64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_the_front() {
        for (text, number) in
            [("007", 7), ("+10", 10), ("-1000", -1000), ("abc", 0), ("5abc", 5), ("", 0)]
        {
            assert_eq!(signed(text), number);
        }
        assert_eq!(signed("99999999999999999999999999999999999999999"), i64::MAX);
        for (text, number) in [
            ("abc", 0.0),
            ("", 0.0),
            ("5abc", 5.0),
            ("1e4", 10000.0),
            (" 5", 5.0),
            ("5.9", 5.9),
            ("-.5", -0.5),
            ("5e", 5.0),
            (".", 0.0),
        ] {
            assert_eq!(double(text), number, "{text:?}");
        }
    }
}
