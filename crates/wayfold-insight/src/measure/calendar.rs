//! Buckets of time: hours, days, weeks and months of a time zone.

use std::ops::Range;

use chrono::{Datelike, Days, Month, NaiveDate, Offset, TimeZone, Weekday};
use chrono_tz::Tz;
use wayfold_core::Timestamp;

const DAY_MICROS: i64 = 86_400_000_000;

/// How long a bucket is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BucketUnit {
    /// A calendar day, 23 to 25 hours long where clocks are changed.
    Day,
    /// Seven days from the first day of the week.
    Week,
    /// A calendar month.
    Month,
}

/// Cuts time into calendar buckets of a time zone, numbered without a gap.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Calendar {
    zone: Tz,
    unit: BucketUnit,
    week_start: Weekday,
}

impl Calendar {
    /// Buckets of a unit in a time zone; weeks begin on Monday, as in ISO 8601.
    pub fn new(zone: Tz, unit: BucketUnit) -> Self {
        Self { zone, unit, week_start: Weekday::Mon }
    }

    /// Sets the first day of the week.
    pub fn with_week_start(mut self, day: Weekday) -> Self {
        self.week_start = day;
        self
    }

    /// Unit, zone and first day of the week in words.
    pub(crate) fn semantics(&self) -> String {
        match self.unit {
            BucketUnit::Day => format!("days in {}", self.zone),
            BucketUnit::Week => format!("weeks from {} in {}", self.week_start, self.zone),
            BucketUnit::Month => format!("months in {}", self.zone),
        }
    }

    /// The number of the bucket that holds an instant; the next bucket has the next number.
    pub fn bucket(&self, at: Timestamp) -> i64 {
        self.bucket_around(self.local_day(at)).0
    }

    /// The number of the bucket that holds a day.
    pub(crate) fn bucket_of_day(&self, date: NaiveDate) -> i64 {
        self.bucket_around(date.to_epoch_days().into()).0
    }

    /// The bucket that holds a day, and all days of it, by their numbers.
    #[inline]
    fn bucket_around(&self, day: i64) -> (i64, Range<i64>) {
        match self.unit {
            BucketUnit::Day => (day, day..day + 1),
            BucketUnit::Week => {
                let week = (day - self.first_week_day()).div_euclid(7);
                let first = week * 7 + self.first_week_day();
                (week, first..first + 7)
            }
            BucketUnit::Month => {
                let date = date_of(day);
                let first = day - i64::from(date.day0());
                let month = i64::from(date.year()) * 12 + i64::from(date.month0());
                (month, first..first + i64::from(date.num_days_in_month()))
            }
        }
    }

    /// The number of the day of the zone that holds an instant; the first of 1970 is 0.
    fn local_day(&self, at: Timestamp) -> i64 {
        let seconds = match self.zone {
            Tz::UTC => 0,
            zone => zone.offset_from_utc_datetime(&at.to_chrono().naive_utc()).fix().local_minus_utc(),
        };
        (at.as_micros() + i64::from(seconds) * 1_000_000).div_euclid(DAY_MICROS)
    }

    /// The first day of a bucket; the last one that there is where it lies beyond.
    pub fn starts_on(&self, bucket: i64) -> NaiveDate {
        let day = |days: i64| {
            let (epoch, count) = (NaiveDate::default(), Days::new(days.unsigned_abs()));
            if days < 0 { epoch.checked_sub_days(count) } else { epoch.checked_add_days(count) }
        };
        let found = match self.unit {
            BucketUnit::Day => day(bucket),
            BucketUnit::Week => day(bucket.saturating_mul(7).saturating_add(self.first_week_day())),
            BucketUnit::Month => {
                let (year, month) = (i32::try_from(bucket.div_euclid(12)), bucket.rem_euclid(12) as u32 + 1);
                year.ok().and_then(|year| NaiveDate::from_ymd_opt(year, month, 1))
            }
        };
        found.unwrap_or(NaiveDate::MAX)
    }

    /// The number of a day on which a week begins.
    fn first_week_day(&self) -> i64 {
        // Day 0, the first of 1970, was a Thursday.
        i64::from(self.week_start.num_days_from_monday()) - 3
    }
}

fn date_of(day: i64) -> NaiveDate {
    let date = i32::try_from(day).ok().and_then(NaiveDate::from_epoch_days);
    date.expect("the day of an instant lies within chrono's range")
}

/// Says the buckets of instants that mostly lie in the bucket of the one before.
pub(super) struct Buckets {
    calendar: Calendar,
    /// The days of the bucket that was said last.
    days: Range<i64>,
    bucket: i64,
}

/// Months that lie within so many days are come to one by one.
const NEAR_DAYS: i64 = 100;

