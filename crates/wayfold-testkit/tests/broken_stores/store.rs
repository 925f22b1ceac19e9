//! A second store, plain and slow, that keeps every promise of the port but one: its flaw.
//!
//! It is not the memory store in a wrapper, so that without a flaw it also shows that the suite asks for
//! nothing that only the memory store does: its positions have gaps, and its pages are small.

mod append;
mod flaw;
mod read;
mod text;

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Poll, Waker};
use std::thread;
use std::time::Duration;

use wayfold_core::{CustomerKey, EventBatch, JourneyEvent, Limits, Position, Timestamp};
use wayfold_store::{
    AppendCondition, AppendOutcome, BoxFuture, Capabilities, Checkpoint, CheckpointName, Error, ErrorKind,
    EventStore, ReadPage, ReadQuery, Result, Scan,
};
use wayfold_testkit::conformance::{LogConfig, OpenLog, Opened, StoreBench, TestClock};

pub(crate) use self::flaw::Flaw;

/// Opens logs with one flaw.
pub(crate) struct FlawedBench(pub(crate) Flaw);

impl StoreBench for FlawedBench {
    fn log(&self, config: LogConfig) -> OpenLog {
        let (flaw, log) = (self.0, Arc::new(Log::default()));
        Box::new(move || {
            log.lock().open(flaw);
            let (number, rows) = (log.handles.fetch_add(1, Ordering::SeqCst), log.lock().rows.len());
            let (limits, clock) = (config.limits.clone(), config.clock.clone());
            let handle =
                Handle { flaw, log: log.clone(), number, limits, clock, seen: AtomicUsize::new(rows) };
            let own = log.clone();
            Opened::new(handle).with_upkeep(move || own.upkeep(flaw))
        })
    }

    /// A flawed store may hang, and every case that it hangs takes so long.
    fn patience(&self) -> Duration {
        if self.0.hangs() { Duration::from_secs(2) } else { Duration::from_secs(30) }
    }

    fn model_sequences(&self) -> u64 {
        200
    }
}

/// One log, whatever number of handles are open on it.
#[derive(Debug, Default)]
pub(crate) struct Log {
    inner: Mutex<Inner>,
    handles: AtomicU64,
    /// How many appends are under way.
    in_flight: AtomicUsize,
    poisoned: AtomicBool,
}

#[derive(Debug, Default)]
pub(crate) struct Inner {
    rows: Vec<Row>,
    /// How many positions were given.
    given: u64,
    last_recorded_at: BTreeMap<u64, Timestamp>,
    checkpoints: BTreeMap<(u64, String), (Position, Vec<u8>)>,
    waiters: BTreeMap<u64, (u64, Waker)>,
    waiters_seen: u64,
    /// How many events stood when the log was opened last, and when it was merged last.
    opened: usize,
    merged: usize,
    /// How often what an observer may have mistaken for growth has happened.
    touched: u64,
}

#[derive(Debug, Clone)]
pub(crate) struct Row {
    event: JourneyEvent,
    /// The event alone with its position and recording time.
    alone: EventBatch,
    position: Position,
    handle: u64,
    hidden: bool,
}

#[derive(Debug)]
pub(crate) struct Handle {
    flaw: Flaw,
    log: Arc<Log>,
    number: u64,
    limits: Limits,
    clock: TestClock,
    /// How many events this handle knew after its own last append.
    seen: AtomicUsize,
}

/// Positions have gaps.
fn place(number: u64) -> Position {
    Position::from_bytes((u128::from(number) << 40).to_be_bytes())
}

impl Log {
    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Lets others come in between: waits a while for one to arrive, and then for it to get as far.
    fn linger(&self) {
        let is_alone = || self.in_flight.load(Ordering::SeqCst) < 2;
        (0..300).take_while(|_| is_alone()).for_each(|_| thread::yield_now());
        (0..50).for_each(|_| thread::yield_now());
    }

