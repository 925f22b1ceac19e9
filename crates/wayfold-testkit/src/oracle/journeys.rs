//! Journeys by key, their stages and outcomes, and promised deliveries.

use std::collections::BTreeMap;

use wayfold_core::{
    JourneyEvent, JourneyKey, JourneyRules, JourneyView, JourneysView, Outcome, PromiseCounts, PromiseState,
    PromiseView, Span, Stage, StageView, Timestamp,
};

use super::ledger::Ledger;
use super::rank::{is_outcome, moves_to, stage_of};

/// The events of each journey, in order.
#[derive(Debug, Clone, Default)]
pub(super) struct Journeys<'a>(BTreeMap<JourneyKey, Vec<&'a JourneyEvent>>);

/// A stay of a journey in one stage.
struct Visit {
    stage: Stage,
    from: Timestamp,
    until: Option<Timestamp>,
}

impl<'a> Journeys<'a> {
    /// Reads a history that is in order.
    pub(super) fn of(past: &[&'a JourneyEvent]) -> Self {
        let mut journeys: BTreeMap<JourneyKey, Vec<&'a JourneyEvent>> = BTreeMap::new();
        for event in past {
            if let Some(key) = &event.journey {
                journeys.entry(key.clone()).or_default().push(event);
            }
        }
        Self(journeys)
    }

    pub(super) fn view(&self, rules: &JourneyRules, ledger: &Ledger, t: Timestamp) -> JourneysView {
        let promises = promises(ledger, t);
        let journey = |(key, events): (&JourneyKey, &Vec<&JourneyEvent>)| {
            let own = |promise: &&PromiseView| promise.journey.as_ref() == Some(key);
            let counts = count(promises.iter().filter(own).map(|promise| promise.state));
            view_of(key, events, outcome(rules, ledger, key, events, t), counts)
        };
        JourneysView { journeys: self.0.iter().map(journey).collect(), promises }
    }

    /// The outcome of each journey as of t.
    pub(super) fn outcomes(&self, rules: &JourneyRules, ledger: &Ledger, t: Timestamp) -> Vec<Outcome> {
        self.0.iter().map(|(key, events)| outcome(rules, ledger, key, events, t)).collect()
    }

    /// Every instant from which a journey's silence may run.
    pub(super) fn instants(&self) -> Vec<Timestamp> {
        self.0.values().flatten().map(|event| event.occurred_at.instant()).collect()
    }
}

fn view_of(
    key: &JourneyKey,
    events: &[&JourneyEvent],
    outcome: Outcome,
    promises: PromiseCounts,
) -> JourneyView {
    let visits = visits(events);
    let back = visits.windows(2).filter(|pair| pair[1].stage.index() < pair[0].stage.index()).count();
    let (first, last) = (events.first().expect("made by an event"), events.last().expect("made by an event"));
    JourneyView {
        key: key.clone(),
        started_at: first.occurred_at.instant(),
        last_event_at: last.occurred_at.instant(),
        stage: visits.last().map(|visit| visit.stage),
        stage_since: visits.last().map(|visit| visit.from),
        stages: Stage::ALL.iter().filter_map(|stage| stage_view(*stage, &visits, events)).collect(),
        steps_back: back as u32,
        outcome,
        promises,
    }
}

/// The stays in stages one after another; an event of the stage in which the journey is prolongs the stay.
fn visits(events: &[&JourneyEvent]) -> Vec<Visit> {
    let mut visits: Vec<Visit> = Vec::new();
    for event in events {
        let Some(stage) = moves_to(event) else { continue };
        let at = event.occurred_at.instant();
        match visits.last_mut() {
            Some(visit) if visit.stage == stage => continue,
            Some(visit) => visit.until = Some(at),
            None => {}
        }
        visits.push(Visit { stage, from: at, until: None });
    }
    visits
}

fn stage_view(stage: Stage, visits: &[Visit], events: &[&JourneyEvent]) -> Option<StageView> {
    let counted = stages_counted(events).into_iter().filter(|counted| *counted == Some(stage)).count();
    let stays: Vec<&Visit> = visits.iter().filter(|visit| visit.stage == stage).collect();
    let ended = stays.iter().filter_map(|visit| Some(visit.until?.since(visit.from).as_micros())).sum();
    (counted > 0 || !stays.is_empty()).then(|| StageView {
        stage,
        entered_at: stays.first().map(|visit| visit.from),
        visits: stays.len() as u32,
        ended_visits_us: Span::from_micros(ended),
        events: counted as u64,
    })
}

/// For each event the stage for which it counts: its kind's, else the one that it names, else the one in
/// which the journey is.
fn stages_counted(events: &[&JourneyEvent]) -> Vec<Option<Stage>> {
    let mut current = None;
    let mut counted = Vec::new();
    for event in events {
        current = moves_to(event).or(current);
        counted.push(stage_of(event).or(event.stage).or(current));
    }
    counted
}

fn outcome(
    rules: &JourneyRules,
    ledger: &Ledger,
    key: &JourneyKey,
    events: &[&JourneyEvent],
    t: Timestamp,
) -> Outcome {
    if ledger.purchases().iter().any(|purchase| purchase.journey.as_ref() == Some(key)) {
        return Outcome::Won;
    }
    let last_closed = events.iter().rposition(|event| is_outcome(event));
    let last_moved = events.iter().rposition(|event| moves_to(event).is_some());
    if last_closed.is_some_and(|closed| last_moved.is_none_or(|moved| moved < closed)) {
        return Outcome::Lost;
    }
    let silent_since = events[last_moved.unwrap_or(0)].occurred_at.instant();
    if t.since(silent_since) > Span::from_days(rules.abandoned_after_days) {
        return Outcome::Abandoned;
    }
    Outcome::Open
}

/// The promises of orders that are not cancelled, as of t.
pub(super) fn promises(ledger: &Ledger, t: Timestamp) -> Vec<PromiseView> {
    let mut promises = Vec::new();
    for (id, order) in ledger.orders.iter().filter(|(_, order)| !order.cancelled) {
        let Some(promised_at) = order.promised_at else { continue };
        let state = match order.delivered_at {
            Some(delivered) if delivered <= promised_at => PromiseState::Kept,
            Some(_) => PromiseState::Broken,
            None if t > promised_at => PromiseState::Broken,
            None => PromiseState::Pending,
        };
        promises.push(PromiseView {
            order: id.clone(),
            journey: order.placement.as_ref().and_then(|placement| placement.journey.clone()),
            promised_at,
            delivered_at: order.delivered_at,
            state,
        });
    }
    promises
}

fn count(states: impl Iterator<Item = PromiseState>) -> PromiseCounts {
    let mut counts = PromiseCounts::default();
    for state in states {
        match state {
            PromiseState::Kept => counts.kept += 1,
            PromiseState::Broken => counts.broken += 1,
            PromiseState::Pending => counts.pending += 1,
        }
    }
    counts
}
