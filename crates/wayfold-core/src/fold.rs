//! The fold: batches of events in any order into the state of every customer, convergent.

mod checkpoint;
mod cluster;
mod customers;
mod order;

use std::collections::{BTreeMap, BTreeSet};
use std::io;

use hashbrown::HashMap;

use self::checkpoint::{Checkpoint, EVENTS_PER_CHECKPOINT};
use self::cluster::Clusters;
pub(crate) use self::cluster::{RowRef, Run, rows_of};
use self::customers::Customers;
pub use self::order::OrderKey;
use crate::batch::{EventBatch, EventView};
use crate::error::{Error, ErrorKind, Result};
use crate::event::EventKind;
use crate::key::{CustomerKey, EventId, Tenant};
use crate::projection::{CustomerAt, CustomerRecord, Handle, Projection, ProjectionSet, StateColumn};
use crate::time::Timestamp;
use crate::view::CustomerView;

/// Folds batches into one state a customer, as of an instant.
///
/// A customer's events are folded in the order of [`OrderKey`]. Those later than the fold's instant are left
/// to the schedule of what falls due. A late event or a retraction needs the customer's history: `apply` and
/// `advance_to` return which customers to [`Fold::refold`] from which event on, and until that is done a
/// question about such a customer is an error. A fold may be one of several shards, each of which takes the
/// customers that hash to it.
///
/// ```
/// use wayfold_core::{CustomerKey, EventBatch, EventId, Fold, JourneyEvent, ProjectionSet, Registered, Rules, Timestamp};
///
/// let (key, at) = (CustomerKey::new("c1")?, Timestamp::parse("2024-01-01")?);
/// let event = JourneyEvent::new(EventId::from_u128(7), key.clone(), at, Registered {});
/// let batch = EventBatch::from_events([&event])?;
///
/// let mut fold = Fold::new(&ProjectionSet::new(Rules::default())?);
/// assert!(fold.apply(std::slice::from_ref(&batch)).refolds.is_empty());
/// assert_eq!(fold.view(&key, at)?.unwrap().events, 1);
/// # Ok::<(), wayfold_core::Error>(())
/// ```
pub struct Fold {
    projections: ProjectionSet,
    as_of: Timestamp,
    shard: Shard,
    customers: Customers,
    records: Vec<CustomerRecord>,
    /// The key of the last event folded; [`OrderKey::FIRST`] before any.
    last: Vec<OrderKey>,
    columns: Vec<Box<dyn StateColumn>>,
    checkpoints: HashMap<u32, Vec<Checkpoint>>,
    retracted: HashMap<u32, BTreeSet<EventId>>,
    /// Customers that wait for a refold, and after which event it starts.
    stale: BTreeMap<u32, Option<OrderKey>>,
    /// Customers with events later than the fold's instant.
    due: BTreeSet<(Timestamp, u32)>,
    clusters: Clusters,
}

#[derive(Debug, Clone, Copy)]
struct Shard {
    index: usize,
    of: usize,
}

/// What one call of [`Fold::apply`] did.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[must_use = "customers in `refolds` stay unanswerable until they are refolded"]
pub struct Applied {
    /// Events folded.
    pub folded: u64,
    /// Events later than the fold's instant, left to the schedule.
    pub scheduled: u64,
    /// Customers to refold, in the order of their first occurrence.
    pub refolds: Vec<Refold>,
}

/// A customer whose history the fold needs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refold {
    /// Whose history.
    pub customer: CustomerKey,
    /// The history after this event suffices; `None` for all of it.
    pub after: Option<OrderKey>,
}

impl std::fmt::Debug for Fold {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Fold")
            .field("projections", &self.projections)
            .field("as_of", &self.as_of)
            .field("shard", &self.shard)
            .field("customers", &self.customers.len())
            .finish_non_exhaustive()
    }
}

