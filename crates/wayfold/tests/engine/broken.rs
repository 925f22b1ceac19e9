//! The engine over a store that fails, with a projection that panics, and with calls that are dropped.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Waker};

use pollster::block_on;
use wayfold::bodies::Registered;
use wayfold::store::{
    AppendCondition, BoxFuture, Capabilities, Checkpoint, CheckpointName, Error, ErrorKind, ReadPage, Result,
};
use wayfold::{
    AppendOutcome, Builder, CustomerAt, CustomerKey, EventBatch, EventId, EventStore, EventView, Handle,
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
    // Before the append, because the thread that follows may refold at once.
    fails.store(true, Ordering::SeqCst);
    block_on(wayfold.append(&events[2..3])).unwrap();
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

/// Panics when it meets the customer of that name, and while it answers if there is none.
struct Panics(&'static str);

impl Projection for Panics {
    type State = u64;
    type View = u64;

    fn name(&self) -> &str {
        "panics"
    }

    fn version(&self) -> u32 {
        1
    }

    fn evolve(&self, state: &mut u64, event: &EventView<'_>) {
        assert!(event.customer_texts().1 != self.0, "told to panic");
        *state += 1;
    }

    fn view(&self, state: &u64, _customer: &CustomerAt<'_>) -> u64 {
        assert!(!self.0.is_empty(), "told to panic");
        *state
    }

    fn holds_until(&self, _state: &u64, _customer: &CustomerAt<'_>) -> Option<Timestamp> {
        assert!(!self.0.is_empty(), "told to panic");
        None
    }
}

/// An engine with a projection that panics, and its handle; its events are about ada and zoe.
fn open_panicking(meets: &'static str) -> (Wayfold, Handle<Panics>) {
    let mut builder = Builder::new(Rules::default()).unwrap();
    let handle = builder.register(Panics(meets)).unwrap();
    let wayfold = block_on(builder.open(MemoryStore::new())).unwrap();
    block_on(wayfold.append(&[event("ada", 1, 0), event("zoe", 2, 0)])).unwrap();
    (wayfold, handle)
}

#[track_caller]
fn assert_panicked<T: std::fmt::Debug>(answer: wayfold::Result<T>, place: &str) {
    let error = answer.unwrap_err();
    assert_eq!(error.kind(), wayfold::ErrorKind::Panicked, "{error}");
    let expected = format!("projection \"panics\" version 1 panicked {place}: told to panic");
    assert!(error.to_string().ends_with(&expected), "{error}");
}

#[test]
fn a_projection_that_panics_at_an_event_answers_nothing_and_the_others_go_on() {
    let (wayfold, handle) = open_panicking("zoe");
    let (ada, zoe) = (CustomerKey::new("ada").unwrap(), CustomerKey::new("zoe").unwrap());
    let at = event("zoe", 2, 0).occurred_at.instant();
    let place = format!("at event {}", EventId::from_u128(2));
    assert_panicked(block_on(wayfold.export()), &place);
    assert_panicked(block_on(wayfold.own_views(handle, at)), &place);
    assert_panicked(block_on(wayfold.own_view(handle, &zoe)), &place);
    assert_panicked(block_on(wayfold.explain(&zoe)), &place);
    // One customer's history is folded by itself.
    assert_eq!(block_on(wayfold.own_view(handle, &ada)).unwrap(), Some(1));
    // What is built in knows every customer, now and later.
    assert_eq!(block_on(wayfold.population(at)).unwrap().len(), 2);
    block_on(wayfold.append(&[event("bob", 3, 0), event("zoe", 4, 0)])).unwrap();
    let population = block_on(wayfold.population(at)).unwrap();
    assert_eq!((population.len(), population.summary().events), (3, 4));
    assert_eq!(block_on(wayfold.customer(&zoe)).unwrap().unwrap().events, 2);
}

#[test]
fn a_projection_that_panics_in_its_view_is_named_and_the_others_go_on() {
    let (wayfold, handle) = open_panicking("");
    let ada = CustomerKey::new("ada").unwrap();
    assert_panicked(block_on(wayfold.own_view(handle, &ada)), "in a view");
    assert_eq!(block_on(wayfold.customer(&ada)).unwrap().unwrap().holds_until, None);
    assert_eq!(block_on(wayfold.population(wayfold.now())).unwrap().len(), 2);
}

#[test]
fn a_handle_of_another_engine_is_refused() {
    let (_, foreign) = open_panicking("zoe");
    let wayfold = open(MemoryStore::new());
    block_on(wayfold.append(&[event("ada", 1, 0)])).unwrap();
    let error = block_on(wayfold.own_view(foreign, &CustomerKey::new("ada").unwrap())).unwrap_err();
    assert_eq!(error.kind(), wayfold::ErrorKind::InvalidQuestion, "{error}");
}
