//! Rows of batches, brought together by customer: each customer's state is then touched once.

use super::Shard;
use super::customers::{Customers, shard_of};
use crate::batch::{EventBatch, NONE, RowRef};

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
                    self.rows[*end as usize] = RowRef::new(columns, batch, row);
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
