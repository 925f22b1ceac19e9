//! The port's promises, on the memory store.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::task::{Context, Poll, Waker};

use pollster::block_on;
use wayfold_core::bodies::{CustomerErased, IdentityLinked, IdentityUnlinked, NeedIdentified, Registered};
use wayfold_core::{
    Custom, CustomKind, CustomerKey, EventBatch, EventBody, EventId, EventKind, JourneyEvent, Limits,
    Position, Span, Stage, Tag, Tenant, Timestamp,
};
use wayfold_store::{
    AppendCondition, AppendOutcome, Checkpoint, CheckpointName, ErrorKind, EventFilter, EventStore,
    EventStoreExt, MemoryStore, ReadQuery, Written,
};

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

fn append_if(
    store: &MemoryStore,
    events: &[JourneyEvent],
    filter: EventFilter,
    after: Position,
) -> AppendOutcome {
    let condition = AppendCondition { filter, after };
    block_on(store.append(EventBatch::from_events(events).unwrap(), Some(condition))).unwrap()
}

fn positions(outcome: AppendOutcome) -> Vec<Position> {
    match outcome {
        AppendOutcome::Appended { positions, .. } | AppendOutcome::AlreadyTaken { positions } => positions,
        AppendOutcome::Conflict { position } => panic!("conflict at {position}"),
    }
}

fn ids(store: &MemoryStore, query: ReadQuery, from: Position, limit: usize) -> Vec<u128> {
    let page = block_on(store.read(query, from, limit)).unwrap();
    page.batch.iter().map(|event| event.id().as_u128()).collect()
}

#[test]
fn an_id_is_taken_once_and_the_same_content_again_changes_nothing() {
    let store = MemoryStore::new();
    let first = positions(append(&store, &[registered(1, "a"), registered(2, "a")]).unwrap());
    let again = append(&store, &[registered(2, "a"), registered(1, "a")]).unwrap();
    assert_eq!(again, AppendOutcome::AlreadyTaken { positions: vec![first[1], first[0]] });
    let partly = append(&store, &[registered(2, "a"), registered(3, "a"), registered(3, "a")]).unwrap();
    let AppendOutcome::Appended { positions, new } = partly else { panic!("{partly:?}") };
    assert_eq!((new, positions[0], positions[1] == positions[2]), (1, first[1], true));
    assert_eq!(ids(&store, ReadQuery::all(), Position::START, 2), [1, 2]);
}

#[test]
fn an_id_with_other_content_is_refused_and_nothing_is_written() {
    let store = MemoryStore::new();
    let first = positions(append(&store, &[registered(1, "a")]).unwrap())[0];
    let other = event(1, "a", NeedIdentified { category: None });
    let error = append(&store, &[registered(5, "a"), other.clone()]).unwrap_err();
    assert_eq!(
        (error.kind(), error.written(), error.is_retryable()),
        (ErrorKind::IdReused, Written::Nothing, false)
    );
    assert_eq!(
        error.to_string(),
        format!(
            "event {} is taken with other content at position {first}; give the new event an id of its own, or \
             correct the old one by a retraction and a new event",
            other.id
        )
    );
    let error =
        append(&store, &[registered(7, "a"), event(7, "a", NeedIdentified { category: None })]).unwrap_err();
    assert!(error.to_string().contains("earlier in the same batch"), "{error}");
    assert_eq!(block_on(store.head()).unwrap(), first);
}

#[test]
fn ids_are_taken_per_tenant() {
    let store = MemoryStore::new();
    let mut foreign = event(1, "a", NeedIdentified { category: None });
    foreign.customer = CustomerKey::in_tenant("other", "a").unwrap();
    let outcome = append(&store, &[registered(1, "a"), foreign]).unwrap();
    assert!(matches!(outcome, AppendOutcome::Appended { new: 2, .. }));
}

#[test]
fn kinds_that_the_store_cannot_honour_are_refused_by_name() {
    let store = MemoryStore::new();
    let alias = || "b".to_owned();
    let bodies: [(EventBody, &str); 3] = [
        (IdentityLinked { alias: alias() }.into(), "identity_linked"),
        (IdentityUnlinked { alias: alias() }.into(), "identity_unlinked"),
        (CustomerErased { reason: None }.into(), "customer_erased"),
    ];
    for (body, name) in bodies {
        let refused = event(9, "a", body);
        let error = append(&store, &[registered(1, "a"), refused.clone()]).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Unsupported);
        let id = refused.id;
        assert_eq!(
            error.to_string(),
            format!("event {id}: this store does not support {name}; nothing was written")
        );
    }
    assert_eq!(block_on(store.head()).unwrap(), Position::START);
}

#[test]
fn the_far_future_and_large_batches_are_refused() {
    let mut limits = Limits::default();
    limits.batch_events_max = 2;
    let store = MemoryStore::with_limits(limits).with_clock(|| at(0));
    let mut far = registered(1, "a");
    far.occurred_at = (at(86_400) + Span::from_micros(1)).into();
    let error = append(&store, &[far]).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidEvent);
    assert!(error.to_string().contains("more than 86400 s beyond the clock"), "{error}");
    let error = append(&store, &[registered(1, "a"), registered(2, "a"), registered(3, "a")]).unwrap_err();
    assert_eq!(error.to_string(), "3 events in a batch; at most 2 are taken");
}

