//! CDNOW: the sample in the repository, whose rows have no key, no header and no time of day.

use std::collections::{BTreeMap, BTreeSet};

use wayfold_core::{Currency, EventBody, JourneyEvent, MoneySum};
use wayfold_ingest::{CsvImport, ImportOptions, Mapping};

use super::common::{drain, example};

fn purchases() -> Vec<JourneyEvent> {
    let mapping = Mapping::load(example("mappings/cdnow.toml")).unwrap();
    let file = example("data/cdnow_sample.txt");
    let imported = drain(&mut CsvImport::open(mapping, file, ImportOptions::default()).unwrap());
    imported.result.as_ref().unwrap();
    assert_eq!((imported.progress.rows, imported.progress.skipped_rows), (6_919, 0));
    imported.events()
}

#[test]
fn cdnow_gives_every_purchase_customer_and_dollar() {
    let events = purchases();
    assert_eq!(events.len(), 6_919);
    assert_eq!(events.iter().map(|event| &event.customer).collect::<BTreeSet<_>>().len(), 2_357);
    let amounts = events.iter().map(|event| match &event.body {
        EventBody::OrderPlaced(body) => body.amount.amount.as_ten_thousandths(),
        other => panic!("{other:?}"),
    });
    let amounts: Vec<i64> = amounts.collect();
    assert_eq!(amounts.iter().filter(|amount| **amount == 0).count(), 8);
    let sum = amounts.iter().map(|amount| i128::from(*amount)).sum();
    assert_eq!(MoneySum::new(sum, Currency::USD).to_decimal(), "244091.94");
}

#[test]
fn cdnow_rows_that_repeat_are_purchases_of_their_own_in_the_order_of_the_file() {
    let events = purchases();
    assert_eq!(events.iter().map(|event| event.id).collect::<BTreeSet<_>>().len(), 6_919);
    let mut contents: BTreeMap<String, u32> = BTreeMap::new();
    let mut days: BTreeMap<(String, String), Vec<u32>> = BTreeMap::new();
    for event in &events {
        let EventBody::OrderPlaced(body) = &event.body else { panic!("no order") };
        let day = event.occurred_at.instant().to_string();
        let content = format!("{} {day} {} {}", event.customer, body.lines[0].quantity, body.amount);
        *contents.entry(content).or_default() += 1;
        days.entry((event.customer.to_string(), day)).or_default().push(event.sequence);
    }
    let repeated: u32 = contents.values().map(|count| count - 1).sum();
    assert_eq!(repeated, 21, "exact duplicates of an earlier row");
    let same_day: usize = days.values().map(|sequences| sequences.len() - 1).sum();
    assert_eq!(same_day, 223, "further purchases of a day");
    for ((customer, day), sequences) in days {
        let expected: Vec<u32> = (0..sequences.len() as u32).collect();
        assert_eq!(sequences, expected, "{customer} on {day}");
    }
}

#[test]
fn cdnow_orders_are_named_after_their_events() {
    let first = purchases().remove(0);
    assert_eq!(first.customer.to_string(), "0001");
    assert_eq!(first.occurred_at.to_string(), "1997-01-01T00:00:00Z");
    let order = format!("order:{}", first.id);
    assert!(first.tags.iter().any(|tag| tag.as_str() == order), "{:?}", first.tags);
    assert_eq!(first.journey.unwrap().as_str(), first.id.to_string());
}
