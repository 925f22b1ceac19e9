use wayfold_core::{EventBatch, EventKind, EventView, Limits, Timestamp};

use crate::error::{Error, ErrorKind, Result};
use crate::outcome::Capabilities;

/// Checks what every store checks before it looks at ids: limits, and kinds that it cannot honour.
///
/// # Errors
/// `InvalidEvent` beyond a limit; `Unsupported` for kinds of identity and erasure where the store has no such
/// capability: an erasure that erases nothing is worse than none.
pub fn admit(batch: &EventBatch, limits: &Limits, capabilities: &Capabilities) -> Result<()> {
    limits.check_batch(&batch.extent())?;
    match batch.iter().find(|event| is_identity(event.kind()) && !capabilities.identity) {
        None => Ok(()),
        Some(event) => {
            let (id, kind) = (event.id(), event.kind().name());
            let message = format_args!("event {id}: this store does not support {kind}; nothing was written");
            Err(Error::new(ErrorKind::Unsupported, message))
        }
    }
}

/// Checks what every store checks of an event whose id is new: that it does not lie too far beyond the clock.
/// One that stands already is not asked again, as clocks may go back.
///
/// # Errors
/// `InvalidEvent`, and the message names the event.
pub fn admit_instant(event: &EventView<'_>, limits: &Limits, now: Timestamp) -> Result<()> {
    limits
        .check_future(event.occurred_at(), now)
        .map_err(|error| Error::new(ErrorKind::InvalidEvent, format_args!("event {}: {error}", event.id())))
}

fn is_identity(kind: EventKind) -> bool {
    matches!(kind, EventKind::IdentityLinked | EventKind::IdentityUnlinked | EventKind::CustomerErased)
}
