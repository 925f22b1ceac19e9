//! Rows of batches, brought together by customer: each customer's state is then touched once.

use super::customers::Customers;
use crate::batch::{EventBatch, NONE, RowRef, Stretch};
use crate::shard::Shard;
use crate::time::Timestamp;

/// Stretches of so many rows on average are brought together whole; shorter ones row by row.
const ROWS_PER_STRETCH_MIN: usize = 4;

/// Rows by customer; kept between calls for its memory.
#[derive(Default)]
pub(super) struct Clusters {
    /// The place in `touched` of each customer number, or [`NONE`].
    slots: Vec<u32>,
    touched: Vec<u32>,
    rows: BySlot<RowRef>,
    /// As in a log that is clustered already.
    stretches: BySlot<StretchAt>,
}

/// Batch, first row and number of rows of a stretch.
pub(super) type StretchAt = (u32, u32, u32);

/// What [`Clusters`] has of a customer.
#[derive(Clone, Copy)]
pub(super) struct Gathered<'a, 'g> {
    batches: &'a [EventBatch],
    rows: &'g [RowRef],
    stretches: &'g [StretchAt],
}

impl<'a, 'g> Gathered<'a, 'g> {
    pub(super) fn of_stretches(batches: &'a [EventBatch], stretches: &'g [StretchAt]) -> Self {
        Self { batches, rows: &[], stretches }
    }

    /// Its stretches.
    pub(super) fn stretches(self) -> impl Iterator<Item = Stretch<'a>> + use<'a, 'g> {
        self.stretches.iter().map(move |at| Stretch::new(self.batches, *at))
    }

    /// Says whether all of it is folded as it stands, stretch after stretch; see [`Stretch::is_plain`].
    pub(super) fn is_plain(self, until: Timestamp) -> bool {
        let mut end = i64::MIN;
        let mut follows = |stretch: &Stretch<'_>| {
            let (first, last) = stretch.ends();
            first > std::mem::replace(&mut end, last)
        };
        self.rows.is_empty() && self.stretches().all(|stretch| follows(&stretch) && stretch.is_plain(until))
    }

    pub(super) fn rows(self) -> impl Iterator<Item = RowRef> + use<'a, 'g> {
        self.rows.iter().copied().chain(self.stretches().flat_map(Stretch::into_rows))
    }
}

impl Clusters {
    /// Brings the rows of a shard's customers together by counting: one pass to count, one to place. Says how many they
    /// are.
    pub(super) fn gather(&mut self, batches: &[EventBatch], customers: &mut Customers, shard: Shard) -> u64 {
        self.touched.clear();
        let locals = self
            .number_by_merging(batches, customers, shard)
            .unwrap_or_else(|| batches.iter().map(|batch| self.number(batch, customers, shard)).collect());
        let slots = self.touched.len();
        let numbers = |batch: usize| batches[batch].columns().customer.as_slice();
        let rows: usize = batches.iter().map(EventBatch::len).sum();
        let stretches: usize = batches.iter().map(|batch| batch.columns().run_count()).sum();
        let slot_of =
            |batch: usize, local: u32| Some(locals[batch][local as usize]).filter(|slot| *slot != NONE);
        self.rows.clear();
        self.stretches.clear();
        let every = 0..batches.len();
        if stretches * ROWS_PER_STRETCH_MIN <= rows {
            let mut found = Vec::with_capacity(stretches);
            for batch in every {
                let mut first = 0;
                batches[batch].columns().for_each_run(|local, rows| {
                    found.extend(slot_of(batch, local).map(|slot| (slot, (batch as u32, first, rows))));
                    first += rows;
                });
            }
            self.stretches.fill(slots, found.iter().map(|(slot, _)| *slot), found.iter().copied());
        } else {
            let counted = every
                .clone()
                .flat_map(|batch| numbers(batch).iter().filter_map(move |local| slot_of(batch, *local)));
            let rows = every.flat_map(|batch| {
                let columns = batches[batch].columns();
                numbers(batch).iter().enumerate().filter_map(move |(row, local)| {
                    Some((slot_of(batch, *local)?, RowRef::new(columns, batch, row)))
                })
            });
            self.rows.fill(slots, counted, rows);
        }
        for customer in &self.touched {
            self.slots[*customer as usize] = NONE;
        }
        let in_stretches: u64 = self.stretches.values.iter().map(|(.., rows)| u64::from(*rows)).sum();
        self.rows.values.len() as u64 + in_stretches
    }

    /// The same for all batches, if each has its customers by their spreads, and behind all that are known: whoever stands in
    /// several batches, as in blocks that are read side by side, is found by merging, and nobody is looked for.
    fn number_by_merging(
        &mut self,
        batches: &[EventBatch],
        customers: &mut Customers,
        shard: Shard,
    ) -> Option<Vec<Vec<u32>>> {
        let spreads: Vec<_> = batches.iter().map(|batch| spreads(batch, shard)).collect::<Option<_>>()?;
        let mut entries = Vec::new();
        for (batch, spreads) in spreads.iter().enumerate() {
            let own = spreads.iter().enumerate().filter(|(_, spread)| shard.holds_spread(**spread));
            let first = entries.len();
            entries.extend(own.map(|(local, spread)| (*spread, batch, local)));
            let own = &entries[first..];
            let follows = own.first().is_none_or(|(first, ..)| *first > customers.reach());
            if !follows || !own.is_sorted_by(|(a, ..), (b, ..)| a < b) {
                return None;
            }
        }
        // Each source stands in order already, which a stable sort finds.
        entries.sort_by_key(|(spread, ..)| *spread);
        let mut slots: Vec<Vec<u32>> = spreads.iter().map(|spreads| vec![NONE; spreads.len()]).collect();
        for (spread, batch, local) in entries {
            let (tenant, customer) = batches[batch].columns().customer_texts(local);
            let number = customers.number_behind(spread, tenant, customer);
            slots[batch][local] = self.slot(number);
        }
        Some(slots)
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

    /// The customers, and what was gathered of each.
    pub(super) fn iter<'a>(
        &self,
        batches: &'a [EventBatch],
    ) -> impl Iterator<Item = (u32, Gathered<'a, '_>)> {
        self.touched.iter().enumerate().map(move |(slot, customer)| {
            let (rows, stretches) = (self.rows.of(slot), self.stretches.of(slot));
            (*customer, Gathered { batches, rows, stretches })
        })
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
    fn clear(&mut self) {
        self.ends.clear();
        self.values.clear();
    }

    /// Takes values with their slots; the slots of all, to be counted, come before.
    fn fill(
        &mut self,
        slots: usize,
        counted: impl Iterator<Item = u32>,
        values: impl Iterator<Item = (u32, T)>,
    ) {
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
