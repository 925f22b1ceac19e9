use std::fmt;

/// What a caller can act on when a model or a measure is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ErrorKind {
    /// A customer's history contradicts itself, such as a last purchase before the first.
    InvalidHistory,
    /// A parameter, rate or share lies outside of its range.
    InvalidParameter,
    /// There is too little to fit or to measure, such as no repeat purchase at all.
    TooLittleData,
    /// The data do not determine a parameter: it runs away, or the likelihood is flat.
    NotIdentified,
    /// The optimiser came to no end.
    NotConverged,
    /// A rule cannot be read, or not be answered.
    InvalidRule,
    /// Two parts that belong to one question disagree, such as spending in two currencies.
    Mismatch,
}

/// The crate's one error: a kind to act on and a message that says where and what to do.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct Error {
    kind: ErrorKind,
    message: Box<str>,
}

impl Error {
    pub(crate) fn new(kind: ErrorKind, message: impl fmt::Display) -> Self {
        Self { kind, message: message.to_string().into_boxed_str() }
    }

    /// Says what went wrong, for a caller to act on.
    pub fn kind(&self) -> ErrorKind {
        self.kind
    }

    /// Says whether the same call may succeed later unchanged: never, as everything here is a pure function.
    pub fn is_retryable(&self) -> bool {
        false
    }
}

/// The result of a call that can be refused.
pub type Result<T> = std::result::Result<T, Error>;
