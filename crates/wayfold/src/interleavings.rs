//! Ways in which the engine's threads and tasks meet, thousands of them, each drawn by `shuttle`.
//!
//! Every lock, atomic, wait and operation of the store is a place where another may go on. A deadlock, a wake that is
//! lost and a panic fail, and the schedule that led there is printed. A scenario gets as many schedules as it needs to
//! find the defects that were planted to try it: a lock that is not taken, a wake that is listened for too late.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use std::collections::BTreeSet;
use std::future::poll_fn;
use std::pin::pin;
use std::sync::Arc;
use std::task::Poll;

use shuttle::future::{JoinHandle, block_on, spawn, yield_now};
use shuttle::rand::{Rng, thread_rng};
use shuttle::scheduler::{PctScheduler, RandomScheduler, Scheduler};
use shuttle::{Config, Runner};
use wayfold_core::{
    Currency, CustomerKey, EventBatch, EventBody, EventId, Filter, JourneyEvent, Money, OrderPlaced,
    PointsEarned, PointsRedeemed, Position, Rules, Selection, Span, Tag, Timestamp, Told,
};
use wayfold_store::{
    AppendCondition, AppendOutcome, BoxFuture, Capabilities, Checkpoint, CheckpointName, EventFilter,
    EventStore, EventStoreExt, MemoryStore, ReadPage, ReadQuery,
};

use crate::{Builder, Error, Opened, Start, Subscription, Wayfold};

/// Explores a scenario by so many schedules drawn evenly, and as many that let one go far ahead of the others.
fn explore<S: Future<Output = ()>>(
    schedules: usize,
    scenario: impl Fn() -> S + Clone + Send + Sync + 'static,
) {
    let schedules = schedules * effort();
    run(RandomScheduler::new(schedules), scenario.clone());
    run(PctScheduler::new(4, schedules), scenario);
}

fn run<S: Future<Output = ()>>(
    scheduler: impl Scheduler + 'static,
    scenario: impl Fn() -> S + Send + Sync + 'static,
) {
    let mut config = Config::new();
    config.stack_size = 1 << 20;
    Runner::new(scheduler, config).run(move || block_on(scenario()));
}

/// How many times as long as usual: the whole number in `WAYFOLD_TORTURE`, or 1.
fn effort() -> usize {
    std::env::var("WAYFOLD_TORTURE").ok().and_then(|times| times.parse().ok()).unwrap_or(1)
}

/// A store in which somebody else may come first before each operation and after it.
#[derive(Debug, Default)]
struct Contended(MemoryStore);

async fn contended<T>(operation: impl Future<Output = T>) -> T {
    yield_now().await;
    let done = operation.await;
    yield_now().await;
    done
}

type Stored<'a, T> = BoxFuture<'a, wayfold_store::Result<T>>;

impl EventStore for Contended {
    fn capabilities(&self) -> Capabilities {
        self.0.capabilities()
    }

    fn append(&self, batch: EventBatch, condition: Option<AppendCondition>) -> Stored<'_, AppendOutcome> {
        Box::pin(contended(self.0.append(batch, condition)))
    }

    fn read(&self, query: ReadQuery, from: Position, limit: usize) -> Stored<'_, ReadPage> {
        Box::pin(contended(self.0.read(query, from, limit)))
    }

    fn head(&self) -> Stored<'_, Position> {
        Box::pin(contended(self.0.head()))
    }

    fn wait_past(&self, position: Position) -> Stored<'_, Position> {
        Box::pin(contended(self.0.wait_past(position)))
    }

    fn checkpoint(&self, name: CheckpointName) -> Stored<'_, Option<Checkpoint>> {
        Box::pin(contended(self.0.checkpoint(name)))
    }

    fn put_checkpoint(&self, name: CheckpointName, checkpoint: Checkpoint) -> Stored<'_, ()> {
        Box::pin(contended(self.0.put_checkpoint(name, checkpoint)))
    }
}

fn day(number: u32) -> Timestamp {
    Timestamp::parse("2024-01-01").unwrap() + Span::from_days(number)
}

fn key(customer: &str) -> CustomerKey {
    CustomerKey::new(customer).unwrap()
}

fn order(customer: &str, id: u128, number: u32) -> JourneyEvent {
    let amount = Money::parse("10", Currency::EUR).unwrap();
    let placed = OrderPlaced { lines: vec![], amount, promised_at: None };
    JourneyEvent::new(EventId::from_u128(id), key(customer), day(number), placed)
        .with_tag(Tag::order(format!("o{id}")).unwrap())
}