    fn upkeep(&self, flaw: Flaw) {
        let mut log = self.lock();
        log.merged = log.rows.len();
        match flaw {
            Flaw::UpkeepLosesAnEvent => drop(log.rows.pop()),
            Flaw::UpkeepSortsByCustomer => log.rows.sort_by(|a, b| a.event.customer.cmp(&b.event.customer)),
            Flaw::UpkeepDropsCheckpoints => log.checkpoints.clear(),
            Flaw::UpkeepMovesEventsAway => {
                let half = log.rows.len() / 2;
                log.rows[..half].iter_mut().for_each(|row| row.hidden = true);
                drop(log);
                (0..50).for_each(|_| thread::yield_now());
                self.lock().rows.iter_mut().for_each(|row| row.hidden = false);
            }
            _ => {}
        }
    }
}

impl Inner {
    /// What a flaw does to a log when another handle opens it.
    fn open(&mut self, flaw: Flaw) {
        self.opened = self.rows.len();
        match flaw {
            Flaw::ReopeningLosesTheLastEvent => drop(self.rows.pop()),
            Flaw::ReopeningLosesCheckpoints => self.checkpoints.clear(),
            Flaw::ReopeningForgetsTheTime => self.last_recorded_at.clear(),
            Flaw::ReopeningCountsFromTheStart => self.given = 0,
            _ => {}
        }
    }

    fn head(&self) -> Position {
        let mut newest = self.rows.iter().rev().filter(|row| !row.hidden);
        newest.next().map_or(Position::START, |row| row.position)
    }
}

impl Handle {
    fn is(&self, flaw: Flaw) -> bool {
        self.flaw == flaw
    }

    fn head_now(&self, log: &Inner) -> Position {
        let head = log.head();
        match self.flaw {
            Flaw::HeadIsTheEventBefore => {
                log.rows.iter().rev().nth(1).map_or(Position::START, |row| row.position)
            }
            Flaw::HeadMovesWithRetries | Flaw::CheckpointMovesTheHead if log.touched > 0 => {
                Position::from_bytes(
                    (u128::from_be_bytes(head.to_bytes()) + u128::from(log.touched)).to_be_bytes(),
                )
            }
            _ => head,
        }
    }

    fn checkpoint_key(&self, name: &CheckpointName) -> (u64, String) {
        let handle = if self.is(Flaw::CheckpointsOfEachHandle) { self.number } else { 0 };
        (handle, self.text(name.as_str()).into_owned())
    }

    fn put_now(&self, name: &CheckpointName, checkpoint: Checkpoint) {
        let Checkpoint { position, mut bytes } = checkpoint;
        let key = self.checkpoint_key(name);
        let mut log = self.log.lock();
        log.touched +=
            u64::from(matches!(self.flaw, Flaw::CheckpointMovesTheHead | Flaw::WaitEndsWithAnyWrite));
        let old = log.checkpoints.entry(key.clone()).or_insert((Position::START, Vec::new()));
        match self.flaw {
            Flaw::CheckpointKeepsTheTail if old.1.len() > bytes.len() => {
                let tail = old.1[bytes.len()..].to_vec();
                bytes.extend(tail);
            }
            Flaw::CheckpointCutAtOneMebibyte => bytes.truncate(1 << 20),
            _ => {}
        }
        if self.is(Flaw::CheckpointTorn) {
            old.0 = position;
            drop(log);
            (0..20).for_each(|_| thread::yield_now());
            log = self.log.lock();
            if let Some(old) = log.checkpoints.get_mut(&key) {
                old.1 = bytes;
            }
            return;
        }
        let position = if self.is(Flaw::CheckpointNeverGoesBack) { position.max(old.0) } else { position };
        *old = (position, bytes);
    }
}

/// Somebody who waits; whoever stops waiting is forgotten.
struct Waiter<'a> {
    handle: &'a Handle,
    number: u64,
    touched: u64,
    polled: bool,
}

