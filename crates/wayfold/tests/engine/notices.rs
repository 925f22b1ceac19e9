//! Subscriptions: what a subscriber has been told is what the oracle says, through restarts, failures and crashes between
//! hearing and saying so.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use pollster::block_on;
use wayfold::store::{Checkpoint, CheckpointName, EventStoreExt, FaultStore};
use wayfold::{
    Builder, Delivery, ErrorKind, EventBatch, EventFilter, EventStore, LifecycleStage, MemoryStore, NoticeId,
    Place, Position, Result, Rules, Span, Start, Subscription, Timestamp, Told, Transition, Wayfold,
};
use wayfold_testkit::{Arrival, Case, ChangeFact, Clock, Oracle, Order, Random};

use crate::support::{day, order, registered, surely};

const HISTORIES: u64 = 150;

fn open(store: impl EventStore + 'static, rules: &Rules, now: Timestamp) -> Result<Wayfold> {
    block_on(
        Builder::new(rules.clone()).unwrap().by_hand(now).on_demand().with_checkpoints_every(64).open(store),
    )
}

/// Whoever keeps what it was told in a place that survives.
#[derive(Default)]
struct Subscriber {
    standing: BTreeMap<NoticeId, ChangeFact>,
    deliveries: usize,
    again: usize,
    restarts: usize,
}

impl Subscriber {
    fn hear(&mut self, delivery: &Delivery) {
        self.deliveries += 1;
        for told in &delivery.told {
            match told.clone() {
                Told::Fact(notice) => {
                    let fact = (notice.customer, notice.at, notice.transition, notice.causes);
                    self.again += usize::from(self.standing.insert(notice.id, fact).is_some());
                }
                Told::Withdrawn(notice) => {
                    self.again += usize::from(self.standing.remove(&notice.id).is_none());
                }
            }
        }
    }
}

fn subscribe(store: &Arc<FaultStore<MemoryStore>>, case: &Case, now: Timestamp) -> (Wayfold, Subscription) {
    let wayfold = surely(|| open(store.clone(), &case.rules, now));
    let subscription = surely(|| block_on(wayfold.subscribe_as("crm", Start::Beginning)));
    (wayfold, subscription)
}

/// Lets a history arrive while somebody listens, is killed now and then, and hears again what it did not confirm.
fn listen(seed: u64) -> Subscriber {
    let case = if seed.is_multiple_of(20) { Case::of_shop(seed) } else { Case::hostile(seed) };
    let mut random = Random::new(seed);
    let order = *random.pick(&Order::ALL);
    let arrival = Arrival::new(&case.events, order, Clock::Stepped, case.as_of, seed);
    let mut store = FaultStore::new(MemoryStore::new().with_clock(|| Timestamp::MAX));
    for _ in 0..random.below(12) {
        let operation = random.between(1, 400) as u64;
        store = if random.percent(50) { store.fail_before(operation) } else { store.fail_after(operation) };
    }
    let store = Arc::new(store);
    let (mut now, mut subscriber) = (arrival.start, Subscriber::default());
    let (mut wayfold, mut subscription) = subscribe(&store, &case, now);
    for delivery in &arrival.deliveries {
        now = delivery.advance_to.unwrap_or(now);
        for batch in &delivery.batches {
            surely(|| block_on(wayfold.append(batch)));
        }
        let _ = block_on(wayfold.advance_to(now));
        while let Some(delivery) = surely(|| block_on(subscription.try_next())) {
            subscriber.hear(&delivery);
            if random.percent(20) {
                // The process ends before it could say that it has heard, or hears no more in this one.
                (wayfold, subscription) = subscribe(&store, &case, now);
                subscriber.restarts += 1;
            }
        }
        if random.percent(20) {
            surely(|| block_on(subscription.commit()));
        }
    }
    surely(|| block_on(wayfold.advance_to(arrival.as_of)));
    while let Some(delivery) = surely(|| block_on(subscription.try_next())) {
        subscriber.hear(&delivery);
    }
    let log = surely(|| Ok(block_on(store.read_all(EventFilter::all()))?));
    let events = log.iter().flat_map(EventBatch::to_events).collect();
    let mut expected = Oracle::new(events, case.rules.clone()).changes(arrival.as_of);
    let mut told: Vec<ChangeFact> = subscriber.standing.values().cloned().collect();
    told.sort();
    expected.sort();
    assert!(told == expected, "seed {seed}: {} told, {} expected", told.len(), expected.len());
    subscriber
}

