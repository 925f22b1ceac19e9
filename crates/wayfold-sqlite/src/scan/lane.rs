//! One lane of a scan: the pages of a shard of the customers, read on in all blocks side by side, so that whatever stands
//! in several blocks of a customer is handed over together, and a customer's state is touched once.

use std::sync::Arc;

use wayfold_core::{EventBatch, Shard, Upcasters};
use wayfold_store::{Result, ScanPart, lifted};

use super::newer;
use crate::pool::OpenRead;
use crate::sealed::Block;

/// How many pages make a part: as many as the caches of a processor hold, decoded.
const PAGES_PER_PART: usize = 16;
/// And so many of each block at least, because the last page of a block goes on into the next part.
const PAGES_PER_BLOCK: usize = 4;

pub(super) struct SqliteLane<'a> {
    /// Until all is read, or something fails.
    read: Option<OpenRead<'a>>,
    upcasters: &'a Upcasters,
    shard: Shard,
    /// Events after this number are read.
    after: u64,
    blocks: Vec<Progress>,
    /// The least spread that was not handed over of the blocks, until all are.
    next: Option<u64>,
    tail: Vec<EventBatch>,
}

/// How far a block is read.
struct Progress {
    block: Arc<Block>,
    pages: std::ops::Range<u32>,
    /// What is read and not wholly handed over, each with the spread of its last customer.
    open: Vec<(u64, EventBatch)>,
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
        let progress = |block: &Arc<Block>| Progress {
            pages: block.header.pages_of(&shard),
            block: block.clone(),
            open: Vec::new(),
            whole_to: None,
        };
        let blocks = blocks.iter().map(progress).collect();
        Self { read: Some(read), upcasters, shard, after, blocks, next: Some(shard.first()), tail }
    }

    /// Reads the next part; `None` at the end.
    fn part(&mut self, read: &OpenRead<'a>) -> Result<Option<ScanPart>> {
        while let Some(first) = self.next {
            let last = self.read_on(read, first)?;
            let batches: Vec<_> =
                self.blocks.iter().flat_map(|block| &block.open).map(|(_, batch)| batch.clone()).collect();
            for block in &mut self.blocks {
                block.open.retain(|(reach, _)| *reach > last);
            }
            self.next = (last < self.shard.last()).then(|| last + 1);
            if !batches.is_empty() {
                return Ok(Some(ScanPart { customers: Shard::between(first, last), batches }));
            }
        }
        let batches = std::mem::take(&mut self.tail);
        Ok((!batches.is_empty()).then_some(ScanPart { customers: self.shard, batches }))
    }

    /// Reads pages until there are enough; says up to which spread all blocks are read.
    fn read_on(&mut self, read: &OpenRead<'a>, first: u64) -> Result<u64> {
        let enough = PAGES_PER_PART.max(PAGES_PER_BLOCK * self.blocks.len());
        let mut pages: usize = self.blocks.iter().map(|block| block.open.len()).sum();
        loop {
            // Customers are whole as far as the block goes that is behind all others.
            let Some(behind) = self.blocks.iter_mut().min_by_key(|block| block.whole_to) else {
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
    /// Reads the next page, if there is one, and says how many it has read.
    fn read_page(
        &mut self,
        read: &OpenRead<'_>,
        upcasters: &Upcasters,
        after: u64,
        last: u64,
    ) -> Result<usize> {
        let Some(page) = self.pages.next() else {
            self.whole_to = Some(last);
            return Ok(0);
        };
        let reach = self.block.header.page_reach(page);
        let batch = self.block.open_page(read, page)?;
        let batch = newer(&lifted(&batch, upcasters)?, self.block.first, after)?;
        self.open.push((reach, batch));
        // The last customer of a page may go on in the next.
        self.whole_to = if self.pages.is_empty() { Some(last) } else { reach.checked_sub(1) };
        Ok(1)
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
            ended => match read.end() {
                Ok(()) => ended.transpose(),
                Err(changed) => Some(Err(changed)),
            },
        }
    }
}
