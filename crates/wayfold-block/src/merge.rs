//! Writing a sealed block: from batches as they came, or from the pages of other sealed blocks.

use std::borrow::Cow;
use std::collections::{BTreeMap, VecDeque};

use wayfold_core::{CustomerKey, EventBatch, EventKind, Position, Timestamp};

use crate::directory::{Entry, put_parts};
use crate::error::Error;
use crate::lookup::{Filter, Lookup};
use crate::page::Page;
use crate::part::{PartKind, PartName, frame};
use crate::sealed::{KINDS_MAX, PageEntry, SealedBlock};

/// Events of a page in a block of few events: few enough that one customer's read is cheap, of which there are many such blocks.
const PAGE_EVENTS: usize = 1_024;
/// In a block of many, of which a customer stands in few: many enough that a rebuild is cheap.
const LARGE_PAGE_EVENTS: usize = 4_096;
/// A block of more events has large pages.
const SMALL_BLOCK_EVENTS: u64 = 1 << 18;
/// A page is cut earlier where its texts are long.
const PAGE_TEXT_BYTES: usize = 1 << 20;

/// A part of a block in its frame, ready to be stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Part {
    /// What it is.
    pub name: PartName,
    /// Its bytes.
    pub bytes: Vec<u8>,
}

/// Brings batches in any order into the order of a sealed block.
///
/// The result is a source for [`Merge`]. What was appended lately is sealed by [`seal`] without it.
pub fn cluster(batches: &[EventBatch]) -> EventBatch {
    let rows = sorted(batches);
    EventBatch::from_views(rows.iter().map(|row| batches[row.batch as usize].event(row.row as usize)))
}

/// Writes batches in any order as the parts of a sealed block with the number that its store gives it; the header comes
/// last.
///
/// All events stay in memory, so it is for what was appended lately.
pub fn seal(block: u64, batches: &[EventBatch]) -> impl Iterator<Item = Part> {
    let rows = sorted(batches);
    let mut writer = Writer::new(block, rows.len() as u64);
    let mut next = 0;
    std::iter::from_fn(move || {
        while writer.ready.is_empty() && !writer.is_finished {
            let rest = &rows[next..];
            match rest.first() {
                None => writer.finish(),
                Some(first) => {
                    let run = rest.iter().take_while(|row| row.place == first.place);
                    let run: Vec<_> =
                        run.map(|row| (batches[row.batch as usize].clone(), row.row as usize)).collect();
                    next += run.len();
                    writer.push(spread_of(&run), run);
                }
            }
        }
        writer.ready.pop_front()
    })
}

/// The spread of the customer of some rows.
fn spread_of(rows: &[(EventBatch, usize)]) -> u64 {
    let customer = |(batch, row): &(EventBatch, usize)| {
        batch.spreads().get(batch.event(*row).local_customer() as usize).copied()
    };
    rows.first().and_then(customer).unwrap_or_default()
}

/// A row of several batches.
#[derive(Debug, Clone, Copy)]
struct Row {
    /// That of its customer among all.
    place: u32,
    at: Timestamp,
    batch: u32,
    row: u32,
}

/// The rows of batches in the order of a sealed block.
fn sorted(batches: &[EventBatch]) -> Vec<Row> {
    let places = places(batches);
    let mut rows = Vec::with_capacity(batches.iter().map(EventBatch::len).sum());
    for (batch, (events, places)) in (0..).zip(batches.iter().zip(&places)) {
        rows.extend((0..).zip(events.iter()).map(|(row, event)| {
            let place = places[event.local_customer() as usize];
            Row { place, at: event.occurred_at(), batch, row }
        }));
    }
    radsort::sort_by_key(&mut rows, |row| (row.place, row.at.as_micros()));
    // Few neighbours have customer and instant in common, so that the rest of the order is seldom read.
    let order_key = |row: &Row| batches[row.batch as usize].event(row.row as usize).order_key();
    for tied in rows.chunk_by_mut(|a, b| (a.place, a.at) == (b.place, b.at)).filter(|tied| tied.len() > 1) {
        tied.sort_by_cached_key(order_key);
    }
    rows
}

