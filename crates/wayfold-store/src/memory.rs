//! The reference store: small and strict, in memory, for tests, trials and what need not last.

use std::collections::hash_map::Entry;
use std::collections::{BTreeMap, HashMap, HashSet};
use std::fmt;
use std::future::poll_fn;
use std::sync::{Mutex, MutexGuard};
use std::task::{Poll, Waker};

use wayfold_core::{CustomerKey, EventBatch, EventView, Limits, Position, Tenant, Timestamp};

use crate::admit::{admit, admit_instant};
use crate::error::{Error, Result};
use crate::outcome::{AppendOutcome, Capabilities, Checkpoint, CheckpointName, ReadPage};
use crate::query::{AppendCondition, Direction, EventFilter, ReadQuery};
use crate::store::{BoxFuture, EventStore};

/// A log in memory; it ends with the process.
///
/// Every call takes one lock, so that a batch is seen whole or not at all. Events of a customer are found
/// through an index, those of a kind or tag by looking at all.
pub struct MemoryStore {
    limits: Limits,
    clock: Box<dyn Fn() -> Timestamp + Send + Sync>,
    log: Mutex<Log>,
}

impl fmt::Debug for MemoryStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MemoryStore").field("limits", &self.limits).finish_non_exhaustive()
    }
}

impl Default for MemoryStore {
    fn default() -> Self {
        Self::new()
    }
}

impl MemoryStore {
    /// Starts an empty log with the default limits and the system's clock.
    pub fn new() -> Self {
        Self::with_limits(Limits::default())
    }

    /// Starts an empty log with limits.
    pub fn with_limits(limits: Limits) -> Self {
        Self { limits, clock: Box::new(|| chrono::Utc::now().into()), log: Mutex::default() }
    }

    /// Replaces the clock, for tests.
    pub fn with_clock(mut self, clock: impl Fn() -> Timestamp + Send + Sync + 'static) -> Self {
        self.clock = Box::new(clock);
        self
    }

    fn log(&self) -> MutexGuard<'_, Log> {
        // Every change of the log is complete before anything in it can panic.
        self.log.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }
}

impl EventStore for MemoryStore {
    fn capabilities(&self) -> Capabilities {
        Capabilities::none()
    }

    fn append(
        &self,
        batch: EventBatch,
        condition: Option<AppendCondition>,
    ) -> BoxFuture<'_, Result<AppendOutcome>> {
        Box::pin(async move {
            let now = (self.clock)();
            admit(&batch, &self.limits, &self.capabilities())?;
            let (outcome, waiters) = {
                let mut log = self.log();
                let outcome = log.append(batch, condition.as_ref(), &self.limits, now)?;
                (outcome, std::mem::take(&mut log.waiters))
            };
            waiters.into_values().for_each(Waker::wake);
            Ok(outcome)
        })
    }

    fn read(&self, query: ReadQuery, from: Position, limit: usize) -> BoxFuture<'_, Result<ReadPage>> {
        Box::pin(async move { Ok(self.log().read(&query, from, limit)) })
    }

    fn head(&self) -> BoxFuture<'_, Result<Position>> {
        Box::pin(async move { Ok(position(self.log().len)) })
    }

    fn wait_past(&self, past: Position) -> BoxFuture<'_, Result<Position>> {
        let waiter = Waiter { store: self, number: self.log().next_waiter() };
        Box::pin(poll_fn(move |context| {
            let mut log = waiter.store.log();
            let head = position(log.len);
            if head > past {
                return Poll::Ready(Ok(head));
            }
            log.waiters.insert(waiter.number, context.waker().clone());
            Poll::Pending
        }))
    }

    fn checkpoint(&self, name: CheckpointName) -> BoxFuture<'_, Result<Option<Checkpoint>>> {
        Box::pin(async move { Ok(self.log().checkpoints.get(&name).cloned()) })
    }

    fn put_checkpoint(&self, name: CheckpointName, checkpoint: Checkpoint) -> BoxFuture<'_, Result<()>> {
        Box::pin(async move {
            self.log().checkpoints.insert(name, checkpoint);
            Ok(())
        })
    }
}

/// Somebody who waits for the next append; whoever stops waiting is forgotten.
struct Waiter<'a> {
    store: &'a MemoryStore,
    number: u64,
}

impl Drop for Waiter<'_> {
    fn drop(&mut self) {
        self.store.log().waiters.remove(&self.number);
    }
}

/// Events are numbered from 1; the number is the position.
fn position(number: u64) -> Position {
    Position::from_bytes(u128::from(number).to_be_bytes())
}

fn number(position: Position) -> u64 {
    u64::try_from(u128::from_be_bytes(position.to_bytes())).unwrap_or(u64::MAX)
}

#[derive(Default)]
struct Log {
    /// Batches by the number of their first event.
    batches: BTreeMap<u64, EventBatch>,
    len: u64,
    ids: HashMap<(Tenant, u128), u64>,
    by_customer: HashMap<CustomerKey, Vec<u64>>,
    last_recorded_at: Option<Timestamp>,
    checkpoints: HashMap<CheckpointName, Checkpoint>,
    waiters: BTreeMap<u64, Waker>,
    waiters_seen: u64,
}

impl Log {
    fn next_waiter(&mut self) -> u64 {
        self.waiters_seen += 1;
        self.waiters_seen
    }

