//! Decisions: on the newest that is known, again where it has changed, and what happens to events that fail.

use std::cell::Cell;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use pollster::block_on;
use serde::{Deserialize, Serialize};
use wayfold::store::{EventStoreExt, FaultStore};
use wayfold::{
    Actor, Builder, CustomerAt, CustomerKey, Error, ErrorKind, EventBatch, EventBody, EventFilter, EventId,
    EventStore, EventView, Filter, Handle, JourneyEvent, MemoryStore, PointsEarned, PointsRedeemed, Position,
    Projection, Registered, Request, RetryPolicy, Rules, Selection, Span, Start, Timestamp, Uuid, Wayfold,
};
use wayfold_testkit::Random;
use wayfold_testkit::process::times;

/// How many points a customer has.
pub(crate) struct Balance;

#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(crate) struct Points(i64);

impl Projection for Balance {
    type State = Points;
    type View = i64;

    fn name(&self) -> &str {
        "balance"
    }

    fn version(&self) -> u32 {
        1
    }

    fn evolve(&self, state: &mut Points, event: &EventView<'_>) {
        match event.to_event().body {
            EventBody::PointsEarned(earned) => state.0 += earned.points,
            EventBody::PointsRedeemed(redeemed) => state.0 -= redeemed.points,
            _ => {}
        }
    }

    fn view(&self, state: &Points, _customer: &CustomerAt<'_>) -> i64 {
        state.0
    }

    fn holds_until(&self, _state: &Points, _customer: &CustomerAt<'_>) -> Option<Timestamp> {
        None
    }
}

fn start() -> Timestamp {
    Timestamp::parse("2024-01-01").unwrap()
}

fn key(customer: &str) -> CustomerKey {
    CustomerKey::new(customer).unwrap()
}

fn event(customer: &str, body: impl Into<EventBody>) -> JourneyEvent {
    static NEXT: AtomicU64 = AtomicU64::new(1);
    let id = EventId::from_u128(u128::from(NEXT.fetch_add(1, Ordering::Relaxed)));
    JourneyEvent::new(id, key(customer), start(), body)
}

fn earned(customer: &str, points: i64) -> JourneyEvent {
    event(customer, PointsEarned { points, reason: None })
}

fn redeemed(customer: &str, points: i64) -> JourneyEvent {
    event(customer, PointsRedeemed { points, reward: None })
}

/// An engine, and the handle by which it is asked for points.
pub(crate) type Instance = (Wayfold, Handle<Balance>);

pub(crate) fn open(store: impl EventStore + 'static, retries: RetryPolicy) -> Instance {
    let mut builder = Builder::new(Rules::default()).unwrap().by_hand(start()).with_retries(retries);
    let balance = builder.register(Balance).unwrap();
    (block_on(builder.open(store)).unwrap(), balance)
}

/// Tries often and waits shortly.
pub(crate) fn patient() -> RetryPolicy {
    let mut policy = RetryPolicy::default();
    (policy.attempts_max, policy.wait_max_ms) = (1_000, 2);
    policy
}

/// Redeems points if there are enough.
async fn redeem(
    wayfold: &Wayfold,
    balance: Handle<Balance>,
    customer: &str,
    points: i64,
) -> Result<u32, Error> {
    let key = key(customer);
    let decided = wayfold.decide(&key, |standing| {
        // Whoever else decides now meets this one.
        std::thread::yield_now();
        let enough = standing.own_view(balance)?.unwrap_or_default() >= points;
        Ok::<_, Error>(if enough { vec![redeemed(customer, points)] } else { vec![] })
    });
    Ok(decided.await?.attempts)
}

#[test]
fn a_decision_sees_the_writes_before_it_and_may_do_nothing() {
    let (wayfold, balance) = open(MemoryStore::new(), patient());
    block_on(wayfold.append([&earned("ada", 10)])).unwrap();
    for _ in 0..3 {
        block_on(redeem(&wayfold, balance, "ada", 4)).unwrap();
    }
    assert_eq!(block_on(wayfold.own_view(balance, &key("ada"))).unwrap(), Some(2));
    let nobody = block_on(wayfold.decide(&key("bob"), |bob| {
        assert_eq!((bob.view(), bob.seen()), (None, Position::START));
        Ok::<_, Error>(vec![])
    }));
    assert_eq!(nobody.unwrap().positions, []);
}

