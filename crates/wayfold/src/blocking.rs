//! The engine for scripts and examples: the same calls, which wait.

use pollster::block_on;
use wayfold_core::{
    CustomerKey, CustomerList, CustomerView, EventBatch, Explanation, Handle, JourneyEvent, Page, Parting,
    Population, PopulationDifference, Projection, Rules, Selection, SortedViews, Tenant, Timestamp,
};
use wayfold_store::{AppendCondition, AppendOutcome, EventStore};

use crate::ask::AsOf;
use crate::builder::Builder;
use crate::decide::{Decided, Standing};
use crate::error::{Error, Result};
use crate::known::KnownAt;
use crate::members::SegmentMembers;
use crate::rebuild::Progress;
use crate::request::{Appended, Request};
use crate::snapshot::{Opened, Snapshotted};
use crate::store_url::StoreUrl;
use crate::subscribe::{Delivery, Start};

/// The engine, with calls that wait until they are done. Not for use inside of an async task.
///
/// See [`crate::Wayfold`] for what each call does and which errors it gives.
#[derive(Debug)]
pub struct Wayfold(crate::Wayfold);

impl Wayfold {
    /// As [`crate::Wayfold::open`].
    ///
    /// # Errors
    /// As there.
    pub fn open(store: impl EventStore + 'static) -> Result<Self> {
        block_on(crate::Wayfold::open(store)).map(Self)
    }

    /// The engine itself, for the calls that this form does not have.
    pub fn engine(&self) -> &crate::Wayfold {
        &self.0
    }

    /// As [`crate::Wayfold::rules`].
    pub fn rules(&self) -> Rules {
        self.0.rules()
    }

