//! Which appends have to come one after the other, and the locks by which they do.
//!
//! - Appends of one customer exclude each other, so that whoever reads a customer has seen every event of it up to the
//!   last.
//! - A condition excludes every append of an event that it could forbid: by the customer if it names one, else by one of
//!   its tags or all its kinds, else altogether. Those events' appends share these locks among themselves.
//!
//! Locks are of buckets and taken in the order of their numbers, so that nobody waits in a circle.

use std::collections::BTreeMap;

use wayfold_core::{CustomerKey, EventBatch, EventKind, spread};
use wayfold_store::{EventFilter, KindFilter};

use crate::row::{self, CUSTOM};

const BUCKETS: u64 = 1_024;
/// Everything.
const ALL: i32 = 2_048;
/// Held while places are drawn, by `draw` of the schema.
pub(crate) const DRAW: i32 = 2_049;
/// Held while the schema is changed.
pub(crate) const MIGRATE: i32 = 2_050;

/// The space of the locks of one log among those of its database.
pub(crate) fn class(schema: &str) -> i32 {
    spread(&[b"wayfold", schema.as_bytes()]) as i32
}

/// The locks of one append, each alone (`true`) or shared.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Locks(BTreeMap<i32, bool>);

impl Locks {
    pub(crate) fn of(batch: &EventBatch, condition: Option<&EventFilter>) -> Self {
        let mut locks = Self::default();
        for customer in batch.customers() {
            locks.take(of_customer(&customer), true);
        }
        for event in batch.iter() {
            event.tags().for_each(|tag| locks.take(of_name(&["tag", tag]), false));
            let kind = row::kind(&event);
            locks.take(of_name(&["kind", &kind]), false);
            if kind.starts_with(CUSTOM) {
                locks.take(of_name(&["kind", EventKind::CustomNeutral.name()]), false);
            }
        }
        if !batch.is_empty() {
            locks.take(ALL, false);
        }
        if let Some(filter) = condition {
            locks.exclude(filter);
        }
        locks
    }

    fn exclude(&mut self, filter: &EventFilter) {
        // What is unknown to this program another one may know by name.
        let names_unknown = filter.kinds.contains(&KindFilter::Kind(EventKind::Unknown));
        if let Some(customer) = &filter.customer {
            self.take(of_customer(customer), true);
        } else if let Some(tag) = filter.tags.first() {
            self.take(of_name(&["tag", tag.as_str()]), true);
        } else if filter.kinds.is_empty() || names_unknown {
            self.take(ALL, true);
        } else {
            for kind in &filter.kinds {
                self.take(of_kind(kind), true);
            }
        }
    }

    fn take(&mut self, lock: i32, alone: bool) {
        *self.0.entry(lock).or_default() |= alone;
    }

    /// The numbers in their order, and which of them are for this append alone.
    pub(crate) fn into_columns(self) -> (Vec<i32>, Vec<bool>) {
        self.0.into_iter().unzip()
    }
}

fn of_customer(key: &CustomerKey) -> i32 {
    (CustomerKey::spread(key.tenant.as_str(), key.customer.as_str()) % BUCKETS) as i32
}

fn of_kind(kind: &KindFilter) -> i32 {
    match kind {
        KindFilter::Kind(kind) => of_name(&["kind", kind.name()]),
        KindFilter::Custom(name) => of_name(&["kind", &format!("{CUSTOM}{name}")]),
    }
}

/// Tags and kinds have buckets behind those of the customers.
fn of_name(parts: &[&str]) -> i32 {
    let parts: Vec<&[u8]> = parts.iter().map(|part| part.as_bytes()).collect();
    (BUCKETS + spread(&parts) % BUCKETS) as i32
}

#[cfg(test)]
mod tests {
    use wayfold_core::{
        Custom, CustomKind, EventBody, EventId, JourneyEvent, Registered, Tag, Timestamp, Unknown,
    };

    use super::*;

    fn event(id: u128, body: impl Into<EventBody>) -> JourneyEvent {
        let at = Timestamp::parse("2024-01-01").unwrap();
        JourneyEvent::new(EventId::from_u128(id), CustomerKey::new("ada").unwrap(), at, body)
    }

    /// Every event that a condition could forbid shares a lock that the condition takes alone.
    #[test]
    fn a_condition_excludes_every_append_that_it_could_forbid() {
        let (tag, name) = (Tag::parse("order:o1").unwrap(), CustomKind::new("seen").unwrap());
        let custom = || Custom { name: name.clone(), stage: None, amount: None };
        let events = [
            event(1, Registered {}),
            event(2, Registered {}).with_tag(tag.clone()),
            event(3, custom()),
            event(4, Unknown::new("moon_seen", "{}").unwrap()),
        ];
        let all = EventFilter::all;
        let filters = [
            all(),
            EventFilter::customer(events[0].customer.clone()),
            all().with_tag(tag),
            all().with_kind(EventKind::Registered),
            all().with_kind(EventKind::Unknown),
            all().with_kind(EventKind::CustomNeutral),
            all().with_kind(name.clone()).with_kind(EventKind::Refunded),
        ];
        let mut forbidden = 0;
        for filter in &filters {
            let condition = Locks::of(&EventBatch::empty(), Some(filter));
            for event in &events {
                let batch = EventBatch::from_events([event]).unwrap();
                if filter.matches(&batch.event(0)) {
                    forbidden += 1;
                    let own = Locks::of(&batch, None);
                    let excludes = condition.0.iter().any(|(lock, alone)| *alone && own.0.contains_key(lock));
                    assert!(excludes, "{filter:?} does not exclude {event:?}");
                }
            }
        }
        assert_eq!(forbidden, 4 + 4 + 1 + 2 + 1 + 1 + 1);
    }

    #[test]
    fn appends_of_different_customers_exclude_nobody() {
        let ada = event(1, Registered {});
        let mut ben = event(2, Registered {});
        ben.customer = CustomerKey::new("ben").unwrap();
        let locks = |event| Locks::of(&EventBatch::from_events([event]).unwrap(), None).0;
        let (ada, ben) = (locks(&ada), locks(&ben));
        let both = ada.iter().filter_map(|(lock, alone)| Some((*alone, *ben.get(lock)?)));
        assert_eq!(both.collect::<Vec<_>>(), [(false, false), (false, false)], "the kind and everything");
    }
}