/// How many tasks decide at the same time, about how many customers, and how often each.
const TASKS: usize = 32;
const CUSTOMERS: usize = 10;

/// Lets many tasks earn and redeem points of a few customers, each by one of the engines over a log; returns decisions and
/// attempts.
pub(crate) fn contend(instances: &[Instance], decisions: usize) -> (usize, u64) {
    let attempts = AtomicU64::new(0);
    std::thread::scope(|scope| {
        for task in 0..TASKS {
            let (attempts, (wayfold, balance)) = (&attempts, &instances[task % instances.len()]);
            scope.spawn(move || {
                let mut random = Random::new(task as u64);
                for _ in 0..decisions {
                    let customer = format!("c{}", random.index(CUSTOMERS));
                    if random.percent(40) {
                        block_on(wayfold.append([&earned(&customer, 2)])).unwrap();
                    }
                    let points = random.between(1, 4);
                    let tried = block_on(redeem(wayfold, *balance, &customer, points)).unwrap();
                    attempts.fetch_add(u64::from(tried), Ordering::Relaxed);
                }
            });
        }
    });
    (TASKS * decisions, attempts.into_inner())
}

/// Whatever order the tasks came to, no customer ever had fewer points than it redeemed.
pub(crate) fn assert_never_below_zero(wayfold: &Wayfold) {
    let mut redemptions = 0;
    for number in 0..CUSTOMERS {
        let filter = EventFilter::customer(key(&format!("c{number}")));
        let mut points = 0;
        for event in
            block_on(wayfold.store().read_all(filter)).unwrap().iter().flat_map(EventBatch::to_events)
        {
            match event.body {
                EventBody::PointsEarned(earned) => points += earned.points,
                EventBody::PointsRedeemed(redeemed) => {
                    points -= redeemed.points;
                    redemptions += 1;
                }
                _ => unreachable!("nobody wrote anything else"),
            }
            assert!(points >= 0, "customer c{number} has {points}");
        }
    }
    assert!(redemptions > 100, "{redemptions}");
}

#[test]
fn points_never_fall_below_zero_whoever_decides_at_the_same_time() {
    let instances = [open(MemoryStore::new(), patient())];
    let (decisions, attempts) = contend(&instances, 40 * times());
    println!("{decisions} decisions in {attempts} attempts");
    assert!(attempts > decisions as u64, "nobody ever met");
    assert_never_below_zero(&instances[0].0);
}

