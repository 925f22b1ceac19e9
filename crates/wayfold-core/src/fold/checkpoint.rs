use crate::event::OrderKey;
use crate::projection::{CustomerRecord, SavedState};

/// A long history keeps a checkpoint whenever it has grown by this many events, or by an eighth if that is more.
pub(super) const EVENTS_PER_CHECKPOINT: u64 = 256;

/// One customer's state after an event, from which a late event refolds. It is no part of the export.
pub(super) struct Checkpoint {
    pub(super) key: OrderKey,
    pub(super) record: CustomerRecord,
    pub(super) states: Vec<SavedState>,
}
