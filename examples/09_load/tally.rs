//! What one connection, or all of them, did and saw.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::time::Duration;

use wayfold::{EventId, JourneyEvent};

/// Kinds of requests, as the table names them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Kind {
    Record,
    Customer,
    Explain,
    ChurnRisks,
    Redeem,
    /// From the sending of an event to the hearing of its notice.
    Notice,
}

impl Kind {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Record => "POST /events",
            Self::Customer => "GET /customers/ID",
            Self::Explain => "GET /customers/ID/explain",
            Self::ChurnRisks => "GET /churn-risks",
            Self::Redeem => "POST /customers/ID/redeem",
            Self::Notice => "notice heard after",
        }
    }
}

/// Everything that is to be told and checked in the end.
#[derive(Debug, Default)]
pub(crate) struct Tally {
    pub(crate) latencies: BTreeMap<Kind, Vec<Duration>>,
    /// Acknowledged events and their JSON.
    pub(crate) recorded: HashMap<EventId, String>,
    /// Acknowledged redemptions: of whom and how many points.
    pub(crate) redeemed: HashMap<EventId, (String, i64)>,
    /// Redemptions that were refused.
    pub(crate) refused: HashSet<EventId>,
    /// How many requests were asked again because the service was killed.
    pub(crate) asked_again: u64,
    /// What went wrong, and how often.
    pub(crate) errors: BTreeMap<String, u64>,
}

impl Tally {
    pub(crate) fn error(&mut self, error: String) {
        *self.errors.entry(error).or_default() += 1;
    }

    pub(crate) fn took(&mut self, kind: Kind, time: Duration) {
        self.latencies.entry(kind).or_default().push(time);
    }

    pub(crate) fn add(&mut self, other: Self) {
        for (kind, times) in other.latencies {
            self.latencies.entry(kind).or_default().extend(times);
        }
        for (error, count) in other.errors {
            *self.errors.entry(error).or_default() += count;
        }
        self.recorded.extend(other.recorded);
        self.redeemed.extend(other.redeemed);
        self.refused.extend(other.refused);
        self.asked_again += other.asked_again;
    }
}

/// An event as it is sent.
pub(crate) fn json(event: &JourneyEvent) -> String {
    serde_json::to_string(event).expect("events are JSON")
}