/// The place of each batch's customers in the order of a sealed block.
fn places(batches: &[EventBatch]) -> Vec<Vec<u32>> {
    let mut customers = Vec::new();
    let mut places = Vec::with_capacity(batches.len());
    for (number, batch) in batches.iter().enumerate() {
        places.push(vec![0; batch.spreads().len()]);
        let own = batch.spreads().iter().zip(batch.customers()).enumerate();
        customers.extend(own.map(|(local, (spread, key))| (*spread, key, number, local)));
    }
    customers.sort_unstable();
    for (place, same) in (0..).zip(customers.chunk_by(|a, b| (a.0, &a.1) == (b.0, &b.1))) {
        same.iter().for_each(|(_, _, batch, local)| places[*batch][*local] = place);
    }
    places
}

/// Merges sources, each in the order of a sealed block, into the parts of one; the header comes last.
///
/// It holds a page of each source, one customer's events, and for the directories about forty bytes an event.
#[derive(Debug)]
pub struct Merge<S> {
    sources: Vec<Source<S>>,
    writer: Writer,
}

impl<S, E> Merge<S>
where
    S: Iterator<Item = Result<EventBatch, E>>,
    E: From<Error>,
{
    /// Starts a block with the number that its store gives it, of so many events, which say how large its pages are.
    pub fn new(block: u64, events: u64, sources: impl IntoIterator<Item = S>) -> Self {
        let sources = sources.into_iter().map(Source::new).collect();
        Self { sources, writer: Writer::new(block, events) }
    }

    /// Takes the next customer of all sources, or ends the block.
    fn step(&mut self) -> Result<(), E> {
        for source in &mut self.sources {
            source.fill()?;
        }
        let Some(next) = self.sources.iter().filter_map(Source::customer).min().map(Customer::to_owned)
        else {
            self.writer.finish();
            return Ok(());
        };
        let mut rows = Vec::new();
        let mut pieces = 0;
        for source in &mut self.sources {
            while source.customer().is_some_and(|customer| customer == next.as_ref()) {
                source.take_run(&mut rows);
                source.fill()?;
                pieces += 1;
            }
            if source.customer().is_some_and(|customer| customer < next.as_ref()) {
                return Err(Error::corrupt("the events of a sealed block are out of order").into());
            }
        }
        if pieces > 1 {
            rows.sort_by_cached_key(|(batch, row)| batch.event(*row).order_key());
        }
        self.writer.push(next.spread, rows);
        Ok(())
    }
}

impl<S, E> Iterator for Merge<S>
where
    S: Iterator<Item = Result<EventBatch, E>>,
    E: From<Error>,
{
    type Item = Result<Part, E>;

    fn next(&mut self) -> Option<Self::Item> {
        while self.writer.ready.is_empty() {
            if self.writer.is_finished {
                return None;
            }
            if let Err(error) = self.step() {
                self.writer.is_finished = true;
                return Some(Err(error));
            }
        }
        self.writer.ready.pop_front().map(Ok)
    }
}

/// A customer in the order of a sealed block.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Customer<T> {
    spread: u64,
    tenant: T,
    customer: T,
}

impl Customer<&str> {
    fn to_owned(self) -> Customer<String> {
        let Self { spread, tenant, customer } = self;
        Customer { spread, tenant: tenant.to_owned(), customer: customer.to_owned() }
    }
}

impl Customer<String> {
    fn as_ref(&self) -> Customer<&str> {
        Customer { spread: self.spread, tenant: &self.tenant, customer: &self.customer }
    }
}

/// Pages of a source, and how far they are taken.
#[derive(Debug)]
struct Source<S> {
    pages: S,
    page: EventBatch,
    row: usize,
    /// The spread of the customer whose turn it is.
    spread: u64,
}

impl<S> Source<S> {
    fn new(pages: S) -> Self {
        Self { pages, page: EventBatch::empty(), row: 0, spread: 0 }
    }

