//! Measures beside plain counting, under merging and taking away.

use std::collections::BTreeMap;

use proptest::collection::vec;
use proptest::prelude::*;
use wayfold_core::{
    Currency, CustomerKey, EventBatch, EventBody, EventId, EventRetracted, JourneyEvent, JourneyKey, Money,
    OrderPlaced, ProductViewed, Registered, Shard, Span, Tag, TicketOpened, Timestamp, for_each_history,
};
use wayfold_insight::{
    Activity, CaseBy, Cases, DirectlyFollows, Measure, ProcessMap, TemporalDeviations, TemporalProfile,
    Variants,
};

use super::made::check_laws;

fn start() -> Timestamp {
    Timestamp::parse("2024-03-01").unwrap()
}

fn body(kind: usize) -> EventBody {
    match kind {
        0 => Registered {}.into(),
        1 => ProductViewed {}.into(),
        2 => TicketOpened { ticket_kind: None, priority: None }.into(),
        _ => OrderPlaced {
            lines: vec![],
            amount: Money::parse("12.5", Currency::EUR).unwrap(),
            promised_at: None,
        }
        .into(),
    }
}

/// Events of three customers and two journeys, some at one instant, some retracted.
fn events() -> impl Strategy<Value = Vec<JourneyEvent>> {
    let one = (0..3_usize, 0..4_usize, 0..40_i64, 0..4_usize, 0..8_usize);
    vec(one, 0..40).prop_map(|all| {
        let mut events: Vec<JourneyEvent> = Vec::new();
        for (number, (customer, kind, hour, journey, retracted)) in all.into_iter().enumerate() {
            let key = CustomerKey::new(format!("c{customer}")).unwrap();
            let at = start() + Span::from_micros(hour * 3_600_000_000);
            let id = EventId::from_u128(number as u128 + 1);
            let target = events.iter().rev().nth(retracted).filter(|_| retracted < 2);
            let target = target.filter(|event| event.customer == key).map(|event| event.id);
            let body =
                target.map_or_else(|| body(kind), |event| EventRetracted { event, reason: None }.into());
            let mut event = JourneyEvent::new(id, key, at, body);
            if matches!(event.body, EventBody::OrderPlaced(_)) {
                event = event.with_tag(Tag::order(format!("o{number}")).unwrap());
            }
            event.journey = (journey < 2).then(|| JourneyKey::new(format!("j{journey}")).unwrap());
            events.push(event);
        }
        events
    })
}

/// The cases by plain means: names and hours in the order of the fold, and what was ordered.
fn plain_cases(events: &[JourneyEvent], by: CaseBy) -> Vec<Vec<(String, i64, bool)>> {
    let retracted: Vec<EventId> = events
        .iter()
        .filter_map(|event| match &event.body {
            EventBody::EventRetracted(body) => Some(body.event),
            _ => None,
        })
        .collect();
    let mut cases: BTreeMap<(String, Option<String>), Vec<&JourneyEvent>> = BTreeMap::new();
    for event in events.iter().filter(|event| !retracted.contains(&event.id)) {
        if matches!(event.body, EventBody::EventRetracted(_)) {
            continue;
        }
        let journey = event.journey.as_ref().map(|journey| journey.as_str().to_owned());
        let case = match by {
            CaseBy::Customer => None,
            CaseBy::Journey if journey.is_none() => continue,
            CaseBy::Journey => journey,
        };
        cases.entry((event.customer.customer.as_str().to_owned(), case)).or_default().push(event);
    }
    let step = |event: &JourneyEvent| {
        let hours = event.occurred_at.instant().since(start()).as_micros() / 3_600_000_000;
        (event.kind().name().to_owned(), hours, matches!(event.body, EventBody::OrderPlaced(_)))
    };
    cases
        .into_values()
        .map(|mut case| {
            case.sort_by_key(|event| (event.occurred_at.instant(), event.kind().rank(), event.id));
            case.into_iter().map(step).collect()
        })
        .collect()
}

