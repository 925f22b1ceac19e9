//! Sealed blocks as they are read: checked copies of the rows of a stretch of the log, which rows are the truth of.

use std::collections::BTreeMap;
use std::fmt;
use std::ops::Range;

use deadpool_postgres::Client;
use tokio_postgres::Row;
use wayfold_block::{LaterParts, SealedBlock};
use wayfold_core::{EventBatch, Position, VirtualShard};
use wayfold_store::{Error, Result};

use crate::error::{At, corrupt};
use crate::place::Place;
use crate::sql::Sql;

/// The groups of columns of a page, each in its frame.
pub(crate) type Page = [Vec<u8>; 3];

/// A stretch of the log that a block copies.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Stretch {
    /// The number of the block.
    pub(crate) number: i64,
    /// It holds every event after this place,
    pub(crate) after: Place,
    /// and up to this one.
    pub(crate) to: Place,
    pub(crate) events: u64,
}

/// A block by its header, with the pages of it that were read.
#[derive(Debug)]
pub(crate) struct Block {
    pub(crate) stretch: Stretch,
    pub(crate) header: SealedBlock,
    pub(crate) bytes: u64,
    /// The virtual shards of its customers.
    pub(crate) shards: Vec<VirtualShard>,
    pages: BTreeMap<u32, Page>,
}

impl Stretch {
    pub(crate) fn read(row: &Row) -> Self {
        let place = |at: usize| Place { transaction: row.get(at), number: row.get(at + 1) };
        Self {
            number: row.get(0),
            after: place(1),
            to: place(3),
            events: row.get::<_, i64>(5).unsigned_abs(),
        }
    }

    /// Holds the block against its rows, by a digest that the server computes; says no if the block is not there any more.
    pub(crate) async fn agrees(&self, client: &Client, sql: &Sql) -> Result<bool> {
        let tried = "hold a sealed block against its rows";
        match client.query_opt(&sql.agrees, &[&self.number]).await.at(tried)? {
            None => Ok(false),
            Some(row) if row.get(0) => Ok(true),
            Some(_) => Err(self.corrupt("it disagrees with the rows of the log")),
        }
    }

    /// The error of a block that cannot be relied on, which says what to do.
    pub(crate) fn corrupt(&self, what: impl fmt::Display) -> Error {
        let (number, after, to) = (self.number, Position::from(self.after), Position::from(self.to));
        corrupt(format_args!(
            "sealed block {number}, of the rows after {after} up to {to}: {what}; look at the server's disk, and delete the \
             block from the table of blocks: it is made anew from the rows"
        ))
    }
}

impl Block {
    /// Reads what a row says of a block, and holds it against the block's header and the log.
    fn read(row: &Row) -> Result<Self> {
        let stretch = Stretch::read(row);
        let wrong = |what: &str| Err(stretch.corrupt(what));
        let header = SealedBlock::read(stretch.number.unsigned_abs(), row.get(8));
        let header = header.map_err(|error| stretch.corrupt(error))?;
        if !row.get::<_, bool>(9) {
            return wrong("its last row is not in the log");
        }
        let is_within = header.first() > stretch.after.into() && header.last() == stretch.to.into();
        if !is_within || header.events() != stretch.events {
            return wrong("its header says otherwise");
        }
        let shards: Vec<i16> = row.get(7);
        let shards = shards.into_iter().map(|shard| u8::try_from(shard).map(VirtualShard::new));
        let Ok(shards) = shards.collect() else { return wrong("it names a shard that there is not") };
        let bytes = row.get::<_, i64>(6).unsigned_abs();
        Ok(Self { stretch, header, bytes, shards, pages: BTreeMap::new() })
    }

    /// All of its pages, as one range.
    pub(crate) fn whole(&self) -> Vec<Range<u32>> {
        std::iter::once(0..self.header.pages()).collect()
    }

    /// Opens a page of those that were read: what a fold does not look at is not decoded.
    pub(crate) fn open_page(&self, number: u32) -> Result<EventBatch> {
        let [fold, others @ ..] = self.page(number)?.clone();
        self.header
            .open_page(number, fold, LaterParts::Read(others))
            .map_err(|error| self.stretch.corrupt(error))
    }

    /// Decodes a page of those that were read.
    pub(crate) fn decode_page(&self, number: u32) -> Result<EventBatch> {
        let [fold, identity, rest] = self.page(number)?;
        self.header.read_page(number, fold, identity, rest).map_err(|error| self.stretch.corrupt(error))
    }

    fn page(&self, number: u32) -> Result<&Page> {
        self.pages
            .get(&number)
            .ok_or_else(|| self.stretch.corrupt(format_args!("page {number} was not read")))
    }
}

/// What all blocks copy, in the order of the log.
pub(crate) async fn stretches(client: &Client, sql: &Sql) -> Result<Vec<Stretch>> {
    let rows = client.query(&sql.stretches, &[]).await.at("read which blocks are sealed")?;
    Ok(rows.iter().map(Stretch::read).collect())
}

/// Some of the blocks that hold events after a place, in the order of the log, without their pages.
pub(crate) async fn blocks_after(client: &Client, sql: &Sql, after: Place) -> Result<Vec<Block>> {
    let tried = "read which blocks are sealed";
    let statement = client.prepare_cached(&sql.blocks_after).await.at(tried)?;
    let rows = client.query(&statement, &[&after.transaction, &after.number]).await.at(tried)?;
    rows.iter().map(Block::read).collect()
}

/// Reads pages of blocks, for each of them some ranges of pages; says no if a block is not there any more, because others
/// stand in its place or its rows have changed.
pub(crate) async fn read_pages(
    client: &Client,
    sql: &Sql,
    blocks: &mut [Block],
    ranges: &[Vec<Range<u32>>],
) -> Result<bool> {
    let tried = "read sealed blocks";
    let (mut numbers, mut first, mut past) = (Vec::new(), Vec::new(), Vec::new());
    for (block, range) in
        blocks.iter().zip(ranges).flat_map(|(block, own)| own.iter().map(move |range| (block, range)))
    {
        numbers.push(block.stretch.number);
        first.push(range.start.cast_signed());
        past.push(range.end.cast_signed());
    }
    let statement = client.prepare_cached(&sql.block_pages).await.at(tried)?;
    let rows = client.query(&statement, &[&numbers, &first, &past]).await.at(tried)?;
    for (block, ranges) in blocks.iter_mut().zip(ranges) {
        let number = block.stretch.number;
        let own = rows.iter().filter(|row| row.get::<_, i64>(0) == number);
        let mut is_there = ranges.is_empty();
        for row in own {
            is_there = true;
            if let Some(page) = row.get::<_, Option<i32>>(1) {
                block.pages.insert(page.cast_unsigned(), [row.get(2), row.get(3), row.get(4)]);
            }
        }
        if !is_there {
            return Ok(false);
        }
        if let Some(missing) = ranges.iter().cloned().flatten().find(|page| !block.pages.contains_key(page)) {
            return Err(block.stretch.corrupt(format_args!("page {missing} is missing")));
        }
    }
    Ok(true)
}
