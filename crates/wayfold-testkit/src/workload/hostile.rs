//! Small hostile histories: everything that goes wrong in practice, far more often than in practice.
//!
//! Ties of every sort, refunds before their orders, cancels of unknown orders, second placements, changes
//! before placements, retractions of events, of retractions, of other customers' events and of nothing, one
//! id in two tenants, events beyond the as-of instant, gaps as long as the horizons to the microsecond, now
//! and then a history long enough to cross a fold's checkpoints, and now and then an end of the calendar.

mod bodies;
mod loyal;
mod rules;

use wayfold_core::{
    CustomerKey, EventBody, EventId, EventKind, EventRetracted, EventTime, JourneyEvent, JourneyKey,
    OrderPlaced, Rules, Span, Stage, Tag, Timestamp,
};

pub use self::loyal::loyal_history;
use crate::random::Random;

/// A history with the rules and the instant under which it is asked about.
#[derive(Debug, Clone)]
pub struct Hostile {
    /// The seed, which is enough to make it again.
    pub seed: u64,
    /// The events, each once, in the order in which they were made up: that is no order of time.
    pub events: Vec<JourneyEvent>,
    /// The rules: the defaults, or thresholds chosen to be met.
    pub rules: Rules,
    /// The instant: after everything, amid the events, at one, or at the end of a span after one.
    pub as_of: Timestamp,
}

/// Makes the history of a seed.
///
/// ```
/// let history = wayfold_testkit::hostile::history(7);
/// assert!(history.events.iter().all(|event| event.validate().is_ok()));
/// assert_eq!(history.events, wayfold_testkit::hostile::history(7).events);
/// ```
pub fn history(seed: u64) -> Hostile {
    let mut writer = Writer::new(seed);
    let count = match writer.random.below(100) {
        0..8 => writer.random.between(270, 620),
        8..40 => writer.random.between(20, 90),
        _ => writer.random.between(1, 25),
    };
    for _ in 0..count {
        writer.write();
    }
    let as_of = writer.as_of();
    Hostile { seed, events: writer.events, rules: writer.rules, as_of }
}

/// Makes up one event after another.
struct Writer {
    random: Random,
    rules: Rules,
    customers: Vec<CustomerKey>,
    /// Where each customer's time stands.
    cursors: Vec<Timestamp>,
    orders: u64,
    /// How many of a hundred events happen where the calendar begins or ends.
    at_the_ends: u64,
    events: Vec<JourneyEvent>,
}

impl Writer {
    fn new(seed: u64) -> Self {
        let mut random = Random::new(seed);
        let rules = rules::draw(&mut random);
        let count = if random.percent(85) { random.between(1, 3) } else { random.between(4, 12) };
        let tenants = random.percent(25);
        let customer = |number| {
            // Two tenants with customers of equal names show whether tenants are kept apart.
            let tenant = if tenants && number % 2 == 1 { "t2" } else { "" };
            CustomerKey::in_tenant(tenant, format!("c{}", if tenants { number / 2 } else { number }))
        };
        let customers: Vec<CustomerKey> =
            (0..count).map(|number| customer(number).expect("a short name")).collect();
        let start = Timestamp::parse("2023-01-01").expect("a date");
        let orders = random.between(1, 5) as u64;
        let at_the_ends = if random.percent(4) { 15 } else { 0 };
        let cursors = vec![start; customers.len()];
        Self { rules, cursors, customers, orders, at_the_ends, events: Vec::new(), random }
    }

    fn write(&mut self) {
        let who = self.random.index(self.customers.len());
        if self.random.percent(9) && self.twin(who) {
            return;
        }
        let at = self.instant(who);
        let id = self.id(who);
        let body = if self.random.percent(8) { self.retraction(who, id) } else { self.body(who, at) };
        let mut event = JourneyEvent::new(id, self.customers[who].clone(), self.with_offset(at), body);
        if self.random.percent(25) {
            event.sequence = self.random.below(3) as u32;
        }
        if self.random.percent(60) {
            event.journey = Some(self.journey());
        }
        self.tag(&mut event);
        if event.kind().stage().is_none() && self.random.percent(25) {
            event.stage = Some(*self.random.pick(Stage::ALL));
        }
        self.events.push(event);
    }

