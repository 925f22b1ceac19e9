//! Two handles on one log are one log.

use wayfold_core::Position;
use wayfold_store::{AppendOutcome, ErrorKind, EventFilter};

use super::events::{at, key, need, plain, plains};
use super::trial::{Trial, positions, recorded};

pub(crate) fn each_handle_sees_what_the_other_wrote(trial: &Trial) {
    let (first, second) = (trial.caller(), trial.second());
    for round in 0..10_u128 {
        first.put(&plains(round * 10, 2, "a"));
        assert_eq!(second.all(), first.all());
        second.put(&plains(round * 10 + 5, 3, "b"));
        assert_eq!(first.all(), second.all());
        assert_eq!(first.head(), second.head());
        first.upkeep();
    }
    assert_eq!(first.all().len(), 50);
}

pub(crate) fn ids_are_taken_for_every_handle(trial: &Trial) {
    let (first, second) = (trial.caller(), trial.second());
    let given = first.put(&plains(1, 3, "a"));
    assert_eq!(second.append(&plains(1, 3, "a")), AppendOutcome::AlreadyTaken { positions: given });
    let error = second.try_append(&[need(2, "a")]).expect_err("id 2 is taken");
    assert_eq!(error.kind(), ErrorKind::IdReused);
    second.put(&[plain(4, "a")]);
    assert!(matches!(first.append(&[plain(4, "a")]), AppendOutcome::AlreadyTaken { .. }));
}

pub(crate) fn conditions_see_what_every_handle_wrote(trial: &Trial) {
    let (first, second) = (trial.caller(), trial.second());
    let own = || EventFilter::customer(key("a"));
    let mut last = Position::START;
    for round in 1..10 {
        let (winner, loser) = if round % 2 == 0 { (&first, &second) } else { (&second, &first) };
        let outcome = winner.append_if(&[plain(round, "a")], own(), last);
        let AppendOutcome::Appended { positions, .. } = outcome else { panic!("{outcome:?}") };
        let outcome = loser.append_if(&[plain(round + 100, "a")], own(), last);
        assert_eq!(outcome, AppendOutcome::Conflict { position: positions[0] });
        last = positions[0];
    }
}

pub(crate) fn one_order_for_every_handle(trial: &Trial) {
    let (first, second) = (trial.caller(), trial.second());
    for (id, seconds) in [(1, 100), (2, 50), (3, 200), (4, 10)] {
        trial.clock.set(at(seconds));
        let log = if id % 2 == 0 { &first } else { &second };
        log.put(&[plain(id, "a")]);
    }
    let all = first.all();
    assert!(positions(&all).is_sorted_by(|earlier, later| earlier < later), "positions grow");
    assert_eq!(recorded(&all), [100, 100, 200, 200].map(at));
}
