//! What every run appends: the same steps for the same seed, in every process.

use std::ops::Range;

use wayfold_core::{CustomerKey, EventBatch, JourneyEvent, Position};
use wayfold_store::{AppendCondition, Checkpoint, CheckpointName, EventFilter};
use wayfold_testkit::Random;
use wayfold_testkit::shop::{Shop, ShopConfig};

/// Steps of one lane follow each other; lanes go on side by side.
pub(crate) const LANES: usize = 3;

/// What an append asks of the log.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Demand {
    Nothing,
    /// That nobody has appended for the batch's first customer since the head was asked.
    Unchanged,
    /// That the first event of all is not there: it must be refused once it is.
    Impossible,
}

/// One call of a store.
#[derive(Debug, Clone)]
pub(crate) enum Step {
    Append { events: Vec<JourneyEvent>, demand: Demand },
    Put { name: CheckpointName, checkpoint: Checkpoint },
}

/// A seeded list of steps.
#[derive(Debug)]
pub(crate) struct Script {
    pub(crate) seed: u64,
    pub(crate) steps: Vec<Step>,
}

/// How long batches are.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Sizes {
    pub(crate) batch: i64,
    pub(crate) large: i64,
}

impl Default for Sizes {
    fn default() -> Self {
        Self { batch: 8, large: 40 }
    }
}

impl Script {
    /// Writes a script; the first step is a single event, which conditions can name.
    pub(crate) fn new(seed: u64, steps: usize, sizes: Sizes) -> Self {
        let mut random = Random::new(seed);
        let most = steps as i64 * (sizes.batch + sizes.large / 4) / 2 + sizes.large;
        let shop = Shop::new(ShopConfig::of(most as u64).with_seed(seed));
        let events: Vec<JourneyEvent> = shop.distinct().collect();
        let mut writing = Writing { random: &mut random, events, used: 0, steps: Vec::new(), sizes };
        while writing.steps.len() < steps {
            writing.step();
        }
        let Writing { steps, .. } = writing;
        Self { seed, steps }
    }

    /// The lane of a step; its steps are appended in their order.
    pub(crate) fn lane(step: usize) -> usize {
        step % LANES
    }

    /// The events of a step.
    pub(crate) fn events(&self, step: usize) -> &[JourneyEvent] {
        match &self.steps[step] {
            Step::Append { events, .. } => events,
            Step::Put { .. } => &[],
        }
    }

    /// The step as it is appended.
    pub(crate) fn batch(&self, step: usize) -> EventBatch {
        EventBatch::from_events(self.events(step)).unwrap()
    }

    /// The condition of a step, given the head.
    pub(crate) fn condition(&self, step: usize, head: Position) -> Option<AppendCondition> {
        let Step::Append { events, demand } = &self.steps[step] else { return None };
        let of = |key: &CustomerKey| EventFilter::customer(key.clone());
        match demand {
            Demand::Nothing => None,
            Demand::Unchanged => Some(AppendCondition { filter: of(&events[0].customer), after: head }),
            Demand::Impossible => {
                let filter = of(&self.events(0)[0].customer);
                Some(AppendCondition { filter, after: Position::START })
            }
        }
    }

    /// Says whether the store has to refuse a step.
    pub(crate) fn is_impossible(&self, step: usize) -> bool {
        matches!(&self.steps[step], Step::Append { demand: Demand::Impossible, .. })
    }
}

struct Writing<'a> {
    random: &'a mut Random,
    events: Vec<JourneyEvent>,
    used: usize,
    steps: Vec<Step>,
    sizes: Sizes,
}

impl Writing<'_> {
    fn step(&mut self) {
        let number = self.steps.len();
        let demand = match self.random.below(100) {
            0..15 => Demand::Unchanged,
            15..20 if number >= LANES => Demand::Impossible,
            _ => Demand::Nothing,
        };
        let step = match self.random.below(100) {
            _ if number == 0 => Step::Append { events: self.fresh(1), demand: Demand::Nothing },
            0..12 => self.put(number),
            12..20 if number >= LANES * 2 => self.again(number, demand),
            20..55 => Step::Append { events: self.fresh(1), demand },
            55..92 => {
                let count = self.random.between(2, self.sizes.batch);
                Step::Append { events: self.fresh(count), demand }
            }
            _ => Step::Append { events: self.fresh(self.sizes.large), demand },
        };
        self.steps.push(step);
    }

    fn fresh(&mut self, count: i64) -> Vec<JourneyEvent> {
        let range: Range<usize> = self.used..self.used + count as usize;
        self.used = range.end;
        self.events[range].to_vec()
    }

    /// A checkpoint of the lane, so that its values follow each other.
    fn put(&mut self, step: usize) -> Step {
        let name = CheckpointName::new(format!("reader {}", Script::lane(step))).unwrap();
        let bytes = (0..self.random.below(700)).map(|_| self.random.next() as u8).collect();
        let position = Position::from_bytes((step as u128).to_be_bytes());
        Step::Put { name, checkpoint: Checkpoint { position, bytes } }
    }

    /// The events of an earlier step of the lane once more, now and then with new ones behind them.
    fn again(&mut self, step: usize, demand: Demand) -> Step {
        let earlier = self.random.index(step / LANES) * LANES + Script::lane(step);
        let mut events = match &self.steps[earlier] {
            Step::Append { events, demand } if *demand != Demand::Impossible => events.clone(),
            _ => Vec::new(),
        };
        let is_mixed = events.is_empty() || self.random.percent(50);
        if is_mixed {
            events.extend(self.fresh(3));
        }
        // What stands already is taken whatever the condition says.
        let demand = if is_mixed { demand } else { Demand::Nothing };
        Step::Append { events, demand }
    }
}
