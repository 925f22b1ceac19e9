//! One order over the whole log: positions grow, and recording times never go back.

use wayfold_core::Position;

use super::events::{at, key_in, plain, plains};
use super::trial::{Trial, positions, recorded};

pub(crate) fn positions_grow(trial: &Trial) {
    let log = trial.caller();
    for round in 0..20_u128 {
        let mut batch = plains(round * 10, 1 + round % 4, "a");
        batch[0].customer = key_in("t", if round % 2 == 0 { "x" } else { "y" });
        log.put(&batch);
    }
    let found = positions(&log.all());
    assert_eq!(found.len(), 50);
    assert!(found.is_sorted_by(|earlier, later| earlier < later), "positions do not grow: {found:?}");
    assert!(found[0] > Position::START && found[49] < Position::END);
}

pub(crate) fn head_is_the_last_position(trial: &Trial) {
    let log = trial.caller();
    assert_eq!(log.head(), Position::START, "the head of an empty log");
    for round in 0..4_u128 {
        let given = log.put(&plains(round * 10, 3, "a"));
        assert_eq!(log.head(), given[2]);
    }
    let _ = log.append(&plains(0, 3, "a"));
    assert_eq!(Some(log.head()), positions(&log.all()).last().copied(), "a retry moved the head");
}

pub(crate) fn recorded_at_is_the_clock(trial: &Trial) {
    let log = trial.caller();
    for (id, seconds) in [(1, 0), (2, 5), (3, 5), (4, 4_000_000)] {
        trial.clock.set(at(seconds));
        log.put(&[plain(id, "a"), plain(id + 10, "b")]);
    }
    assert_eq!(recorded(&log.all()), [0, 0, 5, 5, 5, 5, 4_000_000, 4_000_000].map(at));
}

pub(crate) fn recorded_at_never_goes_back(trial: &Trial) {
    let log = trial.caller();
    for (id, seconds) in [(1, 100), (2, 50), (3, 99), (4, 200), (5, 0)] {
        trial.clock.set(at(seconds));
        log.put(&[plain(id, "a")]);
    }
    assert_eq!(recorded(&log.all()), [100, 100, 100, 200, 200].map(at));
}
