use std::fmt;

use wayfold_core::{EventId, Position};

/// What a caller can act on when a store refuses something.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ErrorKind {
    /// An event id is taken by an event with other content.
    IdReused,
    /// An event breaks the rules of its kind or a stated limit.
    InvalidEvent,
    /// The store cannot do this, and says so instead of doing half of it.
    Unsupported,
    /// The store could not be reached or failed; the same call may succeed later.
    Unavailable,
    /// What the store holds is damaged.
    Corrupt,
    /// The lease under which this writes is not held any more; somebody else may work there.
    LeaseLost,
    /// The map of shards has changed since it was read; read it again.
    MapChanged,
}

/// Whether a failed call left something behind.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Written {
    /// Nothing was written.
    Nothing,
    /// It is unknown whether the batch was written; append it again to find out, which is safe.
    Unknown,
}

/// The error of every store: a kind to act on, and a message that says where and what to do.
#[derive(Debug, thiserror::Error)]
#[error("{message}")]
pub struct Error {
    kind: ErrorKind,
    written: Written,
    message: Box<str>,
    #[source]
    source: Option<Box<dyn std::error::Error + Send + Sync>>,
}

impl Error {
    /// Makes an error of a call that wrote nothing.
    pub fn new(kind: ErrorKind, message: impl fmt::Display) -> Self {
        Self { kind, written: Written::Nothing, message: message.to_string().into(), source: None }
    }

    /// Says that it is unknown whether the batch was written.
    pub fn with_unknown_outcome(mut self) -> Self {
        self.written = Written::Unknown;
        self
    }

    /// Adds the error behind this one.
    pub fn with_source(mut self, source: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Self {
        self.source = Some(source.into());
        self
    }

    /// An id that is taken by other content; `at` is where the first one stands, `None` in the same batch.
    pub fn id_reused(id: EventId, at: Option<Position>) -> Self {
        let place =
            at.map_or_else(|| "earlier in the same batch".to_owned(), |at| format!("at position {at}"));
        let message = format_args!(
            "event {id} is taken with other content {place}; give the new event an id of its own, or correct the old \
             one by a retraction and a new event"
        );
        Self::new(ErrorKind::IdReused, message)
    }

    /// What went wrong, for a caller to act on.
    pub fn kind(&self) -> ErrorKind {
        self.kind
    }

    /// Whether the failed call left something behind.
    pub fn written(&self) -> Written {
        self.written
    }

    /// Whether the same call may succeed later.
    pub fn is_retryable(&self) -> bool {
        self.kind == ErrorKind::Unavailable
    }
}

impl From<wayfold_core::Error> for Error {
    fn from(error: wayfold_core::Error) -> Self {
        Self::new(ErrorKind::InvalidEvent, error)
    }
}

/// The result of a store's call.
pub type Result<T> = std::result::Result<T, Error>;
