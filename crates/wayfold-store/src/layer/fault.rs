use std::sync::{Mutex, PoisonError};

use wayfold_core::{CustomerKey, EventBatch, Position};

use crate::error::{Error, ErrorKind, Result};
use crate::outcome::{AppendOutcome, Capabilities, Checkpoint, CheckpointName, ReadPage};
use crate::query::{AppendCondition, ReadQuery};
use crate::scan::{Lane, Scan};
use crate::store::{BoxFuture, EventStore};

/// A store that fails as planned, for tests of what stands on a store; without a plan it is the store itself.
///
/// Operations are counted from 1, whatever they are, when they are first polled. A fault strikes once, at the
/// first operation from its number on that it can strike; of several, the one that was planned first. A scan that fails
/// after it took effect fails at the end of each lane.
///
/// ```
/// use wayfold_core::{CustomerKey, EventBatch, EventId, JourneyEvent, Registered, Timestamp};
/// use wayfold_store::{AppendOutcome, EventStore, FaultStore, MemoryStore, Written};
///
/// # pollster::block_on(async {
/// let store = FaultStore::new(MemoryStore::new()).fail_after(1);
/// let at = Timestamp::parse("2024-01-01")?;
/// let event = JourneyEvent::new(EventId::from_u128(7), CustomerKey::new("c1")?, at, Registered {});
/// let batch = EventBatch::from_events([&event])?;
///
/// let error = store.append(batch.clone(), None).await.unwrap_err();
/// assert_eq!((error.is_retryable(), error.written()), (true, Written::Unknown));
/// assert!(matches!(store.append(batch, None).await?, AppendOutcome::AlreadyTaken { .. }));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// # }).unwrap();
/// ```
#[derive(Debug)]
pub struct FaultStore<S> {
    inner: S,
    plan: Mutex<Plan>,
}

#[derive(Debug, Default)]
struct Plan {
    operations: u64,
    faults: Vec<(u64, Fault)>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Fault {
    Before,
    After,
    Tear { kept: usize },
    Repeat,
}

/// What an operation does to the log, which decides what may strike it and what its failure says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Effect {
    Appends { events: usize },
    Writes,
    Reads,
}

impl<S> FaultStore<S> {
    /// Wraps a store; nothing fails yet.
    pub fn new(inner: S) -> Self {
        Self { inner, plan: Mutex::default() }
    }

    /// Fails operation `n` with `Unavailable` before it takes effect: nothing was written.
    pub fn fail_before(self, n: u64) -> Self {
        self.with(n, Fault::Before)
    }

    /// Fails operation `n` with `Unavailable` after it took effect: what writes has an unknown outcome.
    pub fn fail_after(self, n: u64) -> Self {
        self.with(n, Fault::After)
    }

    /// Writes only the first `kept` events of the first longer append from operation `n` on, and fails it with
    /// an unknown outcome: what no store may do, to show that a test notices.
    pub fn tear(self, n: u64, kept: usize) -> Self {
        self.with(n, Fault::Tear { kept })
    }

    /// Delivers the first append from operation `n` on twice and answers with the first outcome, as a
    /// connection does that sends again; a right store is not disturbed.
    pub fn repeat(self, n: u64) -> Self {
        self.with(n, Fault::Repeat)
    }

    /// How many operations there were.
    pub fn operations(&self) -> u64 {
        self.plan.lock().unwrap_or_else(PoisonError::into_inner).operations
    }

    fn with(mut self, n: u64, fault: Fault) -> Self {
        self.plan.get_mut().unwrap_or_else(PoisonError::into_inner).faults.push((n, fault));
        self
    }

    /// Counts an operation; its number and what strikes it.
    fn count(&self, effect: Effect) -> (u64, Option<Fault>) {
        let mut plan = self.plan.lock().unwrap_or_else(PoisonError::into_inner);
        plan.operations += 1;
        let now = plan.operations;
        let can_strike = |fault: &Fault| match (fault, effect) {
            (Fault::Before | Fault::After, _) | (Fault::Repeat, Effect::Appends { .. }) => true,
            (Fault::Tear { kept }, Effect::Appends { events }) => events > *kept,
            (Fault::Tear { .. } | Fault::Repeat, _) => false,
        };
        let strikes = |(n, fault): &(u64, Fault)| *n <= now && can_strike(fault);
        let place = plan.faults.iter().position(strikes);
        (now, place.map(|place| plan.faults.remove(place).1))
    }

