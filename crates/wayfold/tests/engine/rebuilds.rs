//! Rebuilds beside the live states: progress, resuming, the difference before and the swap, and deaths in between.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use pollster::block_on;
use wayfold::store::{
    AppendCondition, BoxFuture, Capabilities, Checkpoint, CheckpointName, Error, ErrorKind, ReadPage,
};
use wayfold::{
    AppendOutcome, Builder, CustomerKey, EventBatch, EventStore, JourneyEvent, LifecycleStage, MemoryStore,
    Position, ReadQuery, Result, Rules, Timestamp, Wayfold,
};
use wayfold_testkit::{Case, Random};

use crate::support::{day, order};

fn stricter() -> Rules {
    let mut rules = Rules::default();
    (rules.version, rules.lifecycle.churned_after_days) = ("churn-90".to_owned(), 90);
    rules
}

fn builder(rules: &Rules) -> Builder {
    Builder::new(rules.clone())
        .unwrap()
        .by_hand(Timestamp::MAX)
        .with_threads(2)
        .on_demand()
        .with_checkpoints_every(64)
}

fn open(store: impl EventStore + 'static, rules: &Rules) -> Wayfold {
    block_on(builder(rules).open(store)).unwrap()
}

fn export_of(events: &[JourneyEvent], rules: &Rules) -> Vec<u8> {
    let wayfold = open(MemoryStore::new().with_clock(|| Timestamp::MAX), rules);
    block_on(wayfold.append(events)).unwrap();
    block_on(wayfold.export()).unwrap()
}

fn orders(count: u128) -> Vec<JourneyEvent> {
    let customer = |id: u128| format!("c{}", id % 7);
    (0..count).map(|id| order(&customer(id), id, (id * 37 % 400) as u32)).collect()
}

#[test]
fn a_rebuild_says_what_it_changes_and_takes_over_whole() {
    let wayfold = open(MemoryStore::new().with_clock(|| day(500)), &Rules::default());
    let events = orders(40);
    block_on(wayfold.append(&events[..30])).unwrap();
    let mut rebuild = block_on(wayfold.rebuild(builder(&stricter()))).unwrap();
    assert_eq!(block_on(rebuild.progress()).events, 0);
    while block_on(rebuild.step()).unwrap() {}
    let progress = block_on(rebuild.progress());
    assert_eq!((progress.events, progress.of), (30, 0), "the live states fold on demand");
    // What comes meanwhile is in both.
    block_on(wayfold.append(&events[30..])).unwrap();
    let difference = block_on(rebuild.difference(day(500))).unwrap();
    let backtest = block_on(wayfold.backtest(&stricter(), &[day(500)])).unwrap();
    assert_eq!(difference, backtest[0]);
    let early = block_on(rebuild.difference(day(10))).unwrap_err();
    assert_eq!(early.kind(), wayfold::ErrorKind::InvalidQuestion, "{early}");
    assert!(block_on(wayfold.export()).unwrap() == export_of(&events, &Rules::default()));
    block_on(rebuild.swap()).unwrap();
    assert_eq!(wayfold.rules(), stricter());
    assert!(block_on(wayfold.export()).unwrap() == export_of(&events, &stricter()));
    let view = block_on(wayfold.customer(&CustomerKey::new("c0").unwrap())).unwrap().unwrap();
    assert_eq!(view.rules, "churn-90");
}

#[test]
fn a_rebuild_goes_on_from_what_was_kept_and_only_under_the_same_rules() {
    let store = Arc::new(MemoryStore::new().with_clock(|| day(500)));
    let wayfold = open(store.clone(), &Rules::default());
    block_on(wayfold.append(&orders(40))).unwrap();
    let mut rebuild = block_on(wayfold.rebuild(builder(&stricter()))).unwrap();
    while block_on(rebuild.step()).unwrap() {}
    block_on(rebuild.keep()).unwrap();
    drop((rebuild, wayfold));
    let wayfold = open(store.clone(), &Rules::default());
    let rebuild = block_on(wayfold.rebuild(builder(&stricter()))).unwrap();
    assert_eq!(block_on(rebuild.progress()).events, 40);
    assert_eq!(block_on(rebuild.progress()).events_per_second, None, "nothing was folded here yet");
    let mut other = stricter();
    (other.version, other.lifecycle.churned_after_days) = ("churn-60".to_owned(), 60);
    let rebuild_of_others = block_on(wayfold.rebuild(builder(&other))).unwrap();
    assert_eq!(block_on(rebuild_of_others.progress()).events, 0);
    block_on(rebuild.discard()).unwrap();
    let begun_anew = block_on(wayfold.rebuild(builder(&stricter()))).unwrap();
    assert_eq!(block_on(begun_anew.progress()).events, 0);
    let mut mistake = Rules::default();
    mistake.lifecycle.churned_after_days = 3;
    let error = block_on(wayfold.rebuild(builder(&mistake))).unwrap_err();
    assert_eq!(error.kind(), wayfold::ErrorKind::InvalidConfiguration, "{error}");
}

