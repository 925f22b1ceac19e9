//! Reads give exactly the events of a set, in the order of the log, page after page.

use wayfold_core::{CustomKind, EventKind, JourneyEvent, Position, Stage};
use wayfold_store::{EventFilter, ReadQuery};

use super::events::{custom, event, key, mixed, plain, plains, unknown};
use super::filters::{filters, is_in};
use super::trial::{Caller, Trial, ids, is_forward, positions};

/// A log of the mixed events and some more, in batches of several sizes.
fn filled(trial: &Trial) -> (Caller, Vec<JourneyEvent>) {
    let log = trial.caller();
    let mut given = Vec::new();
    let mut events = mixed();
    events.extend(plains(100, 9, "b"));
    for (number, chunk) in [&events[..1], &events[1..4], &events[4..16], &events[16..]].iter().enumerate() {
        given.extend(log.put(chunk));
        assert_eq!(log.head(), *given.last().expect("a chunk has events"), "chunk {number}");
    }
    for (event, position) in events.iter_mut().zip(given) {
        event.position = Some(position);
    }
    (log, events)
}

/// What a read has to give, by looking at all that was written.
fn expected(events: &[JourneyEvent], query: &ReadQuery, from: Position) -> Vec<JourneyEvent> {
    let forward = is_forward(query);
    let is_beyond = |event: &&JourneyEvent| {
        let position = event.position.expect("it was set when it was written");
        if forward { position > from } else { position < from }
    };
    let beyond = events.iter().filter(is_beyond).filter(|event| is_in(&query.filter, event));
    let mut beyond: Vec<JourneyEvent> = beyond.cloned().collect();
    if !forward {
        beyond.reverse();
    }
    beyond
}

#[track_caller]
fn assert_read(log: &Caller, events: &[JourneyEvent], query: &ReadQuery, from: Position, limit: usize) {
    let (found, expected) = (log.read(query, from, limit), expected(events, query, from));
    let place = format!("{query:?} from {from} by {limit}");
    assert_eq!(ids(&found), ids(&expected), "{place}");
    assert_eq!(positions(&found), positions(&expected), "{place}");
}

pub(crate) fn forward_from_every_position(trial: &Trial) {
    let (log, events) = filled(trial);
    for from in [Position::START, Position::END].into_iter().chain(positions(&events)) {
        assert_read(&log, &events, &ReadQuery::all(), from, 100);
    }
}

pub(crate) fn backward_from_every_position(trial: &Trial) {
    let (log, events) = filled(trial);
    for from in [Position::START, Position::END].into_iter().chain(positions(&events)) {
        assert_read(&log, &events, &ReadQuery::all().backward(), from, 100);
    }
}

pub(crate) fn filters_forward(trial: &Trial) {
    let (log, events) = filled(trial);
    for (_, filter) in filters() {
        for from in [Position::START, events[6].position.expect("set"), Position::END] {
            assert_read(&log, &events, &filter.clone().into(), from, 100);
        }
    }
}

pub(crate) fn filters_backward(trial: &Trial) {
    let (log, events) = filled(trial);
    for (_, filter) in filters() {
        for from in [Position::START, events[6].position.expect("set"), Position::END] {
            assert_read(&log, &events, &ReadQuery::from(filter.clone()).backward(), from, 100);
        }
    }
}

pub(crate) fn pages_go_on_forward(trial: &Trial) {
    let (log, events) = filled(trial);
    for (_, filter) in filters() {
        for limit in [1, 2, 3, 7] {
            assert_read(&log, &events, &filter.clone().into(), Position::START, limit);
        }
    }
}

pub(crate) fn pages_go_on_backward(trial: &Trial) {
    let (log, events) = filled(trial);
    for (_, filter) in filters() {
        for limit in [1, 2, 3, 7] {
            let query = ReadQuery::from(filter.clone()).backward();
            assert_read(&log, &events, &query, Position::END, limit);
        }
    }
}

