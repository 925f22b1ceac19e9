use std::hash::BuildHasher;

use hashbrown::{DefaultHashBuilder, HashTable};

use crate::key::{CustomerId, CustomerKey, Tenant};

/// How much room to make for more in a list that has so much, and is kept as long as the fold: by an eighth of it, where
/// doubling would leave up to half of the room unused. Long lists grow without being copied.
fn growth(len: usize, capacity: usize, more: usize) -> usize {
    if len + more <= capacity { 0 } else { more.max(len / 8).max(64) }
}

fn push<T>(values: &mut Vec<T>, value: T) {
    values.reserve_exact(growth(values.len(), values.capacity(), 1));
    values.push(value);
}

/// Makes a list of one value a customer longer.
pub(crate) fn grow<T>(values: &mut Vec<T>, customers: usize, make: impl FnMut() -> T) {
    values.reserve_exact(growth(values.len(), values.capacity(), customers - values.len()));
    values.resize_with(customers, make);
}

/// The customers of a fold by number; numbers never leave it. All names stand in one text, so that a customer more costs
/// no allocation and few bytes.
#[derive(Default)]
pub(super) struct Customers {
    names: String,
    /// Where each name ends.
    ends: Vec<usize>,
    /// The number of each customer's tenant.
    tenant_of: Vec<u32>,
    hashes: Vec<u64>,
    numbers: HashTable<u32>,
    tenants: Vec<Tenant>,
    tenant_numbers: HashTable<u32>,
    hasher: DefaultHashBuilder,
}

impl Customers {
    pub(super) fn len(&self) -> usize {
        self.ends.len()
    }

    pub(super) fn key(&self, customer: u32) -> CustomerKey {
        let customer = customer as usize;
        CustomerKey {
            tenant: self.tenants[self.tenant_of[customer] as usize].clone(),
            customer: CustomerId::trusted(self.texts(customer).1),
        }
    }

    pub(super) fn texts(&self, customer: usize) -> (&str, &str) {
        let start = customer.checked_sub(1).map_or(0, |before| self.ends[before]);
        let tenant = &self.tenants[self.tenant_of[customer] as usize];
        (tenant.as_str(), &self.names[start..self.ends[customer]])
    }

    pub(super) fn number(&self, tenant: &str, customer: &str) -> Option<u32> {
        self.find(self.hasher.hash_one((tenant, customer)), tenant, customer)
    }

    fn find(&self, hash: u64, tenant: &str, customer: &str) -> Option<u32> {
        let is_it = |number: &u32| self.texts(*number as usize) == (tenant, customer);
        self.numbers.find(hash, is_it).copied()
    }

    pub(super) fn number_or_insert(&mut self, tenant: &str, customer: &str) -> u32 {
        let hash = self.hasher.hash_one((tenant, customer));
        if let Some(number) = self.find(hash, tenant, customer) {
            return number;
        }
        let number = self.ends.len() as u32;
        let tenant = self.tenant(tenant);
        self.names.reserve_exact(growth(self.names.len(), self.names.capacity(), customer.len()));
        self.names.push_str(customer);
        push(&mut self.ends, self.names.len());
        push(&mut self.tenant_of, tenant);
        push(&mut self.hashes, hash);
        self.numbers.insert_unique(hash, number, |number| self.hashes[*number as usize]);
        number
    }

    /// The number of a tenant, which is most often that of the customer before.
    fn tenant(&mut self, tenant: &str) -> u32 {
        let is_it = |tenants: &[Tenant], number: u32| tenants[number as usize].as_str() == tenant;
        if let Some(last) = self.tenant_of.last()
            && is_it(&self.tenants, *last)
        {
            return *last;
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
