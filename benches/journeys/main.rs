//! Measures of journeys over workload W, each command in a process of its own: what `cargo xtask bench` starts beside the
//! peers. Every measuring command prints one line of JSON: seconds, peak memory, check figures.

mod memory;
mod questions;
mod store;
mod xes;

use std::error::Error;

use mimalloc::MiMalloc;
use wayfold_benches::Planned;

use crate::questions::Question;

/// As services with many short-lived lists choose one; peers bring theirs.
#[global_allocator]
static ALLOCATOR: MiMalloc = MiMalloc;

const USAGE: &str = "usage, by `cargo xtask bench`:
  journeys memory THREADS W|S EVENTS                     the directly-follows graph of what is in memory case by case
  journeys graph|funnel|retention THREADS AS_OF_US FILE  one measure of a closed store
  journeys once|each THREADS AS_OF_US FILE               ten measures, in one pass or each in a pass of its own
  journeys xes FILE                                      reads an event log in XES into batches in memory
  journeys xes-store FILE STORE                          imports it into a new store";

type Result<T> = std::result::Result<T, Box<dyn Error>>;

fn main() -> Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let told = match arguments.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        ["memory", threads, workload, events] => {
            memory::graph(&Planned::new(workload.parse()?, events.parse()?), threads.parse()?)?
        }
        ["xes", file] => xes::read(file.as_ref())?,
        ["xes-store", file, store] => xes::import(file.as_ref(), store.as_ref())?,
        [question, threads, as_of_us, file] => {
            let question: Question = question.parse()?;
            store::measure(question, threads.parse()?, as_of_us.parse()?, file.as_ref())?
        }
        _ => {
            println!("{USAGE}");
            return Ok(());
        }
    };
    println!("{told}");
    Ok(())
}
