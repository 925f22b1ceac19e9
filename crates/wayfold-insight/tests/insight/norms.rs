//! Norms: how they are written, worked cases, and many journeys beside counting hours.

use std::collections::BTreeMap;

use proptest::collection::{btree_set, vec};
use proptest::prelude::*;
use wayfold_core::{
    ApprovalGranted, ApprovalRequested, DealLost, Delivered, EventBody, JourneyEvent, JourneyKey,
    NeedIdentified, ProductViewed, SolutionProposed, Span, Tag, Timestamp,
};
use wayfold_insight::{CaseBy, Cases, Confidence, ErrorKind, Norm, NormRow, Norms};

use super::made::{check_laws, event, hour, hours, placed, total};

fn norm(text: &str) -> Norm {
    text.parse().unwrap()
}

fn report(norms: &Norms, events: &[JourneyEvent], as_of: Timestamp) -> Vec<NormRow> {
    norms.report(&total(norms, events), as_of, 10, Confidence::P95).norms
}

#[test]
fn norms_are_read_as_they_are_written() {
    for text in [
        "stage decision within 30 days",
        "approval_requested -> approval_granted | approval_rejected within 3 days",
        "\"A|B\" -> \"within\" within 90 minutes",
        "\"two words\" -> x within 1 hour",
        "\"promised\" | \"stage\" -> stage within 1 day",
        "promised delivery",
        "promised delivery within 2 days",
    ] {
        let norm = norm(text);
        assert_eq!(norm.to_string(), text.replace("\"within\"", "within"));
        let json = serde_json::to_string(&norm).unwrap();
        assert_eq!(serde_json::from_str::<Norm>(&json).unwrap(), norm);
    }
    assert_eq!(norm("  promised   delivery within 0 days ").to_string(), "promised delivery");
}

#[test]
fn norms_that_are_none_are_refused_by_the_character() {
    for (text, message) in [
        ("", "norm, character 1: a name is missing"),
        ("a within 3 days", "norm, character 3: \"->\" is missing"),
        ("a -> b", "norm, character 7: \"within\" and a span are missing, such as within 3 days"),
        (
            "stage sale within 3 days",
            "norm, character 7: no stage; write one of need, information, decision, delivery, after_sales",
        ),
        ("promised land", "norm, character 10: \"delivery\" is missing behind \"promised\""),
        ("ü -> b within -1 days", "norm, character 15: a span below zero"),
    ] {
        let error = text.parse::<Norm>().unwrap_err();
        assert_eq!((error.kind(), error.to_string().as_str()), (ErrorKind::InvalidRule, message));
    }
    let error = "a -> b within soon".parse::<Norm>().unwrap_err();
    assert!(error.to_string().starts_with("norm, character 15: \"soon\" is no span"), "{error}");
}

#[test]
fn who_breaks_a_step_how_often_and_by_how_much() {
    let requested = || EventBody::from(ApprovalRequested { subject: None });
    let granted = || EventBody::from(ApprovalGranted { subject: None });
    let all = [
        ("ada", 0, requested()),
        ("ada", 72, granted()),
        ("bob", 0, requested()),
        ("bob", 1, requested()),
        ("bob", 73, granted()),
        ("bob", 80, requested()),
        ("cy", 0, requested()),
        ("cy", 100, granted()),
        ("dan", 10, requested()),
    ];
    let events: Vec<_> = all
        .into_iter()
        .enumerate()
        .map(|(number, (customer, at, body))| event(number, customer, hour(at), body))
        .collect();
    let norms = Norms::new(vec![norm("approval_requested -> approval_granted within 3 days")], Cases::new());
    let [row] = &report(&norms, &events, hour(110))[..] else { panic!("one norm") };
    assert_eq!((row.kept, row.broken, row.pending, row.customers), (1, 3, 1, 3));
    let worst: Vec<_> =
        row.worst.iter().map(|case| (case.customer.as_str(), case.over, case.is_running)).collect();
    assert_eq!(worst, [("cy", hours(28), false), ("dan", hours(28), true), ("bob", hours(1), false)]);
    assert_eq!(row.over.unwrap().mean, hours(19));
    let (share, interval) = row.broken_share.unwrap();
    assert!(share == 75.0 && interval.low < 75.0 && interval.high > 75.0);
}

