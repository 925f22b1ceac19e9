//! Journey: for each journey key the stage, its times, steps back, the outcome, and promises kept.
//!
//! An event belongs to a journey only by its journey key. Kinds of a stage move the journey there, except
//! the outcome kinds (order cancelled, deal lost, returned, refunded), which close or correct; neutral ones
//! count for the stage that they name, else for the one that the journey is in, and move nothing. Time in a
//! stage is the sum of its visits. Outcome: won while an order placed in the journey is a purchase; else
//! lost if no stage-moving event follows its last outcome event; else abandoned when silent for too long
//! since its last stage-moving event, or since its first event if none has moved it; else open.
//!
//! A promise is the newest delivery date stated by placing, changing or shipping an order; it is kept if the
//! first delivery is no later. Cancelled orders make no promise.

use std::ops::RangeInclusive;

use hashbrown::{HashMap, HashSet};
use serde::{Deserialize, Serialize, Serializer};

use super::{CustomerAt, EVENTS_MAX, Interest, Projection};
use crate::batch::{EventView, Run};
use crate::error::{Error, Result, ensure};
use crate::key::{JourneyKey, OrderId};
use crate::keyed::Keyed;
use crate::orders::OrderRecord;
use crate::rules::JourneyRules;
use crate::stage::Stage;
use crate::text::serialize_as_record_or_list;
use crate::time::{Span, Timestamp};
use crate::view::{JourneyView, JourneysView, Outcome, PromiseCounts, PromiseState, PromiseView, StageView};

/// Folds a customer's events into journeys.
#[derive(Debug)]
pub(crate) struct JourneyProjection {
    rules: JourneyRules,
}

/// What is kept of a customer's journeys, by journey key; little where there is none.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(try_from = "Keyed<Journey>")]
pub(crate) struct Journeys(Option<Box<Keyed<Journey>>>);

impl Journeys {
    fn iter(&self) -> impl Iterator<Item = (&str, &Journey)> {
        self.0.iter().flat_map(|journeys| journeys.iter())
    }
}

impl Serialize for Journeys {
    fn serialize<S: Serializer>(&self, serializer: S) -> std::result::Result<S::Ok, S::Error> {
        match &self.0 {
            Some(journeys) => journeys.serialize(serializer),
            None => Keyed::<Journey>::default().serialize(serializer),
        }
    }
}

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct Journey {
    started_at: Option<Timestamp>,
    last_event_at: Option<Timestamp>,
    stage: Option<Stage>,
    stage_since: Option<Timestamp>,
    stages: [Visits; 5],
    steps_back: u32,
    last_moved_at: Option<Timestamp>,
    /// Whether no stage-moving event follows the last outcome event.
    closed: bool,
}

serialize_as_record_or_list!(Journey {
    started_at,
    last_event_at,
    stage,
    stage_since,
    stages,
    steps_back,
    last_moved_at,
    closed,
});

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct Visits {
    entered_at: Option<Timestamp>,
    visits: u32,
    ended_us: Span,
    events: u64,
}

serialize_as_record_or_list!(Visits { entered_at, visits, ended_us, events });

impl JourneyProjection {
    /// Takes the thresholds.
    pub(super) fn new(rules: JourneyRules) -> Self {
        Self { rules }
    }

    /// Folds a run as [`Projection::evolve`] folds each event: most events belong to the journey of the one before, which is
    /// then not looked for.
    pub(super) fn evolve_run(&self, state: &mut Journeys, run: &Run<'_>) {
        let mut place = 0;
        run.for_each_in_journeys(|event, key| {
            let journeys = state.0.get_or_insert_default();
            if let Some(key) = key {
                place = journeys.entry_place(key, 1);
            }
            journeys.at(place).evolve(&event);
        });
    }
}

impl Projection for JourneyProjection {
    type State = Journeys;
    type View = JourneysView;

    fn name(&self) -> &str {
        "journey"
    }

    fn version(&self) -> u32 {
        1
    }

    fn interest(&self) -> Interest {
        Interest::IN_JOURNEYS
    }

