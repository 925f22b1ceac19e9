//! Questions to the engine, each as of an instant of the customer's time.

use wayfold_core::{
    CustomerKey, CustomerView, Explanation, Handle, Page, Population, Projection, Selection, SortedViews,
    Tenant, Timestamp,
};

use crate::engine::Wayfold;
use crate::error::Result;
use crate::known::{AsKnownAt, Known, KnownAt};
use crate::shards::Shards;

/// The instant of the customer's time that a question about all customers is about.
///
/// ```
/// use wayfold::{AsOf, MemoryStore, Timestamp, Wayfold};
///
/// # pollster::block_on(async {
/// let wayfold = Wayfold::open(MemoryStore::new()).await?;
/// assert_eq!(wayfold.population(AsOf::Now).await?.summary().customers, 0);
/// assert_eq!(wayfold.population(Timestamp::parse("2024-01-01")?).await?.summary().customers, 0);
/// # Ok::<(), wayfold::Error>(())
/// # }).unwrap();
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AsOf {
    /// Now: the instant at which the live states stand when they are asked. An instant that was read from a clock
    /// before has passed once an event has come behind it, and is then answered by folding the log anew.
    Now,
    /// An instant.
    At(Timestamp),
}

impl<T: Into<Timestamp>> From<T> for AsOf {
    fn from(instant: T) -> Self {
        Self::At(instant.into())
    }
}

impl AsOf {
    /// The instant, for states that stand at one.
    pub(crate) fn instant(self, live: &Shards) -> Timestamp {
        self.or(live.as_of())
    }

    /// The instant, or what now is.
    pub(crate) fn or(self, now: Timestamp) -> Timestamp {
        match self {
            Self::Now => now,
            Self::At(instant) => instant,
        }
    }
}

impl Wayfold {
    /// Answers where a customer stands now; `None` if nothing is known of it.
    ///
    /// Reads the events of this customer alone, with every one that was acknowledged before the call.
    ///
    /// # Errors
    /// `Unavailable` or `Corrupt` if they cannot be read.
    pub async fn customer(&self, key: &CustomerKey) -> Result<Option<CustomerView>> {
        self.customer_as_of(key, self.now()).await
    }

    /// Answers about a customer as of an instant; `None` if nothing is known of it by then.
    ///
    /// # Errors
    /// As [`Wayfold::customer`].
    pub async fn customer_as_of(
        &self,
        key: &CustomerKey,
        as_of: impl Into<Timestamp>,
    ) -> Result<Option<CustomerView>> {
        self.everything().customer_as_of(key, as_of).await
    }

    /// Tells why a customer stands where it stands now, event by event.
    ///
    /// # Errors
    /// As [`Wayfold::explain_as_of`].
    pub async fn explain(&self, key: &CustomerKey) -> Result<Option<Explanation>> {
        self.explain_as_of(key, self.now()).await
    }

    /// Tells why a customer stands where it stands as of an instant, event by event.
    ///
    /// # Errors
    /// As [`Wayfold::customer`]; `InvalidConfiguration` if a view of one's own is no JSON, `Panicked` if a projection
    /// of one's own panics.
    pub async fn explain_as_of(
        &self,
        key: &CustomerKey,
        as_of: impl Into<Timestamp>,
    ) -> Result<Option<Explanation>> {
        self.everything().explain_as_of(key, as_of).await
    }

    /// Answers with a projection of one's own where a customer stands now.
    ///
    /// # Errors
    /// As [`Wayfold::own_view_as_of`].
    pub async fn own_view<P: Projection>(
        &self,
        handle: Handle<P>,
        key: &CustomerKey,
    ) -> Result<Option<P::View>> {
        self.own_view_as_of(handle, key, self.now()).await
    }

    /// Answers with a projection of one's own about a customer as of an instant.
    ///
    /// # Errors
    /// As [`Wayfold::customer`]; `Panicked` if the projection panics, `InvalidQuestion` if another engine gave the
    /// handle.
    pub async fn own_view_as_of<P: Projection>(
        &self,
        handle: Handle<P>,
        key: &CustomerKey,
        as_of: impl Into<Timestamp>,
    ) -> Result<Option<P::View>> {
        self.everything().own_view_as_of(handle, key, as_of).await
    }

    /// Answers about all customers of the default tenant as of an instant.
    ///
    /// Now, and an instant at or after the newest event, are answered from the live states, an earlier one by folding
    /// the log anew.
    ///
    /// # Errors
    /// `Unavailable` or `Corrupt` if the log cannot be read.
    pub async fn population(&self, as_of: impl Into<AsOf>) -> Result<Population> {
        self.population_of(&Tenant::default(), as_of).await
    }

    /// Answers about all customers of a tenant as of an instant.
    ///
    /// # Errors
    /// As [`Wayfold::population`].
    pub async fn population_of(&self, tenant: &Tenant, as_of: impl Into<AsOf>) -> Result<Population> {
        let live = self.engine().settled().await?;
        let as_of = as_of.into().instant(&live);
        if live.answers(as_of) {
            return live.population(tenant, as_of);
        }
        drop(live);
        self.everything().population_of(tenant, as_of).await
    }

