use std::time::Instant;

use metrics::{counter, histogram};
use tracing::field::Empty;
use tracing::{Instrument, Span, debug_span};
use wayfold_core::{CustomerKey, EventBatch, Position};

use crate::error::{ErrorKind, Result};
use crate::outcome::{AppendOutcome, Capabilities, Checkpoint, CheckpointName, ReadPage};
use crate::query::{AppendCondition, ReadQuery};
use crate::scan::Scan;
use crate::store::{BoxFuture, EventStore};

/// A store that tells what it does: a span for each call, by `tracing`, and counts, by `metrics`.
///
/// Both are facades: without a subscriber or a recorder nothing is kept. No name of a customer, tag or
/// checkpoint is told.
///
/// Spans are of level `debug`. Every one has the field `outcome` once the call has ended: `ok`, or the kind of
/// its error, such as `unavailable`.
///
/// | span | fields |
/// |---|---|
/// | `wayfold.store.append` | `events`, `conditional`, `new`; `outcome` is `appended`, `already_taken` or `conflict` |
/// | `wayfold.store.read` | `backward`, `limit`, `events` |
/// | `wayfold.store.head` | |
/// | `wayfold.store.wait_past` | |
/// | `wayfold.store.checkpoint` | `found`, `bytes` |
/// | `wayfold.store.put_checkpoint` | `bytes` |
///
/// | metric | kind | labels |
/// |---|---|---|
/// | `wayfold_store_calls_total` | counter | `call`, the last part of the span's name, and `outcome` |
/// | `wayfold_store_call_seconds` | histogram | `call`; `wait_past` is left out, as waiting is no slowness |
/// | `wayfold_store_events_appended_total` | counter | |
/// | `wayfold_store_events_read_total` | counter | |
///
/// ```
/// use std::sync::Arc;
/// use wayfold_core::Position;
/// use wayfold_store::{EventStore, MemoryStore, TracedStore};
///
/// let any: Arc<dyn EventStore> = Arc::new(MemoryStore::new());
/// let store = TracedStore::new(any);
/// assert_eq!(pollster::block_on(store.head()).unwrap(), Position::START);
/// ```
#[derive(Debug)]
pub struct TracedStore<S> {
    inner: S,
}

impl<S> TracedStore<S> {
    /// Wraps a store.
    pub fn new(inner: S) -> Self {
        Self { inner }
    }
}

impl<S: EventStore> EventStore for TracedStore<S> {
    fn capabilities(&self) -> Capabilities {
        self.inner.capabilities()
    }

