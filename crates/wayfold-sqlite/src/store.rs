//! The store: what a caller holds.

use std::fmt;
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use wayfold_core::{CustomerKey, EventBatch, Limits, Position, Timestamp, Upcasters};
use wayfold_store::{
    AppendCondition, AppendOutcome, BoxFuture, Capabilities, Checkpoint, CheckpointName, Error, ErrorKind,
    EventStore, ReadPage, ReadQuery, Result, Scan, admit,
};

use crate::config::SqliteConfig;
use crate::error::{position, unavailable};
use crate::group::Job;
use crate::history::history;
use crate::judge::Append;
use crate::keys::Keys;
use crate::merging::{self, Merging};
use crate::pool::Pool;
use crate::read::read;
use crate::record::read_checkpoint;
use crate::reply::promise;
use crate::scan::scan;
use crate::schema::open_writer;
use crate::state::SharedState;
use crate::subscribe::{PastHead, Waiters};
use crate::wal::Renewal;
use crate::writer::Writer;

/// SQLite takes no value of a billion bytes, and an event stands whole in one.
const EVENT_BYTES_MAX: usize = 256 << 20;
/// The texts of the appends of one commit are numbered together, below 4 GiB.
const BATCH_BYTES_MAX: usize = 1 << 30;
/// SQLite takes no value of a billion bytes.
const CHECKPOINT_BYTES_MAX: usize = 256 << 20;

/// A log in one SQLite file.
///
/// Any number of handles, of one process or of several, may have the same file open. Appends go through one
/// thread for each handle, which writes all that waits in one commit; an append that was begun may still be
/// written when its future is dropped. Everything else reads the file, or what is known of it in memory, on the
/// thread that polls: a poll of [`read`](EventStore::read), [`head`](EventStore::head) or
/// [`checkpoint`](EventStore::checkpoint) may wait for the disk. It needs no runtime.
pub struct SqliteStore {
    shared: Arc<Shared>,
    /// `None` where the file is open for reading alone.
    writer: Option<Writer>,
    limits: Limits,
    clock: Box<dyn Fn() -> Timestamp + Send + Sync>,
}

/// What the threads of a handle share.
#[derive(Debug)]
pub(crate) struct Shared {
    pub(crate) config: SqliteConfig,
    pub(crate) readers: Arc<Pool>,
    pub(crate) state: SharedState,
    pub(crate) waiters: Waiters,
    pub(crate) merging: Merging,
    pub(crate) renewal: Renewal,
    write_turn: Mutex<()>,
}

impl Shared {
    pub(crate) fn head(&self) -> Result<Position> {
        self.readers.read(|connection| Ok(position(self.state.read_meta(connection)?.head)))
    }

    /// Lets one thread of the handle write at a time: SQLite would let the others sleep for longer than it takes.
    pub(crate) fn write_turn(&self) -> MutexGuard<'_, ()> {
        self.write_turn.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for SqliteStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SqliteStore")
            .field("path", &self.shared.readers.path())
            .field("config", &self.shared.config)
            .finish_non_exhaustive()
    }
}

impl SqliteStore {
    /// Opens a file, and makes it where there is none; with the default limits and the system's clock.
    ///
    /// The file has to stay under its name while the handle is open. If another stands there, or an older copy was
    /// written over it, every call fails with `Corrupt`, and an append in between with an unknown outcome.
    ///
    /// # Errors
    /// `Corrupt` if the file is no SQLite database. `Unsupported` if it is one of another application or of another
    /// version of the format, if no file can have the name, if it may not be written, or if SQLite is older than 3.51.3. `Unavailable` if it
    /// cannot be opened or another process holds it for too long.
    pub fn open(path: impl AsRef<Path>, config: SqliteConfig) -> Result<Self> {
        let shared = Shared::new(path.as_ref(), config)?;
        let connection = open_writer(shared.readers.path(), &shared.config)?;
        shared.readers.check_file()?;
        let writer = Writer::start(connection, shared.clone())?;
        let store = Self::over(shared.clone(), Some(writer));
        Self::check_record(&shared)?;
        merging::start(open_writer(shared.readers.path(), &shared.config)?, &shared)?;
        Ok(store)
    }

    /// Opens a file that stands already, for reading alone; appends and checkpoints are refused.
    ///
    /// SQLite makes the files of its write-ahead log beside it if they are not there. Where the folder does not allow
    /// that, a log that was closed is read without locks, as long as nobody writes to it: a read that meets a change
    /// fails with `Unavailable`, and the next one begins anew.
    ///
    /// # Errors
    /// As [`SqliteStore::open`]; `Unavailable` if there is no such file.
    pub fn open_read_only(path: impl AsRef<Path>, config: SqliteConfig) -> Result<Self> {
        let shared = Shared::new(path.as_ref(), config)?;
        Self::check_record(&shared)?;
        Ok(Self::over(shared, None))
    }

    fn over(shared: Arc<Shared>, writer: Option<Writer>) -> Self {
        let clock = Box::new(|| chrono::Utc::now().into());
        Self { shared, writer, limits: Limits::default(), clock }
    }

    /// A log that cannot say what it is is refused at once.
    fn check_record(shared: &Shared) -> Result<()> {
        shared.head().map(drop)
    }

    /// Sets other limits; one event may have 256 MiB and one batch 1 GiB at most, whatever they say.
    pub fn with_limits(mut self, limits: Limits) -> Self {
        self.limits = limits;
        self.limits.event_bytes_max = self.limits.event_bytes_max.min(EVENT_BYTES_MAX);
        self.limits.batch_bytes_max = self.limits.batch_bytes_max.min(BATCH_BYTES_MAX);
        self
    }