    /// Goes to the next page where this one is taken.
    fn fill<E>(&mut self) -> Result<(), E>
    where
        S: Iterator<Item = Result<EventBatch, E>>,
    {
        while self.row == self.page.len() {
            let Some(page) = self.pages.next().transpose()? else { break };
            (self.page, self.row) = (page, 0);
            self.turn();
        }
        Ok(())
    }

    /// Notes whose turn it is.
    fn turn(&mut self) {
        if self.row < self.page.len() {
            let (tenant, customer) = self.page.event(self.row).customer_texts();
            self.spread = CustomerKey::spread(tenant, customer);
        }
    }

    /// The customer whose turn it is.
    fn customer(&self) -> Option<Customer<&str>> {
        let event = (self.row < self.page.len()).then(|| self.page.event(self.row))?;
        let (tenant, customer) = event.customer_texts();
        Some(Customer { spread: self.spread, tenant, customer })
    }

    /// Takes the events of that customer from the page.
    fn take_run(&mut self, rows: &mut Vec<(EventBatch, usize)>) {
        let customer = self.page.event(self.row).local_customer();
        while self.row < self.page.len() && self.page.event(self.row).local_customer() == customer {
            rows.push((self.page.clone(), self.row));
            self.row += 1;
        }
        self.turn();
    }
}

/// Cuts rows into pages and keeps the directories.
#[derive(Debug)]
struct Writer {
    block: SealedBlock,
    page_events: usize,
    /// The rows of the next page.
    pending: Vec<(EventBatch, usize)>,
    pending_text_bytes: usize,
    /// The spread of the customer of the last pending row.
    last: u64,
    ids: Vec<Entry>,
    tags: Vec<Entry>,
    /// What the filter takes: ids and customers, each once.
    lookups: Vec<Lookup>,
    /// And tags, each once a page.
    tag_lookups: Vec<Lookup>,
    kinds: BTreeMap<String, Position>,
    ready: VecDeque<Part>,
    is_finished: bool,
}

impl Writer {
    fn new(number: u64, events: u64) -> Self {
        Self {
            page_events: if events > SMALL_BLOCK_EVENTS { LARGE_PAGE_EVENTS } else { PAGE_EVENTS },
            block: SealedBlock {
                number,
                events: 0,
                first: Position::END,
                last: Position::START,
                pages: Vec::new(),
                ids: Vec::new(),
                tags: Vec::new(),
                filter_lines: 0,
                kinds: None,
            },
            pending: Vec::new(),
            pending_text_bytes: 0,
            last: 0,
            ids: Vec::new(),
            tags: Vec::new(),
            lookups: Vec::new(),
            tag_lookups: Vec::new(),
            kinds: BTreeMap::new(),
            ready: VecDeque::new(),
            is_finished: false,
        }
    }

    /// Adds the events of the next customer.
    fn push(&mut self, spread: u64, rows: Vec<(EventBatch, usize)>) {
        // A short history stays on one page, where that does not leave the one before half empty.
        if self.pending.len() + rows.len() > self.page_events && self.pending.len() >= self.page_events / 2 {
            self.flush();
        }
        for (batch, row) in rows {
            if self.pending.len() == self.page_events || self.pending_text_bytes > PAGE_TEXT_BYTES {
                self.flush();
            }
            self.pending_text_bytes += batch.text_bytes() / batch.len();
            self.pending.push((batch, row));
            self.last = spread;
        }
    }

    /// Writes the pending rows as a page.
    fn flush(&mut self) {
        if self.pending.is_empty() {
            return;
        }
        let batch = EventBatch::from_views(self.pending.iter().map(|(batch, row)| batch.event(*row)));
        self.pending.clear();
        self.pending_text_bytes = 0;
        let number = self.block.pages();
        self.note(&batch, number);
        let Page { fold, identity, rest } = Page::write_dense(&batch);
        self.part(PartKind::Fold, number, &fold);
        self.part(PartKind::Identity, number, &identity);
        self.part(PartKind::Rest, number, &rest);
        self.block.events += batch.len() as u64;
        self.block.pages.push(PageEntry { last: self.last, rows: batch.len() as u32 });
    }