fn total<M: Measure>(measure: &M, events: &[JourneyEvent], times: i64, total: &mut M::Total) {
    let batch = EventBatch::from_events(events).unwrap();
    for_each_history(&[batch], Shard::ALL, Timestamp::MAX, |history| measure.add(history, times, total));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]

    #[test]
    fn a_map_and_variants_count_what_plain_counting_counts(events in events(), by_journey: bool) {
        let by = if by_journey { CaseBy::Journey } else { CaseBy::Customer };
        let cases = Cases::new().by(by).valued_in(Currency::EUR);
        let graph = DirectlyFollows::new(cases.clone());
        let measure = (ProcessMap::new(cases.clone()), (Variants::new(cases.clone()), TemporalProfile::new(cases)));
        let mut found = Default::default();
        total(&measure, &events, 1, &mut found);
        let (map, (variants, profile)) = &measure;
        let (map, variants, profile) = (map.report(&found.0), variants.report(&found.1.0), profile.report(&found.1.1));

        let mut counted = Default::default();
        total(&graph, &events, 1, &mut counted);
        let graph = graph.report(&counted);

        let plain = plain_cases(&events, by);
        prop_assert_eq!((graph.cases as usize, graph.edges.len()), (plain.len(), map.edges.len()));
        for row in &graph.steps {
            let is_it = |step: &&(String, i64, bool)| step.0 == row.name;
            let found = [row.events, row.starts, row.ends].map(|count| count as usize);
            let starts = plain.iter().filter_map(|case| case.first()).filter(is_it).count();
            let ends = plain.iter().filter_map(|case| case.last()).filter(is_it).count();
            prop_assert_eq!(found, [plain.iter().flatten().filter(is_it).count(), starts, ends]);
        }
        prop_assert_eq!(map.cases as usize, plain.len());
        prop_assert_eq!(map.events as usize, plain.iter().map(Vec::len).sum::<usize>());
        let value = |case: &[(String, i64, bool)]| case.iter().filter(|step| step.2).count() as i64 * 125_000;
        let mut edges: BTreeMap<(String, String), (Vec<i64>, u64, i64)> = BTreeMap::new();
        let mut pairs: BTreeMap<(String, String), Vec<f64>> = BTreeMap::new();
        let mut sequences: BTreeMap<Vec<String>, u64> = BTreeMap::new();
        for case in &plain {
            *sequences.entry(case.iter().map(|step| step.0.clone()).collect()).or_default() += 1;
            let mut passed = Vec::new();
            for pair in case.windows(2) {
                let names = (pair[0].0.clone(), pair[1].0.clone());
                let edge = edges.entry(names.clone()).or_default();
                edge.0.push(pair[1].1 - pair[0].1);
                if !passed.contains(&names) {
                    edge.1 += 1;
                    edge.2 += value(case);
                    passed.push(names);
                }
            }
            for (place, from) in case.iter().enumerate() {
                for to in &case[place + 1..] {
                    pairs.entry((from.0.clone(), to.0.clone())).or_default().push((to.1 - from.1) as f64 * 3_600.0);
                }
            }
        }
        prop_assert_eq!(map.edges.len(), edges.len());
        for ((from, to), (mut hours, cases, value)) in edges {
            let row = map.edge(&from, &to).unwrap();
            hours.sort_unstable();
            let hour = |hours: i64| Span::from_micros(hours * 3_600_000_000);
            prop_assert_eq!((row.count as usize, row.cases, row.value.as_ten_thousandths()), (hours.len(), cases, value));
            prop_assert_eq!(graph.count(&from, &to), row.count);
            prop_assert_eq!(row.total, hour(hours.iter().sum()));
            prop_assert_eq!(row.median, hour(hours[hours.len().div_ceil(2) - 1]));
        }
        prop_assert_eq!(variants.variants.len(), sequences.len());
        for row in &variants.variants {
            prop_assert_eq!(Some(&row.cases), sequences.get(&row.steps.iter().map(str::to_owned).collect::<Vec<_>>()));
        }
        prop_assert_eq!(profile.pairs.len(), pairs.len());
        for ((from, to), seconds) in pairs {
            let row = profile.pair(&from, &to).unwrap();
            let mean = seconds.iter().sum::<f64>() / seconds.len() as f64;
            let squares: f64 = seconds.iter().map(|found| (found - mean).powi(2)).sum();
            prop_assert!((row.mean_seconds - mean).abs() < 1e-6);
            match row.standard_deviation_seconds {
                None => prop_assert_eq!(seconds.len(), 1),
                Some(found) => prop_assert!((found - (squares / (seconds.len() - 1) as f64).sqrt()).abs() < 1e-6),
            }
        }
    }

    #[test]
    fn totals_are_a_group_and_are_kept_up(all in events()) {
        let cases = Cases::new().valued_in(Currency::EUR);
        let profile = {
            let (measure, mut found) = (TemporalProfile::new(cases.clone()), Default::default());
            total(&measure, &all, 1, &mut found);
            measure.report(&found)
        };
        let measure = (
            ((ProcessMap::new(cases.clone()), DirectlyFollows::new(cases.clone())), Variants::new(cases.clone())),
            (TemporalProfile::new(cases.clone()), TemporalDeviations::new(cases, profile, 1.0)),
        );
        let (((map, graph), variants), (profile, deviations)) = &measure;
        check_laws(&measure, &all, |(((edges, counts), ways), (pairs, found))| {
            let of_cases = (map.report(edges), graph.report(counts), variants.report(ways));
            (of_cases, profile.report(pairs), deviations.report(found), found.clone())
        });
    }
}

