/// What a caller can act on when the engine refuses something.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ErrorKind {
    /// An event id is taken by an event with other content.
    IdReused,
    /// A customer changed at every attempt to decide about it; nothing was written.
    Conflict,
    /// An event breaks the rules of its kind or a stated limit, or a name or amount is malformed.
    InvalidEvent,
    /// Rules or projections contradict themselves or each other.
    InvalidConfiguration,
    /// A question cannot be answered as it is put.
    InvalidQuestion,
    /// Code that the engine was given has panicked: a projection, a decision or a step of an upcast. What it was
    /// doing is undone, and everything else goes on.
    Panicked,
    /// A file could not be imported.
    Import,
    /// The store cannot do this.
    Unsupported,
    /// The store could not be reached or failed.
    Unavailable,
    /// What the store holds is damaged.
    Corrupt,
    /// An append touches customers of several databases, which have no commit in common; nothing was written.
    SeveralDatabases,
    /// The lease under which this writes is not held any more; somebody else may work there. Nothing was written.
    LeaseLost,
    /// The map of shards has changed since it was read; open the cluster again. Nothing was written.
    MapChanged,
}

/// The engine's one error: a kind to act on, and the message of the part that refused.
#[derive(thiserror::Error)]
#[error(transparent)]
pub struct Error(Repr);

impl std::fmt::Debug for Error {
    /// Shows kind and message, as `main` prints an error that it returns.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{:?}: {self}", self.kind())
    }
}

#[derive(Debug, thiserror::Error)]
enum Repr {
    #[error("{1}")]
    Engine(ErrorKind, Box<str>),
    #[error(transparent)]
    Core(#[from] wayfold_core::Error),
    #[error(transparent)]
    Store(#[from] wayfold_store::Error),
    #[cfg(feature = "ingest")]
    #[error(transparent)]
    Ingest(#[from] wayfold_ingest::Error),
}

impl Error {
    pub(crate) fn new(kind: ErrorKind, message: impl std::fmt::Display) -> Self {
        Self(Repr::Engine(kind, message.to_string().into()))
    }

    /// What went wrong, for a caller to act on.
    pub fn kind(&self) -> ErrorKind {
        match &self.0 {
            Repr::Engine(kind, _) => *kind,
            Repr::Core(error) => core_kind(error.kind()),
            Repr::Store(error) => store_kind(error.kind()),
            #[cfg(feature = "ingest")]
            Repr::Ingest(_) => ErrorKind::Import,
        }
    }

    /// Whether the same call may succeed later.
    pub fn is_retryable(&self) -> bool {
        match &self.0 {
            Repr::Engine(kind, _) => matches!(kind, ErrorKind::Conflict | ErrorKind::Unavailable),
            Repr::Core(error) => error.is_retryable(),
            Repr::Store(error) => error.is_retryable(),
            #[cfg(feature = "ingest")]
            Repr::Ingest(error) => error.is_retryable(),
        }
    }

    /// Whether a failed append may have written its events all the same; appending them again is safe.
    pub fn is_outcome_unknown(&self) -> bool {
        matches!(&self.0, Repr::Store(error) if error.written() == wayfold_store::Written::Unknown)
    }
}

fn core_kind(kind: wayfold_core::ErrorKind) -> ErrorKind {
    use wayfold_core::ErrorKind as Core;
    match kind {
        Core::InvalidRules | Core::InvalidProjection | Core::InvalidUpcasters | Core::NotAPartition => {
            ErrorKind::InvalidConfiguration
        }
        Core::NotRefolded | Core::ForeignHandle | Core::InvalidSelection | Core::InvalidCursor => {
            ErrorKind::InvalidQuestion
        }
        Core::ProjectionPanicked => ErrorKind::Panicked,
        _ => ErrorKind::InvalidEvent,
    }
}

fn store_kind(kind: wayfold_store::ErrorKind) -> ErrorKind {
    use wayfold_store::ErrorKind as Store;
    match kind {
        Store::IdReused => ErrorKind::IdReused,
        Store::InvalidEvent => ErrorKind::InvalidEvent,
        Store::Unsupported => ErrorKind::Unsupported,
        Store::Corrupt => ErrorKind::Corrupt,
        Store::LeaseLost => ErrorKind::LeaseLost,
        Store::MapChanged => ErrorKind::MapChanged,
        _ => ErrorKind::Unavailable,
    }
}

impl From<wayfold_core::Error> for Error {
    fn from(error: wayfold_core::Error) -> Self {
        Self(error.into())
    }
}

impl From<wayfold_store::Error> for Error {
    fn from(error: wayfold_store::Error) -> Self {
        Self(error.into())
    }
}

#[cfg(feature = "ingest")]
impl From<wayfold_ingest::Error> for Error {
    fn from(error: wayfold_ingest::Error) -> Self {
        Self(error.into())
    }
}

/// The result of an engine's call.
pub type Result<T> = std::result::Result<T, Error>;
