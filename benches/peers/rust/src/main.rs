//! Answer A by event-sourcing peers in Rust, with the projection that is written by hand, and the directly-follows graph by
//! a process-mining peer: what `cargo xtask bench` starts. Each prints one line of JSON: seconds from opening to the answer
//! in memory with its quintiles, or to the graph, peak memory, check figures.

mod cqrs;
mod process_mining;
mod umadb;

use std::error::Error;
use std::time::Instant;

use mimalloc::MiMalloc;
use serde_json::{Value, json};
use wayfold_benches::by_hand::{History, State, answers};
use wayfold_benches::{Planned, peak_rss_kib};
use wayfold_core::{CustomerKey, Timestamp};
use wayfold_testkit::answer_a::{CheckFigures, quintiles};

/// The same as ours.
#[global_allocator]
static ALLOCATOR: MiMalloc = MiMalloc;

const USAGE: &str = "usage, by `cargo xtask bench`:
  wayfold-peers cqrs-memory|cqrs-json W|S EVENTS  replays events from memory, typed or as rows of JSON
  wayfold-peers graph W|S EVENTS                  makes a log in memory into a directly-follows graph
  wayfold-peers umadb-make W|S EVENTS FILE        writes events into a file of UmaDB
  wayfold-peers umadb AS_OF_US FILE               replays them";

type Result<T> = std::result::Result<T, Box<dyn Error>>;

fn main() -> Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    match arguments.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        ["cqrs-memory", workload, events] => println!("{}", cqrs::memory(&planned(workload, events)?)?),
        ["cqrs-json", workload, events] => println!("{}", cqrs::json(&planned(workload, events)?)?),
        ["graph", workload, events] => println!("{}", process_mining::graph(&planned(workload, events)?)?),
        ["umadb-make", workload, events, file] => {
            umadb::make(&History::new(&planned(workload, events)?), file.as_ref())?;
        }
        ["umadb", as_of_us, file] => {
            println!("{}", umadb::measure(Timestamp::from_micros(as_of_us.parse()?)?, file.as_ref())?);
        }
        _ => println!("{USAGE}"),
    }
    Ok(())
}

fn planned(workload: &str, events: &str) -> Result<Planned> {
    Ok(Planned::new(workload.parse()?, events.parse()?))
}

/// Measures from before a replay to the answer.
fn measure(as_of: Timestamp, replay: impl FnOnce() -> Result<Vec<(CustomerKey, State)>>) -> Result<Value> {
    let start = Instant::now();
    let answers = answers(replay()?, as_of)?;
    let each = || answers.iter().map(|(_, answer)| answer);
    let quintiles = quintiles(each());
    let seconds = start.elapsed().as_secs_f64();
    let check = CheckFigures::of(each(), &quintiles).as_row();
    Ok(json!({ "seconds": seconds, "peak_rss_kib": peak_rss_kib(), "check": check }))
}
