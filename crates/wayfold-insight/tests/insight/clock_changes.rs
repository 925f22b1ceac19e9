//! Days on which clocks are changed, and first days of weeks: retention and activity, with numbers worked by hand.

use chrono::Weekday;
use chrono_tz::{America, Europe, Tz};
use wayfold_core::{Custom, CustomKind, JourneyEvent};
use wayfold_insight::{ActivityLifecycle, BucketUnit, Calendar, EventTest, Retention, ReturnBuckets};

use super::made::{at, event, total};

/// Who starts at the first instant and comes back at the others.
fn came(instants: &[&str]) -> Vec<JourneyEvent> {
    let name = |place: usize| if place == 0 { "start" } else { "back" };
    let one = |(place, instant): (usize, &&str)| {
        let body = Custom { name: CustomKind::new(name(place)).unwrap(), stage: None, amount: None };
        event(place, "c1", at(instant), body)
    };
    instants.iter().enumerate().map(one).collect()
}

/// The first day of the cohort, and in which of three days it came back.
#[track_caller]
fn check_returns(zone: Tz, buckets: ReturnBuckets, instants: &[&str], day: &str, returned: [i64; 3]) {
    let days = Calendar::new(zone, BucketUnit::Day);
    let retention =
        Retention::new(days, EventTest::custom("start"), EventTest::custom("back")).with_buckets(buckets);
    let found = total(&retention, &came(instants));
    let first = *found.buckets().unwrap().start();
    let report = retention.report(&found, first..=first + 2);
    let row = &report.cohorts[0];
    assert_eq!(
        (row.starts_on.to_string().as_str(), row.customers, &row.returned[..]),
        (day, 1, &returned[..])
    );
    assert!(report.semantics.contains(&format!("days in {zone}")), "{}", report.semantics);
}

/// Days from the first one on: how many are new, returning, resurrecting and dormant.
#[track_caller]
fn check_activity(calendar: Calendar, instants: &[&str], from: &str, expected: &[[i64; 4]]) {
    let activity = ActivityLifecycle::new(calendar, EventTest::any());
    let found = total(&activity, &came(instants));
    let first = *found.buckets().unwrap().start();
    let rows = activity.report(&found, first..=first + expected.len() as i64 - 1).buckets;
    assert_eq!(rows[0].starts_on.to_string(), from);
    let figures: Vec<_> =
        rows.iter().map(|row| [row.new, row.returning, row.resurrecting, row.dormant]).collect();
    assert_eq!(figures, expected);
}

/// On 31 March 2024 Berlin's day runs from 23:00 to 22:00 in UTC.
#[test]
fn a_day_of_23_hours_ends_an_hour_earlier() {
    let instants = ["2024-03-30T22:30:00Z", "2024-03-31T21:59:59Z", "2024-03-31T22:00:00Z"];
    // 23:30 on the 30th; 23:59:59 on the 31st, and midnight of 1 April.
    check_returns(Europe::Berlin, ReturnBuckets::Calendar, &instants, "2024-03-30", [0, 1, 1]);
    check_returns(Tz::UTC, ReturnBuckets::Calendar, &instants, "2024-03-30", [0, 1, 0]);
    // Both within 24 hours of the start.
    check_returns(Europe::Berlin, ReturnBuckets::Rolling, &instants, "2024-03-30", [1, 0, 0]);
    let days = Calendar::new(Europe::Berlin, BucketUnit::Day);
    let expected = [[1, 0, 0, 0], [0, 1, 0, 0], [0, 1, 0, 0], [0, 0, 0, -1]];
    check_activity(days, &instants, "2024-03-30", &expected);
    let days = Calendar::new(Tz::UTC, BucketUnit::Day);
    check_activity(days, &instants, "2024-03-30", &[[1, 0, 0, 0], [0, 1, 0, 0], [0, 0, 0, -1]]);
}

