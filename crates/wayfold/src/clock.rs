//! What time it is for an engine: by the system's clock, or as it is told.

use std::fmt;

use wayfold_core::Timestamp;

use crate::error::{Error, ErrorKind, Result};
use crate::platform::atomic::{AtomicI64, Ordering};

/// Tells the instant that questions without one are about, and up to which events are folded.
pub(crate) enum Clock {
    /// Runs by itself; it may go back, the live states never do.
    Running(Box<dyn Fn() -> Timestamp + Send + Sync>),
    /// Moves when it is told, in microseconds.
    ByHand(AtomicI64),
}

impl fmt::Debug for Clock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Running(_) => f.write_str("Running"),
            Self::ByHand(_) => f.debug_tuple("ByHand").field(&self.now()).finish(),
        }
    }
}

impl Clock {
    pub(crate) fn system() -> Self {
        Self::Running(Box::new(|| chrono::Utc::now().into()))
    }

    pub(crate) fn by_hand(start: Timestamp) -> Self {
        Self::ByHand(AtomicI64::new(start.as_micros()))
    }

    /// Whether time passes without anybody moving it.
    pub(crate) fn runs(&self) -> bool {
        matches!(self, Self::Running(_))
    }

    pub(crate) fn now(&self) -> Timestamp {
        match self {
            Self::Running(now) => now(),
            Self::ByHand(micros) => Timestamp::from_micros(micros.load(Ordering::SeqCst))
                .expect("the clock is set to instants that exist"),
        }
    }

    /// Moves a clock that moves by hand.
    pub(crate) fn advance_to(&self, instant: Timestamp) -> Result<()> {
        let Self::ByHand(micros) = self else {
            let message = "the engine moves by a clock of its own; build it by_hand to move it";
            return Err(Error::new(ErrorKind::InvalidConfiguration, message));
        };
        let before = micros.fetch_max(instant.as_micros(), Ordering::SeqCst);
        if before > instant.as_micros() {
            let now = self.now();
            let message = format_args!("the engine stands at {now}, so it cannot go back to {instant}");
            return Err(Error::new(ErrorKind::InvalidQuestion, message));
        }
        Ok(())
    }
}
