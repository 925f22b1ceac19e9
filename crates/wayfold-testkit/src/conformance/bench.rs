//! What an adapter tells the suite: how to make a log, and how to open it.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use wayfold_core::{Limits, Timestamp};
use wayfold_store::{BoxFuture, EventStore, MemoryStore};

/// Makes logs of one backend for the suite.
///
/// [`StoreBench::log`] is all that most adapters write.
pub trait StoreBench: Send + Sync {
    /// Makes an empty log, and returns what opens a handle on it.
    ///
    /// # Behavior
    /// - The store has the limits of the config, and takes what its clock says for the time.
    /// - A case that needs `durable` drops every handle and opens again; one that needs `shared` opens a
    ///   second handle while the first is in use. Without both, a log is opened once.
    /// - Dropping what opens the log may delete it.
    fn log(&self, config: LogConfig) -> OpenLog;

    /// Why no log can be made here, such as a server that is not installed; every test is then noted as skipped, see
    /// [`skip`](crate::skip()). Default `None`.
    fn missing(&self) -> Option<&str> {
        None
    }

    /// Waits for a future; an adapter that needs its own runtime waits there.
    fn block_on(&self, future: BoxFuture<'_, ()>) {
        pollster::block_on(future);
    }

    /// How long nothing may happen before a call counts as hanging. Default 30 seconds.
    fn patience(&self) -> Duration {
        Duration::from_secs(30)
    }

    /// How many random sequences the model test runs. Default 2,000.
    fn model_sequences(&self) -> u64 {
        2_000
    }
}

/// Opens a handle on one log.
pub type OpenLog = Box<dyn Fn() -> Opened + Send + Sync>;

/// Under what a log is opened.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct LogConfig {
    /// What a batch may hold.
    pub limits: Limits,
    /// What the store takes for the time.
    pub clock: TestClock,
}

/// A clock that stands until it is set.
#[derive(Debug, Clone)]
pub struct TestClock(Arc<AtomicI64>);

impl TestClock {
    pub(crate) fn at(instant: Timestamp) -> Self {
        Self(Arc::new(AtomicI64::new(instant.as_micros())))
    }

    pub(crate) fn set(&self, instant: Timestamp) {
        self.0.store(instant.as_micros(), Ordering::SeqCst);
    }

    /// What the clock says.
    pub fn now(&self) -> Timestamp {
        Timestamp::from_micros(self.0.load(Ordering::SeqCst)).expect("it was set to an instant")
    }
}

impl LogConfig {
    pub(crate) fn new(limits: Limits, now: Timestamp) -> Self {
        Self { limits, clock: TestClock::at(now) }
    }
}

/// A handle on a log, and what merges in its background.
#[derive(Clone)]
pub struct Opened {
    pub(crate) store: Arc<dyn EventStore>,
    upkeep: Arc<dyn Fn() + Send + Sync>,
}

impl Opened {
    /// A handle of a store without upkeep.
    pub fn new(store: impl EventStore + 'static) -> Self {
        Self { store: Arc::new(store), upkeep: Arc::new(|| {}) }
    }

    /// Does now what the store else does in its background, such as merging.
    pub fn with_upkeep(mut self, upkeep: impl Fn() + Send + Sync + 'static) -> Self {
        self.upkeep = Arc::new(upkeep);
        self
    }

    pub(crate) fn upkeep(&self) {
        (self.upkeep)();
    }
}

impl fmt::Debug for Opened {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Opened").field("store", &self.store).finish_non_exhaustive()
    }
}

/// The bench of the memory store.
#[derive(Debug, Clone, Copy, Default)]
pub struct MemoryBench;

impl StoreBench for MemoryBench {
    fn log(&self, config: LogConfig) -> OpenLog {
        Box::new(move || {
            let clock = config.clock.clone();
            Opened::new(MemoryStore::with_limits(config.limits.clone()).with_clock(move || clock.now()))
        })
    }
}
