//! What the golden files hold.

use std::fs;
use std::path::PathBuf;

use wayfold_core::{
    Amount, AttributeName, AttributeValue, Currency, Custom, CustomKind, CustomerKey, EventBatch, EventBody,
    EventId, EventTime, JourneyEvent, JourneyKey, Money, NestedJson, OrderLine, OrderPlaced, Registered,
    SearchMade, Span, Tag, Timestamp, Unknown,
};
use wayfold_testkit::shop;

use super::super::support::{hostile, recorded};

/// Every kind, and whatever is hard to keep.
pub(super) fn fresh() -> EventBatch {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../wayfold-core/tests/golden/events");
    let mut files: Vec<_> = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.sort();
    let read = |path: PathBuf| serde_json::from_str(&fs::read_to_string(path).unwrap()).unwrap();
    let mut events: Vec<JourneyEvent> = files.into_iter().map(read).collect();
    events.extend(names());
    events.extend(extremes());
    recorded(&events, events.len(), 1).remove(0)
}

/// A few thousand events: a shop's, small hostile histories, and one long history over several pages.
pub(super) fn sealed() -> Vec<EventBatch> {
    let mut events: Vec<JourneyEvent> = shop::Shop::new(shop::ShopConfig::of(1_600)).distinct().collect();
    events.extend((0..12).flat_map(hostile));
    let long = CustomerKey::in_tenant("acme", "the long history").unwrap();
    let start = Timestamp::parse("2024-01-01").unwrap();
    events.extend((0..2_400).map(|number: u32| {
        let at = start + Span::from_micros(i64::from(number % 600) * 3_600_000_000);
        let query = number.is_multiple_of(7).then(|| format!("query {}", number % 5));
        let body = SearchMade { query, results_found: Some(i64::from(number % 3)) };
        JourneyEvent::new(id(u128::from(number) << 20), long.clone(), at, body).with_sequence(number / 600)
    }));
    recorded(&events, 700, 1)
}

fn id(number: u128) -> EventId {
    EventId::from_u128(0x018f_0000_0000_7000_8000_0000_0000_0000 | number)
}

fn at() -> Timestamp {
    Timestamp::parse("2024-02-29T12:00:00.5Z").unwrap()
}

/// Names that break whoever quotes, cuts or trims them.
fn names() -> Vec<JourneyEvent> {
    let names = [
        "\0",
        "a\0b",
        "\u{202e}dlrow",
        "\u{200f}\u{200e}",
        "'; drop table events; --",
        "\"",
        "\\",
        "\n\r\t",
        " ",
        "{\"id\":1}",
        "a.b.c",
        "..",
        ":",
        "é",
        "e\u{301}",
        "👩‍👩‍👧‍👦",
        "\u{feff}",
        "\u{10ffff}",
    ];
    let named = |(number, name): (usize, &&str)| {
        let customer = CustomerKey::in_tenant(name, name).unwrap();
        JourneyEvent::new(
            id(1 << 32 | number as u128),
            customer,
            at(),
            SearchMade { query: Some((*name).to_owned()), results_found: None },
        )
        .with_journey(JourneyKey::new(name).unwrap())
        .with_tag(Tag::new("t", name).unwrap())
        .with_source(*name)
        .with_attribute(AttributeName::new(name).unwrap(), *name)
    };
    // Ten thousand bytes, and no character begins at a round number of them.
    let long = CustomerKey::new("x".to_owned() + &"长".repeat(3_333)).unwrap();
    let long = JourneyEvent::new(id(2 << 32), long, at(), Registered {});
    names.iter().enumerate().map(named).chain([long]).collect()
}

fn attributes(event: JourneyEvent, values: &[(&str, AttributeValue)]) -> JourneyEvent {
    values.iter().fold(event, |event, (name, value)| {
        event.with_attribute(AttributeName::new(name).unwrap(), value.clone())
    })
}

/// Numbers and times at the ends of what they can be, and texts of no length.
fn extremes() -> Vec<JourneyEvent> {
    let customer = CustomerKey::new("extremes").unwrap();
    let new = |number: u128, at: EventTime, body: EventBody| {
        JourneyEvent::new(EventId::from_u128(number), customer.clone(), at, body)
    };
    let (least, most) = (Amount::from_ten_thousandths(i64::MIN), Amount::from_ten_thousandths(i64::MAX));
    let first = new(0, Timestamp::MIN.into(), Registered {}.into()).with_sequence(u32::MAX);
    let mut last = new(u128::MAX, Timestamp::MAX.into(), Registered {}.into()).with_source("");
    last.received_at = Some(Timestamp::MIN);
    last.actor.team = Some(String::new());
    let json = NestedJson::new(r#"{"":[],"a":{"b":[null,true,-0.5e-7,"\u0000"]}}"#).unwrap();
    let least_values = [
        ("amount", AttributeValue::Decimal(least)),
        ("integer", i64::MIN.into()),
        ("time", AttributeValue::Time(Timestamp::MIN)),
        ("text", "".into()),
        ("boolean", false.into()),
    ];
    let most_values = [
        ("amount", AttributeValue::Decimal(most)),
        ("integer", i64::MAX.into()),
        ("time", AttributeValue::Time(Timestamp::MAX)),
        ("json", AttributeValue::Json(json)),
        ("money", Money::new(least, Currency::JPY).into()),
        ("boolean", true.into()),
    ];
    let line = |quantity, price| OrderLine {
        product: "p".to_owned(),
        quantity,
        list: None,
        paid: Some(Amount::from_ten_thousandths(price)),
        cost: None,
    };
    let offset = |minutes| EventTime::new(at(), minutes).unwrap();
    let placed = OrderPlaced {
        lines: vec![line(-1, i64::MAX - 1), line(1, 0), line(0, i64::MIN)],
        amount: Money::new(most, Currency::CNY),
        promised_at: Some(Timestamp::MAX),
    };
    let custom = Custom {
        name: CustomKind::new("custom:need").unwrap(),
        stage: None,
        amount: Some(Money::new(least, Currency::USD)),
    };
    let unknown =
        Unknown::new("\u{202e}kind", r#"{"z":1.10,"a":{"y":[123456789012345678,1E+2,0.1]},"":""}"#).unwrap();
    vec![
        first,
        last,
        attributes(new(1, offset(-1_439), Registered {}.into()), &least_values),
        attributes(new(2, offset(1_439), Registered {}.into()), &most_values),
        new(3, offset(0), placed.into()).with_tag(Tag::order("o").unwrap()),
        new(4, offset(0), custom.into())
            .with_schema_version(u16::MAX)
            .with_tag(Tag::order("o").unwrap())
            .with_tag(Tag::order("p").unwrap()),
        new(5, offset(330), unknown.into()).with_schema_version(65_000),
    ]
}
