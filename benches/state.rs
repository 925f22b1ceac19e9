//! What a fold keeps of a customer, counted by the allocator: what `cargo xtask bench` starts.
//!
//! `state W EVENTS` folds batches as a rebuild does, some customers after the other, with the four built-in projections
//! and answer A, and prints one line of JSON, a list of one measure.

use peak_alloc::PeakAlloc;
use wayfold_benches::{Measured, Planned, chunks};
use wayfold_core::{Fold, ProjectionSet, Rules, Shard};
use wayfold_testkit::answer_a::AnswerA;

#[global_allocator]
static ALLOCATED: PeakAlloc = PeakAlloc;

const BATCH: usize = 65_536;
const SHARDS: usize = 256;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [workload, events, ..] = &arguments[..] else {
        println!("usage, by `cargo xtask bench`: state W EVENTS");
        return Ok(());
    };
    let planned = Planned::new(workload.parse()?, events.parse()?);
    let mut projections = ProjectionSet::new(Rules::default())?;
    projections.register(AnswerA)?;
    let batches: Vec<_> = chunks(planned.events(), BATCH).collect();
    // What batches keep from the first look on is theirs.
    batches.iter().for_each(|batch| assert!(!batch.spreads().is_empty()));
    let before = ALLOCATED.current_usage();
    let mut fold = Fold::new(&projections).with_as_of(planned.as_of());
    for shard in (0..SHARDS).map(|index| Shard::new(index, SHARDS)) {
        assert!(fold.apply_of(shard, &batches).refolds.is_empty(), "nothing in W is late");
    }
    let bytes = ALLOCATED.current_usage() - before;
    let customers = fold.customers().len();
    let measured = Measured::new("R3-state", bytes as f64 / customers as f64, "bytes a customer");
    println!("{}", serde_json::to_string(&[measured])?);
    Ok(())
}