    /// Repeats an event of the customer at the same place of the order but for the id, with another amount.
    fn twin(&mut self, who: usize) -> bool {
        let customer = self.customers[who].clone();
        let own: Vec<usize> =
            (0..self.events.len()).filter(|place| self.events[*place].customer == customer).collect();
        if own.is_empty() {
            return false;
        }
        let mut event = self.events[*self.random.pick(&own)].clone();
        if matches!(event.body, EventBody::EventRetracted(_)) {
            return false;
        }
        event.id = self.id(who);
        let amount = self.money();
        match &mut event.body {
            EventBody::OrderPlaced(OrderPlaced { amount: old, .. }) => *old = amount,
            EventBody::OrderChanged(change) => change.amount = Some(amount),
            EventBody::Shipped(shipped) => {
                shipped.promised_at = Some(event.occurred_at.instant() + Span::from_days(3));
            }
            _ => {}
        }
        self.events.push(event);
        true
    }

    /// An id that says nothing about the order of making, now and then one that another tenant has taken too.
    fn id(&mut self, who: usize) -> EventId {
        let tenant = self.customers[who].tenant.clone();
        let taken: Vec<EventId> = self
            .events
            .iter()
            .filter(|event| event.customer.tenant == tenant)
            .map(|event| event.id)
            .collect();
        let foreign =
            self.events.iter().filter(|event| event.customer.tenant != tenant).map(|event| event.id);
        let free: Vec<EventId> = foreign.filter(|id| !taken.contains(id)).collect();
        if !free.is_empty() && self.random.percent(20) {
            return *self.random.pick(&free);
        }
        EventId::from_u128(u128::from(self.random.next()) << 64 | u128::from(self.random.next()))
    }

    /// An instant of the customer: a tie, the end of a span to the microsecond, later, much later, or
    /// earlier.
    fn instant(&mut self, who: usize) -> Timestamp {
        let known = self.instants(who);
        if self.random.percent(self.at_the_ends) {
            return self.end_of_the_calendar();
        }
        match self.random.below(100) {
            0..22 if !known.is_empty() => *self.random.pick(&known),
            22..36 if !known.is_empty() => {
                let from = *self.random.pick(&known);
                self.cursors[who] = self.cursors[who].max(self.boundary_after(from));
                self.boundary_after(from)
            }
            36..42 if !known.is_empty() => {
                *self.random.pick(&known) - Span::from_micros(self.random.between(1, 90_000_000))
            }
            42..47 => self.move_on(who, 200 * 24, 420 * 24),
            _ => self.move_on(who, 0, 24 * 12),
        }
    }

    /// An instant before which no span can be counted back, or after which none can be counted on.
    fn end_of_the_calendar(&mut self) -> Timestamp {
        let from_the_end = Span::from_micros(self.random.between(0, 1));
        if self.random.percent(50) { Timestamp::MIN + from_the_end } else { Timestamp::MAX - from_the_end }
    }

    fn move_on(&mut self, who: usize, hours_min: i64, hours_max: i64) -> Timestamp {
        let hours = self.random.between(hours_min, hours_max);
        self.cursors[who] = self.cursors[who] + Span::from_micros(hours * 3_600_000_000);
        self.cursors[who]
    }

    fn instants(&self, who: usize) -> Vec<Timestamp> {
        let own = self.events.iter().filter(|event| event.customer == self.customers[who]);
        own.map(|event| event.occurred_at.instant()).collect()
    }

