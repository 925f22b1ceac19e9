use chrono::{Days, NaiveDate};
use serde::{Deserialize, Serialize};

/// A day of birth; many customers tell no year.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Birthday {
    /// The year of birth, if it is told.
    pub year: Option<i32>,
    /// The month, from 1.
    pub month: u32,
    /// The day of the month, from 1.
    pub day: u32,
}

/// When somebody born on 29 February is greeted in other years.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LeapDay {
    /// On 1 March: the day behind, as periods of tiers begin.
    #[default]
    DayAfter,
    /// On 28 February: in the month of birth.
    DayBefore,
}

/// A leap year, in which every day of birth exists.
const LEAP_YEAR: i32 = 2000;

impl Birthday {
    /// Reads `1988-02-29`, or `--02-29` and `02-29` without a year; `None` of any other text, and of days that there
    /// never were.
    pub fn parse(text: &str) -> Option<Self> {
        let number = |digits: &str, length: usize| -> Option<u32> {
            let is_number = digits.len() == length && digits.bytes().all(|byte| byte.is_ascii_digit());
            digits.parse().ok().filter(|_| is_number)
        };
        let (year, day) = match text.strip_prefix("--") {
            Some(day) => (None, day),
            None if text.len() == "02-29".len() => (None, text),
            None => {
                let (year, day) = text.split_once('-')?;
                (Some(number(year, 4)?.cast_signed()), day)
            }
        };
        let (month, day) = day.split_once('-')?;
        Self::of(year, number(month, 2)?, number(day, 2)?)
    }

    /// Takes a date; `None` if there is no such day.
    pub fn of(year: Option<i32>, month: u32, day: u32) -> Option<Self> {
        NaiveDate::from_ymd_opt(year.unwrap_or(LEAP_YEAR), month, day)?;
        Some(Self { year, month, day })
    }

    /// The day of a year on which it is kept; `None` up to the year of birth, and beyond the last year.
    pub fn in_year(&self, year: i32, leap_day: LeapDay) -> Option<NaiveDate> {
        if self.year.is_some_and(|born| year <= born) {
            return None;
        }
        let before = || NaiveDate::from_ymd_opt(year, self.month, self.day.saturating_sub(1));
        NaiveDate::from_ymd_opt(year, self.month, self.day).or_else(|| match leap_day {
            LeapDay::DayBefore => before(),
            LeapDay::DayAfter => before()?.checked_add_days(Days::new(1)),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_are_read_with_and_without_a_year() {
        let born = |text| Birthday::parse(text).map(|of| (of.year, of.month, of.day));
        assert_eq!(born("1988-02-29"), Some((Some(1988), 2, 29)));
        assert_eq!(born("--02-29"), Some((None, 2, 29)));
        assert_eq!(born("12-31"), Some((None, 12, 31)));
        for text in [
            "1987-02-29",
            "--02-30",
            "13-01",
            "2-29",
            "1988-2-29",
            "29.2.1988",
            "1988-02",
            "",
            "-",
            "+988-02-28",
            "1988-02-29 ",
        ] {
            assert_eq!(born(text), None, "{text:?}");
        }
    }

    #[test]
    fn who_was_born_on_29_february_is_greeted_every_year() {
        let born = Birthday::parse("1988-02-29").unwrap();
        let day = |year, rule| born.in_year(year, rule).map(|day| day.to_string());
        assert_eq!(day(2024, LeapDay::DayAfter).as_deref(), Some("2024-02-29"));
        assert_eq!(day(2023, LeapDay::DayAfter).as_deref(), Some("2023-03-01"));
        assert_eq!(day(2023, LeapDay::DayBefore).as_deref(), Some("2023-02-28"));
        // 1900 was no leap year, and 2000 was one.
        let old = Birthday::parse("02-29").unwrap();
        assert_eq!(old.in_year(1900, LeapDay::DayAfter).unwrap().to_string(), "1900-03-01");
        assert_eq!(old.in_year(2000, LeapDay::DayBefore).unwrap().to_string(), "2000-02-29");
        assert_eq!((day(1988, LeapDay::DayAfter), day(1989, LeapDay::DayAfter).is_some()), (None, true));
    }
}
