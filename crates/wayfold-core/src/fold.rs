//! The fold: batches of events in any order into the state of every customer, convergent.

mod checkpoint;
mod cluster;
mod customers;
mod histories;
mod history_fold;
mod key_order;
mod last_event;
mod merged;
mod per_customer;
mod questions;
mod snapshot;
mod sorted_views;
mod teller;
mod watch;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use hashbrown::HashMap;

use self::checkpoint::{Checkpoint, Checkpoints, step};
use self::cluster::{Clusters, Gathered, may_retract};
use self::customers::Customers;
pub use self::histories::{History, for_each_history};
pub use self::history_fold::HistoryFold;
use self::last_event::LastEvent;
use self::merged::Merged;
pub(crate) use self::per_customer::PerCustomer;
pub use self::snapshot::{PartEntry, Snapshot, SnapshotPart};
pub use self::sorted_views::SortedViews;
pub use self::teller::Teller;
pub(crate) use self::watch::Membership;
use self::watch::Watched;
use crate::batch::{EventBatch, RowRef, Run, rows_of};
use crate::error::{Error, ErrorKind, Result};
use crate::event::{EventKind, OrderKey};
use crate::key::{CustomerKey, EventId};
use crate::list::CustomerList;
use crate::projection::{CustomerRecord, ProjectionSet, StateColumn};
use crate::shard::Shard;
use crate::time::Timestamp;

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
    records: PerCustomer<CustomerRecord>,
    last: PerCustomer<LastEvent>,
    columns: Vec<Box<dyn StateColumn>>,
    /// Of customers with long histories who were folded again.
    checkpoints: HashMap<u32, Checkpoints>,
    retracted: HashMap<u32, BTreeSet<EventId>>,
    /// Customers that wait for a refold, and after which event it starts.
    stale: BTreeMap<u32, Option<OrderKey>>,
    /// Customers with events later than the fold's instant.
    due: BTreeSet<(Timestamp, u32)>,
    clusters: Clusters,
    /// Whether an event at the instant of the last one folded needs a refold even if it comes in order.
    ties_are_late: bool,
    /// Whose members a teller tells of.
    watched: Arc<Watched>,
}

/// Folds the run of a customer, given by its number.
type TakeRun<'a> = dyn FnMut(&mut Fold, u32, &Run<'_>) + 'a;

/// Batches that are applied together.
#[derive(Clone, Copy)]
struct Together<'a> {
    batches: &'a [EventBatch],
    /// Whether any of them has an event that takes another back.
    may_retract: bool,
    /// Whether all events of a customer are handed over in one run, as whoever tells of them needs.
    in_one_run: bool,
}

/// Runs of a customer with fewer events on average are folded as one.
const EVENTS_PER_RUN_MIN: usize = 8;

