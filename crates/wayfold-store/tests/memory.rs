//! What is special to the memory store: its words and its pages. What every store does is in the conformance
//! suite of the test tools.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use pollster::block_on;
use wayfold_core::bodies::{IdentityLinked, NeedIdentified, Registered};
use wayfold_core::{
    CustomerKey, EventBatch, EventBody, EventId, JourneyEvent, Limits, Position, Span, Timestamp,
};
use wayfold_store::{AppendOutcome, CheckpointName, ErrorKind, EventStore, MemoryStore, ReadQuery};

fn at(seconds: i64) -> Timestamp {
    Timestamp::parse("2024-01-01").unwrap() + Span::from_micros(seconds * 1_000_000)
}

fn event(id: u128, customer: &str, body: impl Into<EventBody>) -> JourneyEvent {
    JourneyEvent::new(EventId::from_u128(id), CustomerKey::new(customer).unwrap(), at(0), body)
}

fn registered(id: u128, customer: &str) -> JourneyEvent {
    event(id, customer, Registered {})
}

fn append(store: &MemoryStore, events: &[JourneyEvent]) -> wayfold_store::Result<AppendOutcome> {
    block_on(store.append(EventBatch::from_events(events).unwrap(), None))
}

#[track_caller]
fn check_refused(store: &MemoryStore, events: &[JourneyEvent], message: &str) {
    let error = append(store, events).unwrap_err();
    assert_eq!(error.to_string(), message);
}

#[test]
fn refusals_say_which_event_why_and_what_to_do() {
    let mut limits = Limits::default();
    limits.batch_events_max = 2;
    let store = MemoryStore::with_limits(limits).with_clock(|| at(0));
    let _ = append(&store, &[registered(1, "a")]).unwrap();
    let (id, need) = (EventId::from_u128(1), NeedIdentified { category: None });
    let place = format!("at position {}", block_on(store.head()).unwrap());
    let advice =
        "give the new event an id of its own, or correct the old one by a retraction and a new event";
    let taken = |place: &str| format!("event {id} is taken with other content {place}; {advice}");
    check_refused(&store, &[event(1, "a", need.clone())], &taken(&place));

    let empty = MemoryStore::new();
    let twice = [registered(1, "a"), event(1, "a", need)];
    check_refused(&empty, &twice, &taken("earlier in the same batch"));

    let three = [registered(1, "a"), registered(2, "a"), registered(3, "a")];
    check_refused(&store, &three, "3 events in a batch; at most 2 are taken");

    let linked = event(1, "a", IdentityLinked { alias: "b".to_owned() });
    let message = format!("event {id}: this store does not support identity_linked; nothing was written");
    check_refused(&store, &[linked], &message);

    let mut far = registered(7, "a");
    far.occurred_at = (at(86_400) + Span::from_micros(1)).into();
    let error = append(&store, &[far]).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidEvent);
    assert!(error.to_string().contains("more than 86400 s beyond the clock"), "{error}");
}

#[test]
fn page_of_everything_may_be_one_stored_batch() {
    let store = MemoryStore::new();
    for first in [1, 10] {
        let _ = append(&store, &[registered(first, "a"), registered(first + 1, "b")]).unwrap();
    }
    let len = |query, limit| block_on(store.read(query, Position::START, limit)).unwrap().batch.len();
    assert_eq!(len(ReadQuery::all(), 99), 2, "as it was appended");
    assert_eq!(len(ReadQuery::customer(CustomerKey::new("a").unwrap()), 99), 2, "of both batches");
    assert_eq!(len(ReadQuery::all(), 1), 1, "a batch is cut where the page has no room for it");
}

#[test]
fn names_of_checkpoints_have_1_to_512_bytes() {
    assert!(CheckpointName::new("").is_err());
    assert!(CheckpointName::new("n".repeat(512)).is_ok());
    assert!(CheckpointName::new("n".repeat(513)).is_err());
}
