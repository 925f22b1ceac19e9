//! Parts of the log for a fold: from sealed blocks as far as there are some, and from rows behind them; all of it, or what
//! is of some shards.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;
use std::sync::Arc;

use deadpool_postgres::Client;
use tokio_postgres::types::ToSql;
use wayfold_core::{EventBatch, EventView, Position, Shard, Upcasters, VirtualShard};
use wayfold_store::{Direction, Lane, ReadPage, ReadQuery, Result, Scan, ScanPart, lifted};

use crate::error::{At, corrupt, unavailable};
use crate::frontier::settled;
use crate::place::Place;
use crate::read::{Columns, Part, Stretch, page};
use crate::sealed::{Block, blocks_after, read_pages};
use crate::sql::Sql;
use crate::store::{PostgresStore, Shared};

/// How many events a part holds at most, or little more.
const SCAN_EVENTS_MAX: usize = 1 << 20;
/// How many bytes the pages of a part have at most; one block may have more.
const SCAN_BYTES_MAX: u64 = 256 << 20;
/// How many pages are opened together: as many as the caches of a processor hold, decoded.
const PAGES_PER_PART: usize = 16;
/// And so many of each block at least, as the pages at both ends are shared with the neighbours.
const PAGES_PER_BLOCK: usize = 4;
/// A block of which less than this part is missing is not read for that; rows are.
const REST_MIN: u64 = 16;
/// How often blocks are looked up that others have made one of in between.
const OVERTAKEN_MAX: usize = 8;

/// What was read of the log, before it is cut into lanes.
#[derive(Debug)]
pub(crate) enum Read {
    Blocks(Blocks),
    Rows(Rows),
}

/// Blocks without a gap between them, with their pages.
#[derive(Debug)]
pub(crate) struct Blocks {
    blocks: Arc<[Block]>,
    /// Their events after this place are meant.
    after: Place,
    /// The customers whose pages were read.
    runs: Vec<Shard>,
    events: u64,
    upcasters: Upcasters,
}

/// Events of rows.
#[derive(Debug)]
pub(crate) struct Rows {
    batches: Vec<EventBatch>,
    end: Position,
    is_last: bool,
}

/// What [`PostgresStore::scan_shards`] has read.
#[derive(Debug)]
pub struct ShardScan {
    /// Every event that is meant, once, with position and recording time, in no particular order; and some that are not,
    /// which stand on the same pages. A batch may be decoded as far as it is looked at, see [`EventBatch::failure`].
    pub batches: Vec<EventBatch>,
    /// Up to where the log is read.
    pub position: Position,
    /// Whether that was the end of the log.
    pub is_last: bool,
}

/// What a scan is about.
#[derive(Debug, Clone, Copy)]
struct Wanted<'a> {
    after: Position,
    /// What comes behind is not needed.
    until: Option<Position>,
    limit: usize,
    /// Shards whose events are not meant.
    others: &'a [VirtualShard],
}

impl PostgresStore {
    /// Reads a part of the log after a position for the folds of some shards, as [`scan`](wayfold_store::EventStore::scan)
    /// does for all: the events of all shards but `others`. What is of those is left out by the server where it stands in
    /// rows, and page by page where it is sealed.
    ///
    /// # Behavior
    /// - Events that an older version of this library has written as rows are read by everybody.
    /// - There are about `limit` events, fewer or more, as the log is cut; a part may hold none and still name where to go
    ///   on.
    /// - Who needs nothing behind a position says so by `until`; the part may reach beyond it all the same.
    ///
    /// # Errors
    /// As [`scan`](wayfold_store::EventStore::scan).
    pub async fn scan_shards(
        &self,
        after: Position,
        until: Option<Position>,
        limit: usize,
        others: &[VirtualShard],
    ) -> Result<ShardScan> {
        let (shared, upcasters, others) = (self.shared.clone(), self.upcasters.clone(), others.to_vec());
        let read = async move {
            let wanted = Wanted { after, until, limit, others: &others };
            read_shards(&shared, &upcasters, wanted).await
        };
        self.threads.run(read).await
    }
}

