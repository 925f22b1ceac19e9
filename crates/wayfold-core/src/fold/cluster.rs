//! Rows of batches, brought together by customer: each customer's state is then touched once.

use super::Shard;
use super::customers::{Customers, shard_of};
use super::order::OrderKey;
use crate::batch::{EventBatch, EventView, HotRow, NONE};
use crate::key::CustomerKey;

/// One row of several batches, with what a fold reads of every event.
#[derive(Debug, Clone, Copy)]
pub(crate) struct RowRef {
    pub(crate) hot: HotRow,
    batch: u32,
}

impl RowRef {
    /// Fills a list before its rows are known.
    const NOWHERE: Self = Self { hot: HotRow::NOWHERE, batch: 0 };

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

/// Rows by customer; kept between calls for its memory.
#[derive(Default)]
pub(super) struct Clusters {
    /// The place in `touched` of each customer number, or [`NONE`].
    slots: Vec<u32>,
    touched: Vec<u32>,
    starts: Vec<u32>,
    rows: Vec<RowRef>,
    scratch: Vec<RowRef>,
}

impl Clusters {
    /// Brings the rows of a shard's customers together by counting: one pass to count, one to place.
    pub(super) fn gather(&mut self, batches: &[EventBatch], customers: &mut Customers, shard: Shard) {
        self.touched.clear();
        self.starts.clear();
        let locals: Vec<Vec<u32>> =
            batches.iter().map(|batch| self.number(batch, customers, shard)).collect();
        let rows = |batch: usize| batches[batch].columns().customer.iter().map(|local| *local as usize);
        for (batch, local) in locals.iter().enumerate() {
            for customer in rows(batch) {
                if local[customer] != NONE {
                    self.starts[local[customer] as usize] += 1;
                }
            }
        }
        let total = self.starts.iter_mut().fold(0, |sum, start| {
            let count = std::mem::replace(start, sum);
            sum + count
        });
        self.rows.clear();
        self.rows.resize(total as usize, RowRef::NOWHERE);
        let mut ends = self.starts.clone();
        for (batch, local) in locals.iter().enumerate() {
            let columns = batches[batch].columns();
            for (row, customer) in rows(batch).enumerate() {
                if local[customer] != NONE {
                    let end = &mut ends[local[customer] as usize];
                    self.rows[*end as usize] =
                        RowRef { hot: HotRow::read(columns, row), batch: batch as u32 };
                    *end += 1;
                }
            }
        }
        for customer in &self.touched {
            self.slots[*customer as usize] = NONE;
        }
    }

    /// The slot of each local customer of a batch, or [`NONE`] for another shard's.
    fn number(&mut self, batch: &EventBatch, customers: &mut Customers, shard: Shard) -> Vec<u32> {
        let columns = batch.columns();
        let slot = |local: usize| {
            let (tenant, customer) = columns.customer_texts(local);
            if shard.of > 1 && shard_of(tenant, customer, shard.of) != shard.index {
                return NONE;
            }
            let customer = customers.number_or_insert(tenant, customer);
            if self.slots.len() <= customer as usize {
                self.slots.resize(customer as usize + 1, NONE);
            }
            let slot = &mut self.slots[customer as usize];
            if *slot == NONE {
                *slot = self.touched.len() as u32;
                self.touched.push(customer);
                self.starts.push(0);
            }
            *slot
        };
        (0..columns.customers.len()).map(slot).collect()
    }

    /// Calls with each customer and its rows, which may be changed.
    pub(super) fn for_each(&mut self, mut take: impl FnMut(u32, &mut Vec<RowRef>)) {
        for (slot, customer) in self.touched.iter().enumerate() {
            let start = self.starts[slot] as usize;
            let end = self.starts.get(slot + 1).map_or(self.rows.len(), |next| *next as usize);
            self.scratch.clear();
            self.scratch.extend_from_slice(&self.rows[start..end]);
            take(*customer, &mut self.scratch);
        }
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
        let of_row = |row| RowRef { hot: HotRow::read(columns, row), batch: number as u32 };
        rows.extend(own.map(|(row, _)| of_row(row)));
    }
    rows
}