impl Fold {
    /// Starts an empty fold that leaves no event to a schedule.
    pub fn new(projections: &ProjectionSet) -> Self {
        Self {
            projections: projections.clone(),
            as_of: Timestamp::MAX,
            shard: Shard { index: 0, of: 1 },
            customers: Customers::default(),
            records: Vec::new(),
            last: Vec::new(),
            columns: projections.columns(),
            checkpoints: HashMap::new(),
            retracted: HashMap::new(),
            stale: BTreeMap::new(),
            due: BTreeSet::new(),
            clusters: Clusters::default(),
        }
    }

    /// Sets the instant up to which events are folded, before anything was applied.
    pub fn with_as_of(mut self, as_of: Timestamp) -> Self {
        assert!(self.customers.len() == 0, "the instant of a fold that has begun moves by advance_to");
        self.as_of = as_of;
        self
    }

    /// Takes one of several shards, before anything was applied.
    ///
    /// # Panics
    /// If the index is not below the number of shards.
    pub fn with_shard(mut self, index: usize, of: usize) -> Self {
        assert!(index < of && self.customers.len() == 0, "shard {index} of {of}");
        self.shard = Shard { index, of };
        self
    }

    /// The instant up to which events are folded.
    pub fn as_of(&self) -> Timestamp {
        self.as_of
    }

    /// The projections.
    pub fn projections(&self) -> &ProjectionSet {
        &self.projections
    }

    /// Folds the events of batches; each event is applied once, in any order.
    ///
    /// # Behavior
    /// - Several batches at once are clustered by customer together, which is the fastest way.
    /// - A late event or a retraction puts its customer into `refolds` instead.
    /// - A customer that already waits for a refold is returned again.
    pub fn apply(&mut self, batches: &[EventBatch]) -> Applied {
        let mut applied = Applied::default();
        let mut clusters = std::mem::take(&mut self.clusters);
        clusters.gather(batches, &mut self.customers, self.shard);
        self.grow();
        clusters.for_each(|customer, rows| {
            if let Some(after) = self.apply_customer(customer, batches, rows, &mut applied) {
                let after = self.mark_stale(customer, after);
                applied.refolds.push(Refold { customer: self.customers.key(customer), after });
            }
        });
        self.clusters = clusters;
        applied
    }

    /// Folds the rows of one customer; says after which event a refold starts if it needs one.
    fn apply_customer(
        &mut self,
        customer: u32,
        batches: &[EventBatch],
        rows: &mut Vec<RowRef>,
        applied: &mut Applied,
    ) -> Option<Option<OrderKey>> {
        let retracts = self.take_retractions(customer, batches, rows);
        applied.scheduled += self.schedule(customer, rows);
        if retracts && (self.records[customer as usize].events() > 0 || self.stale.contains_key(&customer)) {
            return Some(None);
        }
        self.drop_retracted(customer, batches, rows);
        let run = Run::sorted(batches, rows);
        let first = run.first_key()?;
        if self.stale.contains_key(&customer) || first < self.last[customer as usize] {
            return Some(self.checkpoint_before(customer, first));
        }
        applied.folded += run.len() as u64;
        self.evolve(customer, &run);
        None
    }

    /// Takes retractions out of the rows and remembers their targets; says whether there were any.
    fn take_retractions(&mut self, customer: u32, batches: &[EventBatch], rows: &mut Vec<RowRef>) -> bool {
        let retracts = |row: &RowRef| row.hot.kind == EventKind::EventRetracted;
        if !rows.iter().any(retracts) {
            return false;
        }
        let targets =
            rows.iter().filter(|row| retracts(row)).filter_map(|row| row.event(batches).event_id("event"));
        self.retracted.entry(customer).or_default().extend(targets);
        rows.retain(|row| !retracts(row));
        true
    }

    /// Takes events that are not yet due out of the rows.
    fn schedule(&mut self, customer: u32, rows: &mut Vec<RowRef>) -> u64 {
        if self.as_of == Timestamp::MAX {
            return 0;
        }
        let before = rows.len();
        rows.retain(|row| {
            let at = row.hot.occurred_at;
            if at > self.as_of {
                self.due.insert((at, customer));
            }
            at <= self.as_of
        });
        (before - rows.len()) as u64
    }