#[test]
fn recorded_at_never_goes_back_when_the_clock_does() {
    let clock = Arc::new(AtomicI64::new(100));
    let read = clock.clone();
    let store = MemoryStore::new().with_clock(move || at(read.load(Ordering::SeqCst)));
    for (id, time) in [(1, 100), (2, 50), (3, 200)] {
        clock.store(time, Ordering::SeqCst);
        let _ = append(&store, &[registered(id, "a")]).unwrap();
    }
    let recorded: Vec<_> = block_on(store.read_all(EventFilter::all()))
        .unwrap()
        .iter()
        .flat_map(EventBatch::to_events)
        .map(|event| event.recorded_at.unwrap())
        .collect();
    assert_eq!(recorded, [at(100), at(100), at(200)]);
}

/// The matrix: what a condition asks for, and whether it forbids the append after the first and second event.
#[test]
fn a_condition_forbids_what_matches_after_its_position() {
    let tag = |text: &str| Tag::parse(text).unwrap();
    let filters: [(EventFilter, bool, bool); 8] = [
        (EventFilter::all(), true, true),
        (EventFilter::customer(CustomerKey::new("a").unwrap()), true, false),
        (EventFilter::customer(CustomerKey::new("b").unwrap()), true, true),
        (EventFilter::all().with_tag(tag("order:1")), true, false),
        (EventFilter::all().with_tag(tag("order:2")), true, true),
        (EventFilter::all().with_tag(tag("order:1")).with_tag(tag("order:2")), false, false),
        (EventFilter::all().with_kind(EventKind::Registered).with_tag(tag("order:2")), false, false),
        (
            EventFilter::all().with_kind(EventKind::NeedIdentified).with_kind(EventKind::Registered),
            true,
            true,
        ),
    ];
    for (filter, after_start, after_first) in filters {
        let store = MemoryStore::new();
        let second = event(2, "b", NeedIdentified { category: None });
        let first = positions(append(&store, &[registered(1, "a").with_tag(tag("order:1"))]).unwrap())[0];
        let head = positions(append(&store, &[second.with_tag(tag("order:2"))]).unwrap())[0];
        for (after, forbidden) in [(Position::START, after_start), (first, after_first), (head, false)] {
            let outcome = append_if(&store, &[], filter.clone(), after);
            assert_eq!(
                matches!(outcome, AppendOutcome::Conflict { .. }),
                forbidden,
                "{filter:?} after {after}"
            );
        }
    }
}

#[test]
fn a_retry_of_a_conditional_append_finds_its_own_first_attempt() {
    let store = MemoryStore::new();
    let own = CustomerKey::new("a").unwrap();
    let filter = EventFilter::customer(own);
    let first = append_if(&store, &[registered(1, "a")], filter.clone(), Position::START);
    let again = append_if(&store, &[registered(1, "a")], filter.clone(), Position::START);
    assert_eq!(positions(first), positions(again));
    let more = append_if(&store, &[registered(1, "a"), registered(2, "a")], filter.clone(), Position::START);
    assert!(matches!(more, AppendOutcome::Appended { new: 1, .. }), "its own event is no conflict");
    let foreign = append_if(&store, &[registered(3, "a")], filter, Position::START);
    assert!(matches!(foreign, AppendOutcome::Conflict { .. }));
}

#[test]
fn reads_go_by_customer_kind_tag_tenant_direction_and_limit() {
    let store = MemoryStore::new();
    let custom = Custom { name: CustomKind::new("seen").unwrap(), stage: None, amount: None };
    let mut foreign = registered(4, "a");
    foreign.customer = CustomerKey::in_tenant("t", "a").unwrap();
    let events = [
        registered(1, "a"),
        event(2, "b", custom),
        registered(3, "a").with_tag(Tag::order("x").unwrap()),
        foreign,
    ];
    for event in &events {
        let _ = append(&store, std::slice::from_ref(event)).unwrap();
    }
    let read = |filter: EventFilter| ids(&store, filter.into(), Position::START, 99);
    assert_eq!(read(EventFilter::all()), [1], "a page may be one stored batch");
    let all: Vec<u128> = block_on(store.read_all(EventFilter::all()))
        .unwrap()
        .iter()
        .flat_map(|batch| batch.iter().map(|event| event.id().as_u128()).collect::<Vec<_>>())
        .collect();
    assert_eq!(all, [1, 2, 3, 4]);
    assert_eq!(read(EventFilter::customer(CustomerKey::new("a").unwrap())), [1, 3]);
    assert_eq!(read(EventFilter::all().with_kind(CustomKind::new("seen").unwrap())), [2]);
    assert_eq!(read(EventFilter::all().with_tag(Tag::order("x").unwrap())), [3]);
    assert_eq!(read(EventFilter { tenant: Some(Tenant::new("t").unwrap()), ..EventFilter::all() }), [4]);
    assert_eq!(ids(&store, ReadQuery::all().backward(), Position::END, 3), [4, 3, 2]);
    let page = block_on(store.read(ReadQuery::all().backward(), Position::END, 3)).unwrap();
    assert_eq!(ids(&store, ReadQuery::all().backward(), page.next.unwrap(), 3), [1]);
    let page = block_on(store.read(ReadQuery::all(), Position::END, 3)).unwrap();
    assert!(page.batch.is_empty() && page.next.is_none());
    let page = block_on(store.read(ReadQuery::all(), Position::START, 0)).unwrap();
    assert_eq!((page.batch.len(), page.next), (0, Some(Position::START)));
}

