//! Writing a sealed block: from batches as they came, or from the pages of other sealed blocks.

use std::borrow::Cow;
use std::collections::{BTreeMap, VecDeque};

use wayfold_core::{CustomerKey, EventBatch, EventKind, EventView, Position, Timestamp};

use crate::directory::{Entry, put_parts};
use crate::error::Error;
use crate::lookup::{Filter, Lookup};
use crate::page::Page;
use crate::part::{PartKind, PartName, frame};
use crate::sealed::{KINDS_MAX, PageEntry, SealedBlock};

/// Events of a page: few enough that one customer's read is cheap, many enough that columns are.
const PAGE_EVENTS: usize = 1_024;
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
/// The result is a source for [`Merge`]. It holds all events in memory, so it is for what was appended lately.
pub fn cluster(batches: &[EventBatch]) -> EventBatch {
    let places = places(batches);
    let rows = batches.iter().zip(&places).flat_map(|(batch, places)| {
        batch.iter().map(|event| (places[event.local_customer() as usize], event.occurred_at(), event))
    });
    let mut rows: Vec<(u32, Timestamp, EventView<'_>)> = rows.collect();
    // Most neighbours differ in customer or time, so that the rest of the key is seldom read.
    rows.sort_unstable_by(|(a_place, a_at, a), (b_place, b_at, b)| {
        let rest = || a.order_key().cmp(&b.order_key());
        a_place.cmp(b_place).then_with(|| a_at.cmp(b_at)).then_with(rest)
    });
    EventBatch::from_views(rows.into_iter().map(|(_, _, event)| event))
}

/// The place of each batch's customers in the order of a sealed block.
fn places(batches: &[EventBatch]) -> Vec<Vec<u32>> {
    let mut customers = Vec::new();
    let mut places = Vec::with_capacity(batches.len());
    for (number, batch) in batches.iter().enumerate() {
        let own: Vec<_> = batch.customers().collect();
        places.push(vec![0; own.len()]);
        let spread = |key: &CustomerKey| CustomerKey::spread(key.tenant.as_str(), key.customer.as_str());
        customers.extend(own.into_iter().enumerate().map(|(local, key)| (spread(&key), key, number, local)));
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
    /// Starts a block with the number that its store gives it.
    pub fn new(block: u64, sources: impl IntoIterator<Item = S>) -> Self {
        let sources = sources.into_iter().map(Source::new).collect();
        Self { sources, writer: Writer::new(block) }
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
    /// The rows of the next page.
    pending: Vec<(EventBatch, usize)>,
    pending_text_bytes: usize,
    /// The spread of the customer of the last pending row.
    last: u64,
    ids: Vec<Entry>,
    tags: Vec<Entry>,
    lookups: Vec<Lookup>,
    kinds: BTreeMap<String, Position>,
    ready: VecDeque<Part>,
    is_finished: bool,
}

impl Writer {
    fn new(number: u64) -> Self {
        Self {
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
            kinds: BTreeMap::new(),
            ready: VecDeque::new(),
            is_finished: false,
        }
    }

    /// Adds the events of the next customer.
    fn push(&mut self, spread: u64, rows: Vec<(EventBatch, usize)>) {
        // A short history stays on one page, where that does not leave the one before half empty.
        if self.pending.len() + rows.len() > PAGE_EVENTS && self.pending.len() >= PAGE_EVENTS / 2 {
            self.flush();
        }
        for (batch, row) in rows {
            if self.pending.len() == PAGE_EVENTS || self.pending_text_bytes > PAGE_TEXT_BYTES {
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
        for customer in page.customers() {
            self.lookups.push(Lookup::customer(customer.tenant.as_str(), customer.customer.as_str()));
        }
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
        self.lookups.extend(tags);
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
        self.lookups.sort_unstable();
        self.lookups.dedup();
        let mut filter = Filter::for_keys(self.lookups.len());
        self.lookups.drain(..).for_each(|lookup| filter.insert(lookup));
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
        entries.sort_unstable();
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
