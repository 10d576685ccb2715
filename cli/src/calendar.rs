//! Days and dates of the Gregorian calendar, in years that begin with March: the leap day is the last
//! of its year.

/// The days from the first of March of the year 0 to 1970.
pub const TO_1970: i64 = 719_468;

/// Days since the first of March of the year 0.
pub fn days(year: i64, month: i64, day: i64) -> i64 {
    let (year, month) = if month > 2 { (year, month - 3) } else { (year - 1, month + 9) };
    let of_years = 365 * year + year.div_euclid(4) - year.div_euclid(100) + year.div_euclid(400);
    of_years + (153 * month + 2) / 5 + day - 1
}

/// The year, month and day of [`days`].
pub fn date(days: i64) -> (i64, i64, i64) {
    // 400 years are always as long.
    let (era, day_of_era) = (days.div_euclid(146_097), days.rem_euclid(146_097));
    let year = (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year + year / 4 - year / 100);
    let month = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * month + 2) / 5 + 1;
    match month {
        10.. => (era * 400 + year + 1, month - 9, day),
        _ => (era * 400 + year, month + 3, day),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_day_comes_after_the_one_before() {
        let mut number = days(1, 1, 1);
        for year in 1..=2_800 {
            for month in 1..=12 {
                let is_leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
                let length = match month {
                    2 => 28 + i64::from(is_leap),
                    4 | 6 | 9 | 11 => 30,
                    _ => 31,
                };
                for day in 1..=length {
                    assert_eq!(
                        (days(year, month, day), date(number)),
                        (number, (year, month, day))
                    );
                    number += 1;
                }
            }
        }
        assert_eq!(days(1970, 1, 1), TO_1970);
    }
}