#[test]
fn a_promise_is_broken_by_what_comes_later_than_allowed() {
    let order = |number: usize, name: &str, body: EventBody, at: i64| {
        event(number, "ada", hour(at), body).with_tag(Tag::order(name).unwrap())
    };
    let promised = |at| EventBody::from(placed(5, &["tea"], Some(hour(at))));
    let delivered = || EventBody::from(Delivered {});
    let events = [
        order(0, "o1", promised(48), 0),
        order(1, "o1", delivered(), 48),
        order(2, "o2", promised(48), 0),
        order(3, "o2", delivered(), 60),
        order(4, "o3", promised(48), 0),
        order(5, "o4", promised(99), 0),
    ];
    let norms =
        Norms::new(vec![norm("promised delivery"), norm("promised delivery within 12 hours")], Cases::new());
    let found = report(&norms, &events, hour(70));
    let told: Vec<_> = found.iter().map(|row| (row.kept, row.broken, row.pending)).collect();
    assert_eq!(told, [(1, 2, 1), (2, 1, 1)]);
    assert_eq!((found[1].worst[0].case.as_deref(), found[1].worst[0].took), (Some("o3"), hours(22)));
}

/// Three journeys that wait in decisions for 100 days: one came to nothing, one was spoken of ten days ago, and one was bought
/// in and never delivered. Of the first it is not told that it is late, and of what customers do together never.
#[test]
fn who_abandoned_a_journey_is_not_late() {
    let day = |number, customer: &str, day: i64, body: EventBody| {
        event(number, customer, hour(24 * day), body).with_journey(JourneyKey::new("j").unwrap())
    };
    let requested = || EventBody::from(ApprovalRequested { subject: None });
    let events = [
        day(0, "ada", 0, requested()),
        day(1, "bob", 0, requested()),
        day(2, "bob", 90, SolutionProposed { solution: None }.into()),
        day(3, "cy", 0, requested()),
        day(4, "cy", 1, placed(5, &["tea"], None).into()).with_tag(Tag::order("o1").unwrap()),
    ];
    let texts = ["stage decision within 30 days", "approval_requested -> approval_granted within 3 days"];
    let norms = |cases: Cases| Norms::new(texts.map(norm).into(), cases);
    let told = |norms: &Norms, day: i64| -> Vec<_> {
        let rows = report(norms, &events, hour(24 * day));
        let who = |row: &NormRow| row.worst.iter().map(|case| case.customer.clone()).collect::<Vec<_>>();
        rows.iter().map(|row| (row.broken, row.pending, row.abandoned, who(row))).collect()
    };
    let by_journey = norms(Cases::new().by(CaseBy::Journey));
    let late = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>();
    let (two, all) = (late(&["bob", "cy"]), late(&["ada", "bob", "cy"]));
    assert_eq!(told(&by_journey, 100), [(2, 0, 1, two.clone()), (2, 0, 1, two)]);
    // The ninetieth day is not over.
    assert_eq!(told(&by_journey, 90), [(3, 0, 0, all.clone()), (3, 0, 0, all.clone())]);
    assert_eq!(told(&norms(Cases::new()), 100)[1], (3, 0, 0, all));
    let patient = by_journey.with_abandoned_after(Span::from_days(1_000));
    assert_eq!(told(&patient, 100)[0].2, 0);
}

const LAST: i64 = 300;

fn body(of: usize) -> EventBody {
    match of {
        0 => NeedIdentified { category: None }.into(),
        1 => ProductViewed {}.into(),
        2 => SolutionProposed { solution: None }.into(),
        3 => DealLost { reason: None, competitor: None }.into(),
        4 => ApprovalRequested { subject: None }.into(),
        _ => ApprovalGranted { subject: None }.into(),
    }
}

/// Events at hours of their own: customer, journey, kind.
fn events() -> impl Strategy<Value = Vec<(i64, usize, usize, usize)>> {
    (btree_set(0..LAST, 0..60), vec((0..4_usize, 0..3_usize, 0..6_usize), 60)).prop_map(|(hours, made)| {
        hours
            .into_iter()
            .zip(made)
            .map(|(hour, (customer, journey, of))| (hour, customer, journey, of))
            .collect()
    })
}