    fn append(
        &mut self,
        batch: EventBatch,
        condition: Option<&AppendCondition>,
        limits: &Limits,
        now: Timestamp,
    ) -> Result<AppendOutcome> {
        let (numbers, new) = self.numbers(&batch)?;
        new.iter().try_for_each(|row| admit_instant(&batch.event(*row), limits, now))?;
        let positions = numbers.iter().map(|number| position(*number)).collect();
        if new.is_empty() && !batch.is_empty() {
            return Ok(AppendOutcome::AlreadyTaken { positions });
        }
        if let Some(position) = condition.and_then(|condition| self.conflict(condition, &numbers)) {
            return Ok(AppendOutcome::Conflict { position });
        }
        let count = new.len();
        let fresh = if count == batch.len() {
            batch
        } else {
            EventBatch::from_views(new.into_iter().map(|row| batch.event(row)))
        };
        self.write(fresh, now);
        Ok(AppendOutcome::Appended { positions, new: count })
    }

    /// The number of each event, given or to be given, and the rows that are new.
    fn numbers(&self, batch: &EventBatch) -> Result<(Vec<u64>, Vec<usize>)> {
        let mut numbers = Vec::with_capacity(batch.len());
        let mut new = Vec::new();
        let mut own: HashMap<(Tenant, u128), (usize, u64)> = HashMap::with_capacity(batch.len());
        for (row, event) in batch.iter().enumerate() {
            let id = (event.customer().tenant, event.id().as_u128());
            if let Some(number) = self.ids.get(&id) {
                if !self.event(*number).same_content(&event) {
                    return Err(Error::id_reused(event.id(), Some(position(*number))));
                }
                numbers.push(*number);
                continue;
            }
            let next = self.len + 1 + new.len() as u64;
            match own.entry(id) {
                Entry::Occupied(first) => {
                    let (first, number) = *first.get();
                    if !batch.event(first).same_content(&event) {
                        return Err(Error::id_reused(event.id(), None));
                    }
                    numbers.push(number);
                }
                Entry::Vacant(free) => {
                    free.insert((row, next));
                    new.push(row);
                    numbers.push(next);
                }
            }
        }
        Ok((numbers, new))
    }

    /// The first event that a condition forbids, leaving the batch's own aside.
    fn conflict(&self, condition: &AppendCondition, own: &[u64]) -> Option<Position> {
        let own: HashSet<u64> = own.iter().copied().collect();
        let mut forbidden = self.matching(&condition.filter, number(condition.after), u64::MAX);
        forbidden.find(|(number, _)| !own.contains(number)).map(|(number, _)| position(number))
    }

    fn write(&mut self, batch: EventBatch, now: Timestamp) {
        if batch.is_empty() {
            return;
        }
        let recorded_at = self.last_recorded_at.map_or(now, |last| last.max(now));
        let first = self.len + 1;
        let positions = (first..first + batch.len() as u64).map(position).collect();
        let batch = batch.recorded(positions, recorded_at);
        for (number, event) in (first..).zip(batch.iter()) {
            let customer = event.customer();
            self.ids.insert((customer.tenant.clone(), event.id().as_u128()), number);
            self.by_customer.entry(customer).or_default().push(number);
        }
        self.len += batch.len() as u64;
        self.last_recorded_at = Some(recorded_at);
        self.batches.insert(first, batch);
    }

    fn event(&self, number: u64) -> EventView<'_> {
        let (first, batch) = self.batches.range(..=number).next_back().expect("numbers are of stored events");
        batch.event((number - first) as usize)
    }

    /// Events of a set with numbers above `after` and below `before`.
    fn matching<'a>(
        &'a self,
        filter: &'a EventFilter,
        after: u64,
        before: u64,
    ) -> Box<dyn DoubleEndedIterator<Item = (u64, EventView<'a>)> + 'a> {
        let numbers: Box<dyn DoubleEndedIterator<Item = u64>> = match &filter.customer {
            Some(customer) => {
                let own = self.by_customer.get(customer).map_or(&[][..], Vec::as_slice);
                let start = own.partition_point(|number| *number <= after);
                let end = own.partition_point(|number| *number < before);
                Box::new(own[start..end.max(start)].iter().copied())
            }
            None => Box::new(after.saturating_add(1)..before.min(self.len + 1)),
        };
        Box::new(
            numbers.map(|number| (number, self.event(number))).filter(|(_, event)| filter.matches(event)),
        )
    }

    fn read(&self, query: &ReadQuery, from: Position, limit: usize) -> ReadPage {
        let from = number(from);
        if let Some(page) = self.whole_batch(query, from, limit) {
            return page;
        }
        let mut matching: Box<dyn Iterator<Item = (u64, EventView<'_>)>> = match query.direction {
            Direction::Forward => self.matching(&query.filter, from, u64::MAX),
            Direction::Backward => Box::new(self.matching(&query.filter, 0, from).rev()),
        };
        let found: Vec<_> = matching.by_ref().take(limit).collect();
        let more = matching.next().is_some();
        // A page without room has found nothing, and goes on where it began.
        let next = more.then(|| position(found.last().map_or(from, |(number, _)| *number)));
        ReadPage { batch: EventBatch::from_views(found.into_iter().map(|(_, event)| event)), next }
    }

    /// A stored batch as it is, where a read of everything begins at one and has room for it.
    fn whole_batch(&self, query: &ReadQuery, from: u64, limit: usize) -> Option<ReadPage> {
        if *query != ReadQuery::all() {
            return None;
        }
        let batch = self.batches.get(&from.checked_add(1)?).filter(|batch| batch.len() <= limit)?;
        let last = from + batch.len() as u64;
        Some(ReadPage { batch: batch.clone(), next: (last < self.len).then(|| position(last)) })
    }
}
