//! Folds that go on from parts.

use super::customer::SavedCustomer;
use super::part::open;
use super::spread_of;
use crate::error::{Error, ErrorKind, Result, ensure};
use crate::fold::Fold;
use crate::key::CustomerKey;

impl Fold {
    /// Takes the customers of a part of a [`Snapshot`](super::Snapshot) and says how many; the fold then goes on
    /// as the one that was saved.
    ///
    /// # Behavior
    /// - All or nothing: a part that is refused changes nothing.
    /// - Customers of other shards are passed over, whatever number of shards was saved.
    /// - Checkpoints are not saved, so a late event refolds the whole history.
    ///
    /// # Errors
    /// - `StatesDiffer` if the states were saved by another version, under other rules or by other projections.
    /// - `InvalidTime` if they were saved as of another instant than the fold's.
    /// - `Malformed` if the bytes are no part that a fold could have saved, or a customer is known to the fold.
    pub fn restore_part(&mut self, part: &[u8]) -> Result<usize> {
        let fingerprint = self.projections.fingerprint();
        let mut saved: Vec<SavedCustomer> = Vec::new();
        for stored in open(part, self, &fingerprint).map_err(refused)? {
            if !self.shard.holds_spread(stored.spread) {
                continue;
            }
            let customer = self.read_customer(stored, fingerprint.projections()).map_err(refused)?;
            let follows =
                saved.last().is_none_or(|last| (last.spread, &last.key) < (customer.spread, &customer.key));
            self.check_new(&customer, follows).map_err(refused)?;
            saved.push(customer);
        }
        let count = saved.len();
        self.take(saved);
        Ok(count)
    }

    /// Takes one customer of a part, without reading what is told of the others; says whether the part holds it.
    ///
    /// # Errors
    /// As [`Fold::restore_part`], as far as this customer goes.
    pub fn restore_customer(&mut self, part: &[u8], key: &CustomerKey) -> Result<bool> {
        let fingerprint = self.projections.fingerprint();
        let customers = open(part, self, &fingerprint).map_err(refused)?;
        let spread = spread_of(key);
        if !self.shard.holds_spread(spread) {
            return Ok(false);
        }
        for stored in customers.into_iter().filter(|stored| stored.spread == spread) {
            let customer = self.read_customer(stored, fingerprint.projections()).map_err(refused)?;
            if customer.key == *key {
                self.check_new(&customer, true).map_err(refused)?;
                self.take(vec![customer]);
                return Ok(true);
            }
        }
        Ok(false)
    }

    fn check_new(&self, saved: &SavedCustomer, follows: bool) -> Result<()> {
        let SavedCustomer { spread, key, .. } = saved;
        // Behind the reach nobody is known, and nobody has to be looked for.
        let is_new = || *spread > self.customers.reach() || self.number_of(key).is_none();
        let check = ensure(follows, "it stands twice or out of order")
            .and_then(|()| ensure(is_new(), "the fold knows it already"));
        check.map_err(|error| error.at(format_args!("customer {key}")))
    }

    fn take(&mut self, saved: Vec<SavedCustomer>) {
        let first = self.customers.len();
        for customer in &saved {
            let key = &customer.key;
            let tenant = self.customers.tenant(key.tenant.as_str());
            self.customers.number_by_spread(customer.spread, tenant, key.customer.as_str());
        }
        self.grow();
        for (customer, saved) in (first..).zip(saved) {
            let number = customer as u32;
            if let Some(folded) = saved.folded {
                self.records[customer] = folded.record;
                self.last[customer] = folded.last.into();
                for (column, state) in self.columns.iter_mut().zip(folded.states) {
                    column.put(customer, state);
                }
            }
            if !saved.retracted.is_empty() {
                self.retracted.insert(number, saved.retracted.into_iter().collect());
            }
            self.due.extend(saved.due.into_iter().map(|at| (at, number)));
        }
    }
}

/// Says of what is damaged that it is a snapshot; what differs says so itself.
pub(super) fn refused(error: Error) -> Error {
    if error.kind() == ErrorKind::Malformed { error.at("snapshot") } else { error }
}
