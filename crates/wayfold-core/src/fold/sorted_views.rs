use super::PerCustomer;
use super::key_order::places_by_key;
use crate::key::{CustomerId, CustomerKey, Tenant};

/// Views of a tenant's customers by the bytes of their keys: several threads make theirs, which are merged then.
#[derive(Debug)]
pub struct SortedViews<V> {
    tenant: Tenant,
    /// As they were found, each until it is taken.
    views: PerCustomer<Option<(CustomerId, V)>>,
    /// Their places, by the bytes of the keys.
    order: Vec<u32>,
}

impl<V> SortedViews<V> {
    /// Puts views in order that were found in any.
    pub(super) fn new(tenant: Tenant, views: PerCustomer<Option<(CustomerId, V)>>) -> Self {
        let name = |place: usize| views[place].as_ref().map_or("", |(customer, _)| customer.as_str());
        let order = places_by_key(views.len(), |place| ("", name(place)));
        Self { tenant, views, order }
    }

    /// All views of several, which have no customer in common, by the bytes of their keys.
    pub fn merge(all: Vec<Self>) -> Vec<(CustomerKey, V)> {
        let are_several = all.len() > 1;
        let mut merged = Vec::with_capacity(all.iter().map(|views| views.order.len()).sum());
        for Self { tenant, mut views, order } in all {
            merged.extend(order.into_iter().filter_map(|place| {
                let (customer, view) = views[place as usize].take()?;
                Some((CustomerKey { tenant: tenant.clone(), customer }, view))
            }));
        }
        if are_several {
            // Each stands in order already, which a stable sort finds.
            merged.sort_by(|(a, _), (b, _)| a.cmp(b));
        }
        merged
    }
}
