//! One sealed block as it is made, and read again before anybody relies on it.

use std::collections::BTreeSet;

use wayfold_block::{Part, PartKind, SealedBlock, seal};
use wayfold_core::{EventBatch, EventView, Position, VirtualShard};
use wayfold_store::Result;

use crate::error::{At, corrupt};
use crate::sealed::{Block, Page};

/// What a block is made from.
#[derive(Debug)]
pub(crate) enum Source {
    /// Events as they stand in the log.
    Rows(Vec<EventBatch>),
    /// Adjacent blocks with all of their pages.
    Blocks(Vec<Block>),
}

/// The parts of a block that are kept. Rows have indexes, so its directories are not.
#[derive(Debug)]
pub(crate) struct Made {
    pub(crate) events: u64,
    pub(crate) header: Vec<u8>,
    pub(crate) pages: Vec<Page>,
    pub(crate) bytes: usize,
    /// The virtual shards of its customers.
    pub(crate) shards: Vec<i16>,
}

impl Made {
    /// Makes the block of a number, and reads it again: it holds what it was made from.
    pub(crate) fn of(number: u64, source: Source) -> Result<Self> {
        let batches = match source {
            Source::Rows(batches) => batches,
            Source::Blocks(blocks) => {
                let pages =
                    blocks.iter().flat_map(|block| (0..block.header.pages()).map(move |page| (block, page)));
                pages.map(|(block, page)| block.decode_page(page)).collect::<Result<_>>()?
            }
        };
        let mut made = Self::of_parts(seal(number, &batches));
        made.check(number, &batches)?;
        Ok(made)
    }

    fn of_parts(parts: impl Iterator<Item = Part>) -> Self {
        let mut made =
            Self { events: 0, header: Vec::new(), pages: Vec::new(), bytes: 0, shards: Vec::new() };
        for Part { name, bytes } in parts {
            let group = match name.kind {
                PartKind::Fold => 0,
                PartKind::Identity => 1,
                PartKind::Rest => 2,
                PartKind::Header => {
                    made.header = bytes;
                    continue;
                }
                _ => continue,
            };
            made.bytes += bytes.len();
            made.pages.resize(made.pages.len().max(name.number as usize + 1), Page::default());
            made.pages[name.number as usize][group] = bytes;
        }
        made
    }

    /// Holds every event of every page against what it was made from, and notes what there is.
    fn check(&mut self, number: u64, batches: &[EventBatch]) -> Result<()> {
        let wrong = |what: &str| Err(corrupt(format_args!("make sealed block {number}: {what}")));
        let mut meant: Vec<(Option<Position>, EventView<'_>)> =
            batches.iter().flat_map(EventBatch::iter).map(|event| (event.position(), event)).collect();
        meant.sort_unstable_by_key(|(position, _)| *position);
        let header = SealedBlock::read(number, &self.header).at("read a sealed block that was made")?;
        let (mut shards, mut is_there) = (BTreeSet::new(), vec![false; meant.len()]);
        for (page, [fold, identity, rest]) in (0..).zip(&self.pages) {
            let batch = header.read_page(page, fold, identity, rest).at("read a page that was made")?;
            for customer in batch.customers() {
                shards.insert(i16::from(VirtualShard::of(&customer).number()));
            }
            for event in batch.iter() {
                let Ok(place) = meant.binary_search_by_key(&event.position(), |(position, _)| *position)
                else {
                    return wrong("an event stands elsewhere");
                };
                let (_, row) = &meant[place];
                if std::mem::replace(&mut is_there[place], true) {
                    return wrong("an event stands there twice");
                }
                if !event.same_content(row) || event.recorded_at() != row.recorded_at() {
                    return wrong("an event is not as its row");
                }
            }
        }
        if is_there.contains(&false) || header.events() != meant.len() as u64 {
            return wrong("an event is missing");
        }
        (self.events, self.shards) = (header.events(), shards.into_iter().collect());
        Ok(())
    }

    /// How many pages from a first one on have so many bytes, at least one; the number of the page behind them.
    pub(crate) fn step(&self, first: usize, bytes_max: usize) -> usize {
        let mut bytes = 0;
        let fits = |page: &&Page| {
            let is_free = bytes < bytes_max;
            bytes += page.iter().map(Vec::len).sum::<usize>();
            is_free
        };
        first + self.pages[first..].iter().take_while(fits).count()
    }
}
