//! What several tests of the engine need.

use wayfold::{
    Currency, CustomerKey, EventBody, EventId, JourneyEvent, Money, OrderPlaced, Registered, Result, Span,
    Tag, Timestamp,
};

/// The start of 2024 and so many days.
pub(crate) fn day(number: u32) -> Timestamp {
    Timestamp::parse("2024-01-01").unwrap() + Span::from_days(number)
}

pub(crate) fn key(customer: &str) -> CustomerKey {
    CustomerKey::new(customer).unwrap()
}

/// An event on a day.
pub(crate) fn event(customer: &str, id: u128, number: u32, body: impl Into<EventBody>) -> JourneyEvent {
    JourneyEvent::new(EventId::from_u128(id), key(customer), day(number), body)
}

/// An event that changes nothing but that the customer is known.
pub(crate) fn registered(customer: &str, id: u128, number: u32) -> JourneyEvent {
    event(customer, id, number, Registered {})
}

/// An order of 10 euros, whose own id goes with the event's.
pub(crate) fn order(customer: &str, id: u128, number: u32) -> JourneyEvent {
    let amount = Money::parse("10", Currency::EUR).unwrap();
    let placed = OrderPlaced { lines: vec![], amount, promised_at: None };
    event(customer, id, number, placed).with_tag(Tag::order(format!("o{id}")).unwrap())
}

/// Tries a call that may fail now and then until it succeeds.
pub(crate) fn surely<T>(mut call: impl FnMut() -> Result<T>) -> T {
    let mut tries = 0..50;
    loop {
        match call() {
            Ok(done) => return done,
            Err(error) => assert!(error.is_retryable() && tries.next().is_some(), "{error}"),
        }
    }
}