    fn drop_retracted(&self, customer: u32, batches: &[EventBatch], rows: &mut Vec<RowRef>) {
        if let Some(retracted) = self.retracted.get(&customer) {
            rows.retain(|row| !retracted.contains(&row.event(batches).id()));
        }
    }

    fn checkpoint_before(&self, customer: u32, key: OrderKey) -> Option<OrderKey> {
        let checkpoints = self.checkpoints.get(&customer)?;
        checkpoints.iter().rev().map(|checkpoint| checkpoint.key).find(|known| *known < key)
    }

    /// Notes that a customer waits for a refold, from the earlier of both starts.
    fn mark_stale(&mut self, customer: u32, after: Option<OrderKey>) -> Option<OrderKey> {
        let start = self.stale.entry(customer).or_insert(after);
        *start = (*start).min(after);
        *start
    }

    /// Moves the fold's instant forward and returns the customers for whom events fell due.
    ///
    /// # Errors
    /// `InvalidTime` if the instant lies before the fold's; ask for a view as of it instead.
    pub fn advance_to(&mut self, instant: Timestamp) -> Result<Vec<Refold>> {
        if instant < self.as_of {
            let message =
                format_args!("the fold stands at {}, so it cannot go back to {instant}", self.as_of);
            return Err(Error::new(ErrorKind::InvalidTime, message));
        }
        self.as_of = instant;
        // No customer has the highest number, so that what stays behind is due at or before the instant.
        let later = self.due.split_off(&(instant, u32::MAX));
        let due = std::mem::replace(&mut self.due, later);
        let customers: BTreeSet<u32> = due.into_iter().map(|(_, customer)| customer).collect();
        let mut refolds = Vec::with_capacity(customers.len());
        for customer in customers {
            let last = self.last[customer as usize];
            let after = (last != OrderKey::FIRST).then_some(last);
            let after = self.mark_stale(customer, after);
            refolds.push(Refold { customer: self.customers.key(customer), after });
        }
        Ok(refolds)
    }

    /// Folds a customer's history anew, from the start that the fold named.
    ///
    /// The history holds at least the customer's events after [`Refold::after`] and the retractions among
    /// all of them; other customers' events in it are passed over.
    pub fn refold(&mut self, refold: &Refold, history: &[EventBatch]) {
        let key = &refold.customer;
        let Some(customer) = self.customers.number(key.tenant.as_str(), key.customer.as_str()) else {
            return;
        };
        let Some(after) = self.stale.remove(&customer) else { return };
        self.restore(customer, after);
        let mut rows = rows_of(key, history);
        self.take_retractions(customer, history, &mut rows);
        rows.retain(|row| {
            let key = row.event(history).order_key();
            key.occurred_at <= self.as_of && after.is_none_or(|after| key > after)
        });
        self.drop_retracted(customer, history, &mut rows);
        let run = Run::sorted(history, &mut rows);
        self.evolve(customer, &run);
    }

    /// Takes a customer back to the state after an event, or to nothing.
    fn restore(&mut self, customer: u32, after: Option<OrderKey>) {
        let index = customer as usize;
        if after.is_some_and(|after| after == self.last[index]) {
            return;
        }
        let checkpoints = self.checkpoints.entry(customer).or_default();
        checkpoints.retain(|checkpoint| after.is_some_and(|after| checkpoint.key <= after));
        match checkpoints.last() {
            Some(checkpoint) => {
                self.records[index] = checkpoint.record.clone();
                self.last[index] = checkpoint.key;
                for (column, saved) in self.columns.iter_mut().zip(&checkpoint.states) {
                    column.restore(index, saved);
                }
            }
            None => {
                self.records[index] = CustomerRecord::default();
                self.last[index] = OrderKey::FIRST;
                for column in &mut self.columns {
                    column.reset(index);
                }
            }
        }
    }

