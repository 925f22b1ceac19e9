//! The live states of all customers: one fold a thread, each with the customers that hash to it.

use std::collections::VecDeque;

use wayfold_core::{
    CustomerKey, EventBatch, Fold, Handle, Population, Position, Projection, ProjectionSet, Refold, Tenant,
    Timestamp,
};
use wayfold_store::{EventFilter, EventStore, EventStoreExt, ReadQuery};

use crate::error::Result;
use crate::known::Known;

/// How many events are clustered and folded together.
const EVENTS_PER_APPLY: usize = 1 << 20;
/// Below this many events a thread costs more than it gives.
const EVENTS_PER_THREAD_MIN: usize = 8_192;

/// Folds of a log up to a position.
#[derive(Debug)]
pub(crate) struct Shards {
    folds: Vec<Fold>,
    position: Position,
    /// Refolds that are asked for and not done; kept so that a dropped call is taken up by the next.
    pending: VecDeque<(usize, Refold)>,
    /// Whether a fold was left half done, as by a panic in a projection; it is then begun anew.
    torn: bool,
}

impl Shards {
    pub(crate) fn new(projections: &ProjectionSet, as_of: Timestamp, shards: usize) -> Self {
        let fold = |index| Fold::new(projections).with_as_of(as_of).with_shard(index, shards);
        Self {
            folds: (0..shards).map(fold).collect(),
            position: Position::START,
            pending: VecDeque::new(),
            torn: false,
        }
    }

    /// Folds everything that stands in the log after the last call, up to what is known.
    pub(crate) async fn catch_up(&mut self, store: &dyn EventStore, known: Known) -> Result<u64> {
        if self.torn {
            let fold = self.folds.first().expect("there is at least one shard");
            *self = Self::new(fold.projections(), fold.as_of(), self.folds.len());
        }
        let mut read = 0;
        loop {
            self.refold_pending(store, known).await?;
            let (batches, next) = self.read_some(store, known).await?;
            read += batches.iter().map(EventBatch::len).sum::<usize>() as u64;
            self.apply(&batches);
            self.position = next.unwrap_or(self.position);
            if next.is_none() {
                self.refold_pending(store, known).await?;
                return Ok(read);
            }
        }
    }

    /// Reads on until enough events are there to fold together; `None` when the end of the log is reached.
    async fn read_some(
        &mut self,
        store: &dyn EventStore,
        known: Known,
    ) -> Result<(Vec<EventBatch>, Option<Position>)> {
        let (mut batches, mut events) = (Vec::new(), 0);
        let mut from = self.position;
        while events < EVENTS_PER_APPLY {
            let page = store.read(ReadQuery::all(), from, EVENTS_PER_APPLY).await?;
            if let Some(last) = page.batch.len().checked_sub(1) {
                from = page.batch.event(last).position().unwrap_or(from);
            }
            events += page.batch.len();
            batches.extend(known.cut(page.batch));
            match page.next {
                Some(next) => from = next,
                None => {
                    self.position = from;
                    return Ok((batches, None));
                }
            }
        }
        Ok((batches, Some(from)))
    }

    fn apply(&mut self, batches: &[EventBatch]) {
        self.torn = true;
        let events: usize = batches.iter().map(EventBatch::len).sum();
        let refolds: Vec<Vec<Refold>> = if events < EVENTS_PER_THREAD_MIN || self.folds.len() == 1 {
            self.folds.iter_mut().map(|fold| fold.apply(batches).refolds).collect()
        } else {
            std::thread::scope(|scope| {
                let work: Vec<_> =
                    self.folds.iter_mut().map(|fold| scope.spawn(|| fold.apply(batches).refolds)).collect();
                work.into_iter().map(join).collect()
            })
        };
        for (shard, refolds) in refolds.into_iter().enumerate() {
            self.pending.extend(refolds.into_iter().map(|refold| (shard, refold)));
        }
        self.torn = false;
    }

    async fn refold_pending(&mut self, store: &dyn EventStore, known: Known) -> Result<()> {
        while let Some((shard, refold)) = self.pending.front().cloned() {
            let history = history(store, &refold.customer, known).await?;
            self.torn = true;
            self.folds[shard].refold(&refold, &history);
            self.torn = false;
            self.pending.pop_front();
        }
        Ok(())
    }

    /// The instant of the newest event folded.
    pub(crate) fn newest(&self) -> Option<Timestamp> {
        self.folds.iter().filter_map(Fold::newest).max()
    }

    pub(crate) fn population(&self, tenant: &Tenant, as_of: Timestamp) -> Result<Population> {
        let mut populations = self.folds.iter().map(|fold| fold.population(tenant, as_of));
        let first = populations.next().expect("there is at least one shard")?;
        Ok(populations.try_fold(first, |merged, next| Ok::<_, wayfold_core::Error>(merged.merge(next?)))?)
    }

    pub(crate) fn own_views<P: Projection>(
        &self,
        handle: Handle<P>,
        tenant: &Tenant,
        as_of: Timestamp,
    ) -> Result<Vec<(CustomerKey, P::View)>> {
        let mut views = Vec::new();
        for fold in &self.folds {
            fold.for_each_own_view(handle, tenant, as_of, |key, view| views.push((key, view)))?;
        }
        views.sort_by(|a, b| a.0.cmp(&b.0));
        Ok(views)
    }

    /// The canonical export of all shards, by key bytes.
    pub(crate) fn export(&self) -> Result<Vec<u8>> {
        let mut lines: Vec<(CustomerKey, Vec<u8>)> = Vec::new();
        for fold in &self.folds {
            let mut bytes = Vec::new();
            fold.export(&mut bytes)?;
            let own = bytes.split_inclusive(|byte| *byte == b'\n').map(<[u8]>::to_vec);
            lines.extend(fold.customers().into_iter().zip(own));
        }
        lines.sort_by(|a, b| a.0.cmp(&b.0));
        Ok(lines.into_iter().flat_map(|(_, line)| line).collect())
    }
}

fn join<T>(thread: std::thread::ScopedJoinHandle<'_, T>) -> T {
    thread.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))
}

/// All events of a customer, up to what is known.
pub(crate) async fn history(
    store: &dyn EventStore,
    key: &CustomerKey,
    known: Known,
) -> Result<Vec<EventBatch>> {
    let batches = store.read_all(EventFilter::customer(key.clone())).await?;
    Ok(batches.into_iter().filter_map(|batch| known.cut(batch)).collect())
}
