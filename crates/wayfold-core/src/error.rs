use std::fmt;

/// What a caller can act on when the core refuses something.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ErrorKind {
    /// A key, tag or name is empty, too long or malformed.
    InvalidName,
    /// An instant or offset lies outside what an event can carry.
    InvalidTime,
    /// An amount has too many decimals, is too large, or its currency is not in ISO 4217.
    InvalidMoney,
    /// An event contradicts the rules of its kind.
    InvalidEvent,
    /// An event, batch or filter exceeds a stated limit.
    LimitExceeded,
    /// A customer waits for its history to be folded anew.
    NotRefolded,
    /// Saved states mean something else: fold the log instead.
    StatesDiffer,
    /// A document cannot be read as an event, or bytes as saved states.
    Malformed,
    /// A step from one schema version to the next refuses an event, or what it made cannot be read.
    UpcastFailed,
    /// Steps between schema versions do not make whole chains.
    InvalidUpcasters,
    /// A projection was registered twice, or its state cannot be exported canonically.
    InvalidProjection,
    /// A projection has panicked; it answers nothing any more until its events are folded anew.
    ProjectionPanicked,
    /// A handle was given by a set of projections in which another one has its place.
    ForeignHandle,
    /// A table of named segments leaves gaps or overlaps.
    NotAPartition,
    /// Rules contradict each other or hold a value out of range.
    InvalidRules,
    /// A filter or order names a field that does not exist, or compares what cannot be compared.
    InvalidSelection,
    /// A cursor is malformed, or belongs to another question.
    InvalidCursor,
    /// What is read when it is looked at could not be read; it may be later.
    Unavailable,
}

/// The core's one error: a kind to act on and a message that says where and what to do.
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

    /// Says that bytes cannot be read, for those who read columns; see
    /// [`ColumnSource`](crate::ColumnSource).
    pub fn malformed(message: impl fmt::Display) -> Self {
        Self::new(ErrorKind::Malformed, message)
    }

    /// Says that bytes could not be got at, for those who read columns.
    pub fn unavailable(message: impl fmt::Display) -> Self {
        Self::new(ErrorKind::Unavailable, message)
    }

    /// Puts the place in front of the message, for example `line 3` or `event <id>`.
    pub(crate) fn at(self, place: impl fmt::Display) -> Self {
        Self { kind: self.kind, message: format!("{place}: {}", self.message).into_boxed_str() }
    }

    /// Says what went wrong, for a caller to act on.
    pub fn kind(&self) -> ErrorKind {
        self.kind
    }

    /// Says whether the same call may succeed later unchanged: only where something else did I/O for the core.
    pub fn is_retryable(&self) -> bool {
        self.kind == ErrorKind::Unavailable
    }
}

/// Refuses what comes from outside and does not hold.
pub(crate) fn ensure(holds: bool, message: &str) -> Result<()> {
    if holds { Ok(()) } else { Err(Error::new(ErrorKind::Malformed, message)) }
}

/// The result of a core call that can be refused.
pub type Result<T> = std::result::Result<T, Error>;
