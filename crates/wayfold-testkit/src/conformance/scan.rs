//! Parts for a fold hold every event once, in whatever order, and say up to where they go.

use std::collections::BTreeSet;

use wayfold_core::{CustomerKey, JourneyEvent, Position};

use super::events::{mixed, plains};
use super::trial::{Caller, Trial, positions};

/// A log of the mixed events and some more, in batches of several sizes.
fn filled(trial: &Trial) -> (Caller, Vec<JourneyEvent>) {
    let log = trial.caller();
    let mut given = Vec::new();
    let mut events = mixed();
    events.extend(plains(100, 40, "b"));
    for chunk in [&events[..1], &events[1..4], &events[4..16], &events[16..]] {
        given.extend(log.put(chunk));
    }
    for (event, position) in events.iter_mut().zip(given) {
        event.position = Some(position);
    }
    (log, events)
}

/// Scans on from a position to the end in some lanes, and holds each part against what was written.
#[track_caller]
fn assert_scanned(log: &Caller, events: &[JourneyEvent], from: Position, limit: usize, lanes: usize) {
    let (mut after, mut parts) = (from, 0);
    loop {
        let scan = log.scan(after, limit, lanes);
        let mut found = scan.events;
        found.sort_by_key(|event| event.position);
        let is_meant = |event: &&JourneyEvent| {
            event
                .position
                .is_some_and(|position| position > after && (scan.is_last || position <= scan.position))
        };
        let meant: Vec<&JourneyEvent> = events.iter().filter(is_meant).collect();
        let place = format!("after {after} by {limit} in {lanes}, up to {}", scan.position);
        let expected: Vec<Position> = meant.iter().filter_map(|event| event.position).collect();
        assert_eq!(positions(&found), expected, "{place}");
        for (found, meant) in found.iter().zip(meant) {
            assert!(found.same_content(meant), "{place}: {found:?}, written {meant:?}");
            assert!(found.recorded_at.is_some(), "{place}: {found:?}");
        }
        if scan.is_last {
            return;
        }
        assert!(!found.is_empty(), "{place}: nothing, and it is not the last");
        assert!(parts < events.len(), "a scan does not end");
        (after, parts) = (scan.position, parts + 1);
    }
}

pub(crate) fn every_event_stands_in_one_part(trial: &Trial) {
    let (log, events) = filled(trial);
    for (limit, lanes) in [(1, 1), (3, 2), (16, 1), (1_000, 1), (1_000, 2), (usize::MAX, 5)] {
        assert_scanned(&log, &events, Position::START, limit, lanes);
    }
}

pub(crate) fn goes_on_after_every_position(trial: &Trial) {
    let (log, events) = filled(trial);
    for position in positions(&events) {
        assert_scanned(&log, &events, position, 16, 3);
    }
}

pub(crate) fn a_history_holds_every_event_of_its_customer_once(trial: &Trial) {
    let (log, events) = filled(trial);
    let unknown = [CustomerKey::new("nobody").expect("the name is well formed")];
    let customers: BTreeSet<CustomerKey> = events.iter().map(|event| event.customer.clone()).collect();
    for customer in customers.iter().chain(&unknown) {
        let mut found = log.history(customer);
        found.sort_by_key(|event| event.position);
        let meant: Vec<&JourneyEvent> = events.iter().filter(|event| event.customer == *customer).collect();
        let expected: Vec<Position> = meant.iter().filter_map(|event| event.position).collect();
        assert_eq!(positions(&found), expected, "the history of {customer}");
        for (found, meant) in found.iter().zip(meant) {
            assert!(found.same_content(meant), "the history of {customer}: {found:?}, written {meant:?}");
            assert!(found.recorded_at.is_some(), "the history of {customer}: {found:?}");
        }
    }
}

pub(crate) fn past_the_end_is_an_empty_last_part(trial: &Trial) {
    let empty = trial.caller().scan(Position::START, 5, 2);
    assert!(empty.events.is_empty() && empty.is_last, "{empty:?}");
    let (log, _) = filled(trial);
    for after in [log.head(), Position::END] {
        let scan = log.scan(after, 5, 2);
        assert!(scan.events.is_empty() && scan.is_last, "{scan:?}");
        assert_eq!(scan.position, after);
    }
}