#[test]
fn hand_over_of_work_is_a_map_of_persons_and_names_are_escaped_in_charts() {
    let by = |number: u128, person: Option<&str>, hour: i64| {
        let at = start() + Span::from_micros(hour * 3_600_000_000);
        let mut event =
            JourneyEvent::new(EventId::from_u128(number), CustomerKey::new("c").unwrap(), at, Registered {});
        event.actor.person = person.map(str::to_owned);
        event
    };
    let events = [by(1, Some("a\"]; click"), 0), by(2, None, 1), by(3, Some("b"), 30), by(4, Some("b"), 31)];
    let mut found = Default::default();
    let measure = ProcessMap::new(Cases::new().named_by(Activity::Person).keeping(|name| name != "c"));
    total(&measure, &events, 1, &mut found);
    let report = measure.report(&found);
    assert!(report.semantics.contains("steps by person, some steps left out"), "{}", report.semantics);
    assert_eq!(
        (report.edge("a\"]; click", "b").unwrap().count, report.edge("b", "b").unwrap().count),
        (1, 1)
    );
    assert_eq!(report.bottlenecks()[0].to, "b");
    let chart = report.mermaid();
    assert!(chart.contains("a#34;#93;#59; click (1)") && chart.contains("1 x, 1.2 d"), "{chart}");
}

#[test]
fn deviations_name_the_customer_and_the_pair() {
    let event = |customer: &str, id: u128, kind: usize, hour: i64| {
        let at = start() + Span::from_micros(hour * 3_600_000_000);
        JourneyEvent::new(EventId::from_u128(id), CustomerKey::new(customer).unwrap(), at, body(kind))
    };
    let mut events = Vec::new();
    for (number, hours) in [10, 11, 9, 10, 100].into_iter().enumerate() {
        let customer = format!("c{number}");
        events.push(event(&customer, 2 * number as u128 + 1, 0, 0));
        events.push(event(&customer, 2 * number as u128 + 2, 1, hours));
    }
    let (of_pairs, mut pairs) = (TemporalProfile::new(Cases::new()), Default::default());
    total(&of_pairs, &events, 1, &mut pairs);
    let mut found = Default::default();
    let measure = TemporalDeviations::new(Cases::new(), of_pairs.report(&pairs), 1.5);
    total(&measure, &events, 1, &mut found);
    let told: Vec<_> =
        found.keys().map(|deviation| (deviation.customer.as_str(), deviation.to.as_str())).collect();
    assert_eq!(told, [("c4", "product_viewed")]);
    let report = measure.report(&found);
    assert_eq!((report.deviations[0].deviation.customer.as_str(), report.deviations[0].times), ("c4", 1));
    assert!(
        report.semantics.starts_with("pairs further than 1.5 standard deviations"),
        "{}",
        report.semantics
    );
}
