//! RANGE_DATETIME: dates and date-times as whole seconds, without time zones.
//!
//! The server compares `CAST(... AS DATETIME)`, which rounds fractions to whole seconds, half up.

use super::key::KeyError;

const SECONDS_A_DAY: i64 = 86_400;

/// A date and time as seconds since 0000-03-01, proleptic Gregorian.
///
/// Forms: `YYYY-MM-DD`, `YYYY-MM-DD hh:mm[:ss[.fraction]]` with a blank or a `T`, `YYYYMMDD`,
/// and `YYYYMMDDhhmmss[.fraction]`. The server takes more (two-digit years, other separators,
/// trailing junk); those are refused here rather than guessed at.
pub fn parse(text: &[u8]) -> Result<i64, KeyError> {
    let (date, time) = split(text).ok_or(KeyError::NotDateTime)?;
    let day = date.day_number().ok_or(KeyError::NotDateTime)?;
    let seconds = time.map_or(Some(0), Time::rounded_seconds).ok_or(KeyError::NotDateTime)?;
    let total = day * SECONDS_A_DAY + seconds;
    // The last second of 9999 rounds up into a year that DATETIME cannot hold.
    if total > LAST_SECOND { Err(KeyError::NotDateTime) } else { Ok(total) }
}

/// Writes seconds back as `YYYY-MM-DD hh:mm:ss`.
pub fn format(total: i64) -> String {
    let (day, second) = (total.div_euclid(SECONDS_A_DAY), total.rem_euclid(SECONDS_A_DAY));
    let (year, month, date) = civil(day);
    let (hour, minute, second) = (second / 3600, second / 60 % 60, second % 60);
    format!("{year:04}-{month:02}-{date:02} {hour:02}:{minute:02}:{second:02}")
}

/// 9999-12-31 23:59:59.
const LAST_SECOND: i64 = 3_652_364 * SECONDS_A_DAY + 86_399;

struct Date {
    year: i64,
    month: i64,
    day: i64,
}

struct Time {
    hour: i64,
    minute: i64,
    second: i64,
    round_up: bool,
}

fn split(text: &[u8]) -> Option<(Date, Option<Time>)> {
    let digits = text.iter().take_while(|byte| byte.is_ascii_digit()).count();
    match digits {
        4 => {
            let (date, rest) = text.split_at_checked(10)?;
            if date.get(4) != Some(&b'-') || date.get(7) != Some(&b'-') {
                return None;
            }
            let date = date_of(date.get(..4)?, date.get(5..7)?, date.get(8..)?)?;
            match rest {
                [] => Some((date, None)),
                [b'T' | b' ', time @ ..] => Some((date, Some(clock(time)?))),
                _ => None,
            }
        }
        8 if text.len() == 8 => {
            Some((date_of(text.get(..4)?, text.get(4..6)?, text.get(6..8)?)?, None))
        }
        14 => {
            let date = date_of(text.get(..4)?, text.get(4..6)?, text.get(6..8)?)?;
            let time = Time {
                hour: number(text.get(8..10)?)?,
                minute: number(text.get(10..12)?)?,
                second: number(text.get(12..14)?)?,
                round_up: fraction(text.get(14..)?)?,
            };
            Some((date, Some(time)))
        }
        _ => None,
    }
}

fn date_of(year: &[u8], month: &[u8], day: &[u8]) -> Option<Date> {
    Some(Date { year: number(year)?, month: number(month)?, day: number(day)? })
}

/// `hh:mm`, `hh:mm:ss` or `hh:mm:ss.fraction`.
fn clock(text: &[u8]) -> Option<Time> {
    if text.get(2) != Some(&b':') {
        return None;
    }
    let hour = number(text.get(..2)?)?;
    let minute = number(text.get(3..5)?)?;
    let (second, round_up) = match text.get(5..)? {
        [] => (0, false),
        [b':', rest @ ..] => (number(rest.get(..2)?)?, fraction(rest.get(2..)?)?),
        _ => return None,
    };
    Some(Time { hour, minute, second, round_up })
}

/// Whether a fraction (nothing, or a dot and digits) rounds up.
fn fraction(text: &[u8]) -> Option<bool> {
    match text {
        [] => Some(false),
        [b'.', digits @ ..] if digits.iter().all(u8::is_ascii_digit) => {
            Some(digits.first().is_some_and(|tenth| *tenth >= b'5'))
        }
        _ => None,
    }
}

fn number(digits: &[u8]) -> Option<i64> {
    digits.iter().try_fold(0, |value, byte| {
        byte.is_ascii_digit().then(|| value * 10 + i64::from(byte - b'0'))
    })
}

