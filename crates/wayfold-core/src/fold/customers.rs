use std::hash::BuildHasher;
use std::sync::OnceLock;

use hashbrown::{DefaultHashBuilder, HashTable};

use super::PerCustomer;
use crate::key::{CustomerId, CustomerKey, Tenant};

/// The customers of a fold by number; numbers never leave it. Names of up to 23 bytes cost no allocation.
///
/// In a log that is read customer after customer, each comes behind all that are known: nobody is looked for then, and
/// the index of names is made when somebody is.
#[derive(Default)]
pub(super) struct Customers {
    names: PerCustomer<CustomerId>,
    /// The number of each customer's tenant.
    tenant_of: PerCustomer<u32>,
    /// The greatest spread of any customer.
    reach: u64,
    /// Who came first.
    index: Index,
    /// Who came since, where somebody was looked for among them.
    newer: OnceLock<Index>,
    tenants: Vec<Tenant>,
    tenant_numbers: HashTable<u32>,
    hasher: DefaultHashBuilder,
}

/// Customers of consecutive numbers by the hashes of their names.
#[derive(Default)]
struct Index {
    first: usize,
    hashes: PerCustomer<u64>,
    numbers: HashTable<u32>,
}

impl Index {
    fn end(&self) -> usize {
        self.first + self.hashes.len()
    }

    fn push(&mut self, hash: u64) {
        let number = self.end() as u32;
        self.hashes.push(hash);
        let Self { first, hashes, numbers } = self;
        numbers.insert_unique(hash, number, |number| hashes[*number as usize - *first]);
    }
}

impl Customers {
    pub(super) fn len(&self) -> usize {
        self.names.len()
    }

    pub(super) fn key(&self, customer: u32) -> CustomerKey {
        let customer = customer as usize;
        CustomerKey {
            tenant: self.tenants[self.tenant_of[customer] as usize].clone(),
            customer: self.names[customer].clone(),
        }
    }

    pub(super) fn texts(&self, customer: usize) -> (&str, &str) {
        (self.tenant_text(customer), self.names[customer].as_str())
    }

    fn tenant_text(&self, customer: usize) -> &str {
        self.tenants[self.tenant_of[customer] as usize].as_str()
    }

    pub(super) fn number(&self, tenant: &str, customer: &str) -> Option<u32> {
        let newer = || {
            self.newer.get_or_init(|| {
                let mut newer = Index { first: self.index.end(), ..Index::default() };
                self.extend(&mut newer);
                newer
            })
        };
        let hash = self.hasher.hash_one((tenant, customer));
        let find = |index| self.find(index, hash, (tenant, customer));
        find(&self.index).or_else(|| find(newer()))
    }

    fn find(&self, index: &Index, hash: u64, texts: (&str, &str)) -> Option<u32> {
        index.numbers.find(hash, |number| self.is(*number as usize, texts)).copied()
    }

    /// Says whether a number is that of a tenant's customer.
    fn is(&self, number: usize, (tenant, customer): (&str, &str)) -> bool {
        // Names differ most.
        self.names[number].as_str() == customer && self.tenant_text(number) == tenant
    }

    /// Adds to an index whoever came since.
    fn extend(&self, index: &mut Index) {
        for customer in index.end()..self.len() {
            index.push(self.hasher.hash_one(self.texts(customer)));
        }
    }

    /// Brings everybody into the index.
    fn index_all(&mut self) {
        if self.index.end() == self.len() {
            return;
        }
        let mut index = std::mem::take(&mut self.index);
        self.extend(&mut index);
        self.index = index;
    }

    /// The number of a customer, who is taken in if he is new.
    pub(super) fn number_or_insert(&mut self, tenant: &str, customer: &str) -> u32 {
        if let Some(number) = self.known(tenant, customer) {
            return number;
        }
        // Whoever comes by his spread is looked for from now on.
        self.reach = u64::MAX;
        self.insert(tenant, customer)
    }

    /// The same, by the [`CustomerKey::spread`] of the two texts: in a log that is read customer after customer each comes
    /// behind all that are known, and is not looked for.
    pub(super) fn number_by_spread(&mut self, spread: u64, tenant: &str, customer: &str) -> u32 {
        if spread <= self.reach {
            if let Some(number) = self.known(tenant, customer) {
                return number;
            }
        } else if self.newer.get().is_some() {
            // Else who is looked for in between would have all who came since hashed each time.
            self.index_all();
        }
        self.reach = self.reach.max(spread);
        self.insert(tenant, customer)
    }

    /// Behind which spread nobody is known.
    pub(super) fn reach(&self) -> u64 {
        self.reach
    }

    /// The number of a customer who is known; everybody is in the index then.
    fn known(&mut self, tenant: &str, customer: &str) -> Option<u32> {
        self.index_all();
        let hash = self.hasher.hash_one((tenant, customer));
        self.find(&self.index, hash, (tenant, customer))
    }

    /// Takes in a customer who is not known.
    fn insert(&mut self, tenant: &str, customer: &str) -> u32 {
        self.newer = OnceLock::new();
        let tenant = self.tenant(tenant);
        self.names.push(CustomerId::trusted(customer));
        self.tenant_of.push(tenant);
        self.len() as u32 - 1
    }

    /// The number of a tenant, which is most often that of the customer before.
    fn tenant(&mut self, tenant: &str) -> u32 {
        let is_it = |tenants: &[Tenant], number: u32| tenants[number as usize].as_str() == tenant;
        if let Some(last) = self.len().checked_sub(1).map(|last| self.tenant_of[last])
            && is_it(&self.tenants, last)
        {
            return last;
        }
        let hash = self.hasher.hash_one(tenant);
        if let Some(number) = self.tenant_numbers.find(hash, |number| is_it(&self.tenants, *number)) {
            return *number;
        }
        let number = self.tenants.len() as u32;
        self.tenants.push(Tenant::new(tenant).expect("a batch holds checked tenants"));
        let hash_of = |number: &u32| self.hasher.hash_one(self.tenants[*number as usize].as_str());
        self.tenant_numbers.insert_unique(hash, number, hash_of);
        number
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        /// Taken in by any spreads, in any order, and looked for in between, each name has one number.
        #[test]
        fn every_name_has_one_number(
            steps in proptest::collection::vec((0_u8..3, 0_u8..40, 0_u64..6, any::<bool>()), 1..120),
        ) {
            let mut customers = Customers::default();
            let mut known: Vec<(String, String)> = Vec::new();
            let mut spreads = std::collections::HashMap::new();
            for (tenant, customer, spread, is_asked) in steps {
                let texts = (format!("t{tenant}"), format!("c{customer}"));
                let found = known.iter().position(|other| *other == texts);
                if is_asked {
                    let number = customers.number(&texts.0, &texts.1).map(|number| number as usize);
                    prop_assert_eq!(number, found);
                    continue;
                }
                // A name has one spread; small ones meet often.
                let spread = *spreads.entry(texts.clone()).or_insert(spread);
                let number = match spread {
                    0 => customers.number_or_insert(&texts.0, &texts.1),
                    _ => customers.number_by_spread(spread, &texts.0, &texts.1),
                } as usize;
                prop_assert_eq!(number, found.unwrap_or(known.len()));
                if found.is_none() {
                    known.push(texts);
                }
            }
            for (number, (tenant, customer)) in known.iter().enumerate() {
                prop_assert_eq!(customers.texts(number), (tenant.as_str(), customer.as_str()));
            }
        }
    }
}
