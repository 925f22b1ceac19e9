//! What a sealed block holds and where: its header.

use std::ops::Range;

use wayfold_core::{CustomerKey, EventBatch, Position, Shard};

use crate::bytes::{Reader, put_varint};
use crate::directory::{Directory, parts_of};
use crate::error::{Error, Result};
use crate::later::{self, LaterParts};
use crate::lookup::{Filter, Lookup};
use crate::page::Page;
use crate::part::{PartKind, PartName, unframe, unframe_version};

/// A sealed block, by its header: events of contiguous positions, clustered by customer.
///
/// Customers stand in the order of [`CustomerKey::spread`](wayfold_core::CustomerKey::spread), tenant and name,
/// and the events of each in the order in which they are folded, cut into pages. It does no I/O: it says which
/// parts to read, and reads the bytes that it is given.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SealedBlock {
    pub(crate) number: u64,
    pub(crate) events: u64,
    pub(crate) first: Position,
    pub(crate) last: Position,
    pub(crate) pages: Vec<PageEntry>,
    /// The first key of each part of the directory of ids.
    pub(crate) ids: Vec<u64>,
    /// The first key of each part of the directory of tags.
    pub(crate) tags: Vec<u64>,
    pub(crate) filter_lines: usize,
    /// Kinds with the last position of each; `None` where there are too many to list.
    pub(crate) kinds: Option<Vec<(String, Position)>>,
}

/// What the header says of a page.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct PageEntry {
    /// The spread of its last customer.
    pub(crate) last: u64,
    pub(crate) rows: u32,
}

/// The most kinds that a header lists.
pub(crate) const KINDS_MAX: usize = 512;

impl SealedBlock {
    pub(crate) fn write(&self) -> Vec<u8> {
        let mut to = Vec::new();
        put_varint(&mut to, self.events);
        to.extend_from_slice(&self.first.to_bytes());
        to.extend_from_slice(&self.last.to_bytes());
        put_varint(&mut to, self.pages.len() as u64);
        for page in &self.pages {
            to.extend_from_slice(&page.last.to_le_bytes());
            put_varint(&mut to, u64::from(page.rows));
        }
        for firsts in [&self.ids, &self.tags] {
            put_varint(&mut to, firsts.len() as u64);
            firsts.iter().for_each(|first| to.extend_from_slice(&first.to_le_bytes()));
        }
        put_varint(&mut to, self.filter_lines as u64);
        let kinds = self.kinds.as_deref();
        put_varint(&mut to, kinds.map_or(0, |kinds| kinds.len() as u64 + 1));
        for (kind, last) in kinds.unwrap_or_default() {
            put_varint(&mut to, kind.len() as u64);
            to.extend_from_slice(kind.as_bytes());
            to.extend_from_slice(&last.to_bytes());
        }
        to
    }

    /// Reads the header of a block.
    ///
    /// # Errors
    /// `Corrupt` or `Unsupported`; the message names the block.
    pub fn read(number: u64, header: &[u8]) -> Result<Self> {
        let name = PartName { block: number, kind: PartKind::Header, number: 0 };
        let payload = unframe(name, header)?;
        Self::read_payload(number, payload).map_err(|error| error.at(name))
    }

    fn read_payload(number: u64, payload: &[u8]) -> Result<Self> {
        let mut reader = Reader::new(payload);
        let events = reader.varint()?;
        let first = Position::from_bytes(reader.array()?);
        let last = Position::from_bytes(reader.array()?);
        let mut pages = Vec::with_capacity(reader.len() / 9);
        for _ in 0..reader.count(reader.len() / 9)? {
            let (last, rows) = (reader.u64()?, reader.count(Page::EVENTS_MAX)? as u32);
            pages.push(PageEntry { last, rows });
        }
        let rows: u64 = pages.iter().map(|page| u64::from(page.rows)).sum();
        if rows != events || !pages.is_sorted_by_key(|page| page.last) || first > last {
            return Err(Error::corrupt("its pages contradict its counts"));
        }
        let ids = read_firsts(&mut reader)?;
        let tags = read_firsts(&mut reader)?;
        let filter_lines = reader.count(u32::MAX as usize)?;
        let kinds = match reader.count(KINDS_MAX + 1)? {
            0 => None,
            count => Some((1..count).map(|_| read_kind(&mut reader)).collect::<Result<_>>()?),
        };
        reader.finish()?;
        Ok(Self { number, events, first, last, pages, ids, tags, filter_lines, kinds })
    }

