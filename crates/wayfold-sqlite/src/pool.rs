//! Connections that read, kept for the next read, and the file that they have to be of.

use std::ops::Deref;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};

use rusqlite::{Connection, DropBehavior};
use wayfold_store::{Error, Result};

use crate::config::SqliteConfig;
use crate::error::{corrupt, unavailable};
use crate::identity::{FileId, Stamp, bytes_of, write_ahead};
use crate::schema::open_reader;
use crate::state::{SharedState, State};

/// A connection that reads.
#[derive(Debug)]
pub(crate) struct Reader {
    pub(crate) connection: Connection,
    /// What the file looked like when it was opened without locks: such a connection notices no change by itself.
    pub(crate) unlocked: Option<Stamp>,
}

impl Reader {
    fn is_current(&self, path: &Path) -> bool {
        self.unlocked.is_none_or(|stamp| Stamp::of(path).is_ok_and(|now| now == Some(stamp)))
    }
}

#[derive(Debug)]
pub(crate) struct Pool {
    path: PathBuf,
    config: SqliteConfig,
    /// The file that the handle was opened on.
    file: OnceLock<FileId>,
    write_ahead: OnceLock<PathBuf>,
    /// `None` once the store is closed.
    idle: Mutex<Option<Vec<Reader>>>,
}

impl Pool {
    pub(crate) fn new(path: PathBuf, config: SqliteConfig) -> Self {
        // A file that is not there yet is made, and known from then on.
        let file = FileId::of(&path).map(OnceLock::from).unwrap_or_default();
        Self { path, config, file, write_ahead: OnceLock::new(), idle: Mutex::new(Some(Vec::new())) }
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    fn idle(&self) -> MutexGuard<'_, Option<Vec<Reader>>> {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The bytes of the write-ahead log of the open file.
    pub(crate) fn write_ahead_bytes(&self) -> u64 {
        bytes_of(self.write_ahead.get_or_init(|| write_ahead(&self.path)))
    }

    /// Checks that the file under the name is the one that the handle was opened on. SQLite does not: a connection
    /// goes on with the file that it opened, and the next connection opens another.
    pub(crate) fn check_file(&self) -> Result<()> {
        let tried = format_args!("use {}", self.path.display());
        let found = FileId::of(&self.path).map_err(|error| {
            unavailable(format_args!("{tried}: the log is not under its name")).with_source(error)
        })?;
        if *self.file.get_or_init(|| found) == found {
            return Ok(());
        }
        let message =
            "another file stands under that name since it was opened; close every handle and open it again";
        Err(corrupt(format_args!("{tried}: {message}")))
    }

    /// Reads by a connection of its own. What a connection without locks has read while the file changed is no answer.
    pub(crate) fn read<T>(&self, read: impl FnOnce(&Connection) -> Result<T>) -> Result<T> {
        let reader = self.take()?;
        let found = read(&reader);
        if reader.is_current() {
            return found;
        }
        Err(self.changed())
    }

    /// Asks the state in a transaction that stays open for what is read later.
    pub(crate) fn open_read<T>(
        self: &Arc<Self>,
        shared: &SharedState,
        question: impl Fn(&State) -> Result<T>,
    ) -> Result<(OpenRead, T)> {
        let mut pooled = self.take()?;
        let (mut snapshot, answer) = shared.ask_now(&pooled, question)?;
        snapshot.transaction.set_drop_behavior(DropBehavior::Ignore);
        drop(snapshot);
        Ok((OpenRead { pool: self.clone(), reader: Mutex::new(pooled.reader.take()) }, answer))
    }

    /// What is said of a read by a connection without locks while the file changed.
    fn changed(&self) -> Error {
        let message = "another process wrote to the log while it was read without locks; read again";
        unavailable(format_args!("read {}: {message}", self.path.display()))
    }

    /// Takes an idle connection, or opens one.
    pub(crate) fn take(&self) -> Result<Pooled<'_>> {
        let idle = match &mut *self.idle() {
            None => return Err(unavailable("the store is closed")),
            Some(idle) => idle.pop(),
        };
        let idle = idle.filter(|reader| reader.is_current(&self.path));
        let reader = idle.map_or_else(|| open_reader(&self.path, &self.config), Ok);
        // Whoever waits for a log that is not there learns that, not what SQLite makes of it.
        self.check_file()?;
        Ok(Pooled { pool: self, reader: Some(reader?) })
    }

    /// Opens no more connections and closes those that are idle.
    pub(crate) fn close(&self) {
        *self.idle() = None;
    }

