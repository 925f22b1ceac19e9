//! The sealed blocks of a log: which there are, and what is read of them.

use std::fmt;
use std::sync::{Arc, OnceLock};

use rusqlite::Connection;
use wayfold_block::{Directory, Filter, LaterParts, PartKind, PartName, PartSource, SealedBlock};
use wayfold_core::{CustomerKey, EventBatch, Upcasters};
use wayfold_store::{ErrorKind, Result};

use crate::error::{At, corrupt, number};
use crate::lifted::Lifted;
use crate::part::{count_bytes, get_part};
use crate::pool::OpenRead;
use crate::record::{Meta, range};

/// What a row of the table of blocks says of its block.
pub(crate) mod block_state {
    /// Its parts are being written; it is no part of the log.
    pub(crate) const BUILDING: i64 = 0;
    /// It is part of the log.
    pub(crate) const LIVE: i64 = 1;
    /// Another stands in its place, and its parts are being taken out.
    pub(crate) const DEAD: i64 = 2;
}

/// A block of the log, by its header.
#[derive(Debug)]
pub(crate) struct Block {
    pub(crate) header: SealedBlock,
    /// The number of its first event.
    pub(crate) first: u64,
    /// The number of its last event.
    pub(crate) last: u64,
    /// Read when somebody first looks for an id.
    filter: OnceLock<Filter>,
    /// Counted when somebody first asks.
    bytes: OnceLock<u64>,
}

/// A page of a block, and how many bytes it has in the file.
#[derive(Debug, Clone)]
pub(crate) struct Page {
    pub(crate) batch: EventBatch,
    pub(crate) bytes: usize,
    lifted: Lifted,
}

impl Page {
    /// Its events in today's shape.
    pub(crate) fn today(&self, upcasters: &Upcasters) -> Result<&EventBatch> {
        self.lifted.of(&self.batch, upcasters)
    }
}

impl Block {
    /// Reads a block's header.
    pub(crate) fn read(block: u64, header: &[u8]) -> Result<Self> {
        let header = SealedBlock::read(block, header).at("read the sealed log")?;
        let (first, last) = (number(header.first()), number(header.last()));
        if first == 0 || last < first || last - first + 1 != header.events() {
            let message = format_args!(
                "read the sealed log: block {block} of {} holds {} events",
                range(first, last),
                header.events()
            );
            return Err(corrupt(message));
        }
        Ok(Self { header, first, last, filter: OnceLock::new(), bytes: OnceLock::new() })
    }

    /// Says what was tried and where.
    fn tried(&self) -> impl fmt::Display {
        let (first, last) = (self.first, self.last);
        fmt::from_fn(move |f| write!(f, "read the sealed log at {}", range(first, last)))
    }

    fn part(&self, connection: &Connection, kind: PartKind, number: u32) -> Result<Vec<u8>> {
        let name = PartName { block: self.header.number(), kind, number };
        get_part(connection, name).map_err(|error| crate::error::within(self.tried(), &error))
    }

    /// How many bytes its parts have in the file.
    pub(crate) fn bytes(&self, connection: &Connection) -> Result<u64> {
        if let Some(bytes) = self.bytes.get() {
            return Ok(*bytes);
        }
        let bytes = count_bytes(connection, self.header.number())?;
        Ok(*self.bytes.get_or_init(|| bytes))
    }

    pub(crate) fn page(&self, connection: &Connection, number: u32) -> Result<Page> {
        let part = |kind| self.part(connection, kind, number);
        let parts = [part(PartKind::Fold)?, part(PartKind::Identity)?, part(PartKind::Rest)?];
        let [fold, identity, rest] = &parts;
        let batch = self.header.read_page(number, fold, identity, rest).at(self.tried())?;
        for event in batch.iter() {
            let place = event.position().map(crate::error::number);
            if !place.is_some_and(|place| (self.first..=self.last).contains(&place)) {
                let message = format_args!("{}: event {} stands elsewhere", self.tried(), event.id());
                return Err(corrupt(message));
            }
        }
        Ok(Page { batch, bytes: parts.iter().map(Vec::len).sum(), lifted: Lifted::default() })
    }

    /// Opens a page of which the part that a fold reads is read, and the others in the same transaction when somebody
    /// looks.
    pub(crate) fn open_page_for_fold(
        self: &Arc<Self>,
        read: &Arc<OpenRead>,
        number: u32,
    ) -> Result<EventBatch> {
        let (fold, later) = self.fold_part(read, number)?;
        self.header.open_page(number, fold, later).at(self.tried())
    }

    /// The same, of the events of one customer; `None` if it has none on the page.
    pub(crate) fn open_page_of(
        self: &Arc<Self>,
        read: &Arc<OpenRead>,
        number: u32,
        customer: &CustomerKey,
    ) -> Result<Option<EventBatch>> {
        let (fold, later) = self.fold_part(read, number)?;
        self.header.open_page_of(number, customer, fold, later).at(self.tried())
    }

