//! Holds a store against what its run was told: nothing lost, nothing doubled, nothing that was never appended.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use pollster::block_on;
use wayfold_core::{
    CustomerKey, CustomerView, EventBatch, EventId, Fold, JourneyEvent, Position, ProjectionSet, Rules,
    Timestamp,
};
use wayfold_sqlite::SqliteStore;
use wayfold_store::{AppendOutcome, CheckpointName, EventFilter, EventStore, EventStoreExt};
use wayfold_testkit::Oracle;

use super::script::{LANES, Script, Step};

/// What went wrong, in a sentence.
pub(crate) type Verdict<T> = Result<T, String>;

/// What a run knows.
#[derive(Debug, Clone, Default)]
pub(crate) struct Known {
    /// Steps that were handed to the store.
    pub(crate) begun: BTreeSet<usize>,
    /// Steps that the store acknowledged, each with the positions of its events; none for one that it refused.
    pub(crate) done: BTreeMap<usize, Vec<Position>>,
}

/// The oracle's answers, kept for customers whose events are the same in the next image.
#[derive(Debug, Default)]
pub(crate) struct Answers(HashMap<CustomerKey, (u128, usize, CustomerView)>);

/// After every event of a script.
fn as_of() -> Timestamp {
    Timestamp::parse("2026-01-01").unwrap()
}

/// Compares everything; gives the number of events.
pub(crate) fn verify(
    store: &SqliteStore,
    script: &Script,
    known: &Known,
    answers: &mut Answers,
) -> Verdict<usize> {
    store.check().map_err(|error| format!("check: {error}"))?;
    let batches = block_on(store.read_all(EventFilter::all())).map_err(|error| format!("read: {error}"))?;
    let events: Vec<JourneyEvent> = batches.iter().flat_map(EventBatch::to_events).collect();
    let found = Found::new(&events)?;
    let head = block_on(store.head()).map_err(|error| format!("head: {error}"))?;
    found.check_positions(&events, head)?;
    found.check_contents(script, known)?;
    found.check_steps(script, known)?;
    check_checkpoints(store, script, known)?;
    check_folds(&batches, &found, answers)?;
    check_ids_are_taken(store, script, known)?;
    Ok(events.len())
}

/// The events of a store by id, as they were appended, and where they stand.
struct Found(BTreeMap<EventId, (JourneyEvent, Position)>);

impl Found {
    fn new(events: &[JourneyEvent]) -> Verdict<Self> {
        let mut found = BTreeMap::new();
        for event in events {
            let position = event.position.ok_or_else(|| format!("{} has no position", event.id))?;
            let id = event.id;
            let mut event = event.clone();
            (event.recorded_at, event.position) = (None, None);
            if let Some((_, first)) = found.insert(id, (event, position)) {
                return Err(format!("{id} stands at {first} and {position}"));
            }
        }
        Ok(Self(found))
    }

    /// Events are numbered without a gap, so that none can be missing between two.
    fn check_positions(&self, events: &[JourneyEvent], head: Position) -> Verdict<()> {
        if u128::from_be_bytes(head.to_bytes()) != events.len() as u128 {
            return Err(format!("the head is {head}, and there are {} events", events.len()));
        }
        let disorder = events
            .windows(2)
            .find(|pair| pair[0].position >= pair[1].position || pair[0].recorded_at > pair[1].recorded_at);
        match disorder {
            Some(pair) => Err(format!("{} stands out of order", pair[1].id)),
            None => Ok(()),
        }
    }

    /// Every event is one that a begun step holds, unchanged.
    fn check_contents(&self, script: &Script, known: &Known) -> Verdict<()> {
        let begun = known.begun.iter().filter(|step| !script.is_impossible(**step));
        let written: BTreeMap<EventId, &JourneyEvent> =
            begun.flat_map(|step| script.events(*step)).map(|event| (event.id, event)).collect();
        for (id, (event, position)) in &self.0 {
            match written.get(id) {
                None => return Err(format!("{id} at {position} was never appended")),
                Some(original) if *original != event => return Err(format!("{id} at {position} changed")),
                Some(_) => {}
            }
        }
        Ok(())
    }

