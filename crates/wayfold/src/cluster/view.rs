//! What a cluster answers about all customers: the states that workers have kept, folded on to where the logs end, and
//! brought together.

use std::collections::BTreeSet;

use wayfold_core::{
    Handle, Page, Population, PopulationDifference, Position, Projection, Selection, SortedViews, Tenant,
    Timestamp, VirtualShard,
};
use wayfold_store::EventStore;

use super::states::States;
use super::{Cluster, Database};
use crate::error::{Error, ErrorKind, Result};
use crate::shards::{Shards, export};

/// All customers of a cluster, as of one instant and up to one position of each database. Made by [`Cluster::view`].
///
/// It answers as one engine over one log with all the events would, to the byte.
#[derive(Debug)]
pub struct ClusterView {
    as_of: Timestamp,
    parts: Vec<(Database, States)>,
    restored: BTreeSet<VirtualShard>,
    folded: u64,
}

impl ClusterView {
    pub(super) async fn new(cluster: &Cluster, as_of: Timestamp) -> Result<Self> {
        let (mut parts, mut restored, mut ends) = (Vec::new(), BTreeSet::new(), Vec::new());
        for database in &cluster.databases {
            let store = database.store.as_ref();
            let mut states = States::new(&cluster.meaning, database);
            let head = store.head().await?;
            for shard in &database.shards {
                if states.take(store, *shard, head, as_of).await? {
                    restored.insert(*shard);
                }
            }
            parts.push((database.clone(), states));
            // No states that were kept by now are of a later position, and what comes after it need not be waited for.
            ends.push(store.head().await?);
        }
        let mut view = Self { as_of, parts, restored, folded: 0 };
        view.follow(&ends).await?;
        Ok(view)
    }

    /// Folds on: each database up to the position that is given for it.
    async fn follow(&mut self, until: &[Position]) -> Result<()> {
        for ((database, states), until) in self.parts.iter_mut().zip(until) {
            let store = database.store.as_ref();
            store.check_map_version().await?;
            loop {
                states.advance_to(store, self.as_of).await?;
                while let Some(stepped) = states.step(store, Some(*until)).await? {
                    self.folded += stepped.events;
                }
                // States that were kept at a later instant may hold what has not happened by this one.
                let ahead = states.ahead_of(self.as_of);
                if ahead.is_empty() {
                    break;
                }
                for shard in ahead {
                    self.restored.remove(&shard);
                    states.begin(shard, self.as_of);
                }
            }
            if !states.are_level() {
                let message =
                    format_args!("the log of database {:?} ends before states that are kept", database.name);
                return Err(Error::new(ErrorKind::Unavailable, message));
            }
        }
        // What a database was given since it was read is missing.
        for (database, _) in &self.parts {
            database.store.check_map_version().await?;
        }
        Ok(())
    }

    /// The instant.
    pub fn as_of(&self) -> Timestamp {
        self.as_of
    }

    /// Up to where each database is folded, by its name; databases without customers have none.
    pub fn positions(&self) -> Vec<(&str, Position)> {
        let parts = self.parts.iter();
        parts.filter_map(|(database, states)| Some((database.name.as_str(), states.position()?))).collect()
    }

    /// How many of the 256 shards came from states that workers had kept.
    pub fn restored(&self) -> usize {
        self.restored.len()
    }

    /// How many events were folded besides.
    pub fn folded(&self) -> u64 {
        self.folded
    }

    fn shards(&self) -> impl Iterator<Item = &Shards> {
        self.parts.iter().flat_map(|(_, states)| states.shards())
    }

    /// Answers about all customers of a tenant.
    ///
    /// # Errors
    /// As [`Wayfold::population_of`](crate::Wayfold::population_of).
    pub fn population(&self, tenant: &Tenant) -> Result<Population> {
        let parts = self.shards().map(|shards| shards.population(tenant, self.as_of));
        let mut parts = parts.collect::<Result<Vec<_>>>()?;
        // In pairs, so that each customer is moved a few times and not once a shard.
        while parts.len() > 1 {
            let mut merged = Vec::with_capacity(parts.len().div_ceil(2));
            let mut pairs = parts.into_iter();
            while let Some(one) = pairs.next() {
                merged.push(match pairs.next() {
                    Some(other) => one.merge(other),
                    None => one,
                });
            }
            parts = merged;
        }
        Ok(parts.pop().expect("there is a shard"))
    }

    /// Selects customers of a tenant, as [`Wayfold::customers_of`](crate::Wayfold::customers_of) does.
    ///
    /// # Errors
    /// As there.
    pub fn customers(&self, tenant: &Tenant, selection: &Selection) -> Result<Page> {
        let pages = self.shards().map(|shards| shards.select(tenant, self.as_of, selection));
        let merged = pages.reduce(|merged, next| Ok(merged?.merge(next?)));
        merged.expect("there is a shard")
    }

    /// A projection's views of all customers of a tenant, by key bytes.
    ///
    /// # Errors
    /// As [`Wayfold::own_views`](crate::Wayfold::own_views).
    pub fn own_views<P: Projection>(
        &self,
        handle: Handle<P>,
        tenant: &Tenant,
    ) -> Result<SortedViews<P::View>> {
        let views = self.shards().map(|shards| shards.own_views(handle, tenant, self.as_of));
        Ok(SortedViews::merge(tenant.clone(), views.collect::<Result<Vec<_>>>()?))
    }

    /// The canonical export of all states: equal sets of events give equal bytes.
    ///
    /// # Errors
    /// As [`Wayfold::export`](crate::Wayfold::export).
    pub fn export(&self) -> Result<Vec<u8>> {
        export(self.shards())
    }

    /// Says for which customers of a tenant these states and others over the same databases differ, both up to one
    /// position of each database: other rules beside the ones that are used, before they are used.
    ///
    /// # Errors
    /// `InvalidQuestion` if the other view is of another instant or of other databases; `Unavailable` or `Corrupt` if a log
    /// cannot be read.
    pub async fn difference(&mut self, other: &mut Self, tenant: &Tenant) -> Result<PopulationDifference> {
        let databases =
            |view: &Self| view.parts.iter().map(|(database, _)| database.name.clone()).collect::<Vec<_>>();
        if self.as_of != other.as_of || databases(self) != databases(other) {
            let message = "views differ for whom, if both are of one instant and of one cluster";
            return Err(Error::new(ErrorKind::InvalidQuestion, message));
        }
        let furthest: Vec<Position> = self
            .parts
            .iter()
            .zip(&other.parts)
            .map(|((_, one), (_, two))| one.position().max(two.position()).unwrap_or(Position::START))
            .collect();
        self.follow(&furthest).await?;
        other.follow(&furthest).await?;
        Ok(self.population(tenant)?.difference(&other.population(tenant)?))
    }
}