    fn append(
        &self,
        batch: EventBatch,
        condition: Option<AppendCondition>,
    ) -> BoxFuture<'_, Result<AppendOutcome>> {
        let (events, conditional) = (batch.len(), condition.is_some());
        let span = debug_span!("wayfold.store.append", events, conditional, new = Empty, outcome = Empty);
        let call = async move { self.inner.append(batch, condition).await };
        Box::pin(tell("append", span, call, tell_append))
    }

    fn read(&self, query: ReadQuery, from: Position, limit: usize) -> BoxFuture<'_, Result<ReadPage>> {
        let backward = query.direction == crate::query::Direction::Backward;
        let span = debug_span!("wayfold.store.read", backward, limit, events = Empty, outcome = Empty);
        let call = async move { self.inner.read(query, from, limit).await };
        Box::pin(tell("read", span, call, |span, page| {
            span.record("events", page.batch.len());
            counter!("wayfold_store_events_read_total").increment(page.batch.len() as u64);
            "ok"
        }))
    }

    fn scan(&self, after: Position, limit: usize, lanes: usize) -> BoxFuture<'_, Result<Scan<'_>>> {
        let span = debug_span!("wayfold.store.scan", limit, events = Empty, outcome = Empty);
        let call = async move { self.inner.scan(after, limit, lanes).await };
        Box::pin(tell("scan", span, call, |span, scan| {
            span.record("events", scan.events);
            counter!("wayfold_store_events_read_total").increment(scan.events);
            "ok"
        }))
    }

    fn history<'a>(&'a self, customer: &'a CustomerKey) -> BoxFuture<'a, Result<Vec<EventBatch>>> {
        let span = debug_span!("wayfold.store.history", events = Empty, outcome = Empty);
        let call = async move { self.inner.history(customer).await };
        Box::pin(tell("history", span, call, |span, batches| {
            let events: usize = batches.iter().map(EventBatch::len).sum();
            span.record("events", events);
            counter!("wayfold_store_events_read_total").increment(events as u64);
            "ok"
        }))
    }

    fn head(&self) -> BoxFuture<'_, Result<Position>> {
        let span = debug_span!("wayfold.store.head", outcome = Empty);
        Box::pin(tell("head", span, async move { self.inner.head().await }, |_, _| "ok"))
    }

    fn wait_past(&self, position: Position) -> BoxFuture<'_, Result<Position>> {
        let span = debug_span!("wayfold.store.wait_past", outcome = Empty);
        let call = async move { self.inner.wait_past(position).await };
        Box::pin(tell(WAIT_PAST, span, call, |_, _| "ok"))
    }

    fn checkpoint(&self, name: CheckpointName) -> BoxFuture<'_, Result<Option<Checkpoint>>> {
        let span = debug_span!("wayfold.store.checkpoint", found = Empty, bytes = Empty, outcome = Empty);
        let call = async move { self.inner.checkpoint(name).await };
        Box::pin(tell("checkpoint", span, call, |span, found| {
            span.record("found", found.is_some());
            if let Some(checkpoint) = found {
                span.record("bytes", checkpoint.bytes.len());
            }
            "ok"
        }))
    }

    fn put_checkpoint(&self, name: CheckpointName, checkpoint: Checkpoint) -> BoxFuture<'_, Result<()>> {
        let bytes = checkpoint.bytes.len();
        let span = debug_span!("wayfold.store.put_checkpoint", bytes, outcome = Empty);
        let call = async move { self.inner.put_checkpoint(name, checkpoint).await };
        Box::pin(tell("put_checkpoint", span, call, |_, ()| "ok"))
    }
}

const WAIT_PAST: &str = "wait_past";

/// Runs a call in its span and counts how it ended; `told` says what a result is called.
async fn tell<T>(
    name: &'static str,
    span: Span,
    call: impl Future<Output = Result<T>> + Send,
    told: fn(&Span, &T) -> &'static str,
) -> Result<T> {
    let start = Instant::now();
    let result = call.instrument(span.clone()).await;
    let outcome = match &result {
        Ok(value) => told(&span, value),
        Err(error) => word(error.kind()),
    };
    span.record("outcome", outcome);
    counter!("wayfold_store_calls_total", "call" => name, "outcome" => outcome).increment(1);
    if name != WAIT_PAST {
        histogram!("wayfold_store_call_seconds", "call" => name).record(start.elapsed());
    }
    result
}

fn tell_append(span: &Span, outcome: &AppendOutcome) -> &'static str {
    match outcome {
        AppendOutcome::Appended { new, .. } => {
            span.record("new", new);
            counter!("wayfold_store_events_appended_total").increment(*new as u64);
            "appended"
        }
        AppendOutcome::AlreadyTaken { .. } => "already_taken",
        AppendOutcome::Conflict { .. } => "conflict",
    }
}

fn word(kind: ErrorKind) -> &'static str {
    match kind {
        ErrorKind::IdReused => "id_reused",
        ErrorKind::InvalidEvent => "invalid_event",
        ErrorKind::Unsupported => "unsupported",
        ErrorKind::Unavailable => "unavailable",
        ErrorKind::Corrupt => "corrupt",
        ErrorKind::LeaseLost => "lease_lost",
        ErrorKind::MapChanged => "map_changed",
    }
}
