//! The file: how it is made, told apart from others, and opened.

use std::path::Path;
use std::time::{Duration, Instant};

use rusqlite::{Connection, ErrorCode, MAIN_DB, OpenFlags, TransactionBehavior};
use wayfold_store::{Error, ErrorKind, Result};

use crate::config::{Durability, SqliteConfig};
use crate::error::{At, corrupt, unavailable};
use crate::identity::Stamp;
use crate::pool::Reader;
use crate::record::{FORMAT, Meta};

/// Tells a log of this library from other SQLite files: "WFLG".
pub(crate) const APPLICATION_ID: u32 = 0x5746_4c47;

/// Earlier versions of SQLite can lose commits when a write-ahead log is reset while another connection writes.
const SQLITE_VERSION_MIN: i32 = 3_051_003;

const TABLES: &str = "
    CREATE TABLE meta (id INTEGER PRIMARY KEY CHECK (id = 1), bytes BLOB NOT NULL);
    CREATE TABLE fresh (first INTEGER PRIMARY KEY, bytes BLOB NOT NULL);
    CREATE TABLE block (
        number INTEGER PRIMARY KEY AUTOINCREMENT, state INTEGER NOT NULL, touched_at INTEGER NOT NULL, header BLOB
    );
    CREATE TABLE fold (id INTEGER PRIMARY KEY, bytes BLOB NOT NULL);
    CREATE TABLE identity (id INTEGER PRIMARY KEY, bytes BLOB NOT NULL);
    CREATE TABLE rest (id INTEGER PRIMARY KEY, bytes BLOB NOT NULL);
    CREATE TABLE directory (id INTEGER PRIMARY KEY, bytes BLOB NOT NULL);
    CREATE TABLE checkpoint (name BLOB PRIMARY KEY, bytes BLOB NOT NULL) WITHOUT ROWID;
";

/// Opens a connection that writes, and makes the file where there is none.
pub(crate) fn open_writer(path: &Path, config: &SqliteConfig) -> Result<Connection> {
    let tried = format_args!("open {}", path.display());
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_CREATE;
    let mut connection = connect(path, flags, config)?;
    let is_blank = is_blank(&connection, path)?;
    // SQLite learns from the first page that it may not write a file that is marked as one of a later version.
    if connection.is_readonly(MAIN_DB).at(tried)? {
        let message = format_args!("{tried}: the file may be read, not written; open it for reading alone");
        return Err(Error::new(ErrorKind::Unsupported, message));
    }
    if is_blank {
        create(&mut connection, path, config)?;
    }
    check_owner(&connection, path)?;
    let level = match config.durability {
        Durability::Full => "FULL",
        Durability::Normal => "NORMAL",
        Durability::Off => "OFF",
    };
    connection.pragma_update(None, "synchronous", level).at(tried)?;
    // A log that grew in a burst gives its space back.
    let limit = i64::try_from(config.wal_bytes_max).unwrap_or(i64::MAX);
    connection
        .pragma_update_and_check(None, "journal_size_limit", limit, |row| row.get::<_, i64>(0))
        .at(tried)?;
    Ok(connection)
}

/// Opens a connection that reads.
pub(crate) fn open_reader(path: &Path, config: &SqliteConfig) -> Result<Reader> {
    let connection = connect(path, OpenFlags::SQLITE_OPEN_READ_ONLY, config)?;
    let reader = match lacks_files_beside(&connection) {
        true => open_unlocked(path, config)?,
        false => Reader { connection, unlocked: None },
    };
    check_owner(&reader.connection, path)?;
    Ok(reader)
}

/// Says whether SQLite cannot make the files that it keeps beside the log, as in a folder that may only be read.
fn lacks_files_beside(connection: &Connection) -> bool {
    let tried: rusqlite::Result<i64> =
        connection.pragma_query_value(None, "schema_version", |row| row.get(0));
    tried.is_err_and(|error| error.sqlite_error_code() == Some(ErrorCode::ReadOnly))
}

/// Opens a closed log without locks, and without files beside it. Others may be allowed to write to it, which such a
/// connection does not notice: it is good as long as the file looks as it did.
pub(crate) fn open_unlocked(path: &Path, config: &SqliteConfig) -> Result<Reader> {
    let tried = format_args!("open {}", path.display());
    let stamp = Stamp::of(path).map_err(|error| unavailable(tried).with_source(error))?;
    let Some(stamp) = stamp else {
        let message = format_args!(
            "{tried}: the log was not closed, and its folder may be read, not written; open it once where it may be \
             written"
        );
        return Err(Error::new(ErrorKind::Unsupported, message));
    };
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_URI;
    let connection = connect(Path::new(&unlocked_uri(path)), flags, config)?;
    Ok(Reader { connection, unlocked: Some(stamp) })
}

fn unlocked_uri(path: &Path) -> String {
    // Before a path from the root stands the name of a machine: none, or the first of two slashes would begin one.
    let path = path.as_os_str().as_encoded_bytes();
    let mut uri = String::from(if path.starts_with(b"/") { "file://" } else { "file:" });
    for byte in path {
        match byte {
            b'/' | b'.' | b'-' | b'_' | b'0'..=b'9' | b'A'..=b'Z' | b'a'..=b'z' => {
                uri.push(char::from(*byte));
            }
            _ => uri.push_str(&format!("%{byte:02X}")),
        }
    }
    uri + "?immutable=1"
}