    /// The number that its store gave the block.
    pub fn number(&self) -> u64 {
        self.number
    }

    /// How many events it holds.
    pub fn events(&self) -> u64 {
        self.events
    }

    /// The position of its first event.
    pub fn first(&self) -> Position {
        self.first
    }

    /// The position of its last event.
    pub fn last(&self) -> Position {
        self.last
    }

    /// How many pages it has; each is a part of the kinds fold, identity and rest.
    pub fn pages(&self) -> u32 {
        self.pages.len() as u32
    }

    /// Every part that belongs to the block, but the header.
    pub fn parts(&self) -> impl Iterator<Item = PartName> {
        let counts = [
            (PartKind::Fold, self.pages.len()),
            (PartKind::Identity, self.pages.len()),
            (PartKind::Rest, self.pages.len()),
            (PartKind::Ids, self.ids.len()),
            (PartKind::Tags, self.tags.len()),
            (PartKind::Filter, Filter::part_count(self.filter_lines)),
        ];
        let block = self.number;
        counts.into_iter().flat_map(move |(kind, count)| {
            (0..count as u32).map(move |number| PartName { block, kind, number })
        })
    }

    /// The pages on which a customer's events may stand: one or none for most, several for a long history.
    pub fn pages_of_customer(&self, customer: Lookup) -> Range<u32> {
        self.pages_of(&Shard::between(customer.spread(), customer.spread()))
    }

    /// The pages on which events of a shard's customers may stand.
    pub fn pages_of(&self, shard: &Shard) -> Range<u32> {
        let start = self.pages.partition_point(|page| page.last < shard.first());
        // The page after the last one that ends within the shard may begin in it.
        let end = self.pages.partition_point(|page| page.last <= shard.last()) + 1;
        start as u32..end.min(self.pages.len()).max(start) as u32
    }

    /// The spread of the last customer of a page; 0 if there is no such page.
    pub fn page_reach(&self, number: u32) -> u64 {
        self.pages.get(number as usize).map_or(0, |page| page.last)
    }

    /// The parts of the directory of ids that can list an id.
    pub fn id_parts(&self, id: Lookup) -> Range<u32> {
        parts_of(&self.ids, id.key())
    }

    /// The parts of the directory of tags that can list a tag.
    pub fn tag_parts(&self, tag: Lookup) -> Range<u32> {
        parts_of(&self.tags, tag.key())
    }

    /// Says whether an event of a kind may stand after a position; kinds go by
    /// [`EventView::kind_name`](wayfold_core::EventView::kind_name).
    pub fn may_hold_kind(&self, after: Position, is_meant: impl Fn(&str) -> bool) -> bool {
        let listed =
            |kinds: &[(String, Position)]| kinds.iter().any(|(kind, last)| *last > after && is_meant(kind));
        self.last > after && self.kinds.as_deref().is_none_or(listed)
    }

    /// Reads a page from its three parts.
    ///
    /// # Errors
    /// `Corrupt` or `Unsupported`; the message names the part.
    pub fn read_page(&self, number: u32, fold: &[u8], identity: &[u8], rest: &[u8]) -> Result<EventBatch> {
        let names = self.page_parts(number);
        let (version, fold) = unframe_version(names[0], fold)?;
        let groups = [fold, unframe(names[1], identity)?, unframe(names[2], rest)?];
        let batch = Page::read_version(version, groups).map_err(|error| error.at(names[0]))?;
        self.check_rows(number, batch.len()).map(|()| batch)
    }

