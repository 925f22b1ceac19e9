//! How the command ends: exit codes, and errors that know theirs.

use std::fmt::Display;
use std::io;
use std::path::Path;
use std::process::ExitCode;

use wayfold::{ErrorKind, insight, store};

/// What the command ends with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Exit {
    /// Everything was done.
    Done = 0,
    /// Something failed.
    Failed = 1,
    /// It was asked wrongly: an argument, a rule, a mapping's name. Nothing was done.
    Usage = 2,
    /// There is no such log or customer, or nothing in the log.
    NotFound = 3,
    /// The import took everything but rows that were rejected.
    Rejected = 4,
    /// The log is damaged.
    Damaged = 5,
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit as u8)
    }
}

/// An error of the command itself.
#[derive(Debug, thiserror::Error)]
#[error("{message}")]
struct Failure {
    exit: Exit,
    message: String,
}

/// The error of somebody who asked wrongly.
pub(crate) fn usage(message: impl Display) -> anyhow::Error {
    Failure { exit: Exit::Usage, message: message.to_string() }.into()
}

/// The error where what was asked for is not there.
pub(crate) fn not_found(message: impl Display) -> anyhow::Error {
    Failure { exit: Exit::NotFound, message: message.to_string() }.into()
}

/// The error where something stands under the name of a new file.
pub(crate) fn exists(path: &Path) -> anyhow::Error {
    usage(format_args!("{} exists already, and nothing is overwritten; name a new file", path.display()))
}

impl Exit {
    /// What an error ends the command with.
    pub(crate) fn of(error: &anyhow::Error) -> Self {
        error.chain().find_map(of_cause).unwrap_or(Self::Failed)
    }
}

fn of_cause(cause: &(dyn std::error::Error + 'static)) -> Option<Exit> {
    if let Some(failure) = cause.downcast_ref::<Failure>() {
        return Some(failure.exit);
    }
    if let Some(error) = cause.downcast_ref::<wayfold::Error>() {
        return match error.kind() {
            ErrorKind::Corrupt => Some(Exit::Damaged),
            ErrorKind::InvalidQuestion | ErrorKind::InvalidConfiguration => Some(Exit::Usage),
            _ => None,
        };
    }
    if let Some(error) = cause.downcast_ref::<store::Error>() {
        return (error.kind() == store::ErrorKind::Corrupt).then_some(Exit::Damaged);
    }
    if let Some(error) = cause.downcast_ref::<insight::Error>() {
        let asked = [insight::ErrorKind::InvalidRule, insight::ErrorKind::InvalidParameter];
        return asked.contains(&error.kind()).then_some(Exit::Usage);
    }
    let error = cause.downcast_ref::<io::Error>()?;
    (error.kind() == io::ErrorKind::BrokenPipe).then_some(Exit::Done)
}
