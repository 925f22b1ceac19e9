//! An append fails if an event that its condition forbids stands after the condition's position.

use wayfold_core::{JourneyEvent, NeedIdentified, Position};
use wayfold_store::{AppendCondition, AppendOutcome, ErrorKind, EventFilter};

use super::events::{event, key, key_in, mixed, need, plain};
use super::filters::{filters, is_in};
use super::trial::{Caller, Trial, batch, ids};

/// After which position a cell's condition looks.
#[derive(Debug, Clone, Copy)]
enum After {
    Start,
    Middle,
    Head,
    End,
}

const AFTERS: [After; 4] = [After::Start, After::Middle, After::Head, After::End];

/// The cells of the matrix of conditions: a filter by kinds, tags, customer and tenant, and a position.
pub fn condition_cells() -> Vec<String> {
    let filters = filters();
    let named = |after: After| filters.iter().map(move |(name, _)| format!("{name} after {after:?}"));
    AFTERS.into_iter().flat_map(named).collect()
}

/// Every cell of [`condition_cells`], with an empty batch and with a new event.
pub(crate) fn matrix_of_filters_and_positions(trial: &Trial) {
    let log = trial.caller();
    for chunk in mixed().chunks(3) {
        log.put(chunk);
    }
    let mut known = log.all();
    for after in AFTERS {
        for (name, filter) in filters() {
            let position = match after {
                After::Start => Position::START,
                After::Middle => known[6].position.expect("a store gives positions"),
                After::Head => log.head(),
                After::End => Position::END,
            };
            let forbidden = known.iter().find(|e| e.position > Some(position) && is_in(&filter, e));
            let expected = forbidden.and_then(|event| event.position);
            let cell = format!("{name} after {after:?}");
            let outcome = log.append_if(&[], filter.clone(), position);
            assert_eq!(conflict(&outcome), expected, "{cell}, an empty batch");
            let probe = event(1_000 + known.len() as u128, key_in("probe", "p"), mixed()[0].body.clone());
            let outcome = log.append_if(std::slice::from_ref(&probe), filter, position);
            assert_eq!(conflict(&outcome), expected, "{cell}, a new event");
            if let AppendOutcome::Appended { positions, .. } = outcome {
                known.push(JourneyEvent::new(probe.id, probe.customer, probe.occurred_at, probe.body));
                known.last_mut().expect("one was pushed").position = Some(positions[0]);
            }
        }
    }
    assert_eq!(
        ids(&log.all()),
        ids(&known),
        "what a condition forbade was written, or what it allowed was not"
    );
}

fn conflict(outcome: &AppendOutcome) -> Option<Position> {
    match outcome {
        AppendOutcome::Conflict { position } => Some(*position),
        AppendOutcome::Appended { .. } => None,
        AppendOutcome::AlreadyTaken { .. } => panic!("nothing was appended before: {outcome:?}"),
    }
}

pub(crate) fn conflict_writes_nothing(trial: &Trial) {
    let log = trial.caller();
    let first = log.put(&[plain(1, "a")])[0];
    let outcome = log.append_if(&[plain(2, "b"), plain(3, "a")], own("a"), Position::START);
    assert_eq!(outcome, AppendOutcome::Conflict { position: first });
    assert_eq!((log.all().len(), log.head()), (1, first));
    log.put(&[plain(2, "b"), plain(3, "a")]);
}

pub(crate) fn conflict_names_the_first_forbidden_event(trial: &Trial) {
    let log = trial.caller();
    let given = log.put(&[plain(1, "b"), plain(2, "a"), plain(3, "b"), plain(4, "a"), plain(5, "a")]);
    let of = |after| log.append_if(&[], own("a"), after);
    assert_eq!(of(Position::START), AppendOutcome::Conflict { position: given[1] });
    assert_eq!(of(given[1]), AppendOutcome::Conflict { position: given[3] });
    assert_eq!(of(given[3]), AppendOutcome::Conflict { position: given[4] });
    assert!(matches!(of(given[4]), AppendOutcome::Appended { new: 0, .. }));
}

/// The answer of the first attempt is lost, and its own events stand in the way of the second.
pub(crate) fn retry_finds_its_own_first_attempt(trial: &Trial) {
    let log = trial.caller();
    let attempt = |log: &Caller| log.append_if(&[plain(1, "a"), need(2, "a")], own("a"), Position::START);
    let AppendOutcome::Appended { positions, new: 2 } = attempt(&log) else { panic!("the first attempt") };
    assert_eq!(attempt(&log), AppendOutcome::AlreadyTaken { positions: positions.clone() });
    log.put(&[plain(3, "a")]);
    assert_eq!(attempt(&log), AppendOutcome::AlreadyTaken { positions }, "after a foreign event");
}

pub(crate) fn own_events_are_left_aside(trial: &Trial) {
    let log = trial.caller();
    log.put(&[plain(1, "a"), plain(2, "a")]);
    let outcome = log.append_if(&[plain(2, "a"), plain(3, "a"), plain(1, "a")], own("a"), Position::START);
    assert!(matches!(outcome, AppendOutcome::Appended { new: 1, .. }), "own events conflict: {outcome:?}");
    let outcome = log.append_if(&[plain(2, "a"), plain(4, "a")], own("a"), Position::START);
    let first = log.all()[0].position.expect("a store gives positions");
    assert_eq!(outcome, AppendOutcome::Conflict { position: first }, "event 1 is not of this batch");
}

/// An event of another tenant with the id of one of the batch is not the batch's own.
pub(crate) fn own_events_are_those_of_the_tenant(trial: &Trial) {
    let log = trial.caller();
    let foreign = event(1, key_in("t", "a"), NeedIdentified { category: None });
    let position = log.put(&[foreign])[0];
    let outcome = log.append_if(&[plain(1, "a")], EventFilter::all(), Position::START);
    assert_eq!(outcome, AppendOutcome::Conflict { position });
}

pub(crate) fn ids_are_looked_at_before_the_condition(trial: &Trial) {
    let log = trial.caller();
    log.put(&[plain(1, "a"), plain(2, "b")]);
    let condition = AppendCondition { filter: EventFilter::all(), after: Position::START };
    let outcome = log.try_batch(batch(&[need(1, "a"), plain(3, "a")]), Some(condition));
    let Err(error) = outcome else { panic!("an id is taken, and the outcome is {outcome:?}") };
    assert_eq!(error.kind(), ErrorKind::IdReused, "{error}");
}

fn own(customer: &str) -> EventFilter {
    EventFilter::customer(key(customer))
}