    /// Reads stored events of your own kinds in older shapes by these steps; the file stays as it is. The first
    /// call counts, and one has to come before the store is used.
    pub fn with_upcasters(self, upcasters: Upcasters) -> Self {
        self.shared.state.set_upcasters(upcasters);
        self
    }

    /// Replaces the clock, for tests.
    pub fn with_clock(mut self, clock: impl Fn() -> Timestamp + Send + Sync + 'static) -> Self {
        self.clock = Box::new(clock);
        self
    }

    /// Ends what waits to be written, refuses what comes later, and brings everything into the one file.
    ///
    /// It blocks until that is done, but for a task that a thread of the store wakes and polls: the thread does it when
    /// the task gives way. Dropping the store does the same and says nothing of what fails. Whoever waits for events
    /// gets an error. While another handle has the file open, the files beside it stay.
    ///
    /// # Errors
    /// `Unavailable` if the file cannot be written; what was acknowledged stands in the files beside it.
    pub fn close(&self) -> Result<()> {
        self.shared.waiters.close();
        self.shared.readers.close();
        self.shared.merging.close();
        self.writer.as_ref().map_or(Ok(()), Writer::close)
    }

    pub(crate) fn shared(&self) -> &Arc<Shared> {
        &self.shared
    }

    pub(crate) fn writer(&self, what: &str) -> Result<&Writer> {
        self.writer.as_ref().ok_or_else(|| {
            let message = format_args!("{what}: the store is open for reading alone; nothing was written");
            Error::new(ErrorKind::Unsupported, message)
        })
    }
}

impl Drop for SqliteStore {
    fn drop(&mut self) {
        // Nobody is left to hear of a failure, and what was acknowledged stands.
        let _ = self.close();
    }
}

impl Shared {
    fn new(path: &Path, config: SqliteConfig) -> Result<Arc<Self>> {
        if path.as_os_str().as_encoded_bytes().contains(&0) {
            let message = format_args!("open {}: no file has a zero byte in its name", path.display());
            return Err(Error::new(ErrorKind::Unsupported, message));
        }
        // SQLite gives names such as `:memory:` and `file:` a meaning of their own; a full path has none.
        let path = std::path::absolute(path)
            .map_err(|error| unavailable(format_args!("open {}", path.display())).with_source(error))?;
        Ok(Arc::new(Self {
            readers: Arc::new(Pool::new(path, config.clone())),
            config,
            state: SharedState::default(),
            waiters: Waiters::default(),
            merging: Merging::default(),
            renewal: Renewal::default(),
            write_turn: Mutex::default(),
        }))
    }
}

impl EventStore for SqliteStore {
    fn capabilities(&self) -> Capabilities {
        let mut capabilities = Capabilities::none();
        capabilities.durable = true;
        capabilities.shared = true;
        capabilities
    }

    fn append(
        &self,
        batch: EventBatch,
        condition: Option<AppendCondition>,
    ) -> BoxFuture<'_, Result<AppendOutcome>> {
        Box::pin(async move {
            let writer = self.writer("append")?;
            let now = (self.clock)();
            admit(&batch, &self.limits, &self.capabilities())?;
            let keys = Arc::new(Keys::of(&self.shared.state.hasher, &batch));
            let (bytes, limits) = (batch.extent().bytes, self.limits.clone());
            let (promise, reply) = promise();
            let append = Append { batch, keys, bytes, condition, limits, now };
            writer.send(Job::Append(Box::new(append), promise));
            reply.await.map(|judged| judged.outcome)
        })
    }

    fn read(&self, query: ReadQuery, from: Position, limit: usize) -> BoxFuture<'_, Result<ReadPage>> {
        Box::pin(async move {
            let Shared { config, readers, state, .. } = &*self.shared;
            readers.read(|connection| read(connection, state, config, (&query, from, limit)))
        })
    }

    fn scan(&self, after: Position, limit: usize, lanes: usize) -> BoxFuture<'_, Result<Scan<'_>>> {
        Box::pin(async move { scan(&self.shared.readers, &self.shared.state, (after, limit), lanes) })
    }

    fn history<'a>(&'a self, customer: &'a CustomerKey) -> BoxFuture<'a, Result<Vec<EventBatch>>> {
        Box::pin(async move {
            let Shared { readers, state, .. } = &*self.shared;
            history(readers, state, customer)
        })
    }

    fn head(&self) -> BoxFuture<'_, Result<Position>> {
        Box::pin(async move { self.shared.head() })
    }

    fn wait_past(&self, position: Position) -> BoxFuture<'_, Result<Position>> {
        Box::pin(PastHead::new(&self.shared, position))
    }

    fn checkpoint(&self, name: CheckpointName) -> BoxFuture<'_, Result<Option<Checkpoint>>> {
        Box::pin(async move { self.shared.readers.read(|connection| read_checkpoint(connection, &name)) })
    }

    fn put_checkpoint(&self, name: CheckpointName, checkpoint: Checkpoint) -> BoxFuture<'_, Result<()>> {
        Box::pin(async move {
            let writer = self.writer("put a checkpoint")?;
            let bytes = checkpoint.bytes.len();
            if bytes > CHECKPOINT_BYTES_MAX {
                let message = format_args!(
                    "put checkpoint {:?}: it has {bytes} bytes; at most {CHECKPOINT_BYTES_MAX} are taken",
                    name.as_str()
                );
                return Err(Error::new(ErrorKind::Unsupported, message));
            }
            let (promise, reply) = promise();
            writer.send(Job::Put(name, checkpoint, promise));
            reply.await
        })
    }
}
