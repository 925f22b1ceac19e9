//! The turn to write among the handles and processes that have the file open.

use std::time::{Duration, Instant, SystemTime};

use rusqlite::{Connection, ErrorCode, Transaction, TransactionBehavior};

use crate::config::SqliteConfig;

/// How long to wait before trying again, and how much more at most.
const PAUSE_MICROS: u32 = 300;
const JITTER_MICROS: u32 = 700;

/// Begins a transaction that writes, and waits for others as long as the config says.
///
/// SQLite leaves a waiting writer asleep for a tenth of a second at a time, while a busy one gives way for some
/// microseconds between two commits: it may miss every one of them. Here it looks a thousand times a second.
pub(crate) fn begin<'a>(
    connection: &'a Connection,
    config: &SqliteConfig,
) -> rusqlite::Result<Transaction<'a>> {
    let deadline = Instant::now() + config.patience();
    connection.busy_timeout(Duration::ZERO)?;
    let begun = loop {
        let begun = Transaction::new_unchecked(connection, TransactionBehavior::Immediate);
        match &begun {
            Err(error) if is_busy(error) && Instant::now() < deadline => std::thread::sleep(pause()),
            _ => break begun,
        }
    };
    connection.busy_timeout(config.patience())?;
    begun
}

fn is_busy(error: &rusqlite::Error) -> bool {
    error.sqlite_error_code() == Some(ErrorCode::DatabaseBusy)
}

/// A little more or less, so that nobody keeps step with another's commits.
fn pause() -> Duration {
    let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    Duration::from_micros(u64::from(PAUSE_MICROS + since.subsec_nanos() % JITTER_MICROS))
}