    /// Folds a sorted run on, with a checkpoint whenever a long history has grown enough.
    fn evolve(&mut self, customer: u32, run: &Run<'_>) {
        let mut rest = *run;
        while !rest.is_empty() {
            let events = self.records[customer as usize].events();
            let room = EVENTS_PER_CHECKPOINT - events % EVENTS_PER_CHECKPOINT;
            let (now, later) = rest.split_at(room as usize);
            self.evolve_part(customer as usize, &now);
            if now.len() as u64 == room {
                let checkpoint = self.checkpoint(customer as usize);
                self.checkpoints.entry(customer).or_default().push(checkpoint);
            }
            rest = later;
        }
    }

    fn evolve_part(&mut self, customer: usize, run: &Run<'_>) {
        let record = &mut self.records[customer];
        for event in run.iter() {
            record.evolve(&event);
        }
        for column in &mut self.columns {
            column.evolve(customer, run);
        }
        if let Some(key) = run.last_key() {
            self.last[customer] = key;
        }
    }

    fn checkpoint(&self, customer: usize) -> Checkpoint {
        Checkpoint {
            key: self.last[customer],
            record: self.records[customer].clone(),
            states: self.columns.iter().map(|column| column.save(customer)).collect(),
        }
    }

    fn grow(&mut self) {
        let customers = self.customers.len();
        self.records.resize_with(customers, CustomerRecord::default);
        self.last.resize(customers, OrderKey::FIRST);
        for column in &mut self.columns {
            column.grow(customers);
        }
    }
}