fn connect(path: &Path, flags: OpenFlags, config: &SqliteConfig) -> Result<Connection> {
    let tried = format_args!("open {}", path.display());
    if rusqlite::version_number() < SQLITE_VERSION_MIN {
        let message = format_args!(
            "{tried}: SQLite {} may lose commits when it resets its log; 3.51.3 is the first that is safe",
            rusqlite::version()
        );
        return Err(Error::new(ErrorKind::Unsupported, message));
    }
    let connection = Connection::open_with_flags(path, flags | OpenFlags::SQLITE_OPEN_NO_MUTEX).at(tried)?;
    connection.busy_timeout(config.patience()).at(tried)?;
    connection.set_prepared_statement_cache_capacity(64);
    Ok(connection)
}

fn pragma(connection: &Connection, path: &Path, name: &str) -> Result<u32> {
    let value: i32 = connection
        .pragma_query_value(None, name, |row| row.get(0))
        .at(format_args!("open {}", path.display()))?;
    // SQLite shows both numbers of its header with a sign; they have none.
    Ok(value as u32)
}

/// Says whether the file holds nothing at all, so that nobody's tables are in the way.
fn is_blank(connection: &Connection, path: &Path) -> Result<bool> {
    let tables: i64 = connection
        .query_row("SELECT count(*) FROM sqlite_schema", [], |row| row.get(0))
        .at(format_args!("open {}", path.display()))?;
    let owner = pragma(connection, path, "application_id")?;
    Ok(tables == 0 && owner == 0 && pragma(connection, path, "user_version")? == 0)
}

/// Refuses a file of another application and of another version of the format.
fn check_owner(connection: &Connection, path: &Path) -> Result<()> {
    let owner = pragma(connection, path, "application_id")?;
    if owner != APPLICATION_ID {
        let message = format_args!(
            "open {}: it is a database of another application (application id {owner:#010x}, and that of this \
             library is {APPLICATION_ID:#010x})",
            path.display()
        );
        return Err(Error::new(ErrorKind::Unsupported, message));
    }
    let version = pragma(connection, path, "user_version")?;
    if version != FORMAT {
        let message = format_args!(
            "open {}: its format has version {version}; this version of the library reads version {FORMAT}",
            path.display()
        );
        return Err(Error::new(ErrorKind::Unsupported, message));
    }
    Ok(())
}

fn create(connection: &mut Connection, path: &Path, config: &SqliteConfig) -> Result<()> {
    let tried = format_args!("make {}", path.display());
    if !config.page_bytes.is_power_of_two() || !(512..=65_536).contains(&config.page_bytes) {
        let message = format_args!(
            "{tried}: page_bytes is {}; it has to be a power of two from 512 to 65536",
            config.page_bytes
        );
        return Err(Error::new(ErrorKind::Unsupported, message));
    }
    connection.pragma_update(None, "page_size", config.page_bytes).at(tried)?;
    connection.pragma_update(None, "auto_vacuum", "INCREMENTAL").at(tried)?;
    keep_write_ahead_log(connection, path, config)?;
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate).at(tried)?;
    // Another process may have been faster.
    if is_blank(&transaction, path)? {
        transaction.execute_batch(TABLES).at(tried)?;
        Meta::default().write(&transaction).at(tried)?;
        transaction.pragma_update(None, "application_id", APPLICATION_ID).at(tried)?;
        transaction.pragma_update(None, "user_version", FORMAT).at(tried)?;
    }
    transaction.commit().at(tried)
}

/// Switches the file to a write-ahead log. SQLite does not wait for the lock that this takes, so it is tried again
/// while other processes make the same file.
fn keep_write_ahead_log(connection: &Connection, path: &Path, config: &SqliteConfig) -> Result<()> {
    let tried = format_args!("make {}", path.display());
    let deadline = Instant::now() + config.patience();
    loop {
        let mode: rusqlite::Result<String> =
            connection.pragma_update_and_check(None, "journal_mode", "WAL", |row| row.get(0));
        match mode {
            Ok(mode) if mode == "wal" => return Ok(()),
            Ok(mode) => {
                let message = format_args!("{tried}: a write-ahead log cannot be kept there (mode {mode})");
                return Err(Error::new(ErrorKind::Unsupported, message));
            }
            Err(error)
                if error.sqlite_error_code() == Some(ErrorCode::DatabaseBusy)
                    && Instant::now() < deadline =>
            {
                std::thread::sleep(Duration::from_millis(2));
            }
            Err(error) => return Err(error).at(tried),
        }
    }
}

/// Asks SQLite for its own check of the file; `None` if it finds nothing.
pub(crate) fn integrity_problem(connection: &Connection) -> Result<Option<String>> {
    let tried = "check the file";
    let found: String = connection.query_row("PRAGMA integrity_check(1)", [], |row| row.get(0)).at(tried)?;
    if found.is_empty() {
        return Err(corrupt("check the file: SQLite gave no answer"));
    }
    Ok((found != "ok").then_some(found))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What came behind two slashes was taken for the name of a machine.
    #[cfg(unix)]
    #[test]
    fn a_path_is_a_path_in_an_address_too() {
        for (path, expected) in [
            ("/a/log", "file:///a/log?immutable=1"),
            ("//a/log", "file:////a/log?immutable=1"),
            ("/a b/?x#%", "file:///a%20b/%3Fx%23%25?immutable=1"),
        ] {
            assert_eq!(unlocked_uri(Path::new(path)), expected);
        }
        let folder = std::env::temp_dir().join(format!("wayfold-schema-{}", std::process::id()));
        std::fs::create_dir_all(&folder).unwrap();
        let path = folder.join("log");
        drop(open_writer(&path, &SqliteConfig::default()).unwrap());
        let twice = Path::new(&format!("/{}", path.display())).to_owned();
        let reader = open_unlocked(&twice, &SqliteConfig::default()).unwrap();
        assert_eq!(Meta::read(&reader.connection).unwrap(), Meta::default());
        std::fs::remove_dir_all(folder).unwrap();
    }
}
