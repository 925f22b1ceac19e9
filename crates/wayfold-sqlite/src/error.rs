//! How failures of SQLite and of blocks become errors of the port.

use std::fmt;

use rusqlite::ErrorCode;
use wayfold_core::Position;
use wayfold_store::{Error, ErrorKind, Result};

/// Says what was tried when a call of SQLite failed.
pub(crate) trait At<T> {
    /// Turns the failure into an error that begins with what was tried.
    fn at(self, tried: impl fmt::Display) -> Result<T>;
}

impl<T> At<T> for rusqlite::Result<T> {
    fn at(self, tried: impl fmt::Display) -> Result<T> {
        self.map_err(|error| {
            let (kind, reason) = meaning(&error);
            Error::new(kind, format_args!("{tried}: {reason}")).with_source(error)
        })
    }
}

impl<T> At<T> for wayfold_block::Result<T> {
    fn at(self, tried: impl fmt::Display) -> Result<T> {
        self.map_err(|error| {
            let kind = match error.kind() {
                wayfold_block::ErrorKind::Unsupported => ErrorKind::Unsupported,
                _ => ErrorKind::Corrupt,
            };
            Error::new(kind, format_args!("{tried}: {error}"))
        })
    }
}

/// What a failure of SQLite means for a caller.
fn meaning(error: &rusqlite::Error) -> (ErrorKind, &'static str) {
    use ErrorKind::{Corrupt, Unavailable, Unsupported};
    let Some(code) = error.sqlite_error_code() else {
        return (Corrupt, "a row is not as this library writes it");
    };
    match code {
        ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked => {
            (Unavailable, "another process holds the file for longer than busy_timeout_ms")
        }
        ErrorCode::DiskFull => (Unavailable, "the disk is full"),
        ErrorCode::SystemIoFailure => (Unavailable, "the file system failed"),
        ErrorCode::CannotOpen => (Unavailable, "the file cannot be opened"),
        ErrorCode::PermissionDenied | ErrorCode::AuthorizationForStatementDenied => {
            (Unavailable, "the file may not be opened")
        }
        ErrorCode::ReadOnly => (Unsupported, "the file may be read, not written"),
        ErrorCode::TooBig => (Unsupported, "a value is larger than SQLite stores"),
        ErrorCode::OutOfMemory
        | ErrorCode::OperationInterrupted
        | ErrorCode::OperationAborted
        | ErrorCode::SchemaChanged
        | ErrorCode::FileLockingProtocolFailed
        | ErrorCode::NoLargeFileSupport => (Unavailable, "SQLite could not go on"),
        ErrorCode::NotADatabase => (Corrupt, "the file is no SQLite database"),
        ErrorCode::DatabaseCorrupt => (Corrupt, "the file is damaged"),
        _ => (Corrupt, "the file does not have the tables and rows that this library writes"),
    }
}

/// What the file holds is damaged.
pub(crate) fn corrupt(message: impl fmt::Display) -> Error {
    Error::new(ErrorKind::Corrupt, message)
}

/// The store cannot serve now.
pub(crate) fn unavailable(message: impl fmt::Display) -> Error {
    Error::new(ErrorKind::Unavailable, message)
}

/// Events are numbered from 1; the number is the position.
pub(crate) fn position(number: u64) -> Position {
    Position::from_bytes(u128::from(number).to_be_bytes())
}

/// The number at a position; positions beyond all numbers count as the last one.
pub(crate) fn number(position: Position) -> u64 {
    u64::try_from(u128::from_be_bytes(position.to_bytes())).unwrap_or(u64::MAX)
}

/// Puts what was tried in front of an error.
pub(crate) fn within(tried: impl fmt::Display, error: &Error) -> Error {
    let outer = Error::new(error.kind(), format_args!("{tried}: {error}"));
    match std::error::Error::source(error) {
        Some(source) => outer.with_source(source.to_string()),
        None => outer,
    }
}
