//! Random operations on a store and on the memory store side by side, answers compared in full.

mod operation;
mod pair;

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use self::operation::Operation;
use self::pair::Pair;
use super::bench::StoreBench;
use super::case::message;

/// Into how many tests the sequences of one bench are split.
pub const MODEL_PARTS: u64 = 4;

/// Runs a part of the random sequences of a bench, `part` of [`MODEL_PARTS`].
///
/// Every sequence has a log of its own, and comes from its number alone.
///
/// # Errors
/// The first sequence in which the store and the model differ: its seed, the difference, and the fewest of
/// its operations that still show one.
pub fn check_model(bench: &Arc<dyn StoreBench>, part: u64) -> Result<(), String> {
    let sequences = bench.model_sequences();
    let first = sequences * part / MODEL_PARTS;
    (first..sequences * (part + 1) / MODEL_PARTS).try_for_each(|seed| check_sequence(bench, seed))
}

fn check_sequence(bench: &Arc<dyn StoreBench>, seed: u64) -> Result<(), String> {
    let operations = operation::sequence(seed);
    let Some((failed, _)) = difference(bench, &operations) else { return Ok(()) };
    let (fewest, found) = fewest(bench, operations[..=failed].to_vec());
    let steps: Vec<String> = fewest.iter().map(|operation| format!("  {operation:?}\n")).collect();
    Err(format!("seed {seed} differs from the model: {found}\nafter\n{}", steps.concat()))
}

/// The first operation that the two answer differently, and how.
fn difference(bench: &Arc<dyn StoreBench>, operations: &[Operation]) -> Option<(usize, String)> {
    let mut pair = Pair::open(bench);
    for (number, operation) in operations.iter().enumerate() {
        if let Err(panic) = catch_unwind(AssertUnwindSafe(|| pair.apply(operation))) {
            return Some((number, message(panic.as_ref())));
        }
    }
    None
}

/// Leaves out every operation, from the last back, without which the two still differ.
fn fewest(bench: &Arc<dyn StoreBench>, mut operations: Vec<Operation>) -> (Vec<Operation>, String) {
    let mut found =
        difference(bench, &operations).map_or_else(|| "not every time".to_owned(), |(_, how)| how);
    for place in (0..operations.len()).rev() {
        let mut fewer = operations.clone();
        fewer.remove(place);
        if let Some((_, how)) = difference(bench, &fewer) {
            (operations, found) = (fewer, how);
        }
    }
    (operations, found)
}