fn points(body: impl Into<EventBody>) -> JourneyEvent {
    let id = EventId::from_u128(thread_rng().r#gen());
    JourneyEvent::new(id, key("ada"), day(1), body)
}

fn builder(rules: &Rules) -> Builder {
    Builder::new(rules.clone()).unwrap().by_hand(day(300)).with_threads(1).with_snapshot_every(3)
}

fn stricter() -> Rules {
    let mut rules = Rules::default();
    (rules.version, rules.lifecycle.churned_after_days) = ("churn-90".to_owned(), 90);
    rules
}

/// An engine with its thread over an empty log.
async fn opened() -> (Arc<Contended>, Arc<Wayfold>) {
    let store = Arc::new(Contended::default());
    let wayfold = builder(&Rules::default()).open(store.clone()).await.unwrap();
    (store, Arc::new(wayfold))
}

async fn joined<const TASKS: usize>(tasks: [JoinHandle<()>; TASKS]) {
    for task in tasks {
        task.await.unwrap();
    }
}

/// Polls a call a few times and drops it then, wherever it has come to; gives what it had come to an end with.
async fn dropped_half_way<T>(call: impl Future<Output = T>) -> Option<T> {
    let mut call = pin!(call);
    let mut polls = thread_rng().gen_range(0..14);
    poll_fn(|context| {
        if polls == 0 {
            return Poll::Ready(None);
        }
        polls -= 1;
        context.waker().wake_by_ref();
        call.as_mut().poll(context).map(Some)
    })
    .await
}

/// Two events, of two customers, that are written together; the second one's is late.
async fn write_pairs(wayfold: Arc<Wayfold>, writer: u32) {
    for pair in 0..3 {
        let id = u128::from(writer * 10 + pair * 2);
        let early = order(&format!("a{writer}"), id, 250);
        let late = order("b", id + 1, 200 - writer * 10 - pair);
        wayfold.append([&early, &late]).await.unwrap();
    }
}

/// Whatever is seen is of one position: whole appends, never fewer than before.
async fn ask_for_all(wayfold: Arc<Wayfold>) {
    let mut seen = 0;
    for _ in 0..4 {
        let all = wayfold.customers(&Selection::new(Filter::All(vec![]))).await.unwrap();
        let events: u64 = all.customers().map(|customer| customer.events).sum();
        assert!(events.is_multiple_of(2) && events >= seen, "{events} after {seen}");
        seen = events;
    }
}

async fn catch_up(wayfold: Arc<Wayfold>) {
    for _ in 0..6 {
        dropped_half_way(wayfold.catch_up()).await;
    }
}

async fn rebuild(wayfold: Arc<Wayfold>) {
    let mut rebuild = wayfold.rebuild(builder(&stricter())).await.unwrap();
    dropped_half_way(rebuild.step()).await;
    rebuild.keep().await.unwrap();
    rebuild.difference(day(300)).await.unwrap();
    rebuild.swap().await.unwrap();
}

async fn swap(wayfold: Arc<Wayfold>) {
    let rebuild = wayfold.rebuild(builder(&stricter())).await.unwrap();
    dropped_half_way(rebuild.swap()).await;
}

async fn snapshots(wayfold: Arc<Wayfold>) {
    dropped_half_way(wayfold.snapshot()).await;
    wayfold.snapshot().await.unwrap();
}

#[test]
fn questions_meet_writers_and_the_thread_that_follows() {
    explore(400, || async {
        let (store, wayfold) = opened().await;
        let writers = [1, 2].map(|writer| spawn(write_pairs(wayfold.clone(), writer)));
        let readers = [(); 2].map(|()| spawn(ask_for_all(wayfold.clone())));
        let dropping = [(); 2].map(|()| spawn(catch_up(wayfold.clone())));
        joined(writers).await;
        joined(readers).await;
        joined(dropping).await;
        assert_right(&wayfold, store, &Rules::default()).await;
    });
}

#[test]
fn a_question_waits_for_what_was_left_half_done() {
    explore(20_000, || async {
        let engine = builder(&Rules::default()).on_demand().open(Contended::default()).await.unwrap();
        let wayfold = Arc::new(engine);
        wayfold.append([&order("b", 1, 250)]).await.unwrap();
        wayfold.catch_up().await.unwrap();
        let asking = wayfold.clone();
        let asked = spawn(async move { assert!(asking.population(day(300)).await.is_ok()) });
        wayfold.append([&order("b", 2, 200)]).await.unwrap();
        dropped_half_way(wayfold.catch_up()).await;
        joined([asked]).await;
    });
}

#[test]
fn rebuilds_and_swaps_meet_writers_and_questions() {
    explore(400, || async {
        let (store, wayfold) = opened().await;
        let begun = wayfold.rebuild(builder(&stricter())).await.unwrap();
        let tasks = [
            spawn(async move { begun.swap().await.unwrap() }),
            spawn(write_pairs(wayfold.clone(), 1)),
            spawn(rebuild(wayfold.clone())),
            spawn(write_pairs(wayfold.clone(), 2)),
            spawn(catch_up(wayfold.clone())),
            spawn(ask_for_all(wayfold.clone())),
        ];
        joined(tasks).await;
        assert_right(&wayfold, store, &stricter()).await;
    });
}

/// The engine says what one says that folds the whole log under these rules.
async fn assert_right(wayfold: &Wayfold, store: Arc<Contended>, rules: &Rules) {
    let export = wayfold.export().await.unwrap();
    let anew = builder(rules).on_demand().fold_anew().open(store).await.unwrap();
    assert_eq!((wayfold.engine().live_events().await, anew.opened().await.unwrap().folded), (12, 12));
    assert!(export == anew.export().await.unwrap());
}

#[test]
fn what_an_engine_leaves_is_all_that_the_next_one_needs() {
    explore(400, || async {
        let (store, wayfold) = opened().await;
        let closing = wayfold.clone();
        let tasks = [
            spawn(snapshots(wayfold.clone())),
            spawn(write_pairs(wayfold.clone(), 1)),
            spawn(swap(wayfold.clone())),
            spawn(snapshots(wayfold.clone())),
            spawn(async move { closing.close().await.unwrap() }),
        ];
        joined(tasks).await;
        let next = |wayfold: &Wayfold| builder(&wayfold.rules()).on_demand().open(store.clone());
        // It may be of the rules before a swap; of two that were written into each other there is no part to use.
        let dropped = next(&wayfold).await.unwrap().opened().await.unwrap().dropped;
        assert!(dropped.as_ref().is_none_or(|why| why.contains("churned_after_days")), "{dropped:?}");
        wayfold.close().await.unwrap();
        let next = next(&wayfold).await.unwrap();
        assert_eq!(
            next.opened().await.unwrap(),
            Opened { snapshot: Some(next.store().head().await.unwrap()), ..Opened::default() }
        );
        assert!(wayfold.export().await.unwrap() == next.export().await.unwrap());
    });
}

#[test]
fn decisions_that_meet_take_no_point_twice() {
    explore(400, || async {
        let (store, wayfold) = opened().await;
        wayfold.append([&points(PointsEarned { points: 5, reason: None })]).await.unwrap();
        joined([(); 3].map(|()| spawn(redeem_two(wayfold.clone())))).await;
        let balance = balance(&store.read_all(EventFilter::all()).await.unwrap());
        assert_eq!(balance, 1, "two of three get their points");
    });
}

async fn redeem_two(wayfold: Arc<Wayfold>) {
    let (before, redeemed) = (day(0), PointsRedeemed { points: 2, reward: None });
    let ada = key("ada");
    let decided = wayfold.decide(&ada, |ada| {
        assert!(ada.as_of() > before);
        let enough = ada.view().is_some_and(|view| view.events < 3);
        Ok::<_, Error>(if enough { vec![points(redeemed.clone())] } else { vec![] })
    });
    decided.await.unwrap();
}

fn balance(log: &[EventBatch]) -> i64 {
    let change = |event: JourneyEvent| match event.body {
        EventBody::PointsEarned(earned) => earned.points,
        EventBody::PointsRedeemed(redeemed) => -redeemed.points,
        _ => 0,
    };
    log.iter().flat_map(EventBatch::to_events).map(change).sum()
}

#[test]
fn a_subscription_hears_of_time_without_being_woken_by_anything_else() {
    explore(400, || async {
        let wayfold = Arc::new(builder(&Rules::default()).open(Contended::default()).await.unwrap());
        wayfold.append([&order("ada", 1, 250)]).await.unwrap();
        let mut notices = wayfold.subscribe(Start::Now).await.unwrap();
        let heard = spawn(async move {
            assert_eq!(notices.next().await.unwrap().unwrap().place.as_of, day(700));
        });
        wayfold.advance_to(day(700)).await.unwrap();
        joined([heard]).await;
    });
}

#[test]
fn a_subscription_hears_everything_and_ends_when_the_engine_is_closed() {
    explore(400, || async {
        let (_, wayfold) = opened().await;
        let notices = wayfold.subscribe_as("mail", Start::Beginning).await.unwrap();
        let heard = spawn(hear(notices));
        let (writer, mover) = (wayfold.clone(), wayfold.clone());
        let tasks =
            [spawn(write_pairs(writer, 1)), spawn(async move { mover.advance_to(day(500)).await.unwrap() })];
        joined(tasks).await;
        wayfold.close().await.unwrap();
        let mut held = heard.await.unwrap();
        // What was not taken by then comes to the next of the same name.
        let mut rest = wayfold.subscribe_as("mail", Start::Beginning).await.unwrap();
        while let Some(delivery) = rest.try_next().await.unwrap() {
            take(&mut held, delivery.told);
        }
        let mut anew = BTreeSet::new();
        let mut again = wayfold.subscribe(Start::Beginning).await.unwrap();
        while let Some(delivery) = again.try_next().await.unwrap() {
            take(&mut anew, delivery.told);
        }
        assert_eq!(held, anew);
    });
}

/// Hears until the engine is closed; gives what was told and not withdrawn.
async fn hear(mut notices: Subscription) -> BTreeSet<String> {
    let mut held = BTreeSet::new();
    loop {
        let delivery = match dropped_half_way(notices.next()).await {
            Some(delivery) => delivery,
            None => notices.next().await,
        };
        let Some(delivery) = delivery.unwrap() else { return held };
        take(&mut held, delivery.told);
        notices.commit().await.unwrap();
    }
}

fn take(held: &mut BTreeSet<String>, told: Vec<Told>) {
    for told in told {
        match told {
            Told::Fact(notice) => held.insert(notice.id.to_string()),
            Told::Withdrawn(notice) => held.remove(&notice.id.to_string()),
        };
    }
}
