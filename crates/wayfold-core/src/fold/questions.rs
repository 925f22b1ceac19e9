//! What a fold answers, once it has folded.

use std::io;

use super::key_order::places_by_key;
use super::{Fold, History, PerCustomer, SortedViews};
use crate::batch::{EventView, Run};
use crate::error::{Error, ErrorKind, Result};
use crate::key::{CustomerKey, Tenant};
use crate::projection::{
    BuiltIn, Column, CustomerAt, CustomerRecord, Handle, LoyaltyProjection, Projection, ProjectionSet,
    StateColumn,
};
use crate::time::Timestamp;
use crate::view::CustomerView;

impl Fold {
    /// The customers with at least one event folded, by the bytes of their keys.
    pub fn customers(&self) -> Vec<CustomerKey> {
        self.sorted(None).into_iter().map(|customer| self.customers.key(customer as u32)).collect()
    }

    /// How many events are folded.
    pub fn events(&self) -> u64 {
        self.records.iter().map(CustomerRecord::events).sum()
    }

    /// How many of them are of kinds that this version does not know.
    pub fn unknown_events(&self) -> u64 {
        self.records.iter().map(CustomerRecord::unknown_events).sum()
    }

    /// The instant of the newest event folded; `None` before any.
    pub fn newest(&self) -> Option<Timestamp> {
        let seen = self.records.iter().filter(|record| record.events() > 0);
        seen.map(CustomerRecord::last_seen_at).max()
    }

    /// The instant of the first event that is scheduled; `None` if none is.
    pub fn next_due(&self) -> Option<Timestamp> {
        self.due.first().map(|(at, _)| *at)
    }

    /// Answers about a customer; `None` if no event of it is folded.
    ///
    /// # Errors
    /// `InvalidTime` if the instant lies before an event that is folded (fold the history up to it instead), or if
    /// an event of any customer is scheduled by then (advance the fold first); `NotRefolded` if the customer waits for a
    /// refold.
    pub fn view(&self, key: &CustomerKey, as_of: Timestamp) -> Result<Option<CustomerView>> {
        let built_in = self.projections.built_in();
        Ok(self.answerable(key, as_of)?.map(|customer| self.view_at(customer, as_of, &built_in)))
    }

    /// Folds the history of one customer, of which it then answers as of any instant from the last event on.
    ///
    /// ```
    /// use wayfold_core::{
    ///     CustomerKey, EventBatch, EventId, Fold, JourneyEvent, ProjectionSet, Registered, Rules, Shard, Timestamp,
    ///     for_each_history,
    /// };
    ///
    /// let (ada, at) = (CustomerKey::new("ada")?, Timestamp::parse("2024-01-01")?);
    /// let batch = EventBatch::from_events([&JourneyEvent::new(EventId::from_u128(1), ada.clone(), at, Registered {})])?;
    /// let set = ProjectionSet::new(Rules::default())?;
    /// for_each_history(&[batch], Shard::ALL, Timestamp::MAX, |history| {
    ///     assert_eq!(Fold::of_history(&set, history).view(&ada, at).unwrap().unwrap().events, 1);
    /// });
    /// # Ok::<(), wayfold_core::Error>(())
    /// ```
    pub fn of_history(projections: &ProjectionSet, history: &History<'_>) -> Self {
        let mut fold = Self::new(projections);
        history.events().iter().for_each(|event| fold.evolve_one(event));
        fold
    }

    /// Answers with a registered projection's view; `None` if no event of the customer is folded.
    ///
    /// # Errors
    /// As [`Fold::view`]; `ForeignHandle` if another set of projections gave the handle; `ProjectionPanicked` if
    /// the projection has panicked, here or while it folded events of any customer.
    pub fn own_view<P: Projection>(
        &self,
        handle: Handle<P>,
        key: &CustomerKey,
        as_of: Timestamp,
    ) -> Result<Option<P::View>> {
        let Some(customer) = self.answerable(key, as_of)? else { return Ok(None) };
        self.own_view_of(handle, customer, &self.customer_at(customer, as_of)).map(Some)
    }

