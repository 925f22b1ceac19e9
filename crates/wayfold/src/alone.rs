//! One projection folded over a whole log, and nothing else.

use std::sync::Arc;

use wayfold_core::{HistoryFold, Projection, SortedViews, Tenant, Timestamp};
use wayfold_store::{EventStore, Lane, ScanPart};

use crate::error::Result;
use crate::known::Known;
use crate::shards::{readable, side_by_side};
use crate::whole::open_whole;

/// Folds a whole log by one projection alone, on so many threads, and gives the views of the default tenant's customers
/// as of an instant, by the bytes of their keys.
///
/// It is the fastest way to a projection's views: no engine is opened, a state is dropped as soon as its view is made,
/// neither the built-in projections nor the orders of a customer are folded (see [`HistoryFold`]), and columns that the
/// projection does not look at are not decoded.
///
/// ```
/// use serde::{Deserialize, Serialize};
/// use wayfold::{CustomerAt, CustomerKey, EventBatch, EventId, EventKind, EventStore, EventView, JourneyEvent};
/// use wayfold::{MemoryStore, ProductViewed, Projection, Timestamp, fold_alone};
///
/// /// Counts what was looked at.
/// struct Looks;
///
/// #[derive(Clone, Default, Serialize, Deserialize)]
/// struct Count(u64);
///
/// impl Projection for Looks {
///     type State = Count;
///     type View = u64;
///
///     fn name(&self) -> &str {
///         "looks"
///     }
///
///     fn version(&self) -> u32 {
///         1
///     }
///
///     fn evolve(&self, count: &mut Count, event: &EventView<'_>) {
///         count.0 += u64::from(event.kind() == EventKind::ProductViewed);
///     }
///
///     fn view(&self, count: &Count, _customer: &CustomerAt<'_>) -> u64 {
///         count.0
///     }
///
///     fn holds_until(&self, _count: &Count, _customer: &CustomerAt<'_>) -> Option<Timestamp> {
///         None
///     }
/// }
///
/// # pollster::block_on(async {
/// let store = MemoryStore::new();
/// let (ada, at) = (CustomerKey::new("ada")?, Timestamp::parse("2024-01-01")?);
/// let look = JourneyEvent::new(EventId::from_u128(1), ada.clone(), at, ProductViewed {});
/// store.append(EventBatch::from_events([&look])?, None).await?;
/// assert_eq!(fold_alone(&store, Looks, at, 2).await?.get("ada"), Some(&1));
/// # Ok::<(), wayfold::Error>(())
/// # }).unwrap();
/// ```
///
/// # Errors
/// `Unavailable` or `Corrupt` if the log cannot be read; `ProjectionPanicked` if the projection panics.
pub async fn fold_alone<P: Projection>(
    store: &dyn EventStore,
    projection: P,
    as_of: Timestamp,
    threads: usize,
) -> Result<SortedViews<P::View>> {
    fold_alone_of(store, projection, &Tenant::default(), as_of, threads).await
}

/// As [`fold_alone`], for the customers of a tenant.
///
/// # Errors
/// As there.
pub async fn fold_alone_of<P: Projection>(
    store: &dyn EventStore,
    projection: P,
    tenant: &Tenant,
    as_of: Timestamp,
    threads: usize,
) -> Result<SortedViews<P::View>> {
    let (lanes, _) = open_whole(store, Known(None), threads.max(1)).await?;
    let projection = Arc::new(projection);
    let of_lane = |lane: Lane<'_>| {
        let mut fold = HistoryFold::new(projection.clone(), tenant.clone(), as_of);
        for part in lane {
            let ScanPart { customers, batches } = part?;
            let folded = fold.fold(&batches, customers);
            // Rather the cause is told than what a projection made of it.
            batches.iter().try_for_each(readable)?;
            folded?;
        }
        Ok(fold.into_views())
    };
    let views: Vec<_> = side_by_side(lanes.into_iter(), of_lane).into_iter().collect::<Result<_>>()?;
    Ok(SortedViews::merge(tenant.clone(), views))
}
