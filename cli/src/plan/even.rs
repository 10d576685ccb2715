//! Bounds that make shards of one size.

use mysqlfabric::topology::{ShardingType, datetime, hash};
use time::{Date, Month, OffsetDateTime};

/// The bounds of so many shards of the ring, which differ by one digest at most.
pub fn ring(shards: u32) -> Vec<String> {
    let count = u128::from(shards.max(1));
    // 2^128 = whole * count + rest.
    let (whole, rest) = match u128::MAX % count + 1 {
        none if none == count => (u128::MAX / count, 0),
        rest => (u128::MAX / count, rest),
    };
    let whole = if rest == 0 && count > 1 { whole + 1 } else { whole };
    (0..count).map(|at| hash::format(at * whole + at * rest / count)).collect()
}

/// The bounds of so many shards between two keys, the second of which is behind the last.
///
/// # Errors
/// A key is none of the type, or they are too near.
pub fn range(
    kind: ShardingType,
    low: &str,
    high: &str,
    shards: u32,
) -> Result<Vec<String>, String> {
    type Parse = fn(&str) -> Option<i64>;
    type Format = fn(i64) -> String;
    let (parse, format): (Parse, Format) = match kind {
        ShardingType::Range | ShardingType::RangeInteger => {
            (|text| text.parse().ok(), |number| number.to_string())
        }
        ShardingType::RangeDatetime => (seconds, text_of_seconds),
        _ => return Err(format!("{} has no even bounds; give --keys", kind.name())),
    };
    let read = |text: &str| {
        parse(text)
            .map(i128::from)
            .ok_or_else(|| format!("'{text}' is no key of type {}", kind.name()))
    };
    let (low, high, count) = (read(low)?, read(high)?, i128::from(shards.max(1)));
    if high - low < count {
        return Err(format!(
            "between the lowest and the highest key are {}, which is too few for {count} shards",
            (high - low).max(0)
        ));
    }
    let bound = |at: i128| low + at * (high - low) / count;
    let texts = (0..count).map(|at| i64::try_from(bound(at)).map(format));
    texts.collect::<Result<_, _>>().map_err(|_| "a bound is beyond 64 bits".to_owned())
}

/// A date and time in seconds, without gaps, by the calendar: the library's own numbers leave room for
/// days and months that are 0.
fn seconds(text: &str) -> Option<i64> {
    let text = datetime::format(datetime::parse(text.as_bytes()).ok()?);
    let part = |from: usize, to: usize| text.get(from..to)?.parse::<i32>().ok();
    let (year, month, day) = (part(0, 4)?, part(5, 7)?, part(8, 10)?);
    let month = Month::try_from(u8::try_from(month).ok()?).ok()?;
    let first = Date::from_calendar_date(year, month, 1).ok()?.midnight().assume_utc();
    let of_day = part(11, 13)? * 3_600 + part(14, 16)? * 60 + part(17, 19)?;
    (day > 0).then(|| first.unix_timestamp() + i64::from(day - 1) * 86_400 + i64::from(of_day))
}

/// The inverse of [`seconds`], of what lies between two of them.
fn text_of_seconds(seconds: i64) -> String {
    let at = OffsetDateTime::from_unix_timestamp(seconds).unwrap_or(OffsetDateTime::UNIX_EPOCH);
    let ((year, month, day), (hour, minute, second)) = (at.to_calendar_date(), at.to_hms());
    format!("{year:04}-{:02}-{day:02} {hour:02}:{minute:02}:{second:02}", u8::from(month))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shards_of_the_ring_differ_by_one_digest_at_most() {
        for shards in [1, 2, 3, 4, 5, 7, 16, 100, 1_000, 4_097, 65_536] {
            let bounds: Vec<u128> =
                ring(shards).iter().map(|bound| hash::parse(bound.as_bytes()).unwrap()).collect();
            assert_eq!(bounds.len(), shards as usize);
            assert_eq!(bounds[0], 0);
            let next = bounds.iter().skip(1).map(|bound| *bound - 1).chain([u128::MAX]);
            // One less than the length, which may be 2^128.
            let lengths: Vec<u128> =
                bounds.iter().zip(next).map(|(bound, last)| last - bound).collect();
            let (least, most) = (lengths.iter().min().unwrap(), lengths.iter().max().unwrap());
            assert!(most - least <= 1, "{shards}: {least} {most}");
        }
        assert_eq!(ring(4)[1], "40000000000000000000000000000000");
        assert_eq!(ring(3)[1..], ["5".repeat(32), "A".repeat(32)]);
    }

    #[test]
    fn integers_are_even() {
        let bounds = |low, high, shards| range(ShardingType::Range, low, high, shards);
        assert_eq!(bounds("0", "1000", 4).unwrap(), ["0", "250", "500", "750"]);
        assert_eq!(bounds("-10", "10", 3).unwrap(), ["-10", "-4", "3"]);
        let (low, high) = (i64::MIN.to_string(), i64::MAX.to_string());
        assert_eq!(bounds(&low, &high, 2).unwrap(), [low.as_str(), "-1"]);
        assert!(bounds("0", "3", 4).unwrap_err().contains("too few"));
        assert!(bounds("0", "x", 4).unwrap_err().contains("'x'"));
    }

    #[test]
    fn dates_are_even_by_the_calendar() {
        let bounds = range(ShardingType::RangeDatetime, "2024-01-01", "2028-01-01", 4).unwrap();
        let expected = [
            "2024-01-01 00:00:00",
            "2024-12-31 06:00:00",
            "2025-12-31 12:00:00",
            "2026-12-31 18:00:00",
        ];
        assert_eq!(bounds, expected);
        for text in ["0001-01-01 00:00:00", "2000-02-29 23:59:59", "9999-12-31 23:59:59"] {
            assert_eq!(text_of_seconds(seconds(text).unwrap()), text);
        }
        assert_eq!(seconds("2000-03-01").unwrap() - seconds("2000-02-28").unwrap(), 2 * 86_400);
        assert!(range(ShardingType::RangeDatetime, "2024-00-00", "2028-01-01", 4).is_err());
        assert!(range(ShardingType::RangeString, "a", "b", 2).is_err());
    }
}
