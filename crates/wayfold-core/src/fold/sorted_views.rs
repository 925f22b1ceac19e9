use std::fmt;

use super::PerCustomer;
use super::key_order::NameOrder;
use crate::key::{CustomerId, CustomerKey, Tenant};

/// Views of a tenant's customers by the bytes of their names. They stay where they were made, and several threads' are
/// merged without a copy.
///
/// ```
/// use wayfold_core::{CustomerKey, EventBatch, EventId, Fold, JourneyEvent, Registered, Tenant, Timestamp};
/// # use serde::{Deserialize, Serialize};
/// # use wayfold_core::{CustomerAt, EventView, Projection, ProjectionSet, Rules};
/// # struct Count;
/// # #[derive(Clone, Default, Serialize, Deserialize)]
/// # struct Events(u64);
/// # impl Projection for Count {
/// #     type State = Events;
/// #     type View = u64;
/// #     fn name(&self) -> &str { "count" }
/// #     fn version(&self) -> u32 { 1 }
/// #     fn evolve(&self, events: &mut Events, _event: &EventView<'_>) { events.0 += 1; }
/// #     fn view(&self, events: &Events, _customer: &CustomerAt<'_>) -> u64 { events.0 }
/// #     fn holds_until(&self, _events: &Events, _customer: &CustomerAt<'_>) -> Option<Timestamp> { None }
/// # }
/// let at = Timestamp::parse("2024-01-01")?;
/// let registered = |number, name| {
///     Ok::<_, wayfold_core::Error>(JourneyEvent::new(EventId::from_u128(number), CustomerKey::new(name)?, at, Registered {}))
/// };
/// let mut projections = ProjectionSet::new(Rules::default())?;
/// let count = projections.register(Count)?;
/// let mut fold = Fold::new(&projections);
/// let _ = fold.apply(&[EventBatch::from_events([&registered(1, "bob")?, &registered(2, "ada")?])?]);
///
/// let views = fold.own_views(count, &Tenant::default(), at)?;
/// assert_eq!((views.len(), views.get("bob"), views.get("eve")), (2, Some(&1), None));
/// assert!(views.iter().map(|(customer, _)| customer.as_str()).eq(["ada", "bob"]));
/// assert_eq!(views.into_vec()[0], (CustomerKey::new("ada")?, 1));
/// # Ok::<(), wayfold_core::Error>(())
/// ```
#[derive(Clone)]
pub struct SortedViews<V> {
    tenant: Tenant,
    /// As they were found, each until it is taken.
    views: PerCustomer<Option<(CustomerId, V)>>,
    order: NameOrder,
}

impl<V> SortedViews<V> {
    /// Puts views in order that were found in any.
    pub(super) fn new(tenant: Tenant, views: PerCustomer<Option<(CustomerId, V)>>) -> Self {
        let order = NameOrder::new(0..views.len() as u32, |place| name(&views, place));
        Self { tenant, views, order }
    }

    /// All views of several, which are of this tenant and have no customer in common.
    pub fn merge(tenant: Tenant, all: impl IntoIterator<Item = Self>) -> Self {
        let (mut views, mut orders) = (PerCustomer::default(), Vec::new());
        for other in all {
            let moved = views.append(other.views);
            orders.push(other.order.moved_by(moved as u32));
        }
        let order = NameOrder::merge(orders, |place| name(&views, place));
        Self { tenant, views, order }
    }

    /// Whose customers they are of.
    pub fn tenant(&self) -> &Tenant {
        &self.tenant
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.order.len()
    }

    /// Says whether there is none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// That of a customer, by name.
    pub fn get(&self, customer: &str) -> Option<&V> {
        let found = self.order.find(|place| name(&self.views, place).cmp(customer))?;
        Some(self.at(found).1)
    }

    /// The names of the customers and their views, by the bytes of the names.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = (&CustomerId, &V)> {
        self.order.places().map(|place| self.at(place))
    }

    fn at(&self, place: u32) -> (&CustomerId, &V) {
        let (customer, view) =
            self.views[place as usize].as_ref().expect("each is there until all are taken");
        (customer, view)
    }

    /// The same as a list, with whole keys.
    pub fn into_vec(self) -> Vec<(CustomerKey, V)> {
        let Self { tenant, mut views, order } = self;
        let take = |place: u32| views[place as usize].take().expect("each place is there once");
        let keyed = |(customer, view)| (CustomerKey { tenant: tenant.clone(), customer }, view);
        order.places().map(take).map(keyed).collect()
    }
}

impl<V: fmt::Debug> fmt::Debug for SortedViews<V> {
    /// Where views stand rests on who else is in the log, and is no part of it.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_map().entries(self.iter()).finish()
    }
}

impl<V: PartialEq> PartialEq for SortedViews<V> {
    /// Views are equal that say the same of the same customers.
    fn eq(&self, other: &Self) -> bool {
        self.tenant == other.tenant && self.iter().eq(other.iter())
    }
}

fn name<V>(views: &PerCustomer<Option<(CustomerId, V)>>, place: u32) -> &str {
    views[place as usize].as_ref().map_or("", |(customer, _)| customer.as_str())
}