impl Time {
    fn rounded_seconds(self) -> Option<i64> {
        let valid = self.hour < 24 && self.minute < 60 && self.second < 60;
        let seconds = self.hour * 3600 + self.minute * 60 + self.second;
        valid.then_some(seconds + i64::from(self.round_up))
    }
}

impl Date {
    /// Days since 0000-03-01: years begin in March, so that leap days end them.
    fn day_number(self) -> Option<i64> {
        let leap = self.year % 4 == 0 && (self.year % 100 != 0 || self.year % 400 == 0);
        let length = match self.month {
            2 => 28 + i64::from(leap),
            4 | 6 | 9 | 11 => 30,
            1..=12 => 31,
            _ => return None,
        };
        if self.day < 1 || self.day > length {
            return None;
        }
        let year = if self.month < 3 { self.year - 1 } else { self.year };
        let month = (self.month + 9) % 12;
        let leap_days = year.div_euclid(4) - year.div_euclid(100) + year.div_euclid(400);
        Some(year * 365 + leap_days + (153 * month + 2) / 5 + self.day - 1)
    }
}

/// The year, month and day of a day number: the inverse of `Date::day_number`.
fn civil(day_number: i64) -> (i64, i64, i64) {
    let era = day_number.div_euclid(146_097);
    let day = day_number.rem_euclid(146_097);
    let year = (day - day / 1_460 + day / 36_524 - day / 146_096) / 365;
    let day_of_year = day - (365 * year + year / 4 - year / 100);
    let month = (5 * day_of_year + 2) / 153;
    let date = day_of_year - (153 * month + 2) / 5 + 1;
    let (month, carry) = if month < 10 { (month + 3, 0) } else { (month - 9, 1) };
    (era * 400 + year + carry, month, date)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seconds(text: &str) -> i64 {
        parse(text.as_bytes()).unwrap_or_else(|error| panic!("{text}: {error:?}"))
    }

    #[test]
    fn every_form_of_one_instant_is_the_same() {
        let instant = seconds("2020-06-15 12:30:00");
        for text in [
            "2020-06-15T12:30",
            "2020-06-15 12:30",
            "2020-06-15T12:30:00",
            "20200615123000",
            "2020-06-15 12:29:59.5",
            "20200615122959.999",
            "2020-06-15 12:30:00.",
            "2020-06-15 12:30:00.49",
        ] {
            assert_eq!(seconds(text), instant, "{text}");
        }
        assert_eq!(seconds("20200615"), seconds("2020-06-15 00:00:00"));
        assert_eq!(seconds("1999-12-31 23:59:59.5"), seconds("2000-01-01"));
        assert_eq!(seconds("1970-01-02") - seconds("1970-01-01"), SECONDS_A_DAY);
    }

    #[test]
    fn every_day_of_the_calendar_is_one_more_than_the_last() {
        let mut last = seconds("0000-01-01") - SECONDS_A_DAY;
        for year in 0..=2400 {
            for month in 1..=12 {
                for day in 1..=31 {
                    let text = format!("{year:04}-{month:02}-{day:02}");
                    let Ok(total) = parse(text.as_bytes()) else { continue };
                    assert_eq!(total, last + SECONDS_A_DAY, "{text}");
                    assert_eq!(format(total), format!("{text} 00:00:00"));
                    last = total;
                }
            }
        }
        assert_eq!(seconds("9999-12-31 23:59:59"), LAST_SECOND);
        assert_eq!(format(LAST_SECOND), "9999-12-31 23:59:59");
        assert_eq!(format(seconds("2010-06-15 12:34:56")), "2010-06-15 12:34:56");
    }

    #[test]
    fn refuses_what_is_no_date() {
        for text in [
            "",
            "2020",
            "2020-06",
            "2020-6-15",
            "2020-13-01",
            "2020-00-10",
            "2019-02-29",
            "1900-02-29",
            "2020-06-31",
            "2020-06-15 24:00:00",
            "2020-06-15 12:60:00",
            "2020-06-15 12:30:60",
            "2020-06-15 12",
            "2020-06-15 12:30:00Z",
            "2020-06-15T12:30:00+02:00",
            "2020/06/15",
            "200615",
            "202006151230",
            "2020-06-15x",
            " 2020-06-15",
            "9999-12-31 23:59:59.5",
            "2020-06-15 12:30:00.5x",
        ] {
            assert_eq!(parse(text.as_bytes()), Err(KeyError::NotDateTime), "{text:?}");
        }
    }
}
