//! What a teller has told and not withdrawn is what the oracle's views say, at every place on the way, whatever arrives
//! in which order, and through restarts.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use std::collections::BTreeMap;

use pollster::block_on;
use wayfold_core::{
    CustomerKey, EventBatch, EventId, Fold, JourneyEvent, NoticeId, Position, ProjectionSet, Refold, Teller,
    Timestamp, Told,
};
use wayfold_store::{EventFilter, EventStore, EventStoreExt, MemoryStore, ReadQuery};
use wayfold_testkit::{Arrival, Case, ChangeFact, Clock, Oracle, Order, Random};

const HISTORIES: u64 = 400;

/// Somebody who listens, and a log to listen to.
struct Listener {
    store: MemoryStore,
    projections: ProjectionSet,
    teller: Teller,
    standing: BTreeMap<NoticeId, ChangeFact>,
    withdrawn: usize,
    refolds: usize,
    restarts: usize,
}

impl Listener {
    fn new(case: &Case, start: Timestamp) -> Self {
        let projections = ProjectionSet::new(case.rules.clone()).unwrap();
        let fold = Fold::new(&projections).with_as_of(start);
        Self {
            // The histories reach to the end of time, and a store refuses what lies beyond its clock.
            store: MemoryStore::new().with_clock(|| Timestamp::MAX),
            teller: Teller::new(fold, Position::START).unwrap(),
            projections,
            standing: BTreeMap::new(),
            withdrawn: 0,
            refolds: 0,
            restarts: 0,
        }
    }

    fn append(&self, batch: &[JourneyEvent]) {
        let _ = block_on(self.store.append(EventBatch::from_events(batch).unwrap(), None)).unwrap();
    }

    /// What the log holds after a position, in a few events a page, and up to where that goes.
    fn read(&self, after: Position) -> (Vec<EventBatch>, Position) {
        let (mut batches, mut last, mut next) = (Vec::new(), after, Some(after));
        while let Some(from) = next {
            let page = block_on(self.store.read(ReadQuery::all(), from, 40)).unwrap();
            last = page.batch.iter().filter_map(|event| event.position()).max().unwrap_or(last);
            next = page.next;
            batches.push(page.batch);
        }
        (batches, last)
    }

    fn history(&self, key: &CustomerKey) -> Vec<EventBatch> {
        block_on(self.store.read_all(EventFilter::customer(key.clone()))).unwrap()
    }

    fn step(&mut self, as_of: Timestamp) {
        let (batches, position) = self.read(self.teller.told().0);
        let refolds: Vec<Refold> = self.teller.step(&batches, position, as_of).unwrap();
        for refold in refolds {
            let history = self.history(&refold.customer);
            self.teller.refold(&refold, &history);
            self.refolds += 1;
        }
        assert_eq!(self.teller.told(), (position, as_of));
        for told in self.teller.take() {
            match told {
                Told::Fact(notice) => {
                    let fact = (notice.customer, notice.at, notice.transition, notice.causes);
                    let twice = self.standing.insert(notice.id, fact);
                    assert_eq!(twice, None, "told twice");
                }
                Told::Withdrawn(notice) => {
                    assert!(self.standing.remove(&notice.id).is_some(), "never told: {notice:?}");
                    self.withdrawn += 1;
                }
            }
        }
    }

    /// Forgets everything but how far it has come, as a process that is started anew.
    fn restart(&mut self) {
        let (position, as_of) = self.teller.told();
        let mut fold = Fold::new(&self.projections).with_as_of(as_of);
        let (batches, last) = self.read(Position::START);
        assert!(last <= position);
        for refold in fold.apply(&batches).refolds {
            fold.refold(&refold, &self.history(&refold.customer));
        }
        self.teller = Teller::new(fold, position).unwrap();
        self.restarts += 1;
    }

    fn check(&self, seed: u64, case: &Case, appended: &BTreeMap<(String, EventId), JourneyEvent>) {
        let events: Vec<JourneyEvent> = appended.values().cloned().collect();
        let mut facts = Oracle::new(events, case.rules.clone()).changes(self.teller.told().1);
        let mut told: Vec<ChangeFact> = self.standing.values().cloned().collect();
        told.sort();
        facts.sort();
        let first = told.iter().zip(&facts).find(|(told, expected)| told != expected);
        assert!(told == facts, "seed {seed}: {} told, {} expected; {first:#?}", told.len(), facts.len());
    }
}

fn listen(seed: u64) -> Listener {
    let case = if seed.is_multiple_of(20) { Case::of_shop(seed) } else { Case::hostile(seed) };
    let mut random = Random::new(seed);
    let order = *random.pick(&Order::ALL);
    let clock = if random.percent(80) { Clock::Stepped } else { Clock::Fixed };
    let arrival = Arrival::new(&case.events, order, clock, case.as_of, seed);
    let mut listener = Listener::new(&case, arrival.start);
    let (mut as_of, mut appended) = (arrival.start, BTreeMap::new());
    for delivery in &arrival.deliveries {
        as_of = delivery.advance_to.unwrap_or(as_of);
        for batch in &delivery.batches {
            listener.append(batch);
            let key = |event: &JourneyEvent| (event.customer.tenant.as_str().to_owned(), event.id);
            appended.extend(batch.iter().map(|event| (key(event), event.clone())));
        }
        listener.step(as_of);
        if random.percent(10) {
            listener.restart();
        }
        if appended.len() < 100 && random.percent(30) {
            listener.check(seed, &case, &appended);
        }
    }
    listener.step(arrival.as_of);
    listener.check(seed, &case, &appended);
    listener
}

#[test]
fn what_was_told_and_not_withdrawn_is_what_the_oracle_says() {
    let (mut standing, mut withdrawn, mut refolds, mut restarts) = (0, 0, 0, 0);
    for seed in 0..HISTORIES {
        let listener = listen(seed);
        standing += listener.standing.len();
        withdrawn += listener.withdrawn;
        refolds += listener.refolds;
        restarts += listener.restarts;
    }
    println!("{standing} notices hold, {withdrawn} were withdrawn, {refolds} refolds, {restarts} restarts");
    assert!(standing > 10_000 && withdrawn > 2_000 && refolds > 2_000 && restarts > 200);
}