impl Drop for Waiter<'_> {
    fn drop(&mut self) {
        let mut log = self.handle.log.lock();
        if self.handle.is(Flaw::DroppedWaitForgetsAll) {
            log.waiters.clear();
        }
        log.waiters.remove(&self.number);
    }
}

impl Waiter<'_> {
    fn poll(&mut self, past: Position, waker: &Waker) -> Poll<Result<Position>> {
        let handle = self.handle;
        let mut log = handle.log.lock();
        let head = handle.head_now(&log);
        let is_over = match handle.flaw {
            Flaw::WaitEndsAtThePosition => head >= past && head > Position::START,
            Flaw::WaitEndsWithAnyWrite => head > past || log.touched > self.touched,
            Flaw::WaitIgnoresThePosition => {
                self.polled && head > Position::START && log.touched > self.touched
            }
            _ => head > past,
        };
        if is_over {
            let told = if handle.is(Flaw::WaitTellsWhereItBegan) { past } else { head };
            return Poll::Ready(Ok(told));
        }
        self.polled = true;
        log.waiters.insert(self.number, (handle.number, waker.clone()));
        Poll::Pending
    }
}

impl EventStore for Handle {
    fn capabilities(&self) -> Capabilities {
        let mut capabilities = Capabilities::none();
        (capabilities.durable, capabilities.shared) = (true, true);
        capabilities.identity = matches!(self.flaw, Flaw::NoneWithIdentity | Flaw::IdentityNeverTaken);
        capabilities
    }

    fn append(
        &self,
        batch: EventBatch,
        condition: Option<AppendCondition>,
    ) -> BoxFuture<'_, Result<AppendOutcome>> {
        Box::pin(async move { self.append_now(&batch, condition) })
    }

    fn read(&self, query: ReadQuery, from: Position, limit: usize) -> BoxFuture<'_, Result<ReadPage>> {
        Box::pin(async move {
            let log = self.log.lock();
            if self.is(Flaw::EmptyLogUnreadable) && log.rows.is_empty() {
                return Err(Error::new(ErrorKind::Unavailable, "the log has no file yet"));
            }
            Ok(self.read_now(&log, &query, from, limit))
        })
    }

    fn scan(&self, after: Position, limit: usize, lanes: usize) -> BoxFuture<'_, Result<Scan<'_>>> {
        Box::pin(async move { Ok(self.scan_now(&self.log.lock(), after, limit, lanes)) })
    }

    fn history<'a>(&'a self, customer: &'a CustomerKey) -> BoxFuture<'a, Result<Vec<EventBatch>>> {
        Box::pin(async move { Ok(vec![self.history_now(&self.log.lock(), customer)]) })
    }

    fn head(&self) -> BoxFuture<'_, Result<Position>> {
        Box::pin(async move { Ok(self.head_now(&self.log.lock())) })
    }

    fn wait_past(&self, position: Position) -> BoxFuture<'_, Result<Position>> {
        let mut log = self.log.lock();
        log.waiters_seen += 1;
        let mut waiter =
            Waiter { handle: self, number: log.waiters_seen, touched: log.touched, polled: false };
        Box::pin(std::future::poll_fn(move |context| waiter.poll(position, context.waker())))
    }

    fn checkpoint(&self, name: CheckpointName) -> BoxFuture<'_, Result<Option<Checkpoint>>> {
        Box::pin(async move {
            let log = self.log.lock();
            let found = log.checkpoints.get(&self.checkpoint_key(&name)).cloned();
            let absent = self.is(Flaw::CheckpointNeverAbsent).then(|| (Position::START, Vec::new()));
            Ok(found.or(absent).map(|(position, bytes)| Checkpoint { position, bytes }))
        })
    }

    fn put_checkpoint(&self, name: CheckpointName, checkpoint: Checkpoint) -> BoxFuture<'_, Result<()>> {
        Box::pin(async move {
            self.put_now(&name, checkpoint);
            Ok(())
        })
    }
}
