use super::PerCustomer;
use super::key_order::places_by_key;
use crate::key::{CustomerId, CustomerKey, Tenant};

/// Views of a tenant's customers as they were found: several threads make theirs, and all are put in order at once.
#[derive(Debug)]
pub struct UnsortedViews<V> {
    tenant: Tenant,
    /// None of them is absent until they are put in order.
    views: PerCustomer<Option<(CustomerId, V)>>,
}

impl<V> UnsortedViews<V> {
    pub(super) fn new(tenant: Tenant) -> Self {
        Self { tenant, views: PerCustomer::default() }
    }

    pub(super) fn tenant(&self) -> &Tenant {
        &self.tenant
    }

    pub(super) fn push(&mut self, customer: CustomerId, view: V) {
        self.views.push(Some((customer, view)));
    }

    /// The views of all, by the bytes of their keys.
    pub fn sorted(mut all: Vec<Self>) -> Vec<(CustomerKey, V)> {
        let mut customers = 0;
        let mut ends = Vec::with_capacity(all.len());
        for found in &all {
            customers += found.views.len();
            ends.push(customers);
        }
        let stands = |place: usize| {
            let of = ends.partition_point(|end| *end <= place);
            (of, place - of.checked_sub(1).map_or(0, |before| ends[before]))
        };
        let places = places_by_key(customers, |place| {
            let (of, index) = stands(place);
            let name = all[of].views[index].as_ref().map_or("", |(customer, _)| customer.as_str());
            (all[of].tenant.as_str(), name)
        });
        let mut sorted = Vec::with_capacity(customers);
        sorted.extend(places.into_iter().filter_map(|place| {
            let (of, index) = stands(place as usize);
            let Self { tenant, views } = &mut all[of];
            let (customer, view) = views[index].take()?;
            Some((CustomerKey { tenant: tenant.clone(), customer }, view))
        }));
        sorted
    }
}
