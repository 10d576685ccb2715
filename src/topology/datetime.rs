//! RANGE_DATETIME: dates and date-times as whole seconds, without time zones.
//!
//! The server compares `CAST(... AS DATETIME)`, which rounds fractions to whole seconds, half up, and
//! takes dates whose month or day is 00: they come before the first of their year or month.

use super::key::KeyError;

const SECONDS_A_DAY: i64 = 86_400;
/// Room for the days 0 to 31.
const DAYS_A_MONTH: i64 = 32;
/// Room for the months 0 to 12.
const MONTHS_A_YEAR: i64 = 13;

/// A date and time as a number in the order of time, that tells them apart to the second: not every
/// number is one.
///
/// Forms: `YYYY-MM-DD`, `YYYY-MM-DD hh:mm[:ss[.fraction]]` with a blank or a `T`, `YYYYMMDD`,
/// and `YYYYMMDDhhmmss[.fraction]`. Month and day may be 00. The server takes more (two-digit years,
/// other separators, trailing junk); those are refused here rather than guessed at.
pub fn parse(text: &[u8]) -> Result<i64, KeyError> {
    let (date, time) = split(text).ok_or(KeyError::NotDateTime)?;
    moment(date, time).ok_or(KeyError::NotDateTime)
}

/// Writes what was parsed back as `YYYY-MM-DD hh:mm:ss`.
pub fn format(moment: i64) -> String {
    let (days, second) = (moment.div_euclid(SECONDS_A_DAY), moment.rem_euclid(SECONDS_A_DAY));
    let (months, day) = (days.div_euclid(DAYS_A_MONTH), days.rem_euclid(DAYS_A_MONTH));
    let (year, month) = (months.div_euclid(MONTHS_A_YEAR), months.rem_euclid(MONTHS_A_YEAR));
    let (hour, minute, second) = (second / 3600, second / 60 % 60, second % 60);
    format!("{year:04}-{month:02}-{day:02} {hour:02}:{minute:02}:{second:02}")
}

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

