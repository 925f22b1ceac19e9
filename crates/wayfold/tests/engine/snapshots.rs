//! Snapshots: an engine that is opened again goes on as if it had never ended, and uses no states that mean something else.

use std::sync::Arc;

use pollster::block_on;
use wayfold::store::{Checkpoint, CheckpointName, EventStoreExt, FaultStore};
use wayfold::{
    Builder, CustomerAt, CustomerKey, ErrorKind, EventBatch, EventFilter, EventStore, EventView,
    JourneyEvent, MemoryStore, Opened, Position, Projection, Rules, Tenant, Timestamp, Wayfold,
};
use wayfold_testkit::{Arrival, Case, Clock, Oracle, Order, Random};

use crate::support::{registered, surely};

const HISTORIES: u64 = 600;

fn builder(rules: &Rules) -> Builder {
    Builder::new(rules.clone()).unwrap().on_demand().with_checkpoints_every(64)
}

fn opened(wayfold: &Wayfold) -> Opened {
    surely(|| block_on(wayfold.opened()))
}

fn open(store: &(impl EventStore + Clone + 'static)) -> Wayfold {
    block_on(builder(&Rules::default()).open(store.clone())).unwrap()
}

/// A log of three customers, and a snapshot after two of them.
fn log() -> Arc<MemoryStore> {
    let store = Arc::new(MemoryStore::new());
    let wayfold = open(&store);
    block_on(wayfold.append(&[registered("ada", 1, 0), registered("bob", 2, 3)])).unwrap();
    let written = block_on(wayfold.snapshot()).unwrap();
    assert_eq!((written.customers, written.position), (2, block_on(store.head()).unwrap()));
    block_on(wayfold.append(&[registered("eve", 3, 1)])).unwrap();
    store
}

/// Puts bytes into the place of a checkpoint of the snapshot.
fn put(store: &MemoryStore, name: &str, bytes: &[u8]) {
    let name = CheckpointName::new(name).unwrap();
    let position = block_on(store.checkpoint(name.clone())).unwrap().unwrap().position;
    block_on(store.put_checkpoint(name, Checkpoint { position, bytes: bytes.to_vec() })).unwrap();
}

fn bytes(store: &MemoryStore, name: &str) -> Vec<u8> {
    block_on(store.checkpoint(CheckpointName::new(name).unwrap())).unwrap().unwrap().bytes
}

/// Opens a log whose snapshot is not to be used, and checks that everything is there all the same.
#[track_caller]
fn assert_dropped(store: &Arc<MemoryStore>, builder: Builder, why: &str) {
    let wayfold = block_on(builder.open(store.clone())).unwrap();
    let opened = opened(&wayfold);
    let dropped = opened.dropped.as_deref().unwrap();
    assert!(dropped.contains(why), "{dropped}");
    assert_eq!((opened.snapshot, opened.folded), (None, 3));
    assert_eq!(block_on(wayfold.population(wayfold.now())).unwrap().len(), 3);
    // The next snapshot is used again.
    block_on(wayfold.snapshot()).unwrap();
}

#[test]
fn an_engine_goes_on_from_its_snapshot_and_folds_the_rest() {
    let store = log();
    let wayfold = open(&store);
    let found = opened(&wayfold);
    assert_eq!((found.folded, &found.dropped), (1, &None));
    assert!(found.snapshot.is_some_and(|position| position > Position::START));
    assert_eq!(block_on(wayfold.population(wayfold.now())).unwrap().len(), 3);
    block_on(wayfold.close()).unwrap();
    assert_eq!(opened(&open(&store)).folded, 0, "closing writes a snapshot");
}

#[test]
fn a_customer_is_answered_before_anything_is_restored() {
    let store = log();
    let wayfold = block_on(builder(&Rules::default()).on_demand().open(store.clone())).unwrap();
    assert_eq!(block_on(wayfold.customer(&CustomerKey::new("eve").unwrap())).unwrap().unwrap().events, 1);
    assert_eq!(block_on(wayfold.position()), Position::START);
    // Nobody has asked for states, so that closing has none to write.
    block_on(wayfold.close()).unwrap();
    assert_eq!(block_on(wayfold.position()), Position::START);
    assert_eq!(opened(&wayfold).folded, 1);
    assert_eq!(block_on(wayfold.position()), block_on(store.head()).unwrap());
}

#[test]
fn an_engine_that_folds_anew_forgets_the_snapshot() {
    let store = log();
    let wayfold = block_on(builder(&Rules::default()).fold_anew().open(store.clone())).unwrap();
    assert_eq!((opened(&wayfold).snapshot, opened(&wayfold).folded), (None, 3));
    drop(wayfold);
    assert_eq!(opened(&open(&store)).folded, 3, "nothing of it is left");
}

#[test]
fn a_snapshot_under_other_rules_or_of_other_projections_is_not_used() {
    struct Nothing;
    impl Projection for Nothing {
        type State = u64;
        type View = u64;
        fn name(&self) -> &str {
            "nothing"
        }
        fn version(&self) -> u32 {
            1
        }
        fn evolve(&self, _: &mut u64, _: &EventView<'_>) {}
        fn view(&self, state: &u64, _: &CustomerAt<'_>) -> u64 {
            *state
        }
        fn holds_until(&self, _: &u64, _: &CustomerAt<'_>) -> Option<Timestamp> {
            None
        }
    }
    let mut rules = Rules::default();
    (rules.version, rules.lifecycle.churned_after_days) = ("churn-90".to_owned(), 90);
    let store = log();
    let why = "rule lifecycle.churned_after_days is 180 there and 90 here";
    assert_dropped(&store, builder(&rules), why);
    let mut own = builder(&rules);
    own.register(Nothing).unwrap();
    assert_dropped(&store, own, "the projections are");
}

/// As happens by mistake: what was said under the version before would mean something else now.
#[test]
fn a_version_of_rules_is_held_to_its_thresholds() {
    let store = log();
    let mut rules = Rules::default();
    rules.lifecycle.churned_after_days = 90;
    let error = block_on(builder(&rules).open(store.clone())).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidConfiguration);
    assert!(error.to_string().contains("rules of version \"default-1\" were used"), "{error}");
    rules.version = "x".repeat(600);
    let error = block_on(builder(&rules).open(store.clone())).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidConfiguration);
    rules.version = "churn-90".to_owned();
    assert_eq!(opened(&block_on(builder(&rules).open(store)).unwrap()).folded, 3);
}

