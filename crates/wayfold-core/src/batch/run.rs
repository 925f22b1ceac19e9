//! Rows of several batches, and the run of one customer's rows in the order in which they are folded.

use std::ops::Range;

use super::view::HotRow;
use super::{Columns, EventBatch, EventView, OrderFacts};
use crate::event::EventKind;
use crate::key::CustomerKey;
use crate::projection::Interest;
use crate::time::Timestamp;

/// The kinds that name an order, as a table.
static NAMES_ORDER: Interest = Interest::OF_ORDERS;

/// One row of several batches, with what a fold reads of every event.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct RowRef {
    pub(crate) hot: HotRow,
    batch: u32,
}

impl RowRef {
    #[inline]
    pub(crate) fn new(columns: &Columns, batch: usize, row: usize) -> Self {
        Self { hot: HotRow::read(columns, row), batch: batch as u32 }
    }

    /// What comes before the id in the total order: instant, sequence and rank.
    #[inline]
    pub(crate) fn key_but_id(&self, columns: &Columns) -> (Timestamp, u32, u8) {
        (self.hot.occurred_at, columns.sequence[self.hot.row as usize], self.hot.kind.rank())
    }

    #[inline]
    pub(crate) fn columns<'a>(&self, batches: &'a [EventBatch]) -> &'a Columns {
        batches[self.batch as usize].columns()
    }

    /// All rows of a batch.
    #[inline]
    pub(crate) fn all(columns: &Columns, batch: usize) -> impl Iterator<Item = Self> {
        let rows = columns.occurred_at.iter().zip(&columns.kind).enumerate();
        rows.map(move |(row, (at, kind))| Self {
            hot: HotRow::new(columns, row, *at, *kind),
            batch: batch as u32,
        })
    }

    #[inline]
    pub(crate) fn event<'a>(&self, batches: &'a [EventBatch]) -> EventView<'a> {
        EventView::from_hot(self.columns(batches), self.hot)
    }
}

/// Rows of one customer that stand behind each other in a batch.
#[derive(Clone, Copy)]
pub(crate) struct Stretch<'a> {
    columns: &'a Columns,
    batch: u32,
    first: u32,
    rows: u32,
}

impl<'a> Stretch<'a> {
    /// By batch, first row and number of rows, of which there is one at least.
    pub(crate) fn new(batches: &'a [EventBatch], (batch, first, rows): (u32, u32, u32)) -> Self {
        Self { columns: batches[batch as usize].columns(), batch, first, rows }
    }

    /// Tenant and customer.
    pub(crate) fn customer(&self) -> (&'a str, &'a str) {
        self.columns.customer_texts(self.columns.customer[self.first as usize] as usize)
    }

    pub(crate) fn len(&self) -> usize {
        self.rows as usize
    }

    fn range(&self) -> Range<usize> {
        self.first as usize..(self.first + self.rows) as usize
    }

    /// The instants of the first and the last event.
    pub(crate) fn ends(&self) -> (i64, i64) {
        let instants = &self.columns.occurred_at[self.range()];
        let end = |instant: Option<&i64>| *instant.expect("a stretch has a row");
        (end(instants.first()), end(instants.last()))
    }

    /// Its events; what a fold reads of each is taken from its columns side by side.
    #[inline]
    pub(crate) fn views(self) -> impl Iterator<Item = EventView<'a>> {
        let (columns, range) = (self.columns, self.range());
        let rows = columns.occurred_at[range.clone()].iter().zip(&columns.kind[range.clone()]).zip(range);
        rows.map(move |((at, kind), row)| EventView::from_hot(columns, HotRow::new(columns, row, *at, *kind)))
    }

    /// Says whether each event comes behind the one before, those of one instant by sequence and rank.
    fn grows_beside_ties(&self) -> bool {
        let range = self.range();
        let instants = &self.columns.occurred_at[range.clone()];
        let beside = |row: usize| (self.columns.sequence[row], self.columns.kind[row].rank());
        instants
            .array_windows()
            .zip(range)
            .all(|([a, b], row)| a < b || (a == b && beside(row) < beside(row + 1)))
    }

    pub(crate) fn into_rows(self) -> impl Iterator<Item = RowRef> + 'a {
        self.range().map(move |row| RowRef::new(self.columns, self.batch as usize, row))
    }

    fn kinds(&self) -> &'a [EventKind] {
        &self.columns.kind[self.range()]
    }

    /// Says whether all of it is folded as it stands: each event comes behind the one before without a look at their ids,
    /// none is later than an instant, and none takes another back.
    pub(crate) fn is_plain(&self, until: Timestamp) -> bool {
        let instants = &self.columns.occurred_at[self.range()];
        // No early end, and by the sign of a difference, so that several are compared at once; instants are far from where it
        // would wrap around.
        let grow = instants.array_windows().fold(0, |signs, [a, b]| signs | (b - a - 1)) >= 0
            || self.grows_beside_ties();
        let is_due = instants.last().is_none_or(|last| *last <= until.as_micros());
        let retracts = || self.kinds().contains(&EventKind::EventRetracted);
        grow && is_due && !(self.columns.rare_kinds().retracted && retracts())
    }
}