/// Whoever reads sees the old rules or the new ones, never some of each, while the log grows.
#[test]
fn a_swap_is_seen_whole() {
    let wayfold = open(MemoryStore::new().with_clock(|| day(500)), &Rules::default());
    // Ten customers who have churned under the one rules and not under the others.
    let events: Vec<_> = (0..10).map(|id| order(&format!("c{id}"), id, 400)).collect();
    block_on(wayfold.append(&events)).unwrap();
    let done = AtomicBool::new(false);
    std::thread::scope(|scope| {
        let read = || {
            let mut last = 0;
            while !done.load(Ordering::SeqCst) {
                let population = block_on(wayfold.population(day(500))).unwrap();
                let churned =
                    population.members().iter().filter(|member| member.lifecycle == LifecycleStage::Churned);
                let churned = churned.count();
                assert!(churned == 0 || churned == population.len(), "{churned} of {}", population.len());
                assert!(churned >= last, "the old rules came back");
                last = churned.min(1);
            }
        };
        let readers = [scope.spawn(read), scope.spawn(read)];
        for id in 10..60_u128 {
            block_on(wayfold.append([&order(&format!("c{id}"), id, 400)])).unwrap();
            if id == 30 {
                let rebuild = block_on(wayfold.rebuild(builder(&stricter()))).unwrap();
                block_on(rebuild.swap()).unwrap();
            }
        }
        assert_eq!(block_on(wayfold.population(day(500))).unwrap().len(), 60);
        done.store(true, Ordering::SeqCst);
        readers.into_iter().for_each(|reader| reader.join().unwrap());
    });
}

/// A store whose process dies at an operation: before it, or after it took effect; nothing is done from then on.
#[derive(Debug)]
struct Dying {
    inner: Arc<MemoryStore>,
    operations: AtomicU64,
    dies_at: u64,
    takes_effect: bool,
}

impl Dying {
    async fn run<T>(
        &self,
        call: impl Future<Output = std::result::Result<T, Error>>,
    ) -> std::result::Result<T, Error> {
        let number = self.operations.fetch_add(1, Ordering::SeqCst) + 1;
        if number < self.dies_at {
            return call.await;
        }
        if number == self.dies_at && self.takes_effect {
            let _ = call.await;
        }
        Err(Error::new(ErrorKind::Unavailable, "the process has died"))
    }
}

impl EventStore for Dying {
    fn capabilities(&self) -> Capabilities {
        self.inner.capabilities()
    }

    fn append(
        &self,
        batch: EventBatch,
        condition: Option<AppendCondition>,
    ) -> BoxFuture<'_, std::result::Result<AppendOutcome, Error>> {
        Box::pin(self.run(self.inner.append(batch, condition)))
    }

    fn read(
        &self,
        query: ReadQuery,
        from: Position,
        limit: usize,
    ) -> BoxFuture<'_, std::result::Result<ReadPage, Error>> {
        Box::pin(self.run(self.inner.read(query, from, limit)))
    }

    fn head(&self) -> BoxFuture<'_, std::result::Result<Position, Error>> {
        Box::pin(self.run(self.inner.head()))
    }

    fn wait_past(&self, position: Position) -> BoxFuture<'_, std::result::Result<Position, Error>> {
        Box::pin(self.run(self.inner.wait_past(position)))
    }

    fn checkpoint(
        &self,
        name: CheckpointName,
    ) -> BoxFuture<'_, std::result::Result<Option<Checkpoint>, Error>> {
        Box::pin(self.run(self.inner.checkpoint(name)))
    }

    fn put_checkpoint(
        &self,
        name: CheckpointName,
        checkpoint: Checkpoint,
    ) -> BoxFuture<'_, std::result::Result<(), Error>> {
        Box::pin(self.run(self.inner.put_checkpoint(name, checkpoint)))
    }
}

/// A life with everything in it that writes: snapshots, a rebuild that is kept, the swap.
async fn live(store: Dying, events: &[JourneyEvent]) -> Result<()> {
    let wayfold = builder(&Rules::default()).open(store).await?;
    wayfold.append(&events[..events.len() / 2]).await?;
    wayfold.snapshot().await?;
    let mut rebuild = wayfold.rebuild(builder(&stricter())).await?;
    rebuild.step().await?;
    rebuild.keep().await?;
    wayfold.append(&events[events.len() / 2..]).await?;
    rebuild.difference(Timestamp::MAX).await?;
    rebuild.swap().await?;
    wayfold.close().await
}

#[test]
fn a_death_at_any_operation_leaves_a_log_that_opens_right() {
    let (mut deaths, mut from_snapshots, mut resumed) = (0, 0, 0);
    for (seed, takes_effect) in (0..6).flat_map(|seed| [(seed, false), (seed, true)]) {
        let events = Case::hostile(seed).events;
        let mut random = Random::new(seed);
        for dies_at in 1.. {
            let inner = Arc::new(MemoryStore::new().with_clock(|| Timestamp::MAX));
            let store = Dying { inner: inner.clone(), operations: AtomicU64::new(0), dies_at, takes_effect };
            match block_on(live(store, &events)) {
                Ok(()) => break,
                Err(error) => assert_eq!(error.kind(), wayfold::ErrorKind::Unavailable, "{error}"),
            }
            deaths += 1;
            let rules = if random.percent(50) { Rules::default() } else { stricter() };
            let wayfold = open(inner, &rules);
            let opened = block_on(wayfold.opened()).unwrap();
            from_snapshots += u64::from(opened.snapshot.is_some());
            if let Some(why) = &opened.dropped {
                assert!(why.starts_with("rule "), "{why}");
            }
            // Whoever died tries again.
            block_on(wayfold.append(&events)).unwrap();
            assert!(
                block_on(wayfold.export()).unwrap() == export_of(&events, &rules),
                "seed {seed} at {dies_at}"
            );
            let other = if rules == stricter() { Rules::default() } else { stricter() };
            let rebuild = block_on(wayfold.rebuild(builder(&other))).unwrap();
            resumed += u64::from(block_on(rebuild.progress()).events > 0);
            block_on(rebuild.swap()).unwrap();
            assert!(
                block_on(wayfold.export()).unwrap() == export_of(&events, &other),
                "seed {seed} at {dies_at}"
            );
        }
    }
    println!("{deaths} deaths, {from_snapshots} openings from a snapshot, {resumed} rebuilds resumed");
    assert!(deaths >= 100 && from_snapshots > 20 && resumed > 10);
}