/// Reads the next events of some shards as they are stored, and up to where; none at the end.
pub(crate) async fn of_shards(
    shared: &Shared,
    after: Position,
    shards: &[VirtualShard],
) -> Result<Option<(Vec<EventBatch>, Position)>> {
    let others: Vec<_> = VirtualShard::all().filter(|shard| !shards.contains(shard)).collect();
    let wanted = Wanted { after, until: None, limit: shared.config.read_events_max, others: &others };
    let ShardScan { batches, position, is_last } = read_shards(shared, &Upcasters::default(), wanted).await?;
    if is_last && position <= after {
        return Ok(None);
    }
    let is_own = |event: &EventView<'_>| {
        let (tenant, customer) = event.customer_texts();
        shards.contains(&VirtualShard::of_texts(tenant, customer))
    };
    let mut own = Vec::new();
    for batch in batches {
        batch.check().map_err(|error| corrupt(format_args!("read the log: {error}")))?;
        own.push(EventBatch::from_views(batch.iter().filter(is_own)));
    }
    Ok(Some((own, position)))
}

/// Which blocks a part is made of; else how many rows are to be read at most.
enum Plan {
    Blocks(Vec<Block>),
    Rows(usize),
}

/// Reads the next part.
pub(crate) async fn read(
    shared: &Shared,
    upcasters: &Upcasters,
    after: Position,
    limit: usize,
) -> Result<Read> {
    let mut rows_max = limit.min(SCAN_EVENTS_MAX);
    if shared.sealing.reads() && limit > 0 {
        let wanted = Wanted { after, until: None, limit, others: &[] };
        match read_blocks(shared, upcasters, wanted).await? {
            Ok(blocks) => return Ok(Read::Blocks(blocks)),
            Err(rows) => rows_max = rows_max.min(rows),
        }
    }
    let client = shared.client().await?;
    let mut rows = Rows { batches: Vec::new(), end: after, is_last: false };
    let mut events = 0;
    loop {
        let next = (&ReadQuery::all(), rows.end, rows_max - events);
        let ReadPage { batch, next } = page(&client, (&shared.sql, &shared.config), next, upcasters).await?;
        let last = batch.len().checked_sub(1).and_then(|last| batch.event(last).position());
        rows.end = next.or(last).unwrap_or(rows.end);
        events += batch.len();
        rows.batches.push(batch);
        rows.is_last = next.is_none();
        if rows.is_last || events >= rows_max {
            return Ok(Read::Rows(rows));
        }
    }
}

async fn read_shards(shared: &Shared, upcasters: &Upcasters, wanted: Wanted<'_>) -> Result<ShardScan> {
    let Wanted { after, limit, others, .. } = wanted;
    let mut rows_max = limit.clamp(1, SCAN_EVENTS_MAX);
    if shared.sealing.reads() {
        match read_blocks(shared, upcasters, wanted).await? {
            Ok(blocks) => return blocks.into_shards(),
            Err(rows) => rows_max = rows_max.min(rows),
        }
    }
    let (client, sql) = (shared.client().await?, &shared.sql);
    let (look, held) = match settled(&client, sql, shared.config.held_back_max()).await? {
        Ok(look) => (look, None),
        Err(held) => (held.look, Some(held)),
    };
    // Behind what is read there may be events of others, which are passed with it.
    let end = look.head(&client, sql).await?.max(after);
    if let Some(held) = held
        && end == after
    {
        return Err(held.into_error(&client, sql).await);
    }
    let (columns, mut from, mut batches, mut events) = (Columns::but(others), after, Vec::new(), 0);
    loop {
        let stretch = Stretch {
            from: from.into(),
            direction: Direction::Forward,
            frontier: look.frontier,
            rows_max: shared.config.read_events_max.max(1).min(rows_max - events),
            bytes_max: shared.config.read_bytes_max,
        };
        let Part { events: batch, last, is_cut } = stretch.read((&client).into(), sql, &columns).await?;
        events += batch.len();
        batches.push(lifted(&batch, upcasters)?);
        match last {
            Some(last) if is_cut && events >= rows_max => {
                return Ok(ShardScan { batches, position: last.into(), is_last: false });
            }
            Some(last) if is_cut => from = last.into(),
            _ => return Ok(ShardScan { batches, position: end, is_last: !look.hides() }),
        }
    }
}

