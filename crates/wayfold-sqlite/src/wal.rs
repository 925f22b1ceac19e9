//! The write-ahead log, kept from growing without end.

use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use rusqlite::Connection;

use crate::store::Shared;

/// How long readers may keep the write-ahead log from being begun anew; appends wait meanwhile.
const PATIENCE: Duration = Duration::from_millis(50);
/// How long to leave it after readers did not let go, so that appends wait a twentieth of the time at most.
const PAUSE: Duration = Duration::from_secs(1);

/// When the log may be begun anew.
#[derive(Debug, Default)]
pub(crate) struct Renewal(Mutex<Option<Instant>>);

/// Begins the write-ahead log anew where it has grown too large; call it with the turn to write.
///
/// SQLite does so by itself when a commit finds that nobody reads, which never comes true while reads overlap.
pub(crate) fn keep_small(connection: &Connection, shared: &Shared) {
    if shared.readers.write_ahead_bytes() <= shared.config.wal_bytes_max {
        return;
    }
    let mut paused_until = shared.renewal.0.lock().unwrap_or_else(PoisonError::into_inner);
    if paused_until.is_some_and(|until| Instant::now() < until) || shared.readers.check_file().is_err() {
        return;
    }
    // What fails here keeps the log large, and nothing else: what was committed stands.
    let _ = connection.busy_timeout(PATIENCE);
    let is_busy = connection.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |row| row.get(0));
    let _ = connection.busy_timeout(shared.config.patience());
    *paused_until = is_busy.unwrap_or(true).then(|| Instant::now() + PAUSE);
}
