//! How MySQL reads a date and time from text, rounded to seconds.

/// CAST(text AS DATETIME) as the number YYYYMMDDhhmmss; None where MySQL says NULL.
///
/// Zone suffixes and other junk at the end are ignored, and month and day may be zero.
pub fn datetime(text: &str) -> Option<i64> {
    let bytes = text.trim_start().as_bytes();
    if !bytes.first()?.is_ascii_digit() {
        return None;
    }
    // Without any delimiter every field has a fixed width, and the length tells the year's.
    let run = bytes.iter().take_while(|b| b.is_ascii_digit() || **b == b'T').count();
    let packed = run == bytes.len() || bytes.get(run) == Some(&b'.');
    let year_width = if matches!(run, 4 | 8) || run >= 14 { 4 } else { 2 };

    let mut fields = [0i64; 7];
    let mut lengths = [0usize; 7];
    let mut found = 0;
    let mut at = 0;
    while found < 7 && bytes.get(at).is_some_and(u8::is_ascii_digit) {
        let width = match (found, packed) {
            (6, _) => 6,
            (_, false) => usize::MAX,
            (0, true) => year_width,
            (_, true) => 2,
        };
        let start = at;
        let mut value = 0i64;
        while at - start < width && bytes.get(at).is_some_and(u8::is_ascii_digit) {
            value = value.saturating_mul(10).saturating_add(i64::from(bytes[at] - b'0'));
            at += 1;
        }
        if value > 999_999 {
            return None;
        }
        (fields[found], lengths[found]) = (value, at - start);
        found += 1;
        match (found - 1, bytes.get(at)) {
            (_, None) | (6, _) => break,
            (2, Some(b'T')) => at += 1,
            (5, Some(b'.')) => at += 1,
            (5, Some(_)) => break,
            (field, Some(_)) => {
                // Blanks may follow the day only.
                while bytes.get(at).is_some_and(|b| {
                    b.is_ascii_punctuation() || (field == 2 && b.is_ascii_whitespace())
                }) {
                    at += 1;
                }
            }
        }
    }
    let [mut year, month, day, hour, minute, second, mut micros] = fields;
    for _ in lengths[6]..6 {
        micros *= 10;
    }
    if lengths[0] <= 2 && fields.iter().any(|f| *f != 0) {
        year += if year < 70 { 2000 } else { 1900 };
    }
    let in_range = month <= 12 && day <= 31 && hour <= 23 && minute <= 59 && second <= 59;
    if found < 3 || !in_range || (month > 0 && day > days(year, month)) {
        return None;
    }
    let number = ((((year * 100 + month) * 100 + day) * 100 + hour) * 100 + minute) * 100 + second;
    Some(if lengths[6] > 0 && micros >= 500_000 { next_second(number) } else { number })
}

fn days(year: i64, month: i64) -> i64 {
    match month {
        4 | 6 | 9 | 11 => 30,
        2 if year % 4 == 0 && (year % 100 != 0 || year % 400 == 0) => 29,
        2 => 28,
        _ => 31,
    }
}

fn next_second(number: i64) -> i64 {
    let part = |place: i64| number / place % 100;
    let (year, month, day) = (number / 10_000_000_000, part(100_000_000), part(1_000_000));
    let (hour, minute, second) = (part(10_000), part(100), part(1));
    if second < 59 {
        return number + 1;
    }
    if minute < 59 {
        return number + 100 - 59;
    }
    if hour < 23 {
        return number + 10_000 - 5_959;
    }
    if day < days(year, month) {
        return number + 1_000_000 - 235_959;
    }
    let (year, month) = if month < 12 { (year, month + 1) } else { (year + 1, 1) };
    ((year * 100 + month) * 100 + 1) * 1_000_000
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_what_mysql_reads() {
        for (text, number) in [
            ("2010-01-01", Some(20100101000000)),
            ("2010-01-01T00:00:00Z", Some(20100101000000)),
            ("2020-06-15T12:30", Some(20200615123000)),
            ("20100615123000", Some(20100615123000)),
            ("20000101", Some(20000101000000)),
            ("100101", Some(20100101000000)),
            ("10-1-1", Some(20100101000000)),
            ("2010/01/01", Some(20100101000000)),
            ("2010-01-01 24:00:00", None),
            ("2010-02-30", None),
            ("2010-00-00", Some(20100000000000)),
            ("abc", None),
            ("", None),
            ("20100101T00:00:00", None),
            ("2010-01-01junk", Some(20100101000000)),
            ("1999-12-31 23:59:59.5", Some(20000101000000)),
            ("1999-12-31 23:59:59.499999", Some(19991231235959)),
        ] {
            assert_eq!(datetime(text), number, "{text:?}");
        }
    }
}
