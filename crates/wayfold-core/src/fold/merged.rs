//! Stretches of clustered batches brought together by customer: nobody needs a number, and nobody is looked for.

use super::cluster::{Gathered, spreads};
use crate::batch::{EventBatch, Stretch};
use crate::shard::Shard;

/// Stretches of so many rows on average are brought together whole, in whatever order they stand.
const ROWS_PER_STRETCH_MIN: usize = 4;

/// Batch, first row and number of rows of a stretch.
type StretchAt = (u32, u32, u32);

/// Stretches by the spreads of their customers, those of one customer in the order of the batches.
pub(super) struct Merged<'a> {
    batches: &'a [EventBatch],
    stretches: Vec<(u64, StretchAt)>,
}

impl<'a> Merged<'a> {
    /// Merges the batches, if each has the customers of the shard one after the other by their spreads, or else at least long
    /// stretches of them.
    pub(super) fn new(batches: &'a [EventBatch], shard: Shard) -> Option<Self> {
        let (mut stretches, mut grows, mut runs, mut total) = (Vec::new(), true, 0, 0);
        for (number, batch) in batches.iter().enumerate() {
            let spreads = match batch.columns().customers.len() * ROWS_PER_STRETCH_MIN <= batch.len() {
                true => batch.columns().spreads(),
                false => spreads(batch, shard)?,
            };
            let (mut first, mut last) = (0, None);
            batch.columns().for_each_run(|local, rows| {
                let spread = spreads[local as usize];
                grows &= last.replace(spread).is_none_or(|last| last < spread);
                if shard.holds_spread(spread) {
                    stretches.push((spread, (number as u32, first, rows)));
                }
                (first, runs) = (first + rows, runs + 1);
            });
            total += batch.len();
            if !grows && runs * ROWS_PER_STRETCH_MIN > total {
                return None;
            }
        }
        match grows {
            // Each batch stands in order already, which a stable sort finds.
            true => stretches.sort_by_key(|(spread, _)| *spread),
            false => radsort::sort_by_key(&mut stretches, |(spread, _)| *spread),
        }
        let merged = Self { batches, stretches };
        merged.is_one_customer_a_spread().then_some(merged)
    }

    /// Two customers may have the same spread, though seldom.
    fn is_one_customer_a_spread(&self) -> bool {
        let customer = |at| Stretch::new(self.batches, at).customer();
        let mut neighbours = self.stretches.array_windows();
        neighbours.all(|[(a, one), (b, other)]| a != b || customer(*one) == customer(*other))
    }

    /// How many rows there are.
    pub(super) fn rows(&self) -> u64 {
        self.stretches.iter().map(|(_, (.., rows))| u64::from(*rows)).sum()
    }

    /// The stretches of each customer.
    fn by_customer(&self) -> impl Iterator<Item = &[(u64, StretchAt)]> {
        self.stretches.chunk_by(|(a, _), (b, _)| a == b)
    }

    /// The spread, and tenant and customer, of each.
    pub(super) fn customers(&self) -> impl Iterator<Item = (u64, (&'a str, &'a str))> {
        self.by_customer().map(|of_one| {
            let (spread, at) = of_one[0];
            (spread, Stretch::new(self.batches, at).customer())
        })
    }

    /// Calls with tenant and customer of each, and what there is of it.
    pub(super) fn for_each(&self, mut take: impl FnMut((&'a str, &'a str), Gathered<'a, '_>)) {
        let mut stretches = Vec::new();
        for of_one in self.by_customer() {
            stretches.clear();
            stretches.extend(of_one.iter().map(|(_, at)| Stretch::new(self.batches, *at)));
            take(stretches[0].customer(), Gathered::Stretches(&stretches));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{CustomerKey, EventId, JourneyEvent, Registered, Timestamp};

    #[test]
    fn two_customers_of_one_spread_are_told_apart() {
        let of = |(number, name)| {
            let customer = CustomerKey::new(name).unwrap();
            JourneyEvent::new(EventId::from_u128(number), customer, Timestamp::MIN, Registered {})
        };
        let events = [(1, "ada"), (2, "bob"), (3, "ada")].map(of);
        let batches = [EventBatch::from_events(&events).unwrap()];
        let is_sound = |stretches: &[(u64, StretchAt)]| {
            Merged { batches: &batches, stretches: stretches.to_vec() }.is_one_customer_a_spread()
        };
        let (ada, bob, ada_again) = ((0, 0, 1), (0, 1, 1), (0, 2, 1));
        assert!(is_sound(&[(5, ada), (5, ada_again), (6, bob)]));
        assert!(!is_sound(&[(5, ada), (5, bob)]));
        assert!(!is_sound(&[(5, ada), (5, bob), (5, ada_again)]));
        assert!(Merged::new(&batches, Shard::new(0, 1)).is_none(), "ada comes twice");
    }
}