#[test]
fn a_damaged_snapshot_is_not_used_and_a_cut_log_is_told() {
    let store = log();
    let (directory, part) = ("wayfold/snapshot", "wayfold/snapshot/0/0");
    let good = (bytes(&store, directory), bytes(&store, part));
    let check = |name: &str, bytes: &[u8], why: &str| {
        put(&store, directory, &good.0);
        put(&store, part, &good.1);
        put(&store, name, bytes);
        assert_dropped(&store, builder(&Rules::default()), why);
        assert_eq!(opened(&open(&store)).folded, 0, "the next snapshot counts: {why}");
    };
    check(directory, b"{", "its directory cannot be read");
    check(directory, b"{\"format\":9}", "it has format 9; this program knows format 1");
    check(part, b"", "part 0 is not the one that was written");
    let mut flipped = good.1.clone();
    *flipped.last_mut().unwrap() ^= 1;
    check(part, &flipped, "part 0 is not the one that was written");
    let shorter = Arc::new(MemoryStore::new());
    let name = CheckpointName::new(directory).unwrap();
    let position = Position::from_bytes([1; 16]);
    block_on(shorter.put_checkpoint(name, Checkpoint { position, bytes: good.0.clone() })).unwrap();
    let dropped = opened(&open(&shorter)).dropped.unwrap();
    assert!(dropped.contains("and the log ends at"), "{dropped}");
}