/// A page without room says where to go on, and leaves nothing out.
pub(crate) fn limit_of_nothing(trial: &Trial) {
    let (log, events) = filled(trial);
    let ends = [(ReadQuery::all(), Position::START), (ReadQuery::all().backward(), Position::END)];
    for (query, from) in ends {
        let page = log.page(&query, from, 0);
        let next = page.next.expect("a page without room has not reached the end");
        assert_read(&log, &events, &query, next, 100);
        assert_eq!(log.read(&query, next, 100).len(), events.len(), "a page without room skipped events");
    }
}

/// A limit may be as large as it likes.
pub(crate) fn limit_beyond_the_log(trial: &Trial) {
    let (log, events) = filled(trial);
    for limit in [events.len(), events.len() + 1, usize::MAX] {
        assert_read(&log, &events, &ReadQuery::all(), Position::START, limit);
        assert_read(&log, &events, &ReadQuery::all().backward(), Position::END, limit);
    }
}

pub(crate) fn past_the_end_is_an_empty_last_page(trial: &Trial) {
    let (log, _) = filled(trial);
    let ends = [
        (ReadQuery::all(), Position::END),
        (ReadQuery::all(), log.head()),
        (ReadQuery::customer(key("a")), Position::END),
        (ReadQuery::all().backward(), Position::START),
    ];
    for (query, from) in ends {
        let page = log.page(&query, from, 5);
        assert_eq!((page.batch.len(), page.next), (0, None), "{query:?} from {from}");
    }
}

pub(crate) fn empty_log_reads_as_nothing(trial: &Trial) {
    let log = trial.caller();
    for (query, from) in [(ReadQuery::all(), Position::START), (ReadQuery::all().backward(), Position::END)] {
        let page = log.page(&query, from, 5);
        assert_eq!((page.batch.len(), page.next), (0, None), "{query:?}");
    }
}

/// A filter by a custom kind once looked for a name that no event has.
pub(crate) fn custom_and_unknown_kinds_are_told_apart(trial: &Trial) {
    let log = trial.caller();
    log.put(&[
        event(1, key("a"), custom("won", Some(Stage::Decision))),
        event(2, key("a"), custom("registered", None)),
        event(3, key("a"), unknown("won", "{}")),
        plain(4, "a"),
        event(5, key("a"), custom("unknown", Some(Stage::Need))),
    ]);
    let found = |filter: EventFilter| -> Vec<u128> {
        log.find(filter).iter().map(|event| event.id.as_u128()).collect()
    };
    let named = |name| CustomKind::new(name).expect("a name of the suite");
    assert_eq!(found(EventFilter::all().with_kind(named("won"))), [1]);
    assert_eq!(found(EventFilter::all().with_kind(named("registered"))), [2]);
    assert_eq!(found(EventFilter::all().with_kind(named("unknown"))), [5]);
    assert_eq!(found(EventFilter::all().with_kind(EventKind::Unknown)), [3]);
    assert_eq!(found(EventFilter::all().with_kind(EventKind::Registered)), [4]);
    assert_eq!(found(EventFilter::all().with_kind(EventKind::CustomDecision)), [1]);
    assert_eq!(found(EventFilter::all().with_kind(EventKind::CustomNeutral)), [2]);
}

/// Customers that come late in the log, and such that come in every batch.
pub(crate) fn customer_is_read_out_of_many(trial: &Trial) {
    let log = trial.caller();
    let mut all = Vec::new();
    for round in 0..12_u128 {
        let mut batch: Vec<_> =
            (0..25).map(|n| plain(round * 100 + n, &format!("c{}", (round * 7 + n) % 40))).collect();
        batch.push(plain(round * 100 + 50, "everywhere"));
        log.put(&batch);
        all.extend(batch);
    }
    for customer in ["everywhere", "c0", "c39", "c4", "c"] {
        let own: Vec<_> = all.iter().filter(|event| event.customer == key(customer)).cloned().collect();
        let query = ReadQuery::customer(key(customer));
        assert_eq!(ids(&log.read(&query, Position::START, 4)), ids(&own), "{customer}");
        let mut back = log.read(&query.backward(), Position::END, 3);
        back.reverse();
        assert_eq!(ids(&back), ids(&own), "{customer} backward");
    }
}
