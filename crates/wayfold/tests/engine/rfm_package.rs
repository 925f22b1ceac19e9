//! The orders that the R package `rfm` ships, scored by its rule: the segments of its own test.

use std::collections::BTreeMap;

use serde_json::{Value, json};
use wayfold::blocking::Wayfold;
use wayfold::{
    Currency, CustomerKey, EventId, JourneyEvent, MemoryStore, Money, OrderPlaced, RfmScores, Tag, TieRule,
    Timestamp,
};
use wayfold_testkit::real_data;

fn orders(csv: &str) -> Vec<JourneyEvent> {
    let order = |(row, line): (usize, &str)| {
        let [customer, date, revenue] = line.split(',').collect::<Vec<_>>()[..] else { panic!("{line}") };
        let amount = Money::parse(revenue, Currency::USD).unwrap();
        let body = OrderPlaced { lines: vec![], amount, promised_at: None };
        let key = CustomerKey::new(customer).unwrap();
        JourneyEvent::new(EventId::from_u128(row as u128), key, Timestamp::parse(date).unwrap(), body)
            .with_tag(Tag::order(row.to_string()).unwrap())
    };
    csv.lines().enumerate().skip(1).map(order).collect()
}

/// The package's rectangles overlap and leave gaps, so the first that holds the scores wins.
fn segment(rectangles: &Value, scores: RfmScores) -> &str {
    let within = |ranges: &Value, place: usize, score: u8| {
        let (from, to) = ranges[place].as_str().unwrap().split_once('-').unwrap();
        (from.parse().unwrap()..=to.parse().unwrap()).contains(&score)
    };
    let names = rectangles["order"].as_array().unwrap();
    let holds = |place: &usize| {
        let rest = &rectangles["F_and_M"];
        within(&rectangles["R"], *place, scores.recency)
            && within(rest, *place, scores.frequency)
            && within(rest, *place, scores.monetary)
    };
    (0..names.len()).find(holds).map_or("Others", |place| names[place].as_str().unwrap())
}

#[test]
fn the_r_packages_rule_gives_its_own_segments() {
    let test = "the_r_packages_rule_gives_its_own_segments";
    let Some(file) = real_data(test, "rfm/rfm_data_orders.csv") else { return };
    let Some(expected) = real_data(test, "rfm/rfm_expected.json") else { return };
    let expected: Value = serde_json::from_slice(&std::fs::read(expected).unwrap()).unwrap();

    let wayfold = Wayfold::open(MemoryStore::new()).unwrap();
    wayfold.append(&orders(&std::fs::read_to_string(file).unwrap())).unwrap();
    let population = wayfold.population(Timestamp::parse("2006-12-31").unwrap()).unwrap();
    let table = population.rfm(Currency::USD, TieRule::Quantile);

    let mut found: BTreeMap<&str, (u64, u64, i128)> = BTreeMap::new();
    for customer in &table.customers {
        let sums = found.entry(segment(&expected["rectangles"], customer.scores)).or_default();
        sums.0 += 1;
        sums.1 += u64::from(customer.frequency);
        sums.2 += customer.monetary.as_ten_thousandths() / 10_000;
    }
    let found: Vec<_> = found
        .into_iter()
        .map(|(name, (customers, orders, revenue))| {
            json!({ "seg": name, "n": customers, "orders": orders, "rev": revenue as u64 })
        })
        .collect();
    assert_eq!(json!(found), expected["replica"]);
    assert!(found.contains(&json!({ "seg": "Champions", "n": 158, "orders": 1_234, "rev": 120_178 })));
}
