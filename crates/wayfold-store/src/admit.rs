use wayfold_core::{EventBatch, EventKind, Limits, Timestamp};

use crate::error::{Error, ErrorKind, Result};
use crate::outcome::Capabilities;

/// Checks what every store checks before it looks at ids: limits, the clock, and kinds it cannot honour.
///
/// # Errors
/// `InvalidEvent` beyond a limit or too far beyond `now`; `Unsupported` for kinds of identity and erasure
/// where the store has no such capability: an erasure that erases nothing is worse than none.
pub fn admit(batch: &EventBatch, limits: &Limits, capabilities: &Capabilities, now: Timestamp) -> Result<()> {
    limits.check_batch(&batch.extent())?;
    for event in batch.iter() {
        limits.check_future(event.occurred_at(), now).map_err(|error| {
            Error::new(ErrorKind::InvalidEvent, format_args!("event {}: {error}", event.id()))
        })?;
        let kind = event.kind();
        if is_identity(kind) && !capabilities.identity {
            let (id, kind) = (event.id(), kind.name());
            let message = format_args!("event {id}: this store does not support {kind}; nothing was written");
            return Err(Error::new(ErrorKind::Unsupported, message));
        }
    }
    Ok(())
}

fn is_identity(kind: EventKind) -> bool {
    matches!(kind, EventKind::IdentityLinked | EventKind::IdentityUnlinked | EventKind::CustomerErased)
}