    /// As [`crate::Wayfold::append`].
    ///
    /// # Errors
    /// As there.
    pub fn append<'a>(&self, events: impl IntoIterator<Item = &'a JourneyEvent>) -> Result<Appended> {
        block_on(self.0.append(events))
    }

    /// As [`crate::Wayfold::append_batch`].
    ///
    /// # Errors
    /// As there.
    pub fn append_batch(&self, batch: EventBatch) -> Result<Appended> {
        block_on(self.0.append_batch(batch))
    }

    /// As [`crate::Wayfold::append_if`].
    ///
    /// # Errors
    /// As there.
    pub fn append_if<'a>(
        &self,
        events: impl IntoIterator<Item = &'a JourneyEvent>,
        condition: AppendCondition,
    ) -> Result<AppendOutcome> {
        block_on(self.0.append_if(events, condition))
    }

    /// As [`crate::Wayfold::decide`].
    ///
    /// # Errors
    /// As there.
    pub fn decide<E: From<Error>>(
        &self,
        key: &CustomerKey,
        decision: impl FnMut(&Standing) -> std::result::Result<Vec<JourneyEvent>, E>,
    ) -> std::result::Result<Decided, E> {
        block_on(self.0.decide(key, decision))
    }

    /// As [`crate::Wayfold::request`].
    pub fn request<'a>(&'a self, request: &'a Request) -> Requested<'a> {
        Requested(self.0.request(request))
    }

    /// As [`crate::Wayfold::now`].
    pub fn now(&self) -> Timestamp {
        self.0.now()
    }

    /// As [`crate::Wayfold::advance_to`].
    ///
    /// # Errors
    /// As there.
    pub fn advance_to(&self, instant: impl Into<Timestamp>) -> Result<()> {
        block_on(self.0.advance_to(instant))
    }

    /// As [`crate::Wayfold::import`].
    ///
    /// # Errors
    /// As there.
    #[cfg(feature = "ingest")]
    pub fn import(&self, source: &mut (dyn wayfold_ingest::EventSource + Send)) -> Result<crate::Imported> {
        block_on(self.0.import(source))
    }

    /// As [`crate::Wayfold::store`].
    pub fn store(&self) -> &dyn EventStore {
        self.0.store()
    }

    /// As [`crate::Wayfold::opened`].
    ///
    /// # Errors
    /// As there.
    pub fn opened(&self) -> Result<Opened> {
        block_on(self.0.opened())
    }

    /// As [`crate::Wayfold::put_list`].
    pub fn put_list(&self, list: CustomerList) {
        block_on(self.0.put_list(list));
    }

    /// As [`crate::Wayfold::subscribe`].
    ///
    /// # Errors
    /// As there.
    pub fn subscribe(&self, start: Start) -> Result<Subscription> {
        block_on(self.0.subscribe(start)).map(Subscription)
    }

    /// As [`crate::Wayfold::subscribe_as`].
    ///
    /// # Errors
    /// As there.
    pub fn subscribe_as(&self, name: &str, start: Start) -> Result<Subscription> {
        block_on(self.0.subscribe_as(name, start)).map(Subscription)
    }

    /// As [`crate::Wayfold::snapshot`].
    ///
    /// # Errors
    /// As there.
    pub fn snapshot(&self) -> Result<Snapshotted> {
        block_on(self.0.snapshot())
    }

    /// As [`crate::Wayfold::close`].
    ///
    /// # Errors
    /// As there.
    pub fn close(&self) -> Result<()> {
        block_on(self.0.close())
    }

    /// As [`crate::Wayfold::catch_up`].
    ///
    /// # Errors
    /// As there.
    pub fn catch_up(&self) -> Result<u64> {
        block_on(self.0.catch_up())
    }

    /// As [`crate::Wayfold::newest`].
    ///
    /// # Errors
    /// As there.
    pub fn newest(&self) -> Result<Option<Timestamp>> {
        block_on(self.0.newest())
    }

    /// As [`crate::Wayfold::customer`].
    ///
    /// # Errors
    /// As there.
    pub fn customer(&self, key: &CustomerKey) -> Result<Option<CustomerView>> {
        block_on(self.0.customer(key))
    }

    /// As [`crate::Wayfold::customer_as_of`].
    ///
    /// # Errors
    /// As there.
    pub fn customer_as_of(
        &self,
        key: &CustomerKey,
        as_of: impl Into<Timestamp>,
    ) -> Result<Option<CustomerView>> {
        block_on(self.0.customer_as_of(key, as_of))
    }

    /// As [`crate::Wayfold::explain`].
    ///
    /// # Errors
    /// As there.
    pub fn explain(&self, key: &CustomerKey) -> Result<Option<Explanation>> {
        block_on(self.0.explain(key))
    }

    /// As [`crate::Wayfold::explain_as_of`].
    ///
    /// # Errors
    /// As there.
    pub fn explain_as_of(
        &self,
        key: &CustomerKey,
        as_of: impl Into<Timestamp>,
    ) -> Result<Option<Explanation>> {
        block_on(self.0.explain_as_of(key, as_of))
    }

    /// As [`crate::Wayfold::own_view`].
    ///
    /// # Errors
    /// As there.
    pub fn own_view<P: Projection>(&self, handle: Handle<P>, key: &CustomerKey) -> Result<Option<P::View>> {
        block_on(self.0.own_view(handle, key))
    }

    /// As [`crate::Wayfold::own_view_as_of`].
    ///
    /// # Errors
    /// As there.
    pub fn own_view_as_of<P: Projection>(
        &self,
        handle: Handle<P>,
        key: &CustomerKey,
        as_of: impl Into<Timestamp>,
    ) -> Result<Option<P::View>> {
        block_on(self.0.own_view_as_of(handle, key, as_of))
    }

    /// As [`crate::Wayfold::own_views`].
    ///
    /// # Errors
    /// As there.
    pub fn own_views<P: Projection>(
        &self,
        handle: Handle<P>,
        as_of: impl Into<AsOf>,
    ) -> Result<SortedViews<P::View>> {
        block_on(self.0.own_views(handle, as_of))
    }

    /// As [`crate::Wayfold::own_views_of`].
    ///
    /// # Errors
    /// As there.
    pub fn own_views_of<P: Projection>(
        &self,
        tenant: &Tenant,
        handle: Handle<P>,
        as_of: impl Into<AsOf>,
    ) -> Result<SortedViews<P::View>> {
        block_on(self.0.own_views_of(tenant, handle, as_of))
    }

    /// As [`crate::Wayfold::population`].
    ///
    /// # Errors
    /// As there.
    pub fn population(&self, as_of: impl Into<AsOf>) -> Result<Population> {
        block_on(self.0.population(as_of))
    }

    /// As [`crate::Wayfold::population_of`].
    ///
    /// # Errors
    /// As there.
    pub fn population_of(&self, tenant: &Tenant, as_of: impl Into<AsOf>) -> Result<Population> {
        block_on(self.0.population_of(tenant, as_of))
    }

    /// As [`crate::Wayfold::measure`].
    ///
    /// # Errors
    /// As there.
    #[cfg(feature = "insight")]
    pub fn measure<M: wayfold_insight::Measure>(
        &self,
        measure: &M,
        as_of: impl Into<AsOf>,
    ) -> Result<M::Total> {
        block_on(self.0.measure(measure, as_of))
    }

    /// As [`crate::Wayfold::for_each_history`].
    ///
    /// # Errors
    /// As there.
    #[cfg(feature = "insight")]
    pub fn for_each_history(
        &self,
        tenant: &Tenant,
        as_of: impl Into<AsOf>,
        take: impl FnMut(&wayfold_core::History<'_>),
    ) -> Result<()> {
        block_on(self.0.for_each_history(tenant, as_of, take))
    }

    /// As [`crate::Wayfold::measure_of`].
    ///
    /// # Errors
    /// As there.
    #[cfg(feature = "insight")]
    pub fn measure_of<M: wayfold_insight::Measure>(
        &self,
        tenant: &Tenant,
        measure: &M,
        as_of: impl Into<AsOf>,
    ) -> Result<M::Total> {
        block_on(self.0.measure_of(tenant, measure, as_of))
    }

    /// As [`crate::Wayfold::keep_up`].
    ///
    /// # Errors
    /// As there.
    #[cfg(feature = "insight")]
    pub fn keep_up<M: wayfold_insight::Measure>(&self, measured: &mut crate::Measured<M>) -> Result<()> {
        block_on(self.0.keep_up(measured))
    }

    /// As [`crate::Wayfold::customers`].
    ///
    /// # Errors
    /// As there.
    pub fn customers(&self, selection: &Selection) -> Result<Page> {
        block_on(self.0.customers(selection))
    }

    /// As [`crate::Wayfold::customers_as_of`].
    ///
    /// # Errors
    /// As there.
    pub fn customers_as_of(&self, selection: &Selection, as_of: impl Into<AsOf>) -> Result<Page> {
        block_on(self.0.customers_as_of(selection, as_of))
    }

    /// As [`crate::Wayfold::customers_of`].
    ///
    /// # Errors
    /// As there.
    pub fn customers_of(
        &self,
        tenant: &Tenant,
        selection: &Selection,
        as_of: impl Into<AsOf>,
    ) -> Result<Page> {
        block_on(self.0.customers_of(tenant, selection, as_of))
    }

    /// As [`crate::Wayfold::rebuild`].
    ///
    /// # Errors
    /// As there.
    pub fn rebuild(&self, builder: Builder) -> Result<Rebuild> {
        block_on(self.0.rebuild(builder)).map(Rebuild)
    }

    /// As [`crate::Wayfold::backtest`].
    ///
    /// # Errors
    /// As there.
    pub fn backtest(&self, rules: &Rules, instants: &[Timestamp]) -> Result<Vec<PopulationDifference>> {
        block_on(self.0.backtest(rules, instants))
    }

    /// As [`crate::Wayfold::backtest_of`].
    ///
    /// # Errors
    /// As there.
    pub fn backtest_of(
        &self,
        tenant: &Tenant,
        rules: &Rules,
        instants: &[Timestamp],
    ) -> Result<Vec<PopulationDifference>> {
        block_on(self.0.backtest_of(tenant, rules, instants))
    }

    /// As [`crate::Wayfold::parting`].
    ///
    /// # Errors
    /// As there.
    pub fn parting(
        &self,
        key: &CustomerKey,
        rules: &Rules,
        as_of: impl Into<Timestamp>,
    ) -> Result<Option<Parting>> {
        block_on(self.0.parting(key, rules, as_of))
    }

    /// As [`crate::Wayfold::export`].
    ///
    /// # Errors
    /// As there.
    pub fn export(&self) -> Result<Vec<u8>> {
        block_on(self.0.export())
    }

    /// As [`crate::Wayfold::export_of`].
    ///
    /// # Errors
    /// As there.
    pub fn export_of(&self, tenant: &Tenant) -> Result<Vec<u8>> {
        block_on(self.0.export_of(tenant))
    }

    /// As [`crate::Wayfold::as_known_at`].
    pub fn as_known_at(&self, known_at: impl Into<KnownAt>) -> AsKnownAt<'_> {
        AsKnownAt(self.0.as_known_at(known_at))
    }
}