    async fn run<T>(&self, effect: Effect, operation: impl Future<Output = Result<T>> + Send) -> Result<T> {
        match self.count(effect) {
            (n, Some(Fault::Before)) => Err(before(n)),
            (n, Some(Fault::After)) => {
                operation.await?;
                Err(after(n, effect))
            }
            _ => operation.await,
        }
    }
}

fn before(n: u64) -> Error {
    Error::new(ErrorKind::Unavailable, format_args!("operation {n} failed as planned, before it took effect"))
}

fn after(n: u64, effect: Effect) -> Error {
    let message = format_args!("operation {n} failed as planned, after it took effect");
    let error = Error::new(ErrorKind::Unavailable, message);
    if effect == Effect::Reads { error } else { error.with_unknown_outcome() }
}

/// A lane that fails at its end.
fn failing(lane: Lane<'_>, n: u64) -> Lane<'_> {
    Box::new(lane.chain(std::iter::once_with(move || Err(after(n, Effect::Reads)))))
}

impl<S: EventStore> EventStore for FaultStore<S> {
    fn capabilities(&self) -> Capabilities {
        self.inner.capabilities()
    }

    fn append(
        &self,
        batch: EventBatch,
        condition: Option<AppendCondition>,
    ) -> BoxFuture<'_, Result<AppendOutcome>> {
        Box::pin(async move {
            let effect = Effect::Appends { events: batch.len() };
            match self.count(effect) {
                (n, Some(Fault::Before)) => Err(before(n)),
                (n, Some(Fault::After)) => {
                    let _ = self.inner.append(batch, condition).await?;
                    Err(after(n, effect))
                }
                (n, Some(Fault::Tear { kept })) => {
                    let torn = EventBatch::from_views(batch.iter().take(kept));
                    let _ = self.inner.append(torn, condition).await?;
                    Err(after(n, effect))
                }
                (_, Some(Fault::Repeat)) => {
                    let first = self.inner.append(batch.clone(), condition.clone()).await?;
                    let _ = self.inner.append(batch, condition).await?;
                    Ok(first)
                }
                (_, None) => self.inner.append(batch, condition).await,
            }
        })
    }

    fn read(&self, query: ReadQuery, from: Position, limit: usize) -> BoxFuture<'_, Result<ReadPage>> {
        Box::pin(self.run(Effect::Reads, async move { self.inner.read(query, from, limit).await }))
    }

    fn scan(&self, from: Position, limit: usize, lanes: usize) -> BoxFuture<'_, Result<Scan<'_>>> {
        Box::pin(async move {
            match self.count(Effect::Reads) {
                (n, Some(Fault::Before)) => Err(before(n)),
                // What is read of a part before its end is to have no effect.
                (n, Some(Fault::After)) => {
                    let mut scan = self.inner.scan(from, limit, lanes).await?;
                    scan.lanes = scan.lanes.into_iter().map(|lane| failing(lane, n)).collect();
                    Ok(scan)
                }
                _ => self.inner.scan(from, limit, lanes).await,
            }
        })
    }

    fn history<'a>(&'a self, customer: &'a CustomerKey) -> BoxFuture<'a, Result<Vec<EventBatch>>> {
        Box::pin(self.run(Effect::Reads, async move { self.inner.history(customer).await }))
    }

    fn head(&self) -> BoxFuture<'_, Result<Position>> {
        Box::pin(self.run(Effect::Reads, async move { self.inner.head().await }))
    }

    fn wait_past(&self, position: Position) -> BoxFuture<'_, Result<Position>> {
        Box::pin(self.run(Effect::Reads, async move { self.inner.wait_past(position).await }))
    }

    fn checkpoint(&self, name: CheckpointName) -> BoxFuture<'_, Result<Option<Checkpoint>>> {
        Box::pin(self.run(Effect::Reads, async move { self.inner.checkpoint(name).await }))
    }

    fn put_checkpoint(&self, name: CheckpointName, checkpoint: Checkpoint) -> BoxFuture<'_, Result<()>> {
        let operation = async move { self.inner.put_checkpoint(name, checkpoint).await };
        Box::pin(self.run(Effect::Writes, operation))
    }
}
