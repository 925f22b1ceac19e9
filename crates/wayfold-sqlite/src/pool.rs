//! Connections that read, kept for the next read.

use std::ops::Deref;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};

use rusqlite::Connection;
use wayfold_store::Result;

use crate::config::SqliteConfig;
use crate::error::unavailable;
use crate::schema::open_reader;

#[derive(Debug)]
pub(crate) struct Pool {
    path: PathBuf,
    config: SqliteConfig,
    /// `None` once the store is closed.
    idle: Mutex<Option<Vec<Connection>>>,
}

impl Pool {
    pub(crate) fn new(path: PathBuf, config: SqliteConfig) -> Self {
        Self { path, config, idle: Mutex::new(Some(Vec::new())) }
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    fn idle(&self) -> MutexGuard<'_, Option<Vec<Connection>>> {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes an idle connection, or opens one.
    pub(crate) fn take(&self) -> Result<Pooled<'_>> {
        let idle = match &mut *self.idle() {
            None => return Err(unavailable("the store is closed")),
            Some(idle) => idle.pop(),
        };
        let connection = idle.map_or_else(|| open_reader(&self.path, &self.config), Ok)?;
        Ok(Pooled { pool: self, connection: Some(connection) })
    }

    /// Opens no more connections and closes those that are idle.
    pub(crate) fn close(&self) {
        *self.idle() = None;
    }

    fn give_back(&self, connection: Connection) {
        // Whatever ended a read early has ended its transaction; a connection where it has not is closed.
        let is_sound = connection.is_autocommit();
        if let Some(idle) = &mut *self.idle()
            && is_sound
            && idle.len() < self.config.idle_readers_max
        {
            idle.push(connection);
        }
    }
}

/// A connection that goes back when it is dropped.
#[derive(Debug)]
pub(crate) struct Pooled<'a> {
    pool: &'a Pool,
    connection: Option<Connection>,
}

impl Deref for Pooled<'_> {
    type Target = Connection;

    fn deref(&self) -> &Connection {
        self.connection.as_ref().expect("it is there until the drop")
    }
}

impl Drop for Pooled<'_> {
    fn drop(&mut self) {
        if let Some(connection) = self.connection.take() {
            self.pool.give_back(connection);
        }
    }
}
