//! Pages of one read fit together, whatever is appended or merged between them.

use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use wayfold_core::{JourneyEvent, Position};
use wayfold_store::{AppendOutcome, ErrorKind, EventFilter, ReadQuery};

use super::events::{key, mixed, need, plain, plains};
use super::filters::{filters, is_in};
use super::trial::{Caller, Trial, ids, positions};

/// A log of many small batches: what a store likes to merge.
fn filled(trial: &Trial) -> Caller {
    let log = trial.caller();
    for event in mixed() {
        log.put(&[event]);
    }
    for round in 0..10_u128 {
        log.put(&plains(100 + round * 10, 1 + round % 4, if round % 2 == 0 { "a" } else { "b" }));
    }
    log
}

pub(crate) fn upkeep_changes_nothing(trial: &Trial) {
    let log = filled(trial);
    let (before, head) = (log.all(), log.head());
    for _ in 0..3 {
        log.upkeep();
        let after = log.all();
        assert_eq!(after, before, "upkeep changed what the log holds");
        assert_eq!(log.head(), head);
        let mut back = log.read(&ReadQuery::all().backward(), Position::END, 3);
        back.reverse();
        assert_eq!(back, before, "read backward");
        for (name, filter) in filters() {
            let own: Vec<_> = before.iter().filter(|event| is_in(&filter, event)).cloned().collect();
            assert_eq!(log.read(&filter.into(), Position::START, 2), own, "{name}");
        }
    }
}

pub(crate) fn upkeep_keeps_ids_and_conditions(trial: &Trial) {
    let log = filled(trial);
    let before = log.all();
    log.upkeep();
    assert_eq!(log.append(&before), AppendOutcome::AlreadyTaken { positions: positions(&before) });
    let error = log.try_append(&[need(1, "a")]).expect_err("id 1 is taken");
    assert_eq!(error.kind(), ErrorKind::IdReused);
    let own: Vec<_> = before.iter().filter(|event| event.customer == key("c")).collect();
    let of = |after| log.append_if(&[], EventFilter::customer(key("c")), after);
    let first = own[0].position.expect("a store gives positions");
    assert_eq!(of(Position::START), AppendOutcome::Conflict { position: first });
    let last = own[own.len() - 1].position.expect("a store gives positions");
    assert!(matches!(of(last), AppendOutcome::Appended { .. }));
}

/// Reads page by page and does something between any two pages.
fn read_amid(
    log: &Caller,
    query: &ReadQuery,
    from: Position,
    mut between: impl FnMut(),
) -> Vec<JourneyEvent> {
    let (mut found, mut from) = (Vec::new(), Some(from));
    while let Some(position) = from {
        let page = log.page(query, position, 3);
        found.extend(page.batch.to_events());
        assert!(found.len() < 10_000, "a read does not end");
        from = page.next;
        between();
    }
    found
}

pub(crate) fn forward_pages_fit_amid_appends_and_upkeep(trial: &Trial) {
    let log = filled(trial);
    for (query, first) in [(ReadQuery::all(), 1_000_u128), (ReadQuery::customer(key("a")), 2_000)] {
        let before = log.read(&query, Position::START, 100);
        let mut next = first;
        let found = read_amid(&log, &query, Position::START, || {
            // A store may give a page for each append, so that reading never catches up with writing.
            if next < first + 60 {
                log.put(&[plain(next, "a")]);
                next += 1;
            }
            log.upkeep();
        });
        assert!(found.starts_with(&before), "what was there is not read first: {found:?}");
        let after = log.read(&query, Position::START, 100);
        assert!(ids(&after).starts_with(&ids(&found)), "what is added is not read in its order: {found:?}");
    }
}

pub(crate) fn backward_pages_fit_amid_appends_and_upkeep(trial: &Trial) {
    let log = filled(trial);
    for (query, first) in [(ReadQuery::all(), 1_000_u128), (ReadQuery::customer(key("a")), 2_000)] {
        let mut before = log.read(&query, Position::START, 100);
        before.reverse();
        let mut next = first;
        let found = read_amid(&log, &query.clone().backward(), Position::END, || {
            // A store may give a page for each append, so that reading never catches up with writing.
            if next < first + 60 {
                log.put(&[plain(next, "a")]);
                next += 1;
            }
            log.upkeep();
        });
        assert_eq!(found, before, "read backward");
    }
}

pub(crate) fn reads_fit_while_threads_append_and_merge(trial: &Trial) {
    const READS: usize = 40;
    let log = filled(trial);
    let known = log.all();
    let (written, read) = (AtomicBool::new(false), AtomicBool::new(false));
    thread::scope(|scope| {
        let (log, written, read) = (&log, &written, &read);
        scope.spawn(move || {
            let _written = SetOnDrop(written);
            for round in 0..60_u128 {
                log.put(&plains(1_000 + round * 10, 3, "a"));
            }
        });
        scope.spawn(move || {
            while !read.load(Ordering::SeqCst) {
                log.upkeep();
                thread::yield_now();
            }
        });
        let _read = SetOnDrop(read);
        let mut reads = 0;
        while reads < READS || !written.load(Ordering::SeqCst) {
            reads += 1;
            assert_reads_fit(log, &known);
        }
    });
    assert_eq!(log.all().len(), known.len() + 180);
}

/// Reads everything there and back: what is known comes first, and nothing twice.
fn assert_reads_fit(log: &Caller, known: &[JourneyEvent]) {
    let forward = log.read(&ReadQuery::all(), Position::START, 7);
    assert!(forward.starts_with(known), "what was there is not read first: {forward:?}");
    let places = positions(&forward);
    assert!(places.is_sorted_by(|earlier, later| earlier < later), "events are doubled or out of order");
    let mut back = log.read(&ReadQuery::all().backward(), Position::END, 7);
    back.reverse();
    assert!(ids(&back).starts_with(&ids(&forward)), "a later read backward gives less: {back:?}");
}

/// Tells the others to end, also where a thread ends by a panic.
struct SetOnDrop<'a>(&'a AtomicBool);

impl Drop for SetOnDrop<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::SeqCst);
    }
}