fn made(rows: &[(i64, usize, usize, usize)]) -> Vec<JourneyEvent> {
    let one = |(number, (at, customer, journey, of)): (usize, &(i64, usize, usize, usize))| {
        let made = event(number, &format!("c{customer}"), hour(*at), body(*of));
        // The third is none.
        match journey {
            2 => made,
            journey => made.with_journey(JourneyKey::new(format!("j{journey}")).unwrap()),
        }
    };
    rows.iter().enumerate().map(one).collect()
}

/// What each journey was in the stage of decisions, by looking at each hour on its own.
fn hours_deciding(rows: &[(i64, usize, usize, usize)]) -> Vec<(i64, bool)> {
    let mut journeys: BTreeMap<(usize, usize), Vec<(i64, usize)>> = BTreeMap::new();
    for (at, customer, journey, of) in rows.iter().filter(|row| row.2 < 2) {
        journeys.entry((*customer, *journey)).or_default().push((*at, *of));
    }
    let of_journey = |steps: Vec<(i64, usize)>| {
        let is_deciding = |hour: i64| {
            let last = steps.iter().rev().find(|(at, _)| *at <= hour);
            last.is_some_and(|(_, of)| matches!(of, 2 | 4 | 5))
        };
        let entered = steps.iter().any(|(_, of)| matches!(of, 2 | 4 | 5));
        let deciding = (0..LAST).filter(|hour| is_deciding(*hour)).count() as i64;
        entered.then(|| (deciding, is_deciding(LAST)))
    };
    journeys.into_values().filter_map(of_journey).collect()
}

/// What each wait for an approval took, by looking for the next answer.
fn waits(rows: &[(i64, usize, usize, usize)], by_journey: bool) -> Vec<(i64, bool)> {
    let mut cases: BTreeMap<(usize, usize), Vec<(i64, usize)>> = BTreeMap::new();
    for (at, customer, journey, of) in rows.iter().filter(|row| !by_journey || row.2 < 2) {
        cases.entry((*customer, if by_journey { *journey } else { 0 })).or_default().push((*at, *of));
    }
    let mut waits = Vec::new();
    for steps in cases.into_values() {
        let mut from = -1;
        while let Some((asked, _)) = steps.iter().find(|(at, of)| *at > from && *of == 4) {
            let answer = steps.iter().find(|(at, of)| at > asked && *of == 5);
            from = answer.map_or(LAST, |answer| answer.0);
            waits.push((from - asked, answer.is_none()));
        }
    }
    waits
}

#[track_caller]
fn check(row: &NormRow, limit: i64, cases: &[(i64, bool)]) {
    let mut over: Vec<i64> = cases.iter().map(|case| case.0 - limit).filter(|over| *over > 0).collect();
    over.sort_unstable();
    let count = |wanted: bool| cases.iter().filter(|case| case.0 <= limit && case.1 == wanted).count() as u64;
    assert_eq!((row.kept, row.broken, row.pending), (count(false), over.len() as u64, count(true)));
    let median = (over.len() * 5).div_ceil(10).checked_sub(1).map(|place| hours(over[place]));
    assert_eq!(row.over.map(|over| over.median), median);
    let worst: Vec<Span> = row.worst.iter().map(|case| case.over).collect();
    assert_eq!(worst, over.iter().rev().take(10).map(|over| hours(*over)).collect::<Vec<_>>());
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]

    #[test]
    fn norms_are_broken_as_counting_hours_says(rows in events(), limit in 0..80_i64) {
        let texts = [
            format!("stage decision within {limit} hours"),
            format!("approval_requested -> approval_granted within {limit} hours"),
        ];
        let norms = |by: CaseBy| Norms::new(texts.iter().map(|text| norm(text)).collect(), Cases::new().by(by));
        let events = made(&rows);
        let found = report(&norms(CaseBy::Customer), &events, hour(LAST));
        check(&found[0], limit, &hours_deciding(&rows));
        check(&found[1], limit, &waits(&rows, false));
        let by_journey = report(&norms(CaseBy::Journey), &events, hour(LAST));
        check(&by_journey[0], limit, &hours_deciding(&rows));
        check(&by_journey[1], limit, &waits(&rows, true));
        let norms = norms(CaseBy::Journey).with_abandoned_after(hours(50));
        check_laws(&norms, &events, |total| norms.report(total, hour(LAST), 3, Confidence::P95));
    }

    #[test]
    fn no_text_makes_reading_panic(text in "(stage|promised|a|->|within|[0-9 ]|[|\"> üß-]){0,12}") {
        let _ = text.parse::<Norm>();
    }
}