    fn evolve(&self, state: &mut Journeys, event: &EventView<'_>) {
        if let Some(key) = event.journey() {
            state.0.get_or_insert_default().entry(key, 1).evolve(event);
        }
    }

    fn view(&self, state: &Journeys, customer: &CustomerAt<'_>) -> JourneysView {
        let promises = promises(customer);
        let (won, counts) = (won(customer), count(&promises));
        let view = |(key, journey): (&str, &Journey)| JourneyView {
            outcome: journey.outcome(won.contains(key), customer.as_of(), &self.rules),
            promises: counts.get(key).copied().unwrap_or_default(),
            ..journey.view(key)
        };
        let sorted = state.0.iter().flat_map(|journeys| journeys.sorted());
        let journeys = sorted.map(view).collect();
        drop(counts);
        JourneysView { journeys, promises }
    }

    fn holds_until(&self, state: &Journeys, customer: &CustomerAt<'_>) -> Option<Timestamp> {
        let pending = promises(customer).into_iter().filter(|promise| promise.state == PromiseState::Pending);
        let due = pending.map(|promise| promise.promised_at);
        let won = won(customer);
        let abandoned = state.iter().filter_map(|(key, journey)| {
            let open = journey.outcome(won.contains(key), customer.as_of(), &self.rules) == Outcome::Open;
            open.then(|| journey.silent_since() + self.rules.silence_max())
        });
        due.chain(abandoned).min()
    }
}

impl TryFrom<Keyed<Journey>> for Journeys {
    type Error = Error;

    fn try_from(journeys: Keyed<Journey>) -> Result<Self> {
        for (key, journey) in journeys.iter() {
            journey.check().map_err(|error| error.at(format_args!("journey {key:?}")))?;
        }
        Ok(Self((journeys.len() > 0).then(|| journeys.into())))
    }
}

impl Journey {
    fn evolve(&mut self, event: &EventView<'_>) {
        let (at, kind) = (event.occurred_at(), event.kind());
        self.started_at.get_or_insert(at);
        self.last_event_at = Some(at);
        if let (Some(stage), true) = (kind.stage(), kind.moves_stage()) {
            self.enter(stage, at);
            self.last_moved_at = Some(at);
            self.closed = false;
        }
        self.closed |= kind.is_outcome();
        if let Some(stage) = event.stage().or(self.stage) {
            self.stages[stage.index()].events += 1;
        }
    }

    fn enter(&mut self, stage: Stage, at: Timestamp) {
        if self.stage == Some(stage) {
            return;
        }
        if let (Some(left), Some(since)) = (self.stage, self.stage_since) {
            let visits = &mut self.stages[left.index()];
            visits.ended_us = visits.ended_us + at.since(since);
            self.steps_back = self.steps_back.saturating_add(u32::from(stage < left));
        }
        let visits = &mut self.stages[stage.index()];
        visits.entered_at.get_or_insert(at);
        visits.visits += 1;
        self.stage = Some(stage);
        self.stage_since = Some(at);
    }

    /// Checks a journey from outside: some events can have made it.
    fn check(&self) -> Result<()> {
        let (Some(started_at), Some(last_event_at)) = (self.started_at, self.last_event_at) else {
            return ensure(false, "it exists without an event");
        };
        ensure(started_at <= last_event_at, "its first event is later than its last")?;
        let moved = self.last_moved_at.is_some();
        ensure(
            self.stage.is_some() == moved && self.stage_since.is_some() == moved,
            "it is in a stage without having moved there, or the other way round",
        )?;
        let instants = [Some(started_at), self.stage_since, self.last_moved_at, Some(last_event_at)];
        ensure(instants.iter().flatten().is_sorted(), "its instants are out of order")?;
        let visits: u64 = self.stages.iter().map(|visits| u64::from(visits.visits)).sum();
        ensure(
            (visits > 0) == moved && u64::from(self.steps_back) <= visits,
            "its visits contradict its moves",
        )?;
        let current = self.stage.map_or(1, |stage| self.stages[stage.index()].visits);
        ensure(current > 0, "it is in a stage that it never entered")?;
        let moving = started_at..=self.last_moved_at.unwrap_or(started_at);
        self.stages.iter().try_for_each(|visits| visits.check(&moving))
    }

