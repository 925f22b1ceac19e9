use wayfold_core::{
    CustomerList, Handle, Limits, Projection, ProjectionSet, Rules, Timestamp, WatchedFilter,
};
use wayfold_store::EventStore;

use crate::clock::Clock;
use crate::decide::RetryPolicy;
use crate::engine::{Parts, Wayfold};
use crate::error::Result;
#[cfg(feature = "insight")]
use crate::error::{Error, ErrorKind};

/// Chooses rules, projections, time and threads before an engine is opened.
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
    pub(crate) projections: ProjectionSet,
    pub(crate) threads: usize,
    limits: Limits,
    pub(crate) clock: Clock,
    retries: RetryPolicy,
    follows: bool,
    snapshot_every: Option<u64>,
    restores: bool,
}

/// A snapshot takes about a second for a million customers; folding so many events takes less.
const EVENTS_PER_SNAPSHOT: u64 = 1 << 20;

impl Builder {
    /// Takes the four built-in projections under rules, the system's clock, and a thread that follows the log.
    ///
    /// # Errors
    /// `InvalidConfiguration` if the rules contradict themselves.
    pub fn new(rules: Rules) -> Result<Self> {
        Ok(Self {
            projections: ProjectionSet::new(rules)?,
            threads: std::thread::available_parallelism().map_or(1, Into::into),
            limits: Limits::default(),
            clock: Clock::system(),
            retries: RetryPolicy::default(),
            follows: true,
            snapshot_every: Some(EVENTS_PER_SNAPSHOT),
            restores: true,
        })
    }

    /// Adds a projection of one's own; the handle asks for its views.
    ///
    /// # Errors
    /// `InvalidConfiguration` if its name and version are taken.
    pub fn register<P: Projection>(&mut self, projection: P) -> Result<Handle<P>> {
        Ok(self.projections.register(projection)?)
    }

    /// Puts a list of customers that filters may ask for, in the place of one of the same name; also
    /// [later](Wayfold::put_list).
    pub fn put_list(&mut self, list: CustomerList) {
        self.projections.put_list(list);
    }

    /// Watches who a filter selects, once everything that it names is registered and put: subscriptions tell who enters the
    /// segment and who leaves it, and [`Subscription::members`](crate::Subscription::members) who belongs to it.
    ///
    /// # Errors
    /// `InvalidConfiguration` if a segment of this name and version is watched; `InvalidQuestion` if there is no such field, or
    /// it does not compare with what is given.
    pub fn watch(&mut self, watched: WatchedFilter) -> Result<()> {
        Ok(self.projections.watch(watched)?)
    }

    /// Watches a segment by a rule, and registers what the rule asks of events.
    ///
    /// # Errors
    /// As [`Builder::watch`]; `InvalidConfiguration` if a list that the rule asks for is not put.
    #[cfg(feature = "insight")]
    pub fn watch_segment(&mut self, segment: &wayfold_insight::Segment) -> Result<()> {
        let registered = segment.rule.register(&mut self.projections);
        registered.map_err(|error| Error::new(ErrorKind::InvalidConfiguration, error))?;
        let (name, filter) = (segment.name.clone(), segment.rule.filter().clone());
        self.watch(WatchedFilter { segment: name, version: segment.version, filter })
    }

    /// Folds on that many threads; at least one. The default is what the machine has; no answer depends on it.
    pub fn with_threads(mut self, threads: usize) -> Self {
        self.threads = threads.max(1);
        self
    }

    /// Keeps a copy of the states of a customer who has had a late event whenever his history has grown by so many events, as
    /// [`ProjectionSet::keep_checkpoints_every`]; the default is 1,024. Fewer make late events cheaper, and states larger.
    pub fn with_checkpoints_every(mut self, events: u64) -> Self {
        self.projections.keep_checkpoints_every(events);
        self
    }

    /// Takes other limits for the events that are appended one by one; the store has limits of its own.
    pub fn with_limits(mut self, limits: Limits) -> Self {
        self.limits = limits;
        self
    }

    /// Reads the time from somebody else's clock. One that goes back moves nothing back.
    pub fn with_clock(mut self, clock: impl Fn() -> Timestamp + Send + Sync + 'static) -> Self {
        self.clock = Clock::Running(Box::new(clock));
        self
    }

    /// Lets time stand still at an instant until [`Wayfold::advance_to`] moves it: for tests, and for programs that
    /// walk through history. The store has a clock of its own, by which it says when it took an event; where that
    /// matters, as for what was known at a date, give the store the same time.
    pub fn by_hand(mut self, start: Timestamp) -> Self {
        self.clock = Clock::by_hand(start);
        self
    }

    /// Says how often and after which waits a decision is taken again when its customer has changed meanwhile.
    pub fn with_retries(mut self, retries: RetryPolicy) -> Self {
        self.retries = retries;
        self
    }

    /// Starts no thread that follows the log: states are restored, and what is new is folded, when a question about all
    /// customers comes.
    /// For scripts, and for services that ask about single customers alone.
    pub fn on_demand(mut self) -> Self {
        self.follows = false;
        self
    }

    /// Writes a snapshot of the live states whenever so many events were folded since the last, and when the engine is
    /// [closed](Wayfold::close). The default is 1,048,576. An engine [on demand](Builder::on_demand) writes one only when
    /// it is closed or [asked](Wayfold::snapshot).
    pub fn with_snapshot_every(mut self, events: u64) -> Self {
        self.snapshot_every = Some(events.max(1));
        self
    }

    /// Writes no snapshot unless it is [asked](Wayfold::snapshot) for one.
    pub fn without_snapshots(mut self) -> Self {
        self.snapshot_every = None;
        self
    }

    /// Folds the whole log although there is a snapshot, which is dropped: for after a change of what a snapshot knows
    /// nothing of, such as the steps that lift old events.
    pub fn fold_anew(mut self) -> Self {
        self.restores = false;
        self
    }

    /// Opens an engine over a store. Its live states are restored from the last snapshot, if that means the same, and what
    /// has come since is folded, by the thread that follows the log, or by the first question about all customers; a service
    /// that is to be ready for those calls [`Wayfold::catch_up`] first. Questions about one customer wait for neither.
    ///
    /// # Errors
    /// `InvalidConfiguration` if rules of the same version were used on this log with other thresholds; `Unavailable` or
    /// `Corrupt` if the store cannot be read.
    pub async fn open(self, store: impl EventStore + 'static) -> Result<Wayfold> {
        let projections = self.projections;
        let parts = Parts {
            store: std::sync::Arc::new(store),
            threads: self.threads,
            limits: self.limits,
            clock: self.clock,
            retries: self.retries,
            snapshot_every: self.snapshot_every,
        };
        Wayfold::start(parts, projections, self.follows, self.restores).await
    }
}
