use std::fmt;

/// What a caller can act on when bytes are refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ErrorKind {
    /// The bytes are damaged, cut, or not what they are asked for.
    Corrupt,
    /// The bytes are of a version, encoding or compression that this version of the library does not read.
    Unsupported,
}

/// The error of this crate: a kind to act on, and a message that says where and what to do.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct Error {
    kind: ErrorKind,
    message: Box<str>,
}

impl Error {
    pub(crate) fn corrupt(message: impl fmt::Display) -> Self {
        Self { kind: ErrorKind::Corrupt, message: message.to_string().into() }
    }

    pub(crate) fn unsupported(message: impl fmt::Display) -> Self {
        Self { kind: ErrorKind::Unsupported, message: message.to_string().into() }
    }

    /// Puts the place in front of the message.
    pub(crate) fn at(self, place: impl fmt::Display) -> Self {
        Self { kind: self.kind, message: format!("{place}: {}", self.message).into() }
    }

    /// What went wrong, for a caller to act on.
    pub fn kind(&self) -> ErrorKind {
        self.kind
    }
}

impl From<wayfold_core::Error> for Error {
    fn from(error: wayfold_core::Error) -> Self {
        Self::corrupt(error)
    }
}

/// The result of a call of this crate.
pub type Result<T> = std::result::Result<T, Error>;
