//! One log under test, with the calls of the port as plain functions.

use std::future::poll_fn;
use std::sync::mpsc::{self, Receiver};
use std::sync::{Arc, Mutex, PoisonError};
use std::task::Poll;
use std::thread;
use std::time::Duration;

use wayfold_core::{CustomerKey, EventBatch, EventId, JourneyEvent, Limits, Position, Shard, Timestamp};
use wayfold_store::{
    AppendCondition, AppendOutcome, BoxFuture, Checkpoint, CheckpointName, Direction, EventFilter,
    EventStore, ReadPage, ReadQuery, Result,
};

use super::bench::{LogConfig, OpenLog, Opened, StoreBench, TestClock};
use super::events::start;

/// A log that no other case sees.
pub(crate) struct Trial {
    bench: Arc<dyn StoreBench>,
    open: OpenLog,
    opened: Mutex<Option<Opened>>,
    pub(crate) clock: TestClock,
}

/// What the lanes of a part for a fold hold.
#[derive(Debug)]
pub(crate) struct Scanned {
    pub(crate) events: Vec<JourneyEvent>,
    pub(crate) position: Position,
    pub(crate) is_last: bool,
}

impl Trial {
    pub(crate) fn new(bench: &Arc<dyn StoreBench>) -> Self {
        Self::with_limits(bench, Limits::default())
    }

    pub(crate) fn with_limits(bench: &Arc<dyn StoreBench>, limits: Limits) -> Self {
        let config = LogConfig::new(limits, start());
        let clock = config.clock.clone();
        let open = bench.log(config);
        let opened = Mutex::new(Some(open()));
        Self { bench: bench.clone(), open, opened, clock }
    }

    /// Another empty log of the same backend.
    pub(crate) fn another(&self) -> Self {
        Self::new(&self.bench)
    }

    /// Another empty log, with limits.
    pub(crate) fn another_with(&self, limits: Limits) -> Self {
        Self::with_limits(&self.bench, limits)
    }

    /// The handle as a caller of its own, which threads may take along.
    pub(crate) fn caller(&self) -> Caller {
        let opened = self.opened.lock().unwrap_or_else(PoisonError::into_inner);
        Caller { bench: self.bench.clone(), opened: opened.clone().expect("the log is open") }
    }

    /// A second handle on the same log.
    pub(crate) fn second(&self) -> Caller {
        Caller { bench: self.bench.clone(), opened: (self.open)() }
    }

    /// Closes every handle and opens the log again.
    pub(crate) fn reopen(&self) {
        let mut opened = self.opened.lock().unwrap_or_else(PoisonError::into_inner);
        *opened = None;
        *opened = Some((self.open)());
    }

    pub(crate) fn store(&self) -> Arc<dyn EventStore> {
        self.caller().opened.store
    }
}

/// Calls a store and waits for the answer.
#[derive(Clone)]
pub(crate) struct Caller {
    bench: Arc<dyn StoreBench>,
    opened: Opened,
}

impl Caller {
    /// The same caller over another store, such as a layer around this one.
    pub(crate) fn over(&self, store: impl EventStore + 'static) -> Self {
        Self { bench: self.bench.clone(), opened: Opened::new(store) }
    }

    pub(crate) fn store(&self) -> Arc<dyn EventStore> {
        self.opened.store.clone()
    }

    pub(crate) fn wait<T: Send>(&self, future: impl Future<Output = T> + Send) -> T {
        let mut answer = None;
        self.bench.block_on(Box::pin(async { answer = Some(future.await) }));
        answer.expect("whoever waits for a future gets its answer")
    }

    /// Polls a future once, where it may be polled; `None` if it is not ready.
    pub(crate) fn poll_once<T: Send>(&self, future: &mut BoxFuture<'_, T>) -> Option<T> {
        self.wait(poll_fn(|context| match future.as_mut().poll(context) {
            Poll::Ready(answer) => Poll::Ready(Some(answer)),
            Poll::Pending => Poll::Ready(None),
        }))
    }

    pub(crate) fn try_batch(
        &self,
        batch: EventBatch,
        condition: Option<AppendCondition>,
    ) -> Result<AppendOutcome> {
        let store = self.store();
        self.wait(store.append(batch, condition))
    }

