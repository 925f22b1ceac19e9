//! Answers about a whole workload, each command in a process of its own: what `cargo xtask bench` starts beside the
//! peers. Every measuring command prints one line of JSON.

mod asked;
mod memory;
mod rebuild;

use std::error::Error;
use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::Path;

use mimalloc::MiMalloc;
use serde_json::json;
use wayfold::{EventBatch, Timestamp};
use wayfold_benches::{Named, Planned, chunks, make_closed};
use wayfold_core::Fold;

use crate::asked::Question;
use crate::rebuild::Rebuild;

/// As services with many short-lived lists choose one; peers bring theirs.
#[global_allocator]
static ALLOCATOR: MiMalloc = MiMalloc;

const USAGE: &str = "usage, by `cargo xtask bench`:
  answer make fresh|compacted W|S EVENTS FILE  makes a closed store of a workload unless it is there
  answer jsonl W|S EVENTS FILE                 writes what stands of a workload as JSON Lines
  answer about A|B W|S EVENTS                  prints as of when to ask, and what the answer has to be
  answer time A|B THREADS AS_OF_US FILE        measures a rebuild from a closed store, with the built-in projections
  answer alone A|B THREADS AS_OF_US FILE       the same without them
  answer fold|bound W|S EVENTS                 measures a fold in memory, ours or the one written by hand";

/// Beyond so many events the export is not hashed: it is made in memory as a whole.
const EXPORTED_EVENTS_MAX: u64 = 1_000_000;
/// Events of a batch in memory.
const BATCH: usize = 65_536;

type Result<T> = std::result::Result<T, Box<dyn Error>>;

fn main() -> Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    match arguments.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        ["make", state, workload, events, file] => {
            if !Path::new(file).exists() {
                make_closed(file.as_ref(), state.parse()?, planned(workload, events)?.events());
            }
        }
        ["jsonl", workload, events, file] => write_jsonl(&planned(workload, events)?, file.as_ref())?,
        ["about", question, workload, events] => {
            println!("{}", about(question.parse()?, &planned(workload, events)?)?);
        }
        [command @ ("time" | "alone"), question, threads, as_of_us, file] => {
            let as_of = Timestamp::from_micros(as_of_us.parse()?)?;
            let (is_alone, threads, path) = (command == "alone", threads.parse()?, file.as_ref());
            println!("{}", Rebuild { is_alone, threads, as_of, path }.measure(question.parse()?)?);
        }
        ["fold", workload, events] => println!("{}", memory::fold(&planned(workload, events)?)?),
        ["bound", workload, events] => println!("{}", memory::bound(&planned(workload, events)?)?),
        _ => println!("{USAGE}"),
    }
    Ok(())
}

fn planned(workload: &str, events: &str) -> Result<Planned> {
    let (named, events): (Named, u64) = (workload.parse()?, events.parse()?);
    Ok(Planned::new(named, events))
}

/// Writes events in the form in which Wayfold exports them; a peer that knows no retractions gets what stands.
fn write_jsonl(planned: &Planned, path: &Path) -> Result<()> {
    let mut file = BufWriter::new(File::create(path)?);
    for event in planned.standing() {
        wayfold::ingest::write_jsonl(&EventBatch::from_events([&event])?, &mut file)?;
    }
    Ok(file.flush()?)
}

/// As of when a workload is asked about, the hash of the states that one fold gives without store and engine, and the
/// published figures; what there is none of is null.
fn about(question: Question, planned: &Planned) -> Result<serde_json::Value> {
    let as_of = planned.as_of();
    let is_hashed = planned.len() <= EXPORTED_EVENTS_MAX;
    let export_crc32 = is_hashed.then(|| reference(question, planned)).transpose()?;
    let check = question.published(planned);
    Ok(json!({ "as_of_us": as_of.as_micros(), "export_crc32": export_crc32, "check": check }))
}

fn reference(question: Question, planned: &Planned) -> Result<u32> {
    let projections = question.projections()?;
    let mut fold = Fold::new(&projections).with_as_of(planned.as_of());
    let batches: Vec<_> = chunks(planned.events(), BATCH).collect();
    assert!(fold.apply(&batches).refolds.is_empty(), "a history that is folded at once has no late event");
    let mut export = Vec::new();
    fold.export(&mut export)?;
    Ok(crc32fast::hash(&export))
}
