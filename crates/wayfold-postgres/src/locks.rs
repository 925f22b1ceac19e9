//! Which appends have to come one after the other, and the locks by which they do.
//!
//! - Appends of one customer exclude each other, so that whoever reads a customer has seen every event of it up to the
//!   last.
//! - A condition excludes every append of an event that it could forbid: by the customer if it names one, else by one of
//!   its tags or all its kinds, else altogether. Those events' appends share these locks among themselves.
//! - The server has room for some thousand locks. An append of many customers or tags takes one lock in their place,
//!   alone, which whoever locks a few of them one by one shares.
//!
//! All are taken in the order of their numbers, so that nobody waits in a circle.

use std::collections::{BTreeMap, BTreeSet};

use wayfold_core::{CustomerKey, EventBatch, EventKind, spread};
use wayfold_store::{EventFilter, KindFilter};

use crate::row::{self, CUSTOM};

/// How many customers, and how many tags, an append locks one by one.
const FEW: usize = 128;
/// How many locks the kinds have, of which users make their own.
const KINDS: u64 = 1_024;

/// Everything; and below it, many customers or many tags.
const ALL: i32 = -1;
const MANY_CUSTOMERS: i32 = -2;
const MANY_TAGS: i32 = -3;
/// Held while places are drawn, by `draw` of the schema.
pub(crate) const DRAW: i32 = -4;
/// Held while the schema is changed.
pub(crate) const MIGRATE: i32 = -5;

/// Held alone while the map of shards is changed, and shared by appends that go by it.
pub(crate) const MAP: i32 = -6;

/// Held while rows are sealed, and by who changes rows that may be sealed.
pub(crate) const SEAL: i32 = -7;

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
        let customers: BTreeSet<i32> = batch.customers().map(|customer| of_customer(&customer)).collect();
        let mut tags = BTreeSet::new();
        batch.iter().for_each(|event| tags.extend(event.tags().map(of_tag)));
        locks.take_each(customers, true, MANY_CUSTOMERS);
        locks.take_each(tags, false, MANY_TAGS);
        for event in batch.iter() {
            let kind = row::kind(&event);
            locks.take(of_kind(&kind), false);
            if kind.starts_with(CUSTOM) {
                locks.take(of_kind(EventKind::CustomNeutral.name()), false);
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

    /// Keeps the map of shards as it is.
    pub(crate) fn keep_map(&mut self) {
        self.take(MAP, false);
    }

    fn exclude(&mut self, filter: &EventFilter) {
        // What is unknown to this program another one may know by name.
        let names_unknown = filter.kinds.contains(&KindFilter::Kind(EventKind::Unknown));
        if let Some(customer) = &filter.customer {
            self.take_one(of_customer(customer), MANY_CUSTOMERS);
        } else if let Some(tag) = filter.tags.first() {
            self.take_one(of_tag(tag.as_str()), MANY_TAGS);
        } else if filter.kinds.is_empty() || names_unknown {
            self.take(ALL, true);
        } else {
            for kind in &filter.kinds {
                let lock = match kind {
                    KindFilter::Kind(kind) => of_kind(kind.name()),
                    KindFilter::Custom(name) => of_kind(&format!("{CUSTOM}{name}")),
                };
                self.take(lock, true);
            }
        }
    }

    /// Takes the locks of an append's customers or tags. Customers are alone, and so is who takes one lock for many;
    /// tags are shared, and nobody who only shares them minds who takes many.
    fn take_each(&mut self, each: BTreeSet<i32>, alone: bool, many: i32) {
        if each.len() > FEW {
            return self.take(many, true);
        }
        if alone && !each.is_empty() {
            self.take(many, false);
        }
        each.into_iter().for_each(|lock| self.take(lock, alone));
    }

    /// Takes one alone, against whoever takes it among a few or among many.
    fn take_one(&mut self, lock: i32, many: i32) {
        self.take(lock, true);
        self.take(many, false);
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
    (CustomerKey::spread(key.tenant.as_str(), key.customer.as_str()) >> 34) as i32
}

/// Tags have numbers behind those of the customers.
fn of_tag(tag: &str) -> i32 {
    (1 << 30) + (spread(&[tag.as_bytes()]) >> 34) as i32
}

/// Kinds have numbers before all others.
fn of_kind(kind: &str) -> i32 {
    i32::MIN + (spread(&[kind.as_bytes()]) % KINDS) as i32
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

    /// Whether one of two appends waits for the other.
    fn exclude(a: &Locks, b: &Locks) -> bool {
        a.0.iter().any(|(lock, alone)| b.0.get(lock).is_some_and(|other| *alone || *other))
    }

    /// Every event that a condition could forbid takes a lock against it, alone and among many.
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
                    let among_many = EventBatch::from_events(many().iter().chain([event])).unwrap();
                    for batch in [batch, among_many] {
                        let own = Locks::of(&batch, None);
                        assert!(exclude(&condition, &own), "{filter:?} does not exclude {event:?}");
                    }
                }
            }
        }
        assert_eq!(forbidden, 4 + 4 + 1 + 2 + 1 + 1 + 1);
    }

    /// Events of many customers with many tags.
    fn many() -> Vec<JourneyEvent> {
        let event = |id: u128| {
            let mut event = event(1_000 + id, Registered {}).with_tag(Tag::order(id.to_string()).unwrap());
            event.customer = CustomerKey::new(format!("c{id}")).unwrap();
            event
        };
        (0..2 * FEW as u128).map(event).collect()
    }

    #[test]
    fn many_customers_are_one_lock_that_excludes_each_of_them() {
        let many = Locks::of(&EventBatch::from_events(&many()).unwrap(), None);
        assert_eq!(many.0.len(), 4, "customers, tags, the kind and everything: {many:?}");
        let one = Locks::of(&EventBatch::from_events([&event(1, Registered {})]).unwrap(), None);
        assert!(exclude(&many, &one), "it may be one of them");
    }

    #[test]
    fn appends_of_different_customers_exclude_nobody() {
        let ada = event(1, Registered {});
        let mut ben = event(2, Registered {});
        ben.customer = CustomerKey::new("ben").unwrap();
        let locks = |event| Locks::of(&EventBatch::from_events([event]).unwrap(), None);
        assert!(!exclude(&locks(&ada), &locks(&ben)));
        assert!(exclude(&locks(&ada), &locks(&ada)));
    }
}
