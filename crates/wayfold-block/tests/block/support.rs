//! Recorded histories to write, and blocks to read.

use std::collections::{HashMap, HashSet};

use wayfold_block::{Error, Merge, Part, PartKind, PartName, SealedBlock, seal};
use wayfold_core::{EventBatch, JourneyEvent, Position, Timestamp};
use wayfold_testkit::{Case, shop, stream};

/// A hostile history of the testkit, each event once.
pub(crate) fn hostile(seed: u64) -> Vec<JourneyEvent> {
    let mut events = Case::hostile(seed).events;
    let mut seen = HashSet::new();
    events.retain(|event| seen.insert((event.customer.tenant.clone(), event.id)));
    events
}

pub(crate) fn position(number: u64) -> Position {
    Position::from_bytes(u128::from(number).to_be_bytes())
}

/// Batches of at most `size` events, recorded from a position on.
pub(crate) fn recorded(events: &[JourneyEvent], size: usize, first: u64) -> Vec<EventBatch> {
    let mut next = first;
    let batch = |events: &[JourneyEvent]| {
        let positions = (next..next + events.len() as u64).map(position).collect();
        next += events.len() as u64;
        let at = Timestamp::from_micros(1_700_000_000_000_000 + next as i64 * 1_000).unwrap();
        EventBatch::from_events(events).unwrap().recorded(positions, at)
    };
    events.chunks(size).map(batch).collect()
}

/// A sealed block with its parts by name.
pub(crate) struct Block {
    pub(crate) header: SealedBlock,
    pub(crate) parts: HashMap<PartName, Vec<u8>>,
}

impl Block {
    pub(crate) fn seal(number: u64, batches: &[EventBatch]) -> Self {
        Self::collect(number, seal(number, batches).map(Ok))
    }

    pub(crate) fn merge(number: u64, blocks: &[&Self]) -> Self {
        let events = blocks.iter().map(|block| block.header.events()).sum();
        Self::collect(number, Merge::new(number, events, blocks.iter().map(|block| block.pages())))
    }

    pub(crate) fn collect(number: u64, parts: impl Iterator<Item = Result<Part, Error>>) -> Self {
        let parts: HashMap<_, _> =
            parts.map(|part| part.map(|part| (part.name, part.bytes)).unwrap()).collect();
        let header = &parts[&PartName { block: number, kind: PartKind::Header, number: 0 }];
        Self { header: SealedBlock::read(number, header).unwrap(), parts }
    }

    pub(crate) fn part(&self, kind: PartKind, number: u32) -> &[u8] {
        &self.parts[&PartName { block: self.header.number(), kind, number }]
    }

    pub(crate) fn page(&self, number: u32) -> Result<EventBatch, Error> {
        let part = |kind| self.part(kind, number);
        let (fold, identity, rest) = (part(PartKind::Fold), part(PartKind::Identity), part(PartKind::Rest));
        self.header.read_page(number, fold, identity, rest)
    }

    pub(crate) fn pages(&self) -> impl Iterator<Item = Result<EventBatch, Error>> {
        (0..self.header.pages()).map(|number| self.page(number))
    }

    /// Every event by position.
    pub(crate) fn by_position(&self) -> Vec<JourneyEvent> {
        let mut events: Vec<_> = self.pages().flat_map(|page| page.unwrap().to_events()).collect();
        events.sort_by_key(|event| event.position);
        events
    }
}

/// Checks that the labels of a page are those of its events, wherever they are read from.
pub(crate) fn check_labels(opened: &EventBatch, read: &EventBatch) {
    let columns = read.to_raw().columns;
    let texts: Vec<&str> =
        columns.iter().filter_map(|column| column.name.strip_prefix("fields.text.")).collect();
    for (a, b) in opened.iter().zip(read.iter()) {
        assert_eq!((a.channel(), a.team(), a.person()), (b.channel(), b.team(), b.person()));
        texts.iter().for_each(|field| assert_eq!(a.text(field), b.text(field), "{field}"));
    }
}

/// The first events of workloads S and W, each once.
pub(crate) fn workloads() -> [Vec<JourneyEvent>; 2] {
    let shop = shop::Shop::new(shop::ShopConfig::of(20_000));
    [shop.distinct().collect(), stream::Stream::new(20_000).collect()]
}
