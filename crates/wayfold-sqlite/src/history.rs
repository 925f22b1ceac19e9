//! All events of one customer for a fold: of the pages on which they stand, and of what is not sealed.

use std::sync::Arc;

use wayfold_core::{CustomerKey, EventBatch, Shard};
use wayfold_store::{Direction, EventFilter, ReadQuery, Result, lifted};

use crate::archive::{lookups, may_hold};
use crate::pool::{OpenRead, Pool};
use crate::read::Bounds;
use crate::sealed::Manifest;
use crate::slice::{Slice, slices};
use crate::state::SharedState;

/// Reads a customer's events in one transaction, which stays open for what a fold seldom looks at.
pub(crate) fn history(
    pool: &Arc<Pool>,
    shared: &SharedState,
    customer: &CustomerKey,
) -> Result<Vec<EventBatch>> {
    let query = ReadQuery::from(EventFilter::customer(customer.clone()));
    let bounds = Bounds { after: 0, before: u64::MAX, events_max: usize::MAX, bytes_max: usize::MAX };
    let (read, (sealed, slices)) = pool.open_read(shared, |state| {
        Ok((state.sealed.clone(), slices(&shared.hasher, &state.tail, &query, &bounds)))
    })?;
    let read = Arc::new(read);
    let batches = sealed_of(&read, shared, &sealed, customer, &query.filter);
    read.check()?;
    let mut batches = batches?;
    batches.extend(fresh_of(shared, &slices, &query.filter)?);
    Ok(batches)
}

/// What stands of a customer in sealed blocks.
fn sealed_of(
    read: &Arc<OpenRead>,
    shared: &SharedState,
    sealed: &Manifest,
    customer: &CustomerKey,
    filter: &EventFilter,
) -> Result<Vec<EventBatch>> {
    let mut batches = Vec::new();
    let lookups: Vec<_> = lookups(filter).collect();
    for block in sealed.blocks.iter().filter(|block| may_hold(block, filter, &lookups, 0)) {
        for page in block.header.pages_of(&Shard::of(customer)) {
            let batch = block.open_page_of(read, page, customer)?;
            batches.extend(batch.map(|batch| lifted(&batch, shared.upcasters())).transpose()?);
        }
    }
    Ok(batches)
}

/// What is not sealed yet; `None` if nothing of it is the customer's.
fn fresh_of(shared: &SharedState, slices: &[Slice], filter: &EventFilter) -> Result<Option<EventBatch>> {
    let mut fresh = Vec::new();
    for slice in slices {
        let today = slice.block.today(shared.upcasters())?;
        fresh.extend(slice.rows(Direction::Forward).map(|row| today.event(row)));
    }
    // Hashes of others may be the same.
    fresh.retain(|event| filter.matches(event));
    Ok((!fresh.is_empty()).then(|| EventBatch::from_views(fresh)))
}
