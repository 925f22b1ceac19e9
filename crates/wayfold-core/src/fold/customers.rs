use std::hash::BuildHasher;

use hashbrown::{DefaultHashBuilder, HashTable};

use crate::key::{CustomerId, CustomerKey, Tenant};

/// The customers of a fold by number; numbers never leave it.
#[derive(Default)]
pub(super) struct Customers {
    keys: Vec<CustomerKey>,
    hashes: Vec<u64>,
    numbers: HashTable<u32>,
    hasher: DefaultHashBuilder,
}

impl Customers {
    pub(super) fn len(&self) -> usize {
        self.keys.len()
    }

    pub(super) fn key(&self, customer: u32) -> CustomerKey {
        self.keys[customer as usize].clone()
    }

    pub(super) fn texts(&self, customer: usize) -> (&str, &str) {
        let key = &self.keys[customer];
        (key.tenant.as_str(), key.customer.as_str())
    }

    pub(super) fn number(&self, tenant: &str, customer: &str) -> Option<u32> {
        let hash = self.hasher.hash_one((tenant, customer));
        self.numbers.find(hash, |number| self.texts(*number as usize) == (tenant, customer)).copied()
    }

    pub(super) fn number_or_insert(&mut self, tenant: &str, customer: &str) -> u32 {
        let hash = self.hasher.hash_one((tenant, customer));
        let is_it = |number: &u32| self.texts(*number as usize) == (tenant, customer);
        if let Some(number) = self.numbers.find(hash, is_it) {
            return *number;
        }
        let number = self.keys.len() as u32;
        let tenant_key = match self.keys.last() {
            Some(last) if last.tenant.as_str() == tenant => last.tenant.clone(),
            _ => Tenant::new(tenant).expect("a batch holds checked tenants"),
        };
        self.hashes.push(hash);
        self.keys.push(CustomerKey { tenant: tenant_key, customer: CustomerId::trusted(customer) });
        self.numbers.insert_unique(hash, number, |number| self.hashes[*number as usize]);
        number
    }
}
