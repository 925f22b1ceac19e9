//! Rows of batches, brought together by customer: each customer's state is then touched once.

use super::customers::Customers;
use crate::batch::{EventBatch, NONE, RowRef, Stretch};
use crate::shard::Shard;
use crate::time::Timestamp;

/// Rows by customer; kept between calls for its memory.
#[derive(Default)]
pub(super) struct Clusters {
    /// The place in `touched` of each customer number, or [`NONE`].
    slots: Vec<u32>,
    touched: Vec<u32>,
    rows: BySlot<RowRef>,
}

/// What there is of a customer.
#[derive(Clone, Copy)]
pub(super) enum Gathered<'a, 'g> {
    Rows(&'g [RowRef]),
    /// As in a log that is clustered already.
    Stretches(&'g [Stretch<'a>]),
}

impl<'a, 'g> Gathered<'a, 'g> {
    /// The stretches, if all of it is folded as it stands, one after the other; see [`Stretch::is_plain`].
    pub(super) fn plain(self, until: Timestamp) -> Option<&'g [Stretch<'a>]> {
        let Self::Stretches(stretches) = self else { return None };
        let mut end = i64::MIN;
        let mut follows = |stretch: &Stretch<'_>| {
            let (first, last) = stretch.ends();
            first > std::mem::replace(&mut end, last)
        };
        stretches.iter().all(|stretch| follows(stretch) && stretch.is_plain(until)).then_some(stretches)
    }

    /// Puts its rows into a list, in the place of what is there.
    pub(super) fn put_rows(self, rows: &mut Vec<RowRef>) {
        rows.clear();
        match self {
            Self::Rows(own) => rows.extend_from_slice(own),
            Self::Stretches(stretches) => {
                rows.extend(stretches.iter().flat_map(|stretch| stretch.into_rows()))
            }
        }
    }
}

impl Clusters {
    /// Brings the rows of a shard's customers together by counting: one pass to count, one to place. Says how many they
    /// are.
    pub(super) fn gather(&mut self, batches: &[EventBatch], customers: &mut Customers, shard: Shard) -> u64 {
        self.touched.clear();
        let locals: Vec<_> = batches.iter().map(|batch| self.number(batch, customers, shard)).collect();
        let slots = self.touched.len();
        let rows_of = |batch: usize| batches[batch].columns().customer.iter().enumerate();
        let slot_of =
            |batch: usize, local: u32| Some(locals[batch][local as usize]).filter(|slot| *slot != NONE);
        let every = 0..batches.len();
        let counted = every
            .clone()
            .flat_map(|batch| rows_of(batch).filter_map(move |(_, local)| slot_of(batch, *local)));
        let rows = every.flat_map(|batch| {
            let columns = batches[batch].columns();
            rows_of(batch).filter_map(move |(row, local)| {
                Some((slot_of(batch, *local)?, RowRef::new(columns, batch, row)))
            })
        });
        self.rows.fill(slots, counted, rows);
        for customer in &self.touched {
            self.slots[*customer as usize] = NONE;
        }
        self.rows.values.len() as u64
    }

    /// The slot of each local customer of a batch, or [`NONE`] for another shard's.
    fn number(&mut self, batch: &EventBatch, customers: &mut Customers, shard: Shard) -> Vec<u32> {
        let columns = batch.columns();
        let locals = 0..columns.customers.len();
        let spreads = spreads(batch, shard);
        let number = |local: usize| {
            let (tenant, customer) = columns.customer_texts(local);
            match spreads.map(|spreads| spreads[local]) {
                Some(spread) if !shard.holds_spread(spread) => None,
                Some(spread) => Some(customers.number_by_spread(spread, tenant, customer)),
                None => Some(customers.number_or_insert(tenant, customer)),
            }
        };
        locals.map(number).map(|customer| customer.map_or(NONE, |customer| self.slot(customer))).collect()
    }

    /// The slot of a customer, who gets one where he has none.
    fn slot(&mut self, customer: u32) -> u32 {
        if self.slots.len() <= customer as usize {
            self.slots.resize(customer as usize + 1, NONE);
        }
        let slot = &mut self.slots[customer as usize];
        if *slot == NONE {
            *slot = self.touched.len() as u32;
            self.touched.push(customer);
        }
        *slot
    }

    /// The customers, and the rows of each.
    pub(super) fn iter(&self) -> impl Iterator<Item = (u32, &[RowRef])> {
        self.touched.iter().enumerate().map(move |(slot, customer)| (*customer, self.rows.of(slot)))
    }
}

/// The spreads of the local customers of a batch. They are made for shards alone; where they are known, they spare looking for
/// who is new.
pub(super) fn spreads(batch: &EventBatch, shard: Shard) -> Option<&[u64]> {
    match shard == Shard::ALL {
        true => batch.columns().known_spreads(),
        false => Some(batch.columns().spreads()),
    }
}

/// Values by slot, in the order in which they came.
#[derive(Debug, Default)]
struct BySlot<T> {
    /// Where the values of each slot end.
    ends: Vec<u32>,
    values: Vec<T>,
}

impl<T: Copy + Default> BySlot<T> {
    /// Takes values with their slots; the slots of all, to be counted, come before.
    fn fill(
        &mut self,
        slots: usize,
        counted: impl Iterator<Item = u32>,
        values: impl Iterator<Item = (u32, T)>,
    ) {
        self.ends.clear();
        self.ends.resize(slots, 0);
        counted.for_each(|slot| self.ends[slot as usize] += 1);
        let mut total = 0;
        for end in &mut self.ends {
            total += std::mem::replace(end, total);
        }
        self.values.resize(total as usize, T::default());
        values.for_each(|(slot, value)| {
            let end = &mut self.ends[slot as usize];
            self.values[*end as usize] = value;
            *end += 1;
        });
    }

    fn of(&self, slot: usize) -> &[T] {
        let start = slot.checked_sub(1).and_then(|before| self.ends.get(before)).map_or(0, |end| *end);
        let end = self.ends.get(slot).map_or(0, |end| *end);
        &self.values[start as usize..end as usize]
    }
}
