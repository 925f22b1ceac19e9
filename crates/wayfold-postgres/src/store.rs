//! The store: what a caller holds.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Instant;

use deadpool_postgres::{Client, Manager, ManagerConfig, Pool, RecyclingMethod, Runtime};
use wayfold_core::{EventBatch, Limits, Position, Timestamp, Upcasters, VirtualShard};
use wayfold_store::{
    AppendCondition, AppendOutcome, BoxFuture, Capabilities, Checkpoint, CheckpointName, Error, ErrorKind,
    EventStore, ReadPage, ReadQuery, Result, Scan, admit,
};

use crate::append::{Append, Appended, Ids, append};
use crate::backoff::Backoff;
use crate::checkpoint;
use crate::config::PostgresConfig;
use crate::error::{At, is_crossed, is_overtaken};
use crate::frontier::settled;
use crate::read::page;
use crate::runtime::Threads;
use crate::scan;
use crate::schema::{self, Missing};
use crate::seal::{self, Sealing};
use crate::session::{give_back, in_time};
use crate::sql::Sql;
use crate::subscribe::{Waiters, listen};
use crate::tls::{Tls, tls};

/// How often an append is tried when others cross it; each time somebody else goes on.
pub(crate) const CROSSED_MAX: usize = 20;

/// PostgreSQL takes no value of a gigabyte, and escapes make a text longer by six.
const EVENT_BYTES_MAX: usize = 128 << 20;

/// A log in a schema of a PostgreSQL database.
///
/// Any number of handles, of one process or of many, may use it at the same time. The store talks to the server on
/// threads of its own, so that its futures run on any executor. A call that was begun is finished there when its future
/// is dropped: an append may still be written.
pub struct PostgresStore {
    pub(crate) shared: Arc<Shared>,
    limits: Limits,
    clock: Box<dyn Fn() -> Timestamp + Send + Sync>,
    pub(crate) upcasters: Upcasters,
    pub(crate) map_version: Option<u64>,
    /// Shards that nothing is appended to.
    closed: Vec<VirtualShard>,
    pub(crate) threads: Threads,
}

/// What the tasks of a handle share.
pub(crate) struct Shared {
    pub(crate) config: PostgresConfig,
    pub(crate) driver: tokio_postgres::Config,
    pub(crate) tls: Tls,
    pub(crate) sql: Sql,
    pub(crate) waiters: Waiters,
    pub(crate) sealing: Sealing,
    /// Whether the last append had events that stood already: the next one looks for its own before it writes.
    repeats: AtomicBool,
    pool: Pool,
}

impl Shared {
    /// A connection, as soon as there is one. A server that starts again, or hands over, refuses for a while.
    pub(crate) async fn client(&self) -> Result<Client> {
        let (ends, mut backoff) = (Instant::now() + self.config.connect_timeout(), Backoff::new());
        loop {
            match self.pool.get().await.at("connect to the server") {
                Err(error) if error.is_retryable() => {
                    let wait = backoff.next();
                    if Instant::now() + wait >= ends {
                        return Err(error);
                    }
                    tokio::time::sleep(wait).await;
                }
                result => return result,
            }
        }
    }
}

impl fmt::Debug for PostgresStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PostgresStore").field("config", &self.shared.config).finish_non_exhaustive()
    }
}

impl PostgresStore {
    /// Opens the log, and makes its tables where they are not there; with the default limits and the system's clock.
    ///
    /// Tables are made and changed by the role that owns them; when they are there, a role with less rights opens the
    /// log as well. A dump that was restored into another cluster is counted on by the first who opens it, which the
    /// owner has to be.
    ///
    /// # Errors
    /// `Unsupported` if the connection or the schema cannot be read, if the tables are those of a newer program, if the
    /// server is older than 13, not in UTF8 or commits without waiting, or if the role may not do what is needed.
    /// `Unavailable` if the server cannot be reached.
    pub async fn open(config: PostgresConfig) -> Result<Self> {
        Self::open_or(config, Missing::Made).await
    }

    /// Opens a log that is there already, and makes none.
    ///
    /// # Errors
    /// As [`PostgresStore::open`]; `Unavailable` if the schema holds no log.
    pub async fn open_existing(config: PostgresConfig) -> Result<Self> {
        Self::open_or(config, Missing::Refused).await
    }

