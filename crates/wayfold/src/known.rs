use wayfold_core::{
    CustomerKey, CustomerView, EventBatch, EventView, Explanation, Fold, Handle, Population, Position,
    Projection, Tenant, Timestamp,
};

use crate::engine::Wayfold;
use crate::error::Result;
use crate::shards::{Shards, history, readable};

/// A point of the log: what was known then. A date maps to the events recorded by it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum KnownAt {
    /// Events recorded at or before an instant.
    Date(Timestamp),
    /// Events up to and including a position.
    Position(Position),
}

impl From<Timestamp> for KnownAt {
    fn from(instant: Timestamp) -> Self {
        Self::Date(instant)
    }
}

impl From<Position> for KnownAt {
    fn from(position: Position) -> Self {
        Self::Position(position)
    }
}

/// What of the log a question may look at; `None` for all of it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Known(pub(crate) Option<KnownAt>);

impl Known {
    fn holds(self, event: &EventView<'_>) -> bool {
        match self.0 {
            None => true,
            Some(KnownAt::Date(instant)) => {
                event.recorded_at().is_some_and(|recorded_at| recorded_at <= instant)
            }
            Some(KnownAt::Position(position)) => event.position().is_some_and(|own| own <= position),
        }
    }

    /// Whether nothing after a position was known.
    pub(crate) fn ends_by(self, position: Position) -> bool {
        matches!(self.0, Some(KnownAt::Position(known)) if known <= position)
    }

    /// A position, or the last one that was known if that is before it.
    pub(crate) fn last(self, position: Position) -> Position {
        match self.0 {
            Some(KnownAt::Position(known)) => position.min(known),
            _ => position,
        }
    }

    /// The part of a batch that was known; `None` if nothing of it was.
    pub(crate) fn cut(self, batch: EventBatch) -> Option<EventBatch> {
        if self.0.is_none() || batch.iter().all(|event| self.holds(&event)) {
            return (!batch.is_empty()).then_some(batch);
        }
        let known = EventBatch::from_views(batch.iter().filter(|event| self.holds(event)));
        (!known.is_empty()).then_some(known)
    }
}

/// An engine that looks at its log only up to a point, see [`Wayfold::as_known_at`].
#[derive(Debug, Clone, Copy)]
pub struct AsKnownAt<'a> {
    pub(crate) wayfold: &'a Wayfold,
    pub(crate) known: Known,
}

impl AsKnownAt<'_> {
    /// As [`Wayfold::customer_as_of`].
    ///
    /// # Errors
    /// As there.
    pub async fn customer_as_of(
        &self,
        key: &CustomerKey,
        as_of: impl Into<Timestamp>,
    ) -> Result<Option<CustomerView>> {
        let as_of = as_of.into();
        Ok(self.fold(key, as_of).await?.view(key, as_of)?)
    }

    /// As [`Wayfold::explain_as_of`].
    ///
    /// # Errors
    /// As there.
    pub async fn explain_as_of(
        &self,
        key: &CustomerKey,
        as_of: impl Into<Timestamp>,
    ) -> Result<Option<Explanation>> {
        let history = history(self.wayfold.store(), key, self.known).await?;
        let told = wayfold_core::explain(&self.wayfold.engine().projections(), key, &history, as_of.into())?;
        history.iter().try_for_each(readable)?;
        Ok(told)
    }

    /// As [`Wayfold::own_view_as_of`].
    ///
    /// # Errors
    /// As there.
    pub async fn own_view_as_of<P: Projection>(
        &self,
        handle: Handle<P>,
        key: &CustomerKey,
        as_of: impl Into<Timestamp>,
    ) -> Result<Option<P::View>> {
        let as_of = as_of.into();
        Ok(self.fold(key, as_of).await?.own_view(handle, key, as_of)?)
    }

    /// As [`Wayfold::population`].
    ///
    /// # Errors
    /// As there.
    pub async fn population(&self, as_of: impl Into<Timestamp>) -> Result<Population> {
        self.population_of(&Tenant::default(), as_of).await
    }

    /// As [`Wayfold::population_of`].
    ///
    /// # Errors
    /// As there.
    pub async fn population_of(&self, tenant: &Tenant, as_of: impl Into<Timestamp>) -> Result<Population> {
        let as_of = as_of.into();
        self.shards(as_of).await?.population(tenant, as_of)
    }

    /// Folds one customer's history up to an instant.
    async fn fold(&self, key: &CustomerKey, as_of: Timestamp) -> Result<Fold> {
        let history = history(self.wayfold.store(), key, self.known).await?;
        self.wayfold.fold_history(key, &history, as_of)
    }

    /// Folds the whole log up to an instant.
    pub(crate) async fn shards(&self, as_of: Timestamp) -> Result<Shards> {
        let parts = self.wayfold.parts();
        let mut shards = Shards::new(&self.wayfold.engine().projections(), as_of, parts.threads);
        shards.catch_up(parts.store.as_ref(), self.known).await?;
        Ok(shards)
    }
}
