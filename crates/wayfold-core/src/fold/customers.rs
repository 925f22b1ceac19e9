use std::hash::{BuildHasher, Hasher};
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
        let tenant = self.tenant_number(tenant)?;
        let hash = self.hash(tenant, customer);
        let find = |index| self.find(index, hash, tenant, customer);
        find(&self.index).or_else(|| find(newer()))
    }

    fn hash(&self, tenant: u32, customer: &str) -> u64 {
        let mut hasher = self.hasher.build_hasher();
        hasher.write(customer.as_bytes());
        hasher.write_u32(tenant);
        hasher.finish()
    }

    fn find(&self, index: &Index, hash: u64, tenant: u32, customer: &str) -> Option<u32> {
        let is_it = |number: &u32| {
            let number = *number as usize;
            // Names differ most.
            self.names[number].as_str() == customer && self.tenant_of[number] == tenant
        };
        index.numbers.find(hash, is_it).copied()
    }

    /// Adds to an index whoever came since.
    fn extend(&self, index: &mut Index) {
        for customer in index.end()..self.len() {
            index.push(self.hash(self.tenant_of[customer], self.names[customer].as_str()));
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
    pub(super) fn number_or_insert(&mut self, tenant: u32, customer: &str) -> u32 {
        if let Some(number) = self.known(tenant, customer) {
            return number;
        }
        // Whoever comes by his spread is looked for from now on.
        self.reach = u64::MAX;
        self.insert(tenant, customer)
    }

    /// The same, by the [`CustomerKey::spread`] of the key: in a log that is read customer after customer each comes
    /// behind all that are known, and is not looked for.
    pub(super) fn number_by_spread(&mut self, spread: u64, tenant: u32, customer: &str) -> u32 {
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
    fn known(&mut self, tenant: u32, customer: &str) -> Option<u32> {
        self.index_all();
        self.find(&self.index, self.hash(tenant, customer), tenant, customer)
    }

    /// Takes in a customer who is not known.
    fn insert(&mut self, tenant: u32, customer: &str) -> u32 {
        self.newer = OnceLock::new();
        self.names.push(CustomerId::trusted(customer));
        self.tenant_of.push(tenant);
        self.len() as u32 - 1
    }

    /// The number of a tenant, which is most often that of the customer before.
    fn tenant_number(&self, tenant: &str) -> Option<u32> {
        let is_it = |number: &u32| self.tenants[*number as usize].as_str() == tenant;
        let last = self.len().checked_sub(1).map(|last| self.tenant_of[last]).filter(is_it);
        last.or_else(|| self.tenant_numbers.find(self.hasher.hash_one(tenant), is_it).copied())
    }

    /// The number of a tenant, who is taken in if he is new.
    pub(super) fn tenant(&mut self, tenant: &str) -> u32 {
        if let Some(number) = self.tenant_number(tenant) {
            return number;
        }
        let number = self.tenants.len() as u32;
        self.tenants.push(Tenant::new(tenant).expect("a batch holds checked tenants"));
        let hash_of = |number: &u32| self.hasher.hash_one(self.tenants[*number as usize].as_str());
        self.tenant_numbers.insert_unique(hash_of(&number), number, hash_of);
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
                let tenant = customers.tenant(&texts.0);
                let number = match spread {
                    0 => customers.number_or_insert(tenant, &texts.1),
                    _ => customers.number_by_spread(spread, tenant, &texts.1),
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
