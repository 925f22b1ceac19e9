//! Answer A of workload W, each command in a process of its own: what `cargo xtask bench` starts beside the peers.
//!
//! `answer time THREADS FILE` opens a closed store, folds its log anew with the four built-in projections and answer A
//! as a projection of one's own, asks for everybody's answer with quintiles, and prints one line of JSON. The seconds
//! go from opening the file to the answer in memory; figures and hash are computed after them.

use std::error::Error;
use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::Path;
use std::time::Instant;

use serde_json::json;
use wayfold::sqlite::{SqliteConfig, SqliteStore};
use wayfold::{Builder, EventBatch, Rules, Timestamp};
use wayfold_benches::make_closed;
use wayfold_core::{Fold, ProjectionSet};
use wayfold_testkit::answer_a::{AnswerA, CheckFigures, quintiles};
use wayfold_testkit::stream::Stream;

const USAGE: &str = "usage, by `cargo xtask bench`:
  answer make fresh|compacted EVENTS FILE   makes a closed store of W unless it is there
  answer jsonl EVENTS FILE                  writes W as JSON Lines
  answer reference EVENTS                   folds W from memory and prints the hash of the states
  answer time THREADS FILE                  measures";

/// Beyond so many events the export is not hashed: it is made in memory as a whole.
const EXPORTED_EVENTS_MAX: u64 = 1_000_000;

type Result<T> = std::result::Result<T, Box<dyn Error>>;

fn main() -> Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    match arguments.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        ["make", state, events, file] => make_closed(file.as_ref(), state.parse()?, stream(events)?),
        ["jsonl", events, file] => write_jsonl(stream(events)?, file.as_ref())?,
        ["reference", events] => println!("{}", json!({ "export_crc32": reference(stream(events)?)? })),
        ["time", threads, file] => println!("{}", measure(threads.parse()?, file.as_ref())?),
        _ => println!("{USAGE}"),
    }
    Ok(())
}

fn stream(events: &str) -> Result<Stream> {
    Ok(Stream::new(events.parse()?))
}

fn as_of() -> Timestamp {
    Timestamp::parse("2026-01-01").expect("a date")
}

/// Writes events in the form in which Wayfold exports them.
fn write_jsonl(events: Stream, path: &Path) -> Result<()> {
    let mut file = BufWriter::new(File::create(path)?);
    for event in events {
        wayfold::ingest::write_jsonl(&EventBatch::from_events([&event])?, &mut file)?;
    }
    Ok(file.flush()?)
}

/// The hash of the states that one fold gives, without store and engine.
fn reference(events: Stream) -> Result<u32> {
    let mut projections = ProjectionSet::new(Rules::default())?;
    projections.register(AnswerA)?;
    let batch = EventBatch::from_events(&events.collect::<Vec<_>>())?;
    let mut fold = Fold::new(&projections).with_as_of(as_of());
    assert!(fold.apply(&[batch]).refolds.is_empty(), "a history that is folded at once has no late event");
    let mut export = Vec::new();
    fold.export(&mut export)?;
    Ok(crc32fast::hash(&export))
}

fn measure(threads: usize, path: &Path) -> Result<serde_json::Value> {
    let start = Instant::now();
    let mut builder = Builder::new(Rules::default())?.by_hand(as_of()).with_threads(threads);
    let answer_a = builder.register(AnswerA)?;
    // For reading alone, so that no thread of the store seals beside the measurement and changes the file.
    let mut config = SqliteConfig::default();
    config.scan_threads = threads;
    let store = SqliteStore::open_read_only(path, config)?;
    let wayfold = builder.on_demand().without_snapshots().fold_anew().open_blocking(store)?;
    let folded = start.elapsed();
    let answers = wayfold.own_views(answer_a, as_of())?;
    let asked = start.elapsed();
    let quintiles = quintiles(&answers);
    let seconds = start.elapsed().as_secs_f64();

    let peak_rss_kib = peak_rss_kib()?;
    let events = wayfold.opened().folded;
    let figures = CheckFigures::of(&answers, &quintiles);
    if CheckFigures::published(events).is_some_and(|published| published != figures) {
        return Err(format!("{events} events give {figures:?}, which is not what is published").into());
    }
    let is_exported = events <= EXPORTED_EVENTS_MAX;
    let export = is_exported.then(|| wayfold.export()).transpose()?;
    Ok(json!({
        "seconds": seconds,
        "fold_seconds": folded.as_secs_f64(),
        "views_seconds": (asked - folded).as_secs_f64(),
        "peak_rss_kib": peak_rss_kib,
        "check": figures.as_row(),
        "export_crc32": export.map(|export| crc32fast::hash(&export)),
    }))
}

/// The most memory that this process has had so far.
fn peak_rss_kib() -> Result<u64> {
    let status = std::fs::read_to_string("/proc/self/status")?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    let number = line.and_then(|line| line.split_whitespace().next());
    Ok(number.ok_or("the system does not tell the peak of memory")?.parse()?)
}