    async fn open_or(config: PostgresConfig, missing: Missing) -> Result<Self> {
        let (mut driver, schema) = (config.driver()?, config.checked_schema()?.to_owned());
        let tls = tls(&config, &mut driver)?;
        let threads = Threads::start(config.threads)?;
        let manager = ManagerConfig { recycling_method: RecyclingMethod::Fast };
        let pool = Pool::builder(Manager::from_config(driver.clone(), Tls::clone(&tls), manager))
            .max_size(config.connections_max.max(1))
            .runtime(Runtime::Tokio1)
            .wait_timeout(Some(config.connect_timeout()))
            .create_timeout(Some(config.connect_timeout()))
            .build()
            .map_err(|error| {
                Error::new(ErrorKind::Unsupported, "make a pool of connections").with_source(error)
            })?;
        let sql = Sql::new(&schema);
        let shared = Arc::new(Shared {
            config,
            driver,
            tls,
            sql,
            waiters: Waiters::default(),
            sealing: Sealing::default(),
            repeats: AtomicBool::new(false),
            pool,
        });
        let opened = shared.clone();
        let head = threads.run(async move {
            let mut client = opened.client().await?;
            let prepared = schema::prepare(&mut client, (&schema, &opened.config), missing).await;
            let client = match prepared {
                Ok(()) => client,
                error => return give_back(client, error.map(|()| Position::START)),
            };
            Sealing::open(&opened, &client).await?;
            head(&client, &opened).await
        });
        shared.waiters.reach(head.await?);
        let clock = Box::new(|| chrono::Utc::now().into());
        let upcasters = Upcasters::default();
        Ok(Self {
            shared,
            limits: Limits::default(),
            clock,
            upcasters,
            map_version: None,
            closed: Vec::new(),
            threads,
        })
    }

    /// Sets other limits; one event may have 128 MiB at most, whatever they say.
    pub fn with_limits(mut self, limits: Limits) -> Self {
        self.limits = limits;
        self.limits.event_bytes_max = self.limits.event_bytes_max.min(EVENT_BYTES_MAX);
        self
    }

    /// Reads stored events of your own kinds in older shapes by these steps; the rows stay as they are.
    pub fn with_upcasters(mut self, upcasters: Upcasters) -> Self {
        self.upcasters = upcasters;
        self
    }

    /// Refuses every append, by `MapChanged`, if the [map of shards](Self::shard_map) of this database is of another
    /// version when the append is committed.
    pub fn with_map_version(mut self, version: u64) -> Self {
        self.map_version = Some(version);
        self
    }

    /// Refuses every append of customers of some shards, by `MapChanged`: while they are copied to another database.
    pub fn with_closed_shards(mut self, shards: impl IntoIterator<Item = VirtualShard>) -> Self {
        self.closed = shards.into_iter().collect();
        self
    }

    /// Replaces the clock, for tests.
    pub fn with_clock(mut self, clock: impl Fn() -> Timestamp + Send + Sync + 'static) -> Self {
        self.clock = Box::new(clock);
        self
    }

    /// The clock.
    pub(crate) fn now(&self) -> Timestamp {
        (self.clock)()
    }

    /// An append of what may be appended.
    pub(crate) fn prepared(&self, batch: EventBatch, condition: Option<AppendCondition>) -> Result<Append> {
        admit(&batch, &self.limits, &self.capabilities())?;
        if !self.closed.is_empty() {
            self.check_closed(&batch, condition.as_ref())?;
        }
        let (limits, upcasters) = (self.limits.clone(), self.upcasters.clone());
        let map_version = self.map_version;
        Ok(Append { batch, condition, limits, now: self.now(), upcasters, map_version })
    }
}

impl PostgresStore {
    fn check_closed(&self, batch: &EventBatch, condition: Option<&AppendCondition>) -> Result<()> {
        let of_condition = condition.and_then(|condition| condition.filter.customer.clone());
        let shards = batch.customers().chain(of_condition).map(|customer| VirtualShard::of(&customer));
        let Some(shard) = shards.into_iter().find(|shard| self.closed.contains(shard)) else { return Ok(()) };
        let message = format_args!(
            "append to shard {shard}, which is moved to another database: open the cluster again; nothing was written"
        );
        Err(Error::new(ErrorKind::MapChanged, message))
    }
}