    pub(crate) fn try_append(&self, events: &[JourneyEvent]) -> Result<AppendOutcome> {
        self.try_batch(batch(events), None)
    }

    /// Appends what must be taken.
    #[track_caller]
    pub(crate) fn append(&self, events: &[JourneyEvent]) -> AppendOutcome {
        self.try_append(events).unwrap_or_else(|error| panic!("an append that is right failed: {error}"))
    }

    /// Appends new events; where they stand.
    #[track_caller]
    pub(crate) fn put(&self, events: &[JourneyEvent]) -> Vec<Position> {
        match self.append(events) {
            AppendOutcome::Appended { positions, new } if new == events.len() => positions,
            other => panic!("{} new events were appended, the outcome is {other:?}", events.len()),
        }
    }

    #[track_caller]
    pub(crate) fn append_if(
        &self,
        events: &[JourneyEvent],
        filter: EventFilter,
        after: Position,
    ) -> AppendOutcome {
        let condition = AppendCondition { filter, after };
        let outcome = self.try_batch(batch(events), Some(condition));
        outcome.unwrap_or_else(|error| panic!("a conditional append that is right failed: {error}"))
    }

    #[track_caller]
    pub(crate) fn page(&self, query: &ReadQuery, from: Position, limit: usize) -> ReadPage {
        let store = self.store();
        let page = self.wait(store.read(query.clone(), from, limit));
        let page = page.unwrap_or_else(|error| panic!("a read failed: {error}"));
        assert!(page.batch.len() <= limit, "a page of {limit} holds {} events", page.batch.len());
        if let (Some(last), Some(next)) = (page.batch.len().checked_sub(1), page.next) {
            let last = page.batch.event(last).position().expect("a store gives positions");
            let is_past = if is_forward(query) { next >= last } else { next <= last };
            assert!(is_past, "a page ends with {last} and goes on at {next}, which reads events again");
        }
        page
    }

    /// The events of a customer in its history.
    #[track_caller]
    pub(crate) fn history(&self, customer: &CustomerKey) -> Vec<JourneyEvent> {
        let store = self.store();
        let batches = self.wait(store.history(customer));
        let batches = batches.unwrap_or_else(|error| panic!("the history of {customer} failed: {error}"));
        let events = batches.iter().flat_map(EventBatch::iter).map(|event| event.to_event());
        events.filter(|event| event.customer == *customer).collect()
    }

    /// Reads every lane of a part to the end.
    #[track_caller]
    pub(crate) fn scan(&self, after: Position, limit: usize, lanes: usize) -> Scanned {
        let store = self.store();
        let scan = self.wait(store.scan(after, limit, lanes));
        let scan = scan.unwrap_or_else(|error| panic!("a scan failed: {error}"));
        assert_eq!(scan.lanes.len(), lanes, "as many lanes as were asked for");
        let (position, is_last, counted) = (scan.position, scan.is_last, scan.events);
        let mut events = Vec::new();
        for (index, lane) in scan.lanes.into_iter().enumerate() {
            let mut before: Option<Shard> = None;
            for part in lane {
                let part = part.unwrap_or_else(|error| panic!("lane {index} failed: {error}"));
                let follows = before.is_none_or(|before| before.last() < part.customers.first());
                assert!(follows, "lane {index} hands customers out again that it has handed out");
                before = Some(part.customers);
                let of_lane = Shard::new(index, lanes).and(&part.customers);
                assert_eq!(of_lane, Some(part.customers), "lane {index} holds customers of another");
                events.extend(part.events().map(|event| event.to_event()));
            }
        }
        assert_eq!(events.len() as u64, counted, "as many events as the scan says");
        Scanned { events, position, is_last }
    }

    /// Every page from a position on.
    #[track_caller]
    pub(crate) fn pages(&self, query: &ReadQuery, from: Position, limit: usize) -> Vec<ReadPage> {
        let mut pages = Vec::new();
        let mut from = Some(from);
        while let Some(position) = from {
            let page = self.page(query, position, limit);
            let is_stuck = page.batch.is_empty() && page.next == Some(position);
            assert!(!is_stuck, "an empty page goes on at {position}, where it began");
            assert!(pages.len() < 100_000, "a read does not end");
            from = page.next;
            pages.push(page);
        }
        pages
    }