/// Questions to a fold.
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

    /// Answers about a customer; `None` if no event of it is folded.
    ///
    /// # Errors
    /// `InvalidTime` if the instant lies before an event that is folded (fold the history up to it instead) or
    /// beyond the fold's own; `NotRefolded` if the customer waits for a refold.
    pub fn view(&self, key: &CustomerKey, as_of: Timestamp) -> Result<Option<CustomerView>> {
        Ok(self.answerable(key, as_of)?.map(|customer| self.view_at(customer, as_of)))
    }

    /// Answers with a registered projection's view; `None` if no event of the customer is folded.
    ///
    /// # Errors
    /// As [`Fold::view`].
    pub fn own_view<P: Projection>(
        &self,
        handle: Handle<P>,
        key: &CustomerKey,
        as_of: Timestamp,
    ) -> Result<Option<P::View>> {
        let Some(customer) = self.answerable(key, as_of)? else { return Ok(None) };
        Ok(Some(self.own_view_of(handle, customer, &CustomerAt::new(&self.records[customer], as_of))))
    }

    /// Calls back with every customer of a tenant and its view of a registered projection, by key bytes.
    ///
    /// # Errors
    /// As [`Fold::view`], for the first customer that cannot be answered.
    pub fn for_each_own_view<P: Projection>(
        &self,
        handle: Handle<P>,
        tenant: &Tenant,
        as_of: Timestamp,
        mut take: impl FnMut(CustomerKey, P::View),
    ) -> Result<()> {
        self.check_as_of(as_of)?;
        for customer in self.sorted(Some(tenant)) {
            self.check_customer(customer, as_of)?;
            let at = CustomerAt::new(&self.records[customer], as_of);
            take(self.customers.key(customer as u32), self.own_view_of(handle, customer, &at));
        }
        Ok(())
    }

    /// Writes the canonical export: JSON Lines, one customer a line, by the bytes of the keys.
    ///
    /// Equal sets of events give equal bytes.
    ///
    /// # Errors
    /// `InvalidProjection` if a state holds a float, fails to serialise, or cannot be written.
    pub fn export(&self, out: &mut dyn io::Write) -> Result<()> {
        for customer in self.sorted(None) {
            self.check_customer(customer, self.as_of)?;
            let key = self.customers.key(customer as u32);
            crate::export::write_customer(&key, &self.records[customer], &self.columns, customer, out)?;
        }
        Ok(())
    }

    fn view_of(&self, customer: usize, at: &CustomerAt<'_>) -> CustomerView {
        let record = at.record();
        CustomerView {
            key: self.customers.key(customer as u32),
            as_of: at.as_of(),
            rules: self.projections.rules().version.clone(),
            events: record.events(),
            unknown_events: record.unknown_events(),
            first_seen_at: record.first_seen_at(),
            last_seen_at: record.last_seen_at(),
            journeys: self.own_view_of(self.projections.journeys, customer, at),
            lifecycle: self.own_view_of(self.projections.lifecycle, customer, at),
            segment: self.own_view_of(self.projections.segment, customer, at),
            value: self.own_view_of(self.projections.value, customer, at),
            holds_until: self.held_until(customer, at),
        }
    }

    /// The last microsecond at which the views of all projections stay; the end of time is for ever.
    pub(crate) fn held_until(&self, customer: usize, at: &CustomerAt<'_>) -> Option<Timestamp> {
        let ends = self.columns.iter().filter_map(|column| column.holds_until(customer, at));
        ends.min().filter(|end| *end < Timestamp::MAX)
    }

    pub(crate) fn own_view_of<P: Projection>(
        &self,
        handle: Handle<P>,
        customer: usize,
        at: &CustomerAt<'_>,
    ) -> P::View {
        let column = self.columns.get(handle.index).and_then(|column| column.as_any().downcast_ref());
        let column: &crate::projection::Column<P> = column.expect("the handle is of this fold's projections");
        column.projection.view(&column.states[customer], at)
    }

    /// Numbers of the customers with events, of one tenant or all, by the bytes of their keys.
    pub(crate) fn sorted(&self, tenant: Option<&Tenant>) -> Vec<usize> {
        let of_tenant = |customer: &usize| {
            tenant.is_none_or(|tenant| self.customers.texts(*customer).0 == tenant.as_str())
        };
        let seen = |customer: &usize| {
            self.records[*customer].events() > 0 || self.stale.contains_key(&(*customer as u32))
        };
        let mut customers: Vec<usize> = (0..self.records.len()).filter(seen).filter(of_tenant).collect();
        customers.sort_unstable_by_key(|customer| self.customers.texts(*customer));
        customers
    }

    pub(crate) fn view_at(&self, customer: usize, as_of: Timestamp) -> CustomerView {
        self.view_of(customer, &CustomerAt::new(&self.records[customer], as_of))
    }

    pub(crate) fn number_of(&self, key: &CustomerKey) -> Option<usize> {
        self.customers.number(key.tenant.as_str(), key.customer.as_str()).map(|number| number as usize)
    }

    pub(crate) fn record(&self, customer: usize) -> &CustomerRecord {
        &self.records[customer]
    }

    /// Folds one more event, which is the next of its customer, without a look at schedule or retractions.
    pub(crate) fn evolve_one(&mut self, event: &EventView<'_>) {
        let (tenant, customer) = event.customer_texts();
        let customer = self.customers.number_or_insert(tenant, customer) as usize;
        self.grow();
        self.records[customer].evolve(event);
        for column in &mut self.columns {
            column.evolve_one(customer, event);
        }
        self.last[customer] = event.order_key();
    }

    pub(crate) fn columns(&self) -> &[Box<dyn StateColumn>] {
        &self.columns
    }

    fn answerable(&self, key: &CustomerKey, as_of: Timestamp) -> Result<Option<usize>> {
        self.check_as_of(as_of)?;
        let Some(customer) = self.number_of(key) else { return Ok(None) };
        self.check_customer(customer, as_of)?;
        Ok((self.records[customer].events() > 0).then_some(customer))
    }

    pub(crate) fn check_as_of(&self, as_of: Timestamp) -> Result<()> {
        if as_of <= self.as_of {
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