    fn give_back(&self, reader: Reader) {
        // Whatever ended a read early has ended its transaction; a connection where it has not is closed.
        let is_sound = reader.connection.is_autocommit();
        if let Some(idle) = &mut *self.idle()
            && is_sound
            && idle.len() < self.config.idle_readers_max
        {
            idle.push(reader);
        }
    }
}

/// A connection that goes back when it is dropped.
#[derive(Debug)]
pub(crate) struct Pooled<'a> {
    pool: &'a Pool,
    reader: Option<Reader>,
}

impl Pooled<'_> {
    fn reader(&self) -> &Reader {
        self.reader.as_ref().expect("it is there until the drop")
    }

    /// Says whether what it reads is what the file holds.
    pub(crate) fn is_current(&self) -> bool {
        self.reader().is_current(&self.pool.path)
    }
}

/// A connection with a transaction that is open until it is dropped, for several who read by turns.
#[derive(Debug)]
pub(crate) struct OpenRead {
    pool: Arc<Pool>,
    reader: Mutex<Option<Reader>>,
}

impl OpenRead {
    fn reader(&self) -> MutexGuard<'_, Option<Reader>> {
        self.reader.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Reads.
    pub(crate) fn read<T>(&self, read: impl FnOnce(&Connection) -> Result<T>) -> Result<T> {
        let reader = self.reader();
        read(&reader.as_ref().expect("it is there until the drop").connection)
    }

    /// Says, when something is read, whether all that was read is of one file.
    pub(crate) fn check(&self) -> Result<()> {
        let is_current = self.reader().as_ref().is_some_and(|reader| reader.is_current(&self.pool.path));
        if is_current { Ok(()) } else { Err(self.pool.changed()) }
    }
}

impl Drop for OpenRead {
    fn drop(&mut self) {
        let reader = self.reader().take();
        if let Some(reader) = reader {
            // A connection that cannot end its transaction is closed instead of being kept.
            let _ = reader.connection.execute_batch("ROLLBACK");
            self.pool.give_back(reader);
        }
    }
}

impl Deref for Pooled<'_> {
    type Target = Connection;

    fn deref(&self) -> &Connection {
        &self.reader().connection
    }
}

impl Drop for Pooled<'_> {
    fn drop(&mut self) {
        if let Some(reader) = self.reader.take() {
            self.pool.give_back(reader);
        }
    }
}

#[cfg(test)]
mod tests {
    use pollster::block_on;
    use wayfold_core::{CustomerKey, EventBatch, EventId, JourneyEvent, Registered, Timestamp};
    use wayfold_store::{ErrorKind, EventStore};

    use super::*;
    use crate::record::Meta;
    use crate::schema::open_unlocked;
    use crate::store::SqliteStore;

    fn append(store: &SqliteStore, id: u128) {
        let at = Timestamp::parse("2024-01-01").unwrap();
        let event =
            JourneyEvent::new(EventId::from_u128(id), CustomerKey::new("a").unwrap(), at, Registered {});
        assert!(block_on(store.append(EventBatch::from_events([&event]).unwrap(), None)).is_ok());
    }

    /// In a folder that may only be read a closed log was opened without locks. Another user's process appended to
    /// it: nobody was told, and readers got old events, or none, or never came back.
    #[test]
    fn a_connection_without_locks_answers_nothing_of_a_file_that_changed() {
        let folder = std::env::temp_dir().join(format!("wayfold-pool-{}", std::process::id()));
        std::fs::create_dir_all(&folder).unwrap();
        let (path, config) = (folder.join("log"), SqliteConfig::default());
        let store = SqliteStore::open(&path, config.clone()).unwrap();
        append(&store, 1);
        store.close().unwrap();
        let pool = Pool::new(path.clone(), config.clone());
        let head = |connection: &Connection| Ok(Meta::read(connection)?.head);
        pool.give_back(open_unlocked(&path, &config).unwrap());
        assert_eq!(pool.read(head).unwrap(), 1);
        let store = SqliteStore::open(&path, config.clone()).unwrap();
        let during = pool.read(|connection| {
            append(&store, 2);
            head(connection)
        });
        assert_eq!(during.unwrap_err().kind(), ErrorKind::Unavailable);
        assert_eq!(pool.read(head).unwrap(), 2, "the next read has a connection of its own");
        let error = open_unlocked(&path, &config).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Unsupported, "what is written stands beside the file");
        store.close().unwrap();
        std::fs::remove_dir_all(folder).unwrap();
    }
}
