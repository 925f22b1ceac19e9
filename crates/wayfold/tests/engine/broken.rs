//! The engine over a store that fails, with a projection that panics, and with calls that are dropped.

use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Waker};

use pollster::block_on;
use wayfold::bodies::Registered;
use wayfold::store::{
    AppendCondition, BoxFuture, Capabilities, Checkpoint, CheckpointName, Error, ErrorKind, ReadPage, Result,
};
use wayfold::{
    AppendOutcome, Builder, CustomerAt, CustomerKey, EventBatch, EventId, EventStore, EventView,
    JourneyEvent, MemoryStore, Position, Projection, ReadQuery, Rules, Span, Timestamp, Wayfold,
};

fn event(customer: &str, id: u128, number: u32) -> JourneyEvent {
    let at = Timestamp::parse("2024-01-01").unwrap() + Span::from_days(number);
    JourneyEvent::new(EventId::from_u128(id), CustomerKey::new(customer).unwrap(), at, Registered {})
}

fn open(store: impl EventStore + 'static) -> Wayfold {
    block_on(Builder::new(Rules::default()).unwrap().with_threads(2).open(store)).unwrap()
}

/// What a fresh engine says of the same events.
fn fresh(events: &[JourneyEvent]) -> Vec<u8> {
    let wayfold = open(MemoryStore::new());
    block_on(wayfold.append(events)).unwrap();
    block_on(wayfold.export()).unwrap()
}

/// A memory store that cannot read one customer's history while it is told so; it yields before each read.
#[derive(Debug, Default)]
struct Flaky {
    inner: MemoryStore,
    fails: Arc<AtomicBool>,
}

impl EventStore for Flaky {
    fn capabilities(&self) -> Capabilities {
        self.inner.capabilities()
    }

    fn append(
        &self,
        batch: EventBatch,
        condition: Option<AppendCondition>,
    ) -> BoxFuture<'_, Result<AppendOutcome>> {
        self.inner.append(batch, condition)
    }

    fn read(&self, query: ReadQuery, from: Position, limit: usize) -> BoxFuture<'_, Result<ReadPage>> {
        Box::pin(async move {
            let mut yielded = false;
            std::future::poll_fn(|context| {
                context.waker().wake_by_ref();
                if std::mem::replace(&mut yielded, true) {
                    std::task::Poll::Ready(())
                } else {
                    std::task::Poll::Pending
                }
            })
            .await;
            if query.filter.customer.is_some() && self.fails.load(Ordering::SeqCst) {
                return Err(Error::new(ErrorKind::Unavailable, "the history cannot be read now"));
            }
            self.inner.read(query, from, limit).await
        })
    }

    fn head(&self) -> BoxFuture<'_, Result<Position>> {
        self.inner.head()
    }

    fn wait_past(&self, position: Position) -> BoxFuture<'_, Result<Position>> {
        self.inner.wait_past(position)
    }

    fn checkpoint(&self, name: CheckpointName) -> BoxFuture<'_, Result<Option<Checkpoint>>> {
        self.inner.checkpoint(name)
    }

    fn put_checkpoint(&self, name: CheckpointName, checkpoint: Checkpoint) -> BoxFuture<'_, Result<()>> {
        self.inner.put_checkpoint(name, checkpoint)
    }
}

/// An event that was appended before the refold was tried again once counted twice.
#[test]
fn a_refold_that_failed_is_done_later_and_counts_nothing_twice() {
    let store = Flaky::default();
    let fails = store.fails.clone();
    let wayfold = open(store);
    let events = [event("ada", 1, 0), event("ada", 2, 10), event("ada", 3, 5), event("ada", 4, 20)];
    block_on(wayfold.append(&events[..2])).unwrap();
    block_on(wayfold.catch_up()).unwrap();
    block_on(wayfold.append(&events[2..3])).unwrap();
    fails.store(true, Ordering::SeqCst);
    assert!(block_on(wayfold.catch_up()).unwrap_err().is_retryable());
    fails.store(false, Ordering::SeqCst);
    block_on(wayfold.append(&events[3..])).unwrap();
    assert!(block_on(wayfold.export()).unwrap() == fresh(&events));
}

#[test]
fn a_question_that_is_dropped_half_way_loses_and_doubles_nothing() {
    for polls in 0..12 {
        let wayfold = open(Flaky::default());
        let events = [
            event("ada", 1, 0),
            event("bob", 2, 10),
            event("ada", 3, 20),
            event("ada", 4, 5),
            event("bob", 5, 1),
        ];
        block_on(wayfold.append(&events[..3])).unwrap();
        block_on(wayfold.catch_up()).unwrap();
        block_on(wayfold.append(&events[3..4])).unwrap();
        let mut dropped = Box::pin(wayfold.catch_up());
        let mut context = Context::from_waker(Waker::noop());
        for _ in 0..polls {
            if dropped.as_mut().poll(&mut context).is_ready() {
                break;
            }
        }
        drop(dropped);
        block_on(wayfold.append(&events[4..])).unwrap();
        assert!(block_on(wayfold.export()).unwrap() == fresh(&events), "after {polls} polls");
    }
}

/// Panics while it is told so.
struct Panics(&'static AtomicBool);

impl Projection for Panics {
    type State = u64;
    type View = u64;

    fn name(&self) -> &str {
        "panics"
    }

    fn version(&self) -> u32 {
        1
    }

    fn evolve(&self, state: &mut u64, _event: &EventView<'_>) {
        assert!(!self.0.load(Ordering::SeqCst), "told to panic");
        *state += 1;
    }

    fn view(&self, state: &u64, _customer: &CustomerAt<'_>) -> u64 {
        *state
    }

    fn holds_until(&self, _state: &u64, _customer: &CustomerAt<'_>) -> Option<Timestamp> {
        None
    }
}

/// Customers once went missing in silence after a projection had panicked.
#[test]
fn states_are_folded_anew_after_a_projection_has_panicked() {
    let panics: &'static AtomicBool = Box::leak(Box::default());
    let mut builder = Builder::new(Rules::default()).unwrap();
    builder.register(Panics(panics)).unwrap();
    let wayfold = block_on(builder.open(MemoryStore::new())).unwrap();
    block_on(wayfold.append(&[event("ada", 1, 0), event("zoe", 2, 0)])).unwrap();
    panics.store(true, Ordering::SeqCst);
    let asked = std::panic::catch_unwind(AssertUnwindSafe(|| block_on(wayfold.export())));
    assert!(asked.is_err());
    panics.store(false, Ordering::SeqCst);
    let export = String::from_utf8(block_on(wayfold.export()).unwrap()).unwrap();
    assert_eq!(export.lines().filter(|line| line.contains(r#""panics@1":1"#)).count(), 2, "{export}");
}
