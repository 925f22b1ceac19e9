use std::sync::Arc;

use async_lock::Mutex;
use wayfold_core::{
    BatchBuilder, CustomerKey, CustomerView, EventBatch, Explanation, Fold, Handle, JourneyEvent, Limits,
    Population, Position, Projection, ProjectionSet, Rules, Tenant, Timestamp,
};
use wayfold_store::{AppendCondition, AppendOutcome, EventStore};

use crate::error::Result;
use crate::known::{Known, KnownAt};
use crate::shards::{Shards, history};

/// Chooses rules, projections and threads before an engine is opened.
///
/// ```
/// use wayfold::{Builder, MemoryStore, Rules};
///
/// let mut rules = Rules::default();
/// rules.lifecycle.churned_after_days = 120;
/// rules.version = "churn-120".to_owned();
/// let engine = pollster::block_on(Builder::new(rules)?.open(MemoryStore::new()))?;
/// assert_eq!(engine.rules().version, "churn-120");
/// # Ok::<(), wayfold::Error>(())
/// ```
#[derive(Debug)]
pub struct Builder {
    projections: ProjectionSet,
    threads: usize,
    limits: Limits,
}

impl Builder {
    /// Takes the four built-in projections under rules.
    ///
    /// # Errors
    /// `InvalidConfiguration` if the rules contradict themselves.
    pub fn new(rules: Rules) -> Result<Self> {
        let threads = std::thread::available_parallelism().map_or(1, Into::into);
        Ok(Self { projections: ProjectionSet::new(rules)?, threads, limits: Limits::default() })
    }

    /// Adds a projection of one's own; the handle asks for its views.
    ///
    /// # Errors
    /// `InvalidConfiguration` if its name and version are taken.
    pub fn register<P: Projection>(&mut self, projection: P) -> Result<Handle<P>> {
        Ok(self.projections.register(projection)?)
    }

    /// Folds on that many threads; at least one. The default is what the machine has; no answer depends on it.
    pub fn with_threads(mut self, threads: usize) -> Self {
        self.threads = threads.max(1);
        self
    }

    /// Takes other limits for the events that are appended one by one; the store has limits of its own.
    pub fn with_limits(mut self, limits: Limits) -> Self {
        self.limits = limits;
        self
    }

    /// Opens an engine over a store.
    ///
    /// # Errors
    /// `Unavailable` or `Corrupt` if the store cannot be read.
    pub async fn open(self, store: impl EventStore + 'static) -> Result<Wayfold> {
        let live = Shards::new(&self.projections, Timestamp::MAX, self.threads);
        let engine = Wayfold {
            store: Arc::new(store),
            projections: self.projections,
            threads: self.threads,
            limits: self.limits,
            live: Mutex::new(live),
        };
        engine.catch_up().await?;
        Ok(engine)
    }
}

/// What an append without a condition did.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Appended {
    /// Where each event stands, also those that stood already.
    pub positions: Vec<Position>,
    /// How many events the log did not hold before.
    pub new: usize,
}

/// The engine: records what customers do, and answers where each stands, at any instant, and why.
///
/// It is shared by reference between tasks and threads and needs no runtime. Questions about all customers are
/// about the default tenant unless they name another; the export and the newest event are of all tenants.
///
/// ```
/// use std::sync::Arc;
/// use wayfold::{CustomerKey, EventId, JourneyEvent, MemoryStore, Registered, Timestamp, Uuid, Wayfold};
///
/// # pollster::block_on(async {
/// let wayfold = Arc::new(Wayfold::open(MemoryStore::new()).await?);
/// let (ada, at) = (CustomerKey::new("ada")?, Timestamp::parse("2024-03-01")?);
/// wayfold.append([&JourneyEvent::new(EventId(Uuid::now_v7()), ada.clone(), at, Registered {})]).await?;
/// assert_eq!(wayfold.customer(&ada, at).await?.expect("ada is known").events, 1);
/// # Ok::<(), wayfold::Error>(())
/// # }).unwrap();
/// ```
///
/// A projection of one's own that panics makes the question panic that folds with it; the states are then
/// folded anew with the next question.
#[derive(Debug)]
pub struct Wayfold {
    store: Arc<dyn EventStore>,
    projections: ProjectionSet,
    threads: usize,
    limits: Limits,
    live: Mutex<Shards>,
}

impl Wayfold {
    /// Opens an engine over a store under the default rules.
    ///
    /// # Errors
    /// `Unavailable` or `Corrupt` if the store cannot be read.
    pub async fn open(store: impl EventStore + 'static) -> Result<Self> {
        Builder::new(Rules::default())?.open(store).await
    }

