//! Measures of all customers: in one pass over the log, and kept up with it.

use std::collections::BTreeSet;

use wayfold_core::{CustomerKey, History, Position, Shard, Tenant, Timestamp, for_each_history};
use wayfold_insight::Measure;
use wayfold_store::{EventStore, Lane, ReadPage, ReadQuery};

use crate::ask::AsOf;
use crate::engine::Wayfold;
use crate::error::Result;
use crate::known::{AsKnownAt, Known, KnownAt};
use crate::shards::{history, readable, side_by_side};
use crate::whole::open_whole;

/// How many events a measure that is kept up reads at a time.
const EVENTS_PER_READ: usize = 16_384;

/// What of the log a measure looks at.
#[derive(Clone, Copy)]
struct Scope<'a> {
    tenant: &'a Tenant,
    as_of: Timestamp,
    known: Known,
}

impl Wayfold {
    /// Measures the histories of the default tenant's customers up to an instant, in one pass over the log on all
    /// threads of the engine; ask several questions at once by a pair of measures.
    ///
    /// ```
    /// use wayfold::insight::{Cases, ProcessMap, Variants};
    /// use wayfold::{AsOf, CustomerKey, EventId, JourneyEvent, MemoryStore, ProductViewed, Registered, Timestamp, Wayfold};
    ///
    /// # pollster::block_on(async {
    /// let wayfold = Wayfold::open(MemoryStore::new()).await?;
    /// let (ada, at) = (CustomerKey::new("ada")?, |day: &str| Timestamp::parse(day));
    /// let registered = JourneyEvent::new(EventId::from_u128(1), ada.clone(), at("2024-03-01")?, Registered {});
    /// let viewed = JourneyEvent::new(EventId::from_u128(2), ada, at("2024-03-02")?, ProductViewed {});
    /// wayfold.append([&registered, &viewed]).await?;
    ///
    /// let questions = (ProcessMap::new(Cases::new()), Variants::new(Cases::new()));
    /// let (edges, ways) = wayfold.measure(&questions, at("2024-04-01")?).await?;
    /// let (map, variants) = &questions;
    /// assert_eq!(map.report(&edges).edges[0].count, 1);
    /// assert_eq!(variants.report(&ways).variants[0].steps, ["registered", "product_viewed"]);
    /// # Ok::<(), wayfold::Error>(())
    /// # }).unwrap();
    /// ```
    ///
    /// # Errors
    /// `Unavailable` or `Corrupt` if the log cannot be read.
    pub async fn measure<M: Measure>(&self, measure: &M, as_of: impl Into<AsOf>) -> Result<M::Total> {
        self.measure_of(&Tenant::default(), measure, as_of).await
    }

    /// Calls with the history of each of the tenant's customers up to an instant, in no particular order, as for an
    /// export of one's own.
    ///
    /// # Errors
    /// As [`Wayfold::measure`]; then it may have been called with some of them.
    pub async fn for_each_history(
        &self,
        tenant: &Tenant,
        as_of: impl Into<AsOf>,
        mut take: impl FnMut(&History<'_>),
    ) -> Result<()> {
        let known = Known(None);
        let scope = Scope { tenant, as_of: as_of.into().or(self.now()), known };
        let (lanes, _) = open_whole(self.store(), known, 1).await?;
        lanes.into_iter().try_for_each(|lane| read_lane(lane, scope, &mut take))
    }

    /// As [`Wayfold::measure`], of a tenant's customers.
    ///
    /// # Errors
    /// As there.
    pub async fn measure_of<M: Measure>(
        &self,
        tenant: &Tenant,
        measure: &M,
        as_of: impl Into<AsOf>,
    ) -> Result<M::Total> {
        self.everything().measure_of(tenant, measure, as_of).await
    }
}

impl AsKnownAt<'_> {
    /// As [`Wayfold::measure_of`].
    ///
    /// # Errors
    /// As there.
    pub async fn measure_of<M: Measure>(
        &self,
        tenant: &Tenant,
        measure: &M,
        as_of: impl Into<AsOf>,
    ) -> Result<M::Total> {
        let scope = Scope { tenant, as_of: as_of.into().or(self.wayfold.now()), known: self.known };
        Ok(pass(self.wayfold.store(), measure, scope, self.wayfold.parts().threads).await?.0)
    }
}

/// Measures the histories of a log by a store alone, on so many threads, of the default tenant's customers up to an instant.
///
/// It is the fastest way to a measure's total: no engine is opened and nothing is folded; columns that the measure does not
/// look at are not decoded. The total is that of [`Wayfold::measure`].
///
/// ```
/// use wayfold::insight::{Cases, ProcessMap};
/// use wayfold::{CustomerKey, EventBatch, EventId, EventStore, JourneyEvent, MemoryStore, Registered, Timestamp, measure_alone};
///
/// # pollster::block_on(async {
/// let store = MemoryStore::new();
/// let (ada, at) = (CustomerKey::new("ada")?, Timestamp::parse("2024-01-01")?);
/// let registered = JourneyEvent::new(EventId::from_u128(1), ada, at, Registered {});
/// store.append(EventBatch::from_events([&registered])?, None).await?;
/// let map = ProcessMap::new(Cases::new());
/// let total = measure_alone(&store, &map, at, 2).await?;
/// assert_eq!(map.report(&total).cases, 1);
/// # Ok::<(), wayfold::Error>(())
/// # }).unwrap();
/// ```
///
/// # Errors
/// As [`Wayfold::measure`].
pub async fn measure_alone<M: Measure>(
    store: &dyn EventStore,
    measure: &M,
    as_of: Timestamp,
    threads: usize,
) -> Result<M::Total> {
    measure_alone_of(store, &Tenant::default(), measure, as_of, threads).await
}