/// What one call of [`Fold::apply`] did.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[must_use = "customers in `refolds` stay unanswerable until they are refolded"]
pub struct Applied {
    /// Events in the batches of the customers that this fold takes.
    pub events: u64,
    /// Events folded.
    pub folded: u64,
    /// Events later than the fold's instant, left to the schedule.
    pub scheduled: u64,
    /// Customers to refold, each once.
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
            shard: Shard::ALL,
            customers: Customers::default(),
            records: PerCustomer::default(),
            last: PerCustomer::default(),
            columns: projections.columns(),
            checkpoints: HashMap::new(),
            retracted: HashMap::new(),
            stale: BTreeMap::new(),
            due: BTreeSet::new(),
            clusters: Clusters::default(),
            ties_are_late: false,
            watched: Arc::default(),
        }
    }

    /// Puts a list that filters may ask, in the place of one of the same name.
    pub fn put_list(&mut self, list: CustomerList) {
        self.projections.put_list(list);
    }

    /// Sets the instant up to which events are folded, before anything was applied.
    ///
    /// # Panics
    /// If something was applied; the instant then moves by [`Fold::advance_to`].
    pub fn with_as_of(mut self, as_of: Timestamp) -> Self {
        assert!(self.customers.len() == 0, "the instant of a fold that has begun moves by advance_to");
        self.as_of = as_of;
        self
    }

    /// Takes one of several shards, before anything was applied.
    ///
    /// # Panics
    /// If the index is not below the number of shards, or something was applied.
    pub fn with_shard(self, index: usize, of: usize) -> Self {
        self.with_customers(Shard::new(index, of))
    }

    /// Takes the customers of a shard, before anything was applied.
    ///
    /// # Panics
    /// If something was applied.
    pub fn with_customers(mut self, shard: Shard) -> Self {
        assert!(self.customers.len() == 0, "the shard of a fold that has begun stays");
        self.shard = shard;
        self
    }

    /// The shard whose customers it takes.
    pub fn shard(&self) -> Shard {
        self.shard
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
        self.apply_of(Shard::ALL, batches)
    }

    /// As [`Fold::apply`], but customers that are not of a shard are passed over: a log that is read customer after
    /// customer hands over batches at whose ends others stand.
    pub fn apply_of(&mut self, shard: Shard, batches: &[EventBatch]) -> Applied {
        let in_one_run = false;
        self.apply_with(shard, batches, in_one_run, &mut |fold, customer, run| fold.evolve(customer, run))
    }

    /// Applies batches; runs that follow what is folded are handed over to be folded, if asked for in one run for each
    /// customer.
    fn apply_with(
        &mut self,
        shard: Shard,
        batches: &[EventBatch],
        in_one_run: bool,
        take: &mut TakeRun<'_>,
    ) -> Applied {
        let mut applied = Applied::default();
        let Some(shard) = shard.and(&self.shard) else { return applied };
        let together = Together { batches, may_retract: may_retract(batches), in_one_run };
        let mut rows = Vec::new();
        if let Some(merged) = Merged::new(batches, shard) {
            applied.events = merged.rows();
            let number = |(spread, (tenant, customer))| {
                let tenant = self.customers.tenant(tenant);
                self.customers.number_by_spread(spread, tenant, customer)
            };
            let mut numbers = merged.customers().map(number).collect::<Vec<_>>().into_iter();
            self.grow();
            merged.for_each(|_, gathered| {
                let customer = numbers.next().expect("each customer was numbered");
                self.apply_gathered(customer, together, gathered, &mut rows, &mut applied, take);
            });
            return applied;
        }
        let mut clusters = std::mem::take(&mut self.clusters);
        applied.events = clusters.gather(batches, &mut self.customers, shard);
        self.grow();
        for (customer, own) in clusters.iter() {
            let own = Gathered::Rows(own);
            self.apply_gathered(customer, together, own, &mut rows, &mut applied, take);
        }
        self.clusters = clusters;
        applied
    }

    /// Folds what was gathered of one customer, or asks for a refold; `rows` is kept for its memory.
    fn apply_gathered(
        &mut self,
        customer: u32,
        together: Together<'_>,
        gathered: Gathered<'_, '_>,
        rows: &mut Vec<RowRef>,
        applied: &mut Applied,
        take: &mut TakeRun<'_>,
    ) {
        let Together { batches, may_retract, in_one_run } = together;
        let is_plain = gathered.is_plain(self.as_of, may_retract) && !self.retracted.contains_key(&customer);
        let (runs, length) = gathered.runs_and_length();
        let after = if is_plain && (runs == 1 || (!in_one_run && length >= EVENTS_PER_RUN_MIN)) {
            // What comes behind a late event is in the history that the refold reads.
            gathered.runs(batches).find_map(|run| self.apply_run(customer, &run, applied, take))
        } else {
            gathered.put_rows(rows);
            self.apply_rows(customer, together, rows, applied, take)
        };
        if let Some(after) = after {
            let after = self.mark_stale(customer, after);
            applied.refolds.push(Refold { customer: self.customers.key(customer), after });
        }
    }

    /// Folds rows of one customer; says after which event a refold starts if it needs one.
    fn apply_rows(
        &mut self,
        customer: u32,
        Together { batches, may_retract, .. }: Together<'_>,
        rows: &mut Vec<RowRef>,
        applied: &mut Applied,
        take: &mut TakeRun<'_>,
    ) -> Option<Option<OrderKey>> {
        let retracts = may_retract && self.take_retractions(customer, batches, rows);
        applied.scheduled += self.schedule(customer, rows);
        if retracts && (self.records[customer as usize].events() > 0 || self.stale.contains_key(&customer)) {
            return Some(None);
        }
        self.drop_retracted(customer, batches, rows);
        self.apply_run(customer, &Run::sorted(batches, rows), applied, take)
    }

    /// Folds events of one customer if they follow what is folded; says after which event a refold starts if not.
    fn apply_run(
        &mut self,
        customer: u32,
        run: &Run<'_>,
        applied: &mut Applied,
        take: &mut TakeRun<'_>,
    ) -> Option<Option<OrderKey>> {
        let first = run.first()?;
        // A refold may have read further than what was applied, so that an event can come again.
        let index = customer as usize;
        let (at, last_at) = (first.occurred_at(), self.records[index].last_seen_at());
        let follows = at > last_at
            || (at == last_at
                && !self.ties_are_late
                && LastEvent::from(first.order_key()) > self.last[index]);
        let late = self.records[index].events() > 0 && !follows;
        if late || self.stale.contains_key(&customer) {
            return Some(self.checkpoint_before(customer, first.order_key()));
        }
        applied.folded += run.len() as u64;
        take(self, customer, run);
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

    /// The key of the last event folded, or the greatest that it may be; none before any.
    fn last_key(&self, customer: usize) -> Option<OrderKey> {
        let record = &self.records[customer];
        (record.events() > 0).then(|| self.last[customer].key(record.last_seen_at()))
    }

    fn checkpoint_before(&self, customer: u32, key: OrderKey) -> Option<OrderKey> {
        self.checkpoints.get(&customer)?.before(key).map(|checkpoint| checkpoint.key)
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
            let after = self.mark_stale(customer, self.last_key(customer as usize));
            refolds.push(Refold { customer: self.customers.key(customer), after });
        }
        Ok(refolds)
    }

    /// Folds a customer's history anew, from the start that the fold named.
    ///
    /// The history holds at least the customer's events after [`Refold::after`] and the retractions among
    /// all of them; other customers' events in it are passed over. Where `apply` has asked for an earlier start
    /// since, this refold is passed over and the customer waits for the newer one.
    pub fn refold(&mut self, refold: &Refold, history: &[EventBatch]) {
        let key = &refold.customer;
        let Some(customer) = self.customers.number(key.tenant.as_str(), key.customer.as_str()) else {
            return;
        };
        let Some(after) = self.stale.get(&customer).copied().filter(|after| refold.after <= *after) else {
            return;
        };
        self.stale.remove(&customer);
        self.restore(customer, after);
        let mut rows = rows_of(key, history);
        self.take_retractions(customer, history, &mut rows);
        rows.retain(|row| {
            let key = row.event(history).order_key();
            key.occurred_at <= self.as_of && after.is_none_or(|after| key > after)
        });
        self.drop_retracted(customer, history, &mut rows);
        let run = Run::sorted(history, &mut rows);
        let events = self.records[customer as usize].events() + run.len() as u64;
        if events >= self.projections.checkpoints_every() {
            // Whose events were late once, some will be again.
            self.checkpoints.entry(customer).or_default();
        }
        self.evolve(customer, &run);
    }

    /// Takes a customer back to the state after an event, or to nothing.
    fn restore(&mut self, customer: u32, after: Option<OrderKey>) {
        let index = customer as usize;
        if after.is_some() && after == self.last_key(index) {
            return;
        }
        match self.checkpoints.get_mut(&customer).and_then(|checkpoints| checkpoints.cut_behind(after)) {
            Some(checkpoint) => {
                self.records[index] = checkpoint.record.clone();
                self.last[index] = checkpoint.key.into();
                for (column, saved) in self.columns.iter_mut().zip(&checkpoint.states) {
                    column.restore(index, saved);
                }
            }
            None => {
                self.records[index] = CustomerRecord::default();
                self.last[index] = LastEvent::NONE;
                for column in &mut self.columns {
                    column.reset(index);
                }
            }
        }
    }

    /// Folds a sorted run on, with a checkpoint whenever the history of a customer who keeps some has grown enough.
    fn evolve(&mut self, customer: u32, run: &Run<'_>) {
        if !self.checkpoints.contains_key(&customer) {
            return self.evolve_part(customer as usize, run);
        }
        let every = self.projections.checkpoints_every();
        let mut rest = *run;
        while !rest.is_empty() {
            // Of a run at once those that would be dropped before its end are not made.
            let room = self.events_to_checkpoint(customer).max(rest.len() / 2);
            let (now, later) = rest.split_at(room);
            self.evolve_part(customer as usize, &now);
            if now.len() == room
                && let Some(last) = now.last()
            {
                let key = match later.first() {
                    // What comes at the same instant has to be told from what is folded.
                    Some(next) if next.occurred_at() == last.occurred_at() => last.order_key(),
                    _ => last.order_key_at_most(),
                };
                let checkpoint = self.checkpoint(customer as usize, key);
                self.checkpoints.entry(customer).or_default().push(checkpoint, every);
            }
            rest = later;
        }
    }

    /// How many events are missing until the next checkpoint.
    fn events_to_checkpoint(&self, customer: u32) -> usize {
        let kept = self.checkpoints.get(&customer).map_or(0, Checkpoints::events);
        let missing = (kept + step(kept, self.projections.checkpoints_every()))
            .saturating_sub(self.records[customer as usize].events());
        usize::try_from(missing).unwrap_or(usize::MAX).max(1)
    }

    fn evolve_part(&mut self, customer: usize, run: &Run<'_>) {
        self.records[customer].evolve(run);
        for column in &mut self.columns {
            column.evolve(customer, run);
        }
        if let Some(last) = run.last() {
            self.last[customer] = last.order_key_at_most().into();
        }
    }

    fn checkpoint(&self, customer: usize, key: OrderKey) -> Checkpoint {
        Checkpoint {
            key,
            record: self.records[customer].clone(),
            states: self.columns.iter().map(|column| column.save(customer)).collect(),
        }
    }

    fn grow(&mut self) {
        let customers = self.customers.len();
        self.records.grow(customers, CustomerRecord::default);
        self.last.grow(customers, || LastEvent::NONE);
        for column in &mut self.columns {
            column.grow(customers);
        }
    }
}