    /// The views of a registered projection of every customer of a tenant, by the bytes of their names.
    ///
    /// # Errors
    /// As [`Fold::own_view`], for one of the customers that cannot be answered.
    pub fn own_views<P: Projection>(
        &self,
        handle: Handle<P>,
        tenant: &Tenant,
        as_of: Timestamp,
    ) -> Result<SortedViews<P::View>> {
        self.check_as_of(as_of)?;
        let mut views = PerCustomer::default();
        for customer in self.of_tenant(Some(tenant)) {
            self.check_customer(customer, as_of)?;
            let view = self.own_view_of(handle, customer, &self.customer_at(customer, as_of))?;
            views.push(Some((self.customers.key(customer as u32).customer, view)));
        }
        Ok(SortedViews::new(tenant.clone(), views))
    }

    /// Writes the canonical export: JSON Lines, one customer a line, by the bytes of the keys.
    ///
    /// Equal sets of events give equal bytes.
    ///
    /// # Errors
    /// `InvalidProjection` if a state holds a float, fails to serialise, or cannot be written.
    pub fn export(&self, out: &mut dyn io::Write) -> Result<()> {
        let names: Vec<String> =
            self.columns.iter().map(|column| format!("{}@{}", column.name(), column.version())).collect();
        for customer in self.sorted(None) {
            self.check_customer(customer, self.as_of)?;
            let (key, record) = (self.customers.key(customer as u32), &self.records[customer]);
            crate::export::write_customer(&key, record, &self.columns, &names, customer, out)?;
        }
        Ok(())
    }

    fn view_of(&self, customer: usize, at: &CustomerAt<'_>, built_in: &BuiltIn) -> CustomerView {
        let record = at.record();
        CustomerView {
            key: self.customers.key(customer as u32),
            as_of: at.as_of(),
            rules: self.projections.rules().version.clone(),
            events: record.events(),
            unknown_events: record.unknown_events(),
            first_seen_at: record.first_seen_at(),
            last_seen_at: record.last_seen_at(),
            journeys: self.built_in_view(built_in.journeys, customer, at),
            lifecycle: self.built_in_view(built_in.lifecycle, customer, at),
            segment: self.built_in_view(built_in.segment, customer, at),
            value: self.built_in_view(built_in.value, customer, at),
            loyalty: built_in.loyalty.map(|handle| self.built_in_view(handle, customer, at)),
            holds_until: self.held_until(customer, at),
        }
    }