/// The events of one customer in the order in which they are folded: a stretch of a batch, or rows of several.
#[derive(Clone, Copy)]
pub(crate) struct Run<'a> {
    stretch: Option<Stretch<'a>>,
    batches: &'a [EventBatch],
    rows: &'a [RowRef],
}

impl<'a> Run<'a> {
    /// A stretch that is in order.
    pub(crate) fn of_stretch(stretch: Stretch<'a>) -> Self {
        Self { stretch: Some(stretch), batches: &[], rows: &[] }
    }

    /// One event.
    pub(crate) fn of_event(event: &EventView<'a>) -> Self {
        let (columns, first) = (event.columns(), event.row() as u32);
        Self::of_stretch(Stretch { columns, batch: 0, first, rows: 1 })
    }

    /// Sorts the rows by the total order.
    pub(crate) fn sorted(batches: &'a [EventBatch], rows: &'a mut [RowRef]) -> Self {
        sort_rows(batches, rows);
        Self::of_rows(batches, rows)
    }

    /// Rows that are in order.
    pub(crate) fn of_rows(batches: &'a [EventBatch], rows: &'a [RowRef]) -> Self {
        Self { stretch: None, batches, rows }
    }

    /// Calls with each event that is of interest.
    #[inline]
    pub(crate) fn for_each(&self, interest: &Interest, mut take: impl FnMut(EventView<'a>)) {
        match self.stretch {
            Some(stretch) if interest.is_in_journeys() && stretch.columns.journey.is_empty() => {}
            Some(stretch) if interest.has_every_kind() => {
                stretch.views().filter(|event| interest.has(event)).for_each(take);
            }
            Some(stretch) => {
                for (kind, row) in stretch.kinds().iter().zip(stretch.range()) {
                    if interest.has_kind(*kind) {
                        let hot = HotRow::read(stretch.columns, row);
                        if interest.has_row(&hot) {
                            take(EventView::from_hot(stretch.columns, hot));
                        }
                    }
                }
            }
            None => {
                for row in self.rows.iter().filter(|row| interest.has_row(&row.hot)) {
                    take(row.event(self.batches));
                }
            }
        }
    }

    /// Calls with each event of a kind that names an order and that states something of what the order book reads.
    #[inline]
    pub(crate) fn for_each_with_facts(&self, mut take: impl FnMut(EventView<'a>, &'a OrderFacts)) {
        match self.stretch {
            Some(Stretch { columns, first, rows, .. }) => {
                columns.facts.for_each_in(first..first + rows, |row, facts| {
                    if NAMES_ORDER.has_kind(columns.kind[row as usize]) {
                        take(EventView::new(columns, row as usize), facts);
                    }
                });
            }
            None => {
                for row in self.rows.iter().filter(|row| NAMES_ORDER.has_kind(row.hot.kind)) {
                    let columns = row.columns(self.batches);
                    if let Some(facts) = columns.facts.get(row.hot.row) {
                        take(EventView::from_hot(columns, row.hot), facts);
                    }
                }
            }
        }
    }

    /// Calls with each event that belongs to a journey, and with the key of that where it may be another than that of the event
    /// before.
    #[inline]
    pub(crate) fn for_each_in_journeys(&self, mut take: impl FnMut(EventView<'a>, Option<&'a str>)) {
        // Batch and text of the journey, of which no text has this number.
        let mut last = u64::MAX;
        let mut take = |event: EventView<'a>, batch: u32| {
            let Some(journey) = event.columns().journey.get(event.row()) else { return };
            let own = u64::from(batch) << 32 | u64::from(journey);
            take(event, (own != last).then(|| event.columns().texts.get(journey)));
            last = own;
        };
        match self.stretch {
            Some(stretch) if stretch.columns.journey.is_empty() => {}
            Some(stretch) => stretch.views().for_each(|event| take(event, 0)),
            None => {
                for row in self.rows.iter().filter(|row| row.hot.has_journey) {
                    take(row.event(self.batches), row.batch);
                }
            }
        }
    }