#[test]
fn what_a_subscriber_was_told_is_what_the_oracle_says_through_restarts_and_failures() {
    let (mut standing, mut deliveries, mut again, mut restarts) = (0, 0, 0, 0);
    for seed in 0..HISTORIES {
        let subscriber = listen(seed);
        standing += subscriber.standing.len();
        deliveries += subscriber.deliveries;
        again += subscriber.again;
        restarts += subscriber.restarts;
    }
    println!(
        "{standing} notices hold after {deliveries} deliveries, {restarts} restarts, {again} told again"
    );
    assert!(standing > 2_000 && deliveries > 1_000 && restarts > 200 && again > 200);
}

#[test]
fn a_subscription_from_now_or_from_an_event_is_told_what_comes_after() {
    let wayfold = open(MemoryStore::new().with_clock(|| day(10)), &Rules::default(), day(10)).unwrap();
    let first = block_on(wayfold.append([&registered("ada", 1, 0)])).unwrap().positions[0];
    let mut now = block_on(wayfold.subscribe(Start::Now)).unwrap();
    let mut after = block_on(wayfold.subscribe(Start::After(first))).unwrap();
    let mut all = block_on(wayfold.subscribe(Start::Beginning)).unwrap();
    assert_eq!(block_on(now.try_next()).unwrap(), None);
    block_on(wayfold.append([&registered("bob", 2, 1)])).unwrap();
    let told = |subscription: &mut Subscription| {
        let mut customers = Vec::new();
        while let Some(delivery) = block_on(subscription.try_next()).unwrap() {
            let of = |told: &Told| told.notice().customer.to_string();
            customers.extend(delivery.told.iter().map(of));
        }
        customers
    };
    assert_eq!([told(&mut now), told(&mut after)], [["bob"], ["bob"]]);
    assert_eq!(told(&mut all), ["ada", "bob"]);
}

/// Churn that was told, and undone while nobody listened, once stood for ever: a position alone does not say what time
/// had told.
#[test]
fn who_resumes_behind_a_delivery_hears_what_was_taken_back_meanwhile() {
    let wayfold = open(MemoryStore::new().with_clock(|| day(900)), &Rules::default(), day(0)).unwrap();
    let mut notices = block_on(wayfold.subscribe(Start::Now)).unwrap();
    block_on(wayfold.append([&order("ada", 1, 0)])).unwrap();
    block_on(notices.next()).unwrap();
    block_on(wayfold.advance_to(day(200))).unwrap();
    let churned = block_on(notices.next()).unwrap().unwrap();
    drop(notices);
    block_on(wayfold.append([&order("ada", 2, 100)])).unwrap();
    // As it would come back in a header.
    let place: Place = churned.place.to_string().parse().unwrap();
    let mut resumed = block_on(wayfold.subscribe(Start::At(place))).unwrap();
    let told = block_on(resumed.next()).unwrap().unwrap().told;
    // That she was at risk before the late order stays true.
    let churned =
        churned.told.iter().map(Told::notice).filter(|notice| notice.at > day(100)).map(|notice| notice.id);
    let withdrawn: Vec<_> =
        told.iter().filter(|told| matches!(told, Told::Withdrawn(_))).map(|told| told.notice().id).collect();
    assert!(churned.clone().count() > 0 && churned.into_iter().all(|id| withdrawn.contains(&id)), "{told:?}");
    for bad in ["", "@", "00@2024-01-01", "nowhere"] {
        assert!(bad.parse::<Place>().is_err(), "{bad:?}");
    }
}