    /// The part of a page that a fold reads, and where the others are.
    fn fold_part(self: &Arc<Self>, read: &Arc<OpenRead>, number: u32) -> Result<(Vec<u8>, LaterParts)> {
        let fold = read.read(|connection| self.part(connection, PartKind::Fold, number))?;
        let later = Parts { block: self.clone(), read: read.clone() };
        Ok((fold, LaterParts::Source(Box::new(later))))
    }

    pub(crate) fn directory(
        &self,
        connection: &Connection,
        kind: PartKind,
        number: u32,
    ) -> Result<Directory> {
        let bytes = self.part(connection, kind, number)?;
        self.header.read_directory(kind, number, &bytes).at(self.tried())
    }

    /// The filter, kept from the first look on.
    pub(crate) fn filter(&self, connection: &Connection) -> Result<&Filter> {
        if let Some(filter) = self.filter.get() {
            return Ok(filter);
        }
        let parts = self.header.parts().filter(|part| part.kind == PartKind::Filter);
        let parts: Vec<Vec<u8>> =
            parts.map(|part| self.part(connection, part.kind, part.number)).collect::<Result<_>>()?;
        let filter = self.header.read_filter(&parts).at(self.tried())?;
        Ok(self.filter.get_or_init(|| filter))
    }

    /// The filter, if it was read already.
    pub(crate) fn known_filter(&self) -> Option<&Filter> {
        self.filter.get()
    }

    pub(crate) fn corrupt(&self, message: impl std::fmt::Display) -> wayfold_store::Error {
        corrupt(format_args!("{}: {message}", self.tried()))
    }
}

/// Where the parts of a block's pages are read later.
struct Parts {
    block: Arc<Block>,
    read: Arc<OpenRead>,
}

impl PartSource for Parts {
    fn part(&self, name: PartName) -> wayfold_core::Result<Vec<u8>> {
        let part = self.read.read(|connection| self.block.part(connection, name.kind, name.number));
        let part = part.and_then(|part| self.read.check().map(|()| part));
        part.map_err(|error| match error.kind() {
            ErrorKind::Unavailable => wayfold_core::Error::unavailable(error),
            _ => wayfold_core::Error::malformed(error),
        })
    }
}

/// The blocks of the log in the order of their positions, without a gap.
#[derive(Debug, Default)]
pub(crate) struct Manifest {
    pub(crate) blocks: Vec<Arc<Block>>,
}

impl Manifest {
    /// Reads which blocks there are; those that are known already are kept with what was read of them.
    pub(crate) fn read(connection: &Connection, meta: &Meta, known: Option<&Self>) -> Result<Self> {
        let tried = "read the sealed log";
        let mut statement =
            connection.prepare_cached("SELECT number, header FROM block WHERE state = ?1").at(tried)?;
        let mut rows = statement.query([block_state::LIVE]).at(tried)?;
        let mut blocks = Vec::new();
        while let Some(row) = rows.next().at(tried)? {
            let number: i64 = row.get(0).at(tried)?;
            let is_it = |block: &&Arc<Block>| block.header.number() == number as u64;
            blocks.push(match known.and_then(|known| known.blocks.iter().find(is_it)) {
                Some(block) => block.clone(),
                None => {
                    let header = row.get_ref(1).at(tried)?.as_blob();
                    let header = header.map_err(rusqlite::Error::from).at(tried)?;
                    Arc::new(Block::read(number as u64, header)?)
                }
            });
        }
        blocks.sort_by_key(|block| block.first);
        let manifest = Self { blocks };
        manifest.check(meta)?;
        Ok(manifest)
    }

    fn check(&self, meta: &Meta) -> Result<()> {
        let mut last = 0;
        for block in &self.blocks {
            if block.first > last + 1 {
                let message = format_args!("the block of {} is missing", range(last + 1, block.first - 1));
                return Err(corrupt(format_args!("read the sealed log: {message}")));
            }
            if block.first <= last {
                return Err(block.corrupt("another block holds some of them too"));
            }
            last = block.last;
        }
        if last == meta.sealed_to {
            return Ok(());
        }
        let message = if last < meta.sealed_to {
            format!("the block of {} is missing", range(last + 1, meta.sealed_to))
        } else {
            format!("a block holds {}, which is not sealed", range(meta.sealed_to + 1, last))
        };
        Err(corrupt(format_args!("read the sealed log: {message}")))
    }

    /// The blocks that hold events after one number and before another.
    pub(crate) fn between(&self, after: u64, before: u64) -> &[Arc<Block>] {
        let start = self.blocks.partition_point(|block| block.last <= after);
        let end = self.blocks.partition_point(|block| block.first < before);
        &self.blocks[start..end.max(start)]
    }
}