    fn silent_since(&self) -> Timestamp {
        self.last_moved_at.or(self.started_at).expect("a journey exists by its first event")
    }

    fn outcome(&self, won: bool, as_of: Timestamp, rules: &JourneyRules) -> Outcome {
        if won {
            Outcome::Won
        } else if self.closed {
            Outcome::Lost
        } else if as_of.since(self.silent_since()) > rules.silence_max() {
            Outcome::Abandoned
        } else {
            Outcome::Open
        }
    }

    /// What the journey's own events say; the outcome and the promises rest on its orders.
    fn view(&self, key: &str) -> JourneyView {
        let known = "a journey exists by its first event";
        JourneyView {
            key: JourneyKey::trusted(key),
            started_at: self.started_at.expect(known),
            last_event_at: self.last_event_at.expect(known),
            stage: self.stage,
            stage_since: self.stage_since,
            stages: self.stage_views(),
            steps_back: self.steps_back,
            outcome: Outcome::Open,
            promises: PromiseCounts::default(),
        }
    }

    fn stage_views(&self) -> Vec<StageView> {
        let touched =
            Stage::ALL.iter().zip(&self.stages).filter(|(_, visits)| visits.visits > 0 || visits.events > 0);
        touched
            .map(|(stage, visits)| StageView {
                stage: *stage,
                entered_at: visits.entered_at,
                visits: visits.visits,
                ended_visits_us: visits.ended_us,
                events: visits.events,
            })
            .collect()
    }
}

impl Visits {
    /// Checks visits from outside, which began within the instants at which the journey moved.
    fn check(&self, moving: &RangeInclusive<Timestamp>) -> Result<()> {
        let entered = self.visits > 0;
        ensure(
            self.entered_at.is_some() == entered,
            "a stage has an entry without a visit, or the other way round",
        )?;
        ensure(
            self.entered_at.is_none_or(|at| moving.contains(&at)),
            "a stage was entered outside of its moves",
        )?;
        ensure(u64::from(self.visits) <= self.events, "a stage has more visits than events")?;
        ensure(self.events <= EVENTS_MAX, "a stage has more than 2^31 events")?;
        let longest = if entered { moving.end().since(*moving.start()) } else { Span::ZERO };
        ensure((Span::ZERO..=longest).contains(&self.ended_us), "visits took longer than the journey")
    }
}

/// The journeys that hold a purchase.
fn won<'a>(customer: &CustomerAt<'a>) -> HashSet<&'a str> {
    customer.purchases().iter().filter_map(|purchase| purchase.journey).collect()
}

/// The promises of each journey that has any.
fn count(promises: &[PromiseView]) -> HashMap<&str, PromiseCounts> {
    let mut counts: HashMap<&str, PromiseCounts> = HashMap::new();
    for promise in promises {
        let Some(journey) = &promise.journey else { continue };
        let counts = counts.entry(journey.as_str()).or_default();
        match promise.state {
            PromiseState::Kept => counts.kept += 1,
            PromiseState::Broken => counts.broken += 1,
            PromiseState::Pending => counts.pending += 1,
        }
    }
    counts
}

fn promises(customer: &CustomerAt<'_>) -> Vec<PromiseView> {
    let mut promises: Vec<_> = (customer.record().orders().records())
        .filter_map(|(id, order)| promise(id, order, customer.as_of()))
        .collect();
    promises.sort_unstable_by(|a, b| a.order.cmp(&b.order));
    promises
}

fn promise(id: &str, order: &OrderRecord, as_of: Timestamp) -> Option<PromiseView> {
    let details = order.details().filter(|_| !order.cancelled)?;
    let promised_at = details.promised_at?;
    let state = match details.delivered_at {
        Some(delivered_at) if delivered_at <= promised_at => PromiseState::Kept,
        None if as_of <= promised_at => PromiseState::Pending,
        _ => PromiseState::Broken,
    };
    Some(PromiseView {
        order: OrderId::trusted(id),
        journey: details.journey.clone(),
        promised_at,
        delivered_at: details.delivered_at,
        state,
    })
}
