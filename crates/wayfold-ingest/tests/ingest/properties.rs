//! What holds for any rows, any events, any cut.

use std::collections::BTreeMap;
use std::io::Cursor;

use proptest::collection::vec;
use proptest::prelude::*;
use wayfold_core::bodies::{
    Custom, FeedbackGiven, OrderPlaced, PaymentReceived, Sentiment, SurveyAnswered, Unknown,
};
use wayfold_core::bodies::{EventRetracted, Instrument, LeadScored};
use wayfold_core::{
    Actor, Amount, AttributeName, AttributeValue, Channel, Currency, CustomKind, CustomerKey, EventBatch,
    EventBody, EventId, EventTime, JourneyEvent, JourneyKey, Money, NestedJson, OrderLine, Stage, Tag,
    Timestamp,
};
use wayfold_ingest::{CsvImport, EventSource, ImportOptions, JsonlImport, Mapping, write_jsonl};

use super::common::{drain, events, gzip};

/// Text that breaks careless readers: quotes, delimiters, line ends, controls, marks, emoji.
fn hostile() -> impl Strategy<Value = String> {
    prop_oneof![
        3 => "\\PC{0,12}",
        2 => "[ ,;\"'\\\\\n\r\t\u{0}\u{feff}\u{202e}\u{2028}ä中🦀{}\\[\\]=#@:-]{0,8}",
        1 => any::<String>(),
    ]
}

fn name() -> impl Strategy<Value = String> {
    hostile().prop_map(|text| format!("n{text}"))
}

const MAPPING: &str = r#"
version = 1
source = "property"
tenant = "tenant"
customer = "customer"
journey = "journey"
time = { column = "at", format = "unix_ms", zone = "Asia/Kolkata" }
money = { currency = "EUR" }

[[event]]
rule = "feedback"
kind = "feedback_given"
id = { key = ["customer", "text", "at"] }
tags = { account = "journey" }
attributes = { text = "text", amount = { column = "amount", type = "money" } }
fields = { theme = "text" }
"#;

#[derive(Debug, Clone)]
struct CsvRow {
    tenant: String,
    customer: String,
    journey: String,
    millis: i64,
    amount: i64,
    text: String,
}

fn csv_row() -> impl Strategy<Value = CsvRow> {
    let millis = -62_135_000_000_000_i64..253_402_000_000_000;
    (hostile(), name(), hostile(), millis, any::<i64>(), hostile()).prop_map(
        |(tenant, customer, journey, millis, amount, text)| CsvRow {
            tenant,
            customer,
            journey,
            millis,
            amount,
            text,
        },
    )
}

impl CsvRow {
    fn cells(&self) -> [String; 6] {
        let amount = Amount::from_ten_thousandths(self.amount).to_string();
        let texts = [&self.tenant, &self.customer, &self.journey].map(Clone::clone);
        let [tenant, customer, journey] = texts;
        [tenant, customer, journey, self.millis.to_string(), amount, self.text.clone()]
    }

    /// The event that the row stands for, written down a second time.
    fn event(&self) -> JourneyEvent {
        let present = |text: &String| (!text.is_empty()).then(|| text.clone());
        let instant = Timestamp::from_micros(self.millis * 1000).unwrap();
        let local = instant.to_chrono().with_timezone(&chrono_tz::Asia::Kolkata);
        let time = EventTime::from(local.fixed_offset());
        let key = [self.customer.as_str(), &self.text, &self.millis.to_string()];
        let id = EventId::from_natural_key("property", "feedback", &key);
        let customer = CustomerKey::in_tenant(&self.tenant, &self.customer).unwrap();
        let body = FeedbackGiven { theme: present(&self.text), sentiment: None };
        let mut event = JourneyEvent::new(id, customer, time, body).with_source("property");
        let money = Money::new(Amount::from_ten_thousandths(self.amount), Currency::EUR);
        event.attributes.insert(AttributeName::new("amount").unwrap(), money.into());
        if let Some(text) = present(&self.text) {
            event.attributes.insert(AttributeName::new("text").unwrap(), text.into());
        }
        if let Some(journey) = present(&self.journey) {
            event.tags.insert(Tag::new("account", &journey).unwrap());
            event.journey = Some(JourneyKey::new(journey).unwrap());
        }
        event
    }
}

/// Any instant whose local date has four digits at any offset.
fn instant() -> impl Strategy<Value = Timestamp> {
    (-62_000_000_000_000_000_i64..253_000_000_000_000_000)
        .prop_map(|micros| Timestamp::from_micros(micros).unwrap())
}

fn money() -> impl Strategy<Value = Money> {
    (0..1_000_000_000_i64, prop_oneof![Just(Currency::EUR), Just(Currency::JPY)])
        .prop_map(|(amount, currency)| Money::new(Amount::from_ten_thousandths(amount), currency))
}

fn line() -> impl Strategy<Value = OrderLine> {
    let price = || proptest::option::of((0..1_000_000_i64).prop_map(Amount::from_ten_thousandths));
    (name(), -1000..1000_i64, price(), price(), price())
        .prop_map(|(product, quantity, list, paid, cost)| OrderLine { product, quantity, list, paid, cost })
}

