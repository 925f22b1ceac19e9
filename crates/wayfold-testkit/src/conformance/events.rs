//! The events that the cases write.

use wayfold_core::{Currency, Custom};
use wayfold_core::{
    CustomKind, CustomerKey, EventBody, EventId, JourneyEvent, Money, NeedIdentified, OrderPlaced,
    Registered, Span, Stage, Tag, Tenant, Timestamp, Unknown,
};

/// What the clock of a log says at first.
pub(crate) fn start() -> Timestamp {
    Timestamp::parse("2024-01-01").expect("a date")
}

/// That many seconds after the start.
pub(crate) fn at(seconds: i64) -> Timestamp {
    start() + Span::from_micros(seconds * 1_000_000)
}

pub(crate) fn key(customer: &str) -> CustomerKey {
    CustomerKey::new(customer).expect("a name of the suite")
}

pub(crate) fn key_in(tenant: &str, customer: &str) -> CustomerKey {
    CustomerKey::in_tenant(tenant, customer).expect("a name of the suite")
}

pub(crate) fn tenant(name: &str) -> Tenant {
    Tenant::new(name).expect("a name of the suite")
}

pub(crate) fn tag(text: &str) -> Tag {
    Tag::parse(text).expect("a tag of the suite")
}

pub(crate) fn event(id: u128, customer: CustomerKey, body: impl Into<EventBody>) -> JourneyEvent {
    JourneyEvent::new(EventId::from_u128(id), customer, start(), body)
}

/// The plainest event.
pub(crate) fn plain(id: u128, customer: &str) -> JourneyEvent {
    event(id, key(customer), Registered {})
}

/// That many plain events of one customer, with ids from a first one on.
pub(crate) fn plains(first: u128, count: u128, customer: &str) -> Vec<JourneyEvent> {
    (first..first + count).map(|id| plain(id, customer)).collect()
}

pub(crate) fn need(id: u128, customer: &str) -> JourneyEvent {
    event(id, key(customer), NeedIdentified { category: None })
}

pub(crate) fn custom(name: &str, stage: Option<Stage>) -> Custom {
    Custom { name: CustomKind::new(name).expect("a name of the suite"), stage, amount: None }
}

pub(crate) fn unknown(kind: &str, fields: &str) -> Unknown {
    Unknown::new(kind, fields).expect("fields of the suite")
}

fn order(id: u128, customer: CustomerKey, order: &str) -> JourneyEvent {
    let amount = Money::parse("9.99", Currency::EUR).expect("an amount");
    event(id, customer, OrderPlaced { lines: vec![], amount, promised_at: None })
        .with_tag(Tag::order(order).expect("a name of the suite"))
}

/// A small log in which every part of a filter makes a difference: kinds, tags, customers and tenants.
pub(crate) fn mixed() -> Vec<JourneyEvent> {
    vec![
        plain(1, "a"),
        order(2, key("a"), "o1").with_tag(tag("account:x")),
        order(3, key("b"), "o1"),
        order(4, key("b"), "o2").with_tag(tag("account:x")),
        event(5, key_in("t", "a"), Registered {}).with_tag(tag("account:x")),
        order(6, key_in("t", "b"), "o1"),
        event(7, key("a"), custom("seen", None)),
        event(8, key("c"), custom("won", Some(Stage::Decision))).with_tag(tag("account:x")),
        event(9, key("c"), custom("seen", Some(Stage::Decision))),
        event(10, key("a"), unknown("moon_seen", r#"{"phase":"full"}"#)),
        event(11, key_in("u", "a"), unknown("seen", "{}")).with_tag(tag("account:y")),
        need(12, "b").with_tag(tag("account:x")).with_tag(tag("account:y")),
        plain(13, "c"),
        need(14, "a"),
    ]
}
