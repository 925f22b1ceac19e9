use crate::event::OrderKey;
use crate::key::EventId;
use crate::time::Timestamp;

/// The place of a customer's last event among those of its instant, or the greatest that it may be, so that an event at its
/// place is late: its key but for the instant, which stands in the customer's record.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct LastEvent {
    sequence: u32,
    rank: u8,
    id: EventId,
}

impl LastEvent {
    /// Before every event.
    pub(super) const NONE: Self = Self { sequence: 0, rank: 0, id: EventId(uuid::Uuid::nil()) };

    /// The key of the event, which happened then.
    pub(super) fn key(self, occurred_at: Timestamp) -> OrderKey {
        let Self { sequence, rank, id } = self;
        OrderKey { occurred_at, sequence, rank, id }
    }
}

impl From<OrderKey> for LastEvent {
    fn from(OrderKey { sequence, rank, id, .. }: OrderKey) -> Self {
        Self { sequence, rank, id }
    }
}
