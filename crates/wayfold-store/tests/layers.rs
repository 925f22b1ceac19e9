//! The layers: faults strike where they are planned, and what a store does is told.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

use metrics::{Counter, CounterFn, Gauge, Histogram, Key, KeyName, Metadata, Recorder, SharedString, Unit};
use pollster::block_on;
use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id, Record};
use tracing::{Event, Subscriber};
use wayfold_core::{CustomerKey, EventBatch, EventId, JourneyEvent, Position, Registered, Timestamp};
use wayfold_store::{
    AppendOutcome, Checkpoint, CheckpointName, ErrorKind, EventStore, FaultStore, MemoryStore, ReadQuery,
    ScanPart, TracedStore, Written,
};

fn batch(ids: &[u128]) -> EventBatch {
    let at = Timestamp::parse("2024-01-01").unwrap();
    let customer = || CustomerKey::new("a").unwrap();
    let event = |id: &u128| JourneyEvent::new(EventId::from_u128(*id), customer(), at, Registered {});
    EventBatch::from_events(&ids.iter().map(event).collect::<Vec<_>>()).unwrap()
}

fn ids(store: &dyn EventStore) -> Vec<u128> {
    let page = block_on(store.read(ReadQuery::all().backward(), Position::END, 99)).unwrap();
    let mut ids: Vec<u128> = page.batch.iter().map(|event| event.id().as_u128()).collect();
    ids.reverse();
    ids
}

#[test]
fn fault_strikes_once_before_or_after_its_operation() {
    let log: Arc<dyn EventStore> = Arc::new(MemoryStore::new());
    let store = FaultStore::new(log.clone()).fail_before(2).fail_after(3).fail_after(5);
    assert_eq!(block_on(store.head()).unwrap(), Position::START);
    let error = block_on(store.append(batch(&[1]), None)).unwrap_err();
    assert_eq!((error.kind(), error.written()), (ErrorKind::Unavailable, Written::Nothing));
    assert!(ids(&log).is_empty());
    let error = block_on(store.append(batch(&[1]), None)).unwrap_err();
    assert_eq!((error.kind(), error.written()), (ErrorKind::Unavailable, Written::Unknown));
    assert_eq!(ids(&log), [1]);
    assert!(matches!(block_on(store.append(batch(&[1]), None)).unwrap(), AppendOutcome::AlreadyTaken { .. }));
    let error = block_on(store.head()).unwrap_err();
    assert_eq!((error.is_retryable(), error.written()), (true, Written::Nothing), "a read writes nothing");
    assert!(block_on(store.head()).is_ok());
    assert_eq!(store.operations(), 6);
}

#[test]
fn a_scan_fails_as_planned_before_it_or_at_the_end_of_each_lane() {
    let store = FaultStore::new(MemoryStore::new()).fail_before(2).fail_after(3);
    assert!(block_on(store.append(batch(&[1, 2]), None)).is_ok());
    let error = block_on(store.scan(Position::START, 10, 2)).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unavailable);
    let scan = block_on(store.scan(Position::START, 10, 2)).unwrap();
    let lanes: Vec<Vec<_>> = scan.lanes.into_iter().map(Iterator::collect).collect();
    for lane in &lanes {
        let (end, parts) = lane.split_last().unwrap();
        assert!(parts.iter().all(Result::is_ok) && end.is_err(), "{lane:?}");
    }
    let read = |part: &ScanPart| part.events().count();
    assert_eq!(lanes.iter().flatten().flatten().map(read).sum::<usize>(), 2);
    assert!(block_on(store.scan(Position::START, 10, 2)).unwrap().read().is_ok());
}

#[test]
fn put_that_fails_after_it_took_effect_has_an_unknown_outcome() {
    let store = FaultStore::new(MemoryStore::new()).fail_after(1);
    let (name, bytes) = (CheckpointName::new("mails").unwrap(), vec![1]);
    let checkpoint = Checkpoint { position: Position::START, bytes };
    let error = block_on(store.put_checkpoint(name.clone(), checkpoint.clone())).unwrap_err();
    assert_eq!(error.written(), Written::Unknown);
    assert_eq!(block_on(store.checkpoint(name)).unwrap(), Some(checkpoint));
}

#[test]
fn torn_append_writes_a_part_of_the_first_batch_that_is_long_enough() {
    let store = FaultStore::new(MemoryStore::new()).tear(1, 2);
    assert!(block_on(store.append(batch(&[1, 2]), None)).is_ok());
    let error = block_on(store.append(batch(&[3, 4, 5]), None)).unwrap_err();
    assert_eq!(error.written(), Written::Unknown);
    assert_eq!(ids(&store), [1, 2, 3, 4]);
}

