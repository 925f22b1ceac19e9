//! All events of one customer for a fold: the pages on which they stand, as they are, and what is not sealed.

use rusqlite::Connection;
use wayfold_core::{CustomerKey, EventBatch, Shard};
use wayfold_store::{Direction, EventFilter, ReadQuery, Result, lifted};

use crate::archive::{lookups, may_hold};
use crate::read::Bounds;
use crate::slice::slices;
use crate::state::SharedState;

/// Reads a customer's events in one transaction.
pub(crate) fn history(
    connection: &Connection,
    shared: &SharedState,
    customer: &CustomerKey,
) -> Result<Vec<EventBatch>> {
    let query = ReadQuery::from(EventFilter::customer(customer.clone()));
    let bounds = Bounds { after: 0, before: u64::MAX, events_max: usize::MAX, bytes_max: usize::MAX };
    let (snapshot, (sealed, slices)) = shared.ask_now(connection, |state| {
        Ok((state.sealed.clone(), slices(&shared.hasher, &state.tail, &query, &bounds)))
    })?;
    let mut batches = Vec::new();
    let lookups: Vec<_> = lookups(&query.filter).collect();
    for block in sealed.blocks.iter().filter(|block| may_hold(block, &query.filter, &lookups, 0)) {
        for page in block.header.pages_of(&Shard::of(customer)) {
            batches.push(lifted(&block.open_page(&snapshot.transaction, page)?, shared.upcasters())?);
        }
    }
    let mut tail = Vec::new();
    for slice in &slices {
        let today = slice.block.today(shared.upcasters())?;
        tail.extend(slice.rows(Direction::Forward).map(|row| today.event(row)));
    }
    // Hashes of others may be the same.
    tail.retain(|event| query.filter.matches(event));
    if !tail.is_empty() {
        batches.push(EventBatch::from_views(tail));
    }
    Ok(batches)
}