/// The last event that nothing can come before any more.
async fn head(client: &Client, shared: &Shared) -> Result<Position> {
    match settled(client, &shared.sql, shared.config.held_back_max()).await? {
        Ok(look) => look.head(client, &shared.sql).await,
        Err(held) => Err(held.into_error(client, &shared.sql).await),
    }
}

/// Appends, again where another append has come in between.
pub(crate) async fn append_through(shared: &Arc<Shared>, prepared: &Append) -> Result<AppendOutcome> {
    let is_likely = !shared.repeats.load(Ordering::Relaxed) && prepared.may_be_new();
    let mut ids = if is_likely { Ids::New } else { Ids::Looked };
    let (mut tries, mut backoff) = (1, Backoff::new());
    loop {
        match append(shared.client().await?, (&shared.sql, &shared.config), prepared, ids).await {
            Ok(Appended { outcome, head }) => {
                shared.repeats.store(has_repeats(&outcome, prepared.batch.len()), Ordering::Relaxed);
                head.into_iter().for_each(|head| shared.waiters.reach(head));
                if let AppendOutcome::Appended { new, .. } = &outcome {
                    seal::note(shared, *new);
                }
                return Ok(outcome);
            }
            Err(error) if is_overtaken(&error) && ids == Ids::New => ids = Ids::Looked,
            Err(error) if is_crossed(&error) && tries < CROSSED_MAX => {
                tries += 1;
                tokio::time::sleep(backoff.next()).await;
            }
            Err(error) => return Err(error),
        }
    }
}

/// Whether some of the events that were to be appended stood already.
fn has_repeats(outcome: &AppendOutcome, events: usize) -> bool {
    match outcome {
        AppendOutcome::Appended { new, .. } => *new < events,
        AppendOutcome::AlreadyTaken { .. } => true,
        AppendOutcome::Conflict { .. } => false,
    }
}

impl EventStore for PostgresStore {
    fn capabilities(&self) -> Capabilities {
        let mut capabilities = Capabilities::none();
        (capabilities.durable, capabilities.shared) = (true, true);
        capabilities
    }

    fn append(
        &self,
        batch: EventBatch,
        condition: Option<AppendCondition>,
    ) -> BoxFuture<'_, Result<AppendOutcome>> {
        Box::pin(async move {
            let (prepared, shared) = (self.prepared(batch, condition)?, self.shared.clone());
            self.threads.run(async move { append_through(&shared, &prepared).await }).await
        })
    }

    fn read(&self, query: ReadQuery, from: Position, limit: usize) -> BoxFuture<'_, Result<ReadPage>> {
        let (shared, upcasters) = (self.shared.clone(), self.upcasters.clone());
        Box::pin(self.threads.run(async move {
            let client = shared.client().await?;
            page(&client, (&shared.sql, &shared.config), (&query, from, limit), &upcasters).await
        }))
    }

    fn scan(&self, after: Position, limit: usize, lanes: usize) -> BoxFuture<'_, Result<Scan<'_>>> {
        let (shared, upcasters) = (self.shared.clone(), self.upcasters.clone());
        let read = self.threads.run(async move {
            let read = scan::read(&shared, &upcasters, after, limit).await?;
            seal::note(&shared, read.rows());
            Ok(read)
        });
        Box::pin(async move { Ok(read.await?.into_scan(lanes)) })
    }

    fn head(&self) -> BoxFuture<'_, Result<Position>> {
        let shared = self.shared.clone();
        Box::pin(self.threads.run(async move { head(&shared.client().await?, &shared).await }))
    }

    fn wait_past(&self, position: Position) -> BoxFuture<'_, Result<Position>> {
        Box::pin(self.shared.waiters.past(position, || listen(&self.threads, &self.shared)))
    }

    fn checkpoint(&self, name: CheckpointName) -> BoxFuture<'_, Result<Option<Checkpoint>>> {
        let shared = self.shared.clone();
        Box::pin(self.threads.run(async move {
            let client = shared.client().await?;
            checkpoint::read(&client, &shared.sql, &name).await
        }))
    }

    fn put_checkpoint(&self, name: CheckpointName, checkpoint: Checkpoint) -> BoxFuture<'_, Result<()>> {
        let shared = self.shared.clone();
        Box::pin(self.threads.run(async move {
            let client = shared.client().await?;
            let put = checkpoint::put(&client, &shared.sql, &name, &checkpoint);
            let put = in_time(&shared.config, "put a checkpoint", put).await;
            give_back(client, put)
        }))
    }
}