#[test]
fn repeated_append_answers_with_its_first_outcome() {
    let store = FaultStore::new(MemoryStore::new()).repeat(2);
    assert_eq!(block_on(store.head()).unwrap(), Position::START);
    assert!(matches!(
        block_on(store.append(batch(&[1]), None)).unwrap(),
        AppendOutcome::Appended { new: 1, .. }
    ));
    assert_eq!(ids(&store), [1]);
}

/// The name of a span and its fields.
type ToldSpan = (&'static str, BTreeMap<&'static str, String>);

/// Keeps the fields of spans and the counts, by name.
#[derive(Clone, Default)]
struct Told {
    spans: Arc<Mutex<Vec<ToldSpan>>>,
    counts: Arc<Mutex<BTreeMap<String, Arc<Count>>>>,
}

#[derive(Default)]
struct Count(AtomicU64);

impl CounterFn for Count {
    fn increment(&self, value: u64) {
        self.0.fetch_add(value, Ordering::SeqCst);
    }

    fn absolute(&self, value: u64) {
        self.0.store(value, Ordering::SeqCst);
    }
}

struct Fields<'a>(&'a mut BTreeMap<&'static str, String>);

impl Visit for Fields<'_> {
    fn record_debug(&mut self, field: &Field, value: &dyn std::fmt::Debug) {
        self.0.insert(field.name(), format!("{value:?}"));
    }
}

impl Subscriber for Told {
    fn enabled(&self, _: &tracing::Metadata<'_>) -> bool {
        true
    }

    fn new_span(&self, span: &Attributes<'_>) -> Id {
        let (mut spans, mut fields) = (self.spans.lock().unwrap(), BTreeMap::new());
        span.record(&mut Fields(&mut fields));
        spans.push((span.metadata().name(), fields));
        Id::from_u64(spans.len() as u64)
    }

    fn record(&self, span: &Id, values: &Record<'_>) {
        let place = span.into_u64() as usize - 1;
        values.record(&mut Fields(&mut self.spans.lock().unwrap()[place].1));
    }

    fn record_follows_from(&self, _: &Id, _: &Id) {}

    fn event(&self, _: &Event<'_>) {}

    fn enter(&self, _: &Id) {}

    fn exit(&self, _: &Id) {}
}

impl Recorder for Told {
    fn describe_counter(&self, _: KeyName, _: Option<Unit>, _: SharedString) {}

    fn describe_gauge(&self, _: KeyName, _: Option<Unit>, _: SharedString) {}

    fn describe_histogram(&self, _: KeyName, _: Option<Unit>, _: SharedString) {}

    fn register_counter(&self, key: &Key, _: &Metadata<'_>) -> Counter {
        let labels: Vec<&str> = key.labels().map(metrics::Label::value).collect();
        let name = format!("{} {}", key.name(), labels.join(" "));
        Counter::from_arc(self.counts.lock().unwrap().entry(name).or_default().clone())
    }

    fn register_gauge(&self, _: &Key, _: &Metadata<'_>) -> Gauge {
        Gauge::noop()
    }

    fn register_histogram(&self, _: &Key, _: &Metadata<'_>) -> Histogram {
        Histogram::noop()
    }
}

#[test]
fn every_call_is_told_by_a_span_and_a_count() {
    let told = Told::default();
    let store = TracedStore::new(FaultStore::new(MemoryStore::new()).fail_before(3));
    tracing::subscriber::with_default(told.clone(), || {
        metrics::with_local_recorder(&told, || {
            assert!(block_on(store.append(batch(&[1, 2]), None)).is_ok());
            assert_eq!(ids(&store), [1, 2]);
            assert!(block_on(store.head()).is_err());
            assert!(block_on(store.append(batch(&[1]), None)).is_ok());
        });
    });
    let spans = told.spans.lock().unwrap();
    let of = |place: usize, field: &str| spans[place].1[field].as_str();
    assert_eq!(spans[0].0, "wayfold.store.append");
    assert_eq!((of(0, "events"), of(0, "new"), of(0, "outcome")), ("2", "2", "\"appended\""));
    assert_eq!((spans[1].0, of(1, "events"), of(1, "backward")), ("wayfold.store.read", "2", "true"));
    assert_eq!((spans[2].0, of(2, "outcome")), ("wayfold.store.head", "\"unavailable\""));
    assert_eq!(of(3, "outcome"), "\"already_taken\"");
    let counts = told.counts.lock().unwrap();
    let count = |name: &str| counts[name].0.load(Ordering::SeqCst);
    assert_eq!(count("wayfold_store_calls_total append appended"), 1);
    assert_eq!(count("wayfold_store_calls_total head unavailable"), 1);
    assert_eq!(
        (count("wayfold_store_events_appended_total "), count("wayfold_store_events_read_total ")),
        (2, 2)
    );
}