fn body() -> impl Strategy<Value = EventBody> {
    let text = || proptest::option::of(hostile());
    let time = proptest::option::of(instant());
    let amount = || proptest::option::of(any::<i64>().prop_map(Amount::from_ten_thousandths));
    let stage = proptest::option::of(proptest::sample::select(Stage::ALL));
    prop_oneof![
        (vec(line(), 0..4), money(), time).prop_map(|(lines, amount, promised_at)| OrderPlaced {
            lines,
            amount,
            promised_at
        }
        .into()),
        proptest::option::of(money()).prop_map(|amount| PaymentReceived { amount }.into()),
        (text(), proptest::option::of(proptest::sample::select(Sentiment::ALL)))
            .prop_map(|(theme, sentiment)| FeedbackGiven { theme, sentiment }.into()),
        (any::<i64>(), text()).prop_map(|(score, dimension)| {
            SurveyAnswered { instrument: Instrument::Other, dimension, score }.into()
        }),
        (amount(), amount(), text()).prop_map(|(fit, total, rule)| {
            LeadScored { fit, ability: None, intent: None, total, rule }.into()
        }),
        (any::<u128>(), text()).prop_map(|(event, reason)| {
            EventRetracted { event: EventId::from_u128(event), reason }.into()
        }),
        (name(), stage, proptest::option::of(money())).prop_map(|(name, stage, amount)| {
            Custom { name: CustomKind::new(name).unwrap(), stage, amount }.into()
        }),
        (hostile(), hostile()).prop_map(|(key, value)| {
            let fields = serde_json::json!({ key: value, "nested": [1, null, { "a": true }] }).to_string();
            Unknown::new("of_the_future", &fields).unwrap().into()
        }),
    ]
}

fn attribute() -> impl Strategy<Value = AttributeValue> {
    prop_oneof![
        hostile().prop_map(AttributeValue::Text),
        any::<i64>().prop_map(AttributeValue::Integer),
        any::<bool>().prop_map(AttributeValue::Boolean),
        any::<i64>().prop_map(|number| AttributeValue::Decimal(Amount::from_ten_thousandths(number))),
        instant().prop_map(AttributeValue::Time),
        money().prop_map(AttributeValue::Money),
        hostile().prop_map(|text| {
            AttributeValue::Json(NestedJson::new(&serde_json::json!([text, { "n": 1 }]).to_string()).unwrap())
        }),
    ]
}

