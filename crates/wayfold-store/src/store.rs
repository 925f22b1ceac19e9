use std::fmt::Debug;

pub use futures_core::future::BoxFuture;
use wayfold_core::{CustomerKey, EventBatch, Position};

use crate::error::Result;
use crate::outcome::{AppendOutcome, Capabilities, Checkpoint, CheckpointName, ReadPage};
use crate::query::{AppendCondition, EventFilter, ReadQuery};
use crate::scan::Scan;

/// A log of events: what an adapter implements. Small and strict; convenience is in [`EventStoreExt`].
pub trait EventStore: Debug + Send + Sync {
    /// Says what this backend can do.
    fn capabilities(&self) -> Capabilities;

    /// Appends a batch whole or not at all, if the condition holds.
    ///
    /// # Behavior
    /// - Ids are looked at first, per tenant. Same id and same content (all but position and recording time)
    ///   counts as written. If all ids are taken so, the outcome is `AlreadyTaken`, whatever the condition.
    /// - New events must not lie too far beyond the clock; events that stand already are not asked again.
    /// - Then the condition is checked, leaving the batch's own events aside, and the new events are written
    ///   in the order of the batch.
    /// - An id twice in one batch with the same content counts once.
    /// - An empty batch writes nothing; its condition is checked.
    /// - `recorded_at` is the clock, and never less than the event before has. Positions grow.
    ///
    /// # Errors
    /// `IdReused` if an id is taken with other content, `InvalidEvent` or `Unsupported` as of
    /// [`admit`](crate::admit): nothing was written. `Unavailable` says whether the outcome is unknown.
    fn append(
        &self,
        batch: EventBatch,
        condition: Option<AppendCondition>,
    ) -> BoxFuture<'_, Result<AppendOutcome>>;

    /// Reads a page of at most `limit` events after a position, or before it when reading backward.
    ///
    /// # Behavior
    /// - An event that commits later never stands at or before a position that a page has named.
    /// - A page may hold fewer events than `limit`, also none, and still name where to go on.
    /// - Past the end the page is empty and `next` is `None`.
    ///
    /// # Errors
    /// `Unavailable` or `Corrupt`, which names the place.
    fn read(&self, query: ReadQuery, from: Position, limit: usize) -> BoxFuture<'_, Result<ReadPage>>;

    /// Reads a part of the log after a position for a fold, which takes the events of a part in any order: in so many
    /// lanes, which several threads may read side by side, each its shard of the customers.
    ///
    /// # Behavior
    /// - Every event after the position and up to [`Scan::position`] is meant once in one part of its customer's lane,
    ///   with position and recording time; in whatever order lets the store read fastest.
    /// - The parts of a lane hold customers apart, in the order of their shards: what a scan has of a customer stands together.
    /// - There are about `limit` events, fewer or more, as the log is cut. A part that is not the last has some, unless
    ///   `limit` is 0.
    ///
    /// # Errors
    /// As [`EventStore::read`]; so may each lane when it is read.
    fn scan(&self, after: Position, limit: usize, lanes: usize) -> BoxFuture<'_, Result<Scan<'_>>> {
        Box::pin(async move {
            let limit = limit.min(SCAN_EVENTS_MAX);
            let (mut batches, mut events, mut end) = (Vec::new(), 0, after);
            loop {
                let ReadPage { batch, next } = self.read(ReadQuery::all(), end, limit - events).await?;
                let last = batch.len().checked_sub(1).and_then(|last| batch.event(last).position());
                end = next.or(last).unwrap_or(end);
                events += batch.len().min(limit - events);
                batches.push(batch);
                if next.is_none() || events == limit {
                    return Ok(Scan::of_batches(batches, lanes, end, next.is_none()));
                }
            }
        })
    }

    /// Reads all events of a customer for a fold.
    ///
    /// # Behavior
    /// - Every event of the customer stands once in one of the batches, with position and recording time, in no
    ///   particular order. There may be events of others among them, so that a store can hand over what it keeps
    ///   together; a batch may be decoded as far as it is looked at, see [`EventBatch::failure`]. As long as it is kept, what it
    ///   is read from may stay open, so that it is for folding and not for keeping.
    ///
    /// # Errors
    /// As [`EventStore::read`].
    fn history<'a>(&'a self, customer: &'a CustomerKey) -> BoxFuture<'a, Result<Vec<EventBatch>>> {
        Box::pin(self.read_all(EventFilter::customer(customer.clone())))
    }

    /// The position of the last event, or [`Position::START`].
    ///
    /// # Errors
    /// `Unavailable`.
    fn head(&self) -> BoxFuture<'_, Result<Position>>;

    /// Waits until the head is past a position, and returns it.
    ///
    /// # Behavior
    /// - Returns at once if it is already; dropping the future stops the wait.
    ///
    /// # Errors
    /// `Unavailable`.
    fn wait_past(&self, position: Position) -> BoxFuture<'_, Result<Position>>;

    /// Reads a checkpoint; `None` if it was never put.
    ///
    /// # Errors
    /// `Unavailable`.
    fn checkpoint(&self, name: CheckpointName) -> BoxFuture<'_, Result<Option<Checkpoint>>>;

    /// Puts a checkpoint in the place of the one before: position and bytes in one transaction.
    ///
    /// # Errors
    /// `Unavailable`.
    fn put_checkpoint(&self, name: CheckpointName, checkpoint: Checkpoint) -> BoxFuture<'_, Result<()>>;
}

/// Convenience over every store.
pub trait EventStoreExt: EventStore {
    /// Reads every event of a set, forward, up to the end of the log as it is.
    ///
    /// # Errors
    /// As [`EventStore::read`].
    fn read_all(&self, filter: EventFilter) -> impl Future<Output = Result<Vec<EventBatch>>> + Send {
        async move {
            let mut batches = Vec::new();
            let mut from = Some(Position::START);
            while let Some(position) = from {
                let page = self.read(filter.clone().into(), position, PAGE_EVENTS).await?;
                if !page.batch.is_empty() {
                    batches.push(page.batch);
                }
                from = page.next;
            }
            Ok(batches)
        }
    }
}

/// How many events [`EventStore::scan`] brings together where a store reads no part by itself.
const SCAN_EVENTS_MAX: usize = 1 << 20;
/// How many events a page of [`EventStoreExt::read_all`] asks for.
const PAGE_EVENTS: usize = 65_536;

impl<S: EventStore + ?Sized> EventStoreExt for S {}