/// As [`crate::Subscription`], with calls that wait.
#[derive(Debug)]
pub struct Subscription(crate::Subscription);

impl Subscription {
    /// As [`crate::Subscription::of`].
    pub fn of(self, tenant: Tenant) -> Self {
        Self(self.0.of(tenant))
    }

    /// As [`crate::Subscription::next`].
    ///
    /// # Errors
    /// As there.
    #[expect(clippy::should_implement_trait, reason = "an iterator would give no errors to act on")]
    pub fn next(&mut self) -> Result<Option<Delivery>> {
        block_on(self.0.next())
    }

    /// As [`crate::Subscription::try_next`].
    ///
    /// # Errors
    /// As there.
    pub fn try_next(&mut self) -> Result<Option<Delivery>> {
        block_on(self.0.try_next())
    }

    /// As [`crate::Subscription::members`].
    ///
    /// # Errors
    /// As there.
    pub fn members(&self, segment: &str) -> Result<SegmentMembers> {
        self.0.members(segment)
    }

    /// As [`crate::Subscription::commit`].
    ///
    /// # Errors
    /// As there.
    pub fn commit(&mut self) -> Result<()> {
        block_on(self.0.commit())
    }
}

/// As [`crate::Rebuild`], with calls that wait.
#[derive(Debug)]
pub struct Rebuild(crate::Rebuild);

