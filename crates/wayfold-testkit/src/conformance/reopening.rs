//! What was acknowledged is there after the log was closed.

use wayfold_core::Position;
use wayfold_store::{AppendOutcome, ErrorKind, EventFilter};

use super::events::{at, key, mixed, need, plain, plains};
use super::filters::{filters, is_in};
use super::trial::{Trial, positions, recorded};

fn fill(trial: &Trial) {
    let log = trial.caller();
    log.put(&mixed());
    log.put(&plains(100, 30, "a"));
    log.upkeep();
    log.put(&plains(200, 3, "b"));
}

pub(crate) fn everything_is_there(trial: &Trial) {
    fill(trial);
    let (before, head) = (trial.caller().all(), trial.caller().head());
    for round in 0..3 {
        trial.reopen();
        let log = trial.caller();
        assert_eq!(log.all(), before, "opened again {round}");
        assert_eq!(log.head(), head, "opened again {round}");
        for (name, filter) in filters() {
            let own: Vec<_> = before.iter().filter(|event| is_in(&filter, event)).cloned().collect();
            assert_eq!(log.find(filter), own, "{name}");
        }
    }
}

pub(crate) fn ids_stay_taken(trial: &Trial) {
    fill(trial);
    let before = trial.caller().all();
    trial.reopen();
    let log = trial.caller();
    assert_eq!(log.append(&before), AppendOutcome::AlreadyTaken { positions: positions(&before) });
    let error = log.try_append(&[need(1, "a")]).expect_err("id 1 is taken");
    assert_eq!(error.kind(), ErrorKind::IdReused);
}

pub(crate) fn conditions_see_what_was_before(trial: &Trial) {
    fill(trial);
    let before = trial.caller().all();
    trial.reopen();
    let log = trial.caller();
    for (name, filter) in filters() {
        let first = before.iter().find(|event| is_in(&filter, event)).and_then(|event| event.position);
        let outcome = log.append_if(&[], filter, Position::START);
        let found = match outcome {
            AppendOutcome::Conflict { position } => Some(position),
            _ => None,
        };
        assert_eq!(found, first, "{name}");
    }
    let outcome = log.append_if(&[plain(900, "z")], EventFilter::customer(key("a")), log.head());
    assert!(matches!(outcome, AppendOutcome::Appended { .. }), "{outcome:?}");
}

pub(crate) fn the_order_goes_on(trial: &Trial) {
    trial.clock.set(at(500));
    fill(trial);
    let head = trial.caller().head();
    trial.clock.set(at(100));
    trial.reopen();
    let log = trial.caller();
    let given = log.put(&[plain(900, "a"), plain(901, "a")]);
    assert!(given[0] > head, "position {} is not past {head}, the head before", given[0]);
    let all = log.all();
    assert!(positions(&all).is_sorted_by(|earlier, later| earlier < later), "positions grow");
    assert!(recorded(&all).is_sorted(), "recording times go back where the log was opened again");
}
