//! When periods of qualification begin.

use chrono::{Datelike, Days, NaiveDate, NaiveTime};
use chrono_tz::Tz;
use wayfold_core::Timestamp;

use super::QualificationPeriod;
use crate::local_time::first_instant;

/// The first instants of the periods from the one that holds an instant, up to the year 9999.
pub(super) fn starts(
    period: QualificationPeriod,
    zone: Tz,
    first: Timestamp,
) -> impl Iterator<Item = Timestamp> {
    let day = first.to_chrono().with_timezone(&zone).date_naive();
    let (month, number) = match period {
        QualificationPeriod::CalendarYear => (1, 1),
        QualificationPeriod::MembershipYear => (day.month(), day.day()),
    };
    (day.year()..=9999).filter_map(move |year| {
        // Of a day that is missing in a year, the one behind it.
        let date = NaiveDate::from_ymd_opt(year, month, number)
            .or_else(|| NaiveDate::from_ymd_opt(year, month, number - 1)?.checked_add_days(Days::new(1)))?;
        Some(first_instant(zone, date.and_time(NaiveTime::MIN)))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(period: QualificationPeriod, zone: Tz, first: &str, expected: &[&str]) {
        let found: Vec<String> = starts(period, zone, Timestamp::parse(first).unwrap())
            .take(expected.len())
            .map(|start| start.to_string())
            .collect();
        assert_eq!(found, expected);
    }

    #[test]
    fn periods_begin_at_midnight_in_the_zone() {
        use QualificationPeriod::{CalendarYear, MembershipYear};
        let shanghai = ["2023-12-31T16:00:00Z", "2024-12-31T16:00:00Z"];
        check(CalendarYear, Tz::Asia__Shanghai, "2023-12-31T16:00:00Z", &shanghai);
        check(CalendarYear, Tz::Asia__Shanghai, "2023-12-31T15:59:59Z", &["2022-12-31T16:00:00Z"]);
        // Summer time of a year in Berlin, and 29 February.
        check(MembershipYear, Tz::Europe__Berlin, "2024-07-01T22:30:00Z", &["2024-07-01T22:00:00Z"]);
        let leap = [
            "2024-02-29T00:00:00Z",
            "2025-03-01T00:00:00Z",
            "2026-03-01T00:00:00Z",
            "2027-03-01T00:00:00Z",
            "2028-02-29T00:00:00Z",
        ];
        check(MembershipYear, Tz::UTC, "2024-02-29T10:00:00Z", &leap);
        // In Brazil, clocks went from midnight to one on 14 October 2007, and stood an hour later from then to February.
        let skipped = ["2006-10-14T03:00:00Z", "2007-10-14T03:00:00Z", "2008-10-14T03:00:00Z"];
        check(MembershipYear, Tz::America__Sao_Paulo, "2006-10-14T12:00:00Z", &skipped);
        check(CalendarYear, Tz::UTC, "9999-05-01", &["9999-01-01T00:00:00Z"]);
        assert_eq!(starts(CalendarYear, Tz::UTC, Timestamp::MAX).count(), 1);
    }
}