#[cfg(feature = "sqlite")]
#[test]
fn points_never_fall_below_zero_in_one_file_either() {
    let folder =
        std::path::Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("deciding-{}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    let store = wayfold::sqlite::SqliteStore::open(folder.join("log"), Default::default()).unwrap();
    let instances = [open(store, patient())];
    let (decisions, attempts) = contend(&instances, 10 * times());
    println!("{decisions} decisions in {attempts} attempts");
    assert_never_below_zero(&instances[0].0);
    drop(instances);
    std::fs::remove_dir_all(folder).unwrap();
}

#[test]
fn a_customer_that_always_changes_is_a_conflict_after_the_attempts_granted() {
    let mut policy = patient();
    policy.attempts_max = 3;
    let (wayfold, _) = open(MemoryStore::new(), policy);
    let runs = Cell::new(0);
    let error = block_on(wayfold.decide(&key("ada"), |_| {
        runs.set(runs.get() + 1);
        block_on(wayfold.append([&earned("ada", 1)])).unwrap();
        Ok::<_, Error>(vec![redeemed("ada", 1)])
    }));
    let error = error.unwrap_err();
    assert_eq!((error.kind(), error.is_retryable(), runs.get()), (ErrorKind::Conflict, true, 3), "{error}");
    assert!(!error.is_outcome_unknown());
    assert_eq!(block_on(wayfold.customer(&key("ada"))).unwrap().unwrap().events, 3);
}

#[test]
fn events_of_other_customers_make_nobody_decide_again() {
    let (wayfold, _) = open(MemoryStore::new(), patient());
    let decided = block_on(wayfold.decide(&key("ada"), |_| {
        block_on(wayfold.append([&earned("bob", 1)])).unwrap();
        Ok::<_, Error>(vec![earned("ada", 1)])
    }));
    assert_eq!(decided.unwrap().attempts, 1);
}

/// An event that had been written before the outcome was lost was once written again under another id.
#[test]
fn a_decision_whose_outcome_is_lost_is_written_once() {
    for operation in 1..12 {
        let store = FaultStore::new(MemoryStore::new()).fail_after(operation);
        let mut builder = Builder::new(Rules::default()).unwrap().by_hand(start()).on_demand();
        let balance = builder.register(Balance).unwrap();
        let Ok(wayfold) = block_on(builder.with_retries(patient()).open(store)) else { continue };
        let decided = block_on(wayfold.decide(&key("ada"), |_| Ok::<_, Error>(vec![earned("ada", 7)])));
        let points = || block_on(wayfold.own_view(balance, &key("ada")));
        match decided {
            Ok(decided) => assert_eq!(decided.positions.len(), 1),
            // Nothing was tried yet when a read failed.
            Err(error) => {
                assert_eq!(error.kind(), ErrorKind::Unavailable);
                assert_eq!(points().unwrap(), None, "operation {operation}");
                continue;
            }
        }
        let points = points().or_else(|_| points()).unwrap();
        assert_eq!(points, Some(7), "operation {operation}");
    }
}

#[test]
fn what_the_closure_refuses_writes_nothing_and_comes_back_as_it_is() {
    #[derive(Debug, PartialEq)]
    enum Refusal {
        TooPoor,
        Engine(String),
    }
    impl From<Error> for Refusal {
        fn from(error: Error) -> Self {
            Self::Engine(error.to_string())
        }
    }
    let (wayfold, _) = open(MemoryStore::new(), patient());
    let refused = block_on(wayfold.decide(&key("ada"), |_| Err(Refusal::TooPoor)));
    assert_eq!(refused, Err(Refusal::TooPoor));
    let foreign = block_on(wayfold.decide(&key("ada"), |_| Ok::<_, Refusal>(vec![earned("bob", 1)])));
    let Err(Refusal::Engine(message)) = foreign else { panic!("{foreign:?}") };
    assert!(message.contains("of customer bob, and the decision about customer ada"), "{message}");
    assert_eq!(block_on(wayfold.store().head()).unwrap(), Position::START);
}

#[test]
fn a_closure_that_panics_is_an_error_and_the_engine_goes_on() {
    let (wayfold, balance) = open(MemoryStore::new(), patient());
    let panicked = block_on(wayfold.decide(&key("ada"), |_| -> Result<_, Error> { panic!("no {}", "luck") }));
    let error = panicked.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Panicked);
    assert_eq!(error.to_string(), "the decision about customer ada panicked: no luck");
    block_on(wayfold.append([&earned("ada", 3)])).unwrap();
    block_on(redeem(&wayfold, balance, "ada", 3)).unwrap();
    assert_eq!(block_on(wayfold.own_view(balance, &key("ada"))).unwrap(), Some(0));
}

#[test]
fn an_event_that_is_not_due_yet_is_not_seen_and_guards_all_the_same() {
    let (wayfold, balance) = open(MemoryStore::new(), patient());
    let mut tomorrow = earned("ada", 5);
    tomorrow.occurred_at = (start() + Span::from_days(1)).into();
    block_on(wayfold.append([&tomorrow])).unwrap();
    assert_eq!(block_on(redeem(&wayfold, balance, "ada", 5)).unwrap(), 1);
    assert_eq!(block_on(wayfold.own_view(balance, &key("ada"))).unwrap(), None);
    block_on(wayfold.advance_to(start() + Span::from_days(1))).unwrap();
    assert_eq!(block_on(wayfold.own_view(balance, &key("ada"))).unwrap(), Some(5));
}

