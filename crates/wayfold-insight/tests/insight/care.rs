//! The care calendar: worked cases, days on which clocks are changed, and lists beside a walk through the days.

use proptest::collection::vec;
use proptest::prelude::*;
use wayfold_core::{
    AttributeName, CareContacted, CustomerKey, Delivered, EventBatch, EventBody, Fold, JourneyEvent,
    OrderCancelled, ProfileChanged, ProjectionSet, Rules, Span, Tag, Tenant, Timestamp,
};
use wayfold_insight::{
    CareCalendar, CareDue, CareOccasion, CareRecord, CareRecordView, CareRules, EndNotice, ErrorKind,
    Holiday, LeapDay, ReturnVisit, SilentCustomer, VisitAfter,
};

use super::made::{at, event, hours, placed};

fn rules(zone: &str) -> CareRules {
    serde_json::from_str(&format!(
        r#"{{"zone": "{zone}", "birthday": "birthday",
            "holidays": [{{"name": "new year", "date": "2024-02-10"}}, {{"name": "new year", "date": "2025-01-29"}}],
            "return_visits": [{{"name": "how is it", "after": "delivery", "days": 7}}],
            "silent": [{{"name": "long time", "days": 90}}],
            "ends": [{{"name": "points", "days_before": 14}}], "early_days": 2, "late_days": 5}}"#
    ))
    .unwrap()
}

fn born(number: usize, customer: &str, birthday: &str) -> JourneyEvent {
    event(number, customer, at("2024-01-01"), ProfileChanged {})
        .with_attribute(AttributeName::new("birthday").unwrap(), birthday)
}

fn about(number: usize, customer: &str, time: &str, order: &str, body: impl Into<EventBody>) -> JourneyEvent {
    event(number, customer, at(time), body).with_tag(Tag::order(order).unwrap())
}

fn cared(number: usize, customer: &str, time: &str, occasion: &str) -> JourneyEvent {
    event(number, customer, at(time), CareContacted { occasion: Some(occasion.to_owned()) })
}

fn records(events: &[JourneyEvent]) -> Vec<(CustomerKey, CareRecordView)> {
    let mut projections = ProjectionSet::new(Rules::default()).unwrap();
    let record = projections.register(CareRecord::default()).unwrap();
    let mut fold = Fold::new(&projections);
    let _ = fold.apply(&[EventBatch::from_events(events).unwrap()]);
    fold.own_views(record, &Tenant::default(), Timestamp::MAX).unwrap().into_vec()
}

fn due(zone: &str, events: &[JourneyEvent], from: &str, until: &str) -> Vec<CareDue> {
    CareCalendar::new(rules(zone)).unwrap().due(records(events), at(from)..at(until))
}

/// Instant, customer, name, and when it was done.
fn told(due: &[CareDue]) -> Vec<(String, String, &str, Option<String>)> {
    let one =
        |of: &'_ CareDue| (of.at.to_string(), of.customer.to_string(), of.done_at.map(|at| at.to_string()));
    due.iter()
        .map(|of| (one(of), of.name.as_str()))
        .map(|((at, customer, done), name)| (at, customer, name, done))
        .collect()
}