    /// Notes what a page holds in the directories.
    fn note(&mut self, page: &EventBatch, number: u32) {
        let mut tags = Vec::new();
        // The first of them may have begun on the page before.
        let goes_on = self.block.pages.last().map(|page| page.last);
        let own = page.spreads().iter().filter(|spread| Some(**spread) != goes_on);
        self.lookups.extend(own.map(|spread| Lookup::of_customer(*spread)));
        for event in page.iter() {
            let id = Lookup::id(event.customer_texts().0, event.id());
            self.ids.push((id.key(), number));
            self.lookups.push(id);
            tags.extend(event.tags().map(Lookup::tag));
            let position = event.position().unwrap_or(Position::START);
            self.block.first = self.block.first.min(position);
            self.block.last = self.block.last.max(position);
        }
        tags.sort_unstable();
        tags.dedup();
        self.tags.extend(tags.iter().map(|tag| (tag.key(), number)));
        self.tag_lookups.extend(tags);
        self.note_kinds(page);
    }

    /// Notes the last position of each kind of a page.
    fn note_kinds(&mut self, page: &EventBatch) {
        let mut known = [Position::START; 256];
        for event in page.iter() {
            let (kind, position) = (event.kind(), event.position().unwrap_or(Position::START));
            if kind.is_custom() || kind == EventKind::Unknown {
                self.note_kind(event.kind_name(), position);
            } else {
                let last = &mut known[usize::from(kind.rank())];
                *last = position.max(*last);
            }
        }
        for kind in EventKind::ALL {
            let last = known[usize::from(kind.rank())];
            if last > Position::START {
                self.note_kind(kind.name().into(), last);
            }
        }
    }

    fn note_kind(&mut self, kind: Cow<'_, str>, position: Position) {
        if let Some(last) = self.kinds.get_mut(kind.as_ref()) {
            *last = position.max(*last);
        } else if self.kinds.len() <= KINDS_MAX {
            self.kinds.insert(kind.into_owned(), position);
        }
    }

    fn finish(&mut self) {
        self.flush();
        if self.block.events == 0 {
            self.block.first = Position::START;
        }
        let (ids, tags) = (std::mem::take(&mut self.ids), std::mem::take(&mut self.tags));
        self.block.ids = self.directory(PartKind::Ids, ids);
        self.block.tags = self.directory(PartKind::Tags, tags);
        radsort::sort_by_key(&mut self.tag_lookups, |tag| tag.spread());
        self.tag_lookups.dedup();
        let mut filter = Filter::for_keys(self.lookups.len() + self.tag_lookups.len());
        let lookups = self.lookups.drain(..).chain(self.tag_lookups.drain(..));
        lookups.for_each(|lookup| filter.insert(lookup));
        for (number, payload) in (0..).zip(filter.parts()) {
            self.part(PartKind::Filter, number, &payload);
        }
        self.block.filter_lines = filter.lines();
        let kinds = std::mem::take(&mut self.kinds);
        self.block.kinds = (kinds.len() <= KINDS_MAX).then(|| kinds.into_iter().collect());
        self.part(PartKind::Header, 0, &self.block.write());
        self.is_finished = true;
    }

    /// Writes a directory, and gives the first key of each part.
    fn directory(&mut self, kind: PartKind, mut entries: Vec<Entry>) -> Vec<u64> {
        // Pages come in their order, and stay so among equal keys.
        radsort::sort_by_key(&mut entries, |(key, _)| *key);
        entries.dedup();
        let parts = (0..).zip(put_parts(&entries));
        parts
            .map(|(number, (first, payload))| {
                self.part(kind, number, &payload);
                first
            })
            .collect()
    }

    fn part(&mut self, kind: PartKind, number: u32, payload: &[u8]) {
        let name = PartName { block: self.block.number, kind, number };
        self.ready.push_back(Part { name, bytes: frame(name, payload) });
    }
}
