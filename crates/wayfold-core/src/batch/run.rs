//! Rows of several batches, and the run of one customer's rows in the order in which they are folded.

use super::view::HotRow;
use super::{Columns, EventBatch, EventView};
use crate::event::OrderKey;
use crate::key::CustomerKey;

/// One row of several batches, with what a fold reads of every event.
#[derive(Debug, Clone, Copy)]
pub(crate) struct RowRef {
    pub(crate) hot: HotRow,
    batch: u32,
}

impl RowRef {
    /// Fills a list before its rows are known.
    pub(crate) const NOWHERE: Self = Self { hot: HotRow::NOWHERE, batch: 0 };

    #[inline]
    pub(crate) fn new(columns: &Columns, batch: usize, row: usize) -> Self {
        Self { hot: HotRow::read(columns, row), batch: batch as u32 }
    }

    #[inline]
    pub(crate) fn event<'a>(&self, batches: &'a [EventBatch]) -> EventView<'a> {
        EventView::from_hot(batches[self.batch as usize].columns(), self.hot)
    }
}

/// The events of one customer in the order in which they are folded.
#[derive(Clone, Copy)]
pub(crate) struct Run<'a> {
    batches: &'a [EventBatch],
    rows: &'a [RowRef],
}

impl<'a> Run<'a> {
    /// Sorts the rows by the total order.
    pub(crate) fn sorted(batches: &'a [EventBatch], rows: &'a mut [RowRef]) -> Self {
        let key = |row: &RowRef| row.event(batches).order_key();
        // Most neighbours differ in time, so that the rest of the key is seldom read.
        let compare = |a: &RowRef, b: &RowRef| {
            a.hot.occurred_at.cmp(&b.hot.occurred_at).then_with(|| key(a).cmp(&key(b)))
        };
        if !rows.is_sorted_by(|a, b| compare(a, b).is_le()) {
            rows.sort_unstable_by(compare);
        }
        Self { batches, rows }
    }

    #[inline]
    pub(crate) fn iter(&self) -> impl Iterator<Item = EventView<'a>> {
        let batches = self.batches;
        self.rows.iter().map(|row| row.event(batches))
    }

    pub(crate) fn len(&self) -> usize {
        self.rows.len()
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    pub(crate) fn first_key(&self) -> Option<OrderKey> {
        self.rows.first().map(|row| row.event(self.batches).order_key())
    }

    pub(crate) fn last_key(&self) -> Option<OrderKey> {
        self.rows.last().map(|row| row.event(self.batches).order_key())
    }

    /// The first `count` events, or all, and the rest.
    pub(crate) fn split_at(&self, count: usize) -> (Self, Self) {
        let (now, later) = self.rows.split_at(count.min(self.rows.len()));
        (Self { rows: now, ..*self }, Self { rows: later, ..*self })
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
