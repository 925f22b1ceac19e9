//! Callers at once: as if one had come after the other.

use std::collections::BTreeMap;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::Barrier;
use std::thread;

use wayfold_core::{EventId, JourneyEvent, Position};
use wayfold_store::{AppendCondition, AppendOutcome, ErrorKind, EventFilter};

use super::events::{key, need, plain, plains};
use super::trial::{Caller, Trial, batch, ids};

const CALLERS: usize = 4;
const ROUNDS: u128 = 40;

/// Every caller does its part of every round at the same time as the others.
fn at_once<T: Send>(callers: &[Caller], part: impl Fn(&Caller, usize, u128) -> T + Sync) -> Vec<Vec<T>> {
    let barrier = Barrier::new(callers.len());
    thread::scope(|scope| {
        let (barrier, part) = (&barrier, &part);
        let run = |(number, caller): (usize, &Caller)| {
            let caller = caller.clone();
            scope.spawn(move || {
                // A caller that panicked amid its rounds would leave the others waiting for it.
                let round = |round| {
                    barrier.wait();
                    catch_unwind(AssertUnwindSafe(|| part(&caller, number, round)))
                };
                (0..ROUNDS).map(round).collect::<Vec<_>>()
            })
        };
        let threads: Vec<_> = callers.iter().enumerate().map(run).collect();
        let of_caller = |rounds: Vec<thread::Result<T>>| {
            rounds.into_iter().map(|round| round.unwrap_or_else(|panic| resume_unwind(panic))).collect()
        };
        let joined = threads.into_iter().map(|thread| thread.join().expect("a round does not panic"));
        joined.map(of_caller).collect()
    })
}

pub(crate) fn overlapping_batches_take_each_id_once(trial: &Trial) {
    let log = trial.caller();
    overlap(&log, &vec![log.clone(); CALLERS]);
}

pub(crate) fn overlapping_batches_of_every_handle_take_each_id_once(trial: &Trial) {
    let (log, second) = (trial.caller(), trial.second());
    overlap(&log, &[log.clone(), second.clone(), log.clone(), second]);
}

fn overlap(log: &Caller, callers: &[Caller]) {
    let batch_of = |number: usize, round: u128| plains(round * 100 + number as u128 * 2, 6, "a");
    let outcomes = at_once(callers, |caller, number, round| caller.try_append(&batch_of(number, round)));
    let all = log.all();
    let mut places = BTreeMap::new();
    for event in &all {
        let known = places.insert(event.id, event.position.expect("a store gives positions"));
        assert_eq!(known, None, "id {} is taken twice", event.id);
    }
    let mut new_in_all = 0;
    for (number, rounds) in outcomes.into_iter().enumerate() {
        for (round, outcome) in (0..).zip(rounds) {
            let (given, new) = match outcome {
                Ok(AppendOutcome::Appended { positions, new }) => (positions, new),
                Ok(AppendOutcome::AlreadyTaken { positions }) => (positions, 0),
                other => panic!("caller {number}, round {round}: {other:?}"),
            };
            let expected: Vec<Position> = ids(&batch_of(number, round)).iter().map(|id| places[id]).collect();
            assert_eq!(given, expected, "caller {number}, round {round}");
            new_in_all += new;
        }
    }
    assert_eq!(
        (all.len(), new_in_all),
        (ROUNDS as usize * 12, all.len()),
        "each new event is new to one caller"
    );
}

pub(crate) fn one_caller_wins_each_version(trial: &Trial) {
    let log = trial.caller();
    race(&log, &vec![log.clone(); CALLERS]);
}

pub(crate) fn one_caller_of_every_handle_wins_each_version(trial: &Trial) {
    let (log, second) = (trial.caller(), trial.second());
    race(&log, &[log.clone(), second.clone(), log.clone(), second]);
}

/// In every round all callers try to write the next version of their round's customer.
fn race(log: &Caller, callers: &[Caller]) {
    let customer = |round: u128| format!("c{}", round % 3);
    let tried = |number: usize, round: u128| plain(round * 100 + number as u128, &customer(round));
    let outcomes = at_once(callers, |caller, number, round| {
        let filter = EventFilter::customer(key(&customer(round)));
        let seen = caller.find(filter.clone());
        let after = seen.last().and_then(|event| event.position).unwrap_or(Position::START);
        let condition = AppendCondition { filter, after };
        (after, caller.try_batch(batch(&[tried(number, round)]), Some(condition)))
    });
    let all = log.all();
    let mut winners = BTreeMap::new();
    for (number, rounds) in outcomes.into_iter().enumerate() {
        for (round, (after, outcome)) in (0..).zip(rounds) {
            match outcome {
                Ok(AppendOutcome::Appended { positions, new: 1 }) => {
                    winners.insert(positions[0], (after, tried(number, round)));
                }
                Ok(AppendOutcome::Conflict { position }) => assert!(position > after, "round {round}"),
                other => panic!("caller {number}, round {round}: {other:?}"),
            }
        }
    }
    let written: Vec<JourneyEvent> = winners.values().map(|(_, event)| event.clone()).collect();
    assert_eq!(ids(&all), ids(&written), "who was told so has won, and nobody else");
    let mut versions: BTreeMap<String, Position> = BTreeMap::new();
    for (position, (after, event)) in winners {
        let before = versions.insert(event.customer.to_string(), position).unwrap_or(Position::START);
        assert_eq!(after, before, "two callers wrote the same version of {}", event.customer);
    }
}

/// Half of the callers send what must fail, the others what must not.
pub(crate) fn bad_input_fails_nobody_else(trial: &Trial) {
    let log = trial.caller();
    log.put(&[plain(1, "a")]);
    let outcomes = at_once(&vec![log.clone(); CALLERS], |caller, number, round| match number {
        0 => caller.try_append(&[plain(1_000 + round, "b"), need(1, "a")]),
        1 => {
            let condition =
                AppendCondition { filter: EventFilter::customer(key("a")), after: Position::START };
            caller.try_batch(batch(&[plain(50_000 + round, "b")]), Some(condition))
        }
        _ => caller.try_append(&[plain(number as u128 * 1_000 + round, "good")]),
    });
    for (number, rounds) in outcomes.into_iter().enumerate() {
        for outcome in rounds {
            let is_right = match number {
                0 => matches!(&outcome, Err(error) if error.kind() == ErrorKind::IdReused),
                1 => matches!(outcome, Ok(AppendOutcome::Conflict { .. })),
                _ => matches!(outcome, Ok(AppendOutcome::Appended { new: 1, .. })),
            };
            assert!(is_right, "caller {number}: {outcome:?}");
        }
    }
    let good = log.find(EventFilter::customer(key("good")));
    assert_eq!((good.len(), log.all().len()), (2 * ROUNDS as usize, 2 * ROUNDS as usize + 1));
    assert!(!ids(&good).contains(&EventId::from_u128(1_000)));
}
