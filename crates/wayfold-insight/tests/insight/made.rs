//! Events made up for a test, and the laws that every measure keeps.

use std::fmt::Debug;

use wayfold_core::{
    Amount, Currency, CustomerKey, EventBatch, EventBody, EventId, JourneyEvent, Money, OrderLine,
    OrderPlaced, Shard, Span, Timestamp, for_each_history,
};
use wayfold_insight::{Funnel, Measure};

pub(crate) fn at(text: &str) -> Timestamp {
    Timestamp::parse(text).unwrap()
}

pub(crate) fn hours(hours: i64) -> Span {
    Span::from_micros(hours * 3_600_000_000)
}

/// So many hours after 4 March 2024, a Monday.
pub(crate) fn hour(number: i64) -> Timestamp {
    at("2024-03-04") + hours(number)
}

pub(crate) fn eur(amount: i64) -> Money {
    Money::new(Amount::from_ten_thousandths(amount * 10_000), Currency::EUR)
}

/// An event whose number also decides among events of one instant and kind.
pub(crate) fn event(
    number: usize,
    customer: &str,
    at: Timestamp,
    body: impl Into<EventBody>,
) -> JourneyEvent {
    let id = EventId::from_u128(number as u128 + 1);
    JourneyEvent::new(id, CustomerKey::new(customer).unwrap(), at, body)
}

/// An order of one of each product.
pub(crate) fn placed(amount: i64, products: &[&str], promised_at: Option<Timestamp>) -> OrderPlaced {
    let line = |product: &&str| OrderLine {
        product: (*product).to_owned(),
        quantity: 1,
        list: None,
        paid: None,
        cost: None,
    };
    OrderPlaced { lines: products.iter().map(line).collect(), amount: eur(amount), promised_at }
}

pub(crate) fn add<M: Measure>(measure: &M, events: &[JourneyEvent], times: i64, total: &mut M::Total) {
    let batch = EventBatch::from_events(events).unwrap();
    for_each_history(&[batch], Shard::ALL, Timestamp::MAX, |history| measure.add(history, times, total));
}

pub(crate) fn total<M: Measure>(measure: &M, events: &[JourneyEvent]) -> M::Total {
    let mut total = M::Total::default();
    add(measure, events, 1, &mut total);
    total
}

/// Asserts that the order of arrival, cuts by customer and what is added and taken away again change nothing, and that a
/// total that is kept up with what arrives, late events among it, is at each position the one that is made at once.
#[track_caller]
pub(crate) fn check_laws<M: Measure, R: PartialEq + Debug>(
    measure: &M,
    events: &[JourneyEvent],
    report: impl Fn(&M::Total) -> R,
) {
    let whole = report(&total(measure, events));
    let mut shuffled = events.to_vec();
    shuffled.sort_by_key(|event| event.id.as_u128().wrapping_mul(0x9E37_79B9_7F4A_7C15) % 1_009);
    assert_eq!(report(&total(measure, &shuffled)), whole, "in another order of arrival");

    let is_even = |event: &JourneyEvent| {
        event.customer.customer.as_str().bytes().last().is_some_and(|byte| byte % 2 == 0)
    };
    let (low, high): (Vec<_>, Vec<_>) = events.iter().cloned().partition(is_even);
    let foreign = &events[..events.len() / 2];
    let (mut first, mut second) = (M::Total::default(), M::Total::default());
    add(measure, foreign, 1, &mut first);
    add(measure, &high, 1, &mut first);
    add(measure, &low, 1, &mut second);
    add(measure, foreign, -1, &mut second);
    measure.merge(&mut first, second);
    assert_eq!(report(&first), whole, "in parts, and with what was taken away again");

    let (mut kept, mut known) = (M::Total::default(), Vec::new());
    for arrived in shuffled.chunks(shuffled.len().div_ceil(4).max(1)) {
        let histories = |known: &[JourneyEvent]| -> Vec<JourneyEvent> {
            let is_theirs = |event: &&JourneyEvent| arrived.iter().any(|new| new.customer == event.customer);
            known.iter().filter(is_theirs).cloned().collect()
        };
        add(measure, &histories(&known), -1, &mut kept);
        known.extend_from_slice(arrived);
        add(measure, &histories(&known), 1, &mut kept);
        let at_once = report(&total(measure, &known));
        assert_eq!(report(&kept), at_once, "kept up with {} of {} events", known.len(), events.len());
    }
}

/// How many steps of a funnel the customer of some events reaches.
pub(crate) fn steps(funnel: &Funnel, events: &[JourneyEvent]) -> usize {
    let (batch, mut found) = (EventBatch::from_events(events).unwrap(), None);
    for_each_history(&[batch], Shard::ALL, Timestamp::MAX, |history| found = funnel.reach(history));
    found.map_or(0, |reach| reach.times.len())
}
