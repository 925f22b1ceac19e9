//! Parts of the log for a fold: sealed blocks as they are clustered, and what is not sealed as it was appended.

use rusqlite::Connection;
use wayfold_core::{EventBatch, Position, Upcasters};
use wayfold_store::{ReadQuery, Result, Scan};

use crate::archive::Archive;
use crate::config::SqliteConfig;
use crate::error::{number, position};
use crate::read::Bounds;
use crate::sealed::{Block, Page, PageBytes};
use crate::slice::slices;
use crate::state::SharedState;

/// How many pages a thread decodes at once.
const PAGES_PER_THREAD: usize = 32;

/// Reads the next part in one transaction: whole blocks, until there are events or bytes enough.
pub(crate) fn scan(
    connection: &Connection,
    shared: &SharedState,
    config: &SqliteConfig,
    (from, limit): (Position, usize),
) -> Result<Scan> {
    let after = number(from);
    let bounds = Bounds { after, before: u64::MAX, events_max: limit, bytes_max: usize::MAX };
    let (snapshot, (sealed, head, slices)) = shared.ask_now(connection, |state| {
        let slices = slices(&shared.hasher, &state.tail, &ReadQuery::all(), &bounds);
        Ok((state.sealed.clone(), state.tail.head(), slices))
    })?;
    let archive = Archive::new(&snapshot.transaction, &sealed, shared);
    let threads = match config.scan_threads {
        0 => std::thread::available_parallelism().map_or(1, Into::into),
        threads => threads,
    };
    let mut part = Part { threads, after, to: after, events: 0, bytes: 0, batches: Vec::new() };
    let is_full = |part: &Part| part.events >= limit || part.bytes >= config.read_bytes_max;
    for block in sealed.between(after, u64::MAX) {
        if is_full(&part) {
            break;
        }
        part.take_block(&archive, block)?;
    }
    for slice in &slices {
        // What a sealed block holds that is left for the next part comes before.
        if is_full(&part) || slice.block.first > part.to + 1 {
            break;
        }
        part.take(slice.block.today(shared.upcasters())?, slice.block.bytes);
        part.to = slice.block.last();
    }
    let Part { to, batches, .. } = part;
    let position = if to == after { from } else { position(to) };
    Ok(Scan { batches, position, is_last: to >= head })
}

/// A part that grows.
struct Part {
    threads: usize,
    after: u64,
    to: u64,
    events: usize,
    bytes: usize,
    batches: Vec<EventBatch>,
}

impl Part {
    /// Takes a batch whose events stand behind each other, but for those that the part comes after.
    fn take(&mut self, batch: &EventBatch, bytes: usize) {
        let is_new = |place: Option<Position>| place.is_some_and(|place| number(place) > self.after);
        let batch = if batch.iter().all(|event| is_new(event.position())) {
            batch.clone()
        } else {
            EventBatch::from_views(batch.iter().filter(|event| is_new(event.position())))
        };
        self.events += batch.len();
        self.bytes += bytes;
        if !batch.is_empty() {
            self.batches.push(batch);
        }
    }

    fn take_block(&mut self, archive: &Archive<'_>, block: &Block) -> Result<()> {
        let mut places = Places::of(block);
        let pages: Vec<u32> = (0..block.header.pages()).collect();
        for pages in pages.chunks(PAGES_PER_THREAD * self.threads) {
            let bytes = pages.iter().map(|page| archive.page_bytes(block, *page));
            for page in decode(block, &bytes.collect::<Result<Vec<_>>>()?, archive.upcasters())? {
                places.see(&page.batch)?;
                self.take(page.today(archive.upcasters())?, page.bytes);
            }
        }
        places.check()?;
        self.to = block.last;
        Ok(())
    }
}

/// Decodes pages, each thread some that stand behind each other.
fn decode(block: &Block, bytes: &[PageBytes], upcasters: &Upcasters) -> Result<Vec<Page>> {
    let decode = |bytes: &[PageBytes]| -> Result<Vec<Page>> {
        let decode = |bytes| {
            let page = block.decode(bytes)?;
            page.today(upcasters)?;
            Ok(page)
        };
        bytes.iter().map(decode).collect()
    };
    let (own, others) = bytes.split_at(bytes.len().min(PAGES_PER_THREAD));
    std::thread::scope(|scope| {
        let others: Vec<_> =
            others.chunks(PAGES_PER_THREAD).map(|bytes| scope.spawn(|| decode(bytes))).collect();
        let mut pages = decode(own)?;
        for other in others {
            pages.extend(other.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))?);
        }
        Ok(pages)
    })
}

/// Which positions of a block were seen.
struct Places<'a> {
    block: &'a Block,
    seen: Vec<u64>,
}

impl<'a> Places<'a> {
    fn of(block: &'a Block) -> Self {
        let places = block.last - block.first + 1;
        Self { block, seen: vec![0; places.div_ceil(64) as usize] }
    }

    /// Notes the events of a page, none of which lies outside of the block.
    fn see(&mut self, batch: &EventBatch) -> Result<()> {
        for event in batch.iter() {
            let place = event.position().map_or(0, number) - self.block.first;
            let (word, bit) = (&mut self.seen[(place / 64) as usize], 1 << (place % 64));
            if *word & bit != 0 {
                return Err(self.wrong(place));
            }
            *word |= bit;
        }
        Ok(())
    }

    fn check(&self) -> Result<()> {
        let missing = (0..=self.block.last - self.block.first)
            .find(|place| self.seen[(place / 64) as usize] & (1 << (place % 64)) == 0);
        missing.map_or(Ok(()), |place| Err(self.wrong(place)))
    }

    fn wrong(&self, place: u64) -> wayfold_store::Error {
        let position = position(self.block.first + place);
        self.block.corrupt(format_args!("position {position} is missing or doubled"))
    }
}