#[test]
fn who_waits_is_woken_by_the_next_append() {
    let store = MemoryStore::new();
    let mut context = Context::from_waker(Waker::noop());
    let mut waiting = store.wait_past(Position::START);
    assert!(waiting.as_mut().poll(&mut context).is_pending());
    let head = positions(append(&store, &[registered(1, "a")]).unwrap())[0];
    assert!(matches!(waiting.as_mut().poll(&mut context), Poll::Ready(Ok(position)) if position == head));
    let from_thread = std::thread::scope(|scope| {
        let waiter = scope.spawn(|| block_on(store.wait_past(head)).unwrap());
        let _ = append(&store, &[registered(2, "a")]).unwrap();
        waiter.join().unwrap()
    });
    assert!(from_thread > head);
}

#[test]
fn a_checkpoint_is_replaced_whole() {
    let store = MemoryStore::new();
    let name = CheckpointName::new("mails").unwrap();
    assert_eq!(block_on(store.checkpoint(name.clone())).unwrap(), None);
    for byte in 0..2 {
        let checkpoint = Checkpoint { position: Position::from_bytes([byte; 16]), bytes: vec![byte] };
        block_on(store.put_checkpoint(name.clone(), checkpoint.clone())).unwrap();
        assert_eq!(block_on(store.checkpoint(name.clone())).unwrap(), Some(checkpoint));
    }
    assert!(CheckpointName::new("").is_err());
}

#[test]
fn concurrent_appends_are_each_there_once_and_whole() {
    let store = MemoryStore::new();
    std::thread::scope(|scope| {
        for thread in 0..4_u128 {
            let store = &store;
            scope.spawn(move || {
                for round in 0..50 {
                    let first = 1000 + thread * 1000 + round * 2;
                    let _ = append(store, &[registered(first, "a"), registered(first + 1, "b")]).unwrap();
                    let _ = append(store, &[registered(round, "same")]);
                }
            });
        }
    });
    let batches = block_on(store.read_all(EventFilter::all())).unwrap();
    let mut seen: Vec<_> =
        batches.iter().flat_map(|batch| batch.iter().map(|event| event.id()).collect::<Vec<_>>()).collect();
    let count = seen.len();
    seen.sort_unstable();
    seen.dedup();
    assert_eq!(seen.len(), count);
    let pairs = |batch: &&EventBatch| batch.len() == 2;
    assert_eq!(batches.iter().filter(pairs).count(), 200);
}

/// A filter by a custom kind once looked for a name that no event has, so that a condition never held.
#[test]
fn custom_and_unknown_kinds_are_found_by_kind_and_by_name() {
    let store = MemoryStore::new();
    let custom = |name: &str, stage| Custom { name: CustomKind::new(name).unwrap(), stage, amount: None };
    let unknown = wayfold_core::bodies::Unknown::new("moon_seen", "{}").unwrap();
    let events = [
        event(1, "a", custom("won", Some(Stage::Decision))),
        event(2, "a", custom("seen", None)),
        event(3, "a", unknown),
    ];
    let _ = append(&store, &events).unwrap();
    let found = |filter: EventFilter| ids(&store, filter.into(), Position::START, 9);
    assert_eq!(found(EventFilter::all().with_kind(EventKind::CustomDecision)), [1]);
    assert_eq!(found(EventFilter::all().with_kind(EventKind::Unknown)), [3]);
    assert_eq!(found(EventFilter::all().with_kind(CustomKind::new("seen").unwrap())), [2]);
    let conflict =
        append_if(&store, &[], EventFilter::all().with_kind(EventKind::CustomNeutral), Position::START);
    assert!(matches!(conflict, AppendOutcome::Conflict { .. }));
}

/// A retry once failed when the clock had gone back between both attempts.
#[test]
fn an_event_that_stands_is_taken_again_whatever_the_clock_says() {
    let clock = Arc::new(AtomicI64::new(0));
    let read = clock.clone();
    let store = MemoryStore::new().with_clock(move || at(read.load(Ordering::SeqCst)));
    let _ = append(&store, &[registered(1, "a")]).unwrap();
    clock.store(-10 * 86_400, Ordering::SeqCst);
    assert!(matches!(append(&store, &[registered(1, "a")]).unwrap(), AppendOutcome::AlreadyTaken { .. }));
    assert!(append(&store, &[registered(2, "a")]).is_err());
}