impl Rebuild {
    /// As [`crate::Rebuild::step`].
    ///
    /// # Errors
    /// As there.
    pub fn step(&mut self) -> Result<bool> {
        block_on(self.0.step())
    }

    /// As [`crate::Rebuild::progress`].
    pub fn progress(&self) -> Progress {
        block_on(self.0.progress())
    }

    /// As [`crate::Rebuild::keep`].
    ///
    /// # Errors
    /// As there.
    pub fn keep(&mut self) -> Result<()> {
        block_on(self.0.keep())
    }

    /// As [`crate::Rebuild::difference`].
    ///
    /// # Errors
    /// As there.
    pub fn difference(&mut self, as_of: impl Into<AsOf>) -> Result<PopulationDifference> {
        block_on(self.0.difference(as_of))
    }

    /// As [`crate::Rebuild::swap`].
    ///
    /// # Errors
    /// As there.
    pub fn swap(self) -> Result<()> {
        block_on(self.0.swap())
    }

    /// As [`crate::Rebuild::discard`].
    ///
    /// # Errors
    /// As there.
    pub fn discard(self) -> Result<()> {
        block_on(self.0.discard())
    }
}

/// As [`crate::Requested`], with calls that wait.
#[derive(Debug, Clone, Copy)]
pub struct Requested<'a>(crate::Requested<'a>);

