//! Counts what hostile histories and their arrivals held, so that a test knows what it has tested.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::fmt;

use wayfold_core::{CustomerKey, EventBody, EventId, EventKind, JourneyEvent, Tenant, Timestamp};

use crate::arrival::Arrival;
use crate::subject::Refolds;

/// A history is long from that many events of one customer on: a fold under test keeps a checkpoint then.
pub(crate) const LONG: u64 = 64;

/// What was met, by name; every count is of cases in histories or arrivals.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Coverage(BTreeMap<&'static str, u64>);

impl Coverage {
    /// Starts with nothing met.
    pub fn new() -> Self {
        Self::default()
    }

    /// How often something was met.
    pub fn count(&self, what: &str) -> u64 {
        self.0.get(what).copied().unwrap_or(0)
    }

    /// Adds what another coverage has met.
    pub fn add(&mut self, other: &Self) {
        for (what, count) in &other.0 {
            self.note(what, *count);
        }
    }

    /// Notes that something was met so often.
    pub fn note(&mut self, what: &'static str, count: u64) {
        *self.0.entry(what).or_default() += count;
    }

    /// Notes what the events of a history hold as of an instant.
    pub fn note_history(&mut self, events: &[JourneyEvent], as_of: Timestamp) {
        self.note("histories", 1);
        self.note("events", events.len() as u64);
        self.note("events after the as-of", count(events, |event| event.occurred_at.instant() > as_of));
        self.note("events at the as-of", count(events, |event| event.occurred_at.instant() == as_of));
        self.note("order changes", count(events, |event| event.kind() == EventKind::OrderChanged));
        self.note_ties(events);
        self.note_orders(events);
        self.note_retractions(events);
        let ids: HashSet<EventId> = events.iter().map(|event| event.id).collect();
        self.note("ids in two tenants", (events.len() - ids.len()) as u64);
    }

    /// Notes what was hard about an arrival.
    pub fn note_arrival(&mut self, arrival: &Arrival, refolds: Refolds) {
        self.note("arrivals", 1);
        self.note(
            "steps of the instant",
            arrival.deliveries.iter().filter(|d| d.advance_to.is_some()).count() as u64,
        );
        self.note("arrivals on several shards", u64::from(arrival.shards > 1));
        self.note("refolds", refolds.all);
        self.note("refolds from a checkpoint", refolds.from_checkpoint);
        let mut places: HashMap<(&Tenant, EventId), usize> = HashMap::new();
        let mut folded: HashMap<&CustomerKey, (u64, Timestamp)> = HashMap::new();
        for (place, event) in arrival.delivered().enumerate() {
            if places.contains_key(&(&event.customer.tenant, event.id)) {
                self.note("duplicates", 1);
                continue;
            }
            places.insert((&event.customer.tenant, event.id), place);
            let at = event.occurred_at.instant();
            let (events, newest) = folded.entry(&event.customer).or_insert((0, at));
            self.note("late into a long history", u64::from(*events > LONG && at < *newest));
            self.note("late events", u64::from(at < *newest));
            (*events, *newest) = (*events + 1, at.max(*newest));
        }
        for event in arrival.delivered() {
            let EventBody::EventRetracted(retraction) = &event.body else { continue };
            let (own, target) =
                ((&event.customer.tenant, event.id), (&event.customer.tenant, retraction.event));
            let before = places.get(&target).is_some_and(|target| places[&own] < *target);
            self.note("retractions that arrive before their target", u64::from(before));
        }
    }

    fn note_ties(&mut self, events: &[JourneyEvent]) {
        let mut at_once: HashMap<(&CustomerKey, Timestamp), Vec<&JourneyEvent>> = HashMap::new();
        for event in events {
            at_once.entry((&event.customer, event.occurred_at.instant())).or_default().push(event);
        }
        for tied in at_once.values().filter(|tied| tied.len() > 1) {
            self.note("ties", tied.len() as u64 - 1);
            let kinds: HashSet<(u32, EventKind)> =
                tied.iter().map(|event| (event.sequence, event.kind())).collect();
            self.note("ties down to the id", (tied.len() - kinds.len()) as u64);
        }
    }

    fn note_orders(&mut self, events: &[JourneyEvent]) {
        let mut placed: HashMap<(&CustomerKey, &str), Timestamp> = HashMap::new();
        for (order, event) in about_orders(events, EventKind::OrderPlaced) {
            let at = event.occurred_at.instant();
            let known = placed.get(&(&event.customer, order)).copied();
            self.note("second placements", u64::from(known.is_some()));
            placed.insert((&event.customer, order), known.map_or(at, |known| known.min(at)));
        }
        let of = |order, event: &JourneyEvent| placed.get(&(&event.customer, order)).copied();
        for (order, event) in about_orders(events, EventKind::Refunded) {
            let early = of(order, event).is_some_and(|placed| event.occurred_at.instant() < placed);
            self.note("refunds before their order", u64::from(early));
        }
        for (order, event) in about_orders(events, EventKind::OrderChanged) {
            let early = of(order, event).is_some_and(|placed| event.occurred_at.instant() < placed);
            self.note("changes before their order", u64::from(early));
        }
        for (order, event) in about_orders(events, EventKind::OrderCancelled) {
            let found = of(order, event);
            self.note("cancels of unknown orders", u64::from(found.is_none()));
            let early = found.is_some_and(|placed| event.occurred_at.instant() < placed);
            self.note("cancels before their order", u64::from(early));
        }
    }

    fn note_retractions(&mut self, events: &[JourneyEvent]) {
        for event in events {
            let EventBody::EventRetracted(retraction) = &event.body else { continue };
            let tenant = &event.customer.tenant;
            let target =
                events.iter().find(|other| other.id == retraction.event && other.customer.tenant == *tenant);
            let what = match target {
                None => "retractions of nothing",
                Some(target) if target.customer != event.customer => {
                    "retractions of another customer's event"
                }
                Some(target) if target.kind() == EventKind::EventRetracted => "retractions of a retraction",
                Some(_) => "retractions",
            };
            self.note(what, 1);
        }
    }
}

impl fmt::Display for Coverage {
    /// One line for each thing met.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|(what, count)| writeln!(f, "{count:>9} {what}"))
    }
}

fn count(events: &[JourneyEvent], is_met: impl Fn(&JourneyEvent) -> bool) -> u64 {
    events.iter().filter(|event| is_met(event)).count() as u64
}

fn about_orders(events: &[JourneyEvent], kind: EventKind) -> impl Iterator<Item = (&str, &JourneyEvent)> {
    events.iter().filter(move |event| event.kind() == kind).filter_map(|event| {
        let tag = event.tags.iter().find(|tag| tag.object_type() == "order")?;
        Some((tag.id(), event))
    })
}
