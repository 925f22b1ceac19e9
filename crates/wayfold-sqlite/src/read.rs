//! Pages of a read: from sealed blocks and from what is not sealed yet, in the order of positions.

use std::ops::ControlFlow;
use std::sync::Arc;

use rusqlite::Connection;
use wayfold_core::{EventBatch, Position, Upcasters};
use wayfold_store::{Direction, EventFilter, ReadPage, ReadQuery, Result};

use crate::archive::Archive;
use crate::config::SqliteConfig;
use crate::error::{number, position};
use crate::sealed::{Block, Manifest};
use crate::slice::{Slice, slices};
use crate::state::SharedState;

/// A fresh block of at least so many events is a page as it is; smaller ones are brought together.
const WHOLE_EVENTS_MIN: usize = 1_024;
/// A read that has to look at every event ends its page after so many sealed blocks, found or not.
const BLOCKS_LOOKED_THROUGH_MAX: usize = 4;

/// Which events may be on the page, and how many.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Bounds {
    /// Events after this number.
    pub(crate) after: u64,
    /// And before this one.
    pub(crate) before: u64,
    pub(crate) events_max: usize,
    pub(crate) bytes_max: usize,
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
    let (snapshot, (sealed, slices)) = shared.ask_now(connection, |state| {
        Ok((state.sealed.clone(), slices(&shared.hasher, &state.tail, query, &bounds)))
    })?;
    let archive = Archive::new(&snapshot.transaction, &sealed, shared);
    page(&archive, query, &slices, bounds)
}

fn page(archive: &Archive<'_>, query: &ReadQuery, slices: &[Slice], bounds: Bounds) -> Result<ReadPage> {
    let manifest: &Manifest = archive.manifest();
    let blocks = manifest.between(bounds.after, bounds.before);
    if blocks.is_empty()
        && let Some(page) = whole_block(archive.upcasters(), query, slices, &bounds)?
    {
        return Ok(page);
    }
    let mut draft = Draft { filter: &query.filter, bounds, picks: Vec::new(), bytes: 0, next: None };
    let upcasters = archive.upcasters();
    let ended = match query.direction {
        Direction::Forward => match draft.take_sealed(archive, blocks.iter(), query.direction)? {
            ControlFlow::Continue(()) => draft.take_slices(upcasters, slices, query.direction)?,
            ended => ended,
        },
        Direction::Backward => match draft.take_slices(upcasters, slices, query.direction)? {
            ControlFlow::Continue(()) => draft.take_sealed(archive, blocks.iter().rev(), query.direction)?,
            ended => ended,
        },
    };
    debug_assert_eq!(ended.is_break(), draft.next.is_some(), "a page that ended early names the next");
    Ok(draft.finish())
}

/// A page that grows.
struct Draft<'a> {
    filter: &'a EventFilter,
    bounds: Bounds,
    picks: Vec<(u64, EventBatch, usize)>,
    bytes: usize,
    /// Where the next page goes on, once it is known that this one ends early.
    next: Option<u64>,
}

impl Draft<'_> {
    fn is_full(&self) -> bool {
        self.picks.len() >= self.bounds.events_max
            || (!self.picks.is_empty() && self.bytes >= self.bounds.bytes_max)
    }

    /// Ends the page behind its last event. A page without room has found nothing, and goes on where it began.
    fn end(&mut self, direction: Direction) -> ControlFlow<()> {
        let from = match direction {
            Direction::Forward => self.bounds.after,
            Direction::Backward => self.bounds.before,
        };
        self.next = Some(self.picks.last().map_or(from, |pick| pick.0));
        ControlFlow::Break(())
    }

    /// Takes an event if it is meant; ends the page if there is no room for it.
    fn offer(
        &mut self,
        number: u64,
        (batch, row): (&EventBatch, usize),
        bytes: usize,
        direction: Direction,
    ) -> ControlFlow<()> {
        if !self.filter.matches(&batch.event(row)) {
            return ControlFlow::Continue(());
        }
        if self.is_full() {
            return self.end(direction);
        }
        self.bytes += bytes / batch.len() + 1;
        self.picks.push((number, batch.clone(), row));
        ControlFlow::Continue(())
    }

    fn take_slices(
        &mut self,
        upcasters: &Upcasters,
        slices: &[Slice],
        direction: Direction,
    ) -> Result<ControlFlow<()>> {
        for slice in slices {
            let block = &slice.block;
            let events = block.today(upcasters)?;
            for row in slice.rows(direction) {
                let taken = self.offer(block.first + row as u64, (events, row), block.bytes, direction);
                if taken.is_break() {
                    return Ok(taken);
                }
            }
        }
        Ok(ControlFlow::Continue(()))
    }

    fn take_sealed<'b>(
        &mut self,
        archive: &Archive<'_>,
        blocks: impl Iterator<Item = &'b Arc<Block>>,
        direction: Direction,
    ) -> Result<ControlFlow<()>> {
        let looks_through = self.filter.customer.is_none() && self.filter.tags.is_empty();
        let mut looked_through = 0;
        for block in blocks {
            if self.is_full() {
                return Ok(self.end(direction));
            }
            if looked_through == BLOCKS_LOOKED_THROUGH_MAX {
                self.next = Some(match direction {
                    Direction::Forward => block.first - 1,
                    Direction::Backward => block.last + 1,
                });
                return Ok(ControlFlow::Break(()));
            }
            let Some(opened) = archive.open(block, self.filter, self.bounds.after)? else { continue };
            looked_through += usize::from(looks_through);
            let events = opened.between(self.bounds.after, self.bounds.before);
            let events: Box<dyn Iterator<Item = _>> = match direction {
                Direction::Forward => Box::new(events),
                Direction::Backward => Box::new(events.rev()),
            };
            for (number, page, row) in events {
                let today = page.today(archive.upcasters())?;
                let taken = self.offer(number, (today, row), page.bytes, direction);
                if taken.is_break() {
                    return Ok(taken);
                }
            }
        }
        Ok(ControlFlow::Continue(()))
    }

    fn finish(self) -> ReadPage {
        let events = self.picks.iter().map(|(_, batch, row)| batch.event(*row));
        ReadPage { batch: EventBatch::from_views(events), next: self.next.map(position) }
    }
}

/// A stored block as it is, where a forward read of everything begins at one that fills a page well.
fn whole_block(
    upcasters: &Upcasters,
    query: &ReadQuery,
    slices: &[Slice],
    bounds: &Bounds,
) -> Result<Option<ReadPage>> {
    let Some(first) = slices.first().filter(|_| *query == ReadQuery::all()) else { return Ok(None) };
    let events = first.block.batch.len();
    let fits = first.is_whole()
        && events <= bounds.events_max
        && (first.block.bytes <= bounds.bytes_max || events == 1);
    let is_large = events >= WHOLE_EVENTS_MIN.min(bounds.events_max);
    if !fits || !(is_large || slices.len() == 1) {
        return Ok(None);
    }
    let batch = first.block.today(upcasters)?.clone();
    let next = (slices.len() > 1).then(|| position(first.block.last()));
    Ok(Some(ReadPage { batch, next }))
}
