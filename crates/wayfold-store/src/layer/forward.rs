//! A shared or boxed store is a store.

use std::sync::Arc;

use wayfold_core::{CustomerKey, EventBatch, Position};

use crate::error::Result;
use crate::outcome::{AppendOutcome, Capabilities, Checkpoint, CheckpointName, ReadPage};
use crate::query::{AppendCondition, ReadQuery};
use crate::scan::Scan;
use crate::store::{BoxFuture, EventStore};

macro_rules! forward {
    ($pointer:ident) => {
        impl<S: EventStore + ?Sized> EventStore for $pointer<S> {
            fn capabilities(&self) -> Capabilities {
                (**self).capabilities()
            }

            fn append(
                &self,
                batch: EventBatch,
                condition: Option<AppendCondition>,
            ) -> BoxFuture<'_, Result<AppendOutcome>> {
                (**self).append(batch, condition)
            }

            fn read(
                &self,
                query: ReadQuery,
                from: Position,
                limit: usize,
            ) -> BoxFuture<'_, Result<ReadPage>> {
                (**self).read(query, from, limit)
            }

            fn scan(&self, after: Position, limit: usize, lanes: usize) -> BoxFuture<'_, Result<Scan<'_>>> {
                (**self).scan(after, limit, lanes)
            }

            fn history<'a>(&'a self, customer: &'a CustomerKey) -> BoxFuture<'a, Result<Vec<EventBatch>>> {
                (**self).history(customer)
            }

            fn head(&self) -> BoxFuture<'_, Result<Position>> {
                (**self).head()
            }

            fn wait_past(&self, position: Position) -> BoxFuture<'_, Result<Position>> {
                (**self).wait_past(position)
            }

            fn checkpoint(&self, name: CheckpointName) -> BoxFuture<'_, Result<Option<Checkpoint>>> {
                (**self).checkpoint(name)
            }

            fn put_checkpoint(
                &self,
                name: CheckpointName,
                checkpoint: Checkpoint,
            ) -> BoxFuture<'_, Result<()>> {
                (**self).put_checkpoint(name, checkpoint)
            }
        }
    };
}

forward!(Arc);
forward!(Box);