    /// Every event from a position on, page by page.
    #[track_caller]
    pub(crate) fn read(&self, query: &ReadQuery, from: Position, limit: usize) -> Vec<JourneyEvent> {
        self.pages(query, from, limit).iter().flat_map(|page| page.batch.to_events()).collect()
    }

    /// Every event of a set, forward.
    #[track_caller]
    pub(crate) fn find(&self, filter: EventFilter) -> Vec<JourneyEvent> {
        self.read(&filter.into(), Position::START, 1_000)
    }

    /// Every event of the log.
    #[track_caller]
    pub(crate) fn all(&self) -> Vec<JourneyEvent> {
        self.find(EventFilter::all())
    }

    #[track_caller]
    pub(crate) fn head(&self) -> Position {
        let store = self.store();
        self.wait(store.head()).unwrap_or_else(|error| panic!("the head could not be read: {error}"))
    }

    #[track_caller]
    pub(crate) fn checkpoint(&self, name: &str) -> Option<Checkpoint> {
        let store = self.store();
        let found = self.wait(store.checkpoint(CheckpointName::new(name).expect("a name of the suite")));
        found.unwrap_or_else(|error| panic!("a checkpoint could not be read: {error}"))
    }

    #[track_caller]
    pub(crate) fn put_checkpoint(&self, name: &str, position: Position, bytes: &[u8]) {
        let store = self.store();
        let checkpoint = Checkpoint { position, bytes: bytes.to_vec() };
        let name = CheckpointName::new(name).expect("a name of the suite");
        let put = self.wait(store.put_checkpoint(name, checkpoint));
        put.unwrap_or_else(|error| panic!("a checkpoint could not be put: {error}"));
    }

    pub(crate) fn upkeep(&self) {
        self.opened.upkeep();
    }

    /// Waits on a thread of its own, as it may never end; the head at which it ended comes by the receiver.
    /// When this returns the wait was polled once, so that whatever comes after has to wake it.
    pub(crate) fn wait_past(&self, position: Position) -> Receiver<Result<Position>> {
        let (caller, (sender, receiver)) = (self.clone(), mpsc::channel());
        let (polled, is_polled) = mpsc::channel();
        thread::spawn(move || {
            let store = caller.store();
            let mut wait = store.wait_past(position);
            let ended = caller.wait(poll_fn(|context| {
                let ended = wait.as_mut().poll(context);
                let _ = polled.send(());
                ended
            }));
            // Nobody listens any more where the wait ended too late.
            let _ = sender.send(ended);
        });
        is_polled.recv_timeout(self.patience()).expect("polling a wait neither blocks nor panics");
        receiver
    }

    pub(crate) fn patience(&self) -> Duration {
        self.bench.patience()
    }
}

pub(crate) fn is_forward(query: &ReadQuery) -> bool {
    query.direction == Direction::Forward
}

pub(crate) fn batch(events: &[JourneyEvent]) -> EventBatch {
    EventBatch::from_events(events).expect("the suite's events are valid")
}

pub(crate) fn ids(events: &[JourneyEvent]) -> Vec<EventId> {
    events.iter().map(|event| event.id).collect()
}

pub(crate) fn positions(events: &[JourneyEvent]) -> Vec<Position> {
    events.iter().map(|event| event.position.expect("a store gives positions")).collect()
}

pub(crate) fn recorded(events: &[JourneyEvent]) -> Vec<Timestamp> {
    events.iter().map(|event| event.recorded_at.expect("a store gives recording times")).collect()
}

/// Fails unless two lists of events state the same, one by one.
#[track_caller]
pub(crate) fn assert_same_content(found: &[JourneyEvent], expected: &[JourneyEvent]) {
    assert_eq!(ids(found), ids(expected), "ids");
    for (found, expected) in found.iter().zip(expected) {
        assert!(found.same_content(expected), "read {found:?}, written {expected:?}");
    }
}
