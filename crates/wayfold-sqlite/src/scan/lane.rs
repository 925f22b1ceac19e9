//! One lane of a scan: the pages of a shard of the customers, read on in all blocks side by side, and what is not sealed as
//! one block more. So whatever stands of a customer is handed over together, its state is touched once, and no event of
//! it is late.

use std::collections::VecDeque;
use std::ops::Range;
use std::sync::Arc;

use wayfold_core::{CustomerKey, EventBatch, EventView, Shard, Upcasters};
use wayfold_store::{Result, ScanPart, lifted};

use super::newer;
use crate::pool::OpenRead;
use crate::sealed::Block;

/// How many pages make a part: as many as the caches of a processor hold, decoded.
const PAGES_PER_PART: usize = 16;
/// And so many of each source at least, because the last page of a source goes on into the next part.
const PAGES_PER_SOURCE: usize = 4;
/// How many events make a page of what is not sealed.
const EVENTS_PER_PAGE: usize = 1_024;

pub(super) struct SqliteLane<'a> {
    /// Until all is read, or something fails.
    read: Option<OpenRead<'a>>,
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
    /// Pages in memory.
    Tail(VecDeque<Page>),
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
        read: OpenRead<'a>,
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
    fn part(&mut self, read: &OpenRead<'a>) -> Result<Option<ScanPart>> {
        if !self.tail.is_empty() {
            let tail = by_customer(&std::mem::take(&mut self.tail), &self.shard);
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

    /// Reads pages until there are enough; says up to which spread all sources are read.
    fn read_on(&mut self, read: &OpenRead<'a>, first: u64) -> Result<u64> {
        let enough = PAGES_PER_PART.max(PAGES_PER_SOURCE * self.sources.len());
        let mut pages: usize = self.sources.iter().map(|source| source.open.len()).sum();
        loop {
            // Customers are whole as far as the source goes that is behind all others.
            let Some(behind) = self.sources.iter_mut().min_by_key(|source| source.whole_to) else {
                return Ok(self.shard.last());
            };
            match behind.whole_to {
                Some(whole_to) if whole_to == self.shard.last() => return Ok(whole_to),
                Some(whole_to) if whole_to >= first && pages >= enough => return Ok(whole_to),
                _ => pages += behind.read_page(read, self.upcasters, self.after, self.shard.last())?,
            }
        }
    }
}

impl Progress {
    fn new(source: Source) -> Self {
        Self { source, open: Vec::new(), whole_to: None }
    }

    /// Reads the next page, if there is one, and says how many it has read.
    fn read_page(
        &mut self,
        read: &OpenRead<'_>,
        upcasters: &Upcasters,
        after: u64,
        last: u64,
    ) -> Result<usize> {
        let (page, is_last) = match &mut self.source {
            Source::Tail(pages) => (pages.pop_front(), pages.is_empty()),
            Source::Block(block, pages) => {
                let mut open = |number| -> Result<Page> {
                    let batch = lifted(&block.open_page(read, number)?, upcasters)?;
                    Ok((block.header.page_reach(number), newer(&batch, block.first, after)?))
                };
                (pages.next().map(&mut open).transpose()?, pages.start >= pages.end)
            }
        };
        let reach = page.as_ref().and_then(|(reach, _)| reach.checked_sub(1));
        // The last customer of a page may go on in the next.
        self.whole_to = if is_last { Some(last) } else { reach };
        let pages = usize::from(page.is_some());
        self.open.extend(page);
        Ok(pages)
    }
}

/// Brings events of a shard into pages in the order of customers, each customer's in the order in which they came.
fn by_customer(batches: &[EventBatch], shard: &Shard) -> VecDeque<Page> {
    let mut rows = Vec::new();
    for batch in batches {
        let spread = |customer: CustomerKey| Shard::of(&customer).first();
        let spreads: Vec<u64> = batch.customers().map(spread).collect();
        let of_row = |event: EventView<'_>| spreads[event.local_customer() as usize];
        rows.extend(batch.iter().map(|event| (of_row(event), event)));
    }
    rows.retain(|(spread, _)| shard.holds_spread(*spread));
    rows.sort_by_key(|(spread, _)| *spread);
    let page = |rows: &[(u64, EventView<'_>)]| {
        let batch = EventBatch::from_views(rows.iter().map(|(_, event)| *event));
        (rows.last().map_or(0, |(spread, _)| *spread), batch)
    };
    rows.chunks(EVENTS_PER_PAGE).map(page).collect()
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
            ended => match read.end() {
                Ok(()) => ended.transpose(),
                Err(changed) => Some(Err(changed)),
            },
        }
    }
}
