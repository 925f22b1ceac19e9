//! What a teller has told and not withdrawn is what the oracle's views say, at every place on the way, whatever arrives
//! in which order, and through restarts.

use std::collections::{BTreeMap, BTreeSet};

use pollster::block_on;
use wayfold_core::{
    BehaviourClass, CustomerKey, CustomerView, EventBatch, EventBody, EventId, EventKind, Fold, JourneyEvent,
    JourneyKey, LifecycleStage, NoticeId, OrderId, Outcome, Position, ProjectionSet, PromiseState, Refold,
    Stage, Teller, Timestamp, Told, Transition,
};
use wayfold_store::{EventFilter, EventStore, EventStoreExt, MemoryStore, ReadQuery};
use wayfold_testkit::{Arrival, Case, Clock, Oracle, Order, Random, causal_rank};

const HISTORIES: u64 = 400;

/// A notice without its id.
type Fact = (CustomerKey, Timestamp, Transition, Vec<EventId>);

/// What a view says, as far as notices go.
#[derive(Debug, Default, PartialEq)]
struct Facts {
    stage: Option<LifecycleStage>,
    class: Option<BehaviourClass>,
    stages: BTreeMap<JourneyKey, Stage>,
    outcomes: BTreeMap<JourneyKey, Outcome>,
    promises: BTreeMap<OrderId, PromiseState>,
}

impl Facts {
    fn of(view: &CustomerView) -> Self {
        let (journeys, promises) = (&view.journeys.journeys, &view.journeys.promises);
        Self {
            stage: Some(view.lifecycle.stage),
            class: view.segment.class,
            stages: journeys.iter().filter_map(|view| Some((view.key.clone(), view.stage?))).collect(),
            outcomes: journeys.iter().map(|view| (view.key.clone(), view.outcome)).collect(),
            promises: promises.iter().map(|view| (view.order.clone(), view.state)).collect(),
        }
    }

    fn since(&self, before: &Self) -> Vec<Transition> {
        let mut transitions = Vec::new();
        if let (from, Some(to)) = (before.stage, self.stage) {
            transitions.extend((from != Some(to)).then_some(Transition::LifecycleStage { from, to }));
        }
        let (from, to) = (before.class, self.class);
        transitions.extend((from != to).then_some(Transition::BehaviourClass { from, to }));
        for (journey, from, to) in changes(&before.stages, &self.stages) {
            transitions.push(Transition::JourneyStage { journey, from, to });
        }
        for (journey, from, to) in changes(&before.outcomes, &self.outcomes) {
            transitions.push(Transition::JourneyOutcome { journey, from, to });
        }
        for (order, from, to) in changes(&before.promises, &self.promises) {
            transitions.push(Transition::Promise { order, from, to });
        }
        transitions
    }
}

fn changes<K: Ord + Clone, V: PartialEq + Copy>(
    before: &BTreeMap<K, V>,
    after: &BTreeMap<K, V>,
) -> Vec<(K, Option<V>, Option<V>)> {
    let keys: BTreeSet<&K> = before.keys().chain(after.keys()).collect();
    let of = |key: &K| (key.clone(), before.get(key).copied(), after.get(key).copied());
    keys.into_iter().map(of).filter(|(_, from, to)| from != to).collect()
}

/// Every change of a customer up to an instant, by asking the oracle at each instant at which there may be one.
fn expected(
    events: &[JourneyEvent],
    oracle: &Oracle,
    key: &CustomerKey,
    as_of: Timestamp,
    facts: &mut Vec<Fact>,
) {
    let own: Vec<&JourneyEvent> = events.iter().filter(|event| event.customer == *key).collect();
    let retracted: BTreeSet<EventId> = own.iter().filter_map(|event| target(event)).collect();
    let stands =
        |event: &&JourneyEvent| event.kind() != EventKind::EventRetracted && !retracted.contains(&event.id);
    let mut own: Vec<&JourneyEvent> = own.into_iter().filter(stands).collect();
    own.sort_by_key(|event| {
        (event.occurred_at.instant(), event.sequence, causal_rank(event), event.id.as_u128())
    });
    let mut before = Facts::default();
    let mut next = own.first().map(|event| event.occurred_at.instant());
    while let Some(at) = next.filter(|at| *at <= as_of) {
        let view = oracle.view(key, at).unwrap();
        let now = Facts::of(&view);
        let at_once = own.iter().filter(|event| event.occurred_at.instant() == at);
        let causes: Vec<EventId> = at_once.map(|event| event.id).collect();
        let transitions = now.since(&before).into_iter();
        facts.extend(transitions.map(|transition| (key.clone(), at, transition, causes.clone())));
        before = now;
        let later = own.iter().map(|event| event.occurred_at.instant()).find(|instant| *instant > at);
        let by_time = view.holds_until.map(Timestamp::next);
        next = [later, by_time].into_iter().flatten().min();
    }
}

fn target(event: &JourneyEvent) -> Option<EventId> {
    match &event.body {
        EventBody::EventRetracted(retraction) => Some(retraction.event),
        _ => None,
    }
}

/// Somebody who listens, and a log to listen to.
struct Listener {
    store: MemoryStore,
    projections: ProjectionSet,
    teller: Teller,
    standing: BTreeMap<NoticeId, Fact>,
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
        let oracle = Oracle::new(events.clone(), case.rules.clone());
        let mut facts = Vec::new();
        for key in oracle.customers() {
            expected(&events, &oracle, &key, self.teller.told().1, &mut facts);
        }
        let mut told: Vec<Fact> = self.standing.values().cloned().collect();
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
