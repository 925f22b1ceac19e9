//! Replays a file of purchases or any other events, and tells what it says about the customers.
//!
//! Without arguments it replays the CDNOW sample that ships with the examples:
//! `cargo run --release --example replay`. Any other file needs a mapping:
//! `cargo run --release --example replay -- --mapping M.toml FILE [--as-of DATE] [--json]`.

mod print;
mod report;

use std::fmt::Write as _;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use clap::Parser;
use indicatif::{ProgressBar, ProgressStyle};
use wayfold::blocking::Wayfold;
use wayfold::ingest::{CsvImport, EventSource, ImportOptions, Mapping, OnBadRow, Rejects};
use wayfold::{Builder, Currency, CustomerKey, EventStore, Rules, StoreUrl, Timestamp};
use wayfold_examples::shipped;

use crate::report::{Question, Read, Report};

/// Replays a file into journey, lifecycle, segment and value.
#[derive(Debug, Parser)]
struct Arguments {
    /// The file; without one, the CDNOW sample.
    #[arg(requires = "mapping")]
    file: Option<PathBuf>,
    /// The TOML mapping that says what the columns are.
    #[arg(long, requires = "file")]
    mapping: Option<PathBuf>,
    /// The instant to answer as of: RFC 3339, or a date, which means its first instant in UTC. Default: the
    /// newest event's.
    #[arg(long, value_name = "DATE")]
    as_of: Option<String>,
    /// The currency of scores and orderings; default: the one with the most purchases.
    #[arg(long)]
    currency: Option<String>,
    /// The customer whose story is told; default: the most eventful of the ten most valuable.
    #[arg(long)]
    customer: Option<String>,
    /// Writes rows that cannot be read to this new file and goes on; without it the first one stops the replay.
    #[arg(long, value_name = "FILE")]
    rejects: Option<PathBuf>,
    /// Where the events are kept: `sqlite:FILE`, `memory:`, which ends with the replay, or, by the feature `postgres`,
    /// `postgres://USER@HOST/DATABASE`.
    #[arg(long, value_name = "URL", default_value = "sqlite:target/replay.db")]
    store: String,
    /// Prints the answers as JSON, documented in docs/guide/replay-json.md.
    #[arg(long)]
    json: bool,
}

fn main() -> ExitCode {
    match replay(&Arguments::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn replay(arguments: &Arguments) -> Result<()> {
    let question = question(arguments)?;
    // Read here, as an error of the arguments shows what was given, which may hold a password.
    let url = arguments.store.parse()?;
    let store = open(&url)?;
    // Nothing is folded beside the import, so that both times are told apart.
    let builder = Builder::new(Rules::default())?.on_demand();
    let (wayfold, open_time) = timed(|| {
        let wayfold = builder.open_blocking(store)?;
        wayfold.catch_up().map(|_| wayfold)
    })?;
    let read = import(&wayfold, arguments)?;
    ensure!(read.events > 0, "{} holds no event; nothing to replay", read.file);
    let (folded, fold_time) = timed(|| wayfold.catch_up())?;
    let report = Report::ask(&wayfold, read, &question)?;
    let mut text = String::new();
    if arguments.json {
        writeln!(text, "{}", serde_json::to_string_pretty(&report)?)?;
    } else {
        print::report(&mut text, &report, &wayfold.rules())?;
        let (opened, ms) = (open_time.as_secs_f64() * 1e3, fold_time.as_secs_f64() * 1e3);
        writeln!(text, "\nOpened {url}, and folded what it held, in {opened:.1} ms.")?;
        if folded > 0 {
            let rate = folded as f64 / fold_time.as_secs_f64();
            writeln!(text, "Folded {folded} new events in {ms:.1} ms: {rate:.0} events/s.")?;
        }
    }
    match std::io::stdout().write_all(text.as_bytes()) {
        // Whoever reads the answers may stop before their end.
        Err(error) if error.kind() == std::io::ErrorKind::BrokenPipe => Ok(()),
        written => Ok(written?),
    }
}

/// Opens the store; the folder of a file is made where there is none.
fn open(store: &StoreUrl) -> Result<Box<dyn EventStore>> {
    if let Some(folder) = store.file().and_then(Path::parent) {
        let failed = || format!("failed to make the folder {}", folder.display());
        std::fs::create_dir_all(folder).with_context(failed)?;
    }
    Ok(store.open_blocking()?)
}

fn question(arguments: &Arguments) -> Result<Question> {
    let as_of = arguments.as_of.as_deref().map(Timestamp::parse).transpose().context("--as-of")?;
    let currency = arguments.currency.as_deref().map(Currency::new).transpose().context("--currency")?;
    let customer = arguments.customer.as_ref().map(CustomerKey::new).transpose().context("--customer")?;
    Ok(Question { as_of, currency, customer })
}

fn import(wayfold: &Wayfold, arguments: &Arguments) -> Result<Read> {
    let named = arguments.mapping.clone().zip(arguments.file.clone());
    let (mapping, file) =
        named.unwrap_or_else(|| (shipped("mappings/cdnow.toml"), shipped("data/cdnow_sample.txt")));
    let mapping = Mapping::load(&mapping)?;
    let bar = progress_bar();
    let drawn = bar.clone();
    let now = Timestamp::from(chrono::Utc::now());
    let mut options = ImportOptions::default().with_now(now).with_on_progress(move |progress| {
        drawn.set_length(progress.bytes_total.unwrap_or(progress.bytes_read));
        drawn.set_position(progress.bytes_read);
        drawn.set_message(format!("{} rows", progress.rows));
    });
    if let Some(path) = &arguments.rejects {
        options = options.with_on_bad_row(OnBadRow::Reject(Rejects::create(path)?));
    }
    let mut source = CsvImport::open(mapping, &file, options).inspect_err(|_| {
        // Nothing was read, so that the file for rejected rows is empty and would be in the way of the next try.
        arguments.rejects.as_ref().map(std::fs::remove_file);
    })?;
    let (imported, time) = timed(|| wayfold.import(&mut source))?;
    bar.finish_and_clear();
    Ok(Read::new(&source.progress(), imported, time))
}

/// Draws to standard error, so that the answers stay alone on standard output.
fn progress_bar() -> ProgressBar {
    let style = ProgressStyle::with_template("{bar:40} {bytes}/{total_bytes} {msg}");
    ProgressBar::new(0).with_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()))
}

fn timed<T>(work: impl FnOnce() -> wayfold::Result<T>) -> Result<(T, Duration)> {
    let start = Instant::now();
    let done = work()?;
    Ok((done, start.elapsed()))
}
