//! Paths: worked cases, and many sessions beside plain lists of their steps.

use std::collections::BTreeMap;

use proptest::collection::vec;
use proptest::prelude::*;
use wayfold_core::{
    Amount, Currency, EventBody, JourneyEvent, ProductViewed, Registered, ReviewRead, SearchMade, Span, Tag,
};
use wayfold_insight::{Cases, ErrorKind, PathNode, Paths, PathsReport};

use super::made::{check_laws, event, hour, placed, total};

const MOST: usize = 1_000;

fn body(of: usize) -> EventBody {
    match of {
        0 => ProductViewed {}.into(),
        1 => SearchMade { query: None, results_found: None }.into(),
        2 => ReviewRead {}.into(),
        3 => Registered {}.into(),
        _ => placed(5, &[], None).into(),
    }
}

fn step(number: usize, customer: &str, minute: i64, of: usize) -> JourneyEvent {
    let at = hour(0) + Span::from_micros(minute * 60_000_000);
    let made = event(number, customer, at, body(of));
    if of == 4 { made.with_tag(Tag::order(format!("o{number}")).unwrap()) } else { made }
}

fn paths() -> Paths {
    Paths::new(Cases::new().valued_in(Currency::EUR))
}

fn report(paths: &Paths, events: &[JourneyEvent]) -> PathsReport {
    paths.report(&total(paths, events), MOST)
}

fn told(report: &PathsReport) -> Vec<(String, u64)> {
    report.ways.iter().map(|way| (way.steps.join(" "), way.sessions)).collect()
}

#[test]
fn a_gap_of_half_an_hour_ends_a_session_and_equal_neighbours_are_one_step() {
    let events: Vec<_> = [(0, 1), (1, 0), (2, 0), (31, 4), (61, 2), (61, 0)]
        .into_iter()
        .enumerate()
        .map(|(number, (minute, of))| step(number, "c1", minute, of))
        .collect();
    let found = report(&paths(), &events);
    // From 2 to 31 are 29 minutes, from 31 to 61 are 30; what happens in one instant stands by name.
    let way = |text: &str| (text.to_owned(), 1);
    assert_eq!(
        told(&found),
        [way("product_viewed review_read"), way("search_made product_viewed order_placed")]
    );
    assert_eq!((found.sessions, found.value), (2, Amount::from_ten_thousandths(50_000)));
    assert_eq!(found.ways[0].value, Amount::ZERO);
    let whole = report(&paths().with_gap(None).keeping_repeats(), &events);
    assert_eq!(told(&whole), [way("search_made product_viewed product_viewed order_placed product_viewed")]);
    assert!(whole.ways[0].is_cut && found.ways.iter().all(|way| !way.is_cut));
    assert!(found.semantics.contains("a gap of 30 minutes ends a session"), "{}", found.semantics);
}

#[test]
fn paths_go_on_from_a_step_and_lead_to_one() {
    let mut events = Vec::new();
    for (customer, steps) in [("c1", [0, 1, 4]), ("c2", [2, 1, 4]), ("c3", [1, 2, 0]), ("c4", [0, 2, 3])] {
        for (place, of) in steps.into_iter().enumerate() {
            events.push(step(events.len(), customer, place as i64, of));
        }
    }
    let from = report(&paths().from("search_made"), &events);
    assert_eq!((from.sessions, from.tree.len()), (3, 1));
    let [first] = &from.tree[..] else { panic!("{from:?}") };
    let next: Vec<_> =
        first.next.iter().map(|node| (node.step.as_str(), node.sessions, node.ended)).collect();
    assert_eq!(next, [("order_placed", 2, 2), ("review_read", 1, 0)]);
    assert!((first.next[0].share - 200.0 / 3.0).abs() < 1e-9 && first.share == 100.0);
    assert_eq!(first.next[0].value, Amount::from_ten_thousandths(100_000));

    let to = report(&paths().to("order_placed"), &events);
    let way = |text: &str| (text.to_owned(), 1);
    assert_eq!(
        told(&to),
        [way("product_viewed search_made order_placed"), way("review_read search_made order_placed")]
    );
    assert_eq!((to.tree[0].step.as_str(), to.tree[0].next[0].step.as_str()), ("order_placed", "search_made"));

    let bounded = paths().from("search_made").report(&total(&paths().from("search_made"), &events), 1);
    assert_eq!((bounded.other_ways, bounded.tree[0].next.len(), bounded.tree[0].others), (1, 1, 1));
    assert_eq!(paths().with_depth(0).unwrap_err().kind(), ErrorKind::InvalidParameter);
    assert_eq!(paths().with_depth(21).unwrap_err().to_string(), "paths of 21 steps; give them 1 to 20");
}