/// On 27 October 2024 Berlin's day runs from 22:00 on the 26th to 23:00 in UTC.
#[test]
fn a_day_of_25_hours_ends_an_hour_later() {
    let instants = ["2024-10-26T22:00:00Z", "2024-10-27T22:59:59Z", "2024-10-27T23:00:00Z"];
    // Midnight of the 27th; 23:59:59 on the 27th, and midnight of the 28th.
    check_returns(Europe::Berlin, ReturnBuckets::Calendar, &instants, "2024-10-27", [1, 1, 0]);
    check_returns(Tz::UTC, ReturnBuckets::Calendar, &instants, "2024-10-26", [0, 1, 0]);
    // 24:59:59 and 25 hours after the start.
    check_returns(Europe::Berlin, ReturnBuckets::Rolling, &instants, "2024-10-27", [0, 1, 0]);
    let days = Calendar::new(Europe::Berlin, BucketUnit::Day);
    check_activity(days, &instants, "2024-10-27", &[[1, 0, 0, 0], [0, 1, 0, 0], [0, 0, 0, -1]]);
}

/// In São Paulo clocks went back from midnight to 23:00 on 17 February 2018: its last hour came twice, until 03:00 in UTC.
/// On 15 October 2017 they went from midnight to 01:00, and the day began at 03:00 in UTC, an hour short.
#[test]
fn a_day_whose_midnight_is_moved_is_one_day() {
    let zone = America::Sao_Paulo;
    let days = Calendar::new(zone, BucketUnit::Day);
    let back = ["2018-02-18T01:30:00Z", "2018-02-18T02:30:00Z", "2018-02-18T03:00:00Z"];
    check_returns(zone, ReturnBuckets::Calendar, &back, "2018-02-17", [1, 1, 0]);
    check_activity(days, &back, "2018-02-17", &[[1, 0, 0, 0], [0, 1, 0, 0], [0, 0, 0, -1]]);
    let forward =
        ["2017-10-15T02:59:59Z", "2017-10-15T03:00:00Z", "2017-10-16T01:59:59Z", "2017-10-16T02:00:00Z"];
    // 23:59:59 on the 14th, 01:00 and 23:59:59 on the 15th, midnight of the 16th.
    check_returns(zone, ReturnBuckets::Calendar, &forward, "2017-10-14", [0, 1, 1]);
    let expected = [[1, 0, 0, 0], [0, 1, 0, 0], [0, 1, 0, 0], [0, 0, 0, -1]];
    check_activity(days, &forward, "2017-10-14", &expected);
}

/// Saturday noon, half past three on the Sunday on which clocks go forward, and midnight of Monday in Berlin.
#[test]
fn weeks_begin_where_they_are_told_to() {
    let instants = ["2024-03-30T11:00:00Z", "2024-03-31T01:30:00Z", "2024-03-31T22:00:00Z"];
    let weeks = Calendar::new(Europe::Berlin, BucketUnit::Week);
    let two = [[1, 0, 0, 0], [0, 1, 0, 0], [0, 0, 0, -1]];
    check_activity(weeks, &instants, "2024-03-25", &two);
    check_activity(weeks.with_week_start(Weekday::Sun), &instants, "2024-03-24", &two);
    let one = [[1, 0, 0, 0], [0, 0, 0, -1]];
    check_activity(weeks.with_week_start(Weekday::Sat), &instants, "2024-03-30", &one);
    // By UTC all three lie before the Monday.
    check_activity(Calendar::new(Tz::UTC, BucketUnit::Week), &instants, "2024-03-25", &one);

    let returned = |start: Weekday| {
        let weeks = weeks.with_week_start(start);
        let retention = Retention::new(weeks, EventTest::custom("start"), EventTest::custom("back"));
        let found = total(&retention, &came(&instants));
        let first = *found.buckets().unwrap().start();
        let report = retention.report(&found, first..=first + 1);
        assert!(
            report.semantics.contains(&format!("weeks from {start} in Europe/Berlin")),
            "{}",
            report.semantics
        );
        report.cohorts[0].returned.clone()
    };
    assert_eq!(
        [Weekday::Mon, Weekday::Sun, Weekday::Sat].map(returned),
        [vec![1, 1], vec![0, 1], vec![1, 0]]
    );
}
