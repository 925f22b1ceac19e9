//! What a fold keeps of a customer, counted by the allocator; the program has no other test, so that nothing else is
//! counted.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use peak_alloc::PeakAlloc;
use wayfold_core::{EventBatch, Fold, ProjectionSet, Rules, Shard};
use wayfold_testkit::answer_a::AnswerA;
use wayfold_testkit::stream::Stream;

#[global_allocator]
static ALLOCATED: PeakAlloc = PeakAlloc;

const EVENTS: u64 = 1_000_000;
const EVENTS_PER_BATCH: usize = 65_536;
const SHARDS: usize = 64;
/// What a customer of W may take with the four built-in projections and answer A: two orders with ids of 36 letters.
const BYTES_MAX: usize = 410;

#[test]
fn a_customer_of_w_takes_few_bytes() {
    let events: Vec<_> = Stream::new(EVENTS).collect();
    let batches: Vec<_> =
        events.chunks(EVENTS_PER_BATCH).map(|events| EventBatch::from_events(events).unwrap()).collect();
    let mut projections = ProjectionSet::new(Rules::default()).unwrap();
    projections.register(AnswerA).unwrap();
    // What batches keep from the first look on is theirs.
    batches.iter().for_each(|batch| assert!(!batch.spreads().is_empty()));
    let before = ALLOCATED.current_usage();
    let mut fold = Fold::new(&projections);
    // As a rebuild reads a log: some customers after the other.
    for shard in (0..SHARDS).map(|index| Shard::new(index, SHARDS)) {
        assert!(fold.apply_of(shard, &batches).refolds.is_empty());
    }
    let bytes = ALLOCATED.current_usage() - before;
    let customers = fold.customers().len();
    println!("{bytes} bytes for {customers} customers: {} each", bytes / customers);
    assert!(bytes / customers <= BYTES_MAX, "{} bytes a customer", bytes / customers);
}