/// How many days a month has.
fn days_of(month: i64) -> i64 {
    let year = i32::try_from(month.div_euclid(12)).ok();
    let of_year = Month::try_from(month.rem_euclid(12) as u8 + 1).ok();
    let days = year.zip(of_year).and_then(|(year, month)| month.num_days(year));
    days.expect("a month near that of an instant lies within chrono's range").into()
}

impl Buckets {
    pub(super) fn of(calendar: Calendar) -> Self {
        let (bucket, days) = calendar.bucket_around(0);
        Self { calendar, days, bucket }
    }

    /// As [`Calendar::bucket`].
    #[inline]
    pub(super) fn bucket(&mut self, at: Timestamp) -> i64 {
        let day = self.calendar.local_day(at);
        if !self.days.contains(&day) {
            self.go_to(day);
        }
        self.bucket
    }

    fn go_to(&mut self, day: i64) {
        // From month to month is less than to take a day apart, and a history comes in the order of time.
        if self.calendar.unit == BucketUnit::Month
            && (self.days.end..self.days.end + NEAR_DAYS).contains(&day)
        {
            while day >= self.days.end {
                self.bucket += 1;
                self.days = self.days.end..self.days.end + days_of(self.bucket);
            }
        } else {
            (self.bucket, self.days) = self.calendar.bucket_around(day);
        }
    }
}

/// Buckets in their order, each once; those of a history mostly come in it.
pub(super) fn distinct(buckets: impl Iterator<Item = i64>) -> Vec<i64> {
    let mut distinct: Vec<i64> = Vec::new();
    for bucket in buckets {
        if distinct.last() != Some(&bucket) {
            distinct.push(bucket);
        }
    }
    // A day may come twice where clocks are set back at midnight.
    if !distinct.is_sorted() {
        distinct.sort_unstable();
        distinct.dedup();
    }
    distinct
}

#[cfg(test)]
mod tests {
    use chrono_tz::{America, Europe};

    use super::*;

    fn at(text: &str) -> Timestamp {
        Timestamp::parse(text).unwrap()
    }

    /// By turns near and far, forwards and back.
    #[test]
    fn buckets_are_said_alike_after_each_other_and_alone() {
        for unit in [BucketUnit::Day, BucketUnit::Week, BucketUnit::Month] {
            let calendar = Calendar::new(Europe::Berlin, unit);
            let mut buckets = Buckets::of(calendar);
            let days =
                (-2_000..2_000_i64).flat_map(|step| [step * 17, step * 131, -step * 29, step * 17 + 98]);
            let instants = days.map(|day| Timestamp::from_micros(day * DAY_MICROS + 7).unwrap());
            for at in instants.chain([Timestamp::MAX, Timestamp::MIN, Timestamp::MAX]) {
                let expected = calendar.bucket(at);
                assert_eq!(buckets.bucket(at), expected, "{unit:?} {at}");
                assert_eq!(Buckets::of(calendar).bucket(at), expected, "{unit:?} {at}, first of all");
            }
        }
    }

    #[test]
    fn buckets_follow_the_calendar_of_the_zone() {
        let days = Calendar::new(Europe::Berlin, BucketUnit::Day);
        // The last Sunday of March has 23 hours there, and that of October 25.
        assert_eq!(days.bucket(at("2024-03-30T23:00:00Z")) + 1, days.bucket(at("2024-03-31T22:00:00Z")));
        assert_eq!(days.bucket(at("2024-10-26T22:00:00Z")), days.bucket(at("2024-10-27T22:59:59Z")));
        let new_york = Calendar::new(America::New_York, BucketUnit::Day);
        assert_eq!(new_york.starts_on(new_york.bucket(at("2024-03-31T03:59:59Z"))).to_string(), "2024-03-30");

        let weeks = Calendar::new(Europe::Berlin, BucketUnit::Week);
        let monday = weeks.bucket(at("2024-03-04T12:00:00Z"));
        assert_eq!(weeks.starts_on(monday).to_string(), "2024-03-04");
        assert_eq!(weeks.bucket(at("2024-03-10T22:59:59Z")), monday);
        let sundays = weeks.with_week_start(Weekday::Sun);
        assert_eq!(sundays.starts_on(sundays.bucket(at("2024-03-10T12:00:00Z"))).to_string(), "2024-03-10");
        assert_eq!(sundays.starts_on(sundays.bucket(at("1969-12-30T12:00:00Z"))).to_string(), "1969-12-28");

        let months = Calendar::new(Europe::Berlin, BucketUnit::Month);
        let march = months.bucket(at("2024-03-31T22:00:00Z")) - 1;
        assert_eq!(months.starts_on(march).to_string(), "2024-03-01");
        assert_eq!(months.starts_on(i64::MAX), NaiveDate::MAX);
    }
}
