//! What stored events mean today: every adapter keeps what was written and hands out what it means.

use wayfold_core::{EventBatch, EventView, Upcasters};

use crate::error::{Error, ErrorKind, Result};

/// Stored events in today's shape.
///
/// # Errors
/// `InvalidEvent` if a step refuses an event or cannot read it, as [`EventBatch::lifted`] says.
pub fn lifted(stored: &EventBatch, upcasters: &Upcasters) -> Result<EventBatch> {
    stored.lifted(upcasters).map_err(|error| {
        let message = format_args!("read the log: {error}; the step has to take what was stored");
        Error::new(ErrorKind::InvalidEvent, message).with_source(error.clone())
    })
}

/// Says whether an event is what is stored, or what that means today: whoever updates its program tries again with
/// events of today's shape.
///
/// # Errors
/// As [`lifted`].
pub fn is_same_event(stored: &EventView<'_>, event: &EventView<'_>, upcasters: &Upcasters) -> Result<bool> {
    if stored.same_content(event) {
        return Ok(true);
    }
    Ok(lifted(&EventBatch::from_views([*stored]), upcasters)?.event(0).same_content(event))
}
