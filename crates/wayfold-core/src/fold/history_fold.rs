use std::sync::Arc;

use super::PerCustomer;
use super::histories::for_each_customer;
use super::sorted_views::SortedViews;
use crate::batch::{EventBatch, Run};
use crate::error::Result;
use crate::key::{CustomerId, Tenant};
use crate::projection::{Column, CustomerAt, CustomerRecord, Projection, StateColumn};
use crate::shard::Shard;
use crate::time::Timestamp;

/// Folds whole histories by one projection alone, customer after customer: a state is dropped as soon as its view is made.
///
/// It is the fastest way to the views of a log that is read customer after customer, and takes memory for the views alone.
/// The built-in projections are left out, and with them the orders that every customer's record holds in a
/// [`Fold`](crate::Fold): [`CustomerRecord::orders`] and [`CustomerAt::purchases`] are empty.
///
/// ```
/// use std::sync::Arc;
///
/// use serde::{Deserialize, Serialize};
/// use wayfold_core::{
///     CustomerAt, CustomerKey, EventBatch, EventId, EventView, HistoryFold, JourneyEvent, Projection, Registered, Shard,
///     SortedViews, Tenant, Timestamp,
/// };
///
/// /// Counts events.
/// struct Count;
///
/// #[derive(Clone, Default, Serialize, Deserialize)]
/// struct Events(u64);
///
/// impl Projection for Count {
///     type State = Events;
///     type View = u64;
///
///     fn name(&self) -> &str {
///         "count"
///     }
///
///     fn version(&self) -> u32 {
///         1
///     }
///
///     fn evolve(&self, events: &mut Events, _event: &EventView<'_>) {
///         events.0 += 1;
///     }
///
///     fn view(&self, events: &Events, _customer: &CustomerAt<'_>) -> u64 {
///         events.0
///     }
///
///     fn holds_until(&self, _events: &Events, _customer: &CustomerAt<'_>) -> Option<Timestamp> {
///         None
///     }
/// }
///
/// let (ada, at) = (CustomerKey::new("ada")?, Timestamp::parse("2024-01-01")?);
/// let batch = EventBatch::from_events([&JourneyEvent::new(EventId::from_u128(7), ada.clone(), at, Registered {})])?;
/// let mut fold = HistoryFold::new(Arc::new(Count), Tenant::default(), at);
/// fold.fold(&[batch], Shard::ALL)?;
/// assert_eq!(fold.into_views().get("ada"), Some(&1));
/// # Ok::<(), wayfold_core::Error>(())
/// ```
pub struct HistoryFold<P: Projection> {
    as_of: Timestamp,
    /// The state of one customer.
    column: Column<P>,
    tenant: Tenant,
    /// Each there.
    views: PerCustomer<Option<(CustomerId, P::View)>>,
}

impl<P: Projection> std::fmt::Debug for HistoryFold<P> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("HistoryFold")
            .field("projection", &self.column.name())
            .field("tenant", &self.tenant)
            .field("as_of", &self.as_of)
            .finish_non_exhaustive()
    }
}

impl<P: Projection> HistoryFold<P> {
    /// Starts with nobody, for the customers of a tenant as of an instant.
    pub fn new(projection: Arc<P>, tenant: Tenant, as_of: Timestamp) -> Self {
        let mut column = Column::new(projection);
        column.grow(1);
        Self { as_of, column, tenant, views: PerCustomer::default() }
    }

    /// Folds the histories of customers up to the instant; those without an event until then are left out.
    ///
    /// The batches hold all events of these customers, in any order, and nobody is handed over twice; events of others among
    /// them are passed over.
    ///
    /// # Errors
    /// `ProjectionPanicked` if the projection panics or has panicked.
    pub fn fold(&mut self, batches: &[EventBatch], customers: Shard) -> Result<()> {
        let Self { as_of, column, tenant: of_tenant, views } = self;
        let mut done = Ok(());
        for_each_customer(batches, customers, *as_of, |(tenant, customer), whole| {
            if tenant != of_tenant.as_str() || done.is_err() {
                return;
            }
            let mut record = CustomerRecord::default();
            column.reset(0);
            let mut evolve = |run: &Run<'_>| {
                record.count(run);
                column.evolve(0, run);
            };
            whole.runs(batches).for_each(|run| evolve(&run));
            if record.events() > 0 {
                let view = column.view(0, &CustomerAt::new(&record, None, *as_of));
                done = view.map(|view| views.push(Some((CustomerId::trusted(customer), view))));
            }
        });
        done
    }

    /// The views of all that were folded, put in order.
    pub fn into_views(self) -> SortedViews<P::View> {
        SortedViews::new(self.tenant, self.views)
    }
}
