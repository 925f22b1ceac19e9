use std::fmt;

use wayfold_core::{EventBatch, Position};

use crate::error::{Error, ErrorKind, Result};

/// What became of an append. A conflict is an outcome, not an error.
#[derive(Debug, Clone, PartialEq, Eq)]
#[must_use = "a conflict means that nothing was written"]
pub enum AppendOutcome {
    /// The events that were new are written; one position for each event of the batch.
    Appended {
        /// Where each event of the batch stands, also those that stood already.
        positions: Vec<Position>,
        /// How many were new.
        new: usize,
    },
    /// Every event of the batch stood already with the same content; nothing was written.
    AlreadyTaken {
        /// Where each event of the batch stands.
        positions: Vec<Position>,
    },
    /// An event that the condition forbids stands after its position; nothing was written.
    Conflict {
        /// Where the first such event stands.
        position: Position,
    },
}

/// One page of a read.
#[derive(Debug, Clone)]
pub struct ReadPage {
    /// Events in the order of the read, with positions and recording times.
    pub batch: EventBatch,
    /// Where the next page goes on; `None` once the read has reached the end of the log as it was.
    pub next: Option<Position>,
}

/// What a backend can do; what it cannot is refused, never emulated quietly.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Capabilities {
    /// Acknowledged events survive the end of the process.
    pub durable: bool,
    /// Other processes may open the same log at the same time.
    pub shared: bool,
    /// Takes `identity_linked`, `identity_unlinked` and `customer_erased`.
    pub identity: bool,
}

impl Capabilities {
    /// A backend that can do nothing beyond the port.
    pub fn none() -> Self {
        Self { durable: false, shared: false, identity: false }
    }
}

/// Names a checkpoint: 1 to 512 bytes.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct CheckpointName(Box<str>);

impl CheckpointName {
    /// Takes the text as it is.
    ///
    /// # Errors
    /// `InvalidEvent` if it is empty or longer than 512 bytes.
    pub fn new(text: impl AsRef<str>) -> Result<Self> {
        let text = text.as_ref();
        if text.is_empty() || text.len() > 512 {
            let message = format_args!("checkpoint name has {} bytes; 1 to 512 are taken", text.len());
            return Err(Error::new(ErrorKind::InvalidEvent, message));
        }
        Ok(Self(text.into()))
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for CheckpointName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// How far a reader has come, and what it keeps beside: stored in one transaction.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Checkpoint {
    /// The last position that is taken in.
    pub position: Position,
    /// Whatever the reader keeps.
    pub bytes: Vec<u8>,
}
