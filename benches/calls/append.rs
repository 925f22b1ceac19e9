//! Durable appends into a store that holds a history, in turn with inserts of the same bytes into a bare table.

use std::time::Instant;

use futures_util::stream::{FuturesUnordered, StreamExt};
use pollster::block_on;
use wayfold::sqlite::{SqliteConfig, SqliteStore};
use wayfold::{AppendCondition, AppendOutcome, EventBatch, EventStore};
use wayfold_benches::{Bare, Ids, Measured, NewEvents, Times, new_tag, remove_store};

use crate::{Result, Stored};

/// Calls of one event, one after the other.
const SINGLE_CALLS: usize = 1_000;
/// Callers in flight, and how many calls they make together.
const CALLERS: usize = 256;
const CALLERS_CALLS: usize = 20_000;
/// Sizes of batches, and how many are appended of each.
const BATCHES: [(usize, usize); 2] = [(100, 200), (10_000, 20)];

const BARE: &str = "bare SQLite insert";

pub(crate) fn measure(stored: &Stored<'_>) -> Result<Vec<Measured>> {
    let store = SqliteStore::open(stored.path, SqliteConfig::default())?;
    let bare_path = stored.path.with_extension("bare");
    remove_store(&bare_path);
    let bare = Bare::open(&bare_path);
    let source = stored.new_events();

    let mut measured = vec![single(&store, &bare, &source)];
    measured.extend(many_callers(&store, &source));
    for (ids, name) in [(Ids::V7, "v7"), (Ids::V5, "v5")] {
        for (size, count) in BATCHES {
            let batches = (0..count).map(|_| source.batch(ids, size)).collect();
            measured.extend(batched(&store, &bare, &format!("A3-{size}-{name}"), batches));
        }
    }
    measured.push(conditional(&store, &source));
    store.close()?;
    drop(bare);
    remove_store(&bare_path);
    Ok(measured)
}

fn append(store: &SqliteStore, batch: EventBatch, condition: Option<AppendCondition>) {
    let outcome = block_on(store.append(batch, condition)).expect("the store takes events");
    assert!(matches!(outcome, AppendOutcome::Appended { .. }), "every event is new");
}

fn single(store: &SqliteStore, bare: &Bare, source: &NewEvents) -> Measured {
    let (mut ours, mut theirs) = (Times::default(), Times::default());
    for _ in 0..SINGLE_CALLS {
        let batch = source.batch(Ids::V7, 1);
        let bytes = wayfold_block::write_fresh(1, &batch);
        ours.time(|| append(store, batch, None));
        theirs.time(|| bare.insert(&bytes));
    }
    Measured::new("A1", ours.percentile_us(50), "us").beside(BARE, theirs.percentile_us(50))
}

/// So many callers in flight at any time, every second one with a condition.
fn many_callers(store: &SqliteStore, source: &NewEvents) -> [Measured; 2] {
    let calls: Vec<_> = (0..CALLERS_CALLS)
        .map(|number| match number % 2 {
            0 => (source.batch(Ids::V7, 1), None),
            _ => {
                let (batch, condition) = new_tag(source.event(Ids::V7));
                (batch, Some(condition))
            }
        })
        .collect();
    let mut times = Times::default();
    let start = Instant::now();
    block_on(async {
        let mut calls = calls.into_iter().map(|(batch, condition)| {
            let start = Instant::now();
            let call = store.append(batch, condition);
            async move { (start, call.await) }
        });
        let mut in_flight: FuturesUnordered<_> = calls.by_ref().take(CALLERS).collect();
        while let Some((start, outcome)) = in_flight.next().await {
            times.push(start);
            assert!(matches!(outcome, Ok(AppendOutcome::Appended { .. })), "every event is new");
            in_flight.extend(calls.next());
        }
    });
    let rate = CALLERS_CALLS as f64 / start.elapsed().as_secs_f64();
    [Measured::new("A2-rate", rate, "events/s"), Measured::new("A2-p99", times.percentile_us(99) / 1e3, "ms")]
}

fn batched(store: &SqliteStore, bare: &Bare, id: &str, batches: Vec<EventBatch>) -> [Measured; 2] {
    let (mut ours, mut theirs) = (Times::default(), Times::default());
    let events = batches.iter().map(EventBatch::len).sum::<usize>() as f64;
    for batch in batches {
        let bytes = wayfold_block::write_fresh(1, &batch);
        ours.time(|| append(store, batch, None));
        theirs.time(|| bare.insert(&bytes));
    }
    let rate = events / ours.sum_s();
    let unit = "events/s";
    [
        Measured::new(format!("{id}-rate"), rate, unit),
        Measured::new(id, rate, unit).beside(BARE, events / theirs.sum_s()),
    ]
}

/// On a tag that was never seen, in turn with the same without a condition.
fn conditional(store: &SqliteStore, source: &NewEvents) -> Measured {
    let (mut ours, mut theirs) = (Times::default(), Times::default());
    for _ in 0..SINGLE_CALLS {
        let (batch, condition) = new_tag(source.event(Ids::V7));
        ours.time(|| append(store, batch, Some(condition)));
        let (batch, _) = new_tag(source.event(Ids::V7));
        theirs.time(|| append(store, batch, None));
    }
    let without = "ours without a condition";
    Measured::new("A4", ours.percentile_us(50), "us").beside(without, theirs.percentile_us(50))
}