    /// How many events are of a kind.
    pub(crate) fn count(&self, kind: EventKind) -> usize {
        match self.stretch {
            Some(stretch) => stretch.kinds().iter().filter(|known| **known == kind).count(),
            None => self.rows.iter().filter(|row| row.hot.kind == kind).count(),
        }
    }

    /// How many events are of no known kind.
    pub(crate) fn count_unknown(&self) -> usize {
        match self.stretch {
            Some(stretch) if !stretch.columns.rare_kinds().unknown => 0,
            _ => self.count(EventKind::Unknown),
        }
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = EventView<'a>> {
        let batches = self.batches;
        let rows = self.rows.iter().map(|row| row.event(batches));
        self.stretch.into_iter().flat_map(Stretch::views).chain(rows)
    }

    pub(crate) fn len(&self) -> usize {
        self.stretch.map_or(self.rows.len(), |stretch| stretch.rows as usize)
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.len() == 0
    }

    pub(crate) fn first(&self) -> Option<EventView<'a>> {
        match self.stretch {
            Some(stretch) => Some(EventView::new(stretch.columns, stretch.first as usize)),
            None => self.rows.first().map(|row| row.event(self.batches)),
        }
    }

    pub(crate) fn last(&self) -> Option<EventView<'a>> {
        match self.stretch {
            Some(stretch) => Some(EventView::new(stretch.columns, stretch.range().end - 1)),
            None => self.rows.last().map(|row| row.event(self.batches)),
        }
    }

    /// The first `count` events, or all, and the rest.
    pub(crate) fn split_at(&self, count: usize) -> (Self, Self) {
        let count = count.min(self.len());
        match self.stretch {
            Some(stretch) => {
                let rows = count as u32;
                let later = Stretch { first: stretch.first + rows, rows: stretch.rows - rows, ..stretch };
                let part = |stretch: Stretch<'a>| match stretch.rows {
                    0 => Self { stretch: None, batches: &[], rows: &[] },
                    _ => Self::of_stretch(stretch),
                };
                (part(Stretch { rows, ..stretch }), part(later))
            }
            None => {
                let (now, later) = self.rows.split_at(count);
                (Self { rows: now, ..*self }, Self { rows: later, ..*self })
            }
        }
    }
}

/// Sorts rows by the total order.
pub(crate) fn sort_rows(batches: &[EventBatch], rows: &mut [RowRef]) {
    let key_but_id = |row: &RowRef| row.key_but_id(row.columns(batches));
    let id = |row: &RowRef| row.event(batches).id();
    // Most neighbours differ in time, and most others before their ids, for which a part of a page may have to be read.
    let compare = |a: &RowRef, b: &RowRef| {
        let by_time = a.hot.occurred_at.cmp(&b.hot.occurred_at);
        by_time.then_with(|| key_but_id(a).cmp(&key_but_id(b))).then_with(|| id(a).cmp(&id(b)))
    };
    if !rows.is_sorted_by(|a, b| compare(a, b).is_le()) {
        rows.sort_unstable_by(compare);
    }
}

/// The rows of one customer, in the order of the batches.
pub(crate) fn rows_of(key: &CustomerKey, batches: &[EventBatch]) -> Vec<RowRef> {
    let mut rows = Vec::new();
    for (number, batch) in batches.iter().enumerate() {
        let columns = batch.columns();
        let wanted = (key.tenant.as_str(), key.customer.as_str());
        let local = (0..columns.customers.len()).find(|local| columns.customer_texts(*local) == wanted);
        let Some(local) = local else { continue };
        let own = columns.customer.iter().enumerate().filter(|(_, customer)| **customer as usize == local);
        let of_row = |row| RowRef::new(columns, number, row);
        rows.extend(own.map(|(row, _)| of_row(row)));
    }
    rows
}
