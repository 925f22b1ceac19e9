//! Stores side by side: durable appends, reads of everything and of one customer, fresh and compacted.
//!
//! `WAYFOLD_BENCH_EVENTS` says how many events of W the loaded stores hold. `bare` is an insert of as many bytes
//! into a table of a blank SQLite file, as durable as the store: what is left to gain.

use std::path::PathBuf;

use criterion::measurement::WallTime;
use criterion::{
    BatchSize, BenchmarkGroup, BenchmarkId, Criterion, Throughput, criterion_group, criterion_main,
};
use futures_util::future::join_all;
use pollster::block_on;
use wayfold_benches::{Bare, Ids, NewEvents, Workload, new_tag, remove_store};
use wayfold_core::{CustomerKey, EventBatch, Position};
use wayfold_sqlite::{SqliteConfig, SqliteStore};
use wayfold_store::{
    AppendCondition, AppendOutcome, EventFilter, EventStore, EventStoreExt, MemoryStore, ReadQuery,
};
use wayfold_testkit::Random;

fn append(store: &dyn EventStore, batch: EventBatch, condition: Option<AppendCondition>) {
    let outcome = block_on(store.append(batch, condition)).expect("the store takes events");
    assert!(matches!(outcome, AppendOutcome::Appended { .. }), "every event is new");
}

/// A folder beside the build's files, on the disk that a store would be on.
fn folder() -> PathBuf {
    let folder = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("store-bench");
    std::fs::create_dir_all(&folder).expect("the target folder can be written");
    folder
}

fn new_file(name: &str) -> PathBuf {
    let path = folder().join(name);
    remove_store(&path);
    path
}

fn sqlite(path: PathBuf) -> SqliteStore {
    SqliteStore::open(path, SqliteConfig::default()).expect("the file can be opened")
}

fn load(store: &dyn EventStore, workload: &Workload) {
    workload.events.chunks(10_000).for_each(|chunk| {
        append(store, EventBatch::from_events(chunk).expect("events of a workload are valid"), None);
    });
}

fn appends(group: &mut BenchmarkGroup<'_, WallTime>, name: &str, store: &dyn EventStore, source: &NewEvents) {
    for (ids, ids_name) in [(Ids::V7, "v7"), (Ids::V5, "v5")] {
        for size in [1, 100, 10_000] {
            group.throughput(Throughput::Elements(size as u64));
            group.bench_function(BenchmarkId::new(format!("{name}/append_{ids_name}"), size), |bencher| {
                let next = || source.batch(ids, size);
                bencher.iter_batched(next, |batch| append(store, batch, None), BatchSize::PerIteration);
            });
        }
    }
    group.throughput(Throughput::Elements(1));
    group.bench_function(format!("{name}/append_on_a_new_tag"), |bencher| {
        let next = || new_tag(source.event(Ids::V7));
        let append = |(batch, condition)| append(store, batch, Some(condition));
        bencher.iter_batched(next, append, BatchSize::PerIteration);
    });
    group.throughput(Throughput::Elements(256));
    group.bench_function(format!("{name}/append_256_callers"), |bencher| {
        let next = || (0..256).map(|_| source.batch(Ids::V7, 1)).collect::<Vec<_>>();
        let all = |batches: Vec<_>| {
            let outcomes = block_on(join_all(batches.into_iter().map(|batch| store.append(batch, None))));
            assert!(outcomes.iter().all(Result::is_ok), "every event is new");
        };
        bencher.iter_batched(next, all, BatchSize::PerIteration);
    });
}

fn reads(
    group: &mut BenchmarkGroup<'_, WallTime>,
    name: &str,
    store: &dyn EventStore,
    customers: &[CustomerKey],
) {
    let count = || {
        let batches = block_on(store.read_all(EventFilter::all())).expect("the log can be read");
        batches.iter().map(EventBatch::len).sum::<usize>()
    };
    group.throughput(Throughput::Elements(count() as u64));
    group.bench_function(format!("{name}/read_all"), |bencher| bencher.iter(count));
    group.throughput(Throughput::Elements(1));
    group.bench_function(format!("{name}/one_customer"), |bencher| {
        let mut random = Random::new(1);
        bencher.iter(|| {
            let query = ReadQuery::customer(random.pick(customers).clone());
            block_on(store.read(query, Position::START, 100_000)).expect("the log can be read").batch.len()
        });
    });
}

fn inserts(group: &mut BenchmarkGroup<'_, WallTime>, source: &NewEvents) {
    let bare = Bare::open(&new_file("bare.db"));
    for size in [1, 100, 10_000] {
        let bytes = wayfold_block::write_fresh(1, &source.batch(Ids::V7, size));
        group.throughput(Throughput::Elements(size as u64));
        group.bench_function(BenchmarkId::new("bare/insert", size), |bencher| {
            bencher.iter(|| bare.insert(&bytes));
        });
    }
}

fn benches(criterion: &mut Criterion) {
    let workload = Workload::w();
    let source = NewEvents::like(workload.events.iter().take(100_000).cloned());
    let mut customers: Vec<_> = workload.events.iter().map(|event| event.customer.clone()).collect();
    customers.sort_unstable();
    customers.dedup();
    let mut group = criterion.benchmark_group("store");
    group.sample_size(20);
    inserts(&mut group, &source);
    appends(&mut group, "memory/fresh", &MemoryStore::new(), &source);
    appends(&mut group, "sqlite/fresh", &sqlite(new_file("fresh.db")), &source);

    let memory = MemoryStore::new();
    load(&memory, &workload);
    reads(&mut group, "memory/loaded", &memory, &customers);
    drop(memory);
    let loaded = sqlite(new_file("loaded.db"));
    load(&loaded, &workload);
    reads(&mut group, "sqlite/loaded", &loaded, &customers);
    loaded.compact().expect("the log can be compacted");
    reads(&mut group, "sqlite/compacted", &loaded, &customers);
    appends(&mut group, "sqlite/compacted", &loaded, &source);
    group.finish();
}

criterion_group!(all, benches);
criterion_main!(all);