/// Each session as its names in order with what was ordered in it.
fn sessions(events: &[JourneyEvent]) -> Vec<(Vec<String>, i64)> {
    let mut of_customer: BTreeMap<String, Vec<(i64, String)>> = BTreeMap::new();
    for event in events {
        let minute = event.occurred_at.instant().since(hour(0)).as_micros() / 60_000_000;
        let steps = of_customer.entry(event.customer.customer.to_string()).or_default();
        steps.push((minute, event.kind().name().to_owned()));
    }
    let mut sessions = Vec::new();
    for steps in of_customer.values_mut() {
        steps.sort();
        let mut last: Option<i64> = None;
        for (minute, name) in steps.iter() {
            if last.is_none_or(|last| minute - last >= 30) {
                sessions.push((Vec::new(), 0));
            }
            last = Some(*minute);
            let (names, worth): &mut (Vec<String>, i64) = sessions.last_mut().unwrap();
            *worth += if name == "order_placed" { 50_000 } else { 0 };
            if names.last() != Some(name) {
                names.push(name.clone());
            }
        }
    }
    sessions
}

fn check_nodes(nodes: &[PathNode], before: &[String], ways: &[Vec<String>]) {
    let of = ways.iter().filter(|way| way.starts_with(before)).count();
    for node in nodes {
        let here = [before, std::slice::from_ref(&node.step)].concat();
        let sessions = ways.iter().filter(|way| way.starts_with(&here)).count();
        assert_eq!(node.sessions as usize, sessions, "{here:?}");
        assert!((node.share - 100.0 * sessions as f64 / of as f64).abs() < 1e-9);
        assert_eq!(node.ended as usize, ways.iter().filter(|way| **way == here).count(), "{here:?}");
        check_nodes(&node.next, &here, ways);
    }
}

fn events() -> impl Strategy<Value = Vec<JourneyEvent>> {
    vec((0..4_usize, 0..240_i64, 0..5_usize), 0..60).prop_map(|all| {
        let made = |(number, (customer, minute, of)): (usize, (usize, i64, usize))| {
            step(number, &format!("c{customer}"), minute, of)
        };
        all.into_iter().enumerate().map(made).collect()
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]

    #[test]
    fn paths_are_those_of_plain_lists(events in events(), which in 0..3_usize) {
        let anchor = "search_made".to_owned();
        let mut measure = paths().with_depth(20).unwrap();
        let mut expected: BTreeMap<Vec<String>, (u64, i64)> = BTreeMap::new();
        let mut away = Vec::new();
        for (mut names, worth) in sessions(&events) {
            let place = names.iter().position(|name| *name == anchor);
            match (which, place) {
                (0, _) => {}
                (_, None) => continue,
                (1, Some(place)) => names = names.split_off(place),
                (_, Some(place)) => names.truncate(place + 1),
            }
            // Longer ones are cut, of which the worked cases tell.
            prop_assume!(names.len() <= 20);
            let row = expected.entry(names.clone()).or_default();
            *row = (row.0 + 1, row.1 + worth);
            if which == 2 {
                names.reverse();
            }
            away.push(names);
        }
        match which {
            0 => {}
            1 => measure = measure.from(&anchor),
            _ => measure = measure.to(&anchor),
        }
        let found = report(&measure, &events);
        let rows: BTreeMap<_, _> = found.ways.iter()
            .map(|way| (way.steps.clone(), (way.sessions, way.value.as_ten_thousandths()))).collect();
        prop_assert_eq!(rows, expected);
        prop_assert_eq!(found.sessions as usize, away.len());
        check_nodes(&found.tree, &[], &away);
        check_laws(&measure, &events, |total| measure.report(total, MOST));
        let short = measure.with_depth(2).unwrap();
        check_laws(&short, &events, |total| short.report(total, 2));
    }
}
