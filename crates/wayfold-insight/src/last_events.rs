use std::collections::VecDeque;

use serde::{Deserialize, Serialize};
use wayfold_core::{CustomerAt, EventId, EventView, Projection, Timestamp};

/// Keeps the last events of each customer, such as what happened before it left.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LastEvents {
    name: String,
    count: usize,
}

/// One of a customer's last events.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LastEvent {
    /// Its id.
    pub id: EventId,
    /// When it happened.
    pub at: Timestamp,
    /// The name of its kind; a custom kind's is `custom:NAME`.
    pub kind: String,
}

impl LastEvents {
    /// Takes how many are kept; the projection's name ends with it.
    pub fn new(count: u16) -> Self {
        Self { name: format!("last_events_{count}"), count: count.into() }
    }
}

impl Projection for LastEvents {
    type State = VecDeque<LastEvent>;
    /// The newest first.
    type View = Vec<LastEvent>;

    fn name(&self) -> &str {
        &self.name
    }

    fn version(&self) -> u32 {
        1
    }

    fn evolve(&self, state: &mut VecDeque<LastEvent>, event: &EventView<'_>) {
        let kind = event.kind_name().into_owned();
        state.push_front(LastEvent { id: event.id(), at: event.occurred_at(), kind });
        state.truncate(self.count);
    }

    fn view(&self, state: &VecDeque<LastEvent>, _customer: &CustomerAt<'_>) -> Vec<LastEvent> {
        state.iter().cloned().collect()
    }

    fn holds_until(&self, _state: &VecDeque<LastEvent>, _customer: &CustomerAt<'_>) -> Option<Timestamp> {
        None
    }
}
