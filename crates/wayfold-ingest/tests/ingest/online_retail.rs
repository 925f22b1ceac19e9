//! UCI Online Retail: the figures of the reference answers, read through the committed mappings.

use std::collections::{BTreeMap, BTreeSet};

use wayfold_core::{EventKind, JourneyEvent, MoneySum};
use wayfold_ingest::{CsvImport, ImportOptions, Mapping, Progress};

use super::common::{drain, example, real_data};

struct Answers(serde_json::Value);

impl Answers {
    fn value(&self, name: &str) -> &serde_json::Value {
        &self.0["answers"][name]["value"]
    }

    fn number(&self, name: &str) -> u64 {
        self.value(name).as_u64().unwrap_or_else(|| panic!("no number {name}"))
    }
}

fn run(test: &str, mapping: &str) -> Option<(Vec<JourneyEvent>, Progress, Answers)> {
    let file = real_data(test, "online-retail/online_retail.csv.gz")?;
    let answers = std::fs::read_to_string(file.with_file_name("reference.json")).unwrap();
    let mapping = Mapping::load(example(mapping)).unwrap();
    let mut source = CsvImport::open(mapping, file, ImportOptions::default()).unwrap();
    let imported = drain(&mut source);
    imported.result.as_ref().unwrap();
    Some((imported.events(), imported.progress, Answers(serde_json::from_str(&answers).unwrap())))
}

fn total<'a>(events: impl IntoIterator<Item = &'a JourneyEvent>) -> String {
    use wayfold_core::{Currency, EventBody};
    let sum = events.into_iter().map(|event| match &event.body {
        EventBody::OrderPlaced(body) => i128::from(body.amount.amount.as_ten_thousandths()),
        EventBody::Refunded(body) => -i128::from(body.amount.amount.as_ten_thousandths()),
        _ => 0,
    });
    MoneySum::new(sum.sum(), Currency::GBP).to_decimal()
}

fn of_kind(events: &[JourneyEvent], kind: EventKind) -> Vec<&JourneyEvent> {
    events.iter().filter(|event| event.kind() == kind).collect()
}

fn customers(events: &[JourneyEvent]) -> u64 {
    events.iter().map(|event| &event.customer).collect::<BTreeSet<_>>().len() as u64
}

#[test]
fn online_retail_purchases_give_the_published_figures() {
    let test = "online_retail::online_retail_purchases_give_the_published_figures";
    let Some((events, progress, answers)) = run(test, "mappings/online_retail_purchases.toml") else {
        return;
    };
    assert_eq!(progress.rows, answers.number("rows"));
    assert_eq!(progress.skipped_by_reason["no customer"], answers.number("rows_without_customer"));
    assert_eq!(progress.rows - progress.skipped_rows, answers.number("P_rows"));
    assert_eq!(events.len() as u64, answers.number("P_orders"));
    assert_eq!(progress.events, answers.number("P_orders"));
    assert_eq!(customers(&events), answers.number("P_customers"));
    assert_eq!(total(&events), *answers.value("P_gross_revenue"));
    let ids: BTreeSet<_> = events.iter().map(|event| event.id).collect();
    assert_eq!(ids.len(), events.len());
    check_customers(&events, &answers);
}

fn check_customers(events: &[JourneyEvent], answers: &Answers) {
    let mut orders: BTreeMap<String, Vec<JourneyEvent>> = BTreeMap::new();
    for event in events {
        orders.entry(event.customer.to_string()).or_default().push(event.clone());
    }
    let at_least_two = orders.values().filter(|orders| orders.len() >= 2).count() as u64;
    assert_eq!(at_least_two, answers.number("P_customers_2plus_orders"));
    for best in answers.value("P_top10_customers").as_array().unwrap() {
        let customer = best[0].to_string();
        let sum = total(&orders[&customer]);
        let expected = best[1].as_str().unwrap();
        let expected = if expected.contains('.') { expected.trim_end_matches('0') } else { expected };
        assert_eq!(sum, expected.trim_end_matches('.'), "customer {customer}");
    }
}

#[test]
fn online_retail_takes_every_row_with_a_customer() {
    let test = "online_retail::online_retail_takes_every_row_with_a_customer";
    let Some((events, progress, answers)) = run(test, "mappings/online_retail.toml") else { return };
    assert_eq!(progress.rows, answers.number("rows"));
    let reasons: Vec<_> = progress.skipped_by_reason.iter().collect();
    assert_eq!(reasons, [(&"no customer".to_owned(), &answers.number("rows_without_customer"))]);
    assert_eq!(progress.rejected_rows, 0);
    assert_eq!(customers(&events), answers.number("customers"));
    // Returns with and refunds of a customer: 3,654 of the 3,836 invoices that begin with C.
    assert_eq!(of_kind(&events, EventKind::OrderPlaced).len(), 18_536);
    assert_eq!(of_kind(&events, EventKind::Returned).len(), 3_654);
    assert_eq!(of_kind(&events, EventKind::Refunded).len(), 3_654);
    // Orders less refunds are what all rows of customers add up to.
    assert_eq!(total(&events), *answers.value("net_revenue_identified"));
    let orders = of_kind(&events, EventKind::OrderPlaced).into_iter().cloned().collect::<Vec<_>>();
    assert_eq!(total(&orders), *answers.value("P_gross_revenue"), "rows with a price of 0 add nothing");
}

#[test]
fn online_retail_orders_with_two_timestamps_take_the_earlier() {
    let test = "online_retail::online_retail_orders_with_two_timestamps_take_the_earlier";
    let Some((events, _, answers)) = run(test, "mappings/online_retail.toml") else { return };
    let at = |order: &str| {
        let found =
            events.iter().find(|event| event.journey.as_ref().is_some_and(|key| key.as_str() == order));
        found.unwrap().occurred_at.instant().to_string()
    };
    // Invoice 542806 has rows at 11:19 and 11:20, with rows of another one between them.
    assert_eq!(at("542806"), "2011-02-01T11:19:00Z");
    let instants: Vec<_> = events.iter().map(|event| event.occurred_at.instant()).collect();
    let text = |name: &str| answers.value(name).as_str().unwrap().replace(' ', "T") + "Z";
    assert_eq!(instants.iter().min().unwrap().to_string(), text("first_timestamp"));
    assert_eq!(instants.iter().max().unwrap().to_string(), text("last_timestamp"));
    let order =
        events.iter().find(|event| event.journey.as_ref().is_some_and(|key| key.as_str() == "542806"));
    let wayfold_core::EventBody::OrderPlaced(body) = &order.unwrap().body else { panic!("no order") };
    assert_eq!(body.lines.len(), 39, "all rows of the invoice are its lines");
}