pub(crate) fn event() -> impl Strategy<Value = JourneyEvent> {
    let who = (any::<u128>(), hostile(), name(), proptest::option::of(name()));
    let when = (instant(), -1439..1440_i16, proptest::option::of(instant()), any::<u32>());
    let what = (body(), proptest::collection::btree_map(name(), attribute(), 0..4), vec(name(), 0..3));
    let how = (
        proptest::option::of(proptest::sample::select(Channel::ALL)),
        proptest::option::of(hostile()),
        proptest::option::of(hostile()),
        proptest::option::of(any::<u128>()),
    );
    (who, when, what, how).prop_map(|(who, when, what, how)| {
        let customer = CustomerKey::in_tenant(who.1, who.2).unwrap();
        let time = EventTime::new(when.0, when.1).unwrap();
        let mut event = JourneyEvent::new(EventId::from_u128(who.0), customer, time, what.0);
        event.journey = who.3.map(|key| JourneyKey::new(key).unwrap());
        (event.received_at, event.sequence) = (when.2, when.3);
        let named = |(name, value)| (AttributeName::new(name).unwrap(), value);
        event.attributes = what.1.into_iter().map(named).collect();
        event.tags = what.2.into_iter().map(|id| Tag::new("account", id).unwrap()).collect();
        if matches!(event.body, EventBody::OrderPlaced(_)) {
            event.tags.insert(Tag::order("o1").unwrap());
        }
        (event.channel, event.source) = (how.0, how.1);
        event.actor = Actor { team: how.2.clone(), person: how.2 };
        event.causation = how.3.map(EventId::from_u128);
        event.correlation = how.3.map(uuid::Uuid::from_u128);
        event
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]

    #[test]
    fn any_rows_become_the_events_that_they_state(rows in vec(csv_row(), 1..20), delimiter in prop_oneof![Just(b','), Just(b'\t'), Just(b';')]) {
        let mut writer = csv::WriterBuilder::new().delimiter(delimiter).from_writer(Vec::new());
        writer.write_record(["tenant", "customer", "journey", "at", "amount", "text"]).unwrap();
        rows.iter().for_each(|row| writer.write_record(row.cells()).unwrap());
        let form = match delimiter {
            b'\t' => "[file]\ndelimiter = \"tab\"\n[[event]]",
            b';' => "[file]\ndelimiter = \";\"\n[[event]]",
            _ => "[[event]]",
        };
        let found = events(&MAPPING.replace("[[event]]", form), writer.into_inner().unwrap());
        let expected: Vec<_> = rows.iter().map(CsvRow::event).collect();
        prop_assert_eq!(found, expected);
    }

    #[test]
    fn any_events_survive_json_lines(stated in vec(event(), 0..12), is_gzip in any::<bool>()) {
        let batch = EventBatch::from_events(&stated).unwrap();
        let mut written = Vec::new();
        write_jsonl(&batch, &mut written).unwrap();
        prop_assert_eq!(written.iter().filter(|byte| **byte == b'\n').count(), stated.len());
        let file = if is_gzip { gzip(&written) } else { written };
        let mut source = JsonlImport::from_reader("e.jsonl", Cursor::new(file), ImportOptions::default()).unwrap();
        let imported = drain(&mut source);
        prop_assert!(imported.result.is_ok(), "{:?}", imported.result);
        prop_assert_eq!(imported.events(), stated);
    }

    #[test]
    fn any_bytes_are_events_or_an_error(bytes in vec(any::<u8>(), 0..200), is_whole_header in any::<bool>()) {
        let header: &[u8] = if is_whole_header { b"tenant,customer,journey,at,amount,text\n" } else { b"" };
        let file = [header, &bytes].concat();
        let mapping = Mapping::parse(MAPPING).unwrap();
        if let Ok(mut source) = CsvImport::from_reader(mapping, "a", Cursor::new(file), ImportOptions::default()) {
            drain(&mut source);
        }
        let jsonl = JsonlImport::from_reader("a", Cursor::new(bytes), ImportOptions::default());
        if let Ok(mut source) = jsonl {
            drain(&mut source);
        }
    }

    #[test]
    fn any_text_is_a_mapping_or_an_error(text in hostile(), at in 0..300_usize) {
        let start = MAPPING.char_indices().map(|(start, _)| start).nth(at).unwrap_or_default();
        let (before, after) = MAPPING.split_at(start);
        let _ = Mapping::parse(&format!("{before}{text}{after}"));
    }
}

const ORDERS: &str = r#"
version = 1
source = "cut"
customer = "customer"
time = { column = "day", format = "%Y-%m-%d", zone = "UTC" }
money = { currency = "EUR" }
sequence = "file_order"

[[event]]
rule = "order"
kind = "order_placed"
when = { column = "kind", equals = "order" }
group = { by = ["order"], GROUP }
tags = { order = "order" }
lines = { product = "product", quantity = "quantity", paid = { constant = "1.5" } }
fields = { amount = "@lines" }

[[event]]
rule = "view"
kind = "product_viewed"
when = { column = "kind", equals = "view" }
tags = { product = "product" }

[[event]]
rule = "search"
kind = "search_made"
when = { column = "kind", equals = "view" }
fields = { query = "product" }
"#;

/// Orders and views of few customers on few days, so that rows repeat, groups interleave and instants collide.
fn shop_file(rows: &[(u8, u8, u8, bool)]) -> String {
    let mut file = "kind,order,customer,day,product,quantity\n".to_owned();
    for (order, day, product, is_view) in rows {
        let kind = if *is_view { "view" } else { "order" };
        let customer = order % 3;
        file += &format!("{kind},o{order},c{customer},2024-01-0{},p{product},{product}\n", day + 1);
    }
    file
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]

    #[test]
    fn import_that_is_cut_and_run_again_gives_the_same_events(
        rows in vec((0..8_u8, 0..3_u8, 0..4_u8, any::<bool>()), 0..60),
        batch_events in 1..10_usize,
        is_windowed in any::<bool>(),
    ) {
        let group = if is_windowed { "adjacent = true, window = 100" } else { "adjacent = false" };
        let mapping = Mapping::parse(&ORDERS.replace("GROUP", group)).unwrap();
        let file = shop_file(&rows);
        let start = |batch_events: usize| {
            let options = ImportOptions::default().with_batch_events(batch_events);
            CsvImport::from_reader(mapping.clone(), "shop.csv", Cursor::new(file.clone()), options).unwrap()
        };
        let whole: Vec<_> = drain(&mut start(1_000)).events();
        let views = rows.iter().filter(|(.., is_view)| *is_view).count();
        prop_assert_eq!(whole.iter().filter(|event| event.tags.iter().any(|tag| tag.object_type() == "product")).count(), views);
        let cuts = drain(&mut start(batch_events)).batches.len();
        for cut in 0..=cuts {
            let mut taken: BTreeMap<EventId, JourneyEvent> = BTreeMap::new();
            let mut take = |batch: EventBatch| {
                for event in batch.to_events() {
                    let known = taken.entry(event.id).or_insert_with(|| event.clone());
                    assert_eq!(*known, event, "one id, one content");
                }
            };
            let mut interrupted = start(batch_events);
            (0..cut).filter_map(|_| interrupted.next_batch().unwrap()).for_each(&mut take);
            drain(&mut start(batch_events + 3)).batches.into_iter().for_each(&mut take);
            let expected: BTreeMap<_, _> = whole.iter().map(|event| (event.id, event.clone())).collect();
            prop_assert_eq!(expected.len(), whole.len(), "every event has an id of its own");
            prop_assert_eq!(taken, expected);
        }
    }
}
