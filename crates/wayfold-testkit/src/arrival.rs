//! How the events of a history arrive: in which order, cut how, repeated where, on how many shards.

use std::fmt;

use wayfold_core::{JourneyEvent, Timestamp};

use crate::random::Random;

/// Above this many events, batches of a few events would make a refold of each event.
const LONG: usize = 150;

/// The order in which events arrive.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Order {
    /// As they are given.
    AsGiven,
    /// By the time of the event.
    ByTime,
    /// The latest first.
    Reversed,
    /// By chance.
    Shuffled,
    /// By the time of the event, but a tenth arrives later.
    SomeLate,
}

impl Order {
    /// Every order.
    pub const ALL: [Self; 5] = [Self::ByTime, Self::Reversed, Self::Shuffled, Self::SomeLate, Self::AsGiven];
}

/// How the instant up to which events are folded comes about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Clock {
    /// It is the last one from the start.
    Fixed,
    /// It starts early and is moved on between deliveries.
    Stepped,
}

/// What is handed over at once: batches, before which the instant may move on.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Delivery {
    /// Moves the instant before the batches.
    pub advance_to: Option<Timestamp>,
    /// The batches; an event may be in two.
    pub batches: Vec<Vec<JourneyEvent>>,
}

/// A history as it arrives.
#[derive(Clone, PartialEq, Eq)]
pub struct Arrival {
    /// The seed by which it was cut.
    pub seed: u64,
    /// The order.
    pub order: Order,
    /// How many shards fold it, each on a thread.
    pub shards: usize,
    /// The instant from which the fold starts.
    pub start: Timestamp,
    /// The instant as of which it is asked at the end.
    pub as_of: Timestamp,
    /// Whether a refold is handed the whole log instead of what it needs.
    pub whole_history: bool,
    /// The deliveries.
    pub deliveries: Vec<Delivery>,
}

impl Arrival {
    /// Cuts a history into deliveries by a seed, and delivers some events twice.
    ///
    /// Between them the instant moves on to `as_of`, if the clock is [`Clock::Stepped`], through instants of
    /// the events, so that some fall due at exactly the instant.
    pub fn new(events: &[JourneyEvent], order: Order, clock: Clock, as_of: Timestamp, seed: u64) -> Self {
        let mut random = Random::new(seed);
        let mut events = events.to_vec();
        let steps = match clock {
            Clock::Fixed => Vec::new(),
            Clock::Stepped => steps(&events, as_of, &mut random),
        };
        put_in_order(&mut events, order, &mut random);
        repeat_some(&mut events, &mut random);
        let mut deliveries = cut(events, &mut random);
        // The steps are in order, and so are the places at which they are taken.
        let later = steps.get(1..).unwrap_or_default();
        let mut places: Vec<usize> = later.iter().map(|_| random.index(deliveries.len() + 1)).collect();
        places.sort_unstable();
        for (taken, (place, instant)) in places.into_iter().zip(later).enumerate() {
            let step = Delivery { advance_to: Some(*instant), batches: Vec::new() };
            deliveries.insert(place + taken, step);
        }
        Self {
            seed,
            order,
            shards: random.between(1, 4) as usize,
            start: steps.first().copied().unwrap_or(as_of),
            as_of,
            whole_history: random.percent(30),
            deliveries,
        }
    }

    /// Takes deliveries as they are, of one batch each, on one shard.
    pub fn of_batches(batches: impl IntoIterator<Item = Vec<JourneyEvent>>, as_of: Timestamp) -> Self {
        let deliver = |batch| Delivery { advance_to: None, batches: vec![batch] };
        Self {
            seed: 0,
            order: Order::AsGiven,
            shards: 1,
            start: as_of,
            as_of,
            whole_history: false,
            deliveries: batches.into_iter().map(deliver).collect(),
        }
    }

    /// Takes another number of shards, at least one.
    pub fn with_shards(mut self, shards: usize) -> Self {
        self.shards = shards.max(1);
        self
    }

    /// Every event as it is delivered, repeated ones as often as they are.
    pub fn delivered(&self) -> impl Iterator<Item = &JourneyEvent> {
        self.deliveries.iter().flat_map(|delivery| &delivery.batches).flatten()
    }

