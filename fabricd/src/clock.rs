//! Dates in the two spellings a node uses, and the odd random value.

use std::collections::hash_map::RandomState;
use std::hash::{BuildHasher, Hasher};
use std::time::{SystemTime, UNIX_EPOCH};

/// Seconds since the epoch, with a fraction.
pub fn now() -> f64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0.0, |d| d.as_secs_f64())
}

struct Civil {
    year: i64,
    month: usize,
    day: i64,
    hour: i64,
    minute: i64,
    second: i64,
    weekday: usize,
}

fn civil(epoch: i64) -> Civil {
    let days = epoch.div_euclid(86_400);
    let rest = epoch.rem_euclid(86_400);
    let mut year = 1970;
    let mut left = days;
    let leap = |y: i64| y % 4 == 0 && (y % 100 != 0 || y % 400 == 0);
    while left >= if leap(year) { 366 } else { 365 } {
        left -= if leap(year) { 366 } else { 365 };
        year += 1;
    }
    let february = if leap(year) { 29 } else { 28 };
    let mut month = 0;
    for length in [31, february, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31] {
        if left < length {
            break;
        }
        left -= length;
        month += 1;
    }
    Civil {
        year,
        month,
        day: left + 1,
        hour: rest / 3600,
        minute: rest / 60 % 60,
        second: rest % 60,
        // The epoch was a Thursday.
        weekday: usize::try_from((days + 4).rem_euclid(7)).unwrap_or(0),
    }
}

/// `Mon, 23 Nov 2026 06:28:43 GMT`, for the Date header.
pub fn http_date() -> String {
    const DAYS: [&str; 7] = ["Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"];
    const MONTHS: [&str; 12] =
        ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
    let t = civil(now() as i64);
    let (day, month) = (DAYS[t.weekday], MONTHS[t.month]);
    format!(
        "{day}, {:02} {month} {:04} {:02}:{:02}:{:02} GMT",
        t.day, t.year, t.hour, t.minute, t.second
    )
}

/// `2026-11-23T06:30:43.677903`, as it stands inside a nonce.
pub fn iso_micros(epoch: f64) -> String {
    let t = civil(epoch as i64);
    let micros = ((epoch.fract()) * 1e6) as i64;
    format!(
        "{:04}-{:02}-{:02}T{:02}:{:02}:{:02}.{micros:06}",
        t.year,
        t.month + 1,
        t.day,
        t.hour,
        t.minute,
        t.second
    )
}

/// Unpredictable enough for nonces and procedure identifiers of test equipment.
pub fn random() -> u64 {
    let mut hasher = RandomState::new().build_hasher();
    hasher.write_u128(SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |d| d.as_nanos()));
    hasher.finish()
}

/// A random (version 4) UUID.
pub fn uuid() -> String {
    let high = random() & 0xffff_ffff_ffff_0fff | 0x4000;
    let low = random() & 0x3fff_ffff_ffff_ffff | 0x8000_0000_0000_0000;
    let hex = format!("{high:016x}{low:016x}");
    [&hex[..8], &hex[8..12], &hex[12..16], &hex[16..20], &hex[20..]].join("-")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn knows_the_calendar() {
        assert_eq!(iso_micros(1_795_415_443.0), "2026-11-23T06:30:43.000000");
        assert_eq!(iso_micros(1_709_164_800.0), "2024-02-29T00:00:00.000000");
        assert_eq!(civil(1_795_415_443).weekday, 1);
    }
}