    /// Opens a page from its part of the kind fold: what a fold reads is read at once, and the rest when somebody looks
    /// at it, of parts that are there or are got then.
    ///
    /// # Errors
    /// As [`SealedBlock::read_page`]; what is read later fails as
    /// [`EventBatch::with_source`](wayfold_core::EventBatch::with_source) says.
    pub fn open_page(&self, number: u32, fold: Vec<u8>, later: LaterParts) -> Result<EventBatch> {
        let batch = later::open(self.page_parts(number), fold, later)?;
        self.check_rows(number, batch.len()).map(|()| batch)
    }

    /// Opens of a page the events of one customer; `None` if it has none there. They are all of a batch where they stand
    /// behind each other, and stand among those of others where not.
    ///
    /// # Errors
    /// As [`SealedBlock::open_page`].
    pub fn open_page_of(
        &self,
        number: u32,
        customer: &CustomerKey,
        fold: Vec<u8>,
        later: LaterParts,
    ) -> Result<Option<EventBatch>> {
        let spread = CustomerKey::spread(customer.tenant.as_str(), customer.customer.as_str());
        let is_all = number > 0 && [number - 1, number].iter().all(|page| self.page_reach(*page) == spread);
        if is_all {
            return self.open_page(number, fold, later).map(Some);
        }
        let check_rows = |rows| self.check_rows(number, rows);
        later::open_of(self.page_parts(number), fold, later, customer, check_rows)
    }

    fn page_parts(&self, number: u32) -> [PartName; 3] {
        [PartKind::Fold, PartKind::Identity, PartKind::Rest].map(|kind| PartName {
            block: self.number,
            kind,
            number,
        })
    }

    fn check_rows(&self, number: u32, found: usize) -> Result<()> {
        let rows = self.pages.get(number as usize).map_or(0, |page| page.rows as usize);
        if found == rows {
            return Ok(());
        }
        let message = format_args!("it holds {found} events, and its header says {rows}");
        Err(Error::corrupt(message).at(self.page_parts(number)[0]))
    }

    /// Reads a part of the directory of ids or tags.
    ///
    /// # Errors
    /// `Corrupt` or `Unsupported`; the message names the part.
    pub fn read_directory(&self, kind: PartKind, number: u32, bytes: &[u8]) -> Result<Directory> {
        let name = PartName { block: self.number, kind, number };
        let payload = unframe(name, bytes)?;
        Directory::read(payload, self.pages.len()).map_err(|error| error.at(name))
    }

    /// Reads the filter from all of its parts, in their order.
    ///
    /// # Errors
    /// `Corrupt` or `Unsupported`; the message names the part.
    pub fn read_filter<B: AsRef<[u8]>>(&self, parts: &[B]) -> Result<Filter> {
        let name = |number| PartName { block: self.number, kind: PartKind::Filter, number };
        let payloads = (0..).zip(parts).map(|(number, part)| unframe(name(number), part.as_ref()));
        let payloads = payloads.collect::<Result<Vec<_>>>()?;
        Filter::read(self.filter_lines, payloads.into_iter()).map_err(|error| error.at(name(0)))
    }
}

fn read_firsts(reader: &mut Reader<'_>) -> Result<Vec<u64>> {
    let count = reader.count(reader.len() / 8)?;
    let firsts = (0..count).map(|_| reader.u64()).collect::<Result<Vec<_>>>()?;
    if firsts.is_sorted() {
        return Ok(firsts);
    }
    Err(Error::corrupt("the parts of a directory are not in order"))
}

fn read_kind(reader: &mut Reader<'_>) -> Result<(String, Position)> {
    let length = reader.count(reader.len())?;
    let kind = std::str::from_utf8(reader.take(length)?).map_err(|_| Error::corrupt("a kind is no UTF-8"))?;
    Ok((kind.to_owned(), Position::from_bytes(reader.array()?)))
}