    /// The rules of the built-in projections.
    pub fn rules(&self) -> &Rules {
        self.projections.rules()
    }

    /// The log.
    pub fn store(&self) -> &dyn EventStore {
        self.store.as_ref()
    }

    /// Appends events, all or none; taking the same events again changes nothing.
    ///
    /// # Errors
    /// `IdReused` if an id is taken with other content, `InvalidEvent` if an event breaks a rule or limit,
    /// `Unsupported` for kinds that the store cannot honour: nothing was written. `Unavailable`: see
    /// [`Error::is_outcome_unknown`](crate::Error::is_outcome_unknown).
    pub async fn append<'a>(&self, events: impl IntoIterator<Item = &'a JourneyEvent>) -> Result<Appended> {
        self.append_batch(self.batch(events)?).await
    }

    /// Appends a batch, all or none.
    ///
    /// # Errors
    /// As [`Wayfold::append`].
    pub async fn append_batch(&self, batch: EventBatch) -> Result<Appended> {
        match self.store.append(batch, None).await? {
            AppendOutcome::Appended { positions, new } => Ok(Appended { positions, new }),
            AppendOutcome::AlreadyTaken { positions } => Ok(Appended { positions, new: 0 }),
            AppendOutcome::Conflict { .. } => unreachable!("an append without a condition has no conflict"),
        }
    }

    /// Appends events, all or none, if nothing that the condition forbids has happened.
    ///
    /// # Errors
    /// As [`Wayfold::append`]. A conflict is no error but an outcome.
    pub async fn append_if<'a>(
        &self,
        events: impl IntoIterator<Item = &'a JourneyEvent>,
        condition: AppendCondition,
    ) -> Result<AppendOutcome> {
        Ok(self.store.append(self.batch(events)?, Some(condition)).await?)
    }

    fn batch<'a>(&self, events: impl IntoIterator<Item = &'a JourneyEvent>) -> Result<EventBatch> {
        let mut builder = BatchBuilder::new(self.limits.clone());
        for event in events {
            builder.push(event)?;
        }
        Ok(builder.finish())
    }

    /// Folds what was appended since the last question about all customers; returns how many events.
    ///
    /// Those questions do so themselves; calling it before makes them quick.
    ///
    /// # Errors
    /// `Unavailable` or `Corrupt` if the log cannot be read.
    pub async fn catch_up(&self) -> Result<u64> {
        self.live.lock().await.catch_up(self.store.as_ref(), Known(None)).await
    }

    /// The instant of the newest event that stands, of any tenant; `None` if none does.
    ///
    /// # Errors
    /// As [`Wayfold::catch_up`].
    pub async fn newest(&self) -> Result<Option<Timestamp>> {
        let mut live = self.live.lock().await;
        live.catch_up(self.store.as_ref(), Known(None)).await?;
        Ok(live.newest())
    }

    /// Answers about a customer as of an instant; `None` if nothing is known of it by then.
    ///
    /// Reads the events of this customer alone.
    ///
    /// # Errors
    /// `Unavailable` or `Corrupt` if they cannot be read.
    pub async fn customer(
        &self,
        key: &CustomerKey,
        as_of: impl Into<Timestamp>,
    ) -> Result<Option<CustomerView>> {
        self.everything().customer(key, as_of).await
    }

    /// Tells why a customer stands where it stands as of an instant, event by event.
    ///
    /// # Errors
    /// As [`Wayfold::customer`]; `InvalidConfiguration` if a view of one's own is no JSON.
    pub async fn explain(
        &self,
        key: &CustomerKey,
        as_of: impl Into<Timestamp>,
    ) -> Result<Option<Explanation>> {
        self.everything().explain(key, as_of).await
    }

    /// Answers with a projection of one's own about a customer as of an instant.
    ///
    /// # Errors
    /// As [`Wayfold::customer`].
    ///
    /// # Panics
    /// If the handle was given by another set of projections.
    pub async fn own_view<P: Projection>(
        &self,
        handle: Handle<P>,
        key: &CustomerKey,
        as_of: impl Into<Timestamp>,
    ) -> Result<Option<P::View>> {
        self.everything().own_view(handle, key, as_of).await
    }

    /// Answers about all customers of the default tenant as of an instant.
    ///
    /// An instant at or after the newest event is answered from the live states, an earlier one by folding
    /// the log anew.
    ///
    /// # Errors
    /// `Unavailable` or `Corrupt` if the log cannot be read.
    pub async fn population(&self, as_of: impl Into<Timestamp>) -> Result<Population> {
        self.population_of(&Tenant::default(), as_of).await
    }

    /// Answers about all customers of a tenant as of an instant.
    ///
    /// # Errors
    /// As [`Wayfold::population`].
    pub async fn population_of(&self, tenant: &Tenant, as_of: impl Into<Timestamp>) -> Result<Population> {
        let as_of = as_of.into();
        let mut live = self.live.lock().await;
        live.catch_up(self.store.as_ref(), Known(None)).await?;
        if live.newest().is_none_or(|newest| newest <= as_of) {
            return live.population(tenant, as_of);
        }
        drop(live);
        self.everything().population_of(tenant, as_of).await
    }

    /// A projection's views of all customers of the default tenant as of an instant, by key bytes.
    ///
    /// # Errors
    /// As [`Wayfold::population`].
    pub async fn own_views<P: Projection>(
        &self,
        handle: Handle<P>,
        as_of: impl Into<Timestamp>,
    ) -> Result<Vec<(CustomerKey, P::View)>> {
        let as_of = as_of.into();
        self.everything().shards(as_of).await?.own_views(handle, &Tenant::default(), as_of)
    }

    /// The canonical export of all states: equal sets of events give equal bytes.
    ///
    /// # Errors
    /// As [`Wayfold::population`]; `InvalidConfiguration` if a state of one's own holds a float.
    pub async fn export(&self) -> Result<Vec<u8>> {
        let mut live = self.live.lock().await;
        live.catch_up(self.store.as_ref(), Known(None)).await?;
        live.export()
    }

    /// Asks as known at a point of the log: events recorded after it are as if they had not come yet.
    pub fn known_at(&self, known_at: impl Into<KnownAt>) -> AsKnownAt<'_> {
        AsKnownAt { engine: self, known: Known(Some(known_at.into())) }
    }

    fn everything(&self) -> AsKnownAt<'_> {
        AsKnownAt { engine: self, known: Known(None) }
    }
}

