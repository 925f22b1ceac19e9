//! What a page takes of the events that are not sealed yet: cheap to take out of the shared state.

use wayfold_store::{Direction, ReadQuery};

use crate::keys::Hasher;
use crate::read::Bounds;
use crate::tail::{Fresh, Tail};

/// Rows of a block.
#[derive(Debug)]
pub(crate) struct Slice {
    pub(crate) block: Fresh,
    rows: Rows,
}

#[derive(Debug)]
enum Rows {
    /// All from the first to before the second.
    Range(usize, usize),
    /// By growing number.
    Listed(Vec<usize>),
}

impl Slice {
    /// The rows in the order of the read.
    pub(crate) fn rows(&self, direction: Direction) -> Box<dyn Iterator<Item = usize> + '_> {
        match (&self.rows, direction) {
            (Rows::Range(start, end), Direction::Forward) => Box::new(*start..*end),
            (Rows::Range(start, end), Direction::Backward) => Box::new((*start..*end).rev()),
            (Rows::Listed(rows), Direction::Forward) => Box::new(rows.iter().copied()),
            (Rows::Listed(rows), Direction::Backward) => Box::new(rows.iter().rev().copied()),
        }
    }

    pub(crate) fn is_whole(&self) -> bool {
        matches!(self.rows, Rows::Range(0, end) if end == self.block.batch.len())
    }
}

/// Slices that hold all that a page may take, in the order of the read.
pub(crate) fn slices(hasher: &Hasher, tail: &Tail, query: &ReadQuery, bounds: &Bounds) -> Vec<Slice> {
    let mut slices = match tail.candidates(hasher, &query.filter, bounds.after, bounds.before) {
        Some(newest_first) => listed(tail, newest_first.collect()),
        None => return ranges(tail, query, bounds),
    };
    if query.direction == Direction::Backward {
        slices.reverse();
    }
    slices
}

/// Rows by their numbers, given from the newest back.
fn listed(tail: &Tail, mut numbers: Vec<u64>) -> Vec<Slice> {
    numbers.reverse();
    let mut slices: Vec<Slice> = Vec::new();
    for number in numbers {
        let row = |block: &Fresh| (number - block.first) as usize;
        match slices.last_mut() {
            Some(Slice { block, rows: Rows::Listed(rows) }) if number <= block.last() => {
                rows.push(row(block));
            }
            _ => {
                let block = tail.block(number).clone();
                slices.push(Slice { rows: Rows::Listed(vec![row(&block)]), block });
            }
        }
    }
    slices
}

/// All rows within bounds; of a read of everything, little more than a page needs.
fn ranges(tail: &Tail, query: &ReadQuery, bounds: &Bounds) -> Vec<Slice> {
    let Bounds { after, before, .. } = *bounds;
    let slice = |block: &Fresh| {
        let start = after.saturating_add(1).max(block.first) - block.first;
        let end = before.min(block.last() + 1) - block.first;
        Slice { block: block.clone(), rows: Rows::Range(start as usize, end as usize) }
    };
    let rows_needed = if query.filter.is_all() { bounds.events_max.saturating_add(1) } else { usize::MAX };
    let mut rows = 0_usize;
    let is_needed = |slice: &Slice| {
        let is_needed = rows < rows_needed;
        if let Rows::Range(start, end) = slice.rows {
            rows += end - start;
        }
        is_needed
    };
    let blocks = tail.blocks(after, before);
    match query.direction {
        Direction::Forward => blocks.map(slice).take_while(is_needed).collect(),
        Direction::Backward => blocks.rev().map(slice).take_while(is_needed).collect(),
    }
}