#[test]
fn everything_is_due_at_the_first_instant_of_its_day() {
    let events = [
        born(0, "ada", "1988-02-29"),
        born(1, "bob", "--02-11"),
        born(2, "eve", "the 1st"),
        about(3, "bob", "2024-01-30T20:00:00Z", "o1", placed(9, &[], None)),
        // In Shanghai it is 5 February already.
        about(4, "bob", "2024-02-04T16:30:00Z", "o1", Delivered {}),
        about(5, "eve", "2024-02-01", "o2", placed(9, &[], None)),
        about(6, "eve", "2024-02-02", "o2", Delivered {}),
        about(7, "eve", "2024-02-03", "o2", OrderCancelled { reason: None }),
        cared(8, "bob", "2024-02-09T16:30:00Z", "new year"),
    ];
    let found = due("Asia/Shanghai", &events, "2024-02-01", "2024-05-01");
    let text = |text: &str| text.to_owned();
    let new_year = "2024-02-09T16:00:00Z";
    assert_eq!(
        told(&found),
        [
            (text(new_year), text("ada"), "new year", None),
            (text(new_year), text("bob"), "new year", Some(text("2024-02-09T16:30:00Z"))),
            (text(new_year), text("eve"), "new year", None),
            (text("2024-02-10T16:00:00Z"), text("bob"), "birthday", None),
            (text("2024-02-11T16:00:00Z"), text("bob"), "how is it", None),
            (text("2024-02-28T16:00:00Z"), text("ada"), "birthday", None),
            (text("2024-04-29T16:00:00Z"), text("bob"), "long time", None),
        ]
    );
    assert_eq!((found[1].done_by, found[4].order.as_ref().unwrap().as_str()), (Some(events[8].id), "o1"));
    assert_eq!((found[6].occasion, found[6].on.to_string()), (CareOccasion::Silent, text("2024-04-30")));
    let eve = &records(&events)[2].1;
    assert_eq!((eve.birthday, eve.unreadable_birthday.as_deref()), (None, Some("the 1st")));
    // The first instant belongs to a list, and the last does not.
    assert_eq!(due("Asia/Shanghai", &events, new_year, "2024-02-10T16:00:00Z").len(), 3);
    assert_eq!(
        due("Asia/Shanghai", &events, "2024-02-09T16:00:00.000001Z", "2024-02-10T16:00:00.000001Z").len(),
        1
    );
}

#[test]
fn leap_days_follow_the_rule() {
    let events = [born(0, "ada", "1988-02-29")];
    let days = |leap_day| {
        let calendar = CareCalendar::new(CareRules { leap_day, holidays: vec![], ..rules("UTC") }).unwrap();
        let due = calendar.due(records(&events), at("2023-01-01")..at("2025-01-01"));
        due.iter().map(|of| of.on.to_string()).collect::<Vec<_>>()
    };
    assert_eq!(days(LeapDay::DayAfter), ["2023-03-01", "2024-02-29"]);
    assert_eq!(days(LeapDay::DayBefore), ["2023-02-28", "2024-02-29"]);
}

/// In Berlin, 31 March 2024 had 23 hours and 27 October 25. In Brazil, clocks went from midnight to one on 14 October 2007.
/// In Samoa, there was no 30 December 2011.
#[test]
fn days_are_those_of_clocks_that_are_changed() {
    let of = |zone: &str, birthday: &str, from: &str, until: &str| {
        let found = due(zone, &[born(0, "ada", birthday)], from, until);
        found.iter().map(|of| of.at.to_string()).collect::<Vec<_>>()
    };
    assert_eq!(of("Europe/Berlin", "03-31", "2024-03-01", "2024-05-01"), ["2024-03-30T23:00:00Z"]);
    assert_eq!(of("Europe/Berlin", "04-01", "2024-03-01", "2024-05-01"), ["2024-03-31T22:00:00Z"]);
    assert_eq!(of("Europe/Berlin", "10-28", "2024-10-01", "2024-11-01"), ["2024-10-27T23:00:00Z"]);
    assert_eq!(of("America/Sao_Paulo", "10-14", "2007-10-01", "2007-11-01"), ["2007-10-14T03:00:00Z"]);
    assert_eq!(of("Pacific/Apia", "12-30", "2011-12-01", "2012-01-01"), ["2011-12-30T10:00:00Z"]);
    // Seven days after a delivery at half past eleven in the evening, over the change of clocks.
    let events = [
        about(0, "bob", "2024-03-20", "o1", placed(9, &[], None)),
        about(1, "bob", "2024-03-28T22:30:00Z", "o1", Delivered {}),
    ];
    assert_eq!(due("Europe/Berlin", &events, "2024-04-01", "2024-05-01")[0].at, at("2024-04-03T22:00:00Z"));
}