/// The blocks of a part with their pages; else how many rows are to be read in their place.
async fn read_blocks(
    shared: &Shared,
    upcasters: &Upcasters,
    wanted: Wanted<'_>,
) -> Result<std::result::Result<Blocks, usize>> {
    let (client, sql, after) = (shared.client().await?, &shared.sql, Place::from(wanted.after));
    for _ in 0..OVERTAKEN_MAX {
        let mut blocks = match plan(blocks_after(&client, sql, after).await?, &wanted) {
            Plan::Blocks(blocks) => blocks,
            Plan::Rows(rows) => return Ok(Err(rows)),
        };
        let runs = runs(&blocks, wanted.others);
        let ranges: Vec<_> = blocks.iter().map(|block| ranges(block, &runs)).collect();
        if !read_pages(&client, sql, &mut blocks, &ranges).await? {
            continue;
        }
        if shared.config.checks_blocks && !agree(&client, sql, &blocks).await? {
            continue;
        }
        let first = &blocks[0].stretch;
        let mut events: u64 = blocks.iter().map(|block| block.stretch.events).sum();
        if first.after < after && wanted.others.is_empty() {
            let range: [&(dyn ToSql + Sync); 4] =
                [&after.transaction, &after.number, &first.to.transaction, &first.to.number];
            let rest = client.query_one(&sql.count_between, &range).await.at("count the rest of a block")?;
            events = events - first.events + rest.get::<_, i64>(0).unsigned_abs();
        }
        let (blocks, upcasters) = (blocks.into(), upcasters.clone());
        return Ok(Ok(Blocks { blocks, after, runs, events, upcasters }));
    }
    Err(unavailable("read the log: blocks are sealed faster than they can be read"))
}

/// Holds blocks against their rows; says no if one is not there any more.
async fn agree(client: &Client, sql: &Sql, blocks: &[Block]) -> Result<bool> {
    for block in blocks {
        if !block.stretch.agrees(client, sql).await? {
            return Ok(false);
        }
    }
    Ok(true)
}

/// The customers of all shards but some, in as few stretches as the shards that there are allow.
fn runs(blocks: &[Block], others: &[VirtualShard]) -> Vec<Shard> {
    if others.is_empty() {
        return vec![Shard::ALL];
    }
    let known: BTreeSet<VirtualShard> = blocks.iter().flat_map(|block| block.shards.clone()).collect();
    let (mut runs, mut goes_on): (Vec<Shard>, bool) = (Vec::new(), false);
    for shard in known {
        let is_meant = !others.contains(&shard);
        match runs.last_mut() {
            _ if !is_meant => {}
            Some(run) if goes_on => *run = Shard::between(run.first(), shard.customers().last()),
            _ => runs.push(shard.customers()),
        }
        goes_on = is_meant;
    }
    runs
}

/// The pages of a block on which customers of some stretches may stand.
fn ranges(block: &Block, runs: &[Shard]) -> Vec<Range<u32>> {
    let mut ranges: Vec<Range<u32>> = Vec::new();
    for pages in runs.iter().map(|run| block.header.pages_of(run)).filter(|pages| !pages.is_empty()) {
        match ranges.last_mut() {
            Some(last) if pages.start <= last.end => last.end = last.end.max(pages.end),
            _ => ranges.push(pages),
        }
    }
    ranges
}

/// Takes blocks from a place on, until there are events enough or there is a gap.
fn plan(blocks: Vec<Block>, wanted: &Wanted<'_>) -> Plan {
    let Some(first) = blocks.first().map(|block| block.stretch) else { return Plan::Rows(usize::MAX) };
    let after = Place::from(wanted.after);
    // Numbers grow along the log, and some may be missing.
    let between = |from: Place, to: Place| to.number.abs_diff(from.number);
    if first.after > after {
        return Plan::Rows(between(after, first.after).max(1) as usize);
    }
    let until = wanted.until.map_or(first.to, |until| first.to.min(until.into()));
    let rest = between(after, until);
    if rest < first.events / REST_MIN {
        return Plan::Rows(rest.max(1) as usize);
    }
    let (mut taken, mut events, mut bytes): (Vec<Block>, u64, u64) = (Vec::new(), 0, 0);
    for block in blocks {
        let is_next = taken.last().is_none_or(|last| last.stretch.to == block.stretch.after);
        let is_full =
            events >= wanted.limit.min(SCAN_EVENTS_MAX) as u64 || bytes + block.bytes > SCAN_BYTES_MAX;
        if !is_next || (is_full && !taken.is_empty()) {
            break;
        }
        (events, bytes) = (events + block.stretch.events, bytes + block.bytes);
        taken.push(block);
    }
    Plan::Blocks(taken)
}

