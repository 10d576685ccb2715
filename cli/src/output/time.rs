//! Times as people and logs write them.

use std::time::{SystemTime, UNIX_EPOCH};

use ::time::OffsetDateTime;

/// `2026-11-26T17:09:48.123Z`.
pub fn utc(time: SystemTime) -> String {
    let at = OffsetDateTime::from(time.max(UNIX_EPOCH));
    let ((year, month, day), (hour, minute, second, milli)) =
        (at.to_calendar_date(), at.to_hms_milli());
    let month = u8::from(month);
    format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}.{milli:03}Z")
}

/// A time span of milliseconds, short: `450 ms`, `3.2 s`, `12 m`, `5 h`, `3 d`.
pub fn ago(millis: u64) -> String {
    let seconds = millis as f64 / 1_000.0;
    match seconds {
        ..1.0 => format!("{millis} ms"),
        ..120.0 => format!("{seconds:.1} s"),
        ..7_200.0 => format!("{:.0} m", seconds / 60.0),
        ..172_800.0 => format!("{:.0} h", seconds / 3_600.0),
        _ => format!("{:.0} d", seconds / 86_400.0),
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn times_are_written_as_iso_8601_has_them() {
        for (millis, text) in [
            (0, "1970-01-01T00:00:00.000Z"),
            (951_782_399_999, "2000-02-28T23:59:59.999Z"),
            (951_782_400_000, "2000-02-29T00:00:00.000Z"),
            (951_868_800_000, "2000-03-01T00:00:00.000Z"),
            (1_795_712_988_123, "2026-11-26T17:09:48.123Z"),
            (4_107_542_400_000, "2100-03-01T00:00:00.000Z"),
        ] {
            assert_eq!(utc(UNIX_EPOCH + Duration::from_millis(millis)), text);
        }
        assert_eq!([999, 1_000, 119_940].map(ago), ["999 ms", "1.0 s", "119.9 s"]);
        assert_eq!([120_000, 7_200_000, 172_800_000].map(ago), ["2 m", "2 h", "2 d"]);
    }
}