#[test]
fn the_thread_writes_snapshots_as_the_log_grows() {
    let store = Arc::new(MemoryStore::new());
    let wayfold =
        block_on(Builder::new(Rules::default()).unwrap().with_snapshot_every(10).open(store.clone()))
            .unwrap();
    let directory = || block_on(store.checkpoint(CheckpointName::new("wayfold/snapshot").unwrap())).unwrap();
    let start = std::time::Instant::now();
    for id in 0..100 {
        block_on(wayfold.append(&[registered("ada", id, id as u32)])).unwrap();
    }
    while directory().is_none() {
        assert!(start.elapsed() < std::time::Duration::from_secs(30), "no snapshot");
        std::thread::yield_now();
    }
    drop(wayfold);
    assert!(opened(&open(&store)).folded < 100);
}

/// What went on in a run.
#[derive(Debug, Default)]
pub(crate) struct Tally {
    restarts: usize,
    pub(crate) from_snapshots: usize,
    pub(crate) snapshots: usize,
    snapshots_failed: usize,
    pub(crate) swaps: usize,
    swaps_failed: usize,
}

/// Lets a history arrive while the engine is ended, killed amid a snapshot and opened again, over an empty store that is
/// made to fail now and then and whose clock stands at the end of time; then compares it with one that folds the log at
/// once, and with the oracle.
pub(crate) fn live_through(seed: u64, empty: impl EventStore + 'static, tally: &mut Tally) {
    let case = if seed.is_multiple_of(20) { Case::of_shop(seed) } else { Case::hostile(seed) };
    let mut random = Random::new(seed);
    let order = *random.pick(&Order::ALL);
    let arrival = Arrival::new(&case.events, order, Clock::Stepped, case.as_of, seed);
    let mut store = FaultStore::new(empty);
    for _ in 0..random.below(10) {
        let operation = random.between(1, 300) as u64;
        store = if random.percent(50) { store.fail_before(operation) } else { store.fail_after(operation) };
    }
    let store = Arc::new(store);
    let mut now = arrival.start;
    let open = |threads: usize, now: Timestamp, rules: &Rules| {
        surely(|| block_on(builder(rules).with_threads(threads).by_hand(now).open(store.clone())))
    };
    let mut wayfold = open(1, now, &case.rules);
    for delivery in &arrival.deliveries {
        now = delivery.advance_to.unwrap_or(now);
        for batch in &delivery.batches {
            surely(|| block_on(wayfold.append(batch)));
        }
        // The time has moved even if the log could not be read.
        let _ = block_on(wayfold.advance_to(now));
        if random.percent(25) {
            match block_on(wayfold.snapshot()) {
                Ok(_) => tally.snapshots += 1,
                Err(error) => {
                    assert!(error.is_retryable(), "seed {seed}: {error}");
                    tally.snapshots_failed += 1;
                }
            }
        }
        if random.percent(25) {
            wayfold = open(random.between(1, 4) as usize, now, &wayfold.rules());
            tally.restarts += 1;
            tally.from_snapshots += usize::from(opened(&wayfold).snapshot.is_some());
            let dropped = opened(&wayfold).dropped;
            // A swap whose snapshot could not be written leaves that of the rules before.
            assert!(dropped.is_none_or(|why| why.starts_with("rule ")), "seed {seed}");
        }
        if random.percent(8) {
            match swap(&wayfold, &mut random) {
                Ok(()) => tally.swaps += 1,
                Err(error) => {
                    assert!(error.is_retryable(), "seed {seed}: {error}");
                    tally.swaps_failed += 1;
                }
            }
        }
    }
    let case = Case { rules: wayfold.rules(), ..case };
    surely(|| block_on(wayfold.advance_to(arrival.as_of)));
    compare(seed, &case, &wayfold, arrival.as_of);
}

/// Rebuilds under another horizon of churn, and swaps.
fn swap(wayfold: &Wayfold, random: &mut Random) -> wayfold::Result<()> {
    let mut rules = wayfold.rules();
    rules.lifecycle.churned_after_days = random.between(20, 400) as u32;
    rules.version = format!("{:?}", rules.lifecycle);
    let mut rebuild = block_on(wayfold.rebuild(builder(&rules)))?;
    if random.percent(50) {
        block_on(rebuild.step())?;
        block_on(rebuild.keep())?;
    }
    block_on(rebuild.swap())
}

