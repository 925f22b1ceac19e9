//! Rows of batches, brought together by customer: each customer's state is then touched once.

use super::customers::Customers;
use crate::batch::{EventBatch, NONE, RowRef, Run, Stretch};
use crate::event::EventKind;
use crate::shard::Shard;
use crate::time::Timestamp;

/// Rows by customer; kept between calls for its memory.
#[derive(Default)]
pub(super) struct Clusters {
    /// The place in `touched` of each customer number, or [`NONE`].
    slots: Vec<u32>,
    touched: Vec<u32>,
    /// Where the rows of each of them end.
    ends: Vec<u32>,
    rows: Vec<RowRef>,
}

/// What there is of a customer.
#[derive(Clone, Copy)]
pub(super) enum Gathered<'a, 'g> {
    Rows(&'g [RowRef]),
    /// As in a log that is clustered already.
    Stretches(&'g [Stretch<'a>]),
}

impl<'a: 'g, 'g> Gathered<'a, 'g> {
    /// Says whether all of it is folded as it stands: each event comes behind the one before without a look at their ids,
    /// none is later than an instant, and none takes another back. `may_retract` says whether any of the batches has an event that does.
    pub(super) fn is_plain(self, until: Timestamp, may_retract: bool) -> bool {
        match self {
            Self::Rows(rows) => {
                let at = |row: &RowRef| row.hot.occurred_at;
                let grow = || rows.array_windows().all(|[a, b]| at(a) < at(b));
                let retracts = || rows.iter().any(|row| row.hot.kind == EventKind::EventRetracted);
                rows.last().is_none_or(|last| at(last) <= until) && grow() && !(may_retract && retracts())
            }
            Self::Stretches(stretches) => {
                let mut end = i64::MIN;
                let mut follows = |stretch: &Stretch<'_>| {
                    let (first, last) = stretch.ends();
                    first > std::mem::replace(&mut end, last)
                };
                stretches.iter().all(|stretch| follows(stretch) && stretch.is_plain(until))
            }
        }
    }

    /// How many runs its events are as they stand, and how many events on average each has.
    pub(super) fn runs_and_length(self) -> (usize, usize) {
        match self {
            Self::Rows(rows) => (1, rows.len()),
            Self::Stretches(stretches) => {
                let rows: usize = stretches.iter().map(|stretch| stretch.len()).sum();
                (stretches.len(), rows / stretches.len().max(1))
            }
        }
    }

    /// Its events as they stand.
    pub(super) fn runs(self, batches: &'g [EventBatch]) -> impl Iterator<Item = Run<'g>> {
        let (rows, stretches) = match self {
            Self::Rows(rows) => (Some(Run::of_rows(batches, rows)), &[][..]),
            Self::Stretches(stretches) => (None, stretches),
        };
        rows.into_iter().chain(stretches.iter().map(|stretch| Run::of_stretch(*stretch)))
    }

    /// Puts its rows into a list, in the place of what is there.
    pub(super) fn put_rows(self, rows: &mut Vec<RowRef>) {
        rows.clear();
        match self {
            Self::Rows(own) => rows.extend_from_slice(own),
            Self::Stretches(stretches) => {
                rows.extend(stretches.iter().flat_map(|stretch| stretch.into_rows()));
            }
        }
    }
}

/// Says whether any of the batches has an event that takes another back.
pub(super) fn may_retract(batches: &[EventBatch]) -> bool {
    batches.iter().any(|batch| batch.columns().rare_kinds().retracted)
}

impl Clusters {
    /// Brings the rows of a shard's customers together by counting: one pass to count, one to place. Says how many they
    /// are.
    pub(super) fn gather(&mut self, batches: &[EventBatch], customers: &mut Customers, shard: Shard) -> u64 {
        self.touched.clear();
        let locals: Vec<_> = batches.iter().map(|batch| self.number(batch, customers, shard)).collect();
        let columns = || batches.iter().map(|batch| batch.columns()).zip(&locals);
        let Self { slots, touched, ends, rows } = self;
        ends.clear();
        ends.resize(touched.len(), 0);
        for (columns, locals) in columns() {
            let own = columns.customer.iter().map(|local| locals[*local as usize]);
            own.filter(|slot| *slot != NONE).for_each(|slot| ends[slot as usize] += 1);
        }
        let mut total = 0;
        for end in &mut *ends {
            total += std::mem::replace(end, total);
        }
        rows.resize(total as usize, RowRef::default());
        for (batch, (columns, locals)) in columns().enumerate() {
            for (local, row) in columns.customer.iter().zip(RowRef::all(columns, batch)) {
                let slot = locals[*local as usize];
                if slot != NONE {
                    let end = &mut ends[slot as usize];
                    rows[*end as usize] = row;
                    *end += 1;
                }
            }
        }
        touched.iter().for_each(|customer| slots[*customer as usize] = NONE);
        u64::from(total)
    }

    /// The slot of each local customer of a batch, or [`NONE`] for another shard's.
    fn number(&mut self, batch: &EventBatch, customers: &mut Customers, shard: Shard) -> Vec<u32> {
        let columns = batch.columns();
        let spreads = spreads(batch, shard);
        // Most customers are of the tenant of the one before.
        let mut known = None;
        let number = |(local, (tenant, customer)): (usize, &(u32, u32))| {
            let spread = spreads.map(|spreads| spreads[local]);
            if spread.is_some_and(|spread| !shard.holds_spread(spread)) {
                return NONE;
            }
            let of = match known {
                Some((text, number)) if text == *tenant => number,
                _ => customers.tenant(columns.texts.get(*tenant)),
            };
            known = Some((*tenant, of));
            let customer = columns.texts.get(*customer);
            self.slot(match spread {
                Some(spread) => customers.number_by_spread(spread, of, customer),
                None => customers.number_or_insert(of, customer),
            })
        };
        columns.customers.iter().enumerate().map(number).collect()
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
        let starts = std::iter::once(0).chain(self.ends.iter().copied());
        let rows = starts.zip(&self.ends).map(|(start, end)| &self.rows[start as usize..*end as usize]);
        self.touched.iter().copied().zip(rows)
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
