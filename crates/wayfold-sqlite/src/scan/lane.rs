//! One lane of a scan: the pages of a shard of the customers, read on in all blocks side by side, and what is not sealed as
//! one block more. So whatever stands of a customer is handed over together, its state is touched once, and no event of
//! it is late.

use std::ops::Range;
use std::sync::Arc;

use wayfold_core::{EventBatch, Shard, Timestamp, Upcasters};
use wayfold_store::{Result, ScanPart, lifted};

use super::newer;
use crate::pool::OpenRead;
use crate::sealed::Block;

/// About how many events make a part: as many as the caches of a processor hold, decoded.
const EVENTS_PER_PART: usize = 16_384;
/// And so many of each source at least, because the last page of a source goes on into the next part.
const EVENTS_PER_SOURCE: usize = 8_192;
/// How many events make a page of what is not sealed.
const EVENTS_PER_PAGE: usize = 4_096;

pub(super) struct SqliteLane<'a> {
    /// Until all is read, or something fails.
    read: Option<Arc<OpenRead>>,
    upcasters: &'a Upcasters,
    shard: Shard,
    /// Events after this number are read.
    after: u64,
    sources: Vec<Progress>,
    /// Batches that are not sealed, until they are brought into the order of customers by who reads the lane.
    tail: Vec<EventBatch>,
    /// The least spread that was not handed over, until all are.
    next: Option<u64>,
}

enum Source {
    /// The pages of a block that are not read yet.
    Block(Arc<Block>, Range<u32>),
    Tail(Tail),
}

/// Events in the order of customers, and the spread of the last of them.
type Page = (u64, EventBatch);

/// How far a source is read.
struct Progress {
    source: Source,
    /// What is read and not wholly handed over, each with the spread of its last customer.
    open: Vec<Page>,
    /// Up to this spread, all is read.
    whole_to: Option<u64>,
}

impl<'a> SqliteLane<'a> {
    pub(super) fn new(
        read: Arc<OpenRead>,
        upcasters: &'a Upcasters,
        shard: Shard,
        after: u64,
        (blocks, tail): (&[Arc<Block>], Vec<EventBatch>),
    ) -> Self {
        let source = |block: &Arc<Block>| Source::Block(block.clone(), block.header.pages_of(&shard));
        let sources = blocks.iter().map(source).map(Progress::new).collect();
        Self { read: Some(read), upcasters, shard, after, sources, tail, next: Some(shard.first()) }
    }

    /// Reads the next part; `None` at the end.
    fn part(&mut self, read: &Arc<OpenRead>) -> Result<Option<ScanPart>> {
        if !self.tail.is_empty() {
            let tail = Tail::new(std::mem::take(&mut self.tail), &self.shard);
            self.sources.push(Progress::new(Source::Tail(tail)));
        }
        while let Some(first) = self.next {
            let last = self.read_on(read, first)?;
            let open = self.sources.iter().flat_map(|source| &source.open);
            let batches: Vec<_> = open.map(|(_, batch)| batch.clone()).collect();
            for source in &mut self.sources {
                source.open.retain(|(reach, _)| *reach > last);
            }
            self.next = (last < self.shard.last()).then(|| last + 1);
            if !batches.is_empty() {
                return Ok(Some(ScanPart { customers: Shard::between(first, last), batches }));
            }
        }
        Ok(None)
    }

    /// Reads pages until there are enough events; says up to which spread all sources are read.
    fn read_on(&mut self, read: &Arc<OpenRead>, first: u64) -> Result<u64> {
        let enough = EVENTS_PER_PART.max(EVENTS_PER_SOURCE * self.sources.len());
        let open = self.sources.iter().flat_map(|source| &source.open);
        let mut events: usize = open.map(|(_, batch)| batch.len()).sum();
        loop {
            // Customers are whole as far as the source goes that is behind all others.
            let Some(behind) = self.sources.iter_mut().min_by_key(|source| source.whole_to) else {
                return Ok(self.shard.last());
            };
            match behind.whole_to {
                Some(whole_to) if whole_to == self.shard.last() => return Ok(whole_to),
                Some(whole_to) if whole_to >= first && events >= enough => return Ok(whole_to),
                _ => events += behind.read_page(read, self.upcasters, self.after, self.shard.last())?,
            }
        }
    }
}

impl Progress {
    fn new(source: Source) -> Self {
        Self { source, open: Vec::new(), whole_to: None }
    }

    /// Reads the next page, if there is one, and says how many events it has.
    fn read_page(
        &mut self,
        read: &Arc<OpenRead>,
        upcasters: &Upcasters,
        after: u64,
        last: u64,
    ) -> Result<usize> {
        let (page, is_last) = match &mut self.source {
            Source::Tail(tail) => (tail.page(), tail.is_read()),
            Source::Block(block, pages) => {
                let mut open = |number| -> Result<Page> {
                    let batch = lifted(&block.open_page_for_fold(read, number)?, upcasters)?;
                    Ok((block.header.page_reach(number), newer(&batch, block.first, after)?))
                };
                (pages.next().map(&mut open).transpose()?, pages.start >= pages.end)
            }
        };
        let reach = page.as_ref().and_then(|(reach, _)| reach.checked_sub(1));
        // The last customer of a page may go on in the next.
        self.whole_to = if is_last { Some(last) } else { reach };
        let events = page.as_ref().map_or(0, |(_, batch)| batch.len());
        self.open.extend(page);
        Ok(events)
    }
}

/// What is not sealed of a shard, in the order of customers.
struct Tail {
    batches: Arc<[EventBatch]>,
    rows: Vec<TailRow>,
    /// How many rows were made into pages.
    paged: usize,
}

/// An event's customer by its spread, its instant, its batch, and its row there.
type TailRow = (u64, Timestamp, u32, u32);

impl Tail {
    fn new(batches: Vec<EventBatch>, shard: &Shard) -> Self {
        let mut rows = Vec::new();
        for (number, batch) in batches.iter().enumerate() {
            let spreads = batch.spreads();
            rows.extend(batch.iter().enumerate().filter_map(|(row, event)| {
                let spread = spreads[event.local_customer() as usize];
                shard.holds_spread(spread).then_some((spread, event.occurred_at(), number as u32, row as u32))
            }));
        }
        rows.sort_unstable();
        Self { batches: batches.into(), rows, paged: 0 }
    }

    fn is_read(&self) -> bool {
        self.paged == self.rows.len()
    }

    fn page(&mut self) -> Option<Page> {
        let rest = &self.rows[self.paged..];
        let rows = &rest[..rest.len().min(EVENTS_PER_PAGE)];
        let (spread, ..) = rows.last()?;
        self.paged += rows.len();
        let places = rows.iter().map(|(_, _, batch, row)| (*batch, *row)).collect();
        Some((*spread, EventBatch::picked(&self.batches, places)))
    }
}

impl Iterator for SqliteLane<'_> {
    type Item = Result<ScanPart>;

    fn next(&mut self) -> Option<Self::Item> {
        let read = self.read.take()?;
        match self.part(&read) {
            Ok(Some(part)) => {
                self.read = Some(read);
                Some(Ok(part))
            }
            ended => match read.check() {
                Ok(()) => ended.transpose(),
                Err(changed) => Some(Err(changed)),
            },
        }
    }
}