/// As [`measure_alone`], for the customers of a tenant.
///
/// # Errors
/// As there.
pub async fn measure_alone_of<M: Measure>(
    store: &dyn EventStore,
    tenant: &Tenant,
    measure: &M,
    as_of: Timestamp,
    threads: usize,
) -> Result<M::Total> {
    let scope = Scope { tenant, as_of, known: Known(None) };
    Ok(pass(store, measure, scope, threads.max(1)).await?.0)
}

/// A measure of a tenant's customers that is kept up with the log, whatever instants its events name.
///
/// [`Wayfold::keep_up`] reads what is new, and the histories of the customers whose it is; the total is always the one that a
/// pass over the whole log up to the same position gives.
#[derive(Debug)]
pub struct Measured<M: Measure> {
    measure: M,
    tenant: Tenant,
    total: M::Total,
    position: Position,
}

impl<M: Measure> Measured<M> {
    /// Starts with nothing, before the first event.
    pub fn new(measure: M, tenant: Tenant) -> Self {
        Self { measure, tenant, total: M::Total::default(), position: Position::START }
    }

    /// What is measured: it makes the figures of the total.
    pub fn measure(&self) -> &M {
        &self.measure
    }

    /// What the histories add up to.
    pub fn total(&self) -> &M::Total {
        &self.total
    }

    /// Up to where the log is measured.
    pub fn position(&self) -> Position {
        self.position
    }
}

impl Wayfold {
    /// Measures what stands in the log behind the position of a measure.
    ///
    /// # Errors
    /// `Unavailable` or `Corrupt` if it cannot be read: total and position are as they were.
    pub async fn keep_up<M: Measure>(&self, measured: &mut Measured<M>) -> Result<()> {
        let store = self.store();
        let Measured { measure, tenant, total, position: before } = measured;
        if *before == Position::START {
            let scope = Scope { tenant, as_of: Timestamp::MAX, known: Known(None) };
            (*total, *before) = pass(store, measure, scope, self.parts().threads).await?;
            return Ok(());
        }
        let (customers, position) = changed(store, *before).await?;
        let mut change = M::Total::default();
        for key in customers.iter().filter(|key| key.tenant == *tenant) {
            for (times, position) in [(-1, *before), (1, position)] {
                let known = Known(Some(KnownAt::Position(position)));
                let batches = history(store, key, known).await?;
                for_each_history(&batches, Shard::of(key), Timestamp::MAX, |history| {
                    if history.customer() == (key.tenant.as_str(), key.customer.as_str()) {
                        measure.add(history, times, &mut change);
                    }
                });
                batches.iter().try_for_each(readable)?;
            }
        }
        measure.merge(total, change);
        *before = position;
        Ok(())
    }
}

/// Whose events stand behind a position, and up to where was looked.
async fn changed(store: &dyn EventStore, after: Position) -> Result<(BTreeSet<CustomerKey>, Position)> {
    let (mut customers, mut position) = (BTreeSet::new(), after);
    loop {
        let ReadPage { batch, next } = store.read(ReadQuery::all(), position, EVENTS_PER_READ).await?;
        customers.extend(batch.customers());
        let last = batch.iter().filter_map(|event| event.position()).max();
        position = next.or(last).unwrap_or(position);
        readable(&batch)?;
        if next.is_none() {
            return Ok((customers, position));
        }
    }
}

/// Measures the whole log; says up to where it was read.
async fn pass<M: Measure>(
    store: &dyn EventStore,
    measure: &M,
    scope: Scope<'_>,
    threads: usize,
) -> Result<(M::Total, Position)> {
    let (lanes, position) = open_whole(store, scope.known, threads).await?;
    let of_lane = |lane| -> Result<M::Total> {
        let mut total = M::Total::default();
        read_lane(lane, scope, &mut |history| measure.add(history, 1, &mut total))?;
        Ok(total)
    };
    let mut totals = side_by_side(lanes.into_iter(), of_lane).into_iter();
    let mut all = totals.next().unwrap_or_else(|| Ok(M::Total::default()))?;
    for total in totals {
        measure.merge(&mut all, total?);
    }
    Ok((all, position))
}

/// Calls with the histories of the tenant's customers in a lane.
fn read_lane(lane: Lane<'_>, scope: Scope<'_>, take: &mut dyn FnMut(&History<'_>)) -> Result<()> {
    for part in lane {
        let part = part?;
        let known: Vec<_> = part.batches.iter().filter_map(|batch| scope.known.cut(batch.clone())).collect();
        for_each_history(&known, part.customers, scope.as_of, |history| {
            if history.customer().0 == scope.tenant.as_str() {
                take(history);
            }
        });
        part.batches.iter().chain(&known).try_for_each(readable)?;
    }
    Ok(())
}
