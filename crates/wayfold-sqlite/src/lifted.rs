//! Stored events in today's shape: the file keeps what was written, readers get what it means today.

use std::sync::{Arc, OnceLock};

use wayfold_core::{EventBatch, EventView, Upcasters};
use wayfold_store::{Error, ErrorKind, Result};

/// The events of a batch in today's shape, made when somebody first asks.
#[derive(Debug, Clone, Default)]
pub(crate) struct Lifted(Arc<OnceLock<EventBatch>>);

impl Lifted {
    /// The events of the batch that this stands beside; those of an older shape are lifted.
    pub(crate) fn of(&self, stored: &EventBatch, upcasters: &Upcasters) -> Result<&EventBatch> {
        if let Some(lifted) = self.0.get() {
            return Ok(lifted);
        }
        let lifted = lifted(stored, upcasters)?;
        Ok(self.0.get_or_init(|| lifted))
    }
}

/// Events in today's shape.
pub(crate) fn lifted(stored: &EventBatch, upcasters: &Upcasters) -> Result<EventBatch> {
    stored.lifted(upcasters).map_err(|error| failed(&error))
}

/// Says whether an event is what is stored, or what that means today: whoever updates its program tries again with
/// events of today's shape.
pub(crate) fn same_event(
    stored: &EventView<'_>,
    event: &EventView<'_>,
    upcasters: &Upcasters,
) -> Result<bool> {
    if stored.same_content(event) {
        return Ok(true);
    }
    Ok(lifted(&EventBatch::from_views([*stored]), upcasters)?.event(0).same_content(event))
}

fn failed(error: &wayfold_core::Error) -> Error {
    let message = format_args!("read the log: {error}; the step has to take what was stored");
    Error::new(ErrorKind::InvalidEvent, message).with_source(error.clone())
}
