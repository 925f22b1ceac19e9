//! A database as it is written under a lease: what is kept there goes through only as long as the lease is held.

use std::sync::Arc;

use wayfold_core::{CustomerKey, EventBatch, Position};
use wayfold_postgres::{Lease, PostgresStore};
use wayfold_store::{
    AppendCondition, AppendOutcome, BoxFuture, Capabilities, Checkpoint, CheckpointName, EventStore,
    ReadPage, ReadQuery, Result, Scan,
};

/// Puts every checkpoint under a lease; all else is the store's.
#[derive(Debug)]
pub(super) struct Fenced<'a> {
    pub(super) store: &'a Arc<PostgresStore>,
    pub(super) lease: &'a Lease,
}

impl EventStore for Fenced<'_> {
    fn capabilities(&self) -> Capabilities {
        self.store.capabilities()
    }

    fn append(
        &self,
        batch: EventBatch,
        condition: Option<AppendCondition>,
    ) -> BoxFuture<'_, Result<AppendOutcome>> {
        EventStore::append(self.store, batch, condition)
    }

    fn read(&self, query: ReadQuery, from: Position, limit: usize) -> BoxFuture<'_, Result<ReadPage>> {
        self.store.read(query, from, limit)
    }

    fn scan(&self, after: Position, limit: usize, lanes: usize) -> BoxFuture<'_, Result<Scan<'_>>> {
        self.store.scan(after, limit, lanes)
    }

    fn history<'a>(&'a self, customer: &'a CustomerKey) -> BoxFuture<'a, Result<Vec<EventBatch>>> {
        self.store.history(customer)
    }

    fn head(&self) -> BoxFuture<'_, Result<Position>> {
        self.store.head()
    }

    fn wait_past(&self, position: Position) -> BoxFuture<'_, Result<Position>> {
        self.store.wait_past(position)
    }

    fn checkpoint(&self, name: CheckpointName) -> BoxFuture<'_, Result<Option<Checkpoint>>> {
        self.store.checkpoint(name)
    }

    fn put_checkpoint(&self, name: CheckpointName, checkpoint: Checkpoint) -> BoxFuture<'_, Result<()>> {
        Box::pin(self.store.put_checkpoint_under(self.lease, name, checkpoint))
    }
}