    /// A customer for the views of projections.
    pub(crate) fn customer_at(&self, customer: usize, as_of: Timestamp) -> CustomerAt<'_> {
        let column = self.projections.loyalty().map(|handle| self.columns[handle.index].as_any());
        let column = column.and_then(|column| column.downcast_ref::<Column<LoyaltyProjection>>());
        let loyalty = column.map(|column| column.state(customer));
        CustomerAt::new(&self.records[customer], loyalty, as_of)
    }

    /// The last microsecond at which the views of all projections stay; the end of time is for ever.
    pub(crate) fn held_until(&self, customer: usize, at: &CustomerAt<'_>) -> Option<Timestamp> {
        let ends = self.columns.iter().filter_map(|column| column.holds_until(customer, at));
        // What a projection says of the past cannot end anything.
        ends.filter(|end| *end >= at.as_of()).min().filter(|end| *end < Timestamp::MAX)
    }

    pub(super) fn built_in_view<P: Projection>(
        &self,
        handle: Handle<P>,
        customer: usize,
        at: &CustomerAt<'_>,
    ) -> P::View {
        self.own_view_of(handle, customer, at)
            .expect("the built-in projections are those of this set and are total")
    }

    fn own_view_of<P: Projection>(
        &self,
        handle: Handle<P>,
        customer: usize,
        at: &CustomerAt<'_>,
    ) -> Result<P::View> {
        let column = self.columns.get(handle.index).and_then(|column| column.as_any().downcast_ref());
        let column: &Column<P> = column.ok_or_else(|| {
            let message =
                "the handle was given by another set of projections; keep the one that register gave";
            Error::new(ErrorKind::ForeignHandle, message)
        })?;
        column.view(customer, at)
    }

    /// Numbers of the customers with events, of one tenant or all, by the bytes of their keys.
    pub(crate) fn sorted(&self, tenant: Option<&Tenant>) -> Vec<usize> {
        let customers: Vec<usize> = self.of_tenant(tenant).collect();
        let texts = |place: u32| self.customers.texts(customers[place as usize]);
        places_by_key(customers.len() as u32, texts)
            .into_iter()
            .map(|place| customers[place as usize])
            .collect()
    }

    /// The customers with events, of a tenant or of all, in no order.
    pub(crate) fn of_tenant(&self, tenant: Option<&Tenant>) -> impl Iterator<Item = usize> {
        let of_tenant = move |customer: &usize| {
            tenant.is_none_or(|tenant| self.customers.texts(*customer).0 == tenant.as_str())
        };
        let seen = move |customer: &usize| {
            self.records[*customer].events() > 0 || self.stale.contains_key(&(*customer as u32))
        };
        (0..self.records.len()).filter(seen).filter(of_tenant)
    }

    pub(crate) fn view_at(&self, customer: usize, as_of: Timestamp, built_in: &BuiltIn) -> CustomerView {
        self.view_of(customer, &self.customer_at(customer, as_of), built_in)
    }

    pub(crate) fn number_of(&self, key: &CustomerKey) -> Option<usize> {
        self.customers.number(key.tenant.as_str(), key.customer.as_str()).map(|number| number as usize)
    }

    pub(crate) fn key(&self, customer: usize) -> CustomerKey {
        self.customers.key(customer as u32)
    }

    pub(crate) fn record(&self, customer: usize) -> &CustomerRecord {
        &self.records[customer]
    }

    /// Folds one more event, which is the next of its customer, without a look at schedule or retractions.
    pub(crate) fn evolve_one(&mut self, event: &EventView<'_>) {
        let (tenant, customer) = event.customer_texts();
        let tenant = self.customers.tenant(tenant);
        let customer = self.customers.number_or_insert(tenant, customer) as usize;
        self.grow();
        self.records[customer].evolve(&Run::of_event(event));
        for column in &mut self.columns {
            column.evolve_one(customer, event);
        }
        self.last[customer] = event.order_key().into();
    }

    pub(crate) fn columns(&self) -> &[Box<dyn StateColumn>] {
        &self.columns
    }

    pub(crate) fn answerable(&self, key: &CustomerKey, as_of: Timestamp) -> Result<Option<usize>> {
        self.check_as_of(as_of)?;
        let Some(customer) = self.number_of(key) else { return Ok(None) };
        self.check_customer(customer, as_of)?;
        Ok((self.records[customer].events() > 0).then_some(customer))
    }

    pub(crate) fn check_as_of(&self, as_of: Timestamp) -> Result<()> {
        if as_of <= self.as_of || self.next_due().is_none_or(|due| due > as_of) {
            return Ok(());
        }
        let message =
            format_args!("the fold stands at {}; advance it before asking as of {as_of}", self.as_of);
        Err(Error::new(ErrorKind::InvalidTime, message))
    }

    pub(crate) fn check_customer(&self, customer: usize, as_of: Timestamp) -> Result<()> {
        let refuse = |kind, message: std::fmt::Arguments<'_>| {
            let key = self.customers.key(customer as u32);
            Err(Error::new(kind, message).at(format_args!("customer {key}")))
        };
        if self.stale.contains_key(&(customer as u32)) {
            return refuse(
                ErrorKind::NotRefolded,
                format_args!("waits for a refold; call refold with its history"),
            );
        }
        let record = &self.records[customer];
        if record.events() > 0 && as_of < record.last_seen_at() {
            let last = record.last_seen_at();
            let message =
                format_args!("is folded up to {last}; fold its history up to {as_of} to ask as of then");
            return refuse(ErrorKind::InvalidTime, message);
        }
        Ok(())
    }
}
