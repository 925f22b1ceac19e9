use wayfold_core::{EventBatch, EventView, Position, Timestamp};

/// A point of the log: what was known then. A date maps to the events recorded by it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum KnownAt {
    /// Events recorded at or before an instant.
    Date(Timestamp),
    /// Events up to and including a position.
    Position(Position),
}

impl From<Timestamp> for KnownAt {
    fn from(instant: Timestamp) -> Self {
        Self::Date(instant)
    }
}

impl From<Position> for KnownAt {
    fn from(position: Position) -> Self {
        Self::Position(position)
    }
}

/// What of the log a question may look at; `None` for all of it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Known(pub(crate) Option<KnownAt>);

impl Known {
    fn holds(self, event: &EventView<'_>) -> bool {
        match self.0 {
            None => true,
            Some(KnownAt::Date(instant)) => {
                event.recorded_at().is_some_and(|recorded_at| recorded_at <= instant)
            }
            Some(KnownAt::Position(position)) => event.position().is_some_and(|own| own <= position),
        }
    }

    /// The part of a batch that was known; `None` if nothing of it was.
    pub(crate) fn cut(self, batch: EventBatch) -> Option<EventBatch> {
        if batch.iter().all(|event| self.holds(&event)) {
            return (!batch.is_empty()).then_some(batch);
        }
        let known = EventBatch::from_views(batch.iter().filter(|event| self.holds(event)));
        (!known.is_empty()).then_some(known)
    }
}