#[test]
fn actor_and_correlation_of_a_request_are_in_its_events_unless_they_have_their_own() {
    let (wayfold, _) = open(MemoryStore::new(), patient());
    let clerk = |person: &str| Actor { team: None, person: Some(person.to_owned()) };
    let request = Request::new().with_actor(clerk("kim")).with_correlation(Uuid::from_u128(9));
    let own = earned("ada", 1).with_actor(clerk("lee"));
    let asked = wayfold.request(&request);
    block_on(asked.append([&own])).unwrap();
    let ada = key("ada");
    let decide = asked.decide(&ada, |_| Ok::<_, Error>(vec![event("ada", Registered {})]));
    block_on(decide).unwrap();
    let batches = block_on(wayfold.store().read_all(EventFilter::all())).unwrap();
    let events = batches.iter().flat_map(EventBatch::to_events);
    let told: Vec<_> = events.map(|event| (event.actor, event.correlation)).collect();
    let correlation = Some(Uuid::from_u128(9));
    assert_eq!(told, [(clerk("lee"), correlation), (clerk("kim"), correlation)]);
}

/// A handler of a web service is a future that moves between threads.
#[test]
fn every_call_can_be_awaited_on_any_thread() {
    fn moves<T: Send>(future: T) -> T {
        future
    }
    let (wayfold, balance) = open(MemoryStore::new(), patient());
    let (ada, events) = (key("ada"), [earned("ada", 1)]);
    block_on(moves(wayfold.append(&events))).unwrap();
    block_on(moves(wayfold.decide(&ada, |_| Ok::<_, Error>(vec![])))).unwrap();
    block_on(moves(wayfold.customer(&ada))).unwrap();
    block_on(moves(wayfold.own_view(balance, &ada))).unwrap();
    block_on(moves(wayfold.population(start()))).unwrap();
    block_on(moves(wayfold.customers(&Selection::new(Filter::default())))).unwrap();
    block_on(moves(wayfold.backtest(&Rules::default(), &[start()]))).unwrap();
    let mut notices = block_on(moves(wayfold.subscribe_as("crm", Start::Beginning))).unwrap();
    block_on(moves(notices.next())).unwrap();
    block_on(moves(notices.commit())).unwrap();
    let mut rebuild = block_on(moves(wayfold.rebuild(Builder::new(Rules::default()).unwrap()))).unwrap();
    block_on(moves(rebuild.step())).unwrap();
    block_on(moves(rebuild.difference(start()))).unwrap();
    block_on(moves(rebuild.swap())).unwrap();
    block_on(moves(wayfold.close())).unwrap();
}

#[test]
fn a_decision_knows_what_it_has_written_before_also_by_a_clock_that_goes_back() {
    let now = Arc::new(std::sync::atomic::AtomicI64::new(start().as_micros()));
    let (of_store, of_engine) = (now.clone(), now.clone());
    let read =
        |now: &std::sync::atomic::AtomicI64| Timestamp::from_micros(now.load(Ordering::SeqCst)).unwrap();
    let store = MemoryStore::new().with_clock(move || read(&of_store));
    let mut builder =
        Builder::new(Rules::default()).unwrap().with_clock(move || read(&of_engine)).on_demand();
    let balance = builder.register(Balance).unwrap();
    let wayfold = block_on(builder.open(store)).unwrap();
    let ada = key("ada");
    let id = EventId::from_u128(77);
    let earn = || {
        block_on(wayfold.decide(&ada, |standing| {
            if standing.holds(id) {
                assert_eq!(standing.own_view(balance)?, Some(5), "as of {}", standing.as_of());
                return Ok(vec![]);
            }
            let earned = PointsEarned { points: 5, reason: None };
            Ok::<_, Error>(vec![JourneyEvent::new(id, ada.clone(), standing.as_of(), earned)])
        }))
    };
    assert_eq!(earn().unwrap().new, 1);
    now.fetch_sub(3_600_000_000, Ordering::SeqCst);
    assert_eq!(earn().unwrap().new, 0);
}

/// Retries of one request are joined by its correlation, so that the same events stay the same.
#[test]
fn a_request_that_is_made_again_changes_nothing() {
    let wayfold = Arc::new(open(MemoryStore::new(), patient()).0);
    let request = Request::new().with_correlation(Uuid::from_u128(3));
    let first = earned("ada", 1);
    assert_eq!(block_on(wayfold.request(&request).append([&first])).unwrap().new, 1);
    assert_eq!(block_on(wayfold.request(&request).append([&first])).unwrap().new, 0);
    let other = Request::new().with_correlation(Uuid::from_u128(4));
    let error = block_on(wayfold.request(&other).append([&first])).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::IdReused);
}