    /// Acknowledged steps are there where it was said; others whole or not at all.
    fn check_steps(&self, script: &Script, known: &Known) -> Verdict<()> {
        let mut holders: HashMap<EventId, usize> = HashMap::new();
        for event in known.begun.iter().flat_map(|step| script.events(*step)) {
            *holders.entry(event.id).or_default() += 1;
        }
        for step in &known.begun {
            let events = script.events(*step);
            let places = events.iter().map(|event| self.0.get(&event.id).map(|(_, position)| *position));
            if let Some(said) = known.done.get(step) {
                let lost =
                    events.iter().zip(places).zip(said).find(|((_, place), said)| *place != Some(**said));
                if let Some(((event, place), said)) = lost {
                    return Err(format!(
                        "step {step}: {} was acknowledged at {said}, is at {place:?}",
                        event.id
                    ));
                }
                continue;
            }
            let own: Vec<bool> = events
                .iter()
                .zip(places)
                .filter(|(event, _)| holders[&event.id] == 1)
                .map(|(_, place)| place.is_some())
                .collect();
            if own.windows(2).any(|pair| pair[0] != pair[1]) {
                return Err(format!("step {step} stands in part"));
            }
        }
        Ok(())
    }
}

/// A checkpoint is the last one acknowledged, or one that was begun after it.
fn check_checkpoints(store: &SqliteStore, script: &Script, known: &Known) -> Verdict<()> {
    for lane in 0..LANES {
        let name = CheckpointName::new(format!("reader {lane}")).unwrap();
        let puts = known.begun.iter().rev().filter_map(|step| match &script.steps[*step] {
            Step::Put { name: of, checkpoint } if *of == name => Some((step, checkpoint)),
            _ => None,
        });
        let found =
            block_on(store.checkpoint(name.clone())).map_err(|error| format!("checkpoint: {error}"))?;
        let mut allowed = Vec::new();
        let mut is_settled = false;
        for (step, checkpoint) in puts {
            allowed.push(Some(checkpoint));
            is_settled = known.done.contains_key(step);
            if is_settled {
                break;
            }
        }
        if !is_settled {
            allowed.push(None);
        }
        if !allowed.contains(&found.as_ref()) {
            return Err(format!("checkpoint {name:?} is neither the last one nor a later one"));
        }
    }
    Ok(())
}

/// Folds batches from nothing; the histories of refolds are all of them.
fn fold(batches: &[EventBatch]) -> Fold {
    let projections = ProjectionSet::new(Rules::default()).unwrap();
    let mut fold = Fold::new(&projections).with_as_of(as_of());
    for batch in batches {
        for refold in fold.apply(std::slice::from_ref(batch)).refolds {
            fold.refold(&refold, batches);
        }
    }
    fold
}

fn export(fold: &Fold) -> Vec<u8> {
    let mut bytes = Vec::new();
    fold.export(&mut bytes).unwrap();
    bytes
}

/// The fold of what is read is the fold of what was appended, and every view is the oracle's.
fn check_folds(batches: &[EventBatch], found: &Found, answers: &mut Answers) -> Verdict<()> {
    let read = fold(batches);
    let appended = EventBatch::from_events(found.0.values().map(|(event, _)| event)).unwrap();
    if export(&read) != export(&fold(&[appended])) {
        return Err("the export of what is read is another".to_owned());
    }
    let mut histories: BTreeMap<&CustomerKey, Vec<JourneyEvent>> = BTreeMap::new();
    for (event, _) in found.0.values() {
        histories.entry(&event.customer).or_default().push(event.clone());
    }
    for (customer, history) in histories {
        let ids = history.iter().fold(0, |ids, event| ids ^ event.id.as_u128());
        let view = read.view(customer, as_of()).unwrap();
        let known = answers.0.get(customer);
        if known
            .is_some_and(|known| (known.0, known.1) == (ids, history.len()) && view == Some(known.2.clone()))
        {
            continue;
        }
        let events = history.len();
        let expected = Oracle::new(history, Rules::default()).view(customer, as_of());
        if view != expected {
            return Err(format!("the view of {customer} is not the oracle's"));
        }
        answers.0.extend(expected.map(|view| (customer.clone(), (ids, events, view))));
    }
    Ok(())
}

/// Every acknowledged append is taken already, at the same positions, and takes nothing more.
fn check_ids_are_taken(store: &SqliteStore, script: &Script, known: &Known) -> Verdict<()> {
    let mut events: BTreeMap<EventId, (&JourneyEvent, Position)> = BTreeMap::new();
    for (step, places) in &known.done {
        let placed = script.events(*step).iter().zip(places);
        events.extend(placed.map(|(event, place)| (event.id, (event, *place))));
    }
    if events.is_empty() {
        return Ok(());
    }
    let batch = EventBatch::from_events(events.values().map(|(event, _)| *event)).unwrap();
    let expected: Vec<Position> = events.values().map(|(_, place)| *place).collect();
    match block_on(store.append(batch, None)) {
        Ok(AppendOutcome::AlreadyTaken { positions }) if positions == expected => Ok(()),
        Ok(other) => Err(format!("acknowledged events are not taken: {other:?}")),
        Err(error) => Err(format!("append again: {error}")),
    }
}
