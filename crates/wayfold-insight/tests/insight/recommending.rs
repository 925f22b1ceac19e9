//! Recommendations beside plain counting of who has what.

use std::collections::{BTreeMap, BTreeSet};

use proptest::collection::vec;
use proptest::prelude::*;
use wayfold_core::{
    EventBatch, EventBody, JourneyEvent, OrderCancelled, OrderChanged, ProductViewed, Refunded, Shard, Tag,
    Timestamp, for_each_history,
};
use wayfold_insight::{Because, CoOccurrence, ItemSignal, Recommender, Taste};

use super::made::{check_laws, eur, event, hour, placed, total};

const ITEMS: [&str; 6] = ["cup", "lamp", "pot", "rug", "tea", "urn"];

/// Views, and orders that are changed, cancelled or refunded, each under the number of its first event.
fn events() -> impl Strategy<Value = Vec<JourneyEvent>> {
    let one = (0..5_usize, 0..8_usize, 0..6_usize, 0..6_usize, 0..60_i64);
    vec(one, 0..60).prop_map(|all| {
        let mut orders: Vec<(usize, usize)> = Vec::new();
        let mut events = Vec::new();
        for (number, (customer, kind, first, second, time)) in all.into_iter().enumerate() {
            let known = orders.iter().rev().find(|(of, _)| *of == customer).map(|(_, order)| *order);
            let (body, order): (EventBody, Option<usize>) = match (kind, known) {
                (0, Some(order)) => (OrderCancelled { reason: None }.into(), Some(order)),
                (1, Some(order)) => {
                    let lines = placed(0, &[ITEMS[second]], None).lines;
                    (OrderChanged { lines, amount: None, promised_at: None }.into(), Some(order))
                }
                (2, Some(order)) => (Refunded { amount: eur(9), reason: None }.into(), Some(order)),
                (3..=4, _) => (ProductViewed {}.into(), None),
                _ => {
                    orders.push((customer, number));
                    (placed(9, &[ITEMS[first], ITEMS[second]], None).into(), Some(number))
                }
            };
            let mut made = event(number, &format!("c{customer}"), hour(time), body);
            made = match order {
                Some(order) => made.with_tag(Tag::order(order.to_string()).unwrap()),
                None => made.with_tag(Tag::new("product", ITEMS[first]).unwrap()),
            };
            events.push(made);
        }
        events
    })
}

/// What each customer has, viewed and bought, by plain means.
fn plain(events: &[JourneyEvent]) -> BTreeMap<String, (BTreeSet<String>, BTreeSet<String>)> {
    let mut sorted: Vec<&JourneyEvent> = events.iter().collect();
    sorted.sort_by_key(|event| (event.occurred_at.instant(), event.kind(), event.id));
    let mut found: BTreeMap<String, (BTreeSet<String>, BTreeSet<String>)> = BTreeMap::new();
    let mut lines: BTreeMap<(String, String), (bool, Vec<String>)> = BTreeMap::new();
    let mut undone = BTreeSet::new();
    for event in sorted {
        let customer = event.customer.customer.as_str().to_owned();
        let name = event.tags.first().unwrap().id().to_owned();
        let known = found.entry(customer.clone()).or_default();
        let products =
            |lines: &[wayfold_core::OrderLine]| lines.iter().map(|line| line.product.clone()).collect();
        match &event.body {
            EventBody::ProductViewed(_) => {
                known.0.insert(name);
            }
            EventBody::OrderPlaced(body) => {
                let order = lines.entry((customer, name)).or_default();
                if !order.0 {
                    *order = (true, products(&body.lines));
                }
            }
            EventBody::OrderChanged(body) => {
                lines.entry((customer, name)).or_default().1 = products(&body.lines);
            }
            _ => {
                undone.insert((customer, name));
            }
        }
    }
    for ((customer, order), (is_placed, products)) in lines {
        if is_placed && !undone.contains(&(customer.clone(), order)) {
            found.get_mut(&customer).unwrap().1.extend(products);
        }
    }
    found
}

