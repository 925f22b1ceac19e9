//! Building batches, folding all four projections on one core from batches in memory, asking about all, and saving and
//! restoring their states.
//!
//! `fold/at_once` clusters all batches together, as a rebuild does. `fold/one_by_one` takes batches of 65,536 as
//! they come; on W nothing is late, so that it needs no history (S refolds late customers from histories that a
//! store finds by customer, which a fold alone cannot, so it is measured at once only).

use std::hint::black_box;

use criterion::measurement::WallTime;
use criterion::{BatchSize, BenchmarkGroup, Criterion, Throughput, criterion_group, criterion_main};
use wayfold_benches::{Workload, fold_one_by_one};
use wayfold_core::{
    BehaviourClass, EventBatch, Filter, Fold, Order, Position, ProjectionSet, Rules, Selection, Snapshot,
    SnapshotPart, Teller, Tenant, Timestamp,
};

const BATCH: usize = 65_536;

fn benches(criterion: &mut Criterion) {
    for workload in [Workload::w(), Workload::s()] {
        let mut group = criterion.benchmark_group(workload.name);
        group.sample_size(10).throughput(Throughput::Elements(workload.events.len() as u64));
        let projections = ProjectionSet::new(Rules::default()).expect("the default rules are valid");
        let batches = workload.batches(BATCH);

        group.bench_function("batch_build", |bencher| {
            bencher.iter_batched(
                || (),
                |()| {
                    let build =
                        |chunk| EventBatch::from_events(chunk).expect("events of a workload are valid");
                    workload.events.chunks(BATCH).map(build).collect::<Vec<_>>()
                },
                BatchSize::PerIteration,
            );
        });
        group.bench_function("fold/at_once", |bencher| {
            bencher.iter_batched(
                || Fold::new(&projections),
                |mut fold| {
                    black_box(fold.apply(&batches).folded);
                    fold
                },
                BatchSize::PerIteration,
            );
        });
        if workload.name == "W" {
            group.bench_function("fold/one_by_one", |bencher| {
                bencher.iter_batched(
                    || Fold::new(&projections),
                    |mut fold| {
                        assert_eq!(fold_one_by_one(&mut fold, &batches), 0, "nothing in W is late");
                        fold
                    },
                    BatchSize::PerIteration,
                );
            });
        }
        group.bench_function("population", |bencher| {
            let mut fold = Fold::new(&projections);
            let applied = fold.apply(&batches);
            assert!(applied.refolds.is_empty(), "a history that is folded at once has no late event");
            bencher.iter(|| {
                fold.population(&Tenant::default(), workload.as_of).expect("the fold is complete").summary()
            });
        });
        select(&mut group, &projections, &batches, workload.as_of);
        snapshot(&mut group, &projections, &batches);
        notices(&mut group, &projections, &batches, workload.as_of);
        group.finish();
    }
}

/// The hundred most valuable of those at risk, as a service lists them.
fn select(
    group: &mut BenchmarkGroup<'_, WallTime>,
    projections: &ProjectionSet,
    batches: &[EventBatch],
    as_of: Timestamp,
) {
    let mut fold = Fold::new(projections);
    let _ = fold.apply(batches);
    let at_risk = Filter::field("segment.class").is(BehaviourClass::AtRisk);
    let selection = Selection::new(at_risk).with_order(Order::descending("value.currencies[EUR].net"));
    group.bench_function("select", |bencher| {
        bencher.iter(|| {
            let page = fold.select(&Tenant::default(), as_of, &selection).expect("the fields are there");
            page.matching()
        });
    });
}

/// Saves and restores all states, in memory.
fn snapshot(group: &mut BenchmarkGroup<'_, WallTime>, projections: &ProjectionSet, batches: &[EventBatch]) {
    let mut fold = Fold::new(projections);
    let _ = fold.apply(batches);
    let save = || -> Vec<SnapshotPart> {
        let snapshot = Snapshot::of(std::slice::from_ref(&fold)).expect("no customer waits");
        snapshot.collect::<Result<_, _>>().expect("the states of the built-in projections can be saved")
    };
    let parts = save();
    let bytes: usize = parts.iter().map(|part| part.bytes.len()).sum();
    println!("a snapshot of {} parts and {bytes} bytes", parts.len());
    group.bench_function("snapshot/save", |bencher| {
        bencher.iter_batched(|| (), |()| save(), BatchSize::PerIteration);
    });
    group.bench_function("snapshot/restore", |bencher| {
        bencher.iter_batched(
            || Fold::new(projections),
            |mut fold| {
                for part in &parts {
                    fold.restore_part(&part.bytes).expect("what was saved is restored");
                }
                fold
            },
            BatchSize::PerIteration,
        );
    });
}

/// Tells everything that ever changed for anybody, with nothing late.
fn notices(
    group: &mut BenchmarkGroup<'_, WallTime>,
    projections: &ProjectionSet,
    batches: &[EventBatch],
    as_of: Timestamp,
) {
    let begin = || {
        let fold = Fold::new(projections).with_as_of(Timestamp::MIN);
        Teller::new(fold, Position::START).expect("no customer waits")
    };
    let tell = |mut teller: Teller| {
        let refolds = teller.step(batches, Position::END, as_of).expect("the step goes forward");
        assert!(refolds.is_empty(), "a history that is told at once has no late event");
        teller.take()
    };
    println!("{} notices", tell(begin()).len());
    group.bench_function("notices/from_the_beginning", |bencher| {
        bencher.iter_batched(begin, tell, BatchSize::PerIteration);
    });
}

criterion_group!(all, benches);
criterion_main!(all);