#[test]
fn time_alone_is_told_when_it_is_moved_and_a_late_event_takes_it_back() {
    let wayfold = open(MemoryStore::new().with_clock(|| day(900)), &Rules::default(), day(0)).unwrap();
    let mut notices = block_on(wayfold.subscribe(Start::Now)).unwrap();
    block_on(wayfold.append([&order("ada", 1, 0)])).unwrap();
    assert!(block_on(notices.next()).unwrap().is_some());
    block_on(wayfold.advance_to(day(200))).unwrap();
    let told = block_on(notices.next()).unwrap().unwrap().told;
    let churned = |told: &Told| {
        let to_churned =
            Transition::LifecycleStage { from: Some(LifecycleStage::FirstTime), to: LifecycleStage::Churned };
        let notice = told.notice();
        notice.transition == to_churned && notice.at == day(180).next() && notice.causes.is_empty()
    };
    assert!(told.iter().any(|told| matches!(told, Told::Fact(_)) && churned(told)), "{told:?}");
    block_on(wayfold.append([&order("ada", 2, 100)])).unwrap();
    let told = block_on(notices.next()).unwrap().unwrap().told;
    assert!(told.iter().any(|told| matches!(told, Told::Withdrawn(_)) && churned(told)), "{told:?}");
}

#[test]
fn whoever_waits_hears_of_events_of_time_and_of_the_end() {
    let wayfold = open(MemoryStore::new().with_clock(|| day(900)), &Rules::default(), day(0)).unwrap();
    let mut notices = block_on(wayfold.subscribe(Start::Now)).unwrap();
    let (heard, hears) = std::sync::mpsc::channel();
    let listener = std::thread::spawn(move || {
        while let Some(delivery) = block_on(notices.next()).unwrap() {
            heard.send(delivery.place.as_of).unwrap();
        }
    });
    let hear = || hears.recv_timeout(Duration::from_secs(30)).unwrap();
    block_on(wayfold.append([&order("ada", 1, 0)])).unwrap();
    assert_eq!(hear(), day(0));
    block_on(wayfold.advance_to(day(91))).unwrap();
    assert_eq!(hear(), day(91));
    drop(wayfold);
    listener.join().unwrap();
}

#[test]
fn a_running_clock_tells_what_falls_due() {
    let start = std::time::Instant::now();
    let clock = move || day(90) + Span::from_micros(start.elapsed().as_micros() as i64);
    let store = MemoryStore::new().with_clock(|| day(90));
    let builder = Builder::new(Rules::default()).unwrap().with_clock(clock).on_demand();
    let wayfold = block_on(builder.open(store)).unwrap();
    let mut notices = block_on(wayfold.subscribe(Start::Beginning)).unwrap();
    // At risk after 90 days: in half a second, or by now where the machine is slow.
    let mut order = order("ada", 1, 0);
    order.occurred_at = (day(0) + Span::from_micros(500_000)).into();
    block_on(wayfold.append([&order])).unwrap();
    let due = (day(90) + Span::from_micros(500_000)).next();
    loop {
        let delivery = block_on(notices.next()).unwrap().unwrap();
        let is_due = delivery.told.iter().any(|told| told.notice().at == due);
        assert_eq!(is_due, delivery.place.as_of >= due, "{delivery:?}");
        if is_due {
            return;
        }
    }
}

#[test]
fn a_subscription_refuses_what_it_cannot_go_on_with() {
    let store = Arc::new(MemoryStore::new());
    let rules = Rules::default();
    drop(block_on(open(store.clone(), &rules, day(0)).unwrap().subscribe_as("crm", Start::Now)).unwrap());
    let mut other = rules.clone();
    other.version = "churn-90".to_owned();
    other.lifecycle.churned_after_days = 90;
    let wayfold = open(store.clone(), &other, day(0)).unwrap();
    let error = block_on(wayfold.subscribe_as("crm", Start::Now)).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidConfiguration);
    assert!(error.to_string().contains("subscription \"crm\""), "{error}");
    for (bytes, kind) in [("{", ErrorKind::Corrupt), ("{\"format\":2}", ErrorKind::Unsupported)] {
        let name = CheckpointName::new("wayfold/notices/crm").unwrap();
        let checkpoint = Checkpoint { position: Position::START, bytes: bytes.into() };
        block_on(store.put_checkpoint(name, checkpoint)).unwrap();
        let error = block_on(wayfold.subscribe_as("crm", Start::Now)).unwrap_err();
        assert_eq!(error.kind(), kind, "{error}");
    }
    assert!(block_on(wayfold.subscribe_as(&"x".repeat(600), Start::Now)).is_err());
}
