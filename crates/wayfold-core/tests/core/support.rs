//! Short ways to write histories: days count from 2024-01-01, ids from 1.

use wayfold_core::{
    Currency, CustomerKey, EventBatch, EventBody, EventId, Fold, JourneyEvent, JourneyKey, Money,
    OrderPlaced, ProjectionSet, Rules, Span, Tag, Timestamp,
};

pub(crate) fn ada() -> CustomerKey {
    CustomerKey::new("ada").unwrap()
}

pub(crate) fn day(number: u32) -> Timestamp {
    Timestamp::parse("2024-01-01").unwrap() + Span::from_days(number)
}

pub(crate) fn eur(text: &str) -> Money {
    Money::parse(text, Currency::EUR).unwrap()
}

pub(crate) fn event(id: u128, at: Timestamp, body: impl Into<EventBody>) -> JourneyEvent {
    JourneyEvent::new(EventId::from_u128(id), ada(), at, body)
}

/// An event about an order.
pub(crate) fn about(order: &str, id: u128, at: Timestamp, body: impl Into<EventBody>) -> JourneyEvent {
    event(id, at, body).with_tag(Tag::order(order).unwrap())
}

pub(crate) fn placed(order: &str, id: u128, at: Timestamp, amount: &str) -> JourneyEvent {
    about(order, id, at, OrderPlaced { lines: vec![], amount: eur(amount), promised_at: None })
}

pub(crate) fn journey(event: JourneyEvent, key: &str) -> JourneyEvent {
    event.with_journey(JourneyKey::new(key).unwrap())
}

pub(crate) fn batch(events: &[JourneyEvent]) -> EventBatch {
    EventBatch::from_events(events).unwrap()
}

pub(crate) fn projections() -> ProjectionSet {
    ProjectionSet::new(Rules::default()).unwrap()
}

/// Folds batches one after the other, with the refolds that they ask for.
pub(crate) fn fold(batches: &[EventBatch]) -> Fold {
    let mut fold = Fold::new(&projections());
    for number in 0..batches.len() {
        let applied = fold.apply(&batches[number..=number]);
        for refold in applied.refolds {
            fold.refold(&refold, &batches[..=number]);
        }
    }
    fold
}

/// Folds events at once.
pub(crate) fn fold_events(events: &[JourneyEvent]) -> Fold {
    fold(&[batch(events)])
}

pub(crate) fn export(fold: &Fold) -> String {
    let mut bytes = Vec::new();
    fold.export(&mut bytes).unwrap();
    String::from_utf8(bytes).unwrap()
}
