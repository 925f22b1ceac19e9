//! Parts of the log for a fold: sealed blocks as they are clustered, and what is not sealed as it was appended.

use rusqlite::Connection;
use wayfold_core::{EventBatch, Position, Upcasters};
use wayfold_store::{ReadQuery, Result, Scan, lifted};

use crate::archive::Archive;
use crate::config::SqliteConfig;
use crate::error::{corrupt, number, position};
use crate::read::Bounds;
use crate::sealed::{Block, PageBytes};
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
        part.take(slice.block.first, slice.block.today(shared.upcasters())?, slice.block.bytes)?;
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
    /// Takes a batch, but for those of its events that the part comes after; it begins at a number.
    fn take(&mut self, first: u64, batch: &EventBatch, bytes: usize) -> Result<()> {
        let is_new = |place: Option<Position>| place.is_some_and(|place| number(place) > self.after);
        let batch = if first > self.after {
            batch.clone()
        } else {
            batch.check().map_err(|error| corrupt(format_args!("read the log: {error}")))?;
            EventBatch::from_views(batch.iter().filter(|event| is_new(event.position())))
        };
        self.events += batch.len();
        self.bytes += bytes;
        if !batch.is_empty() {
            self.batches.push(batch);
        }
        Ok(())
    }

    fn take_block(&mut self, archive: &Archive<'_>, block: &Block) -> Result<()> {
        let numbers: Vec<u32> = (0..block.header.pages()).collect();
        for numbers in numbers.chunks(PAGES_PER_THREAD * self.threads) {
            let pages = numbers.iter().map(|page| archive.page_bytes(block, *page));
            for (batch, bytes) in open(block, pages.collect::<Result<_>>()?, archive.upcasters())? {
                self.take(block.first, &batch, bytes)?;
            }
        }
        self.to = block.last;
        Ok(())
    }
}

/// Opens pages, each thread some that stand behind each other, in today's shape, and with their bytes.
fn open(block: &Block, mut pages: Vec<PageBytes>, upcasters: &Upcasters) -> Result<Vec<(EventBatch, usize)>> {
    let open = |pages: Vec<PageBytes>| -> Result<Vec<_>> {
        let open = |page: PageBytes| {
            let bytes = page.len();
            Ok((lifted(&block.open_page(page)?, upcasters)?, bytes))
        };
        pages.into_iter().map(open).collect()
    };
    std::thread::scope(|scope| {
        let mut others = Vec::new();
        while pages.len() > PAGES_PER_THREAD {
            let pages = pages.split_off(pages.len() - PAGES_PER_THREAD);
            others.push(scope.spawn(move || open(pages)));
        }
        let mut opened = open(pages)?;
        for other in others.into_iter().rev() {
            opened.extend(other.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))?);
        }
        Ok(opened)
    })
}
