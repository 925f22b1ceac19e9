//! Stored events in today's shape: the file keeps what was written, readers get what it means today.

use std::sync::{Arc, OnceLock};

use wayfold_core::{EventBatch, Upcasters};
use wayfold_store::{Result, lifted};

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
