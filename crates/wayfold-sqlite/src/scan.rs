//! Parts of the log for a fold: sealed blocks side by side, customer after customer, and what is not sealed behind them.

mod lane;

use std::sync::Arc;

use wayfold_core::{EventBatch, Position, Shard};
use wayfold_store::{Lane, ReadQuery, Result, Scan};

use self::lane::SqliteLane;
use crate::error::{corrupt, number, position, unavailable};
use crate::pool::{OpenRead, Pool};
use crate::read::Bounds;
use crate::sealed::Block;
use crate::slice::slices;
use crate::state::{OVERTAKEN_MAX, SharedState, State};

/// What a part holds.
struct Plan {
    blocks: Vec<Arc<Block>>,
    /// Batches that are not sealed.
    tail: Vec<EventBatch>,
    to: u64,
    is_last: bool,
}

/// Opens the next part for reading in lanes: whole blocks, until there are events enough.
pub(crate) fn scan<'a>(
    pool: &Arc<Pool>,
    shared: &'a SharedState,
    (from, limit): (Position, usize),
    lanes: usize,
) -> Result<Scan<'a>> {
    let after = number(from);
    for _ in 0..OVERTAKEN_MAX {
        let (first, (generation, plan)) =
            pool.open_read(shared, |state| Ok((state.meta.generation, plan(shared, state, after, limit)?)))?;
        let Plan { blocks, tail, to, is_last } = plan;
        let position = if to == after { from } else { position(to) };
        if blocks.is_empty() {
            // All of it is in memory.
            first.check()?;
            return Ok(Scan::of_batches(tail, lanes, position, is_last));
        }
        let Some(reads) = open_more(pool, shared, (first, generation), lanes)? else { continue };
        let lane = |(index, read)| -> Lane<'a> {
            let shard = Shard::new(index, lanes);
            Box::new(SqliteLane::new(
                Arc::new(read),
                shared.upcasters(),
                shard,
                after,
                (&blocks, tail.clone()),
            ))
        };
        let lanes = reads.into_iter().enumerate().take(lanes).map(lane).collect();
        return Ok(Scan { lanes, events: to - after, position, is_last });
    }
    Err(unavailable("read the log: blocks are sealed faster than it can be read"))
}

/// Opens a transaction for each lane beside the first; `None` if one sees other sealed blocks, because some were sealed
/// in between.
fn open_more(
    pool: &Arc<Pool>,
    shared: &SharedState,
    (first, generation): (OpenRead, u64),
    lanes: usize,
) -> Result<Option<Vec<OpenRead>>> {
    let mut reads = vec![first];
    while reads.len() < lanes {
        let (read, other) = pool.open_read(shared, |state| Ok(state.meta.generation))?;
        if other != generation {
            return Ok(None);
        }
        reads.push(read);
    }
    Ok(Some(reads))
}

fn plan(shared: &SharedState, state: &State, after: u64, limit: usize) -> Result<Plan> {
    let mut plan = Plan { blocks: Vec::new(), tail: Vec::new(), to: after, is_last: false };
    let is_full = |plan: &Plan| plan.to - after >= limit as u64;
    for block in state.sealed.between(after, u64::MAX) {
        if is_full(&plan) {
            break;
        }
        plan.blocks.push(block.clone());
        plan.to = block.last;
    }
    let bounds = Bounds { after, before: u64::MAX, events_max: limit, bytes_max: usize::MAX };
    for slice in slices(&shared.hasher, &state.tail, &ReadQuery::all(), &bounds) {
        // What a sealed block holds that is left for the next part comes before.
        if is_full(&plan) || slice.block.first > plan.to + 1 {
            break;
        }
        let batch = slice.block.today(shared.upcasters())?;
        plan.tail.push(newer(batch, slice.block.first, after)?);
        plan.to = slice.block.last();
    }
    plan.is_last = plan.to >= state.tail.head();
    Ok(plan)
}

/// A batch that begins at a number at the earliest, but for those of its events that the part comes after.
fn newer(batch: &EventBatch, first: u64, after: u64) -> Result<EventBatch> {
    if first > after {
        return Ok(batch.clone());
    }
    batch.check().map_err(|error| corrupt(format_args!("read the log: {error}")))?;
    let is_newer = |place: Option<Position>| place.is_some_and(|place| number(place) > after);
    Ok(EventBatch::from_views(batch.iter().filter(|event| is_newer(event.position()))))
}