fn moment(date: Date, time: Option<Time>) -> Option<i64> {
    if !date.is_valid() {
        return None;
    }
    let Some(time) = time else { return Some(date.number() * SECONDS_A_DAY) };
    let seconds = time.seconds()?;
    let (date, seconds) = match (time.round_up, seconds + 1) {
        (false, _) => (date, seconds),
        // No calendar says what comes after a day that is none: the server refuses to round it.
        (true, _) if date.month == 0 || date.day == 0 => return None,
        (true, SECONDS_A_DAY) => (date.next()?, 0),
        (true, next) => (date, next),
    };
    Some(date.number() * SECONDS_A_DAY + seconds)
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

/// Whether a fraction (nothing, or a dot and digits) rounds up. The server makes microseconds of it
/// first, by its seventh digit, and seconds of those.
fn fraction(text: &[u8]) -> Option<bool> {
    match text {
        [] => Some(false),
        [b'.', digits @ ..] if digits.iter().all(u8::is_ascii_digit) => Some(match digits {
            [tenth, ..] if *tenth >= b'5' => true,
            [b'4', b'9', b'9', b'9', b'9', b'9', seventh, ..] => *seventh >= b'5',
            _ => false,
        }),
        _ => None,
    }
}

fn number(digits: &[u8]) -> Option<i64> {
    digits.iter().try_fold(0, |value, byte| {
        byte.is_ascii_digit().then(|| value * 10 + i64::from(byte - b'0'))
    })
}

impl Time {
    fn seconds(&self) -> Option<i64> {
        let is_valid = self.hour < 24 && self.minute < 60 && self.second < 60;
        is_valid.then_some(self.hour * 3600 + self.minute * 60 + self.second)
    }
}

impl Date {
    /// Any day up to 31 goes in month 0, whose length nobody knows.
    fn is_valid(&self) -> bool {
        self.month <= 12 && self.day <= self.days_of_month()
    }

    fn days_of_month(&self) -> i64 {
        let Self { year, month, .. } = *self;
        match month {
            // The server's year 0 is no leap year.
            2 if year != 0 && year % 4 == 0 && (year % 100 != 0 || year % 400 == 0) => 29,
            2 => 28,
            4 | 6 | 9 | 11 => 30,
            _ => 31,
        }
    }

    fn number(&self) -> i64 {
        (self.year * MONTHS_A_YEAR + self.month) * DAYS_A_MONTH + self.day
    }

    /// The day after one of the calendar; there is none after the last that DATETIME can hold.
    fn next(self) -> Option<Self> {
        let Self { year, month, day } = self;
        Some(match (month, day) {
            _ if day < self.days_of_month() => Self { day: day + 1, ..self },
            (12, _) if year == 9999 => return None,
            (12, _) => Self { year: year + 1, month: 1, day: 1 },
            _ => Self { year, month: month + 1, day: 1 },
        })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

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
            "2020-06-15 12:30:00.499999",
            "2020-06-15 12:30:00.4999994",
            "2020-06-15 12:29:59.4999995",
        ] {
            assert_eq!(seconds(text), instant, "{text}");
        }
        assert_eq!(seconds("20200615"), seconds("2020-06-15 00:00:00"));
        for (text, next) in [
            ("1999-12-31 23:59:59.5", "2000-01-01"),
            ("2019-02-28 23:59:59.5", "2019-03-01"),
            ("2020-02-28 23:59:59.5", "2020-02-29"),
            ("2020-02-29 23:59:59.5", "2020-03-01"),
            ("2020-04-30T23:59:59.9", "2020-05-01"),
        ] {
            assert_eq!(seconds(text), seconds(next), "{text}");
        }
    }

    /// Every date there is, zeros among them, in the order of time.
    #[test]
    fn every_date_comes_after_the_one_before() {
        let mut last = None;
        let mut dates = 0;
        for year in (0..=2400).chain(9_990..=9_999) {
            for month in 0..=13 {
                for day in 0..=32 {
                    let text = format!("{year:04}-{month:02}-{day:02}");
                    let Ok(moment) = parse(text.as_bytes()) else { continue };
                    assert!(last.is_none_or(|last| last < moment), "{text}");
                    assert_eq!(parse(text.replace('-', "").as_bytes()), Ok(moment));
                    assert_eq!(format(moment), format!("{text} 00:00:00"));
                    let evening = parse(format!("{text}T23:59:59").as_bytes()).unwrap();
                    assert_eq!(format(evening), format!("{text} 23:59:59"));
                    last = Some(evening);
                    dates += 1;
                }
            }
        }
        // 366 with a day 0 in each month, 32 in month 0, and the leap days.
        assert_eq!(dates, 2_411 * (365 + 12 + 32) + 584);
        assert_eq!(last, Some(seconds("9999-12-31 23:59:59")));
    }

    #[test]
    fn zeros_come_before_the_first() {
        let rising = [
            "0000-00-00",
            "0000-01-01",
            "2009-12-31 23:59:59",
            "2010-00-00",
            "2010-00-00 00:00:01",
            "20100000235959",
            "2010-00-31",
            "2010-01-00",
            "20100100120000.4",
            "2010-01-01",
            "2010-04-30 23:59:59",
            "20100500",
            "2010-05-00T10:00",
            "2010-05-01",
        ];
        assert!(rising.map(seconds).is_sorted_by(|a, b| a < b));
        assert_eq!(format(seconds("20100500")), "2010-05-00 00:00:00");
    }

    #[test]
    fn refuses_what_is_no_date() {
        for text in [
            "",
            "2020",
            "2020-06",
            "2020-6-15",
            "2020-13-01",
            "2020-00-32",
            "2019-02-29",
            "1900-02-29",
            "0000-02-29",
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
            "2010-00-00 12:30:00.5",
            "2010-05-00 12:30:00.4999995",
        ] {
            assert_eq!(parse(text.as_bytes()), Err(KeyError::NotDateTime), "{text:?}");
        }
    }

    /// What CAST makes of the parts of a date and time, as the number YYYYMMDDhhmmss. Days are
    /// counted one by one, and fractions rounded to six digits and then to none.
    fn model([year, month, day, hour, minute, second]: [u32; 6], fraction: &str) -> Option<u64> {
        let days = |year: u32, month: u32| {
            let leap = year > 0
                && year.is_multiple_of(4)
                && (!year.is_multiple_of(100) || year.is_multiple_of(400));
            [31, 31, if leap { 29 } else { 28 }, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31]
                [month as usize]
        };
        if month > 12 || day > days(year, month) || hour > 23 || minute > 59 || second > 59 {
            return None;
        }
        let digits = format!("{fraction:0<7}");
        let micros: u64 = digits[..6].parse().unwrap();
        let micros = micros + u64::from(digits.as_bytes()[6] >= b'5');
        let mut parts = [year, month, day, hour, minute, second];
        if micros >= 500_000 {
            if month == 0 || day == 0 {
                return None;
            }
            parts[5] += 1;
            for (place, most, least) in
                [(5, 59, 0), (4, 59, 0), (3, 23, 0), (2, days(year, month), 1), (1, 12, 1)]
            {
                if parts[place] > most {
                    parts[place] = least;
                    parts[place - 1] += 1;
                }
            }
        }
        let number = parts
            .iter()
            .skip(1)
            .fold(u64::from(parts[0]), |sum, part| sum * 100 + u64::from(*part));
        (parts[0] <= 9999).then_some(number)
    }

    fn parts() -> impl Strategy<Value = [u32; 6]> {
        let year = prop_oneof![Just(0u32), Just(9999), 1999u32..2005, 1000u32..9999];
        let date = (year, 0u32..14, prop_oneof![0u32..3, 27u32..33, 0u32..33]);
        let end = |most: u32| prop_oneof![0..most + 2, Just(most)];
        (date, end(23), end(59), end(59)).prop_map(|((y, m, d), h, i, s)| [y, m, d, h, i, s])
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(4_000))]

        #[test]
        fn it_reads_what_the_server_reads(
            parts in parts(),
            fraction in "|[0-9]{1,9}|499999[0-9]{0,2}|999999[0-9]{0,2}",
        ) {
            let [y, m, d, h, i, s] = parts;
            let shown = |number: u64| {
                let part = |place: u64| number / place % 100;
                format!(
                    "{:04}-{:02}-{:02} {:02}:{:02}:{:02}",
                    number / 10_000_000_000, part(100_000_000), part(1_000_000), part(10_000), part(100), part(1)
                )
            };
            let dot = if fraction.is_empty() { "" } else { "." };
            for text in [
                format!("{y:04}-{m:02}-{d:02} {h:02}:{i:02}:{s:02}{dot}{fraction}"),
                format!("{y:04}-{m:02}-{d:02}T{h:02}:{i:02}:{s:02}{dot}{fraction}"),
                format!("{y:04}{m:02}{d:02}{h:02}{i:02}{s:02}{dot}{fraction}"),
            ] {
                let read = parse(text.as_bytes()).ok().map(format);
                prop_assert_eq!(read, model(parts, &fraction).map(shown), "{}", text);
            }
            let midnight = model([y, m, d, 0, 0, 0], "").map(shown);
            for text in [format!("{y:04}-{m:02}-{d:02}"), format!("{y:04}{m:02}{d:02}")] {
                prop_assert_eq!(parse(text.as_bytes()).ok().map(format), midnight.clone(), "{}", text);
            }
        }

        /// The order of the numbers is that of the dates and times as they are written.
        #[test]
        fn they_are_in_the_order_of_time(a in parts(), b in parts()) {
            let text = |[y, m, d, h, i, s]: [u32; 6]| format!("{y:04}-{m:02}-{d:02} {h:02}:{i:02}:{s:02}");
            if let (Ok(first), Ok(second)) = (parse(text(a).as_bytes()), parse(text(b).as_bytes())) {
                prop_assert_eq!(first.cmp(&second), text(a).cmp(&text(b)));
            }
        }
    }
}