/// The lines of an export, of which each is a customer.
fn lines(export: &[u8]) -> Vec<String> {
    String::from_utf8_lossy(export).lines().map(str::to_owned).collect()
}

/// Compares an engine with one that folds its log at once, and with the oracle.
pub(crate) fn compare(seed: u64, case: &Case, wayfold: &Wayfold, as_of: Timestamp) {
    let log = surely(|| Ok(block_on(wayfold.store().read_all(EventFilter::all()))?));
    let events: Vec<JourneyEvent> = log.iter().flat_map(EventBatch::to_events).collect();
    let fresh = MemoryStore::new().with_clock(|| Timestamp::MAX);
    let fresh = block_on(builder(&case.rules).by_hand(as_of).open(fresh)).unwrap();
    block_on(fresh.append(&events)).unwrap();
    let export = surely(|| block_on(wayfold.export()));
    let (export, expected) = (lines(&export), lines(&block_on(fresh.export()).unwrap()));
    let parts = export.iter().zip(&expected).find(|(own, meant)| own != meant);
    assert!(parts.is_none(), "seed {seed}: exports differ: {parts:#?}");
    assert_eq!(export.len(), expected.len(), "seed {seed}: customers");
    let oracle = Oracle::new(events, case.rules.clone());
    for view in oracle.views(as_of) {
        let own = surely(|| block_on(wayfold.customer(&view.key)));
        assert_eq!(own.as_ref(), Some(&view), "seed {seed}");
    }
    let members = surely(|| block_on(wayfold.population_of(&Tenant::default(), as_of)));
    for member in members.members() {
        let view = oracle.view(&member.key, as_of).unwrap();
        assert_eq!(
            (member.lifecycle, member.class),
            (view.lifecycle.stage, view.segment.class),
            "seed {seed}"
        );
    }
}

#[test]
fn incremental_is_rebuilt_is_the_oracle_through_restarts_snapshots_rebuilds_and_failures() {
    let mut tally = Tally::default();
    for seed in 0..HISTORIES {
        live_through(seed, MemoryStore::new().with_clock(|| Timestamp::MAX), &mut tally);
    }
    println!("{tally:?}");
    assert!(tally.from_snapshots > 600 && tally.snapshots > 900 && tally.snapshots_failed > 10, "{tally:?}");
    assert!(tally.swaps > 200 && tally.swaps_failed > 5, "{tally:?}");
}

/// A directory that was written by an engine amid its death names the parts of the snapshot before.
#[test]
fn a_snapshot_that_fails_at_any_operation_leaves_the_one_before() {
    for operation in 1.. {
        let inner = Arc::new(MemoryStore::new());
        let wayfold = open(&inner);
        block_on(wayfold.append(&[registered("ada", 1, 0)])).unwrap();
        block_on(wayfold.snapshot()).unwrap();
        block_on(wayfold.append(&[registered("bob", 2, 0)])).unwrap();
        drop(wayfold);
        let counting = Arc::new(FaultStore::new(inner.clone()));
        drop(open(&counting));
        let failing = FaultStore::new(inner.clone()).fail_before(counting.operations() + operation);
        let wayfold = open(&Arc::new(failing));
        let written = block_on(wayfold.snapshot());
        drop(wayfold);
        let reopened = open(&inner);
        assert_eq!(opened(&reopened).dropped, None, "operation {operation}");
        assert_eq!(opened(&reopened).folded, u64::from(written.is_err()), "operation {operation}");
        assert_eq!(block_on(reopened.population(reopened.now())).unwrap().len(), 2);
        match written {
            Ok(_) => {
                assert!(operation > 3, "{operation}");
                return;
            }
            Err(error) => assert_eq!(error.kind(), ErrorKind::Unavailable),
        }
    }
}
