//! The thread that follows the log, time that moves, and states that readers share.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use pollster::block_on;
use wayfold::store::{AppendOutcome, FaultStore, MemoryStore};
use wayfold::{Builder, CustomerKey, ErrorKind, EventBatch, EventStore, Rules, Wayfold};

use crate::support::{day, order};

/// How long a test waits for another thread before it gives up.
const PATIENCE: Duration = Duration::from_secs(30);

fn builder() -> Builder {
    Builder::new(Rules::default()).unwrap().with_threads(2)
}

/// Waits until the live states hold everything that a store holds, without asking for it.
fn wait_until_followed(wayfold: &Wayfold) {
    let start = Instant::now();
    while block_on(wayfold.position()) != block_on(wayfold.store().head()).unwrap() {
        assert!(start.elapsed() < PATIENCE, "nobody follows");
        std::thread::yield_now();
    }
}

#[test]
fn what_anybody_appends_to_the_log_is_folded_without_a_question() {
    let store = Arc::new(MemoryStore::new());
    let wayfold = block_on(builder().open(store.clone())).unwrap();
    for id in 0..50 {
        let batch = EventBatch::from_events([&order("ada", id, id as u32)]).unwrap();
        let outcome = block_on(store.append(batch, None)).unwrap();
        assert!(matches!(outcome, AppendOutcome::Appended { .. }));
    }
    wait_until_followed(&wayfold);
    assert_eq!(block_on(wayfold.catch_up()).unwrap(), 0, "nothing is left to fold");
    assert_eq!(block_on(wayfold.population(day(60))).unwrap().summary().events, 50);
}

#[test]
fn an_engine_on_demand_folds_when_it_is_asked() {
    let wayfold = block_on(builder().on_demand().open(MemoryStore::new())).unwrap();
    block_on(wayfold.append([&order("ada", 1, 0)])).unwrap();
    assert_eq!(block_on(wayfold.catch_up()).unwrap(), 1);
}

#[test]
fn following_goes_on_after_the_store_has_failed() {
    for operation in 1..20 {
        let store = FaultStore::new(MemoryStore::new()).fail_before(operation);
        let Ok(wayfold) = block_on(builder().open(store)) else { continue };
        for id in 0..10 {
            let order = order("ada", id, id as u32);
            if block_on(wayfold.append([&order])).is_err() {
                block_on(wayfold.append([&order])).unwrap();
            }
        }
        let asked = || block_on(wayfold.population(day(60)));
        let population = asked().or_else(|_| asked()).unwrap();
        assert_eq!(population.summary().events, 10, "operation {operation}");
    }
}

#[test]
fn events_that_lie_ahead_are_folded_when_the_time_comes() {
    let store = MemoryStore::new().with_clock(|| day(9));
    let wayfold = block_on(builder().by_hand(day(9)).open(store)).unwrap();
    block_on(wayfold.append(&[order("ada", 1, 0), order("ada", 2, 10), order("bob", 3, 10)])).unwrap();
    let events = |at| block_on(wayfold.population(at)).unwrap().summary().events;
    assert_eq!(block_on(wayfold.newest()).unwrap(), Some(day(0)));
    assert_eq!([events(day(9)), events(day(10))], [1, 3]);
    let ada = CustomerKey::new("ada").unwrap();
    assert_eq!(block_on(wayfold.customer(&ada)).unwrap().unwrap().events, 1);
    block_on(wayfold.advance_to(day(10))).unwrap();
    assert_eq!(block_on(wayfold.newest()).unwrap(), Some(day(10)));
    assert_eq!(block_on(wayfold.customer(&ada)).unwrap().unwrap().events, 2);
    assert_eq!([events(day(9)), events(day(10))], [1, 3]);
    let back = block_on(wayfold.advance_to(day(9))).unwrap_err();
    assert_eq!(back.kind(), ErrorKind::InvalidQuestion, "{back}");
    let running = block_on(builder().open(MemoryStore::new())).unwrap();
    let moved = block_on(running.advance_to(day(0))).unwrap_err();
    assert_eq!(moved.kind(), ErrorKind::InvalidConfiguration, "{moved}");
}

/// Pairs of orders are appended together; a reader that saw one without the other would count an odd number.
#[test]
fn readers_see_whole_batches_while_the_log_grows() {
    let wayfold = block_on(builder().open(MemoryStore::new())).unwrap();
    let done = AtomicBool::new(false);
    std::thread::scope(|scope| {
        let read = || {
            let mut last = 0;
            loop {
                let is_last = done.load(Ordering::SeqCst);
                let events = block_on(wayfold.population(day(400))).unwrap().summary().events;
                assert!(events.is_multiple_of(2) && events >= last, "{events} after {last}");
                last = events;
                if is_last {
                    return last;
                }
            }
        };
        let readers = [scope.spawn(read), scope.spawn(read), scope.spawn(read)];
        for id in 0..300_u128 {
            let (early, late) = (id as u32 % 300, 300 - id as u32 % 300);
            let pair =
                [order("ada", 2 * id, early), order(["bob", "ada"][id as usize % 2], 2 * id + 1, late)];
            block_on(wayfold.append(&pair)).unwrap();
        }
        done.store(true, Ordering::SeqCst);
        for reader in readers {
            assert_eq!(reader.join().unwrap(), 600);
        }
    });
}

#[test]
fn an_engine_that_is_dropped_amid_its_work_leaves_the_log_to_the_next() {
    let store = Arc::new(MemoryStore::new());
    for round in 0..20_u128 {
        let wayfold = block_on(builder().open(store.clone())).unwrap();
        for id in 0..20 {
            block_on(wayfold.append([&order("ada", round * 20 + id, 19 - id as u32)])).unwrap();
        }
        drop(wayfold);
    }
    let wayfold = block_on(builder().open(store.clone())).unwrap();
    assert_eq!(block_on(wayfold.population(day(60))).unwrap().summary().events, 400);
    drop(wayfold);
    assert_eq!(Arc::strong_count(&store), 1, "the thread has ended");
}