impl Read {
    /// Cuts it into lanes.
    pub(crate) fn into_scan(self, lanes: usize) -> Scan<'static> {
        match self {
            Self::Rows(Rows { batches, end, is_last }) => Scan::of_batches(batches, lanes, end, is_last),
            Self::Blocks(blocks) => {
                let position = blocks.blocks.last().map_or(Position::START, |last| last.stretch.to.into());
                let events = blocks.events;
                let blocks = Arc::new(blocks);
                let lane = |index| -> Lane<'static> {
                    Box::new(BlockLane::new(blocks.clone(), Shard::new(index, lanes)))
                };
                Scan { lanes: (0..lanes).map(lane).collect(), events, position, is_last: false }
            }
        }
    }

    /// How many of the events came from rows.
    pub(crate) fn rows(&self) -> usize {
        match self {
            Self::Rows(rows) => rows.batches.iter().map(EventBatch::len).sum(),
            Self::Blocks(_) => 0,
        }
    }
}

/// One lane: a piece of the spreads after the other, of each the pages of all blocks.
struct BlockLane {
    blocks: Arc<Blocks>,
    pieces: std::vec::IntoIter<Shard>,
    /// Pages of the piece before, of which the last of each block may go on in the next piece.
    open: BTreeMap<(usize, u32), EventBatch>,
}

impl BlockLane {
    fn new(blocks: Arc<Blocks>, shard: Shard) -> Self {
        let pages: usize = blocks.blocks.iter().map(|block| block.header.pages_of(&shard).len()).sum();
        let together = PAGES_PER_PART.max(PAGES_PER_BLOCK * blocks.blocks.len());
        let pieces = pieces(&shard, pages.div_ceil(together)).into_iter();
        Self { blocks, pieces, open: BTreeMap::new() }
    }

    fn part(&mut self, customers: Shard) -> Result<ScanPart> {
        let (mut batches, mut open) = (Vec::new(), BTreeMap::new());
        for (place, block) in self.blocks.blocks.iter().enumerate() {
            for page in block.header.pages_of(&customers) {
                let batch = match self.open.remove(&(place, page)) {
                    Some(batch) => batch,
                    None => self.blocks.open(block, page)?,
                };
                open.insert((place, page), batch.clone());
                batches.extend((!batch.is_empty()).then_some(batch));
            }
        }
        self.open = open;
        Ok(ScanPart { customers, batches })
    }
}

impl Blocks {
    /// Everything that was read.
    fn into_shards(self) -> Result<ShardScan> {
        let mut batches = Vec::new();
        for block in self.blocks.iter() {
            for page in ranges(block, &self.runs).into_iter().flatten() {
                batches.push(self.open(block, page)?);
            }
        }
        let position = self.blocks.last().map_or(Position::START, |last| last.stretch.to.into());
        Ok(ShardScan { batches, position, is_last: false })
    }

    /// Opens a page, and leaves out what stands before the part.
    fn open(&self, block: &Block, page: u32) -> Result<EventBatch> {
        let batch = lifted(&block.open_page(page)?, &self.upcasters)?;
        if block.stretch.after >= self.after {
            return Ok(batch);
        }
        batch.check().map_err(|error| corrupt(format_args!("read the log: {error}")))?;
        let after = Position::from(self.after);
        let is_newer = |place: Option<Position>| place.is_some_and(|place| place > after);
        Ok(EventBatch::from_views(batch.iter().filter(|event| is_newer(event.position()))))
    }
}

impl Iterator for BlockLane {
    type Item = Result<ScanPart>;

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            let customers = self.pieces.next()?;
            match self.part(customers) {
                Ok(part) if part.batches.is_empty() => {}
                Ok(part) => return Some(Ok(part)),
                Err(error) => {
                    self.pieces = Vec::new().into_iter();
                    return Some(Err(error));
                }
            }
        }
    }
}

/// Cuts a shard into pieces of about equal size, at least one.
fn pieces(shard: &Shard, count: usize) -> Vec<Shard> {
    let width = u128::from(shard.last() - shard.first()) + 1;
    let count = (count.max(1) as u128).min(width);
    let start = |piece: u128| (u128::from(shard.first()) + width * piece / count) as u64;
    let last = |piece: u128| if piece + 1 == count { shard.last() } else { start(piece + 1) - 1 };
    (0..count).map(|piece| Shard::between(start(piece), last(piece))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pieces_follow_each_other_without_a_gap() {
        for shard in [Shard::ALL, Shard::new(2, 3), Shard::between(7, 7), Shard::between(7, 9)] {
            for count in [0, 1, 2, 5, 300] {
                let pieces = pieces(&shard, count);
                assert_eq!(
                    (pieces[0].first(), pieces[pieces.len() - 1].last()),
                    (shard.first(), shard.last())
                );
                assert!(
                    pieces.windows(2).all(|pair| pair[0].last() + 1 == pair[1].first()),
                    "{shard:?} {count}"
                );
            }
        }
    }
}