    /// The same arrival with other events in place of some.
    pub fn with_each(&self, mut change: impl FnMut(&JourneyEvent) -> Vec<JourneyEvent>) -> Self {
        let mut arrival = self.clone();
        for batch in arrival.deliveries.iter_mut().flat_map(|delivery| &mut delivery.batches) {
            *batch = batch.iter().flat_map(&mut change).collect();
        }
        arrival
    }
}

impl fmt::Debug for Arrival {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let sizes: Vec<Vec<usize>> =
            self.deliveries.iter().map(|delivery| delivery.batches.iter().map(Vec::len).collect()).collect();
        f.debug_struct("Arrival")
            .field("seed", &self.seed)
            .field("order", &self.order)
            .field("shards", &self.shards)
            .field("start", &self.start.to_string())
            .field("as_of", &self.as_of.to_string())
            .field("whole_history", &self.whole_history)
            .field("batch_sizes", &sizes)
            .finish()
    }
}

/// Instants before `as_of` at which the fold stops on its way, the first being its start, and `as_of` itself.
fn steps(events: &[JourneyEvent], as_of: Timestamp, random: &mut Random) -> Vec<Timestamp> {
    let before: Vec<Timestamp> =
        events.iter().map(|event| event.occurred_at.instant()).filter(|instant| *instant <= as_of).collect();
    let mut steps = vec![as_of];
    if !before.is_empty() {
        for _ in 0..random.between(1, 4) {
            let step = *random.pick(&before);
            steps.push(if random.percent(25) { step.previous() } else { step });
        }
    }
    steps.sort_unstable();
    steps
}

fn put_in_order(events: &mut [JourneyEvent], order: Order, random: &mut Random) {
    match order {
        Order::AsGiven => {}
        Order::Shuffled => random.shuffle(events),
        Order::ByTime => events.sort_by_key(|event| event.occurred_at.instant()),
        Order::Reversed => {
            events.sort_by_key(|event| event.occurred_at.instant());
            events.reverse();
        }
        Order::SomeLate => {
            events.sort_by_key(|event| event.occurred_at.instant());
            for place in 0..events.len() {
                if random.percent(10) {
                    let later = place + random.index(events.len() - place);
                    events[place..=later].rotate_left(1);
                }
            }
        }
    }
}

/// Delivers some events again, most of them soon and some much later.
fn repeat_some(events: &mut Vec<JourneyEvent>, random: &mut Random) {
    let share = *random.pick(&[0, 5, 20]);
    for place in (0..events.len()).rev() {
        if random.percent(share) {
            let again = events[place].clone();
            let left = events.len() - place;
            let gap = if random.percent(60) { random.index(left.min(4)) } else { random.index(left) };
            events.insert(place + 1 + gap, again);
        }
    }
}

fn cut(events: Vec<JourneyEvent>, random: &mut Random) -> Vec<Delivery> {
    let sizes = if events.len() > LONG { [24, 60, events.len()] } else { [1, 5, events.len()] };
    let size = *random.pick(&sizes);
    let mut deliveries = vec![Delivery::default()];
    let mut left = events.into_iter().peekable();
    while left.peek().is_some() {
        let count = 1 + random.index(2 * size);
        let batch: Vec<JourneyEvent> = left.by_ref().take(count).collect();
        if random.percent(75) {
            deliveries.push(Delivery::default());
        }
        deliveries.last_mut().expect("there is one from the start").batches.push(batch);
    }
    deliveries
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::hostile;

    #[test]
    fn every_event_arrives_and_the_instant_never_goes_back() {
        for seed in 0..60 {
            let history = hostile::history(seed);
            for (number, order) in Order::ALL.into_iter().enumerate() {
                let clock = if number % 2 == 0 { Clock::Stepped } else { Clock::Fixed };
                let arrival = Arrival::new(&history.events, order, clock, history.as_of, seed);
                let ids = |events: Vec<&JourneyEvent>| {
                    events.iter().map(|event| (event.customer.clone(), event.id)).collect::<BTreeSet<_>>()
                };
                assert_eq!(ids(arrival.delivered().collect()), ids(history.events.iter().collect()));
                let mut steps: Vec<Timestamp> = vec![arrival.start];
                steps.extend(arrival.deliveries.iter().filter_map(|delivery| delivery.advance_to));
                assert!(steps.is_sorted(), "{arrival:?}");
                assert_eq!(steps.last(), Some(&arrival.as_of));
            }
        }
    }
}