/// An engine that looks at its log only up to a point, see [`Wayfold::known_at`].
#[derive(Debug, Clone, Copy)]
pub struct AsKnownAt<'a> {
    engine: &'a Wayfold,
    known: Known,
}

impl AsKnownAt<'_> {
    /// As [`Wayfold::customer`].
    ///
    /// # Errors
    /// As [`Wayfold::customer`].
    pub async fn customer(
        &self,
        key: &CustomerKey,
        as_of: impl Into<Timestamp>,
    ) -> Result<Option<CustomerView>> {
        let as_of = as_of.into();
        Ok(self.fold(key, as_of).await?.view(key, as_of)?)
    }

    /// As [`Wayfold::explain`].
    ///
    /// # Errors
    /// As [`Wayfold::explain`].
    pub async fn explain(
        &self,
        key: &CustomerKey,
        as_of: impl Into<Timestamp>,
    ) -> Result<Option<Explanation>> {
        let history = history(self.engine.store.as_ref(), key, self.known).await?;
        Ok(wayfold_core::explain(&self.engine.projections, key, &history, as_of.into())?)
    }

    /// As [`Wayfold::own_view`].
    ///
    /// # Errors
    /// As [`Wayfold::customer`].
    pub async fn own_view<P: Projection>(
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
    /// As [`Wayfold::population`].
    pub async fn population(&self, as_of: impl Into<Timestamp>) -> Result<Population> {
        self.population_of(&Tenant::default(), as_of).await
    }

    /// As [`Wayfold::population_of`].
    ///
    /// # Errors
    /// As [`Wayfold::population`].
    pub async fn population_of(&self, tenant: &Tenant, as_of: impl Into<Timestamp>) -> Result<Population> {
        let as_of = as_of.into();
        self.shards(as_of).await?.population(tenant, as_of)
    }

    /// Folds one customer's history up to an instant.
    async fn fold(&self, key: &CustomerKey, as_of: Timestamp) -> Result<Fold> {
        let history = history(self.engine.store.as_ref(), key, self.known).await?;
        let mut fold = Fold::new(&self.engine.projections).with_as_of(as_of);
        let applied = fold.apply(&history);
        debug_assert!(applied.refolds.is_empty(), "a history that is folded at once has no late event");
        Ok(fold)
    }

    /// Folds the whole log up to an instant.
    async fn shards(&self, as_of: Timestamp) -> Result<Shards> {
        let mut shards = Shards::new(&self.engine.projections, as_of, self.engine.threads);
        shards.catch_up(self.engine.store.as_ref(), self.known).await?;
        Ok(shards)
    }
}