    /// Selects customers of the default tenant as of now: by any field of their views, in an order, a page at a time.
    ///
    /// ```
    /// use wayfold::{CustomerKey, EventId, Filter, JourneyEvent, LifecycleStage, MemoryStore, Order, Registered};
    /// use wayfold::{Selection, Timestamp, Wayfold};
    ///
    /// # pollster::block_on(async {
    /// let wayfold = Wayfold::open(MemoryStore::new()).await?;
    /// let at = Timestamp::parse("2024-03-01")?;
    /// wayfold.append(&[
    ///     JourneyEvent::new(EventId::from_u128(1), CustomerKey::new("ada")?, at, Registered {}),
    ///     JourneyEvent::new(EventId::from_u128(2), CustomerKey::new("bob")?, at.next(), Registered {}),
    /// ]).await?;
    /// let prospects = Filter::field("lifecycle.stage").is(LifecycleStage::Prospect);
    /// let newest = Order::descending("last_seen_at");
    /// let mut selection = Selection::new(prospects).with_order(newest).with_limit(1);
    /// let page = wayfold.customers(&selection).await?;
    /// let cursor = page.next().expect("there is a second page");
    /// assert_eq!(page.into_customers()[0].key, CustomerKey::new("bob")?);
    /// selection = selection.with_after(cursor);
    /// assert_eq!(wayfold.customers(&selection).await?.into_customers()[0].key, CustomerKey::new("ada")?);
    /// # Ok::<(), wayfold::Error>(())
    /// # }).unwrap();
    /// ```
    ///
    /// # Errors
    /// `InvalidQuestion` if a field does not exist or cannot be compared so, or the cursor is of another selection; as
    /// [`Wayfold::population`].
    pub async fn customers(&self, selection: &Selection) -> Result<Page> {
        self.customers_as_of(selection, AsOf::Now).await
    }

    /// Selects customers of the default tenant as of an instant.
    ///
    /// # Errors
    /// As [`Wayfold::customers`].
    pub async fn customers_as_of(&self, selection: &Selection, as_of: impl Into<AsOf>) -> Result<Page> {
        self.customers_of(&Tenant::default(), selection, as_of).await
    }

    /// Selects customers of a tenant as of an instant.
    ///
    /// # Errors
    /// As [`Wayfold::customers`].
    pub async fn customers_of(
        &self,
        tenant: &Tenant,
        selection: &Selection,
        as_of: impl Into<AsOf>,
    ) -> Result<Page> {
        selection.validate(&self.engine().projections())?;
        let live = self.engine().settled().await?;
        let as_of = as_of.into().instant(&live);
        if live.answers(as_of) {
            return live.select(tenant, as_of, selection);
        }
        drop(live);
        self.everything().shards(as_of).await?.select(tenant, as_of, selection)
    }

    /// A projection's views of all customers of the default tenant as of an instant, by key bytes.
    ///
    /// # Errors
    /// As [`Wayfold::population`] and [`Wayfold::own_view_as_of`].
    pub async fn own_views<P: Projection>(
        &self,
        handle: Handle<P>,
        as_of: impl Into<AsOf>,
    ) -> Result<SortedViews<P::View>> {
        self.own_views_of(&Tenant::default(), handle, as_of).await
    }

    /// The same of another tenant.
    ///
    /// # Errors
    /// As [`Wayfold::own_views`].
    pub async fn own_views_of<P: Projection>(
        &self,
        tenant: &Tenant,
        handle: Handle<P>,
        as_of: impl Into<AsOf>,
    ) -> Result<SortedViews<P::View>> {
        let live = self.engine().settled().await?;
        let as_of = as_of.into().instant(&live);
        if live.answers(as_of) {
            return live.own_views(handle, tenant, as_of);
        }
        drop(live);
        self.everything().shards(as_of).await?.own_views(handle, tenant, as_of)
    }

    /// The instant of the newest event that has happened by now and stands, of any tenant; `None` if none has.
    ///
    /// # Errors
    /// As [`Wayfold::catch_up`].
    pub async fn newest(&self) -> Result<Option<Timestamp>> {
        Ok(self.engine().settled().await?.newest())
    }

    /// The canonical export of all states as of now: equal sets of events give equal bytes.
    ///
    /// # Errors
    /// As [`Wayfold::population`]; `InvalidConfiguration` if a state of one's own holds a float, `Panicked` if a
    /// projection of one's own has panicked.
    pub async fn export(&self) -> Result<Vec<u8>> {
        self.engine().settled().await?.export()
    }

    /// The same of one tenant's customers.
    ///
    /// # Errors
    /// As [`Wayfold::export`].
    pub async fn export_of(&self, tenant: &Tenant) -> Result<Vec<u8>> {
        self.engine().settled().await?.export_of(tenant)
    }

    /// Asks as known at a point of the log: events recorded after it are as if they had not come yet.
    pub fn as_known_at(&self, known_at: impl Into<KnownAt>) -> AsKnownAt<'_> {
        AsKnownAt { wayfold: self, known: Known(Some(known_at.into())) }
    }

    pub(crate) fn everything(&self) -> AsKnownAt<'_> {
        AsKnownAt { wayfold: self, known: Known(None) }
    }
}