#[test]
fn contacts_count_around_the_day_and_not_before_what_they_are_about() {
    let done = |contact: &str| {
        let found = due(
            "UTC",
            &[born(0, "ada", "02-20"), cared(1, "ada", contact, "birthday")],
            "2024-02-15",
            "2024-03-01",
        );
        found[0].done_at.is_some()
    };
    assert!(
        !done("2024-02-17T23:59:59Z")
            && done("2024-02-18")
            && done("2024-02-25T23:59:59Z")
            && !done("2024-02-26")
    );
    let visit = |contact: &str| {
        let events = [
            about(0, "bob", "2024-03-01", "o1", placed(9, &[], None)),
            about(1, "bob", "2024-03-02T12:00:00Z", "o1", Delivered {}),
            cared(2, "bob", contact, "how is it"),
        ];
        let rules = CareRules { early_days: 30, ..rules("UTC") };
        CareCalendar::new(rules).unwrap().due(records(&events), at("2024-03-09")..at("2024-03-10"))[0]
            .done_at
            .is_some()
    };
    assert!(!visit("2024-03-02T11:00:00Z") && visit("2024-03-02T12:00:00Z"));
}

#[test]
fn what_ends_is_told_before() {
    let calendar = CareCalendar::new(rules("UTC")).unwrap();
    let with_end = |(key, view): (CustomerKey, CareRecordView)| {
        (key, view.with_end("points", at("2024-06-15T13:00:00Z")).with_end("other", at("2024-06-15")))
    };
    let records = records(&[born(0, "ada", "02-20"), cared(1, "ada", "2024-06-02", "points")])
        .into_iter()
        .map(with_end);
    let found = calendar.due(records, at("2024-06-01")..at("2024-07-01"));
    assert_eq!(
        told(&found),
        [(
            "2024-06-01T00:00:00Z".to_owned(),
            "ada".to_owned(),
            "points",
            Some("2024-06-02T00:00:00Z".to_owned())
        )]
    );
}

/// A date is a day in the zone, and the newest one counts, by order.
#[test]
fn what_attributes_say_ends_is_told_before() {
    let ends: Vec<EndNotice> = serde_json::from_str(
        r#"[{"name": "contract", "days_before": 10, "attribute": "contract_until"},
            {"name": "warranty", "days_before": 3, "attribute": "warranty_until"}]"#,
    )
    .unwrap();
    let rules = CareRules { ends, holidays: vec![], ..rules("America/New_York") };
    let calendar = CareCalendar::new(rules).unwrap();
    assert_eq!(calendar.ends_told().count(), 0);
    let says = |number, name: &str, value: &str| {
        event(number, "ada", at("2024-01-01") + hours(number as i64), ProfileChanged {})
            .with_attribute(AttributeName::new(name).unwrap(), value)
    };
    let warranty = |number, order: &str, value: &str| {
        about(number, "ada", "2024-01-02", order, Delivered {})
            .with_attribute(AttributeName::new("warranty_until").unwrap(), value)
    };
    let events = [
        says(0, "contract_until", "2024-03-20"),
        says(1, "contract_until", "2024-06-30"),
        warranty(2, "o1", "2024-06-10"),
        // Half past three in the night there is the evening before in New York.
        warranty(3, "o2", "2024-06-12T03:30:00Z"),
        warranty(4, "o3", "in summer"),
        cared(5, "ada", "2024-06-09T12:00:00Z", "warranty"),
    ];
    let mut projections = ProjectionSet::new(Rules::default()).unwrap();
    let record = projections.register(calendar.record()).unwrap();
    let mut fold = Fold::new(&projections);
    let _ = fold.apply(&[EventBatch::from_events(&events).unwrap()]);
    let ada = CustomerKey::new("ada").unwrap();
    let view = fold.own_view(record, &ada, at("2024-07-01")).unwrap().unwrap();
    assert_eq!(view.unreadable_ends, [("warranty".to_owned(), "in summer".to_owned())]);
    let due = calendar.due([(ada, view)], at("2024-01-01")..at("2025-01-01"));
    let told: Vec<_> =
        due.iter().map(|of| (of.on.to_string(), of.name.as_str(), of.done_at.is_some())).collect();
    let day = |text: &str| text.to_owned();
    assert_eq!(
        told,
        [
            (day("2024-06-07"), "warranty", true),
            (day("2024-06-08"), "warranty", true),
            (day("2024-06-20"), "contract", false)
        ]
    );
    assert_eq!(due[0].occasion, CareOccasion::End);
}

