//! A batch is written whole, in its order, or not at all.

use wayfold_core::Position;
use wayfold_store::{AppendOutcome, EventFilter, FaultStore, ReadQuery, Written};

use super::events::{mixed, need, plain, plains};
use super::trial::{Trial, assert_same_content, ids, positions};

pub(crate) fn batch_is_written_whole_in_its_order(trial: &Trial) {
    let log = trial.caller();
    let (first, second) = (mixed(), plains(100, 40, "bulk"));
    let mut given = log.put(&first);
    given.extend(log.put(&second));
    let all = log.all();
    assert_same_content(&all, &[first, second].concat());
    assert_eq!(positions(&all), given, "an outcome names where its events stand");
}

/// Also after an error whose outcome is unknown the log holds the batch or nothing of it.
pub(crate) fn batch_is_never_torn(trial: &Trial) {
    let log = trial.caller();
    let mut known = 0;
    for round in 0..6_u128 {
        let batch = plains(round * 100, 2 + round, "a");
        let outcome = log.try_append(&batch);
        let there = log.all().len() - known;
        let whole = matches!(outcome, Ok(AppendOutcome::Appended { .. }));
        let none = matches!(&outcome, Err(error) if error.written() == Written::Nothing);
        let fits = if whole { there == batch.len() } else { there == 0 || (!none && there == batch.len()) };
        assert!(fits, "{there} of {} events are there after {outcome:?}", batch.len());
        known += there;
    }
}

pub(crate) fn refused_batch_leaves_nothing(trial: &Trial) {
    let log = trial.caller();
    log.put(&[plain(1, "a")]);
    let head = log.head();
    let error = log.try_append(&[plain(2, "a"), need(1, "a"), plain(3, "a")]).expect_err("id 1 is taken");
    assert_eq!(error.written(), Written::Nothing, "{error}");
    assert_eq!((log.all().len(), log.head()), (1, head), "a refused batch was written in part");
    log.put(&[plain(2, "a"), plain(3, "a")]);
}

pub(crate) fn empty_batch_writes_nothing(trial: &Trial) {
    let log = trial.caller();
    for written in [Vec::new(), vec![plain(1, "a")]] {
        let _ = log.append(&written);
        let head = log.head();
        let outcome = log.append(&[]);
        assert_eq!(outcome, AppendOutcome::Appended { positions: vec![], new: 0 });
        assert_eq!(log.head(), head, "an empty batch moved the head");
    }
    assert_eq!(log.all().len(), 1);
}

pub(crate) fn large_batch_is_written_whole(trial: &Trial) {
    let log = trial.caller();
    let events: Vec<_> = (0..5_000_u128).map(|id| plain(id, &format!("c{}", id % 97))).collect();
    let given = log.put(&events);
    let all = log.read(&ReadQuery::all(), Position::START, 999);
    assert_same_content(&all, &events);
    assert_eq!(positions(&all), given);
    let own: Vec<_> = events.iter().filter(|event| event.customer == events[5].customer).cloned().collect();
    assert_same_content(&log.find(EventFilter::customer(events[5].customer.clone())), &own);
}

/// What the network may do to an append: lose the request, lose the answer, send it twice.
pub(crate) fn append_may_be_tried_again_after_a_fault(trial: &Trial) {
    let log = trial.caller();
    let faulty = log.over(FaultStore::new(log.store()).fail_before(1).fail_after(3).repeat(5));
    let (lost, unanswered, twice) = (plains(10, 3, "a"), plains(20, 3, "a"), plains(30, 3, "a"));
    let error = faulty.try_append(&lost).expect_err("operation 1 fails");
    assert_eq!((error.is_retryable(), error.written()), (true, Written::Nothing));
    faulty.put(&lost);
    let error = faulty.try_append(&unanswered).expect_err("operation 3 fails");
    assert_eq!((error.is_retryable(), error.written()), (true, Written::Unknown));
    let again = faulty.append(&unanswered);
    assert!(matches!(&again, AppendOutcome::AlreadyTaken { positions } if positions.len() == 3), "{again:?}");
    faulty.put(&twice);
    assert_eq!(ids(&log.all()), ids(&[lost, unanswered, twice].concat()));
}
