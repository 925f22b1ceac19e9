//! Who waits for the log to grow is woken, and not before it has.

use std::sync::mpsc::Receiver;

use wayfold_core::Position;
use wayfold_store::Result;

use super::events::{plain, plains};
use super::trial::{Caller, Trial};

/// The head at which a wait ended.
#[track_caller]
fn ended(log: &Caller, wait: &Receiver<Result<Position>>) -> Position {
    match wait.recv_timeout(log.patience()) {
        Ok(Ok(head)) => head,
        Ok(Err(error)) => panic!("a wait failed: {error}"),
        Err(_) => panic!("a wait did not end within {:?}", log.patience()),
    }
}

pub(crate) fn returns_at_once_when_the_log_is_past(trial: &Trial) {
    let log = trial.caller();
    let given = log.put(&plains(1, 3, "a"));
    for past in [Position::START, given[0], given[1]] {
        assert_eq!(ended(&log, &log.wait_past(past)), given[2], "past {past}");
    }
}

pub(crate) fn ends_with_the_next_append(trial: &Trial) {
    let log = trial.caller();
    for round in 1..10 {
        let before = log.head();
        let wait = log.wait_past(before);
        let given = log.put(&[plain(round, "a")]);
        assert_eq!(ended(&log, &wait), given[0]);
    }
}

/// A wait that was polled before the append has to be woken; one that begins after it need not be.
pub(crate) fn wakes_who_waits_already(trial: &Trial) {
    let log = trial.caller();
    for round in 1..20 {
        let store = log.store();
        let mut polled = store.wait_past(log.head());
        assert!(log.poll_once(&mut polled).is_none(), "nothing was appended, and the wait ended");
        let wait = log.wait_past(log.head());
        let given = log.put(&[plain(round, "a")]);
        assert_eq!(ended(&log, &wait), given[0]);
        let again = log.poll_once(&mut polled).expect("the log has grown").expect("a wait does not fail");
        assert_eq!(again, given[0]);
    }
}

pub(crate) fn does_not_end_early(trial: &Trial) {
    let log = trial.caller();
    let store = log.store();
    let mut empty = store.wait_past(Position::START);
    assert!(log.poll_once(&mut empty).is_none(), "the log is empty, and the wait ended");
    drop(empty);
    let given = log.put(&plains(1, 3, "a"));
    let mut at_head = store.wait_past(given[2]);
    let mut at_end = store.wait_past(Position::END);
    let quiet = |what: &str, wait: &mut _| {
        assert!(log.poll_once(wait).is_none(), "{what}: the head is not past, and the wait ended");
    };
    quiet("at the head", &mut at_head);
    quiet("beyond the head", &mut at_end);
    let _ = log.append(&plains(1, 3, "a"));
    let _ = log.append(&[]);
    let _ = log.try_append(&[plain(1, "b")]);
    log.put_checkpoint("c", given[0], b"x");
    quiet("after what wrote no event", &mut at_head);
    let more = log.put(&[plain(4, "a")]);
    quiet("beyond the head", &mut at_end);
    assert_eq!(
        log.poll_once(&mut at_head).expect("the log has grown").expect("a wait does not fail"),
        more[0]
    );
}

pub(crate) fn wakes_everybody(trial: &Trial) {
    let log = trial.caller();
    let head = log.head();
    let waits: Vec<_> = (0..16).map(|_| log.wait_past(head)).collect();
    let given = log.put(&[plain(1, "a")]);
    for wait in &waits {
        assert_eq!(ended(&log, wait), given[0]);
    }
}

pub(crate) fn wakes_only_past_the_position(trial: &Trial) {
    let log = trial.caller();
    let first = log.put(&[plain(1, "a")])[0];
    let (store, head) = (log.store(), log.head());
    let mut later = store.wait_past(head);
    assert!(log.poll_once(&mut later).is_none());
    let wait = log.wait_past(first);
    let second = log.put(&[plain(2, "a")])[0];
    assert_eq!(ended(&log, &wait), second, "the position of a wait is its own");
}

/// Dropping a wait ends it, and leaves the others alone.
pub(crate) fn dropped_waits_disturb_nobody(trial: &Trial) {
    let log = trial.caller();
    let store = log.store();
    for round in 1..10_u128 {
        let head = log.head();
        let mut dropped: Vec<_> = (0..8).map(|_| store.wait_past(head)).collect();
        dropped.iter_mut().for_each(|wait| assert!(log.poll_once(wait).is_none()));
        let kept = log.wait_past(head);
        drop(dropped);
        let given = log.put(&[plain(round, "a")]);
        assert_eq!(ended(&log, &kept), given[0]);
    }
}

pub(crate) fn append_by_another_handle_wakes(trial: &Trial) {
    let (log, second) = (trial.caller(), trial.second());
    for round in 1..6 {
        let wait = log.wait_past(log.head());
        let given = second.put(&[plain(round, "a")]);
        assert_eq!(ended(&log, &wait), given[0]);
    }
}