#[test]
fn rules_that_say_two_things_are_refused() {
    let refused = |rules: CareRules| CareCalendar::new(rules).unwrap_err().kind();
    let visit = |name: &str| ReturnVisit { name: name.to_owned(), after: VisitAfter::Purchase, days: 1 };
    let silent = |name: &str| SilentCustomer { name: name.to_owned(), days: 1 };
    let holiday = || Holiday { name: "may".to_owned(), date: "2024-05-01".parse().unwrap() };
    for rules in [
        CareRules { zone: "Mars/Olympus".to_owned(), ..rules("UTC") },
        CareRules { birthday: Some(String::new()), ..rules("UTC") },
        CareRules { return_visits: vec![visit("a"), visit("a")], ..rules("UTC") },
        CareRules { return_visits: vec![visit("a")], silent: vec![silent("a")], ..rules("UTC") },
        CareRules {
            ends: vec![EndNotice { name: "birthday".to_owned(), days_before: 1, attribute: None }],
            ..rules("UTC")
        },
        CareRules { holidays: vec![holiday(), holiday()], ..rules("UTC") },
    ] {
        assert_eq!(refused(rules), ErrorKind::InvalidParameter);
    }
    let json = serde_json::to_string(&rules("UTC")).unwrap();
    assert_eq!(serde_json::from_str::<CareRules>(&json).unwrap(), rules("UTC"));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// Beside a walk through the days in UTC, and parts of a time list what the whole does.
    #[test]
    fn lists_are_those_of_a_walk_through_the_days(
        customers in vec((1..13_u32, 1..32_u32, vec(0..400_i64, 0..4), vec(0..800_i64, 0..6)), 1..4),
        (from, length, cut) in (0..800_i64, 0..400_i64, 0..400_i64),
    ) {
        let day = |number: i64| at("2023-06-01") + Span::from_micros(number * 86_400_000_000);
        let (mut events, mut number) = (Vec::new(), 0);
        let mut next = || { number += 1; number };
        for (customer, (month, date, bought, contacts)) in customers.iter().enumerate() {
            let name = format!("c{customer}");
            events.push(event(next(), &name, day(0), ProfileChanged {}).with_attribute(AttributeName::new("birthday").unwrap(), format!("{month:02}-{date:02}").as_str()));
            for time in bought {
                let order = Tag::order(format!("{name}-{}", next())).unwrap();
                events.push(event(next(), &name, day(*time), placed(9, &[], None)).with_tag(order));
            }
            for (place, time) in contacts.iter().enumerate() {
                let body = CareContacted { occasion: Some(["birthday", "long time"][place % 2].to_owned()) };
                events.push(event(next(), &name, day(*time), body));
            }
        }
        let mut expected = Vec::new();
        for now in from..from + length {
            for (customer, (month, date, bought, contacts)) in customers.iter().enumerate() {
                let contacted = |which: usize, since: i64| {
                    let mut times: Vec<i64> = contacts.iter().enumerate().filter(|(place, _)| place % 2 == which).map(|of| *of.1).collect();
                    times.sort_unstable();
                    times.into_iter().find(|time| *time >= since && (now - 2..=now + 5).contains(time)).map(day)
                };
                let today = day(now).to_string()[5..10].to_owned();
                let of = |name: &str, done| (day(now), format!("c{customer}"), name.to_owned(), done);
                let is_leap = day(now).to_string().starts_with("2024");
                let kept = match (month, date) {
                    (2, 29) if !is_leap => "03-01".to_owned(),
                    (2, 30 | 31) | (4 | 6 | 9 | 11, 31) => String::new(),
                    _ => format!("{month:02}-{date:02}"),
                };
                if kept == today {
                    expected.push(of("birthday", contacted(0, i64::MIN)));
                }
                if let Some(last) = bought.iter().max().filter(|last| *last + 90 == now) {
                    expected.push(of("long time", contacted(1, *last)));
                }
            }
        }
        let rules = CareRules { holidays: vec![], return_visits: vec![], ..rules("UTC") };
        let calendar = CareCalendar::new(rules).unwrap();
        let list = |from: i64, until: i64| -> Vec<_> {
            let due = calendar.due(records(&events), day(from)..day(until));
            due.into_iter().map(|of| (of.at, of.customer.to_string(), of.name, of.done_at)).collect()
        };
        prop_assert_eq!(list(from, from + length), expected.clone());
        let cut = from + cut.min(length);
        prop_assert_eq!([list(from, cut), list(cut, from + length)].concat(), expected);
    }
}
