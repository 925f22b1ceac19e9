//! Pages of a read.

use rusqlite::Connection;
use wayfold_core::{EventBatch, Position};
use wayfold_store::{Direction, ReadPage, ReadQuery, Result};

use crate::config::SqliteConfig;
use crate::error::{number, position};
use crate::state::{SharedState, Snapshot, State};
use crate::tail::Fresh;

/// A fresh block of at least so many events is a page as it is; smaller ones are brought together.
const WHOLE_EVENTS_MIN: usize = 1_024;

/// Where a read goes on, and how much it may take.
#[derive(Debug, Clone, Copy)]
struct Bounds {
    /// Events after this number.
    after: u64,
    /// And before this one.
    before: u64,
    events_max: usize,
    bytes_max: usize,
}

/// Reads a page in one transaction.
pub(crate) fn read(
    connection: &Connection,
    shared: &SharedState,
    config: &SqliteConfig,
    (query, from, limit): (&ReadQuery, Position, usize),
) -> Result<ReadPage> {
    let from = number(from);
    let (after, before) = match query.direction {
        Direction::Forward => (from, u64::MAX),
        Direction::Backward => (0, from),
    };
    let events_max = limit.min(config.read_events_max.max(1));
    let bounds = Bounds { after, before, events_max, bytes_max: config.read_bytes_max };
    loop {
        let snapshot = Snapshot::begin(connection)?;
        let slices = shared
            .ask(&snapshot.transaction, &snapshot.meta, |state| Ok(slices(shared, state, query, &bounds)))?;
        // The memory was newer than the transaction; the next one is newer than that.
        let Some(slices) = slices else { continue };
        return Ok(page(query, from, &slices, &bounds));
    }
}

/// Rows of a block, in the order of the read.
#[derive(Debug)]
struct Slice {
    block: Fresh,
    rows: Rows,
}

#[derive(Debug)]
enum Rows {
    /// All from the first to before the second.
    Range(usize, usize),
    Listed(Vec<usize>),
}

impl Slice {
    fn rows(&self, direction: Direction) -> Box<dyn Iterator<Item = usize> + '_> {
        match (&self.rows, direction) {
            (Rows::Range(start, end), Direction::Forward) => Box::new(*start..*end),
            (Rows::Range(start, end), Direction::Backward) => Box::new((*start..*end).rev()),
            (Rows::Listed(rows), Direction::Forward) => Box::new(rows.iter().copied()),
            (Rows::Listed(rows), Direction::Backward) => Box::new(rows.iter().rev().copied()),
        }
    }

    fn is_whole(&self) -> bool {
        matches!(self.rows, Rows::Range(0, end) if end == self.block.batch.len())
    }
}

/// What a page is made of, cheap to take out of the shared state; in the order of the read.
fn slices(shared: &SharedState, state: &State, query: &ReadQuery, bounds: &Bounds) -> Vec<Slice> {
    let mut slices = match state.tail.candidates(&shared.hasher, &query.filter, bounds.after, bounds.before) {
        Some(newest_first) => listed(state, newest_first.collect()),
        None => ranges(state, query, bounds),
    };
    if query.direction == Direction::Backward {
        slices.reverse();
    }
    slices
}

/// Rows by their numbers, given from the newest back.
fn listed(state: &State, mut numbers: Vec<u64>) -> Vec<Slice> {
    numbers.reverse();
    let mut slices: Vec<Slice> = Vec::new();
    for number in numbers {
        let row = |block: &Fresh| (number - block.first) as usize;
        match slices.last_mut() {
            Some(Slice { block, rows: Rows::Listed(rows) }) if number <= block.last() => {
                rows.push(row(block));
            }
            _ => {
                let block = state.tail.block(number).clone();
                slices.push(Slice { rows: Rows::Listed(vec![row(&block)]), block });
            }
        }
    }
    slices
}

/// All rows within bounds, by growing number; of a read of everything, no more than a page needs.
fn ranges(state: &State, query: &ReadQuery, bounds: &Bounds) -> Vec<Slice> {
    let Bounds { after, before, .. } = *bounds;
    let slice = |block: &Fresh| {
        let start = after.saturating_add(1).max(block.first) - block.first;
        let end = before.min(block.last() + 1) - block.first;
        Slice { block: block.clone(), rows: Rows::Range(start as usize, end as usize) }
    };
    let rows_needed = if query.filter.is_all() { bounds.events_max.saturating_add(1) } else { usize::MAX };
    let mut rows = 0_usize;
    let mut is_needed = |slice: &Slice| {
        let is_needed = rows < rows_needed;
        if let Rows::Range(start, end) = slice.rows {
            rows += end - start;
        }
        is_needed
    };
    let blocks = state.tail.blocks(after, before);
    match query.direction {
        Direction::Forward => blocks.map(slice).take_while(&mut is_needed).collect(),
        Direction::Backward => {
            let mut slices: Vec<_> = blocks.rev().map(slice).take_while(&mut is_needed).collect();
            slices.reverse();
            slices
        }
    }
}

fn page(query: &ReadQuery, from: u64, slices: &[Slice], bounds: &Bounds) -> ReadPage {
    if let Some(page) = whole_block(query, slices, bounds) {
        return page;
    }
    let mut picks: Vec<(usize, usize)> = Vec::new();
    let (mut bytes, mut more) = (0, false);
    'read: for (place, slice) in slices.iter().enumerate() {
        let weight = slice.block.bytes / slice.block.batch.len() + 1;
        for row in slice.rows(query.direction) {
            if !query.filter.matches(&slice.block.batch.event(row)) {
                continue;
            }
            let is_full =
                picks.len() >= bounds.events_max || (!picks.is_empty() && bytes >= bounds.bytes_max);
            if is_full {
                more = true;
                break 'read;
            }
            bytes += weight;
            picks.push((place, row));
        }
    }
    let number = |(place, row): &(usize, usize)| slices[*place].block.first + *row as u64;
    // A page without room has found nothing, and goes on where it began.
    let next = more.then(|| position(picks.last().map_or(from, number)));
    let events = picks.iter().map(|(place, row)| slices[*place].block.batch.event(*row));
    ReadPage { batch: EventBatch::from_views(events), next }
}

/// A stored block as it is, where a forward read of everything begins at one that fills a page well.
fn whole_block(query: &ReadQuery, slices: &[Slice], bounds: &Bounds) -> Option<ReadPage> {
    if *query != ReadQuery::all() {
        return None;
    }
    let first =
        slices.first().filter(|slice| slice.is_whole() && slice.block.batch.len() <= bounds.events_max)?;
    let is_large = first.block.batch.len() >= WHOLE_EVENTS_MIN.min(bounds.events_max);
    let batch = first.block.batch.clone();
    (is_large || slices.len() == 1)
        .then(|| ReadPage { batch, next: (slices.len() > 1).then(|| position(first.block.last())) })
}