impl Requested<'_> {
    /// As [`crate::Wayfold::append`].
    ///
    /// # Errors
    /// As there.
    pub fn append<'a>(&self, events: impl IntoIterator<Item = &'a JourneyEvent>) -> Result<Appended> {
        block_on(self.0.append(events))
    }

    /// As [`crate::Wayfold::append_if`].
    ///
    /// # Errors
    /// As there.
    pub fn append_if<'a>(
        &self,
        events: impl IntoIterator<Item = &'a JourneyEvent>,
        condition: AppendCondition,
    ) -> Result<AppendOutcome> {
        block_on(self.0.append_if(events, condition))
    }

    /// As [`crate::Wayfold::decide`].
    ///
    /// # Errors
    /// As there.
    pub fn decide<E: From<Error>>(
        &self,
        key: &CustomerKey,
        decision: impl FnMut(&Standing) -> std::result::Result<Vec<JourneyEvent>, E>,
    ) -> std::result::Result<Decided, E> {
        block_on(self.0.decide(key, decision))
    }
}

/// As [`crate::AsKnownAt`], with calls that wait.
#[derive(Debug, Clone, Copy)]
pub struct AsKnownAt<'a>(crate::AsKnownAt<'a>);

impl AsKnownAt<'_> {
    /// As [`crate::AsKnownAt::measure_of`].
    ///
    /// # Errors
    /// As there.
    #[cfg(feature = "insight")]
    pub fn measure_of<M: wayfold_insight::Measure>(
        &self,
        tenant: &Tenant,
        measure: &M,
        as_of: impl Into<AsOf>,
    ) -> Result<M::Total> {
        block_on(self.0.measure_of(tenant, measure, as_of))
    }

    /// As [`crate::AsKnownAt::customer_as_of`].
    ///
    /// # Errors
    /// As there.
    pub fn customer_as_of(
        &self,
        key: &CustomerKey,
        as_of: impl Into<Timestamp>,
    ) -> Result<Option<CustomerView>> {
        block_on(self.0.customer_as_of(key, as_of))
    }

    /// As [`crate::AsKnownAt::explain_as_of`].
    ///
    /// # Errors
    /// As there.
    pub fn explain_as_of(
        &self,
        key: &CustomerKey,
        as_of: impl Into<Timestamp>,
    ) -> Result<Option<Explanation>> {
        block_on(self.0.explain_as_of(key, as_of))
    }

    /// As [`crate::AsKnownAt::own_view_as_of`].
    ///
    /// # Errors
    /// As there.
    pub fn own_view_as_of<P: Projection>(
        &self,
        handle: Handle<P>,
        key: &CustomerKey,
        as_of: impl Into<Timestamp>,
    ) -> Result<Option<P::View>> {
        block_on(self.0.own_view_as_of(handle, key, as_of))
    }

    /// As [`crate::AsKnownAt::population_of`].
    ///
    /// # Errors
    /// As there.
    pub fn population_of(&self, tenant: &Tenant, as_of: impl Into<Timestamp>) -> Result<Population> {
        block_on(self.0.population_of(tenant, as_of))
    }

    /// As [`crate::AsKnownAt::population`].
    ///
    /// # Errors
    /// As there.
    pub fn population(&self, as_of: impl Into<Timestamp>) -> Result<Population> {
        block_on(self.0.population(as_of))
    }
}

impl Builder {
    /// As [`Builder::open`], in the form that waits.
    ///
    /// # Errors
    /// As there.
    pub fn open_blocking(self, store: impl EventStore + 'static) -> Result<Wayfold> {
        block_on(self.open(store)).map(Wayfold)
    }
}

impl StoreUrl {
    /// As [`StoreUrl::open`], in the form that waits.
    ///
    /// # Errors
    /// As there.
    pub fn open_blocking(&self) -> Result<Box<dyn EventStore>> {
        block_on(self.open())
    }

    /// As [`StoreUrl::open_with_clock`], in the form that waits.
    ///
    /// # Errors
    /// As there.
    pub fn open_with_clock_blocking(
        &self,
        clock: impl Fn() -> Timestamp + Send + Sync + 'static,
    ) -> Result<Box<dyn EventStore>> {
        block_on(self.open_with_clock(clock))
    }

    /// As [`StoreUrl::open_existing`], in the form that waits.
    ///
    /// # Errors
    /// As there.
    pub fn open_existing_blocking(&self) -> Result<Box<dyn EventStore>> {
        block_on(self.open_existing())
    }
}
