use serde::Deserialize;

use crate::key::EventId;
use crate::text::serialize_as_record_or_list;
use crate::time::Timestamp;

/// The place of an event in the total order in which a customer's events are folded: by instant, then
/// sequence, then the causal rank of the kind, then id.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OrderKey {
    /// When it happened.
    pub occurred_at: Timestamp,
    /// The source's order of equal instants.
    pub sequence: u32,
    /// The causal rank of the kind, see [`EventKind::rank`](super::EventKind::rank).
    pub rank: u8,
    /// The id.
    pub id: EventId,
}

serialize_as_record_or_list!(OrderKey { occurred_at, sequence, rank, id });