fn tastes(measure: &CoOccurrence, events: &[JourneyEvent]) -> BTreeMap<String, Taste> {
    let mut tastes = BTreeMap::new();
    for_each_history(&[EventBatch::from_events(events).unwrap()], Shard::ALL, Timestamp::MAX, |history| {
        tastes.insert(history.customer().1.to_owned(), measure.taste(history));
    });
    tastes
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]

    /// Against counting sets: what is recommended, in which order and why.
    #[test]
    fn recommendations_are_those_of_plain_counting(events in events(), signal in 0..3_usize, nearest in 1..5_usize) {
        let signal = [ItemSignal::Views, ItemSignal::Orders, ItemSignal::ViewsAndOrders][signal];
        let measure = CoOccurrence::new(signal);
        let found = tastes(&measure, &events);
        let plain = plain(&events);
        let has: BTreeMap<&String, BTreeSet<String>> = plain.iter().map(|(customer, (viewed, bought))| {
            let items = match signal {
                ItemSignal::Views => viewed.clone(),
                ItemSignal::Orders => bought.clone(),
                ItemSignal::ViewsAndOrders => viewed | bought,
            };
            (customer, items)
        }).collect();
        let all = has.values().filter(|items| !items.is_empty()).count() as f64;
        let with = |wanted: &[&str]| {
            has.values().filter(|items| wanted.iter().all(|item| items.contains(*item))).count() as f64
        };
        let ratio = |a: &str, b: &str| {
            let (both, first, second) = (with(&[a, b]), with(&[a]), with(&[b]));
            let cells = [
                (both, first, second), (first - both, first, all - second),
                (second - both, all - first, second), (all - first - second + both, all - first, all - second),
            ];
            let terms = cells.iter().filter(|cell| cell.0 > 0.0);
            let sum: f64 = terms.map(|(k, row, column)| k * (k * all / (row * column)).ln()).sum();
            if both * all > first * second { 2.0 * sum } else { 0.0 }
        };
        let recommender = Recommender::new(&total(&measure, &events), nearest);
        for (customer, taste) in &found {
            prop_assert_eq!(&taste.items, &has[customer]);
            prop_assert_eq!(&taste.owned, &plain[customer].1);
            let recommended = recommender.recommend(taste, ITEMS.len());
            let known = ITEMS.iter().filter(|item| with(&[**item]) > 0.0 && !taste.owned.contains(**item));
            prop_assert_eq!(recommended.len(), known.count());
            let mut last = f64::INFINITY;
            for found in &recommended {
                prop_assert!(!taste.owned.contains(&found.item));
                prop_assert!(found.score <= last);
                last = found.score;
                // Its own neighbours decide: an item of the taste speaks for its nearest alone.
                let speaks_for = |own: &&String| {
                    let mine = ratio(own, &found.item);
                    let nearer = ITEMS.iter().filter(|other| *other != own).filter(|other| {
                        let theirs = ratio(own, other);
                        theirs > mine + 1e-9 || ((theirs - mine).abs() <= 1e-9 && **other < found.item.as_str())
                    });
                    **own != found.item && mine > 0.0 && nearer.count() < nearest
                };
                let speakers: Vec<_> = taste.items.iter().filter(speaks_for).collect();
                let expected: f64 = speakers.iter().map(|own| ratio(own, &found.item)).sum();
                prop_assert!((found.score - expected).abs() < 1e-6, "{} {expected}", found.score);
                match &found.because {
                    Because::Items(items) => prop_assert_eq!(items.len(), speakers.len().min(3)),
                    because => prop_assert!(*because == Because::Popular && speakers.is_empty()),
                }
            }
        }
    }

    #[test]
    fn co_occurrence_keeps_the_laws(events in events()) {
        let by_first = |history: &wayfold_core::History<'_>| Some(history.customer().1[1..].to_owned());
        let measure = CoOccurrence::new(ItemSignal::ViewsAndOrders).by_segment(by_first);
        check_laws(&measure, &events, |total| Recommender::new(total, 3));
    }
}

#[test]
fn who_is_new_gets_what_is_popular_in_its_segment_first() {
    let mut events = Vec::new();
    for (number, (customer, item)) in
        [("d1", "rug"), ("f1", "tea"), ("f2", "tea"), ("f3", "pot"), ("d2", "urn"), ("d3", "urn")]
            .into_iter()
            .enumerate()
    {
        let order = placed(9, &[item], None);
        events.push(event(number, customer, hour(0), order).with_tag(Tag::order(customer).unwrap()));
    }
    let measure = CoOccurrence::new(ItemSignal::Orders)
        .by_segment(|history| Some(history.customer().1[..1].to_owned()));
    let recommender = Recommender::new(&total(&measure, &events), 20);
    let new = Taste { segment: Some("d".to_owned()), ..Taste::default() };
    let told: Vec<_> =
        recommender.recommend(&new, 3).into_iter().map(|found| (found.item, found.because)).collect();
    let in_d = Because::PopularIn("d".to_owned());
    let expected = [("urn", in_d.clone()), ("rug", in_d), ("tea", Because::Popular)];
    assert_eq!(told, expected.map(|(item, because)| (item.to_owned(), because)));
    assert_eq!(recommender.recommend(&Taste::default(), 0), []);
}
