//! How failures of the server and of the driver become errors of the port.

use std::error::Error as _;
use std::fmt;

use deadpool_postgres::PoolError;
use tokio_postgres::error::SqlState;
use wayfold_store::{Error, ErrorKind, Result};

use crate::tls::refusal;

/// Says what was tried when a call of the driver failed.
pub(crate) trait At<T> {
    /// Turns the failure into an error that begins with what was tried.
    fn at(self, tried: impl fmt::Display) -> Result<T>;
}

impl<T> At<T> for std::result::Result<T, tokio_postgres::Error> {
    fn at(self, tried: impl fmt::Display) -> Result<T> {
        self.map_err(|error| failed(tried, error))
    }
}

impl<T> At<T> for std::result::Result<T, PoolError> {
    fn at(self, tried: impl fmt::Display) -> Result<T> {
        self.map_err(|error| match error {
            PoolError::Backend(error) => failed(tried, error),
            PoolError::Timeout(_) => unavailable(format_args!(
                "{tried}: no connection was free or could be made in connect_timeout_ms"
            )),
            other => unavailable(tried).with_source(other),
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

/// What a server says of a failure, without the values of rows that it adds, which are nobody else's business.
#[derive(Debug)]
struct ServerError {
    code: SqlState,
    message: Box<str>,
}

impl fmt::Display for ServerError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} (SQLSTATE {})", self.message, self.code.code())
    }
}

impl std::error::Error for ServerError {}

fn failed(tried: impl fmt::Display, error: tokio_postgres::Error) -> Error {
    let Some(server) = error.as_db_error() else {
        if let Some(reason) = refusal(&error) {
            return Error::new(ErrorKind::Unsupported, format_args!("{tried}: {reason}")).with_source(error);
        }
        return unavailable(format_args!("{tried}: the server cannot be reached")).with_source(error);
    };
    let (kind, reason) = meaning(server.code());
    let source = ServerError { code: server.code().clone(), message: server.message().into() };
    Error::new(kind, format_args!("{tried}: {reason}")).with_source(source)
}

/// What a code of the server means for a caller.
fn meaning(code: &SqlState) -> (ErrorKind, &'static str) {
    use ErrorKind::{Corrupt, Unavailable, Unsupported};
    let text = code.code();
    match text.get(..2).unwrap_or_default() {
        _ if *code == SqlState::INSUFFICIENT_PRIVILEGE => (
            Unsupported,
            "the role may not do that; grant it, or open the log once as the owner of its schema",
        ),
        _ if *code == SqlState::QUERY_CANCELED => (Unavailable, "it took longer than statement_timeout_ms"),
        _ if *code == SqlState::READ_ONLY_SQL_TRANSACTION => {
            (Unavailable, "the server takes no writes, as a standby does")
        }
        "28" => (Unsupported, "the server refuses the role or its password"),
        "3D" => (Unsupported, "there is no such database"),
        "42" | "3F" => (Corrupt, "the schema does not have the tables that this library makes"),
        "54" => (Unsupported, "it is larger than PostgreSQL stores"),
        "53" => (Unavailable, "the server is out of memory, disk, connections or locks"),
        "XX" if *code != SqlState::INTERNAL_ERROR => (Corrupt, "the server finds its files damaged"),
        _ => (Unavailable, "the server could not go on"),
    }
}

/// Says whether the whole transaction is worth another try at once: others were in the way, and nothing was written.
pub(crate) fn is_crossed(error: &Error) -> bool {
    let codes = [SqlState::T_R_DEADLOCK_DETECTED, SqlState::T_R_SERIALIZATION_FAILURE];
    is_overtaken(error) || code(error).is_some_and(|code| codes.contains(code))
}

/// Says whether somebody else has committed one of the ids since it was looked for.
pub(crate) fn is_overtaken(error: &Error) -> bool {
    code(error) == Some(&SqlState::UNIQUE_VIOLATION)
}

/// Says whether the server has said so, and is not merely out of reach.
pub(crate) fn is_answer(error: &Error) -> bool {
    code(error).is_some()
}

fn code(error: &Error) -> Option<&SqlState> {
    Some(&error.source()?.downcast_ref::<ServerError>()?.code)
}

/// A row is not as this library writes it.
pub(crate) fn corrupt(message: impl fmt::Display) -> Error {
    Error::new(ErrorKind::Corrupt, message)
}

/// The store cannot serve now.
pub(crate) fn unavailable(message: impl fmt::Display) -> Error {
    Error::new(ErrorKind::Unavailable, message)
}