    /// The end of one of the rules' spans after an instant, or the microsecond before or after.
    fn boundary_after(&mut self, from: Timestamp) -> Timestamp {
        let (lifecycle, segment) = (&self.rules.lifecycle, &self.rules.segment);
        let spans = [
            lifecycle.churned_after_days,
            lifecycle.loyal_window_days,
            segment.at_risk_after_days,
            segment.newcomer_days_max,
            segment.frequent_window_days,
            self.rules.journey.abandoned_after_days,
        ];
        let days = *self.random.pick(&spans);
        from + Span::from_days(days) + Span::from_micros(self.random.between(-1, 1))
    }

    /// Writes an instant at some offset, as sources do.
    fn with_offset(&mut self, at: Timestamp) -> EventTime {
        let minutes = *self.random.pick(&[0, 0, 60, 480, -300, -210]);
        // At an end of the calendar the local date may lie beyond it.
        EventTime::new(at, minutes).unwrap_or_else(|_| at.into())
    }

    fn journey(&mut self) -> JourneyKey {
        JourneyKey::new(format!("j{}", self.random.below(3))).expect("a short name")
    }

    /// Names what should not stand: an event of the customer, a retraction, another's event, or nothing.
    fn retraction(&mut self, who: usize, own_id: EventId) -> EventBody {
        let is_own = |event: &&JourneyEvent| event.customer == self.customers[who];
        let is_retraction = |event: &&JourneyEvent| event.kind() == EventKind::EventRetracted;
        let candidates: Vec<EventId> = match self.random.below(100) {
            0..62 => self.events.iter().filter(is_own).map(|event| event.id).collect(),
            62..76 => self.events.iter().filter(is_retraction).map(|event| event.id).collect(),
            76..92 => self.events.iter().filter(|event| !is_own(event)).map(|event| event.id).collect(),
            _ => Vec::new(),
        };
        let missing = EventId::from_u128(u128::from(self.random.next()));
        let event = if candidates.is_empty() { missing } else { *self.random.pick(&candidates) };
        // No event retracts itself; an id of another tenant may be the event's own.
        let event = if event == own_id { missing } else { event };
        EventRetracted { event, reason: None }.into()
    }

    /// Gives the event the tag of an order where its kind asks for one, and often where it allows one.
    fn tag(&mut self, event: &mut JourneyEvent) {
        let share = match event.kind() {
            EventKind::OrderPlaced | EventKind::OrderChanged | EventKind::OrderCancelled => 100,
            EventKind::Refunded => 75,
            EventKind::EventRetracted => 0,
            _ => 80,
        };
        if self.random.percent(share) {
            let order = format!("o{}", self.random.below(self.orders));
            event.tags.insert(Tag::order(order).expect("a short name"));
        }
        if self.random.percent(20) {
            event.tags.insert(Tag::new("product", "p1").expect("a short name"));
        }
    }

    fn as_of(&mut self) -> Timestamp {
        let who = self.random.index(self.customers.len());
        let all: Vec<Timestamp> = self.events.iter().map(|event| event.occurred_at.instant()).collect();
        let known = self.instants(who);
        let newest = all.iter().max().copied().expect("a history has an event");
        match self.random.below(100) {
            0..30 => newest + Span::from_micros(self.random.between(0, 500 * 86_400_000_000)),
            30..55 if !known.is_empty() => {
                let from = *self.random.pick(&known);
                self.boundary_after(from)
            }
            55..80 => *self.random.pick(&all),
            _ => *self.random.pick(&all) + Span::from_micros(self.random.between(-1, 1)),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn every_event_is_valid_and_every_id_is_taken_once_in_its_tenant() {
        for seed in 0..300 {
            let history = history(seed);
            history.rules.validate().unwrap();
            let mut ids = HashSet::new();
            for event in &history.events {
                event.validate().unwrap_or_else(|error| panic!("seed {seed}: {error}"));
                assert!(ids.insert((event.customer.tenant.clone(), event.id)), "seed {seed}");
            }
        }
    }

    #[test]
    fn some_histories_cross_two_checkpoints() {
        let long = (0..300).filter(|seed| history(*seed).events.len() > 512).count();
        assert!(long >= 3, "{long} of 300");
    }
}
